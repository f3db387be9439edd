package consent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/study"
)

// TestWithdraw: the scope's exports go, those elsewhere are listed, the clinical
// record, other scopes and other persons stay, and nothing new is allowed from that
// day on, while a later signature allows anew.
func TestWithdraw(t *testing.T) {
	ctx := context.Background()
	root, out, elsewhere := t.TempDir(), t.TempDir(), t.TempDir()
	st := people(root)
	record := filepath.Join(out, "report.html")
	if err := os.WriteFile(record, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(out, "teaching"), 0o700); err != nil {
		t.Fatal(err)
	}
	mine, gone, other := filepath.Join(out, "teaching", "a.html"), filepath.Join(elsewhere, "b.html"), filepath.Join(out, "c.html")
	release(t, root, mine, "P1")
	release(t, root, gone, "P1")
	release(t, root, other, "P2")

	w, err := Withdraw(ctx, st, "P1", "teaching", day("2026-05-02"), "Dr. X", out)
	if err != nil {
		t.Fatal(err)
	}
	deleted := map[string]bool{}
	for _, a := range w.Artefacts {
		deleted[a.Path] = a.Deleted
	}
	if len(deleted) != 2 || !deleted[mine] || deleted[gone] {
		t.Errorf("artefacts %+v", w.Artefacts)
	}
	for path, want := range map[string]bool{mine: false, filepath.Dir(mine): false, gone: true, other: true, record: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	r, err := NewRegister(ctx, st)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		subject, scope, on string
		want               bool
	}{
		{"P1", "teaching", "2026-05-01", true}, {"P1", "teaching", "2026-05-02", false}, {"P1", "marketing", "2026-05-02", true},
		{"P2", "teaching", "2026-05-02", true}, {"P2", "teaching", "2027-01-01", false}, {"P2", "clinical", "2027-01-01", true}, {"P3", "clinical", "2026-05-02", false},
	} {
		if ok, why := r.Covers(c.subject, c.scope, day(c.on)); ok != c.want || !ok && why == "" {
			t.Errorf("%+v: %t, %q", c, ok, why)
		}
	}
	st.Subjects[0].Consent = append(st.Subjects[0].Consent, study.Consent{Scope: []string{"teaching"}, Signed: day("2026-07-01")})
	if r, err = NewRegister(ctx, st); err != nil {
		t.Fatal(err)
	}
	if ok, why := r.Covers("P1", "teaching", day("2026-07-01")); !ok {
		t.Errorf("signed anew: %s", why)
	}
	if _, err := Withdraw(ctx, st, "P9", "teaching", day("2026-05-02"), "", out); err == nil {
		t.Error("an unknown person withdrew")
	}
	if _, err := Withdraw(ctx, st, "P1", "everything", day("2026-05-02"), "", out); err == nil || !strings.Contains(err.Error(), "expected one of") {
		t.Errorf("an unknown scope was withdrawn: %v", err)
	}
}

// TestErased: who was erased is covered for nothing, though the manifest is still
// there, until they sign anew; others and days before are not touched.
func TestErased(t *testing.T) {
	ctx := context.Background()
	root := t.TempDir()
	st := people(root)
	if _, err := Erase(ctx, st, "P1", day("2026-05-02"), ""); err != nil {
		t.Fatal(err)
	}
	st.Subjects[0].Consent = append(st.Subjects[0].Consent, study.Consent{Scope: []string{"clinical"}, Signed: day("2026-05-03")})
	r, err := NewRegister(ctx, st)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		subject, scope, on string
		want               bool
	}{
		{"P1", "teaching", "2026-05-01", true}, {"P1", "teaching", "2026-05-02", false}, {"P1", "marketing", "2026-06-01", false},
		{"P1", "clinical", "2026-05-02", false}, {"P1", "clinical", "2026-05-03", true}, {"P2", "teaching", "2026-05-02", true},
	} {
		if ok, why := r.Covers(c.subject, c.scope, day(c.on)); ok != c.want || !ok && why == "" {
			t.Errorf("%+v: %t, %q", c, ok, why)
		}
	}
}

// TestExportedAgainWithoutThem: a file that a later export without the person has
// replaced is somebody else's and stays, also where they withdraw once more or are
// erased.
func TestExportedAgainWithoutThem(t *testing.T) {
	ctx := context.Background()
	root, out := t.TempDir(), t.TempDir()
	st := people(root)
	path := filepath.Join(out, "a.html")
	release(t, root, path, "P1", "P2")
	for range 2 {
		if w, err := Withdraw(ctx, st, "P1", "teaching", day("2026-05-02"), "", out); err != nil || len(w.Artefacts) != 1 {
			t.Fatalf("%+v, %v", w, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Fatal("a file that shows P1 is still there")
		}
		if _, err := tryRelease(t, root, path, "P1", "P2"); !errors.As(err, &NotCoveredError{}) {
			t.Fatalf("who withdrew is exported again: %v", err)
		}
		// Somebody fetched the copy back: to be deleted again.
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	release(t, root, path, "P2")
	for what, do := range map[string]func() (Withdrawal, error){
		"withdraw": func() (Withdrawal, error) { return Withdraw(ctx, st, "P1", "teaching", day("2026-05-03"), "", out) },
		"erase":    func() (Withdrawal, error) { return Erase(ctx, st, "P1", day("2026-05-03"), "", out) },
	} {
		w, err := do()
		if err != nil || len(w.Artefacts) != 1 || w.Artefacts[0].Deleted {
			t.Errorf("%s: %+v, %v", what, w, err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: the export that does not show P1 is gone", what)
		}
	}
}

// withdrawals are the days on which statements were withdrawn.
func withdrawals[S any](all []S, on func(S) int) []int {
	var days []int
	for _, s := range all {
		if d := on(s); d != 99 {
			days = append(days, d)
		}
	}
	return days
}

// TestWithdrawnWhilePlaced: a withdrawal between the entry of an export and its being
// put in place prevents it; one that comes later finds the file.
func TestWithdrawnWhilePlaced(t *testing.T) {
	ctx := context.Background()
	root, out := t.TempDir(), t.TempDir()
	st := people(root)
	path, staged := filepath.Join(out, "a.html"), filepath.Join(t.TempDir(), "a")
	e := Entry{Subjects: []string{"P1"}, Scope: "teaching", AsOf: "2026-05-01"}
	var wg sync.WaitGroup
	defer wg.Wait()
	for k := range 20 {
		if err := os.WriteFile(staged, []byte{byte(k)}, 0o600); err != nil {
			t.Fatal(err)
		}
		st.Subjects[0].Consent = []study.Consent{{Scope: []string{"teaching"}, Signed: day("2026-01-01")}}
		st.Root = t.TempDir()
		wg.Go(func() {
			if _, err := Withdraw(ctx, st, "P1", "teaching", day("2026-05-01"), "", out); err != nil {
				t.Error(err)
			}
		})
		_, err := Release(ctx, st, e, staged, path, nil)
		wg.Wait()
		if err != nil && !errors.As(err, &NotCoveredError{}) {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Fatal("it was withdrawn, and the file is there")
		}
	}
}

// TestDeletedIsWrittenWhenItIsTrue: the entry of a withdrawal lists files, one that
// follows says which of them were deleted. A file that cannot be deleted is in
// neither as deleted.
func TestDeletedIsWrittenWhenItIsTrue(t *testing.T) {
	ctx := context.Background()
	root, out := t.TempDir(), t.TempDir()
	good, bad := filepath.Join(out, "a.html"), filepath.Join(out, "locked", "b.html")
	if err := os.Mkdir(filepath.Dir(bad), 0o700); err != nil {
		t.Fatal(err)
	}
	release(t, root, good, "P1")
	release(t, root, bad, "P1")
	// A folder that became a link leads out of where files may be deleted.
	moved := t.TempDir()
	if err := errors.Join(os.Rename(bad, filepath.Join(moved, "b.html")), os.Remove(filepath.Dir(bad)), os.Symlink(moved, filepath.Dir(bad))); err != nil {
		t.Fatal(err)
	}
	w, err := Withdraw(ctx, people(root), "P1", "teaching", day("2026-05-02"), "", out)
	if err == nil {
		t.Error("nothing was said")
	}
	all, err := ledger(t, root).Entries(ctx)
	if err != nil || len(all) != 4 || Head(all) != w.Head {
		t.Fatalf("%+v, %v", all, err)
	}
	intent, done := all[2], all[3]
	if intent.Kind != KindWithdraw || len(intent.Artefacts) != 2 || intent.Artefacts[0].Deleted || intent.Artefacts[1].Deleted {
		t.Errorf("%+v", intent)
	}
	if done.Kind != KindDeleted || len(done.Artefacts) != 1 || done.Artefacts[0].Path != good || !done.Artefacts[0].Deleted {
		t.Errorf("%+v", done)
	}
}

// TestWithdrawnTwice: the day from which on nothing may be exported is that of the
// first withdrawal, in every answer.
func TestWithdrawnTwice(t *testing.T) {
	ctx := context.Background()
	st := people(t.TempDir())
	for _, c := range []struct{ on, since string }{{"2026-06-10", "2026-06-10"}, {"2026-07-01", "2026-06-10"}, {"2026-05-05", "2026-05-05"}, {"2026-06-10", "2026-05-05"}} {
		w, err := Withdraw(ctx, st, "P1", "teaching", day(c.on), "")
		if err != nil || w.Since.String() != c.since {
			t.Errorf("withdrawn on %s: counts from %s (%v), want %s", c.on, w.Since, err, c.since)
		}
		r, err := NewRegister(ctx, st)
		if err != nil {
			t.Fatal(err)
		}
		if ok, why := r.Covers("P1", "teaching", day("2026-11-01")); ok || !strings.HasSuffix(why, "withdrawn on "+c.since) {
			t.Errorf("%t, %s; want %s", ok, why, c.since)
		}
	}
	// Signed anew and withdrawn once more: that is another day.
	st.Subjects[0].Consent = append(st.Subjects[0].Consent, study.Consent{Scope: []string{"teaching"}, Signed: day("2026-08-01")})
	if w, err := Withdraw(ctx, st, "P1", "teaching", day("2026-09-01"), ""); err != nil || w.Since.String() != "2026-09-01" {
		t.Errorf("%+v, %v", w, err)
	}
}
