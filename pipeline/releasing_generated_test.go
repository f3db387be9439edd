package pipeline

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// leaving is one kind of output that leaves the clinic: what consent has to cover, all
// of it, and what writes it into a folder, with the key of its codes beside it.
type leaving struct {
	name   string
	scopes []string
	write  func(t *testing.T, st *study.Study, out, dir string, on study.Date) error
}

func leavingReport(audience consent.Audience, level consent.Level, scopes ...string) leaving {
	return leaving{string(audience) + " " + string(level), scopes, func(t *testing.T, st *study.Study, out, dir string, on study.Date) error {
		o := handOutOptions(t, st, dir)
		o.Audience, o.Level, o.On, o.ReviewedOn = audience, level, on, on
		if audience == consent.ForPatient {
			o.Zone = ""
		}
		_, err := HandOut(t.Context(), out, o)
		return err
	}}
}

func leavingExport(scope string, formats ...string) leaving {
	return leaving{strings.Join(formats, " "), []string{scope}, func(t *testing.T, st *study.Study, out, dir string, on study.Date) error {
		_, err := Export(t.Context(), out, ExportOptions{Dir: dir, AsOf: on, Formats: formats, Study: st, By: "Kim", Version: "1.0"})
		return err
	}}
}

// allLeaving is the table of outputs, design section 8.
var allLeaving = []leaving{
	leavingReport(consent.ForPatient, "", "clinical"),
	leavingReport(consent.ForPublication, consent.LevelZone, "deidentified_report"),
	leavingReport(consent.ForPublication, consent.LevelFullFace, "identifiable_report"),
	leavingReport(consent.ForTeaching, consent.LevelZone, "teaching"),
	leavingReport(consent.ForTeaching, consent.LevelHalfFace, "teaching", "identifiable_report"),
	leavingReport(consent.ForMarketing, consent.LevelZone, "marketing"),
	leavingReport(consent.ForMarketing, consent.LevelCoveredEyes, "marketing", "identifiable_report"),
	leavingExport("research", "csv", "parquet", "fhir", "redcap"),
	leavingExport("identifiable_report", "dicom"),
	{"blind pack", []string{"research"}, func(t *testing.T, st *study.Study, out, dir string, on study.Date) error {
		_, err := Blind(t.Context(), out, BlindOptions{Dir: dir, Scale: "gais", Zones: []string{"cheek_left"}, AsOf: on, Study: st, By: "Kim"})
		return err
	}},
}

// shownIn lists whom the files of an output show, by the codes in its key.
func shownIn(t *testing.T, dir string) (persons []string) {
	t.Helper()
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	files := folder(t, dir)
	if len(files) == 0 {
		return nil
	}
	key, err := os.ReadFile(dir + "-key.csv")
	check(t, err)
	codes := regexp.MustCompile(`(?m)^subject,(P\d+),(\S+)$`).FindAllSubmatch(key, -1)
	if codes == nil { // of a blind pack: what is shown under which number is all that the key tells
		for _, m := range regexp.MustCompile(`\bP\d\d\b`).FindAll(key, -1) {
			persons = append(persons, string(m))
		}
	}
	for _, m := range codes {
		for name, data := range files {
			if strings.Contains(name, string(m[2])) || strings.Contains(data, string(m[2])) {
				persons = append(persons, string(m[1]))
			}
		}
	}
	slices.Sort(persons)
	return slices.Compact(persons)
}

// TestThousandCombinations writes every kind of output for generated scopes, dates,
// expiries and withdrawals, with the functions that the commands call: on disk is then
// who is covered, by the rule written out here, and nobody else; and after further
// withdrawals nobody who withdrew.
func TestThousandCombinations(t *testing.T) {
	const persons = 10
	rounds := 100
	if underRace {
		rounds = len(allLeaving)
	}
	rng := rand.New(rand.NewPCG(21, 4))
	day := func(n int) study.Date { return study.Date{Time: date(t, "2026-06-12").AddDate(0, 0, n)} }
	maybe := func(one int, n int) int { // one in so many times a day, else never
		if rng.IntN(one) > 0 {
			return never
		}
		return n
	}
	st, out := handOutStudy(t, make([][]study.Consent, persons)...)
	home := t.TempDir()
	shown, left, fetched := 0, 0, 0
	for round := range rounds {
		st.Root = t.TempDir() // a ledger of its own
		output, today := allLeaving[round%len(allLeaving)], rng.IntN(60)
		want := map[string]bool{}
		for i := range st.Subjects {
			p := generatedPerson{}
			s := &st.Subjects[i]
			s.Consent = nil
			for range 1 + rng.IntN(3) {
				signed := rng.IntN(45)
				c := generatedConsent{signed: signed, expires: maybe(3, signed+rng.IntN(30)), withdrawn: maybe(6, signed+rng.IntN(30))}
				for _, scope := range consent.Scopes {
					if rng.IntN(4) > 0 {
						c.scopes = append(c.scopes, scope)
					}
				}
				p.given = append(p.given, c)
				given := study.Consent{Scope: c.scopes, Signed: day(signed)}
				if c.expires != never {
					given.Expires = day(c.expires)
				}
				if c.withdrawn != never {
					given.Withdrawn = day(c.withdrawn)
				}
				s.Consent = append(s.Consent, given)
			}
			if w := maybe(5, rng.IntN(60)); w != never { // through the ledger
				scope := output.scopes[rng.IntN(len(output.scopes))]
				if _, err := consent.Withdraw(t.Context(), st, s.ID, scope, day(w), ""); err != nil {
					t.Fatal(err)
				}
				p.given = append(p.given, generatedConsent{signed: never, withdrawn: w, scopes: []string{scope}})
			}
			if p.covered(output.scopes, today) {
				want[s.ID] = true
			}
		}
		dir := filepath.Join(home, output.name, st.Name)
		check(t, os.RemoveAll(dir), os.RemoveAll(dir+"-key.csv"), os.RemoveAll(dir+"-key-metrics.csv"))
		if err := output.write(t, st, out, dir, day(today)); err != nil && (!errors.Is(err, ErrUsage) || len(want) > 0) {
			t.Fatalf("%s: %v", output.name, err)
		}
		there := shownIn(t, dir)
		for _, id := range there {
			if !want[id] {
				t.Errorf("round %d, %s on %s: %s is shown without consent: %+v", round, output.name, day(today), id, st.Subjects)
			}
		}
		if len(there) != len(want) {
			t.Errorf("round %d, %s on %s: %v are shown of %v", round, output.name, day(today), there, want)
		}
		shown, left = shown+len(there), left+persons-len(there)

		if len(there) == 0 || rng.IntN(2) == 0 {
			continue
		}
		who := there[rng.IntN(len(there))]
		if _, err := consent.Withdraw(t.Context(), st, who, output.scopes[rng.IntN(len(output.scopes))], day(today), "", home); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(shownIn(t, dir), who) {
			t.Errorf("round %d, %s: %s has withdrawn and is still there", round, output.name, who)
		}
		fetched++
	}
	if shown < persons*rounds/6 || left < persons*rounds/6 || fetched < rounds/5 {
		t.Errorf("%d shown, %d left out, %d withdrawn afterwards: little was tested", shown, left, fetched)
	}
}

const never = -1

// generatedConsent is a statement of a manifest; one of the ledger has only a
// withdrawal. Days count from the same.
type generatedConsent struct {
	scopes                     []string
	signed, expires, withdrawn int
}

type generatedPerson struct{ given []generatedConsent }

// covered is the rule: each scope is signed by that day after every withdrawal of up to
// then, has not expired, and no withdrawal lies ahead.
func (p generatedPerson) covered(scopes []string, today int) bool {
	for _, scope := range scopes {
		ended, valid := never, false
		for _, c := range p.given {
			if slices.Contains(c.scopes, scope) && c.withdrawn != never {
				if c.withdrawn > today {
					return false
				}
				ended = max(ended, c.withdrawn)
			}
		}
		for _, c := range p.given {
			valid = valid || slices.Contains(c.scopes, scope) && c.signed > ended && c.signed <= today && (c.expires == never || c.expires >= today)
		}
		if !valid {
			return false
		}
	}
	return true
}
