package trend_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dermatrend/dermatrend/metrics/trend"
)

func TestHolmAndBenjaminiHochberg(t *testing.T) {
	// Benjamini & Hochberg 1995, section 3.2: 15 p-values.
	p := []float64{.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719, .6528, .7590, 1}
	holm := must(trend.Holm(p))(t)
	bh := must(trend.BenjaminiHochberg(p))(t)
	bonferroni, byHolm, byBH := 0, 0, 0
	for i := range p {
		bonferroni += below(15 * p[i])
		byHolm += below(holm[i])
		byBH += below(bh[i])
	}
	if bonferroni != 3 || byHolm != 3 || byBH != 4 {
		t.Errorf("rejected: Bonferroni %d, Holm %d, BH %d; want 3, 3, 4", bonferroni, byHolm, byBH)
	}
	for i, want := range []float64{.0015, .003, .0095, .035625, .0603} {
		near(t, "BH", bh[i], want, 6)
	}
	small := []float64{.01, .04, .03, .005}
	holm = must(trend.Holm(small))(t)
	bh = must(trend.BenjaminiHochberg(small))(t)
	for i := range small {
		near(t, "Holm", holm[i], []float64{.03, .06, .06, .02}[i], 12)
		near(t, "BH", bh[i], []float64{.02, .04, .04, .02}[i], 12)
	}
	for _, bad := range [][]float64{{-.1}, {1.1}, {math.NaN()}} {
		_, err := trend.Holm(bad)
		is(t, "Holm", err, trend.ErrInput)
		_, err = trend.BenjaminiHochberg(bad)
		is(t, "BH", err, trend.ErrInput)
	}
	_, err := trend.Holm(nil)
	is(t, "none", err, trend.ErrTooFew)
}

func below(p float64) int {
	if p <= .05 {
		return 1
	}
	return 0
}

func TestHolmLimits(t *testing.T) {
	// One zone: the SDC itself.
	one := must(trend.HolmLimits([]float64{-3}, []float64{2.5}))(t)
	near(t, "one", one[0].Limit, 2.5, 12)
	// Four zones: the simultaneous z of m = 4 is 2.50.
	four := must(trend.HolmLimits([]float64{9, -8, 7, 6}, []float64{1, 1, 1, 1}))(t)
	for i, z := range []float64{2.50, 2.39, 2.24, 1.96} { // z(1-.05/8), /6, /4, /2
		near(t, "z", four[i].Limit*1.959964, z, 2)
		if !four[i].Pass || four[i].Rank != i+1 {
			t.Errorf("item %d: %+v", i, four[i])
		}
	}
	// Both changes pass their own SDC but not the family of two: rank 1 asks for
	// z = 2.241, and rank 2 is not reached. It would have had to pass rank 1.
	both := must(trend.HolmLimits([]float64{2.1, -2.0}, []float64{1.96, 1.96}))(t)
	for i, l := range both {
		if l.Pass {
			t.Errorf("item %d passes: %+v", i, l)
		}
		near(t, "limit", l.Limit, 2.241, 3)
	}
	_, err := trend.HolmLimits([]float64{1}, []float64{0})
	is(t, "SDC 0", err, trend.ErrInput)
	_, err = trend.HolmLimits(nil, nil)
	is(t, "empty", err, trend.ErrTooFew)
	_, err = trend.HolmLimits([]float64{1, 2}, []float64{1})
	is(t, "lengths", err, trend.ErrInput)
	_, err = trend.HolmLimits([]float64{math.NaN()}, []float64{1})
	is(t, "NaN", err, trend.ErrNotFinite)
}

// The limits are the p-value form of Holm in other words; a failing limit is the
// least change that would have passed with the other zones as they are; and in
// families without any true change a claim is made in 5 % of them at most.
func TestHolmLimitsIsHolm(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	const runs = 4000
	claims := 0
	for range runs {
		m := 2 + rng.IntN(5)
		null, sdcs := make([]float64, m), make([]float64, m)
		for i := range null {
			sdcs[i] = 0.5 + 3*rng.Float64()
			null[i] = rng.NormFloat64() * sdcs[i] / 1.959964
		}
		any := false
		for _, l := range must(trend.HolmLimits(null, sdcs))(t) {
			any = any || l.Pass
		}
		if any {
			claims++
		}

		changes, p := make([]float64, m), make([]float64, m)
		for i := range changes {
			changes[i] = 1.6 * null[i]
			p[i] = math.Erfc(math.Abs(changes[i]) / sdcs[i] * 1.959963984540054 / math.Sqrt2)
		}
		limits := must(trend.HolmLimits(changes, sdcs))(t)
		adjusted := must(trend.Holm(p))(t)
		for i, l := range limits {
			if l.Pass != (adjusted[i] <= .05) || l.Pass != (math.Abs(changes[i]) >= l.Limit) {
				t.Fatalf("item %d: %+v, adjusted p %v, change %v", i, l, adjusted[i], changes[i])
			}
			if l.Pass {
				continue
			}
			for _, factor := range []float64{1.0001, 0.9999} {
				moved := append([]float64(nil), changes...)
				moved[i] = l.Limit * factor
				if again := must(trend.HolmLimits(moved, sdcs))(t); again[i].Pass != (factor > 1) {
					t.Fatalf("a change of %v times its limit: pass = %v", factor, again[i].Pass)
				}
			}
		}
	}
	if share := float64(claims) / runs; share > 0.06 || share < 0.035 {
		t.Errorf("a false claim in %.3f of the families", share)
	}
}
