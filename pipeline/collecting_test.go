package pipeline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/cluster/clustertest"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// withPapers gives the persons of a study consent papers, and notes on them.
func withPapers(t *testing.T, st *study.Study) *study.Study {
	for i := range st.Subjects {
		s := &st.Subjects[i]
		check(t, os.WriteFile(filepath.Join(s.Dir, "signed.pdf"), []byte("signed by "+s.ID), 0o600))
		s.Consent = []study.Consent{{Scope: []string{"clinical"}, Document: "signed.pdf"}}
		st.Notes = append(st.Notes, study.Note{Subject: s.ID, Text: "a note on " + s.ID})
	}
	st.Notes = append(st.Notes, study.Note{Text: "a note on the study"})
	return st
}

// clusterOf is a cluster whose store is a folder, on a database of its own.
func clusterOf(t *testing.T) ClusterOptions {
	return ClusterOptions{DB: clustertest.StartPostgres(t).URL, Store: "file://" + t.TempDir()}
}

func mustSubmit(t *testing.T, st *study.Study, where ClusterOptions, opts SubmitOptions) Submitted {
	t.Helper()
	opts.Config, opts.Version = DefaultConfig(), "test"
	s, err := Submit(t.Context(), st, where, opts)
	check(t, err)
	return s
}

// workOff does all that there is to do.
func workOff(t *testing.T, where ClusterOptions) {
	t.Helper()
	temp := t.TempDir()
	check(t, WorkForCluster(t.Context(), where, WorkerOptions{Version: "test", Worker: options(2).Worker, Jobs: 2, Temp: temp, Drain: true}))
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("photos were left behind in %s: %v", temp, left)
	}
}

func mustCollect(t *testing.T, where ClusterOptions, batch, out string) Summary {
	t.Helper()
	sum, err := Collect(t.Context(), out, where, CollectOptions{Version: "test", Batch: batch})
	check(t, err)
	return sum
}

// A cluster makes the same files as this machine alone, for good series and for such
// that kill their worker on every attempt.
func TestClusterMakesTheSameOutput(t *testing.T) {
	where := clusterOf(t)
	st := withPapers(t, people(t, "P2", "P1", "P3 ok 7"))
	local, out := filepath.Join(t.TempDir(), "local"), filepath.Join(t.TempDir(), "out")
	mustRun(t, st, local, options(2))

	sub := mustSubmit(t, st, where, SubmitOptions{})
	if sub.Series != 6 || sub.Photos != 12 {
		t.Errorf("submitted %+v", sub)
	}
	if again := mustSubmit(t, st, where, SubmitOptions{}); again != sub {
		t.Errorf("submitted again: %+v, want %+v", again, sub)
	}
	if _, err := Collect(t.Context(), out, where, CollectOptions{Version: "test"}); !errors.Is(err, ErrUsage) || !strings.Contains(fmt.Sprint(err), "6 of 6 series are not measured yet") {
		t.Errorf("collected before it was measured: %v", err)
	}
	another := WorkerOptions{Version: "another", Worker: options(1).Worker, Jobs: 1, Drain: true}
	if err := WorkForCluster(t.Context(), where, another); !errors.Is(err, ErrUsage) || !strings.Contains(fmt.Sprint(err), "dermatrend another") {
		t.Errorf("a worker of another version has started: %v", err)
	}
	workOff(t, where)
	for _, s := range st.Subjects { // the collector has no photos
		check(t, os.RemoveAll(s.Dir))
	}
	if sum := mustCollect(t, where, sub.Batch, out); sum.Series != 6 || sum.Photos != 12 || len(sum.Subjects) != 3 {
		t.Errorf("summary %+v", sum)
	}
	same(t, tree(t, out), tree(t, local))
	if _, err := Collect(t.Context(), t.TempDir(), where, CollectOptions{Version: "another"}); !errors.Is(err, ErrUsage) {
		t.Errorf("another version has collected it: %v", err)
	}

	t.Run("dying series", func(t *testing.T) { testDying(t, where, local, out) })
	t.Run("erase", func(t *testing.T) { testErase(t, where, out, sub.Batch) })
}

// testDying measures one more person, whose series die, into folders that have others.
func testDying(t *testing.T, where ClusterOptions, local, out string) {
	st := people(t, "P1", "P4 abort")
	opts := options(1)
	opts.Subjects = []string{"P4"}
	mustRun(t, st, local, opts)
	sub := mustSubmit(t, st, where, SubmitOptions{Subjects: opts.Subjects})
	workOff(t, where)
	all, failures, err := ClusterStatus(t.Context(), where, sub.Batch)
	check(t, err)
	if len(all) != 1 || all[0].Dead != 2 || all[0].Done != 0 {
		t.Errorf("status %+v", all)
	}
	if len(failures) != 2 || !failures[0].Dead || failures[0].Owner != "P4" || !strings.Contains(failures[0].Reason, "SIGABRT") {
		t.Errorf("failures %+v", failures)
	}
	if sum := mustCollect(t, where, sub.Batch, out); len(sum.Rejections) != 2 || sum.Rejections[0].Stage != "measure" {
		t.Errorf("summary %+v", sum)
	}
	same(t, tree(t, out), tree(t, local))
	if n, err := RetryInCluster(t.Context(), where, sub.Batch); n != 2 || err != nil {
		t.Errorf("%d series queued again, %v", n, err)
	}
}

// testErase removes a person whose photo another one has, too: it stays.
func testErase(t *testing.T, where ClusterOptions, out, batch string) {
	folder := strings.TrimPrefix(where.Store, "file://")
	st := people(t, "P5")
	shared := filepath.Join(st.Subjects[0].Dir, "s0f.jpg")
	check(t, os.WriteFile(shared, []byte("P1s0f.jpg"), 0o600))
	mustSubmit(t, st, where, SubmitOptions{})
	other := people(t, "P1 ok 2") // of another study
	other.Name = "another"
	for _, v := range other.Subjects[0].Sessions {
		for _, p := range v.Photos {
			check(t, os.WriteFile(filepath.Join(other.Subjects[0].Dir, p.File), []byte("other "+p.File), 0o600))
		}
	}
	mustSubmit(t, other, where, SubmitOptions{})
	before := tree(t, folder)
	e, err := EraseFromCluster(t.Context(), where, st, "P1")
	// Four photos of which one is shared, and an archive for each of two series.
	if err != nil || e.Tasks != 2 || e.Objects != 4-1+2 || !slices.Equal(e.Elsewhere, []string{"another"}) {
		t.Errorf("erased %+v, %v", e, err)
	}
	after := tree(t, folder)
	for name, data := range before {
		gone := after[name] != data
		if mine := strings.Contains(data, "P1") && data != "P1s0f.jpg"; mine != gone {
			t.Errorf("%s: gone: %v, want %v", name, gone, mine)
		}
	}
	if sum := mustCollect(t, where, batch, out); len(sum.Subjects) != 2 || sum.Series != 4 {
		t.Errorf("collected after that: %+v", sum)
	}
	if e, err := EraseFromCluster(t.Context(), where, st, "P1"); err != nil || e.Tasks+e.Objects != 0 {
		t.Errorf("erased again: %+v, %v", e, err)
	}
}
