package validate

import (
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

func TestPlan(t *testing.T) {
	quick := Plan(true, 1, 6)
	if len(quick) != 6 {
		t.Errorf("%d quick cases, want 6", len(quick))
	}
	for _, plan := range [][]Case{quick, Plan(true, 4, 9), Plan(false, 1, 6), Plan(false, 1, 20), Plan(false, 2, 3)} {
		seen, people := map[string]bool{}, map[uint64]bool{}
		tones := map[string]bool{}
		for _, c := range plan {
			if seen[c.Name()] {
				t.Errorf("%s twice", c.Name())
			}
			seen[c.Name()], tones[c.Tone+" "+map[bool]string{true: "null"}[c.Null()]] = true, true
			if c.Makes() && !c.Null() {
				t.Errorf("%s tests with a seed that makes the table", c.Name())
			}
			if made, ok := people[c.StudySeed()]; ok && made != c.Makes() {
				t.Errorf("%s shares a person with the other half", c.Name())
			}
			people[c.StudySeed()] = c.Makes()
		}
		if len(tones) < 6 {
			t.Errorf("tones %v", tones)
		}
	}
}

// The full set has what the targets and the table need, in less than an hour of two
// cores.
func TestFullPlan(t *testing.T) {
	type key struct {
		tone    string
		level   float64
		pxPerMM float64
		odd     bool
	}
	nulls, courses, alone := map[key]int{}, map[string]int{}, map[string]bool{}
	seconds := 0.0
	for _, c := range Plan(false, 1, 20) {
		seconds += c.Seconds()
		switch {
		case !c.Null():
			courses[c.Tone+" "+c.Course]++
			if c.Level != mild || c.PxPerMM != fineScale {
				t.Errorf("%s: power is wanted at half the nuisance", c.Name())
			}
		case c.Trick():
		case c.Nuisance != AllNuisances:
			alone[c.Nuisance] = true
		default:
			nulls[key{c.Tone, c.Level, c.PxPerMM, c.Makes()}]++
		}
	}
	for _, tone := range mainTones {
		for _, odd := range []bool{true, false} {
			if n := nulls[key{tone, mild, fineScale, odd}]; n < 10 {
				t.Errorf("%d null series of %s skin, odd %v", n, tone, odd)
			}
			if n := nulls[key{tone, full, fineScale, odd}]; n < 3 {
				t.Errorf("%d null series of %s skin at the full nuisance, odd %v", n, tone, odd)
			}
			for _, s := range coarser {
				if nulls[key{tone, mild, s.pxPerMM, odd}] == 0 || nulls[key{tone, full, s.pxPerMM, odd}] == 0 {
					t.Errorf("no null series of %s skin at %g px/mm, odd %v", tone, s.pxPerMM, odd)
				}
			}
		}
		for course, n := range map[string]int{"better30": 4, "better20": 3, "better10": 1, "better50": 1, "worse20": 1, "mixed": 1} {
			if courses[tone+" "+course] < n {
				t.Errorf("%s skin %s: %d series, want %d", tone, course, courses[tone+" "+course], n)
			}
		}
	}
	// Each coarse band has what a row by zone needs, over all tones.
	for _, s := range coarser {
		n := 0
		for k, of := range nulls {
			if k.odd && k.pxPerMM == s.pxPerMM {
				n += of
			}
		}
		if n < enoughDF {
			t.Errorf("%d series make the table at %g px/mm", n, s.pxPerMM)
		}
	}
	if len(alone) != len(nuisances) {
		t.Errorf("flaws alone: %v", alone)
	}
	if m := seconds / 60 / 2; m > 55 {
		t.Errorf("%.0f minutes on two cores", m)
	}
	bandSeen := map[float64]bool{}
	for k := range nulls {
		bandSeen[bandOf(result.Number(k.pxPerMM))] = true
	}
	if len(bandSeen) != len(bands) {
		t.Errorf("bands %v", bandSeen)
	}
}
