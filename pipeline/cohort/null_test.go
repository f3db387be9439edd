//go:build bench

package cohort

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// score counts how often a test rejects and an interval covers where nothing
// changes.
type score struct {
	what               string
	exact              bool
	used               bool // by the cohort stage; the others stand beside it for comparison
	tests, rejected    int
	intervals, covered int
}

type scores struct {
	byName map[string]*score
	order  []*score
}

func (s *scores) of(what string, exact, used bool) *score {
	if s.byName[what] == nil {
		s.byName[what] = &score{what: what, exact: exact, used: used}
		s.order = append(s.order, s.byName[what])
	}
	return s.byName[what]
}

func (c *score) p(p float64) {
	c.tests++
	if p < .05 {
		c.rejected++
	}
}

func (c *score) interval(low, high, truth float64) {
	c.intervals++
	if low <= truth && truth <= high {
		c.covered++
	}
}

func (c *score) print() {
	name := c.what
	if !c.used {
		name += " (not used by the cohort)"
	}
	if c.tests > 0 {
		rate := 100 * float64(c.rejected) / float64(c.tests)
		target, ok := "<= 6", rate <= 6
		if !c.exact {
			target, ok = "4 to 6", rate >= 4 && rate <= 6
		}
		fmt.Printf("BENCH|false alarms at 5 %% in %d null cohorts of 20, %s, %%|%.2f|%s|%t\n", c.tests, name, rate, target, ok)
	}
	if c.intervals > 0 {
		rate := 100 * float64(c.covered) / float64(c.intervals)
		target, ok := "93 to 97", rate >= 93 && rate <= 97
		if c.exact {
			target, ok = ">= 94", rate >= 94
		}
		fmt.Printf("BENCH|coverage of the 95 %% interval, %s, %%|%.2f|%s|%t\n", name, rate, target, ok)
	}
}

// TestNullCohorts analyses 2,000 cohorts of 20 persons in whom nothing changes but
// the photos' error and each person's own drift, about zero over persons; a tenth
// of the visits did not take place.
func TestNullCohorts(t *testing.T) {
	const cohorts, persons = 2000, 20
	s := sample{zones: []string{"forehead", "cheek_left", "cheek_right"}, metrics: []string{"roughness_mid"},
		days: []int{0, 28, 56, 84, 112, 146}, treatedOn: []int{0, 28, 56}, noise: 1, sdc: 1.96 * math.Sqrt2, drift: .3, gaps: .1}
	still := s // no drift at all: then only photographic error
	still.drift = 0
	all, plain := &scores{byName: map[string]*score{}}, &score{}
	responders, judged, drifting := 0, 0, 0
	o := options()
	o.Primary = &study.Primary{Metric: "roughness_mid", WindowDays: 90}
	for run := range cohorts {
		rng := rand.New(rand.NewPCG(uint64(run), 77))
		c := cohortOf(t, o, s, rng, persons)
		families := map[string]float64{}
		for i := range c.Rows {
			r := &c.Rows[i]
			if k := r.View + r.Contrast; r.PAdjusted.Known() && r.Role == result.RoleExploratory {
				if least, ok := families[k]; !ok || float64(r.PAdjusted) < least {
					families[k] = float64(r.PAdjusted)
				}
			}
			if r.Zone != "cheek_left" && r.Zone != "cheek" {
				continue
			}
			name, exact := "", true
			switch r.Contrast {
			case "visit:3":
				name = "change at a visit, signed rank and Hodges-Lehmann"
			case "window:90":
				name = "change in a window, the same"
			case "treated-untreated@window:90":
				name = "treated against untreated zones, the same"
			case "side:treated-untreated@window:90":
				name = "sides of a split face, the same"
			case "arm:A-B@window:90":
				name = "two arms, Mann-Whitney and Hodges-Lehmann"
			case "slope":
				name, exact = "slope, random-slope model", false
			case "typical_order:2", "typical_order:3", "typical_order:4", "typical_order:5":
				name = "order of the visits, signed rank of the persons' rank correlations"
			case "ordered:2", "ordered:3", "ordered:4", "ordered:5":
				if r.P < .05 {
					drifting++
				}
				continue
			case "covariate:dose@window:90":
				name = "covariate, regression by permutation"
			default:
				continue
			}
			if r.P.Known() {
				all.of(name, exact, true).p(float64(r.P))
			}
			if r.Low.Known() {
				if r.Test == testPermutation {
					name, exact = "covariate, Student's of a slope", false
				}
				all.of(name, exact, true).interval(float64(r.Low), float64(r.High), 0)
			}
		}
		family(all.of("any zone of the outcome named beforehand, Holm", true, true), c.Rows)
		for _, k := range []string{"frontvisit:2"} {
			all.of("any zone of a map, Benjamini-Hochberg", true, true).p(families[k])
		}
		for _, r := range cohortOf(t, options(), still, rng, persons).Rows {
			if r.Zone == "cheek_left" && r.Contrast == "window:90" {
				responders, judged = responders+r.Responders, judged+r.Judged
			}
			if r.Zone == "cheek_left" && strings.HasPrefix(r.Contrast, "ordered:") {
				all.of("order of the visits where nobody drifts, Page", true, true).p(float64(r.P))
			}
			// A model with a spread that is not there errs to the safe side.
			if r.Zone == "cheek_left" && r.Contrast == "slope" {
				all.of("slope where nobody drifts, random-slope model", true, true).p(float64(r.P))
			}
		}
		for range 10 { // cheap, so that chance plays a smaller part
			direct(all, rng, persons)
		}
		bootstrap(all, plain, rng, persons)
	}
	for _, c := range all.order {
		c.print()
	}
	// Page's null hypothesis is that nobody changes at all, so this is not its error
	// rate; it is why typical_order stands beside it.
	t.Logf("BCa as published covers %.1f %%", 100*float64(plain.covered)/float64(plain.intervals))
	t.Logf("Page rejects in %.1f %% of the cohorts whose persons drift each their own way", 100*float64(drifting)/cohorts)
	share := 100 * float64(responders) / float64(judged)
	fmt.Printf("BENCH|responders where nothing changes, %% of the persons judged|%.2f|<= 3|%t\n", share, share <= 3)
}

// family counts a rejection anywhere in the primary family.
func family(c *score, rows []result.CohortRow) {
	least := 1.0
	for i := range rows {
		if r := &rows[i]; r.Role == result.RolePrimary && r.PAdjusted.Known() {
			least = min(least, float64(r.PAdjusted))
		}
	}
	c.p(least)
}

func cohortOf(t *testing.T, o Options, s sample, rng *rand.Rand, n int) result.Cohort {
	var all []result.Subject
	for i := range n {
		p := s.person(i, rng)
		p.TreatedZones = []string{"cheek_left"}
		p.Covariates = map[string]string{"side": []string{"left", "right"}[rng.IntN(2)], "arm": []string{"A", "B"}[i%2], "dose": fmt.Sprint(rng.IntN(4))}
		all = append(all, p)
	}
	return analyse(t, o, all...)
}

// direct tries what the cohort does not use at this size, or at all.
func direct(all *scores, rng *rand.Rand, n int) {
	d := make([]float64, n)
	var people []trend.Person
	table := make([][]float64, n)
	for i := range n {
		d[i] = rng.NormFloat64()
		own := rng.NormFloat64()
		p := trend.Person{}
		for k := range 4 {
			p.T, p.Y = append(p.T, float64(k)), append(p.Y, own*float64(k)+rng.NormFloat64())
		}
		table[i] = []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
		people = append(people, p)
	}
	if s, err := trend.SlopeSummary(people); err == nil {
		c := all.of("slope below 20 persons, t of the personal slopes", false, true)
		c.p(s.P)
		c.interval(s.Mean.Low, s.Mean.High, 0)
	}
	if f, err := trend.Friedman(table); err == nil {
		all.of("Friedman, chi-squared", false, false).p(f.P)
	}
	if p, err := trend.SignFlip(d); err == nil {
		all.of("sign flip of the mean", true, false).p(p)
	}
	if m, err := trend.TTest(d); err == nil {
		c := all.of("Student's mean", false, false)
		c.p(m.P)
		c.interval(m.Mean.Low, m.Mean.High, 0)
	}
	k := 0
	share := .1 + .8*rng.Float64()
	for range n {
		if rng.Float64() < share {
			k++
		}
	}
	if e, err := trend.Proportion(k, n); err == nil {
		all.of("share of responders, Clopper-Pearson", true, true).interval(e.Low, e.High, share)
	}
	if l, err := trend.TheilSen([]float64{0, 28, 56, 84, 112, 190}, d[:6]); err == nil && l.HasInterval {
		all.of("Theil-Sen of one person's six visits", true, true).interval(l.Low, l.High, 0)
	}
}

// bootstrap tries the intervals of a mean by resampling.
func bootstrap(all *scores, plain *score, rng *rand.Rand, n int) {
	d := make([]float64, n)
	for i := range d {
		d[i] = rng.NormFloat64()
	}
	mean := func(index []int) float64 {
		s := 0.0
		for _, i := range index {
			s += d[i] / float64(len(index))
		}
		return s
	}
	if b, err := trend.BCa(n, mean, 1000, 1); err == nil {
		all.of("bootstrap BCa of the mean, expanded", false, false).interval(b.Expanded.Low, b.Expanded.High, 0)
		plain.interval(b.BCa.Low, b.BCa.High, 0)
	}
}
