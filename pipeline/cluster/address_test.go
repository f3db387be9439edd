package cluster

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const secret = "tr0ub4dor"

// Nothing goes to another machine in the clear, and no error repeats the password.
func TestDatabaseAddress(t *testing.T) {
	for address, ok := range map[string]bool{
		"postgres://u:tr0ub4dor@db.example.org/d?sslmode=verify-full":           true,
		"postgres://u:tr0ub4dor@db.example.org/d?sslmode=require":               true,
		"postgres://u:tr0ub4dor@db.example.org/d":                               false, // prefer: falls back
		"postgres://u:tr0ub4dor@db.example.org/d?sslmode=allow":                 false,
		"postgres://u:tr0ub4dor@db.example.org/d?sslmode=disable":               false,
		"postgres://u:tr0ub4dor@127.0.0.1,db.example.org/d?sslmode=prefer":      false,
		"postgres://u:tr0ub4dor@127.0.0.1.example.org/d?sslmode=disable":        false,
		"postgres://u:tr0ub4dor@127.0.0.1/d":                                    true,
		"postgres://u:tr0ub4dor@[::1]:5433/d?sslmode=disable":                   true,
		"postgres://u:tr0ub4dor@localhost/d":                                    true,
		"postgres:///d?host=/run/postgresql&user=u&password=tr0ub4dor":          true,
		"postgres://u:tr0ub4dor@db.example.org:port/d?sslmode=verify-full":      false,
		"postgres://u:tr0ub4dor%zz@db.example.org/d?sslmode=verify-full":        false,
		"postgres://u:tr0ub4dor@db.example.org/d?sslmode=verify-full&pool=x y%": false,
		"host=db.example.org password=tr0ub4dor sslmode=verify-full":            false,
		"mysql://u:tr0ub4dor@127.0.0.1/d":                                       false,
		"":                                                                      false,
	} {
		_, err := databaseConfig(address, false)
		if ok != (err == nil) {
			t.Errorf("%s: %v", address, err)
		}
		if err != nil && (!errors.Is(err, ErrRefused) || strings.Contains(err.Error(), secret)) {
			t.Errorf("%s: error %q", address, err)
		}
	}
	if _, err := databaseConfig("postgres://u:tr0ub4dor@db.example.org/d?sslmode=disable", true); err != nil {
		t.Errorf("asked to be insecure: %v", err)
	}
}

func TestStoreAddress(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	for address, ok := range map[string]bool{
		"file://" + t.TempDir():                                      true,
		"file://relative":                                            false,
		"file://" + t.TempDir() + "?metadata=x":                      false,
		"s3://bucket?region=eu-central-1":                            true,
		"s3://bucket?region=x&endpoint=https://s3.example.org":       true,
		"s3://bucket?region=x&endpoint=http://127.0.0.1:9000":        true,
		"s3://bucket?region=x&endpoint=http://s3.example.org":        false,
		"s3://bucket?region=x&endpoint=HTTP://127.0.0.1.example.org": false,
		"s3://key:tr0ub4dor@bucket?region=x":                         false,
		"s3://bucket/folder?region=x":                                false,
		"s3://bucket?region=x&use_path_style=perhaps":                false,
		"s3://bucket?region=x&no_such_parameter=1":                   false,
		"gs://bucket": false,
		"":            false,
	} {
		b, _, err := openBucket(t.Context(), address, false)
		if err == nil {
			b.Close()
		}
		if ok != (err == nil) {
			t.Errorf("%s: %v", address, err)
		}
		if err != nil && (!errors.Is(err, ErrRefused) || strings.Contains(err.Error(), secret)) {
			t.Errorf("%s: error %q", address, err)
		}
	}
}

// The endpoint can come from the environment too: then it is refused when something
// is sent.
func TestEndpointOfTheEnvironment(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://s3.example.org")
	s, err := openStore(t.Context(), "s3://bucket?region=x&use_path_style=true", false)
	check(t, err)
	defer s.close()
	o := object("a face")
	err = s.put(t.Context(), objects, o.Hash, o.Open)
	if !errors.Is(err, ErrRefused) || strings.Contains(err.Error(), secret) {
		t.Errorf("sent in the clear: %v", err)
	}
	if errors.As(err, new(storeError)) {
		t.Error("it is no use to wait for it")
	}
	var g guarded
	r, _ := http.NewRequest("GET", "http://s3.example.org/", nil)
	if _, err := g.Do(r); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
}

// An object is either the one that its name says or an error, and only its owner can
// read the store.
func TestStoreOfFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s, err := openStore(t.Context(), "file://"+dir, false)
	check(t, err)
	defer s.close()
	a := object("a face")
	check(t, s.put(t.Context(), objects, a.Hash, a.Open))
	check(t, s.put(t.Context(), objects, a.Hash, object("another face").Open)) // is there already
	out := filepath.Join(t.TempDir(), "out")
	check(t, s.fetch(t.Context(), objects, a.Hash, out))
	if data, _ := os.ReadFile(out); string(data) != "a face" {
		t.Errorf("got %q", data)
	}
	b := object("another face")
	if err := s.put(t.Context(), objects, b.Hash, object("a third face").Open); err == nil {
		t.Error("stored under the name of other bytes")
	}
	files := tree(t, dir)
	if len(files) != 1 {
		t.Fatalf("files %v", files)
	}
	if info, err := os.Stat(filepath.Join(dir, objects)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	check(t, os.WriteFile(files[0], []byte("a damaged face"), 0o600))
	if err := s.fetch(t.Context(), objects, a.Hash, out+"2"); err == nil || !strings.Contains(err.Error(), "other bytes") {
		t.Errorf("damaged: %v", err)
	}
	check(t, s.remove(t.Context(), objects, a.Hash))
	check(t, s.remove(t.Context(), objects, a.Hash))
	if err := s.fetch(t.Context(), objects, a.Hash, out+"3"); err == nil || errors.As(err, new(storeError)) {
		t.Errorf("gone: %v", err)
	}
}
