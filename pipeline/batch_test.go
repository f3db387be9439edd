package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/engine"
	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// The batch is tested with a stand-in for the measuring: what is asked here is
// what happens to results, not what they are. The recorded treatment of a
// subject says what the stand-in does, and the name of what it measures.
func standIn(_ context.Context, _ Config, s study.Series, dir string, progress func(session, stage string)) (result.Series, error) {
	out := result.Series{Subject: s.Subject.ID, View: s.View, PeakRSSMiB: 123, InputSHA256: map[string]string{}}
	for _, v := range s.Sessions {
		progress(v.ID, "measure")
		start := time.Now()
		picture := filepath.Join("aligned", s.View+"-"+v.ID+".jpg")
		if err := os.MkdirAll(filepath.Join(dir, "aligned"), 0o700); err != nil {
			return out, err
		}
		if err := os.WriteFile(filepath.Join(dir, picture), []byte(s.Subject.ID+v.ID), 0o600); err != nil {
			return out, err
		}
		file := v.Photos[0].File
		sum, err := files.Hash(filepath.Join(s.Subject.Dir, file))
		if err != nil {
			return out, fmt.Errorf("%s: %w", file, errors.Unwrap(err))
		}
		out.InputSHA256[file] = sum
		switch s.Subject.Treatment.Modality {
		case "abort":
			syscall.Kill(os.Getpid(), syscall.SIGABRT)
			select {}
		case "full":
			return out, &fs.PathError{Op: "write", Path: picture, Err: syscall.ENOSPC}
		case "hang":
			select {}
		}
		out.Visits = append(out.Visits, result.Visit{Session: v.ID, Photo: v.Photos[0].File, Comparable: true})
		out.Measurements = append(out.Measurements, result.Measurement{
			Subject: s.Subject.ID, View: s.View, Session: v.ID, Zone: "nose", Metric: s.Subject.Treatment.Zones[0],
			Value: 1, Basis: result.BasisNative, Status: result.OK,
		})
		out.Timings = append(out.Timings, result.Timing{Session: v.ID, Stage: "measure", Seconds: result.Number(time.Since(start).Seconds())})
	}
	out.Trends = []result.Trend{{Subject: out.Subject, View: out.View, Zone: "nose", Metric: "m", Role: "primary", Verdict: result.NoDetectableChange}}
	return out, nil
}

const workerEnv = "DERMATREND_BATCH_TEST"

// TestWorkerProcess is no test but the worker of the others.
func TestWorkerProcess(t *testing.T) {
	if os.Getenv(workerEnv) == "" {
		t.Skip("started by other tests")
	}
	stand := map[string]work{kindRun: measure(standIn).work, kindCheck: measure(standIn).work}
	if err := engine.Serve(func(task []byte, progress func(item, stage string)) ([]byte, error) {
		return doJob(stand, task, progress)
	}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func options(jobs int) RunOptions {
	return RunOptions{
		Config: DefaultConfig(), Version: "test", Jobs: jobs,
		Worker: func(int) *exec.Cmd {
			cmd := exec.Command("/proc/self/exe", "-test.run=^TestWorkerProcess$")
			cmd.Env = append(os.Environ(), workerEnv+"=1", "GORACE=atexit_sleep_ms=0")
			return cmd
		},
	}
}

// people makes a study of persons with two sessions in two views. Each argument
// is a name and what to do with the person: "P1", "P2 abort", "P3 ok 7".
func people(t *testing.T, persons ...string) *study.Study {
	st := &study.Study{Root: t.TempDir(), Name: "test"}
	for _, p := range persons {
		f := strings.Fields(p + " ok 1")
		dir := filepath.Join(st.Root, f[0])
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		s := study.Subject{ID: f[0], Dir: dir, Treatment: &study.Treatment{Modality: f[1], Zones: []string{f[2]}}}
		for i, id := range []string{"s0", "s1"} {
			s.Sessions = append(s.Sessions, study.Session{
				ID: id, Baseline: i == 0, Date: study.Date{Time: time.Date(2026, 1, 10+i, 0, 0, 0, 0, time.UTC)},
				Photos: []study.Photo{{View: "front", File: id + "f.jpg"}, {View: "left45", File: id + "l.jpg"}},
			})
			for _, p := range s.Sessions[i].Photos {
				check(t, os.WriteFile(filepath.Join(dir, p.File), []byte(f[0]+p.File), 0o600))
			}
		}
		st.Subjects = append(st.Subjects, s)
	}
	return st
}

// tree reads all files under a folder.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		if e.IsDir() {
			files[rel] = "folder"
			return nil
		}
		data, err := os.ReadFile(name)
		files[rel] = string(data)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}

// same compares two trees, but for the times.
func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: there is one too many", name)
		}
	}
	for name, w := range want {
		if g, ok := got[name]; !ok {
			t.Errorf("%s: missing", name)
		} else if g != w && name != timingsFile {
			t.Errorf("%s: differs\ngot  %.300s\nwant %.300s", name, g, w)
		}
	}
}

func mustRun(t *testing.T, st *study.Study, out string, opts RunOptions) Summary {
	t.Helper()
	sum, err := Run(t.Context(), st, out, opts)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestOutputDoesNotDependOnWorkers(t *testing.T) {
	st := people(t, "P2", "P1", "P3")
	one, three := filepath.Join(t.TempDir(), "a", "b"), t.TempDir()
	sum := mustRun(t, st, one, options(1))
	mustRun(t, st, three, options(3))
	got := tree(t, one)
	same(t, tree(t, three), got)
	for _, name := range append(result.TableFiles(), runFile, timingsFile, indexFile, "P1/report.html", "P1/result.json", "P2/aligned/left45-s1.jpg") {
		if _, ok := got[name]; !ok {
			t.Errorf("%s: missing", name)
		}
	}
	if n := strings.Count(got["measurements.csv"], "\n"); n != 1+3*2*2 {
		t.Errorf("measurements.csv has %d lines", n)
	}
	if sum.Series != 6 || sum.Photos != 12 || len(sum.Subjects) != 3 || sum.Subjects[0].ID != "P1" || sum.Subjects[0].Primary[result.NoDetectableChange] != 2 {
		t.Errorf("summary: %+v", sum)
	}
	if strings.Contains(got["P1/result.json"], "Seconds") {
		t.Error("result.json holds times, which differ from run to run")
	}
	filepath.WalkDir(one, func(name string, e fs.DirEntry, _ error) error {
		info, _ := e.Info()
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[e.IsDir()]; info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, want %v", name, info.Mode().Perm(), want)
		}
		return nil
	})
}

func TestDeadWorkerCostsItsSeries(t *testing.T) {
	out := t.TempDir()
	sum := mustRun(t, people(t, "P1", "P2 abort", "P3"), out, options(2))
	got := tree(t, out)
	if n := strings.Count(got["measurements.csv"], "\n"); n != 1+2*2*2 {
		t.Errorf("measurements.csv has %d lines:\n%s", n, got["measurements.csv"])
	}
	if len(sum.Rejections) != 2 {
		t.Fatalf("rejections: %+v", sum.Rejections)
	}
	if r := sum.Rejections[0]; r.Subject != "P2" || r.View != "front" || r.Session != "s0" || r.Stage != "measure" || !strings.Contains(r.Reason, "SIGABRT") {
		t.Errorf("rejection: %+v", r)
	}
	if _, ok := got["P2/aligned"]; ok {
		t.Error("the dead worker's pictures were kept")
	}
	if _, ok := got["P2/report.html"]; !ok {
		t.Error("no report says what became of P2")
	}
}

// results is a tree without what waits for the next run, and without its folders.
func results(t *testing.T, dir string) map[string]string {
	files := tree(t, dir)
	maps.DeleteFunc(files, func(name, content string) bool {
		return name == "." || content == "folder" && name == "out" || slices.Contains(strings.Split(name, string(filepath.Separator)), stageDir)
	})
	return files
}

func TestReportAgainIsTheSame(t *testing.T) {
	out := t.TempDir()
	mustRun(t, people(t, "P1", "P2 abort"), out, options(2))
	want := tree(t, out)
	for _, name := range []string{"index.html", "P1/report.html"} {
		if err := os.WriteFile(filepath.Join(out, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Report(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	same(t, tree(t, out), want)
	if _, err := Report(t.Context(), t.TempDir()); !errors.Is(err, ErrUsage) {
		t.Errorf("report of an empty folder: %v", err)
	}
}

func check(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestUnknownSubjectIsRefused(t *testing.T) {
	opts := options(1)
	opts.Subjects = []string{"P1", "P7"}
	if _, err := Run(t.Context(), people(t, "P1"), t.TempDir(), opts); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "P7") {
		t.Errorf("got %v", err)
	}
}

// Where a model lies is nobody's business, but another model is another setting.
func TestRecordNamesFilesByContent(t *testing.T) {
	st, opts := people(t, "P1"), options(1)
	record := func(name, content string) string {
		opts.Config.FaceModel = filepath.Join(t.TempDir(), name)
		check(t, os.WriteFile(opts.Config.FaceModel, []byte(content), 0o600))
		out := t.TempDir()
		mustRun(t, st, out, opts)
		return tree(t, out)[runFile]
	}
	// The least that has the form of a model: a version and an empty graph.
	const one, two = "\x08\x07\x3a\x00", "\x08\x08\x3a\x00"
	a, b, c := record("a.onnx", one), record("b.onnx", one), record("a.onnx", two)
	if a != b {
		t.Errorf("the same model in two places:\n%s\n%s", a, b)
	}
	if a == c {
		t.Error("two models, one record")
	}
	opts.Config.FaceModel = filepath.Join(t.TempDir(), "nowhere")
	if _, err := Run(t.Context(), st, t.TempDir(), opts); !errors.Is(err, ErrUsage) {
		t.Errorf("a model that is not there: %v", err)
	}
	opts.Config.FaceModel = filepath.Join(t.TempDir(), "text.onnx")
	check(t, os.WriteFile(opts.Config.FaceModel, []byte("not a model"), 0o600))
	if _, err := Run(t.Context(), st, t.TempDir(), opts); !errors.Is(err, ErrUsage) {
		t.Errorf("a model that is none: %v", err)
	}
}

func TestCheckMeasuresInOrderOfTheStudy(t *testing.T) {
	got, err := Check(t.Context(), people(t, "P2", "P1 abort"), options(2))
	check(t, err)
	var names []string
	for _, s := range got {
		names = append(names, s.Subject+" "+s.View)
	}
	if want := []string{"P2 front", "P2 left45", "P1 front", "P1 left45"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if len(got[0].Rejections) != 0 || len(got[2].Rejections) != 1 {
		t.Errorf("got %+v", got)
	}
}

// What the worker gets is what the coordinator has.
func TestJobSurvivesTheWay(t *testing.T) {
	st := people(t, "P1")
	st.Subjects[0].Treatment = &study.Treatment{Zones: []string{}}
	want := st.Subjects[0].Series()[0]
	zero := 0
	want.Sessions[1].DaysSinceTreatment = &zero
	b, err := encodeJob(job{Kind: kindRun, Config: DefaultConfig(), Series: want, Dir: "/x"})
	check(t, err)
	j, err := decodeJob(b)
	check(t, err)
	got := j.Series
	if d := got.Sessions[1].DaysSinceTreatment; d == nil || *d != 0 || got.Sessions[0].DaysSinceTreatment != nil {
		t.Errorf("days since treatment: %v", d)
	}
	if got.Sessions[1].Session != &got.Subject.Sessions[1] || len(got.Sessions[1].Session.Photos) != 2 || len(got.Sessions[1].Photos) != 1 {
		t.Errorf("sessions: %+v", got.Sessions[1])
	}
	if z := got.Subject.Treatment.Zones; z == nil || len(z) != 0 {
		t.Errorf("no zone treated became %#v", z)
	}
	if !got.Sessions[1].Date.Equal(want.Sessions[1].Date.Time) || got.View != want.View || j.Dir != "/x" {
		t.Errorf("got %+v", j)
	}
	for _, broken := range []string{"", "{}", `{"Series":{"Subject":{"ID":"P1"},"Sessions":[{"ID":"s9"}]}}`} {
		if _, err := decodeJob([]byte(broken)); err == nil {
			t.Errorf("%q was taken for a task", broken)
		}
	}
}

// TestRemovedPerson: what is left is what a run without that person writes.
func TestRemovedPerson(t *testing.T) {
	out, want := t.TempDir(), t.TempDir()
	mustRun(t, people(t, "P1", "P2", "P3"), out, options(2))
	if found, err := Remove(t.Context(), out, "P9"); found || err != nil {
		t.Errorf("an unknown person: %t, %v", found, err)
	}
	if found, err := Remove(t.Context(), out, "P2"); !found || err != nil {
		t.Fatalf("%t, %v", found, err)
	}
	mustRun(t, people(t, "P1", "P3"), want, options(2))
	same(t, tree(t, out), tree(t, want))
}
