package consent

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/study"
)

func day(s string) study.Date {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return study.Date{Time: t}
}

func ledger(t *testing.T, root string) *Ledger {
	t.Helper()
	l, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func add(t *testing.T, l *Ledger, n int) (head string) {
	t.Helper()
	for i := range n {
		r, err := l.Append(context.Background(), Entry{Kind: KindExport, Subjects: []string{"P1"}, Scope: "teaching", Note: fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		head = r.Head
	}
	return head
}

// tamper changes the file behind the ledger's back, without its triggers.
func tamper(t *testing.T, root string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(root, LedgerFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range append([]string{"DROP TRIGGER entry_kept", "DROP TRIGGER entry_fixed"}, statements...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(s, err)
		}
	}
}

// TestTampering: an edit, a cut in the middle, a replaced entry and, with a head
// that was kept, a cut end and a ledger written anew all show.
func TestTampering(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		statements []string
		head       bool // a kept head is needed to see it
		want       string
	}{
		"edited":   {[]string{`UPDATE entry SET body = replace(body, 'P1', 'P2') WHERE seq = 2`}, false, "entry 2 was edited"},
		"cut":      {[]string{`DELETE FROM entry WHERE seq = 3`}, false, "entry 3 is missing"},
		"moved":    {[]string{`DELETE FROM entry WHERE seq = 3`, `UPDATE entry SET seq = seq - 1 WHERE seq > 3`}, false, "entry 3 was edited"},
		"cut end":  {[]string{`DELETE FROM entry WHERE seq = 5`}, true, "cut off"},
		"no entry": {[]string{`DELETE FROM entry`}, true, "cut off"},
	} {
		root := t.TempDir()
		l := ledger(t, root)
		head := add(t, l, 5)
		if got, err := l.Verify(ctx, head); err != nil || len(got) != 5 || Head(got) != head {
			t.Fatalf("untouched: %d entries, %v", len(got), err)
		}
		tamper(t, root, c.statements...)
		if _, err := l.Verify(ctx, head); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if _, err := l.Verify(ctx, ""); (err == nil) != c.head {
			t.Errorf("%s, without a kept head: %v", name, err)
		}
		// What was withdrawn could be gone: nobody is covered by a broken ledger.
		if _, err := NewRegister(ctx, &study.Study{Root: root}); (err == nil) != c.head {
			t.Errorf("%s: a register was made: %v", name, err)
		}
	}
}

// TestAppendOnly: the database itself refuses to change an entry.
func TestAppendOnly(t *testing.T) {
	l := ledger(t, t.TempDir())
	add(t, l, 2)
	for _, s := range []string{"UPDATE entry SET body = ''", "DELETE FROM entry"} {
		if _, err := l.db.Exec(s); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// TestTogether: exports at the same time, each through its own handle, are chained
// one after the other.
func TestTogether(t *testing.T) {
	root := t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		l := ledger(t, root)
		wg.Go(func() {
			for range 5 {
				if _, err := l.Append(context.Background(), Entry{Kind: KindExport, Subjects: []string{"P1"}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if all, err := ledger(t, root).Entries(context.Background()); err != nil || len(all) != 20 {
		t.Errorf("%d entries, %v", len(all), err)
	}
}

// TestClockBack: an entry made by a clock that was set back says so, and so do those
// after it, until the clock is where it was.
func TestClockBack(t *testing.T) {
	l := ledger(t, t.TempDir())
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for i, want := range []bool{false, true, true, false} {
		l.now = func() time.Time { return at.Add([]time.Duration{0, -time.Hour, -time.Minute, time.Hour}[i]) }
		r, err := l.Append(t.Context(), Entry{Kind: KindExport, Subjects: []string{"P1"}, Scope: "teaching"})
		if err != nil || r.ClockBack != want {
			t.Errorf("entry %d: %+v, %v", i, r, err)
		}
		if all, err := l.Entries(t.Context()); err != nil || all[i].ClockBack != want || all[i].Hash != r.Head {
			t.Errorf("entry %d: %+v, %v", i, all[i], err)
		}
	}
}

func TestLinkedLedger(t *testing.T) {
	root, other := t.TempDir(), filepath.Join(t.TempDir(), "x.db")
	if err := os.Symlink(other, filepath.Join(root, LedgerFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(root); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a link was opened: %v", err)
	}
}

func TestPrivate(t *testing.T) {
	root := t.TempDir()
	add(t, ledger(t, root), 1)
	info, err := os.Stat(filepath.Join(root, LedgerFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func people(root string) *study.Study {
	full := study.Consent{Scope: []string{"clinical", "teaching", "marketing"}, Signed: day("2026-01-01"), Expires: day("2026-12-31")}
	return &study.Study{Root: root, Subjects: []study.Subject{
		{ID: "P1", Consent: []study.Consent{full}, RetainUntil: day("2026-06-01")},
		{ID: "P2", Consent: []study.Consent{full, {Scope: []string{"clinical"}, Signed: day("2026-02-01")}}},
	}}
}

// release writes a file and exports it.
func release(t *testing.T, root, final string, subjects ...string) (head string) {
	t.Helper()
	head, err := tryRelease(t, root, final, subjects...)
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func tryRelease(t *testing.T, root, final string, subjects ...string) (head string, err error) {
	t.Helper()
	staged := filepath.Join(t.TempDir(), "staged")
	if err := os.WriteFile(staged, []byte(final), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Release(context.Background(), people(root), Entry{Subjects: subjects, Scope: "teaching", AsOf: "2026-05-01"}, staged, final, nil)
	return r.Head, err
}

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

// TestThousandReleases puts generated consents, of manifest and ledger, before every
// kind of output that leaves the clinic: it is there if and only if each of its scopes
// is covered that day and no withdrawal is on record, by the rule written out here.
func TestThousandReleases(t *testing.T) {
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(3, 9))
	on := func(n int) study.Date { return study.Date{Time: day("2026-01-01").AddDate(0, 0, n)} }
	outputs := [][]string{{"research"}, {"deidentified_report"}, {"teaching", "identifiable_report"}, {"marketing"}}
	placed, refused := 0, 0
	root := ""
	for k := range 250 {
		if k%25 == 0 { // to make a ledger takes its time, to read a long one too
			root = t.TempDir()
		}
		who := fmt.Sprint("P", k)
		st := &study.Study{Root: root, Subjects: []study.Subject{{ID: who}}}
		type statement struct{ signed, expires, withdrawn int } // 99: never
		given, latest := map[string][]statement{}, map[string]int{}
		for range 1 + rng.IntN(3) {
			s := statement{rng.IntN(30), 99, 99}
			c := study.Consent{Signed: on(s.signed)}
			if rng.IntN(3) == 0 {
				s.expires = s.signed + rng.IntN(30)
				c.Expires = on(s.expires)
			}
			if rng.IntN(6) == 0 {
				s.withdrawn = s.signed + rng.IntN(30)
				c.Withdrawn = on(s.withdrawn)
			}
			for _, scope := range Scopes {
				if rng.IntN(3) > 0 {
					c.Scope = append(c.Scope, scope)
					given[scope] = append(given[scope], s)
				}
			}
			st.Subjects[0].Consent = append(st.Subjects[0].Consent, c)
		}
		if rng.IntN(4) == 0 {
			scope, w := Scopes[1+rng.IntN(5)], rng.IntN(60)
			if _, err := Withdraw(ctx, st, who, scope, on(w), ""); err != nil {
				t.Fatal(err)
			}
			latest[scope] = w + 1
		}
		today := rng.IntN(60)
		for i, scopes := range outputs {
			want := true
			for _, scope := range scopes {
				// A withdrawal ends what was signed up to its day, and one that lies ahead
				// blocks what would leave before.
				ended, ahead, covered := -1, false, false
				for _, w := range append([]int{latest[scope] - 1}, withdrawals(given[scope], func(s statement) int { return s.withdrawn })...) {
					if w >= 0 && w <= today {
						ended = max(ended, w)
					}
					ahead = ahead || w > today
				}
				for _, s := range given[scope] {
					covered = covered || s.signed > ended && s.signed <= today && s.expires >= today
				}
				want = want && covered && !ahead
			}
			staged, final := filepath.Join(st.Root, "staged"), filepath.Join(st.Root, fmt.Sprint(who, "-", i))
			if err := os.WriteFile(staged, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Release(ctx, st, Entry{Subjects: []string{who}, Scope: scopes[0], Also: scopes[1:], AsOf: on(today).String()}, staged, final, nil)
			if err != nil && !errors.As(err, &NotCoveredError{}) {
				t.Fatal(err)
			}
			_, there := os.Stat(final)
			if (there == nil) != want || (err == nil) != want {
				t.Fatalf("combination %d, %v on day %d: there %t, want %t (%v): %+v", k, scopes, today, there == nil, want, err, given)
			}
			if want {
				placed++
			} else {
				refused++
			}
		}
	}
	if placed < 150 || refused < 150 {
		t.Errorf("%d placed, %d refused: little was tested", placed, refused)
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

// TestLinkOutOfTheFolder: a folder of exports that was replaced by a link is not
// followed.
func TestLinkOutOfTheFolder(t *testing.T) {
	root, out, victim := t.TempDir(), t.TempDir(), t.TempDir()
	path := filepath.Join(out, "teaching", "a.html")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	release(t, root, path, "P1")
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(victim, "a.html"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	if _, err := Withdraw(context.Background(), people(root), "P1", "teaching", day("2026-05-02"), "", out); err == nil {
		t.Error("nothing was said")
	}
	if _, err := os.Stat(filepath.Join(victim, "a.html")); err != nil {
		t.Error("a file outside was deleted")
	}
}

func TestStandings(t *testing.T) {
	r, err := NewRegister(context.Background(), people(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	all := r.Standings(day("2026-11-21"))
	if len(all) != 2 || !all[0].Covered["teaching"] || all[0].Covered["research"] || all[0].Why["research"] == "" || all[0].Retain == "" || all[1].Retain != "" {
		t.Fatalf("%+v", all)
	}
	// P1's statement ends on 2026-12-31; of P2 the clinical one has no end.
	if got := strings.Join(all[0].Expiring, ";"); got != "clinical after 2026-12-31;teaching after 2026-12-31;marketing after 2026-12-31" {
		t.Errorf("P1: %s", got)
	}
	if got := strings.Join(all[1].Expiring, ";"); got != "teaching after 2026-12-31;marketing after 2026-12-31" {
		t.Errorf("P2: %s", got)
	}
	if early := r.Standings(day("2026-11-01"))[0].Expiring; len(early) != 3 {
		t.Errorf("60 days before: %q", early)
	}
	if early := r.Standings(day("2026-10-31"))[0].Expiring; len(early) != 0 {
		t.Errorf("61 days before: %q", early)
	}
}

// TestThousandConsents compares the register with the rule written out day by day,
// for generated statements and withdrawals in manifest and ledger.
func TestThousandConsents(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	origin := day("2026-01-01")
	random := func() int { return rng.IntN(40) }
	on := func(n int) study.Date { return study.Date{Time: origin.AddDate(0, 0, n)} }
	allowed := 0
	for k := range 1000 {
		st := &study.Study{Root: t.TempDir(), Subjects: []study.Subject{{ID: "P"}}}
		type statement struct{ signed, expires, withdrawn int } // -1: not given
		var list []statement
		withdrawals := []int{}
		for range rng.IntN(4) {
			s := statement{random(), -1, -1}
			c := study.Consent{Scope: []string{"research", "teaching"}[:1+rng.IntN(2)], Signed: on(s.signed)}
			if rng.IntN(2) == 0 {
				s.expires = s.signed + random()
				c.Expires = on(s.expires)
			}
			if rng.IntN(3) == 0 {
				s.withdrawn = s.signed + random()
				c.Withdrawn = on(s.withdrawn)
				withdrawals = append(withdrawals, s.withdrawn)
			}
			list = append(list, s)
			st.Subjects[0].Consent = append(st.Subjects[0].Consent, c)
		}
		r := &Register{subjects: map[string]study.Subject{"P": st.Subjects[0]}, order: []string{"P"}}
		for range rng.IntN(2) {
			d := random()
			withdrawals = append(withdrawals, d)
			r.ledger = append(r.ledger, Entry{Kind: KindWithdraw, Subjects: []string{"P"}, Scope: "research", AsOf: on(d).String()})
		}
		for d := range 80 {
			want := false
			for _, s := range list {
				valid := s.signed <= d && (s.expires < 0 || d <= s.expires)
				for _, w := range withdrawals {
					if w <= d && s.signed <= w {
						valid = false
					}
				}
				want = want || valid
			}
			if got, why := r.Covers("P", "research", on(d)); got != want {
				t.Fatalf("combination %d, day %d: %t (%s), want %t: %+v, withdrawn %v", k, d, got, why, want, list, withdrawals)
			}
			if want {
				allowed++
			}
		}
	}
	if allowed < 5000 {
		t.Errorf("only %d of 80000 days were covered: nothing was tested", allowed)
	}
}
