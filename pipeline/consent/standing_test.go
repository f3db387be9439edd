package consent

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/study"
)

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
