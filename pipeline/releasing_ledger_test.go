package pipeline

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/export"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Two at once: both are done, or one is told to wait; all that is there is in the
// ledger, which is unbroken.
func TestTwoHandOutsAtOnce(t *testing.T) {
	st, out := handOutStudy(t, signed(t, consent.Scopes...), signed(t, consent.Scopes...))
	dir := t.TempDir()
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		o := handOutOptions(t, st, filepath.Join(dir, fmt.Sprint("d", i%2)))
		wg.Go(func() { _, errs[i] = HandOut(t.Context(), out, o) })
	}
	wg.Wait()
	done := 0
	for _, err := range errs {
		switch {
		case err == nil:
			done++
		case !strings.Contains(err.Error(), "another dermatrend is writing"):
			t.Error(err)
		}
	}
	if done == 0 {
		t.Error("none was done")
	}
	for i := range 2 {
		d := filepath.Join(dir, fmt.Sprint("d", i))
		if _, err := os.Stat(d); err == nil {
			inLedger(t, st.Root, d)
		}
	}
}

// Who withdraws while the pages are made is not handed out.
func TestWithdrawnMeanwhile(t *testing.T) {
	st, out := handOutStudy(t, signed(t, consent.Scopes...), signed(t, consent.Scopes...))
	o := handOutOptions(t, st, t.TempDir())
	var sum HandOutSummary
	h := handOut{out: out, opts: o, key: export.NewKey(), staged: t.TempDir(), sum: &sum}
	register, err := consent.NewRegister(t.Context(), st)
	check(t, err, h.stage(t.Context(), []string{"P00", "P01"}, register))
	if _, err := consent.Withdraw(t.Context(), st, "P00", "deidentified_report", date(t, "2026-06-01"), ""); err != nil {
		t.Fatal(err)
	}
	check(t, h.release(t.Context(), o.Dir))
	if _, err := os.Stat(filepath.Join(o.Dir, h.key.Code("P00"))); err == nil || sum.Persons != 1 || len(sum.Excluded) != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
	inLedger(t, st.Root, o.Dir)
}

// Whatever leaves says that the clock was set back: what is today decides whether
// consent has expired.
func TestClockSetBackIsSaid(t *testing.T) {
	for name, write := range map[string]func(st *study.Study, out, dir string) (consent.Receipt, error){
		"hand-out": func(st *study.Study, out, dir string) (consent.Receipt, error) {
			sum, err := HandOut(t.Context(), out, handOutOptions(t, st, dir))
			return sum.Receipt, err
		},
		"export": func(st *study.Study, out, dir string) (consent.Receipt, error) {
			sum, err := Export(t.Context(), out, ExportOptions{Dir: dir, AsOf: date(t, "2026-06-01"), Formats: []string{"csv"}, Study: st})
			return sum.Receipt, err
		},
		"blind pack": func(st *study.Study, out, dir string) (consent.Receipt, error) {
			sum, err := Blind(t.Context(), out, BlindOptions{Dir: dir, Scale: "gais", Zones: []string{"cheek_left"}, AsOf: date(t, "2026-06-01"), Study: st})
			return sum.Receipt, err
		},
	} {
		st, out := handOutStudy(t, signed(t, consent.Scopes...), signed(t, consent.Scopes...))
		if r, err := write(st, out, filepath.Join(t.TempDir(), "before")); err != nil || r.ClockBack || r.Head == "" {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		ahead(t, st.Root)
		if r, err := write(st, out, filepath.Join(t.TempDir(), "after")); err != nil || !r.ClockBack {
			t.Errorf("%s, with an entry of tomorrow: %+v, %v", name, r, err)
		}
	}
}

// ahead enters something into a ledger as a machine does whose clock is a day ahead.
func ahead(t *testing.T, root string) {
	t.Helper()
	l, err := consent.Existing(root)
	check(t, err)
	entries, err := l.Entries(t.Context())
	check(t, err, l.Close())
	e := consent.Entry{Seq: int64(len(entries) + 1), Time: time.Now().UTC().AddDate(0, 0, 1).Format(time.RFC3339), Kind: consent.KindExport, Subjects: []string{"P00"}, Prev: consent.Head(entries)}
	body, err := json.Marshal(e)
	check(t, err)
	sum := sha256.Sum256(body)
	db, err := sql.Open("sqlite3", filepath.Join(root, consent.LedgerFile))
	check(t, err)
	_, err = db.Exec("INSERT INTO entry (seq, body, hash) VALUES (?, ?, ?)", e.Seq, string(body), hex.EncodeToString(sum[:]))
	check(t, err, db.Close())
}
