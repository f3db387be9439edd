package trend_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dermatrend/dermatrend/metrics/trend"
)

// R, ?wilcox.test: permeability of the placenta to water (Hollander & Wolfe 1973,
// p. 69): W = 35, p = .1272 (greater), .2544 (two-sided), shift .305 (-.15, .76).
func TestMannWhitney(t *testing.T) {
	x := []float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}
	y := []float64{1.15, 0.88, 0.90, 0.74, 1.21}
	r := must(trend.MannWhitney(x, y))(t)
	near(t, "U", r.U, 35, 9)
	near(t, "p greater", r.Greater, .1272, 4)
	near(t, "p two-sided", r.P, .2544, 4)
	near(t, "Hodges-Lehmann", r.Shift.Value, .305, 9)
	near(t, "low", r.Shift.Low, -.15, 9)
	near(t, "high", r.Shift.High, .76, 9)
	if !r.Exact || r.Coverage < .95 {
		t.Errorf("%+v", r)
	}

	// The smallest two-sided p is 2/C(n1+n2, n1): 2/70 for 4 and 4, 2/20 for 3 and 3.
	for n, want := range map[int]float64{3: .1, 4: .028571, 5: .007937} {
		var low, high []float64
		for i := range n {
			low, high = append(low, float64(i)), append(high, float64(10+i))
		}
		r := must(trend.MannWhitney(low, high))(t)
		near(t, "smallest p", r.P, want, 6)
		if r.HasInterval != (n >= 4) {
			t.Errorf("%d and %d: interval %v", n, n, r.HasInterval)
		}
	}
	_, err := trend.MannWhitney(nil, y)
	is(t, "empty", err, trend.ErrTooFew)
	_, err = trend.MannWhitney([]float64{1, 1}, []float64{1})
	is(t, "equal", err, trend.ErrConstant)
	_, err = trend.MannWhitney([]float64{1, math.NaN()}, y)
	is(t, "NaN", err, trend.ErrNotFinite)
}

// With ties, the p-values are shares of all ways to choose the first group;
// estimate and interval are order statistics of the differences.
func TestMannWhitneyAgainstEnumeration(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 7))
	for range 60 {
		n1, n2 := 1+rng.IntN(5), 1+rng.IntN(6)
		all := make([]float64, n1+n2)
		for i := range all {
			all[i] = float64(rng.IntN(6))
		}
		r, err := trend.MannWhitney(all[:n1], all[n1:])
		if err != nil {
			is(t, "all equal", err, trend.ErrConstant)
			continue
		}
		u := func(first func(int) bool) float64 {
			s := 0.0
			for i := range all {
				for j := range all {
					switch {
					case !first(i) || first(j):
					case all[i] > all[j]:
						s++
					case all[i] == all[j]:
						s += .5
					}
				}
			}
			return s
		}
		observed := u(func(i int) bool { return i < n1 })
		ways, upper, lower := 0, 0, 0
		for set := range 1 << len(all) {
			size := 0
			for i := range all {
				size += set >> i & 1
			}
			if size != n1 {
				continue
			}
			ways++
			v := u(func(i int) bool { return set>>i&1 == 1 })
			if v >= observed {
				upper++
			}
			if v <= observed {
				lower++
			}
		}
		near(t, "U", r.U, observed, 9)
		near(t, "greater", r.Greater, float64(upper)/float64(ways), 9)
		near(t, "less", r.Less, float64(lower)/float64(ways), 9)
		var d []float64
		for _, a := range all[:n1] {
			for _, b := range all[n1:] {
				d = append(d, a-b)
			}
		}
		near(t, "shift", r.Shift.Value, must(trend.Median(d))(t), 9)
		slices.Sort(d)
		if r.HasInterval && (!slices.Contains(d, r.Shift.Low) || !slices.Contains(d, r.Shift.High)) {
			t.Errorf("interval %v of %v", r.Shift, d)
		}
	}
}

// Large groups: the normal approximation agrees with the exact tail next to its
// limit, and the interval is its inversion.
func TestMannWhitneyAtItsLimit(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	x, y := make([]float64, 31), make([]float64, 30)
	for i := range x {
		x[i] = rng.NormFloat64() + .7
	}
	for i := range y {
		y[i] = rng.NormFloat64()
	}
	exact := must(trend.MannWhitney(x[:30], y))(t)
	normal := must(trend.MannWhitney(x, y))(t)
	if !exact.Exact || normal.Exact {
		t.Fatal("the limit is not where it was")
	}
	if math.Abs(math.Log(exact.P/normal.P)) > .7 {
		t.Errorf("p %v and with one more value %v", exact.P, normal.P)
	}
	if (normal.P < .05) != (normal.Shift.Low > 0 || normal.Shift.High < 0) {
		t.Errorf("p %v beside %v", normal.P, normal.Shift)
	}
}

// Newcombe 1998, Statistics in Medicine 17:857, table I, method 5.
func TestProportion(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{{81, 263, .2527, .3676}, {15, 148, .0578, .1617}, {0, 20, 0, .1684}, {1, 29, .0009, .1776}, {29, 29, .8806, 1}} {
		p := must(trend.Proportion(c.k, c.n))(t)
		near(t, "low", p.Low, c.low, 4)
		near(t, "high", p.High, c.high, 4)
	}
	_, err := trend.Proportion(0, 0)
	is(t, "none", err, trend.ErrTooFew)
	_, err = trend.Proportion(4, 3)
	is(t, "too many", err, trend.ErrInput)
}

// Anscombe 1973, first set: y = 3.000 + 0.500 x, standard error of the slope
// .1179, r = .816; t = 4.24, p = .0022.
func TestRegress(t *testing.T) {
	x := []float64{10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5}
	y := []float64{8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68}
	r := must(trend.Regress(x, y, 1))(t)
	near(t, "slope", r.Slope.Value, .5001, 4)
	near(t, "SE", r.SE, .1179, 4)
	near(t, "r", r.R, .816, 3)
	near(t, "half width", (r.Slope.High-r.Slope.Low)/2, 2.2622*.1179, 3)
	if r.P < .0005 || r.P > .006 {
		t.Errorf("p = %v, Student's is .0022", r.P)
	}
	if again := must(trend.Regress(x, y, 1))(t); again != r {
		t.Error("the same seed gave another result")
	}

	// Four pairs have 24 arrangements, of which this one and its mirror are the
	// most extreme: p = 2/24.
	small := must(trend.Regress([]float64{1, 2, 3, 4}, []float64{1, 2, 3, 4.5}, 9))(t)
	if math.Abs(small.P-1./12) > .02 {
		t.Errorf("p = %v, want about 1/12", small.P)
	}
	// Beyond 100 pairs Student's test: it agrees with the permutations before.
	rng := rand.New(rand.NewPCG(3, 3))
	long, noisy := make([]float64, 101), make([]float64, 101)
	for i := range long {
		long[i] = rng.NormFloat64()
		noisy[i] = .2*long[i] + rng.NormFloat64()
	}
	permuted := must(trend.Regress(long[:100], noisy[:100], 1))(t)
	student := must(trend.Regress(long, noisy, 1))(t)
	if permuted.Draws == 0 || student.Draws != 0 || math.Abs(math.Log(permuted.P/student.P)) > .5 {
		t.Errorf("p %v of %d arrangements, then %v of %d", permuted.P, permuted.Draws, student.P, student.Draws)
	}
	_, err := trend.Regress(x[:3], y[:3], 1)
	is(t, "few", err, trend.ErrTooFew)
	_, err = trend.Regress([]float64{1, 1, 1, 1}, y[:4], 1)
	is(t, "constant x", err, trend.ErrConstant)
	_, err = trend.Regress(x[:4], []float64{1, 1, 1, 1}, 1)
	is(t, "constant y", err, trend.ErrConstant)
	_, err = trend.Regress([]float64{1, 2, 3, 4}, []float64{2, 4, 6, 8}, 1)
	is(t, "a perfect line", err, trend.ErrConstant)
}

func FuzzGroups(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		xs := numbers(data, 40)
		for _, cut := range []int{0, len(xs) / 2, len(xs) / 3} {
			groups, err := trend.MannWhitney(xs[:cut], xs[cut:])
			sound(t, "MannWhitney", groups, err)
		}
		half := len(xs) / 2
		line, err := trend.Regress(xs[:half], xs[half:2*half], 1)
		sound(t, "Regress", line, err)
		if len(xs) >= 2 && math.Abs(xs[0]) < 1e6 && math.Abs(xs[1]) < 1e6 {
			share, err := trend.Proportion(int(xs[0]), int(xs[1]))
			sound(t, "Proportion", share, err)
		}
	})
}
