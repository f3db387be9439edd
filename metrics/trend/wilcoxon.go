package trend

import (
	"fmt"
	"math"
	"slices"
)

// maxExactSignedRank is the largest sample whose null distribution is computed;
// it takes n^3 additions.
const maxExactSignedRank = 100

// SignedRankTest is the result of a Wilcoxon signed rank test.
type SignedRankTest struct {
	N     int // differences that are not zero: what the p-values rest on
	Zeros int // differences that are zero, dropped from the test
	// V is the sum of the ranks of the positive differences.
	V float64
	// P is two-sided, Greater for a positive shift, Less for a negative one. With
	// n = 5 the smallest two-sided P is .0625.
	P, Greater, Less float64
	Exact            bool // from the exact distribution, conditional on the ties

	// Shift is the Hodges-Lehmann estimate, the median of all pairwise means,
	// zeros included, with its rank interval if HasInterval (n >= 6).
	Shift       Estimate
	HasInterval bool
	Coverage    float64 // of the interval: exact to n = 100, then nominal 0.95
}

// SignedRank tests whether paired differences are symmetric about zero
// (Wilcoxon 1945). Zeros are dropped from the test, tied magnitudes share their
// mean rank, and up to 100 differences the p-values are exact given those ties
// (all sign patterns, by sums of subsets); beyond, normal with the tie and
// continuity corrections. Estimate and interval are those of Hodges & Lehmann
// 1963 and do keep the zeros. Errors: ErrTooFew for none, ErrConstant when all
// differences are zero, ErrNotFinite.
func SignedRank(d []float64) (SignedRankTest, error) {
	if err := check(1, d); err != nil {
		return SignedRankTest{}, fmt.Errorf("signed rank: %w", err)
	}
	var size []float64
	var positives []bool
	for _, x := range d {
		if x != 0 {
			size = append(size, math.Abs(x))
			positives = append(positives, x > 0)
		}
	}
	if len(size) == 0 {
		return SignedRankTest{}, fmt.Errorf("signed rank: all differences are zero: %w", ErrConstant)
	}
	r := SignedRankTest{N: len(size), Zeros: len(d) - len(size)}
	ranks := midranks(size)
	for i, rank := range ranks {
		if positives[i] {
			r.V += rank
		}
	}
	if r.N <= maxExactSignedRank {
		r.Exact = true
		r.Greater, r.Less = tails(subsetSums(doubled(ranks)), int(2*r.V))
	} else {
		variance := 0.0
		for _, rank := range ranks {
			variance += rank * rank / 4
		}
		centred, sd := r.V-float64(r.N)*float64(r.N+1)/4, math.Sqrt(variance)
		r.Greater = normalTail((centred - 0.5) / sd)
		r.Less = normalTail((-centred - 0.5) / sd)
	}
	r.P = math.Min(1, 2*math.Min(r.Greater, r.Less))
	r.shift(d)
	return r, nil
}

// shift fills in the Hodges-Lehmann estimate and its interval.
func (r *SignedRankTest) shift(d []float64) {
	sorted := slices.Sorted(slices.Values(d))
	n := len(sorted)
	pairs := n * (n + 1) / 2
	r.Shift.Value = (walsh(sorted, (pairs+1)/2) + walsh(sorted, pairs/2+1)) / 2
	var k int
	if n <= maxExactSignedRank {
		ranks := make([]int, n)
		for i := range ranks {
			ranks[i] = i + 1
		}
		var tail float64
		if k, tail = rankDrop(subsetSums(ranks)); k < 0 {
			return
		}
		r.Coverage = 1 - 2*tail
	} else {
		m := float64(n)
		k = int(m*(m+1)/4-z95*math.Sqrt(m*(m+1)*(2*m+1)/24)) - 1
		r.Coverage = 0.95
	}
	r.HasInterval = true
	r.Shift.Low, r.Shift.High = walsh(sorted, k+1), walsh(sorted, pairs-k)
}

// walsh is the k-th smallest (from 1) of the means of all pairs of sorted
// values, each value paired with itself too. The number of means up to a bound
// takes one pass, so the bound is bisected over the floating-point numbers:
// 64 passes, whatever n, and exact.
func walsh(sorted []float64, k int) float64 {
	low, high := ordinal(sorted[0]), ordinal(sorted[len(sorted)-1])
	for low < high {
		mid := low + (high-low)/2
		if pairsUpTo(sorted, fromOrdinal(mid)) >= k {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return fromOrdinal(low)
}

// pairsUpTo counts i <= j with (x[i]+x[j])/2 <= bound.
func pairsUpTo(x []float64, bound float64) int {
	count, i := 0, 0
	for j := len(x) - 1; j >= 0; j-- {
		// As x[j] falls, more x[i] are small enough.
		for i < len(x) && (x[i]+x[j])/2 <= bound {
			i++
		}
		count += min(i, j+1)
	}
	return count
}

// ordinal numbers the finite floating-point values in their order.
func ordinal(x float64) uint64 {
	bits := math.Float64bits(x + 0) // -0 becomes 0
	if bits>>63 == 1 {
		return ^bits
	}
	return bits | 1<<63
}

// fromOrdinal is the inverse of ordinal.
func fromOrdinal(o uint64) float64 {
	if o>>63 == 1 {
		return math.Float64frombits(o &^ (1 << 63))
	}
	return math.Float64frombits(^o)
}

// doubled gives twice the midranks, which are whole numbers.
func doubled(ranks []float64) []int {
	out := make([]int, len(ranks))
	for i, r := range ranks {
		out[i] = int(2 * r)
	}
	return out
}

// subsetSums is the distribution of the sum of a random subset, each weight in
// or out with probability one half.
func subsetSums(weights []int) []float64 {
	dist := []float64{1}
	for _, w := range weights {
		next := make([]float64, len(dist)+w)
		for s, p := range dist {
			next[s] += p / 2
			next[s+w] += p / 2
		}
		dist = next
	}
	return dist
}

// tails are P(X >= x) and P(X <= x) of a distribution over 0, 1, 2, ...
func tails(dist []float64, x int) (upper, lower float64) {
	for i, p := range dist {
		if i >= x {
			upper += p
		}
		if i <= x {
			lower += p
		}
	}
	return math.Min(1, upper), math.Min(1, lower)
}
