package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dermatrend/dermatrend/pipeline/engine"
	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// coordinatorEnv makes a process of its own run a simulated study, in JSON.
const coordinatorEnv = "DERMATREND_COORDINATOR_TEST"

type simulation struct {
	Persons       int           // of one series each
	Took          time.Duration // processor time of a series
	Rows, Objects int           // measurements and objects of a photo
	Sparse        bool          // nine of ten series have a tenth of that
	Jobs          int
	Version       string
	Root, Out     string // of the study and of the results
	Largest       uint64 // bytes that a file can have, as if the disk were full; 0 for any
}

func (s simulation) String() string {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // numbers and strings always encode
	}
	return string(data)
}

func parseSimulation(text string) (s simulation, err error) {
	err = json.Unmarshal([]byte(text), &s)
	return s, err
}

// photosOf is the number of photos of a simulated series.
const photosOf = 5

// write makes the photos, which are small.
func (s simulation) write(t *testing.T) {
	t.Helper()
	for _, p := range s.study().Subjects {
		check(t, os.MkdirAll(p.Dir, 0o700))
		for _, v := range p.Sessions {
			check(t, os.WriteFile(filepath.Join(p.Dir, v.Photos[0].File), []byte(p.ID+v.ID), 0o600))
		}
	}
}

// study has one series of each person. What a series is to give stands in the
// modality of the treatment, which is all that workers get to see.
func (s simulation) study() *study.Study {
	st := &study.Study{Root: s.Root, Name: "simulated"}
	for i := range s.Persons {
		part := simulation{Took: s.Took, Rows: s.Rows, Objects: s.Objects}
		if s.Sparse && i%10 > 0 {
			part.Rows, part.Objects = s.Rows/10, s.Objects/10
		}
		p := study.Subject{ID: fmt.Sprintf("P%05d", i), Treatment: &study.Treatment{Modality: part.String()}}
		p.Dir = filepath.Join(s.Root, p.ID)
		for k := range photosOf {
			p.Sessions = append(p.Sessions, study.Session{ID: fmt.Sprintf("s%d", k), Baseline: k == 0, Date: study.NewDate(2026, 1, 1+30*k),
				Photos: []study.Photo{{View: "front", File: fmt.Sprintf("%d.jpg", k)}}})
		}
		st.Subjects = append(st.Subjects, p)
	}
	return st
}

// command runs the simulation in a process of its own.
func (s simulation) command() *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestCoordinatorProcess$")
	cmd.Env = append(os.Environ(), coordinatorEnv+"="+s.String(), "GORACE=atexit_sleep_ms=0")
	return cmd
}

// TestCoordinatorProcess is no test but the coordinator, and the worker, of others.
// It prints its peak memory, MiB, how long the run took, s, and the processor time of
// all its processes, s.
func TestCoordinatorProcess(t *testing.T) {
	text := os.Getenv(coordinatorEnv)
	switch {
	case text == "":
		t.Skip("started by other tests")
	case text == "worker":
		kinds := map[string]work{kindRun: measure(simulate).work}
		if err := engine.Serve(func(task []byte, progress func(item, stage string)) ([]byte, error) {
			return doJob(kinds, task, progress)
		}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	s, err := parseSimulation(text)
	check(t, err)
	opts := RunOptions{Config: DefaultConfig(), Version: s.Version, Jobs: s.Jobs, Worker: func(int) *exec.Cmd {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestCoordinatorProcess$")
		cmd.Env = append(os.Environ(), coordinatorEnv+"=worker", "GORACE=atexit_sleep_ms=0", "GOMAXPROCS=1")
		return cmd
	}}
	if s.Largest > 0 {
		signal.Ignore(syscall.SIGXFSZ)
		check(t, syscall.Setrlimit(unix.RLIMIT_FSIZE, &syscall.Rlimit{Cur: s.Largest, Max: s.Largest}))
	}
	debug.SetGCPercent(50) // as the program does
	began := time.Now()
	if _, err := Run(context.Background(), s.study(), s.Out, opts); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%.0f %.3f %.3f\n", peakRSS(), time.Since(began).Seconds(), (processorTime(syscall.RUSAGE_SELF) + processorTime(syscall.RUSAGE_CHILDREN)).Seconds())
	os.Exit(0)
}

// simulate is a measuring that keeps a core busy for a while.
func simulate(_ context.Context, _ Config, s study.Series, dir string, progress func(session, stage string)) (result.Series, error) {
	v := result.Series{Subject: s.Subject.ID, View: s.View, InputSHA256: map[string]string{}}
	how, err := parseSimulation(s.Subject.Treatment.Modality)
	if err != nil {
		return v, err
	}
	if err := os.Mkdir(filepath.Join(dir, "aligned"), 0o700); err != nil {
		return v, err
	}
	for i, session := range s.Sessions {
		progress(session.ID, "measure")
		busy(how.Took / photosOf)
		file := session.Photos[0].File
		if v.InputSHA256[file], err = files.Hash(filepath.Join(s.Subject.Dir, file)); err != nil {
			return v, err
		}
		shown := fmt.Sprintf("aligned/front-%02d-%s.jpg", i+1, session.ID)
		if err := os.WriteFile(filepath.Join(dir, shown), how.picture(s.Subject.ID+session.ID), 0o600); err != nil {
			return v, err
		}
		v.Visits = append(v.Visits, result.Visit{Session: session.ID, Photo: file, Comparable: true, Pictures: map[string]string{"aligned": shown}})
		for k := range how.Rows {
			x := result.Number(float64(k+i) / 7)
			v.Measurements = append(v.Measurements, result.Measurement{Subject: v.Subject, View: v.View, Session: session.ID, Photo: file, Zone: "nose",
				Metric: fmt.Sprintf("m%04d", k), Value: x, Unit: "x", Basis: result.BasisNative, Status: result.OK})
		}
		for k := range how.Objects {
			x := result.Number(float64(k+i) / 7)
			v.Objects = append(v.Objects, result.Object{Subject: v.Subject, View: v.View, Session: session.ID, Photo: file, Zone: "nose", Kind: "pore", ID: k,
				XPx: x * 31, YPx: x * 17, DiameterMM: x / 3, AreaMM2: x / 11, Contrast: x / 13, Status: result.OK, BaseXPx: x * 29, BaseYPx: x * 19})
		}
	}
	for k := range how.Rows / 12 {
		v.Trends = append(v.Trends, result.Trend{Subject: v.Subject, View: v.View, Zone: "nose", Metric: fmt.Sprintf("m%04d", k), Role: "primary", Verdict: result.NoDetectableChange, Reason: "as simulated"})
	}
	return v, nil
}

// picture is what a series of many rows has: one as large as an aligned one of a small
// photo. Others have a text.
func (s simulation) picture(text string) []byte {
	if s.Rows < 100 {
		return []byte(text)
	}
	return append(noise(), text...)
}

var noise = sync.OnceValue(func() []byte {
	rng := rand.New(rand.NewPCG(1, 1))
	img := image.NewGray(image.Rect(0, 0, 800, 1000))
	for i := range img.Pix {
		img.Pix[i] = uint8(128 + rng.IntN(16))
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		panic(err) // it depends on nothing
	}
	return b.Bytes()
})

// busy burns processor time of this process, not time of the clock: a machine that
// is shared does not make the work less.
func busy(d time.Duration) {
	for begin := processorTime(syscall.RUSAGE_SELF); processorTime(syscall.RUSAGE_SELF)-begin < d; {
		for range 1000 {
			sink = sink*6364136223846793005 + 1442695040888963407
		}
	}
}

var sink uint64

func processorTime(of int) time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(of, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// workersOf lists the children of a process.
func workersOf(pid int) (children []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, l := range lists {
		data, _ := os.ReadFile(l)
		for _, f := range strings.Fields(string(data)) {
			if n, err := strconv.Atoi(f); err == nil {
				children = append(children, n)
			}
		}
	}
	return children
}

// interrupt kills coordinators, and workers, of a study that is run again and again
// with two versions in turn, so that there are earlier results to be replaced, until
// it has happened often enough. It returns how many files differed in the end from
// those of undisturbed runs, and how often a run was over before it was hit.
func interrupt(t *testing.T, times int, seed uint64) (differences, missed int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	root, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	s := simulation{Persons: 10, Took: 20 * time.Millisecond, Rows: 20, Jobs: 2, Root: root, Out: out}
	s.write(t)
	want := map[string]map[string]string{}
	var whole time.Duration
	for _, version := range []string{"a", "b"} {
		x := s
		x.Version, x.Out = version, filepath.Join(t.TempDir(), "out")
		began := time.Now()
		if data, err := x.command().CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, data)
		}
		whole = time.Since(began)
		want[version] = results(t, x.Out)
	}
	s.Version = "a"
	hit := 0
	for hit < times {
		cmd := s.command()
		var said bytes.Buffer
		cmd.Stderr = &said
		check(t, cmd.Start())
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		worker := rng.IntN(3) == 0
		var err error
		select {
		case err = <-ended:
		case <-time.After(time.Duration(rng.Float64() * float64(whole))):
			if children := workersOf(cmd.Process.Pid); worker && len(children) > 0 {
				syscall.Kill(children[rng.IntN(len(children))], syscall.SIGKILL)
			} else {
				cmd.Process.Kill()
			}
			hit++
			err = <-ended
		}
		var exit *exec.ExitError
		switch {
		case err == nil:
		case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled():
			continue // and again, in the same folder
		default:
			t.Fatalf("a run that was cut off before cannot go on: %v: %s", err, said.String())
		}
		missed++
		got := results(t, out)
		for name, data := range want[s.Version] {
			if name != timingsFile && got[name] != data {
				t.Errorf("%s differs after %d interruptions", name, hit)
				differences++
			}
		}
		if len(got) != len(want[s.Version]) {
			t.Errorf("%d files, want %d", len(got), len(want[s.Version]))
			differences++
		}
		if s.Version = "a"; missed%2 == 1 {
			s.Version = "b"
		}
	}
	return differences, missed
}

// Whatever is killed and when: the results are those of a run that nobody disturbed.
func TestKillsLeaveNoTrace(t *testing.T) {
	if _, done := interrupt(t, 8, 1); done == 0 {
		t.Log("no run came to its end")
	}
}
