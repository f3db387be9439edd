package cohort

import (
	"errors"
	"fmt"
	"math"

	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Tests, as the column of that name calls them.
const (
	testSignedRank       = "signed_rank_exact"
	testSignedRankNormal = "signed_rank_normal"
	testSlopes           = "slope_summary_t"
	testMixed            = "random_slope_reml_t"
	testPage             = "page_exact"
	testPageNormal       = "page_normal"
	testRankSum          = "mann_whitney_exact"
	testRankSumNormal    = "mann_whitney_normal"
	testPermutation      = "regression_permutation"
	testRegression       = "regression_t"
)

const (
	// mixedFrom persons on, the slope is that of the mixed model; below, its test is
	// not to be relied on.
	mixedFrom = 20
	// maxPage bounds the visits after baseline that Page's test takes.
	maxPage = 7
	// fewest persons of an arm or of a level of a covariate.
	fewest = 3
	// fewestPairs of a regression on a covariate.
	fewestPairs = 6
	// slopeDays is the unit of time of slopes.
	slopeDays = 30
)

// outcome is an estimate with its test; NaN where there is none, with the reason.
type outcome struct {
	n                      int
	estimate, low, high, p float64
	sd                     float64
	test, reason           string
}

func nothing(n int, reason string) outcome {
	nan := math.NaN()
	return outcome{n: n, estimate: nan, low: nan, high: nan, p: nan, sd: nan, reason: reason}
}

// words says why a test has no result.
func words(err error) string {
	switch {
	case errors.Is(err, trend.ErrConstant):
		return "no variation: no test"
	case errors.Is(err, trend.ErrTooFew):
		return "too few persons: no test"
	case errors.Is(err, trend.ErrNotFinite):
		return "a value is beyond all measure: no test"
	}
	return err.Error()
}

// oneSample estimates a change within persons.
func oneSample(d []float64) outcome {
	o := nothing(len(d), "")
	if len(d) == 0 {
		return o
	}
	o.sd = spread(d)
	r, err := trend.SignedRank(d)
	if errors.Is(err, trend.ErrConstant) {
		// Nobody changed at all: that is an estimate, but no test.
		o.estimate = 0
		if len(d) >= 6 {
			o.low, o.high = 0, 0
		}
		o.reason = "every change is 0: no test"
		return o
	}
	if err != nil {
		o.reason = words(err)
		return o
	}
	o.estimate = r.Shift.Value
	if r.HasInterval {
		o.low, o.high = r.Shift.Low, r.Shift.High
	} else {
		o.reason = fmt.Sprintf("%d person(s): a 95 %% rank interval needs 6", len(d))
	}
	o.p, o.test = r.P, testSignedRankNormal
	if r.Exact {
		o.test = testSignedRank
	}
	return o
}

// twoSamples estimates the difference between two groups of persons.
func twoSamples(a, b []float64) outcome {
	o := nothing(len(a)+len(b), "")
	if len(a) < fewest || len(b) < fewest {
		o.reason = fmt.Sprintf("%d and %d persons, at least %d of each needed", len(a), len(b), fewest)
		return o
	}
	r, err := trend.MannWhitney(a, b)
	if errors.Is(err, trend.ErrConstant) {
		o.estimate, o.reason = 0, "all changes are equal: no test"
		return o
	}
	if err != nil {
		o.reason = words(err)
		return o
	}
	o.estimate = r.Shift.Value
	if r.HasInterval {
		o.low, o.high = r.Shift.Low, r.Shift.High
	} else {
		o.reason = "too few persons for a 95 % rank interval"
	}
	o.p, o.test = r.P, testRankSumNormal
	if r.Exact {
		o.test = testRankSum
	}
	return o
}

// effect estimates how a change depends on a number.
func effect(x, y []float64) outcome {
	o := nothing(len(x), "")
	if len(x) < fewestPairs {
		o.reason = fmt.Sprintf("%d person(s) with this covariate and a value, at least %d needed", len(x), fewestPairs)
		return o
	}
	r, err := trend.Regress(x, y, seed)
	if err != nil {
		o.reason = words(err)
		if errors.Is(err, trend.ErrConstant) {
			o.reason = "no variation of the covariate or of the change: no effect can be told"
		}
		return o
	}
	o.estimate, o.low, o.high, o.p, o.test = r.Slope.Value, r.Slope.Low, r.Slope.High, r.P, testRegression
	if r.Draws > 0 {
		o.test = testPermutation
	}
	return o
}

// slopes estimates the change per 30 days.
func slopes(persons []trend.Person) outcome {
	s, err := trend.SlopeSummary(persons)
	if err != nil {
		n := 0
		for _, p := range persons {
			if len(p.T) > 1 {
				n++
			}
		}
		return nothing(n, words(err))
	}
	o := outcome{n: s.N, estimate: s.Mean.Value, low: s.Mean.Low, high: s.Mean.High, p: s.P, sd: s.SD, test: testSlopes}
	if s.N < mixedFrom {
		return o
	}
	var visits []trend.Visit
	for i, p := range persons {
		for k := range p.T {
			visits = append(visits, trend.Visit{Person: i, T: p.T[k], Y: p.Y[k]})
		}
	}
	m, err := trend.FitMixed(visits, trend.RandomSlope, trend.REML)
	if err != nil {
		o.reason = "the mixed model has no answer (" + words(err) + "); mean of the personal slopes"
		return o
	}
	o.n, o.test = m.Persons, testMixed
	o.estimate, o.low, o.high, o.p = m.Slope.Value, m.Slope.Low, m.Slope.High, m.Slope.P
	return o
}

// ordered tests for change from visit to visit, given complete rows (Page 1963):
// whether the order of anybody's visits is more than chance. Its estimate is the
// mean rank correlation of a person's values with that order.
func ordered(table [][]float64) outcome {
	o := nothing(len(table), "")
	r, err := trend.Page(table)
	if err != nil {
		o.reason = words(err)
		return o
	}
	k := float64(r.K)
	o.estimate = (r.L - r.Expected) / (float64(r.N) * k * (k*k - 1) / 12)
	o.p, o.test = r.P, testPageNormal
	o.reason = "no interval; finds too much where persons drift each their own way: see the order in the typical person"
	if r.Exact {
		o.test = testPage
	}
	return o
}

// order is the rank correlation of values with their order, -1..1, tied values
// sharing their mean rank.
func order(values []float64) float64 {
	k := float64(len(values))
	sum := 0.0
	for i, v := range values {
		rank := 0.5
		for _, w := range values {
			switch {
			case w < v:
				rank++
			case w == v: // v itself too
				rank += 0.5
			}
		}
		sum += (float64(i+1) - (k+1)/2) * rank
	}
	return 12 * sum / (k * (k*k - 1))
}

// spread is the standard deviation; NaN below two values.
func spread(d []float64) float64 {
	if len(d) < 2 {
		return math.NaN()
	}
	m := 0.0
	for _, v := range d {
		m += v / float64(len(d))
	}
	s := 0.0
	for _, v := range d {
		s += (v - m) * (v - m)
	}
	return math.Sqrt(s / float64(len(d)-1))
}

// number is a figure for a table; what is not finite is none.
func number(v float64) result.Number {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return result.None()
	}
	return result.Number(v)
}
