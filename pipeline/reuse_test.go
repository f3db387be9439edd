package pipeline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/study"
)

// whatRan runs a study and lists what was measured, as "P1 front", in order.
func whatRan(t *testing.T, st *study.Study, out string, opts RunOptions) []string {
	t.Helper()
	list := []string{}
	opts.Progress = func(p Progress) {
		if p.Finished {
			list = append(list, p.Subject+" "+p.View)
		}
	}
	mustRun(t, st, out, opts)
	slices.Sort(list)
	return list
}

// Whatever changes between two runs, the second writes what a first one would, and
// measures no more than what depends on the change. The reason is told beforehand.
func TestSecondRunMeasuresWhatChanged(t *testing.T) {
	before := t.TempDir()
	mustRun(t, people(t, "P1", "P2"), before, options(1))
	everything := []string{"P1 front", "P1 left45", "P2 front", "P2 left45"}
	const front = "aligned/front-s1.jpg"
	for _, c := range []struct {
		name   string
		change func(t *testing.T, st *study.Study, out string, opts *RunOptions)
		want   []string
		why    string // of the first that is measured
	}{
		{"nothing", func(*testing.T, *study.Study, string, *RunOptions) {}, nil, ""},
		{"a photo", func(t *testing.T, st *study.Study, _ string, _ *RunOptions) {
			check(t, os.WriteFile(filepath.Join(st.Subjects[1].Dir, "s1f.jpg"), []byte("another"), 0o600))
		}, []string{"P2 front"}, "changed: s1f.jpg"},
		{"a photo of the same size and time", func(t *testing.T, st *study.Study, _ string, _ *RunOptions) {
			name := filepath.Join(st.Subjects[1].Dir, "s1f.jpg")
			info, err := os.Stat(name)
			check(t, err, os.WriteFile(name, []byte("P2s1X.jpg"), 0o600), os.Chtimes(name, info.ModTime(), info.ModTime()))
		}, []string{"P2 front"}, "changed: s1f.jpg"},
		{"a session more", func(t *testing.T, st *study.Study, _ string, _ *RunOptions) {
			s := &st.Subjects[0]
			s.Sessions = append(s.Sessions, study.Session{ID: "s2", Date: study.NewDate(2026, 3, 1), Photos: []study.Photo{{View: "front", File: "s2f.jpg"}}})
			check(t, os.WriteFile(filepath.Join(s.Dir, "s2f.jpg"), []byte("new"), 0o600))
		}, []string{"P1 front"}, "new: s2f.jpg"},
		{"a date", func(t *testing.T, st *study.Study, _ string, _ *RunOptions) {
			st.Subjects[0].Sessions[1].Date = study.NewDate(2026, 2, 1)
		}, []string{"P1 front", "P1 left45"}, "the manifest or an edit says otherwise of it"},
		{"an outline of one view", func(t *testing.T, st *study.Study, _ string, _ *RunOptions) {
			st.Subjects[0].Zones = map[string]map[string]study.Polygon{"left45": {"chin": {{X: 1, Y: 1}, {X: 9, Y: 1}, {X: 9, Y: 9}}}}
		}, []string{"P1 left45"}, "the manifest or an edit says otherwise of it"},
		{"an edit of one view", func(_ *testing.T, st *study.Study, _ string, _ *RunOptions) {
			st.Subjects[0].Edits = []study.Edit{{View: "left45", By: "A", Object: &study.ObjectEdit{Kind: "pore"}}}
		}, []string{"P1 left45"}, "the manifest or an edit says otherwise of it"},
		{"edits that do not hold or are taken back", func(_ *testing.T, st *study.Study, _ string, _ *RunOptions) {
			square := study.Polygon{{X: 1, Y: 1}, {X: 9, Y: 1}, {X: 9, Y: 9}}
			st.Subjects[0].Edits = []study.Edit{
				{View: "left45", By: "A", Void: "its photo is gone", Object: &study.ObjectEdit{Kind: "pore"}},
				{View: "front", By: "A", Zone: &study.ZoneEdit{Name: "chin", Outline: square}},
				{View: "front", By: "B", Zone: &study.ZoneEdit{Name: "chin"}},
			}
		}, nil, ""},
		{"consent, history, covariates", func(t *testing.T, st *study.Study, _ string, _ *RunOptions) {
			s := &st.Subjects[0]
			s.Consent, s.History, s.Covariates = []study.Consent{{Scope: []string{"clinical"}}}, []string{"none"}, map[string]string{"arm": "A"}
			st.Notes = append(st.Notes, study.Note{Subject: "P1", Text: "mind this"})
		}, nil, ""},
		{"photos that belong to no session", func(t *testing.T, st *study.Study, _ string, _ *RunOptions) {
			st.Subjects[0].LeftOut = append(st.Subjects[0].LeftOut, study.Problem{Photo: "x.jpg", Message: "no date"})
		}, nil, ""},
		{"where the study lies", func(t *testing.T, st *study.Study, _ string, _ *RunOptions) {
			moved := t.TempDir()
			for i := range st.Subjects {
				s := &st.Subjects[i]
				check(t, os.Rename(s.Dir, filepath.Join(moved, s.ID)))
				s.Dir = filepath.Join(moved, s.ID)
			}
			st.Root = moved
		}, nil, ""},
		{"a setting", func(_ *testing.T, _ *study.Study, _ string, opts *RunOptions) { opts.Config.PictureSide = 500 }, everything, "other settings"},
		{"the version", func(_ *testing.T, _ *study.Study, _ string, opts *RunOptions) { opts.Version = "next" }, everything, "measured by version test"},
		{"a wish", func(_ *testing.T, _ *study.Study, _ string, opts *RunOptions) { opts.Fresh = true }, everything, "asked to measure all again"},
		{"a result", func(t *testing.T, _ *study.Study, out string, _ *RunOptions) {
			name := filepath.Join(out, "P2", "result.json")
			data, err := os.ReadFile(name)
			check(t, err, os.WriteFile(name, []byte(strings.Replace(string(data), `"Value": 1`, `"Value": 2`, 1)), 0o600))
		}, []string{"P2 front", "P2 left45"}, "result.json was changed"},
		{"a picture", func(t *testing.T, _ *study.Study, out string, _ *RunOptions) {
			check(t, os.Truncate(filepath.Join(out, "P2", front), 1))
		}, []string{"P2 front"}, front + " was changed"},
		{"a picture that is gone", func(t *testing.T, _ *study.Study, out string, _ *RunOptions) {
			check(t, os.Remove(filepath.Join(out, "P2", front)))
		}, []string{"P2 front"}, front + " is missing"},
		{"a photo that cannot be read", func(t *testing.T, st *study.Study, _ string, _ *RunOptions) {
			name := filepath.Join(st.Subjects[1].Dir, "s1f.jpg")
			check(t, os.Remove(name), os.Mkdir(name, 0o700))
		}, []string{"P2 front"}, "is a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, opts, out, want := people(t, "P1", "P2"), options(1), t.TempDir(), t.TempDir()
			check(t, os.CopyFS(out, os.DirFS(before)))
			c.change(t, st, out, &opts)
			was := tree(t, out)
			plan, err := Plan(t.Context(), st, out, opts)
			check(t, err)
			same(t, tree(t, out), was)
			var todo []string
			for _, p := range plan {
				if p.Action != Measure {
					continue
				}
				if len(todo) == 0 && !strings.Contains(p.Why, c.why) {
					t.Errorf("told why: %q, want %q", p.Why, c.why)
				}
				todo = append(todo, p.Series.Subject.ID+" "+p.Series.View)
			}
			if !slices.Equal(todo, c.want) {
				t.Errorf("planned to measure %q, want %q", todo, c.want)
			}
			if c.why == "is a directory" { // the stand-in takes it for a broken disk
				return
			}
			if got := whatRan(t, st, out, opts); !slices.Equal(got, c.want) {
				t.Errorf("measured %q, want %q", got, c.want)
			}
			if len(whatRan(t, st, want, opts)) != len(everything) {
				t.Error("a run into an empty folder took something from elsewhere")
			}
			same(t, tree(t, out), tree(t, want))
		})
	}
}

// A run that fails half way is continued, and the end is that of one that did not.
func TestFinishedSeriesOutliveTheirRun(t *testing.T) {
	st, out, want := people(t, "P1", "P2", "P3"), filepath.Join(t.TempDir(), "out"), t.TempDir()
	mustRun(t, st, want, options(1))
	bad := filepath.Join(st.Subjects[2].Dir, "s1f.jpg")
	check(t, os.Rename(bad, bad+".away"))
	_, err := Run(t.Context(), st, out, options(1))
	var unfinished *Unfinished
	if !errors.As(err, &unfinished) || unfinished.Finished != 4 || !strings.Contains(err.Error(), "4 finished series are kept") {
		t.Fatalf("got %v", err)
	}
	check(t, os.Rename(bad+".away", bad))

	// What was cut off in the middle of writing, or spoilt since, is not taken.
	kept, err := filepath.Glob(filepath.Join(out, stageDir, "finished", "P1", "*"))
	check(t, err)
	check(t, os.Truncate(filepath.Join(kept[0], seriesFile), 10), os.Remove(filepath.Join(kept[1], sealFile)))
	p, err := Plan(t.Context(), st, out, options(1))
	check(t, err)
	var actions []Action
	for _, s := range p {
		actions = append(actions, s.Action)
	}
	if want := []Action{Measure, Measure, Resume, Resume, Measure, Measure}; !slices.Equal(actions, want) {
		t.Errorf("planned %q, want %q", actions, want)
	}

	// A run of another person leaves them alone, reports do too.
	opts := options(1)
	opts.Subjects = []string{"P1"}
	if got := whatRan(t, st, out, opts); len(got) != 2 {
		t.Errorf("measured %q", got)
	}
	_, err = Report(t.Context(), out)
	check(t, err)
	if got := whatRan(t, st, out, options(2)); !slices.Equal(got, []string{"P3 front", "P3 left45"}) {
		t.Errorf("measured %q", got)
	}
	same(t, tree(t, out), tree(t, want))
}

// A person who is erased is also erased from what waits for the next run.
func TestErasureReachesFinishedSeries(t *testing.T) {
	for _, earlier := range []bool{false, true} {
		t.Run(fmt.Sprint(earlier), func(t *testing.T) {
			out := t.TempDir()
			if earlier {
				mustRun(t, people(t, "P1", "P2"), out, options(1))
			}
			if _, err := Run(t.Context(), people(t, "P1 ok 5", "P2 ok 5", "P3 full"), out, options(1)); err == nil {
				t.Fatal("a full disk went unnoticed")
			}
			found, err := Remove(t.Context(), out, "P1")
			check(t, err)
			if !found {
				t.Error("not found")
			}
			for name := range tree(t, out) {
				if strings.Contains(name, "P1") {
					t.Errorf("%s is still there", name)
				}
			}
			if countFinished(out) != 2 {
				t.Errorf("%d series of the other person wait, want 2", countFinished(out))
			}
		})
	}
}

// The death of a worker is no property of the series.
func TestLostSeriesIsTriedAgainByTheNextRun(t *testing.T) {
	st, out := people(t, "P1", "P2 abort"), t.TempDir()
	mustRun(t, st, out, options(2))
	if got := whatRan(t, st, out, options(2)); !slices.Equal(got, []string{"P2 front", "P2 left45"}) {
		t.Errorf("measured %q", got)
	}
}
