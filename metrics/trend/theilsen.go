package trend

import (
	"fmt"
	"math"
	"slices"
)

// Line is a robust line through a series.
type Line struct {
	N     int
	Slope float64 // median of the pairwise slopes, units of y per unit of t
	// Intercept is median(y) - Slope*median(t) ("separate" in SciPy).
	Intercept float64
	// InterceptConover is median(y - Slope*t) (Conover 1980).
	InterceptConover float64
	// HasInterval tells whether Low, High and Coverage are set: not for n <= 4,
	// where no set of pairwise slopes covers 95 %, and not with equal times.
	HasInterval bool
	Low, High   float64
	Coverage    float64 // exact, at least 0.95; nominal 0.95 above n = 100
}

// TheilSen fits the median of pairwise slopes (Theil 1950, Sen 1968) with the
// two-sided 95 % rank interval that inverts the Mann-Kendall test: the sorted
// slopes without the k outermost at each end, k from the exact null (see
// [TheilSenDrop]). Pairs of equal time have no slope and are left out. Give real
// dates, not visit numbers. Errors: ErrTooFew below 2 values, ErrConstant when
// all times are equal, ErrNotFinite.
func TheilSen(t, y []float64) (Line, error) {
	if err := check(2, t, y); err != nil {
		return Line{}, fmt.Errorf("Theil-Sen: %w", err)
	}
	n := len(t)
	slopes := make([]float64, 0, n*(n-1)/2)
	for i := range t {
		for j := i + 1; j < n; j++ {
			if t[i] != t[j] {
				slopes = append(slopes, (y[j]-y[i])/(t[j]-t[i]))
			}
		}
	}
	if len(slopes) == 0 {
		return Line{}, fmt.Errorf("Theil-Sen: all times are equal: %w", ErrConstant)
	}
	slices.Sort(slopes)
	l := Line{N: n, Slope: quantileSorted(slopes, 0.5)}
	rest := make([]float64, n)
	for i := range y {
		rest[i] = y[i] - l.Slope*t[i]
	}
	if err := finite(append(rest, slopes...)...); err != nil {
		return Line{}, fmt.Errorf("Theil-Sen: %w", err)
	}
	slices.Sort(rest)
	l.InterceptConover = quantileSorted(rest, 0.5)
	l.Intercept = quantileSorted(slices.Sorted(slices.Values(y)), 0.5) -
		l.Slope*quantileSorted(slices.Sorted(slices.Values(t)), 0.5)

	if len(slopes) < n*(n-1)/2 {
		return settled("Theil-Sen", l, l.Intercept)
	}
	if k, coverage, ok := TheilSenDrop(n); ok {
		l.HasInterval, l.Coverage = true, coverage
		l.Low, l.High = slopes[k], slopes[len(slopes)-1-k]
	}
	return settled("Theil-Sen", l, l.Intercept)
}

// TheilSenDrop is the number k of sorted pairwise slopes to drop at each end for
// a two-sided interval of at least 95 %, and what that interval covers: the
// largest k with P(S >= pairs - 2k) <= 0.025. ok is false where there is none
// (n <= 4). Above n = 100 the normal approximation to S serves.
func TheilSenDrop(n int) (k int, coverage float64, ok bool) {
	if n < 2 {
		return 0, 0, false
	}
	if n > maxExactKendall {
		pairs := float64(n) * float64(n-1) / 2
		sd := math.Sqrt(float64(n) * float64(n-1) * float64(2*n+5) / 18)
		return int((pairs-z95*sd)/2) - 1, 0.95, true
	}
	k, tail := rankDrop(inversions(n, nil))
	return k, 1 - 2*tail, k >= 0
}

// rankDrop is the largest index k of a null distribution whose lower tail up to
// and including k stays within 0.025, with that tail; -1 where even the first
// exceeds it.
func rankDrop(null []float64) (k int, tail float64) {
	const rounding = 1e-12 // a tail of exactly 0.025 counts
	for i, p := range null {
		if tail+p > 0.025+rounding {
			return i - 1, tail
		}
		tail += p
	}
	return len(null) - 1, tail
}
