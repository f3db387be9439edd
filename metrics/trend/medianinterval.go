package trend

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// MedianInterval is the median of xs with its distribution-free interval, between
// the k-th smallest and the k-th largest value with the largest k that still
// covers 95 % (the sign test turned round; Thompson 1936). It is exact, so it
// covers at least 95 %. There is none, and ok is false, below six values; Low and
// High are then those of the sample. Errors: ErrTooFew for no values,
// ErrNotFinite.
func MedianInterval(xs []float64) (median Estimate, ok bool, err error) {
	if err := check(1, xs); err != nil {
		return Estimate{}, false, fmt.Errorf("median: %w", err)
	}
	sorted := slices.Sorted(slices.Values(xs))
	n, k := len(sorted), 0
	below := distuv.Binomial{N: float64(n), P: 0.5}
	for below.CDF(float64(k)) <= 0.025 {
		k++
	}
	at := max(k, 1) - 1
	return Estimate{quantileSorted(sorted, 0.5), sorted[at], sorted[n-1-at]}, k > 0, nil
}
