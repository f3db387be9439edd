package trend_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dermatrend/dermatrend/metrics/trend"
)

// R, ?wilcox.test: depression before and after a tranquilizer (Hollander & Wolfe
// 1973, p. 29).
func depression() []float64 {
	x := []float64{1.83, .50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30}
	y := []float64{0.878, .647, .598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29}
	d := make([]float64, len(x))
	for i := range x {
		d[i] = x[i] - y[i]
	}
	return d
}

func TestSignedRank(t *testing.T) {
	r := must(trend.SignedRank(depression()))(t)
	near(t, "V", r.V, 40, 9)
	near(t, "p greater", r.Greater, .01953, 5)
	near(t, "p two-sided", r.P, .0390625, 7)
	near(t, "Hodges-Lehmann", r.Shift.Value, .46, 9)
	if !r.Exact || !r.HasInterval || r.Coverage < .95 {
		t.Errorf("%+v", r)
	}
	near(t, "sign flip on means", must(trend.SignFlip(depression()))(t), .02734, 5)
	near(t, "t", must(trend.TTest(depression()))(t).T, 3.035, 3)

	// The smallest two-sided p is 2/2^n.
	for n, want := range map[int]float64{5: .0625, 6: .03125, 8: .0078125} {
		d := make([]float64, n)
		for i := range d {
			d[i] = float64(i) + 1
		}
		r := must(trend.SignedRank(d))(t)
		near(t, "smallest p", r.P, want, 7)
		if r.HasInterval != (n >= 6) {
			t.Errorf("n = %d: interval %v", n, r.HasInterval)
		}
	}
	_, err := trend.SignedRank([]float64{0, 0, 0})
	is(t, "zeros", err, trend.ErrConstant)
	_, err = trend.SignedRank(nil)
	is(t, "none", err, trend.ErrTooFew)
	_, err = trend.SignedRank([]float64{1, math.NaN()})
	is(t, "NaN", err, trend.ErrNotFinite)
}

// With ties and zeros, the p-values are shares of all sign patterns, estimate and
// interval are order statistics of the pairwise means.
func TestSignedRankAgainstEnumeration(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for range 60 {
		n := 2 + rng.IntN(8)
		d := make([]float64, n)
		var kept []float64
		for i := range d {
			d[i] = float64(rng.IntN(7) - 2)
			if d[i] != 0 {
				kept = append(kept, d[i])
			}
		}
		r, err := trend.SignedRank(d)
		if len(kept) == 0 {
			is(t, "zeros", err, trend.ErrConstant)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		ranks := make([]float64, len(kept)) // by counting
		for i, x := range kept {
			for _, y := range kept {
				if math.Abs(y) < math.Abs(x) {
					ranks[i]++
				} else if math.Abs(y) == math.Abs(x) {
					ranks[i] += 0.5
				}
			}
			ranks[i] += 0.5
		}
		v := 0.0
		for i, x := range kept {
			if x > 0 {
				v += ranks[i]
			}
		}
		greater, less := 0.0, 0.0
		for pattern := range 1 << len(kept) {
			s := 0.0
			for i := range kept {
				if pattern>>i&1 == 1 {
					s += ranks[i]
				}
			}
			if s >= v {
				greater++
			}
			if s <= v {
				less++
			}
		}
		patterns := float64(int(1) << len(kept))
		near(t, "V", r.V, v, 9)
		near(t, "greater", r.Greater, greater/patterns, 12)
		near(t, "less", r.Less, less/patterns, 12)
		near(t, "two-sided", r.P, min(1, 2*min(greater, less)/patterns), 12)

		var means []float64
		for i := range d {
			for j := i; j < n; j++ {
				means = append(means, (d[i]+d[j])/2)
			}
		}
		near(t, "shift", r.Shift.Value, must(trend.Median(means))(t), 12)
		if r.HasInterval {
			slices.Sort(means)
			if !slices.Contains(means, r.Shift.Low) || !slices.Contains(means, r.Shift.High) {
				t.Errorf("interval %v of %v", r.Shift, means)
			}
		}
	}
}

// The approximation above n = 100 continues the exact test; 50 ties are no limit.
func TestSignedRankLarge(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	d := make([]float64, 101)
	for i := range d {
		d[i] = math.Round(10*(rng.NormFloat64()+0.15)) / 10
	}
	a, b, c := must(trend.SignedRank(d))(t), must(trend.SignedRank(d[:100]))(t), must(trend.SignedRank(d[:50]))(t)
	if !c.Exact || a.N <= 50 {
		t.Error("fifty must be exact")
	}
	if math.Abs(a.Shift.Low-b.Shift.Low) > 0.05 || math.Abs(a.Shift.High-b.Shift.High) > 0.05 {
		t.Errorf("interval jumps from %v to %v", b.Shift, a.Shift)
	}
	long := make([]float64, 0, 140)
	for i := range 140 {
		x := float64(i) - 60
		if i%7 == 0 {
			x = 3
		}
		long = append(long, x)
	}
	near(t, "normal p with ties and continuity", must(trend.SignedRank(long))(t).P, wantNormal(long), 9)
}

// wantNormal is the textbook normal p-value of the signed rank test, from its
// definition.
func wantNormal(d []float64) float64 {
	v, mean, variance := 0.0, 0.0, 0.0
	for _, x := range d {
		rank := 0.0
		for _, y := range d {
			if y == 0 || x == 0 {
				continue
			}
			if math.Abs(y) < math.Abs(x) {
				rank++
			} else if math.Abs(y) == math.Abs(x) {
				rank += 0.5
			}
		}
		if x == 0 {
			continue
		}
		rank += 0.5
		if x > 0 {
			v += rank
		}
		mean += rank / 2
		variance += rank * rank / 4
	}
	return math.Erfc((math.Abs(v-mean) - 0.5) / math.Sqrt(variance) / math.Sqrt2)
}

// In cohorts without a change the exact test errs in 5 % at most, and the
// interval covers the truth in 95 % at least.
func TestSignedRankErrorRate(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 18))
	const runs = 2000
	var wrong, flipped, tWrong, covered int
	for range runs {
		d := make([]float64, 12)
		for i := range d {
			d[i] = rng.NormFloat64()
		}
		r := must(trend.SignedRank(d))(t)
		wrong += below(r.P)
		flipped += below(must(trend.SignFlip(d))(t))
		tWrong += below(must(trend.TTest(d))(t).P)
		covered += in(0, r.Shift)
	}
	// Two standard errors of 5 % in 2,000 runs are 1 %.
	for what, n := range map[string]int{"signed rank": wrong, "sign flip": flipped, "t": tWrong} {
		if share := float64(n) / runs; share > .06 || share < .03 {
			t.Errorf("%s: false claims %.3f", what, share)
		}
	}
	if share := float64(covered) / runs; share < .94 {
		t.Errorf("coverage %.3f", share)
	}
}

func TestSignFlip(t *testing.T) {
	// The eight patterns of 1 2 4 have the sums +-7, +-5, +-3, +-1.
	near(t, "all up", must(trend.SignFlip([]float64{1, 2, 4}))(t), 2./8, 12)
	near(t, "sum 3", must(trend.SignFlip([]float64{1, -2, 4}))(t), 6./8, 12)
	near(t, "sum 0", must(trend.SignFlip([]float64{1, 1, -2}))(t), 1, 12)
	// .1 + .2 is not .3 in binary, but a sum equal but for rounding counts as
	// equal: the sums are +-.6, +-.4, +-.2, 0, 0.
	near(t, "rounding", must(trend.SignFlip([]float64{.1, .2, .3}))(t), 2./8, 12)
	near(t, "rounding", must(trend.SignFlip([]float64{.1, .2, -.3}))(t), 1, 12)
	ones := make([]float64, 32)
	for i := range ones {
		ones[i] = 1
	}
	near(t, "thirty-two", must(trend.SignFlip(ones))(t)*math.Pow(2, 31), 1, 12)
	_, err := trend.SignFlip(make([]float64, 33))
	is(t, "33", err, trend.ErrInput)
	_, err = trend.SignFlip([]float64{0, 0})
	is(t, "zeros", err, trend.ErrConstant)
}
