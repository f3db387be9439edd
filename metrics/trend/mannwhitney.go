package trend

import (
	"fmt"
	"math"
	"slices"
)

// maxExactRankSum is the largest number of values in both groups whose null
// distribution is computed; it takes N^4/8 additions at most.
const maxExactRankSum = 60

// RankSumTest is the result of a Mann-Whitney test.
type RankSumTest struct {
	N1, N2 int
	// U counts the pairs in which the first group's value is the larger, ties half.
	U float64
	// P is two-sided, Greater for larger values in the first group, Less for smaller.
	P, Greater, Less float64
	Exact            bool // from the exact distribution, conditional on the ties

	// Shift is the Hodges-Lehmann estimate, the median of all differences first
	// minus second, with its rank interval if HasInterval (4 and 4, 3 and 5, 2 and
	// 8, or more).
	Shift       Estimate
	HasInterval bool
	Coverage    float64 // of the interval: exact to 60 values, then nominal 0.95
}

// MannWhitney tests whether two independent groups have one distribution
// (Wilcoxon 1945, Mann & Whitney 1947). Tied values share their mean rank, and up
// to 60 values the p-values are exact given those ties (all ways to choose the
// first group); beyond, normal with the tie and continuity corrections. Estimate
// and interval are those of Hodges & Lehmann 1963; they are of the difference
// between the groups where both have the same shape. Errors: ErrTooFew for an
// empty group, ErrConstant when all values are equal, ErrNotFinite.
func MannWhitney(x, y []float64) (RankSumTest, error) {
	for _, g := range [][]float64{x, y} {
		if err := check(1, g); err != nil {
			return RankSumTest{}, fmt.Errorf("Mann-Whitney: %w", err)
		}
	}
	all := slices.Concat(x, y)
	if slices.Min(all) == slices.Max(all) {
		return RankSumTest{}, fmt.Errorf("Mann-Whitney: all values are equal: %w", ErrConstant)
	}
	r := RankSumTest{N1: len(x), N2: len(y)}
	n1, n2, n := float64(r.N1), float64(r.N2), float64(len(all))
	ranks := midranks(all)
	sum, squares := 0.0, 0.0
	for i, rank := range ranks {
		if i < r.N1 {
			sum += rank
		}
		squares += (rank - (n+1)/2) * (rank - (n+1)/2)
	}
	r.U = sum - n1*(n1+1)/2
	if len(all) <= maxExactRankSum {
		r.Exact = true
		r.Greater, r.Less = tails(choiceSums(doubled(ranks), r.N1), int(2*sum))
	} else {
		centred, sd := r.U-n1*n2/2, math.Sqrt(n1*n2*squares/(n*(n-1)))
		r.Greater = normalTail((centred - 0.5) / sd)
		r.Less = normalTail((-centred - 0.5) / sd)
	}
	r.P = math.Min(1, 2*math.Min(r.Greater, r.Less))
	r.shift(slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y)))
	return settled("Mann-Whitney", r, r.Shift.Value, r.Shift.Low, r.Shift.High)
}

// shift fills in the Hodges-Lehmann estimate and its interval from sorted groups.
func (r *RankSumTest) shift(x, y []float64) {
	pairs := len(x) * len(y)
	r.Shift.Value = (difference(x, y, (pairs+1)/2) + difference(x, y, pairs/2+1)) / 2
	var k int
	if n := len(x) + len(y); n <= maxExactRankSum {
		ranks := make([]int, n)
		for i := range ranks {
			ranks[i] = i + 1
		}
		null := choiceSums(ranks, len(x))
		// The least rank sum is U = 0.
		var tail float64
		if k, tail = rankDrop(null[len(x)*(len(x)+1)/2:]); k < 0 {
			return
		}
		r.Coverage = 1 - 2*tail
	} else {
		n1, n2 := float64(len(x)), float64(len(y))
		if k = int(n1*n2/2-z95*math.Sqrt(n1*n2*(n1+n2+1)/12)) - 1; k < 0 {
			return
		}
		r.Coverage = 0.95
	}
	r.HasInterval = true
	r.Shift.Low, r.Shift.High = difference(x, y, k+1), difference(x, y, pairs-k)
}

// difference is the k-th smallest (from 1) of x[i]-y[j] over all pairs of sorted
// values, by bisection over the floating-point numbers as in walsh.
func difference(x, y []float64, k int) float64 {
	low, high := ordinal(x[0]-y[len(y)-1]), ordinal(x[len(x)-1]-y[0])
	for low < high {
		mid := low + (high-low)/2
		if differencesUpTo(x, y, fromOrdinal(mid)) >= k {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return fromOrdinal(low)
}

// differencesUpTo counts the pairs with x[i]-y[j] <= bound.
func differencesUpTo(x, y []float64, bound float64) int {
	count, j := 0, 0
	for _, v := range x {
		// As x[i] grows, fewer y[j] are large enough.
		for j < len(y) && v-y[j] > bound {
			j++
		}
		count += len(y) - j
	}
	return count
}

// choiceSums is the distribution of the sum of the given weights over all ways to
// choose m of them.
func choiceSums(weights []int, m int) []float64 {
	largest := slices.Sorted(slices.Values(weights))
	top := 0
	for _, w := range largest[len(largest)-m:] {
		top += w
	}
	// ways[k][s] is the share of ways to choose k of the weights seen so far with
	// the sum s; counts would overflow the exact range of a float anyway.
	ways := make([][]float64, m+1)
	for k := range ways {
		ways[k] = make([]float64, top+1)
	}
	ways[0][0] = 1
	for seen, w := range weights {
		for k := min(m, seen+1); k >= 1; k-- {
			// Of seen+1 weights, the new one is among k chosen with probability
			// k/(seen+1).
			with := float64(k) / float64(seen+1)
			to, from := ways[k], ways[k-1]
			for s := top; s >= 0; s-- {
				v := to[s] * (1 - with)
				if s >= w {
					v += from[s-w] * with
				}
				to[s] = v
			}
		}
	}
	return ways[m]
}
