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
