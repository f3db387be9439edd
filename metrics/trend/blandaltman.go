package trend

import (
	"fmt"
	"math"
)

// Limits are the limits of agreement of two methods.
type Limits struct {
	N    int
	Bias Estimate // mean of a - b, with its 95 % t interval
	SD   float64  // of the differences, n-1
	// Lower and Upper are Bias -+ 1.96 SD, each with its approximate 95 %
	// interval.
	Lower, Upper Estimate
	SEBias       float64 // SD/sqrt(n)
	SELimit      float64 // about SD*sqrt(3/n)
}

// BlandAltman compares paired measurements of two methods on the same targets
// (Bland & Altman 1986). It holds where the difference does not grow with the
// size: else give logarithms. Errors: ErrTooFew below 3 pairs, ErrConstant when
// all differences are equal, ErrInput for different lengths, ErrNotFinite.
func BlandAltman(a, b []float64) (Limits, error) {
	if err := check(3, a, b); err != nil {
		return Limits{}, fmt.Errorf("Bland-Altman: %w", err)
	}
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	ss := sumSquares(d)
	if negligible(ss, len(d), math.Max(maxAbs(a...), maxAbs(b...))) {
		return Limits{}, fmt.Errorf("Bland-Altman: all differences are equal: %w", ErrConstant)
	}
	n := float64(len(d))
	l := Limits{N: len(d), SD: math.Sqrt(ss / (n - 1))}
	l.SEBias = l.SD / math.Sqrt(n)
	l.SELimit = l.SD * math.Sqrt(3/n)
	t := tQuantile(0.975, n-1)
	around := func(x, se float64) Estimate { return Estimate{x, x - t*se, x + t*se} }
	bias := mean(d)
	l.Bias = around(bias, l.SEBias)
	l.Lower = around(bias-z95*l.SD, l.SELimit)
	l.Upper = around(bias+z95*l.SD, l.SELimit)
	return settled("Bland-Altman", l, l.Lower.Low, l.Upper.High, l.SD)
}
