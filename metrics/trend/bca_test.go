package trend_test

import (
	"math"
	"testing"

	"github.com/dermatrend/dermatrend/metrics/trend"
)

func meanOf(xs []float64) func([]int) float64 {
	return func(index []int) float64 {
		s := 0.0
		for _, i := range index {
			s += xs[i]
		}
		return s / float64(len(index))
	}
}

// All n^n resamples, so no random numbers.
func TestBCaEnumerated(t *testing.T) {
	b := must(trend.BCa(5, meanOf([]float64{1, 2, 3, 5, 9}), 0, 0))(t)
	if b.Resamples != 3125 {
		t.Errorf("B = %d, want 3125", b.Resamples)
	}
	near(t, "theta", b.Value, 4, 12)
	near(t, "a", b.Acceleration, .0592927, 7)
	near(t, "z0", b.Bias, .0686352, 7)
	near(t, "alpha 1", b.AlphaLow, .0513415, 7)
	near(t, "alpha 2", b.AlphaHigh, .9912160, 7)
	near(t, "low", b.BCa.Low, 2.0, 9)
	near(t, "high", b.BCa.High, 7.4, 9)
	near(t, "percentile low", b.Percentile.Low, 1.8, 9)
	near(t, "percentile high", b.Percentile.High, 6.6, 9)

	b = must(trend.BCa(6, meanOf([]float64{-0.2, 0.9, 1.1, 1.6, 2.4, 4.8}), 0, 0))(t)
	if b.Resamples != 46656 {
		t.Errorf("B = %d, want 46656", b.Resamples)
	}
	near(t, "a", b.Acceleration, .0580159, 7)
	near(t, "z0", b.Bias, .0642464, 7)
	near(t, "low", b.BCa.Low, .8, 9)
	near(t, "high", b.BCa.High, 3.38333, 5)
}

// Law schools (Efron & Tibshirani 1993): LSAT and GPA.
var law = [][2]float64{{576, 3.39}, {635, 3.30}, {558, 2.81}, {578, 3.03}, {666, 3.44}, {580, 3.07}, {555, 3.00},
	{661, 3.43}, {651, 3.36}, {605, 3.13}, {653, 3.12}, {575, 2.74}, {545, 2.76}, {572, 2.88}, {594, 2.96}}

func lawCorrelation(index []int) float64 {
	n := float64(len(index))
	var mx, my, xx, yy, xy float64
	for _, i := range index {
		mx += law[i][0] / n
		my += law[i][1] / n
	}
	for _, i := range index {
		x, y := law[i][0]-mx, law[i][1]-my
		xx, yy, xy = xx+x*x, yy+y*y, xy+x*y
	}
	return xy / math.Sqrt(xx*yy)
}

func TestBCaLawSchools(t *testing.T) {
	b := must(trend.BCa(15, lawCorrelation, 40000, 1))(t)
	near(t, "r", b.Value, .776374, 6)
	near(t, "a", b.Acceleration, -.0756716, 7)
	near(t, "jackknife SE", b.JackknifeSE, .142519, 6)
	// Other random numbers than those of the source: about.
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"BCa low", b.BCa.Low, .326}, {"BCa high", b.BCa.High, .943},
		{"percentile low", b.Percentile.Low, .460}, {"percentile high", b.Percentile.High, .963}, {"SE", b.SE, .134},
	} {
		if math.Abs(c.got-c.want) > .008 {
			t.Errorf("%s = %.4f, want about %.3f", c.what, c.got, c.want)
		}
	}
	if again := must(trend.BCa(15, lawCorrelation, 40000, 1))(t); again != b {
		t.Error("the same seed gave another result")
	}
	if other := must(trend.BCa(15, lawCorrelation, 40000, 2))(t); other.BCa == b.BCa {
		t.Error("another seed gave the same result")
	}
}

func TestBCaDegenerate(t *testing.T) {
	_, err := trend.BCa(2, meanOf([]float64{1, 2}), 100, 1)
	is(t, "two persons", err, trend.ErrTooFew)
	_, err = trend.BCa(4, meanOf([]float64{.1, .1, .1, .1}), 100, 1)
	is(t, "constant", err, trend.ErrConstant)
	_, err = trend.BCa(8, meanOf(count(8)), 0, 1)
	is(t, "too many to enumerate", err, trend.ErrInput)
	_, err = trend.BCa(8, meanOf(count(8)), -1, 1)
	is(t, "negative", err, trend.ErrInput)
	_, err = trend.BCa(8, func([]int) float64 { return math.NaN() }, 100, 1)
	is(t, "undefined", err, trend.ErrNotFinite)
	// A statistic that is often undefined has no interval.
	fragile := func(index []int) float64 {
		seen := map[int]bool{}
		for _, i := range index {
			seen[i] = true
		}
		if len(seen) < len(index) && len(index) == 5 {
			return math.NaN()
		}
		return float64(index[0])
	}
	_, err = trend.BCa(5, fragile, 0, 1)
	is(t, "often undefined", err, trend.ErrNotFinite)
}

// The expanded interval reads all resamples at the levels of Hesterberg 2015: z
// replaced by t(n-1)*sqrt(n/(n-1)), here 2.77645*sqrt(5/4).
func TestBCaExpanded(t *testing.T) {
	xs := []float64{1, 2, 3, 5, 9}
	b := must(trend.BCa(5, meanOf(xs), 0, 0))(t)
	var all []float64
	for code := range 3125 {
		sum := 0.0
		for range 5 {
			sum += xs[code%5]
			code /= 5
		}
		all = append(all, sum/5)
	}
	z := 2.77645 * math.Sqrt(1.25)
	level := func(z float64) float64 {
		w := .0686352 + z
		return .5 * math.Erfc(-(.0686352+w/(1-.0592927*w))/math.Sqrt2)
	}
	near(t, "low", b.Expanded.Low, must(trend.Quantile7(all, level(-z)))(t), 2)
	near(t, "high", b.Expanded.High, must(trend.Quantile7(all, level(z)))(t), 2)
	if !(b.Expanded.Low < b.BCa.Low && b.BCa.High < b.Expanded.High) {
		t.Errorf("%v is not wider than %v", b.Expanded, b.BCa)
	}
}
