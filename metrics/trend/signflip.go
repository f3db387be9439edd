package trend

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// maxSignFlip bounds the exact sign-flip test: two lists of 2^(n/2) sums.
const maxSignFlip = 32

// SignFlip is the exact two-sided p-value of the mean of paired differences: the
// share of all 2^n sign patterns whose mean is at least as far from zero (Fisher
// 1935). It needs symmetry under the null, nothing else. With the slopes of
// persons it is the distribution-free form of [SlopeSummary]. Errors: ErrTooFew
// for none, ErrConstant when all are zero, ErrInput above 32 differences (use
// [SignedRank]), ErrNotFinite.
func SignFlip(d []float64) (float64, error) {
	if err := check(1, d); err != nil {
		return 0, fmt.Errorf("sign flip: %w", err)
	}
	if len(d) > maxSignFlip {
		return 0, fmt.Errorf("sign flip: %d differences, exact only to %d: %w", len(d), maxSignFlip, ErrInput)
	}
	observed, total := 0.0, 0.0
	for _, x := range d {
		observed += x
		total += math.Abs(x)
	}
	if total == 0 {
		return 0, fmt.Errorf("sign flip: all differences are zero: %w", ErrConstant)
	}
	// A sum that differs from the observed one only by rounding is as extreme.
	bound := math.Abs(observed) - 1e-12*total
	if bound <= 0 {
		return 1, nil
	}
	// Every pattern is a left half plus a right half. By symmetry the patterns
	// with a sum <= -bound are as many as those with a sum >= bound.
	left, right := flips(d[:len(d)/2]), flips(d[len(d)/2:])
	slices.Sort(right)
	upper := 0
	for _, l := range left {
		upper += len(right) - sort.SearchFloat64s(right, bound-l)
	}
	return math.Min(1, 2*float64(upper)/(float64(len(left))*float64(len(right)))), nil
}

// flips lists the sums of d under all sign patterns.
func flips(d []float64) []float64 {
	sums := []float64{0}
	for _, x := range d {
		next := make([]float64, 0, 2*len(sums))
		for _, s := range sums {
			next = append(next, s+x, s-x)
		}
		sums = next
	}
	return sums
}
