package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestFailureLeavesOutputAsItWas(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	out := t.TempDir()
	mustRun(t, people(t, "P1", "P2"), out, options(2))
	before := results(t, out)
	fresh := filepath.Join(t.TempDir(), "new", "out")
	for _, dir := range []string{out, fresh} {
		_, err := Run(t.Context(), people(t, "P1 ok 5", "P2 full"), dir, options(2))
		if err == nil || !strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
			t.Fatalf("got %v, want the reason", err)
		}
	}
	same(t, results(t, out), before)
	same(t, results(t, filepath.Dir(fresh)), map[string]string{})
	// Nothing at all stays of a run that finished nothing.
	fresh = filepath.Join(t.TempDir(), "new", "out")
	if _, err := Run(t.Context(), people(t, "P2 full"), fresh, options(1)); err == nil {
		t.Error("a full disk went unnoticed")
	}
	if _, err := os.Stat(filepath.Dir(fresh)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a failed run left a new folder: %v", err)
	}
}

func TestCancelLeavesOutputAsItWas(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	out := t.TempDir()
	mustRun(t, people(t, "P1", "P2"), out, options(2))
	before := results(t, out)
	ctx, cancel := context.WithCancel(t.Context())
	opts := options(2)
	opts.Progress = func(p Progress) {
		if p.Subject == "P2" {
			cancel()
		}
	}
	if _, err := Run(ctx, people(t, "P1 ok 5", "P2 hang"), out, opts); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	same(t, results(t, out), before)
}

func TestOneSubjectIsReplacedAndOthersStay(t *testing.T) {
	out, want := t.TempDir(), t.TempDir()
	mustRun(t, people(t, "P1", "P2", "P3"), out, options(2))
	opts := options(1)
	opts.Subjects = []string{"P2"}
	sum := mustRun(t, people(t, "P1 ok 5", "P2 ok 7"), out, opts)
	mustRun(t, people(t, "P1", "P2 ok 7", "P3"), want, options(2))
	same(t, tree(t, out), tree(t, want))
	if len(sum.Subjects) != 1 || sum.Series != 2 {
		t.Errorf("summary: %+v", sum)
	}
}

func TestFullRunRemovesFormerSubjects(t *testing.T) {
	out, want := t.TempDir(), t.TempDir()
	mustRun(t, people(t, "P1", "P2"), out, options(2))
	mustRun(t, people(t, "P1"), out, options(2))
	mustRun(t, people(t, "P1"), want, options(2))
	same(t, tree(t, out), tree(t, want))
}

func TestForeignFilesStay(t *testing.T) {
	out := t.TempDir()
	write := func(name string) {
		name = filepath.Join(out, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte("mine"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write("letter.txt")
	mustRun(t, people(t, "P1", "P2"), out, options(2))
	write("P1/notes/n.txt")
	write("P2/notes.txt")
	mustRun(t, people(t, "P1"), out, options(2)) // replaces P1, removes P2
	if _, err := Report(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	got := tree(t, out)
	for _, name := range []string{"letter.txt", "P1/notes/n.txt", "P2/notes.txt"} {
		if got[name] != "mine" {
			t.Errorf("%s: got %q", name, got[name])
		}
	}
	if _, ok := got["P2/result.json"]; ok {
		t.Error("the results of P2 are still there")
	}
	for _, name := range []string{"trends.csv", "P1/x.txt"} {
		out = t.TempDir()
		write(name)
		before := tree(t, out)
		if _, err := Run(t.Context(), people(t, "P1"), out, options(1)); !errors.Is(err, ErrUsage) {
			t.Errorf("run over a foreign %s: %v", name, err)
		}
		same(t, tree(t, out), before)
	}
}

// A commit that was cut off at any of its steps is finished by the next opening.
func TestInterruptedCommitIsFinished(t *testing.T) {
	whole := t.TempDir()
	mustRun(t, people(t, "P1"), whole, options(1))
	want := tree(t, whole)
	delete(want, ".")
	for _, steps := range []int{0, 1, 2, 3, 4, 5} {
		t.Run(fmt.Sprint(steps), func(t *testing.T) {
			out := t.TempDir()
			in := func(elem ...string) string { return filepath.Join(append([]string{out, stageDir}, elem...)...) }
			// All is staged; what is there is older and has one person more.
			check(t, os.Mkdir(in(), 0o700), os.Mkdir(in("new"), 0o700), os.Mkdir(in("old"), 0o700), os.Mkdir(in("tasks"), 0o700),
				os.WriteFile(in("commit"), []byte(`{"Remove":["P2"]}`), 0o600))
			for _, name := range slices.Sorted(maps.Keys(want)) {
				if want[name] == "folder" {
					check(t, os.Mkdir(in("new", name), 0o700))
				} else {
					check(t, os.WriteFile(in("new", name), []byte(want[name]), 0o600))
				}
			}
			check(t, os.MkdirAll(filepath.Join(out, "P1", "aligned"), 0o700), os.Mkdir(filepath.Join(out, "P2"), 0o700),
				os.WriteFile(filepath.Join(out, runFile), []byte("old"), 0o600))
			for i, name := range []string{"P1", runFile} {
				if steps > 2*i {
					check(t, os.Rename(filepath.Join(out, name), in("old", name)))
				}
				if steps > 2*i+1 {
					check(t, os.Rename(in("new", name), filepath.Join(out, name)))
				}
			}
			if steps > 4 {
				check(t, os.Rename(filepath.Join(out, "P2"), in("old", "P2")))
			}
			o, err := openOutdir(out)
			check(t, err)
			o.close()
			got := tree(t, out)
			delete(got, ".")
			same(t, got, want)
		})
	}
}

func TestLeftoversOfAKilledRunAreRemoved(t *testing.T) {
	out := t.TempDir()
	mustRun(t, people(t, "P1"), out, options(1))
	want := tree(t, out)
	check(t, os.MkdirAll(filepath.Join(out, stageDir, "new", "P9"), 0o700),
		os.WriteFile(filepath.Join(out, stageDir, "new", "P9", "x"), nil, 0o600))
	mustRun(t, people(t, "P1"), out, options(1))
	same(t, tree(t, out), want)
}

func TestOneWriterAtATime(t *testing.T) {
	out := t.TempDir()
	o, err := openOutdir(out)
	check(t, err)
	defer o.close()
	if _, err := openOutdir(out); err == nil || !strings.Contains(err.Error(), "another dermatrend") {
		t.Errorf("a second opening: %v", err)
	}
	if _, err := os.Stat(o.stage("new")); err != nil {
		t.Errorf("the refused one took the first one's files: %v", err)
	}
}

func TestOutputAmongPhotosIsRefused(t *testing.T) {
	st := people(t, "P1")
	link := filepath.Join(t.TempDir(), "link")
	check(t, os.Symlink(st.Subjects[0].Dir, link))
	for _, out := range []string{st.Root, st.Subjects[0].Dir, filepath.Join(st.Root, "P1", "deep", "out"), filepath.Join(link, "out")} {
		before := tree(t, st.Root)
		if _, err := Run(t.Context(), st, out, options(1)); !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", out, err)
		}
		same(t, tree(t, st.Root), before)
	}
	for _, id := range []string{"..", "a/b", ".x", "run.json", ""} {
		st := people(t, "P1")
		st.Subjects[0].ID = id
		if _, err := Run(t.Context(), st, t.TempDir(), options(1)); !errors.Is(err, ErrUsage) {
			t.Errorf("subject %q: %v", id, err)
		}
	}
}
