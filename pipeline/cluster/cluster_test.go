package cluster

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/cluster/clustertest"
)

// workerEnv makes the test program a worker: see TestWorkerProcess.
const workerEnv = "DERMATREND_TEST_CLUSTER_WORKER"

// spec tells a worker process what to do.
type spec struct {
	DB, Store, Program string
	Jobs               int
	Rescue, Wait       time.Duration
	Drain              bool
	Log                string // file that takes a line for each beginning
}

// TestWorkerProcess is no test but the worker of the others.
func TestWorkerProcess(t *testing.T) {
	if os.Getenv(workerEnv) == "" {
		t.Skip("started by other tests")
	}
	var s spec
	if err := json.Unmarshal([]byte(os.Getenv(workerEnv)), &s); err != nil {
		t.Fatal(err)
	}
	if err := work(context.Background(), s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func work(ctx context.Context, s spec) error {
	c, err := Open(ctx, Options{DB: s.DB, Store: s.Store, Connections: s.Jobs + 8})
	if err != nil {
		return err
	}
	defer c.Close()
	begun, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer begun.Close()
	return c.Work(ctx, WorkOptions{Program: s.Program, Jobs: s.Jobs, Drain: s.Drain, Rescue: s.Rescue, Wait: s.Wait, Handler: func(ctx context.Context, j *Job) ([]byte, error) {
		fmt.Fprintf(begun, "%d\n", os.Getpid())
		return standIn(ctx, j)
	}})
}

// order is what standIn is told in a payload.
type order struct {
	Number int
	Object string
	Sleep  time.Duration
	Do     string // "", "nothing", "die", "fail"
}

// standIn is simulated work: it takes the object, and leaves a file that depends on it
// and on nothing else.
func standIn(ctx context.Context, j *Job) ([]byte, error) {
	var o order
	if err := json.Unmarshal(j.Payload, &o); err != nil {
		return nil, err
	}
	switch o.Do {
	case "die":
		return nil, &Died{Reason: "ended by signal 6", Item: "s1", Stage: "measure"}
	case "nothing":
		return nil, nil
	case "fail":
		return nil, errors.New("cannot do it")
	}
	if o.Object != "" {
		if err := j.Fetch(ctx, o.Object, "a/photo.jpg"); err != nil {
			return nil, err
		}
	}
	select {
	case <-time.After(o.Sleep):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	data, err := os.ReadFile(filepath.Join(j.In, "a", "photo.jpg"))
	if o.Object != "" && err != nil {
		return nil, err
	}
	result := fmt.Appendf(data, " measured %d", o.Number)
	return fmt.Appendf(nil, "note %d", o.Number), os.WriteFile(filepath.Join(j.Out, "picture"), result, 0o600)
}

func object(data string) Object {
	sum := sha256.Sum256([]byte(data))
	return Object{hex.EncodeToString(sum[:]), func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(data)), nil }}
}

func open(t testing.TB, db, store string) *Cluster {
	t.Helper()
	c, err := Open(t.Context(), Options{DB: db, Store: store})
	check(t, err)
	t.Cleanup(c.Close)
	return c
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// submit makes a batch of n tasks, of which two have one owner.
func submit(t testing.TB, c *Cluster, id, program string, n int, make func(i int) order) {
	t.Helper()
	s, err := c.Submit(t.Context(), Batch{ID: id, Program: program, Header: []byte("header")})
	check(t, err)
	for i := 0; i < n; i += 2 {
		o := Owner{Name: fmt.Sprintf("P%04d", i/2), Position: i / 2, Data: []byte("data")}
		for k := i; k < min(i+2, n); k++ {
			w := make(k)
			w.Number = k
			if w.Object != "" {
				obj := object(w.Object)
				w.Object, o.Objects = obj.Hash, append(o.Objects, obj)
			}
			payload, err := json.Marshal(w)
			check(t, err)
			o.Tasks = append(o.Tasks, Task{Number: k, Payload: payload, Limit: 4 * time.Second})
		}
		check(t, s.Add(t.Context(), o))
	}
	tasks, err := s.Finish(t.Context())
	check(t, err)
	if tasks != n {
		t.Fatalf("%d tasks, want %d", tasks, n)
	}
}

func start(t testing.TB, s spec) *exec.Cmd {
	t.Helper()
	data, err := json.Marshal(s)
	check(t, err)
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestWorkerProcess$")
	cmd.Env = append(os.Environ(), workerEnv+"="+string(data), "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	check(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

func status(t testing.TB, c *Cluster, id string) Status {
	t.Helper()
	all, err := c.Status(t.Context(), id)
	if err != nil || len(all) != 1 {
		return Status{} // the database may be away
	}
	return all[0]
}

func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 1200 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("waited in vain for: " + what)
}

// TestNothingIsLostOrWrittenTwice is the promise of the package, with the real servers:
// of three worker processes one is killed and one frozen and revived after its tasks
// were given to others, the database loses its power, and the store is gone for a while.
func TestNothingIsLostOrWrittenTwice(t *testing.T) {
	db, s3 := clustertest.StartPostgres(t), clustertest.StartS3(t)
	c := open(t, db.URL, s3.URL)
	const n = 120
	attack(t, db, s3, c, n, 3*time.Second)
}

func attack(t testing.TB, db *clustertest.Postgres, s3 *clustertest.S3, c *Cluster, n int, storeGone time.Duration) {
	audit(t, c)
	submit(t, c, "b1", "v1", n, func(i int) order {
		return order{Object: fmt.Sprint("photo ", i), Sleep: 100 * time.Millisecond}
	})
	s := spec{DB: db.URL, Store: s3.URL, Program: "v1", Jobs: 4, Rescue: 4 * time.Second, Wait: time.Second, Log: filepath.Join(t.TempDir(), "begun")}
	first := start(t, s) // leads, since it comes first
	waitFor(t, "the first results", func() bool { return status(t, c, "b1").Done > 0 })
	second, third := start(t, s), start(t, s)
	waitFor(t, "a third of the results", func() bool { return status(t, c, "b1").Done >= n/3 })
	check(t, first.Process.Kill())
	check(t, second.Process.Signal(syscall.SIGSTOP))

	db.Stop()
	time.Sleep(time.Second)
	db.Start()
	s3.Stop()
	time.Sleep(storeGone)
	s3.Start()
	// All is done while one is dead and one frozen.
	waitFor(t, "all results", func() bool { return status(t, c, "b1").Done == n })
	check(t, second.Process.Signal(syscall.SIGCONT))
	time.Sleep(2 * time.Second) // it tries to commit what it had

	count := 0
	check(t, c.Results(t.Context(), "b1", func(r Result) error {
		if r.Number != count || r.Failure != nil || string(r.Note) != fmt.Sprintf("note %d", count) || r.Owner != fmt.Sprintf("P%04d", count/2) {
			t.Errorf("result %d: %+v", count, r)
		}
		dir := t.TempDir()
		if err := c.Extract(t.Context(), r, dir); err != nil {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, "picture"))
		if want := fmt.Sprintf("photo %d measured %d", count, count); string(data) != want {
			t.Errorf("picture %q, want %q", data, want)
		}
		count++
		return err
	}))
	var written, states int
	check(t, c.pool.QueryRow(t.Context(), `select count(*) from dermatrend.audit`).Scan(&written))
	check(t, c.pool.QueryRow(t.Context(), `select count(*) from dermatrend.river_job where state = 'completed'`).Scan(&states))
	if count != n || written != n || states != n {
		t.Errorf("%d results, %d writes, %d jobs completed, want %d of each", count, written, states, n)
	}
	begun, err := os.ReadFile(s.Log)
	check(t, err)
	if again := bytes.Count(begun, []byte("\n")) - n; again < 2 {
		t.Errorf("%d tasks were begun again: the attacks have hit nobody", again)
	} else {
		t.Logf("%d of %d tasks were begun again", again, n)
	}
	for _, pid := range []int{second.Process.Pid, third.Process.Pid} {
		if err := syscall.Kill(pid, 0); err != nil {
			t.Errorf("a worker ended: %v", err)
		}
	}
}

// audit counts what is written into the table of results, also what would replace
// something.
func audit(t testing.TB, c *Cluster) {
	_, err := c.pool.Exec(t.Context(), `create table dermatrend.audit (number integer);
		create function dermatrend.audit() returns trigger language plpgsql as $$ begin insert into dermatrend.audit values (new.number); return new; end $$;
		create trigger audit after insert or update on dermatrend.result for each row execute function dermatrend.audit()`)
	check(t, err)
}

// tree lists the files below a folder.
func tree(t testing.TB, dir string) (files []string) {
	filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, name)
		}
		return err
	})
	return files
}
