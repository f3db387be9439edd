package cluster

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/jackc/pgx/v5/pgxpool"
	gcaws "gocloud.dev/aws"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/s3blob"
)

// databaseConfig reads the address of a database and refuses one that would send
// patients' data, or the password, over a network in the clear. No error repeats
// the address, which may hold the password.
func databaseConfig(address string, insecure bool) (*pgxpool.Config, error) {
	if !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		return nil, refusef("database: the address must be postgres://user@host:port/name?sslmode=verify-full")
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		// pgx repeats the address, with what it takes for the password left out.
		return nil, refusef("database: the address cannot be read: expected postgres://user@host:port/name?sslmode=verify-full, with special characters of the password written as %%XX, and the files that it names")
	}
	if insecure {
		return config, nil
	}
	first := config.ConnConfig
	clear := first.TLSConfig == nil && !local(first.Host)
	for _, f := range first.Fallbacks { // sslmode=prefer falls back to none
		clear = clear || f.TLSConfig == nil && !local(f.Host)
	}
	if clear {
		return nil, refusef("database: %s is another machine, and the connection would not be encrypted: add sslmode=verify-full to the address (or --insecure, in a network that you trust)", first.Host)
	}
	return config, nil
}

// local tells whether a host is this machine: a loopback address, its usual name, or
// the folder of a socket.
func local(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return host == "localhost" || filepath.IsAbs(host)
}

// openBucket opens the store at an address. Its folder is not empty for one of files.
func openBucket(ctx context.Context, address string, insecure bool) (b *blob.Bucket, folder string, err error) {
	const expected = "expected s3://bucket?region=... or file:///folder"
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return nil, "", refusef("store: the address cannot be read: %s; credentials are taken from the environment, never from the address", expected)
	}
	switch {
	case u.Scheme == "file" && u.Host == "" && filepath.IsAbs(u.Path) && u.RawQuery == "":
		b, err = fileblob.OpenBucket(u.Path, &fileblob.Options{CreateDir: true, DirFileMode: 0o700, NoTempDir: true, Metadata: fileblob.MetadataDontWrite})
		return b, u.Path, err
	case u.Scheme == "s3" && u.Host != "" && strings.Trim(u.Path, "/") == "":
		b, err = openS3(ctx, u, insecure)
		return b, "", err
	}
	return nil, "", refusef("store: the address cannot be read: %s", expected)
}

// openS3 takes the parameters of gocloud.dev's s3blob and aws packages: region,
// endpoint, profile, role, use_path_style, ssetype, kmskeyid and others.
func openS3(ctx context.Context, u *url.URL, insecure bool) (*blob.Bucket, error) {
	q := u.Query()
	take := func(name string) string {
		v := q.Get(name)
		q.Del(name)
		return v
	}
	opts := s3blob.Options{EncryptionType: types.ServerSideEncryption(take("ssetype")), KMSEncryptionID: take("kmskeyid")}
	pathStyle := false
	if v := take("use_path_style"); v != "" {
		var err error
		if pathStyle, err = strconv.ParseBool(v); err != nil {
			return nil, refusef("store: use_path_style=%s: expected true or false", v)
		}
	}
	config, err := gcaws.V2ConfigFromURLParams(ctx, q)
	if err != nil {
		return nil, refusef("store: %w", err)
	}
	if !insecure {
		config.HTTPClient = guarded{config.HTTPClient}
		if endpoint := q.Get("endpoint"); endpoint != "" { // said now rather than at the first photo
			e, err := url.Parse(endpoint)
			if err != nil {
				return nil, refusef("store: the endpoint cannot be read: expected https://host")
			}
			if err := encrypted(e); err != nil {
				return nil, err
			}
		}
	}
	opts.RequestChecksumCalculation = config.RequestChecksumCalculation
	client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = pathStyle })
	return s3blob.OpenBucket(ctx, client, u.Host, &opts)
}

// guarded sends nothing to another machine in the clear, wherever the endpoint comes
// from: the environment and AWS's own files can name one, too.
type guarded struct{ aws.HTTPClient }

func (g guarded) Do(r *http.Request) (*http.Response, error) {
	if err := encrypted(r.URL); err != nil {
		return nil, err
	}
	return g.HTTPClient.Do(r)
}

func encrypted(u *url.URL) error {
	if u.Scheme != "https" && !local(u.Hostname()) {
		return refusef("store: %s is another machine, and the connection would not be encrypted: use an endpoint with https (or --insecure, in a network that you trust)", u.Hostname())
	}
	return nil
}
