package cluster

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/cluster/clustertest"
)

// The connections to database and store are encrypted, and only with a server whose
// certificate somebody who is trusted has signed for its name.
func TestHandshakes(t *testing.T) {
	trusted, stranger := clustertest.NewAuthority(t), clustertest.NewAuthority(t)
	db, s3 := clustertest.StartPostgresTLS(t, trusted), clustertest.StartS3TLS(t, trusted)
	t.Setenv("AWS_CA_BUNDLE", trusted.File)

	c := open(t, db.URL, s3.URL)
	var version string
	check(t, c.pool.QueryRow(t.Context(), `select version from pg_stat_ssl where pid = pg_backend_pid() and ssl`).Scan(&version))
	if version != "TLSv1.3" {
		t.Errorf("the database speaks %q", version)
	}
	submit(t, c, "b1", "v1", 2, func(int) order { return order{Object: "photo"} })

	refuses := func(name, db, s3, want string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		c, err := Open(ctx, Options{DB: db, Store: s3})
		if err == nil {
			c.Close()
			t.Errorf("%s: connected", name)
		} else if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v", name, err)
		}
	}
	refuses("a stranger's database", strings.Replace(db.URL, trusted.File, stranger.File, 1), s3.URL, "certificate signed by unknown authority")
	refuses("a database of another name", strings.Replace(db.URL, "@localhost:", "@127.0.0.1:", 1), s3.URL, "cannot validate certificate for 127.0.0.1")
	clear, _, _ := strings.Cut(db.URL, "?")
	refuses("a database in the clear", clear+"?sslmode=disable", s3.URL, "no encryption")

	store := func(name, url, want string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		b, _, err := openBucket(ctx, url, false)
		check(t, err)
		defer b.Close()
		if err := b.WriteAll(ctx, "x", []byte("photo"), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	store("a store of another name", strings.Replace(s3.URL, "localhost", "127.0.0.1", 1), "cannot validate certificate for 127.0.0.1")
	t.Setenv("AWS_CA_BUNDLE", stranger.File)
	store("a stranger's store", s3.URL, "certificate signed by unknown authority")
}
