package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/engine"
	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// coordinatorEnv makes a process of its own run a simulated study: the number of
// persons, how long each series takes, how many rows it gives, the number of
// workers, the version, the folder of the study and that of the results.
const coordinatorEnv = "DERMATREND_COORDINATOR_TEST"

type simulation struct {
	persons int
	took    time.Duration
	rows    int
	jobs    int
	version string
	root    string
	out     string
}

func (s simulation) String() string {
	return strings.Join([]string{strconv.Itoa(s.persons), s.took.String(), strconv.Itoa(s.rows), strconv.Itoa(s.jobs), s.version, s.root, s.out}, "|")
}

func parseSimulation(text string) simulation {
	f := strings.Split(text, "|")
	number := func(i int) int { n, _ := strconv.Atoi(f[i]); return n }
	took, _ := time.ParseDuration(f[1])
	return simulation{number(0), took, number(2), number(3), f[4], f[5], f[6]}
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
	st := &study.Study{Root: s.root, Name: "simulated"}
	for i := range s.persons {
		p := study.Subject{ID: fmt.Sprintf("P%05d", i), Treatment: &study.Treatment{Modality: s.took.String() + " " + strconv.Itoa(s.rows)}}
		p.Dir = filepath.Join(s.root, p.ID)
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
// It prints its peak memory, MiB, and how long the run took, s.
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
	s := parseSimulation(text)
	opts := RunOptions{Config: DefaultConfig(), Version: s.version, Jobs: s.jobs, Worker: func(int) *exec.Cmd {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestCoordinatorProcess$")
		cmd.Env = append(os.Environ(), coordinatorEnv+"=worker", "GORACE=atexit_sleep_ms=0", "GOMAXPROCS=1")
		return cmd
	}}
	began := time.Now()
	if _, err := Run(context.Background(), s.study(), s.out, opts); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%.0f %.3f\n", peakRSS(), time.Since(began).Seconds())
	os.Exit(0)
}

// simulate is a measuring that keeps a core busy for a while.
func simulate(_ context.Context, _ Config, s study.Series, dir string, progress func(session, stage string)) (result.Series, error) {
	v := result.Series{Subject: s.Subject.ID, View: s.View, InputSHA256: map[string]string{}}
	var took time.Duration
	var rows int
	text, number, _ := strings.Cut(s.Subject.Treatment.Modality, " ")
	took, err := time.ParseDuration(text)
	if err != nil {
		return v, err
	}
	if rows, err = strconv.Atoi(number); err != nil {
		return v, err
	}
	if err := os.Mkdir(filepath.Join(dir, "aligned"), 0o700); err != nil {
		return v, err
	}
	for i, session := range s.Sessions {
		progress(session.ID, "measure")
		busy(took / photosOf)
		file := session.Photos[0].File
		if v.InputSHA256[file], err = files.Hash(filepath.Join(s.Subject.Dir, file)); err != nil {
			return v, err
		}
		picture := fmt.Sprintf("aligned/front-%02d-%s.jpg", i+1, session.ID)
		if err := os.WriteFile(filepath.Join(dir, picture), []byte(s.Subject.ID+session.ID), 0o600); err != nil {
			return v, err
		}
		v.Visits = append(v.Visits, result.Visit{Session: session.ID, Photo: file, Comparable: true})
		for k := range rows {
			v.Measurements = append(v.Measurements, result.Measurement{Subject: v.Subject, View: v.View, Session: session.ID, Photo: file, Zone: "nose",
				Metric: fmt.Sprintf("m%04d", k), Value: result.Number(float64(k) / 7), Unit: "x", Basis: result.BasisNative, Status: result.OK})
		}
	}
	for k := range rows / 2 {
		v.Trends = append(v.Trends, result.Trend{Subject: v.Subject, View: v.View, Zone: "nose", Metric: fmt.Sprintf("m%04d", k), Role: "primary", Verdict: result.NoDetectableChange, Reason: "as simulated"})
	}
	return v, nil
}

// busy burns processor time of this process, not time of the clock: a machine that
// is shared does not make the work less.
func busy(d time.Duration) {
	for begin := processorTime(); processorTime()-begin < d; {
		for range 1000 {
			sink = sink*6364136223846793005 + 1442695040888963407
		}
	}
}

var sink uint64

func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
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
	s := simulation{persons: 10, took: 20 * time.Millisecond, rows: 20, jobs: 2, root: root, out: out}
	s.write(t)
	want := map[string]map[string]string{}
	var whole time.Duration
	for _, version := range []string{"a", "b"} {
		x := s
		x.version, x.out = version, filepath.Join(t.TempDir(), "out")
		began := time.Now()
		if data, err := x.command().CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, data)
		}
		whole = time.Since(began)
		want[version] = results(t, x.out)
	}
	s.version = "a"
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
		for name, data := range want[s.version] {
			if name != timingsFile && got[name] != data {
				t.Errorf("%s differs after %d interruptions", name, hit)
				differences++
			}
		}
		if len(got) != len(want[s.version]) {
			t.Errorf("%d files, want %d", len(got), len(want[s.version]))
			differences++
		}
		if s.version = "a"; missed%2 == 1 {
			s.version = "b"
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
