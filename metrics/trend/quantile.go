package trend

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Median of xs: the middle value, or the mean of the two middle ones. The order
// of xs does not matter and is kept.
func Median(xs []float64) (float64, error) { return Quantile7(xs, 0.5) }

// Quantile7 is the quantile of xs at p in [0,1] with linear interpolation at
// h = (n-1)p: type 7 of Hyndman & Fan 1996, the default of R and NumPy. The order
// of xs does not matter and is kept. Errors: ErrTooFew for no values,
// ErrNotFinite, ErrInput for p outside [0,1].
func Quantile7(xs []float64, p float64) (float64, error) {
	if err := check(1, xs); err != nil {
		return 0, fmt.Errorf("quantile: %w", err)
	}
	if !(p >= 0 && p <= 1) {
		return 0, fmt.Errorf("quantile at %v: %w", p, ErrInput)
	}
	return quantileSorted(slices.Sorted(slices.Values(xs)), p), nil
}

// quantileSorted is Quantile7 for values already in order and checked.
func quantileSorted(sorted []float64, p float64) float64 {
	h := float64(len(sorted)-1) * p
	i := int(h)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	f := h - math.Floor(h)
	if f == 0.5 { // symmetric, so that the median of -x is minus that of x
		return (sorted[i] + sorted[i+1]) / 2
	}
	return sorted[i] + f*(sorted[i+1]-sorted[i])
}

// ascending lists the indices of xs from the smallest value to the largest, equal
// ones in the order given.
func ascending(xs []float64) []int {
	order := make([]int, len(xs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(xs[a], xs[b]) })
	return order
}

// midranks gives each value its rank from 1, ties sharing the mean of theirs.
func midranks(xs []float64) []float64 {
	order := ascending(xs)
	ranks := make([]float64, len(xs))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && xs[order[j]] == xs[order[i]] {
			j++
		}
		for _, o := range order[i:j] {
			ranks[o] = float64(i+1+j) / 2
		}
		i = j
	}
	return ranks
}

// tieSizes lists how often each repeated value occurs, in ascending order of
// the values.
func tieSizes(xs []float64) []int {
	sorted := slices.Sorted(slices.Values(xs))
	var sizes []int
	for i := 0; i < len(sorted); {
		j := i
		for j < len(sorted) && sorted[j] == sorted[i] {
			j++
		}
		if j-i > 1 {
			sizes = append(sizes, j-i)
		}
		i = j
	}
	return sizes
}
