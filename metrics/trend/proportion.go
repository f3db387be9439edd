package trend

import (
	"fmt"

	"gonum.org/v1/gonum/stat/distuv"
)

// Proportion is the share k/n with the exact 95 % interval of Clopper & Pearson
// 1934, which covers at least 95 % whatever the true share. Errors: ErrTooFew for
// n < 1, ErrInput for k outside 0..n.
func Proportion(k, n int) (Estimate, error) {
	switch {
	case n < 1:
		return Estimate{}, fmt.Errorf("proportion: of %d: %w", n, ErrTooFew)
	case k < 0 || k > n:
		return Estimate{}, fmt.Errorf("proportion: %d of %d: %w", k, n, ErrInput)
	}
	e := Estimate{Value: float64(k) / float64(n), Low: 0, High: 1}
	if k > 0 {
		e.Low = distuv.Beta{Alpha: float64(k), Beta: float64(n-k) + 1}.Quantile(0.025)
	}
	if k < n {
		e.High = distuv.Beta{Alpha: float64(k) + 1, Beta: float64(n - k)}.Quantile(0.975)
	}
	return settled("proportion", e, e.Low, e.High)
}
