package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// roleEnv turns the test program into a worker; its value is the handler.
const roleEnv = "DERMATREND_ENGINE_TEST"

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "":
		code := m.Run()
		// After Run has returned, nothing is left of it.
		if err := goleak.Find(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	case "tasks":
		if err := Serve(do); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "unlucky": // killed at its first start
		if f, err := os.OpenFile(os.Getenv(roleEnv+"_ONCE"), os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			f.Close()
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		_ = Serve(do)
	case "absent":
		fmt.Fprintln(os.Stderr, "panic: no such library")
		os.Exit(127)
	case "coordinator":
		// Killed by its test in the middle of a task.
		p := testPool(1)
		p.Silence = time.Hour
		_ = p.Run(context.Background(), 1, words("pid-hang"), func(int, []byte, error) error { return nil })
	}
}

// do is the handler of the test workers: the task says what to do.
func do(task []byte, progress func(item, stage string)) ([]byte, error) {
	verb, arg, _ := strings.Cut(string(task), " ")
	progress("photo.jpg", verb)
	switch verb {
	case "echo":
		return []byte(arg), nil
	case "error":
		return nil, errors.New(arg)
	case "noise": // as C libraries do
		fmt.Println("libpng warning: whatever")
		fmt.Fprintln(os.Stderr, "Premature end of JPEG file")
		return []byte("quiet"), nil
	case "abort": // as std::terminate after a cv::Exception
		fmt.Fprintln(os.Stderr, "terminate called after throwing an instance of 'cv::Exception'\n  what():  (-215:Assertion failed) !_src.empty()")
		syscall.Kill(os.Getpid(), syscall.SIGABRT)
		select {}
	case "panic":
		panic("index out of sense")
	case "exit":
		os.Exit(7)
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "hang":
		time.Sleep(time.Hour)
	case "busy": // talks, so that it does not count as hung
		for range 600 {
			time.Sleep(50 * time.Millisecond)
			progress("photo.jpg", verb)
		}
	case "eat": // the argument is MiB
		n, _ := strconv.Atoi(arg)
		b := make([]byte, n<<20)
		for i := range b {
			b[i] = 1
		}
		time.Sleep(time.Second)
		return []byte(fmt.Sprint(len(b) >> 20)), nil
	case "freeze":
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		time.Sleep(time.Hour)
	case "once": // dies the first time only
		f, err := os.OpenFile(arg, os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			f.Close()
			os.Exit(9)
		}
		return []byte("second try"), nil
	case "pid-hang":
		fmt.Println(os.Getpid())
		time.Sleep(time.Hour)
	}
	return nil, fmt.Errorf("what is %q?", task)
}

func testPool(workers int) *Pool { return testPoolAs("tasks", workers) }

func testPoolAs(role string, workers int) *Pool {
	return &Pool{
		Command: func() *exec.Cmd {
			cmd := exec.Command("/proc/self/exe")
			// The race detector sleeps a second at exit to let others report.
			cmd.Env = append(os.Environ(), roleEnv+"="+role, "GORACE=atexit_sleep_ms=0")
			return cmd
		},
		Workers: workers,
		Silence: 30 * time.Second,
		Log:     os.Stdout,
	}
}

// words makes tasks of strings.
func words(tasks ...string) func(int) ([]byte, error) {
	return func(i int) ([]byte, error) { return []byte(tasks[i]), nil }
}

// collect runs the tasks and returns one line each: the result, or the error.
func collect(t *testing.T, p *Pool, tasks ...string) []string {
	t.Helper()
	got := make([]string, len(tasks))
	err := p.Run(t.Context(), len(tasks), words(tasks...), func(i int, result []byte, err error) error {
		if got[i] != "" {
			t.Errorf("task %d ended twice", i)
		}
		got[i] = string(result)
		if err != nil {
			got[i] = "error: " + err.Error()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestDeathsCostOnlyTheirTasks(t *testing.T) {
	p := testPool(2)
	p.Log = nil
	got := collect(t, p, "echo a", "abort", "echo b", "panic", "echo c", "exit", "echo d", "kill", "echo e", "error bad luck", "noise")
	want := []string{
		"a",
		"error: worker ended with exit status 2: (-215:Assertion failed) !_src.empty() in stage abort of photo.jpg",
		"b",
		"error: worker ended with exit status 2: panic: index out of sense in stage panic of photo.jpg",
		"c",
		"error: worker ended with exit status 7 in stage exit of photo.jpg",
		"d",
		"error: worker was killed (signal 9; the system does so when memory runs out) in stage kill of photo.jpg",
		"e",
		"error: bad luck",
		"quiet",
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("task %d:\n got %q\nwant %q", i, got[i], want[i])
		}
	}
}

func TestSilenceEndsHungWorker(t *testing.T) {
	p := testPool(2)
	p.Silence = 500 * time.Millisecond
	got := collect(t, p, "hang", "echo a", "freeze")
	for i, want := range []string{
		"error: worker hung: no progress for 500ms in stage hang of photo.jpg",
		"a",
		"error: worker hung: no progress for 500ms in stage freeze of photo.jpg",
	} {
		if got[i] != want {
			t.Errorf("task %d: got %q, want %q", i, got[i], want)
		}
	}
}

func TestLimitsEndTasks(t *testing.T) {
	p := testPool(2)
	p.Time = 1500 * time.Millisecond
	got := collect(t, p, "busy", "echo a")
	for i, want := range []string{"error: worker was ended: the task took longer than 1.5s in stage busy of photo.jpg", "a"} {
		if got[i] != want {
			t.Errorf("task %d: got %q, want %q", i, got[i], want)
		}
	}
	p = testPool(2)
	p.Memory = 300 << 20
	got = collect(t, p, "eat 400", "eat 4")
	if !strings.HasPrefix(got[0], "error: worker was ended: it held ") || !strings.HasSuffix(got[0], " MiB of memory, and may hold 300 in stage eat of photo.jpg") || got[1] != "4" {
		t.Errorf("got %q", got)
	}
}

func TestSecondTrySucceeds(t *testing.T) {
	got := collect(t, testPool(2), "once "+t.TempDir()+"/x", "echo a")
	if got[0] != "second try" || got[1] != "a" {
		t.Errorf("got %q", got)
	}
}

// A task larger than the buffer of a pipe, and an answer too.
func TestLargeMessages(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 1<<16)
	if got := collect(t, testPool(1), "echo "+large); got[0] != large {
		t.Errorf("%d bytes came back, want %d", len(got[0]), len(large))
	}
}

func TestCancelEndsWorkers(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	p := testPool(2)
	p.Progress = func(e Event) {
		if e.Stage == "hang" {
			cancel(why)
		}
	}
	var mu sync.Mutex
	var commands []*exec.Cmd
	command := p.Command
	p.Command = func() *exec.Cmd {
		mu.Lock()
		defer mu.Unlock()
		c := command()
		commands = append(commands, c)
		return c
	}
	err := p.Run(ctx, 3, words("hang", "hang", "echo a"), func(i int, _ []byte, err error) error {
		t.Errorf("task %d ended: %v", i, err)
		return nil
	})
	if !errors.Is(err, why) {
		t.Errorf("Run returned %v, want the cause", err)
	}
	for _, c := range commands {
		if c.ProcessState == nil {
			t.Errorf("worker %d was not waited for", c.Process.Pid)
		}
	}
}

func TestErrorsOfTheCallerStopTheRun(t *testing.T) {
	full := errors.New("disk full")
	tasks := strings.Split(strings.Repeat("echo ", 40), " ")
	calls := 0
	err := testPool(2).Run(t.Context(), len(tasks), words(tasks...), func(int, []byte, error) error {
		calls++
		return full
	})
	if err != full {
		t.Errorf("got %v, want %v", err, full)
	}
	if calls > 2 {
		t.Errorf("done was called %d times after it had failed", calls-1)
	}
	err = testPool(1).Run(t.Context(), 1, func(int) ([]byte, error) { return nil, full }, nil)
	if err != full {
		t.Errorf("error of task: got %v, want %v", err, full)
	}
}

func TestWorkerThatDoesNotStart(t *testing.T) {
	err := testPoolAs("absent", 2).Run(t.Context(), 3, words("echo", "echo", "echo"), nil)
	if err == nil || !strings.Contains(err.Error(), "did not start: worker ended with exit status 127: panic: no such library") {
		t.Errorf("got %v", err)
	}
}

func TestWorkerKilledAtItsStartIsStartedAgain(t *testing.T) {
	t.Setenv(roleEnv+"_ONCE", t.TempDir()+"/x")
	if got := collect(t, testPoolAs("unlucky", 1), "echo a"); got[0] != "a" {
		t.Errorf("got %q", got)
	}
}

// A coordinator that is killed leaves no worker behind.
func TestWorkerDiesWithCoordinator(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleEnv+"=coordinator")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Kill()
	// The pipe ends when its last writer, the worker's log, is gone.
	io.Copy(io.Discard, out)
	cmd.Wait()
	for range 100 {
		if err := syscall.Kill(pid, 0); err != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && bytes.Contains(stat, []byte(") Z ")) {
		return // dead; whoever adopted it has not looked yet
	}
	t.Errorf("worker %d outlives its coordinator", pid)
}

func TestServeEndsWithItsInput(t *testing.T) {
	for name, cut := range map[string]int{"between tasks": 0, "inside a frame": 3} {
		t.Run(name, func(t *testing.T) {
			var in, out bytes.Buffer
			writeFrame(&in, frameTask, []byte("x"))
			writeFrame(&in, frameTask, []byte("yz"))
			in.Truncate(in.Len() - cut)
			handled := 0
			err := serve(&in, &out, func(task []byte, _ func(_, _ string)) ([]byte, error) {
				handled++
				return task, nil
			}, func() {})
			if cut == 0 && (err != nil || handled != 2) || cut > 0 && (err == nil || handled != 1) {
				t.Errorf("%d tasks handled, %v", handled, err)
			}
		})
	}
}

func TestServeExitsWhenOrphanedInATask(t *testing.T) {
	in, coordinator := io.Pipe()
	gone := make(chan struct{})
	started := make(chan struct{})
	go serve(in, io.Discard, func([]byte, func(_, _ string)) ([]byte, error) {
		close(started)
		<-gone
		return nil, nil
	}, func() { close(gone) })
	writeFrame(coordinator, frameTask, nil)
	<-started
	coordinator.Close()
	<-gone // or the test times out
}

func TestFit(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		tasks, cores int
		free         int64
		want         int
	}{
		{tasks: 100, cores: 8, free: 64 * gib, want: 8},
		{tasks: 3, cores: 8, free: 64 * gib, want: 3},
		{tasks: 100, cores: 8, free: 2*gib + 5, want: 2},
		{tasks: 100, cores: 8, free: 5, want: 1},
		{tasks: 0, cores: 8, free: 64 * gib, want: 1},
		{tasks: 100, cores: 8, free: -1, want: 8},
	} {
		if got := fit(c.tasks, c.cores, c.free); got != c.want {
			t.Errorf("fit(%d, %d, %d) = %d, want %d", c.tasks, c.cores, c.free, got, c.want)
		}
	}
}

func TestMemAvailable(t *testing.T) {
	if got := memAvailable("MemTotal:       24683964 kB\nMemFree: 1 kB\nMemAvailable:   24281364 kB\n"); got != 24281364*1024 {
		t.Errorf("got %d", got)
	}
	if got := memAvailable("MemTotal: 1 kB\n"); got >= 0 {
		t.Errorf("got %d, want negative where it is not told", got)
	}
	if freeMemory() <= 0 {
		t.Error("this machine has no memory")
	}
}
