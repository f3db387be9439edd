// Package clustertest runs the servers of a cluster for tests: a PostgreSQL from the
// distribution and an S3 server that others wrote, on loopback, with folders of their
// own. They are stopped by their process ids.
package clustertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const password = "s3cr3t-of-the-test"

// Postgres is a server. The zero value is not usable.
type Postgres struct {
	URL string // with the password

	t       testing.TB
	bin     string
	data    string
	port    int
	tls     []string // settings
	process *exec.Cmd
}

// StartPostgres starts a server that is gone after the test. The test is skipped where
// there is none.
func StartPostgres(t testing.TB) *Postgres { return StartPostgresTLS(t, nil) }

// StartPostgresTLS starts one that speaks to nobody in the clear, and calls itself
// localhost. Without an authority it is StartPostgres.
func StartPostgresTLS(t testing.TB, a *Authority) *Postgres {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		t.Skip("no PostgreSQL: install the package postgresql")
	}
	dir, err := os.MkdirTemp("", "dermatrend-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &Postgres{t: t, bin: filepath.Dir(found[len(found)-1]), data: filepath.Join(dir, "data"), port: freePort(t)}
	p.URL = fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres", password, p.port)
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	if c := credential(t); c != nil {
		for _, name := range []string{dir, secret} {
			if err := os.Chown(name, int(c.Uid), int(c.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	initdb := p.command("initdb", "-D", p.data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", secret, "-E", "UTF8", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	if a != nil {
		p.encrypt(a)
	}
	p.Start()
	t.Cleanup(p.Stop)
	return p
}

// encrypt has the server ask for TLS, which it does of files that are its own.
func (p *Postgres) encrypt(a *Authority) {
	cert, key := a.server()
	for name, from := range map[string]string{"server.crt": cert, "server.key": key} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = p.put(name, data)
		}
		if err != nil {
			p.t.Fatal(err)
		}
	}
	if err := p.put("pg_hba.conf", []byte("hostssl all all all scram-sha-256\n")); err != nil {
		p.t.Fatal(err)
	}
	p.tls = []string{"-c", "ssl=on"}
	p.URL = fmt.Sprintf("postgres://postgres:%s@localhost:%d/postgres?sslmode=verify-full&sslrootcert=%s", password, p.port, a.File)
}

// put writes a file into the server's folder.
func (p *Postgres) put(name string, data []byte) error {
	name = filepath.Join(p.data, name)
	if err := os.WriteFile(name, data, 0o600); err != nil {
		return err
	}
	if c := credential(p.t); c != nil {
		return os.Chown(name, int(c.Uid), int(c.Gid))
	}
	return nil
}

// command is one of the server's programs. It refuses root, who lets the user of the
// distribution's package run it.
func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential(p.t), Pdeathsig: syscall.SIGQUIT} // also if the test is killed
	return cmd
}

func credential(t testing.TB) *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Skip("PostgreSQL refuses root, and there is no user postgres: install the package postgresql")
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// Start starts the server again after Stop.
func (p *Postgres) Start() {
	p.t.Helper()
	p.process = p.command("postgres", append([]string{"-D", p.data, "-p", fmt.Sprint(p.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=on", "-c", "recovery_init_sync_method=syncfs", "-c", "max_connections=60"}, p.tls...)...)
	log, err := os.OpenFile(filepath.Join(filepath.Dir(p.data), "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	p.process.Stderr = log
	if err := p.process.Start(); err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, "PostgreSQL", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, p.URL)
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
}

// Stop stops the server at once, as a power cut would: what was not on the disk is
// lost. A server that does not run is left alone.
func (p *Postgres) Stop() {
	if p.process == nil {
		return
	}
	p.process.Process.Signal(syscall.SIGQUIT) // "immediate"
	p.process.Wait()
	p.process = nil
}

// S3 is a server for objects.
type S3 struct {
	URL string // of the bucket

	t       testing.TB
	args    []string
	port    int
	process *exec.Cmd
}

// StartS3 starts an S3 server that is gone after the test, and sets the credentials in
// the environment. The test is skipped where there is none: it is looked for in the
// path and in ~/.cache/dermatrend/bin, where scripts/test builds it.
func StartS3(t testing.TB) *S3 { return StartS3TLS(t, nil) }

// StartS3TLS starts one that calls itself localhost and speaks TLS. Without an authority
// it is StartS3.
func StartS3TLS(t testing.TB, a *Authority) *S3 {
	t.Helper()
	program, err := exec.LookPath("versitygw")
	if err != nil {
		cache, _ := os.UserCacheDir()
		program = filepath.Join(cache, "dermatrend", "bin", "versitygw")
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("no S3 server: go install github.com/versity/versitygw/cmd/versitygw@v1.8.0")
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "tester")
	t.Setenv("AWS_SECRET_ACCESS_KEY", password)
	t.Setenv("AWS_REGION", "us-east-1")
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bucket"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := &S3{t: t, port: freePort(t)}
	s.args = []string{program, "--access", "tester", "--secret", password, "--region", "us-east-1", "--port", fmt.Sprintf("127.0.0.1:%d", s.port)}
	s.URL = fmt.Sprintf("s3://bucket?endpoint=http://127.0.0.1:%d&use_path_style=true", s.port)
	if a != nil {
		cert, key := a.server()
		s.args = append(s.args, "--cert", cert, "--key", key)
		s.URL = fmt.Sprintf("s3://bucket?endpoint=https://localhost:%d&use_path_style=true", s.port)
	}
	s.args = append(s.args, "posix", dir)
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Start starts the server again after Stop.
func (s *S3) Start() {
	s.t.Helper()
	s.process = exec.Command(s.args[0], s.args[1:]...)
	out := &strings.Builder{}
	s.process.Stdout, s.process.Stderr = out, out
	s.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also if the test is killed
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, "the S3 server", func() error {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", s.port), time.Second)
		if err == nil {
			c.Close()
		}
		return err
	})
}

// Stop kills the server. One that does not run is left alone.
func (s *S3) Stop() {
	if s.process == nil {
		return
	}
	s.process.Process.Kill()
	s.process.Wait()
	s.process = nil
}

func freePort(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func eventually(t testing.TB, what string, ready func() error) {
	t.Helper()
	err := errors.New("not tried")
	for range 300 {
		if err = ready(); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s does not start: %v", what, err)
}
