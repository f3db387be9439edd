package trend_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dermatrend/dermatrend/metrics/trend"
)

func TestMedianAndQuantile(t *testing.T) {
	ten := []float64{10, 1, 9, 2, 8, 3, 7, 4, 6, 5}
	// gonum's stat.Quantile gives 5 here, R's median 5.5.
	near(t, "median 1..10", must(trend.Median(ten))(t), 5.5, 9)
	// R: quantile(1:10, c(.1, .25, .9)) is 1.90, 3.25, 9.10.
	near(t, "q10", must(trend.Quantile7(ten, 0.1))(t), 1.9, 9)
	near(t, "q25", must(trend.Quantile7(ten, 0.25))(t), 3.25, 9)
	near(t, "q90", must(trend.Quantile7(ten, 0.9))(t), 9.1, 9)
	near(t, "q100", must(trend.Quantile7(ten, 1))(t), 10, 9)
	if ten[0] != 10 {
		t.Error("the argument was sorted in place")
	}
	_, err := trend.Median(nil)
	is(t, "median of nothing", err, trend.ErrTooFew)
	_, err = trend.Median([]float64{1, math.NaN()})
	is(t, "median of NaN", err, trend.ErrNotFinite)
	_, err = trend.Quantile7(ten, 1.1)
	is(t, "quantile at 1.1", err, trend.ErrInput)
}

// The table of P(S >= s) in Kendall 1975 (inversion numbers).
func TestKendallTable(t *testing.T) {
	for _, c := range []struct {
		n, s int
		p    float64
	}{
		{3, 3, .1667}, {3, 1, .5000},
	} {
		near(t, "P(S>=s), n=3", must(trend.KendallTail(c.n, c.s))(t), c.p, 4)
	}
	for n, row := range map[int]map[int]float64{
		4:  {6: .04167, 4: .16667, 2: .37500, 0: .62500},
		5:  {10: .00833, 8: .04167, 6: .11667, 4: .24167, 2: .40833},
		6:  {15: .00139, 13: .00833, 11: .02778, 9: .06806, 7: .13611, 5: .23472},
		7:  {19: .00139, 17: .00536, 15: .01508, 13: .03452, 11: .06806},
		8:  {22: .00275, 20: .00707, 18: .01558, 16: .03051, 14: .05434},
		9:  {26: .00294, 24: .00633, 22: .01237},
		10: {33: .00111, 31: .00234},
	} {
		for s, p := range row {
			near(t, "P(S>=s)", must(trend.KendallTail(n, s))(t), p, 5)
		}
	}
	// The smallest two-sided p is 2/n!.
	smallest := map[int]float64{3: 3, 4: 12, 5: 60, 6: 360, 7: 2520, 8: 20160, 9: 181440, 10: 1814400}
	for n, over := range smallest {
		y := make([]float64, n)
		for i := range y {
			y[i] = float64(i)
		}
		k := must(trend.MannKendall(y, y))(t)
		if math.Abs(k.P*over-1) > 1e-12 || !k.Exact || k.Tau != 1 {
			t.Errorf("n=%d: p=%v exact=%v tau=%v, want p=1/%v", n, k.P, k.Exact, k.Tau, over)
		}
	}
}

func TestMannKendallPublished(t *testing.T) {
	// R, ?cor.test (Hollander & Wolfe 1973, p. 187, tuna): T = 26, tau .4444444, p = .1194.
	x := []float64{44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7, 45.2, 60.1}
	y := []float64{2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2, 2.8, 3.8}
	k := must(trend.MannKendall(x, y))(t)
	if k.S != 16 || (36+k.S)/2 != 26 {
		t.Errorf("tuna: S = %d, want 16", k.S)
	}
	near(t, "tuna tau", k.Tau, .4444444, 7)
	near(t, "tuna p", k.P, .119439, 6)

	// A worked example by hand (College of the Holy Cross): S = 54, Var 332.6667, Z = 2.9058.
	hand := []float64{12.9, 14.8, 13.2, 15.7, 13.8, 15.6, 12.9, 11.0, 17.3, 15.9, 19.0, 18.3, 20.1, 21.7}
	k = must(trend.MannKendall(count(len(hand)), hand))(t)
	if k.S != 54 {
		t.Errorf("by hand: S = %d, want 54", k.S)
	}
	near(t, "by hand Var", k.Var, 332.6667, 4)
	near(t, "by hand Z", k.Z, 2.9058, 4)
	near(t, "by hand one-sided p of Z", math.Erfc(k.Z/math.Sqrt2)/2, .00183, 5)

	// Ties by enumeration; stat.Kendall of gonum says -0.667 for the first.
	k = must(trend.MannKendall(count(4), []float64{3, 3, 2, 1}))(t)
	if k.S != -5 {
		t.Errorf("[3 3 2 1]: S = %d, want -5", k.S)
	}
	near(t, "[3 3 2 1] S/N", k.Tau, -.833, 3)
	near(t, "[3 3 2 1] p", k.P, .1667, 4)
	k = must(trend.MannKendall(count(5), []float64{5, 4, 4, 3, 2}))(t)
	if k.S != -9 {
		t.Errorf("[5 4 4 3 2]: S = %d, want -9", k.S)
	}
	near(t, "[5 4 4 3 2] p", k.P, .0333, 4)
}

// The exact p is the share of all arrangements that are at least as extreme.
func TestMannKendallAgainstEnumeration(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		n := 3 + rng.IntN(5)
		y := make([]float64, n)
		for i := range y {
			y[i] = float64(rng.IntN(4))
		}
		k, err := trend.MannKendall(count(n), y)
		if err != nil {
			is(t, "all equal", err, trend.ErrConstant)
			continue
		}
		extreme, all := 0, 0
		permute(append([]float64(nil), y...), 0, func(p []float64) {
			s := 0
			for i := range p {
				for j := i + 1; j < n; j++ {
					if p[j] > p[i] {
						s++
					} else if p[j] < p[i] {
						s--
					}
				}
			}
			all++
			if s >= k.S && k.S >= 0 || s <= k.S && k.S <= 0 || -s >= k.S && k.S > 0 || -s <= k.S && k.S < 0 {
				extreme++
			}
		})
		near(t, "p by enumeration", k.P, float64(extreme)/float64(all), 12)
	}
}

// Beyond the exact range the approximation continues it.
func TestMannKendallLarge(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	y := make([]float64, 101)
	for i := range y {
		y[i] = float64(i) + 120*rng.NormFloat64()
	}
	large := must(trend.MannKendall(count(101), y))(t)
	small := must(trend.MannKendall(count(100), y[:100]))(t)
	if large.Exact || !small.Exact {
		t.Error("exact to 100 only")
	}
	if z := math.Erfc(math.Abs(small.Z) / math.Sqrt2); math.Abs(z-small.P) > 0.002 {
		t.Errorf("exact p %v, normal p %v at n = 100", small.P, z)
	}
	a := must(trend.TheilSen(count(101), y))(t)
	b := must(trend.TheilSen(count(100), y[:100]))(t)
	if math.Abs((a.High-a.Low)/(b.High-b.Low)-1) > 0.1 {
		t.Errorf("interval jumps from %v..%v to %v..%v", b.Low, b.High, a.Low, a.High)
	}
}

func TestMannKendallDegenerate(t *testing.T) {
	_, err := trend.MannKendall(count(2), []float64{1, 2})
	is(t, "two", err, trend.ErrTooFew)
	_, err = trend.MannKendall(count(4), []float64{2, 2, 2, 2})
	is(t, "constant", err, trend.ErrConstant) // gonum: tau = +1
	_, err = trend.MannKendall([]float64{1, 1, 2}, []float64{1, 2, 3})
	is(t, "equal times", err, trend.ErrInput)
	_, err = trend.MannKendall(count(3), []float64{1, math.Inf(1), 3})
	is(t, "infinite", err, trend.ErrNotFinite)
	_, err = trend.MannKendall(count(3), []float64{1, 2})
	is(t, "lengths", err, trend.ErrInput)
}

func TestTheilSen(t *testing.T) {
	weeks := []float64{0, 4, 8, 12, 24, 36}
	y := []float64{18.0, 17.1, 16.4, 16.6, 14.9, 14.2}
	l := must(trend.TheilSen(weeks, y))(t)
	// By hand: median(y) = 16.5 and median(t) = 10 give the first intercept; the
	// interval drops one slope at each end.
	near(t, "slope", l.Slope, -.1055556, 7)
	near(t, "intercept separate", l.Intercept, 17.555556, 6)
	near(t, "intercept Conover", l.InterceptConover, 17.694444, 6)
	near(t, "low", l.Low, -.2, 9)
	near(t, "high", l.High, -.0583333, 7)
	near(t, "coverage", l.Coverage, .983, 3)
	k := must(trend.MannKendall(weeks, y))(t)
	if k.S != -13 {
		t.Errorf("S = %d, want -13", k.S)
	}
	near(t, "p", k.P, .0166667, 7)

	for n := 2; n <= 4; n++ {
		if l := must(trend.TheilSen(weeks[:n], y[:n]))(t); l.HasInterval || l.Low != 0 || l.High != 0 {
			t.Errorf("n = %d has an interval: %+v", n, l)
		}
	}
	_, err := trend.TheilSen([]float64{1, 1}, []float64{1, 2})
	is(t, "equal times", err, trend.ErrConstant)
	if l := must(trend.TheilSen([]float64{0, 1, 1, 2, 3, 4}, y))(t); l.HasInterval {
		t.Error("an interval in spite of equal times")
	}
}

// From the exact null: n, slopes dropped at each end, coverage in per cent.
func TestTheilSenDrop(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4} {
		if _, _, ok := trend.TheilSenDrop(n); ok {
			t.Errorf("n = %d: no interval can cover 95 %%", n)
		}
	}
	for _, c := range []struct {
		n, k     int
		coverage float64
	}{{5, 0, 98.3}, {6, 1, 98.3}, {7, 3, 97.0}, {8, 5, 96.9}, {9, 8, 95.5}, {10, 11, 95.3}} {
		k, coverage, ok := trend.TheilSenDrop(c.n)
		if !ok || k != c.k {
			t.Errorf("n = %d: k = %d, want %d", c.n, k, c.k)
		}
		near(t, "coverage", 100*coverage, c.coverage, 1)
	}
}

// A line is found whatever two of ten points do, in any order and unit.
func TestTheilSenResistsOutliers(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		x, y := count(10), make([]float64, 10)
		b := rng.NormFloat64()
		for i := range y {
			y[i] = 3 + b*x[i]
		}
		y[rng.IntN(10)] = 1e6
		y[rng.IntN(10)] = -1e6
		rng.Shuffle(10, func(i, j int) { x[i], x[j] = x[j], x[i]; y[i], y[j] = y[j], y[i] })
		near(t, "slope", must(trend.TheilSen(x, y))(t).Slope, b, 9)
	}
}

func TestKnownSEMSlope(t *testing.T) {
	// Detectable total change over the span for designs in months, in units of SEM.
	for _, c := range []struct {
		months []float64
		want   float64
	}{
		{[]float64{0, 1, 2, 3}, 2.63},
		{[]float64{0, 1, 2, 3, 6}, 2.55},
		{[]float64{0, 1, 2, 3, 4, 7}, 2.47},
	} {
		y := make([]float64, len(c.months))
		for i, m := range c.months {
			y[i] = 10 - 2*m
		}
		s := must(trend.KnownSEMSlope(c.months, y, 1))(t)
		near(t, "detectable", s.Detectable, c.want, 2)
		near(t, "slope", s.Slope, -2, 12)
		near(t, "intercept", s.Intercept, 10, 12)
		near(t, "residual SD of a line", s.ResidualSD, 0, 9)
	}
	s := must(trend.KnownSEMSlope([]float64{0, 1, 2, 3}, []float64{4, 3, 2, 1}, 0.5))(t)
	near(t, "Sxx", s.Sxx, 5, 12)
	near(t, "SE", s.SE, 0.5/math.Sqrt(5), 12)
	near(t, "Z", s.Z, -2*math.Sqrt(5), 12)
	if s.ExcessP < 0.99 {
		t.Errorf("points on a line: excess p = %v", s.ExcessP)
	}
	// Residuals -1 3 -3 1 about a flat line: RSS 20, 2 df, chi2 = 20 at SEM 1,
	// whose tail with 2 df is exp(-10).
	s = must(trend.KnownSEMSlope([]float64{0, 1, 2, 3}, []float64{-1, 3, -3, 1}, 1))(t)
	near(t, "flat", s.Slope, 0, 12)
	near(t, "residual SD", s.ResidualSD, math.Sqrt(10), 12)
	near(t, "excess p", s.ExcessP, math.Exp(-10), 9)

	two := must(trend.KnownSEMSlope([]float64{0, 1}, []float64{1, 3}, 1))(t)
	if two.ResidualDF != 0 || two.ResidualSD != 0 || two.ExcessP != 1 {
		t.Errorf("two points: %+v", two)
	}
	_, err := trend.KnownSEMSlope([]float64{0, 1}, []float64{1, 3}, 0)
	is(t, "SEM 0", err, trend.ErrInput)
	_, err = trend.KnownSEMSlope([]float64{.1, .1, .1}, []float64{1, 3, 4}, 1)
	is(t, "equal times", err, trend.ErrConstant)
}

// count is 0, 1, ... n-1.
func count(n int) []float64 {
	t := make([]float64, n)
	for i := range t {
		t[i] = float64(i)
	}
	return t
}

// permute calls visit with every arrangement of xs.
func permute(xs []float64, from int, visit func([]float64)) {
	if from == len(xs) {
		visit(xs)
		return
	}
	for i := from; i < len(xs); i++ {
		xs[from], xs[i] = xs[i], xs[from]
		permute(xs, from+1, visit)
		xs[from], xs[i] = xs[i], xs[from]
	}
}
