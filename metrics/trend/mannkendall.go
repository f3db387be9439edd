package trend

import (
	"fmt"
	"math"
)

// maxExactKendall is the longest series whose null distribution is computed; it
// takes n^3/2 additions. Beyond, the normal approximation serves.
const maxExactKendall = 100

// Kendall is the result of the Mann-Kendall test.
type Kendall struct {
	N int
	S int // concordant minus discordant pairs
	// Tau is S over all n(n-1)/2 pairs (Kendall's tau-a): ties pull it to zero.
	Tau float64
	// Var is the variance of S under no trend, with the tie correction.
	Var float64
	// Z is the continuity-corrected standard score (S - sgn S)/sqrt(Var).
	Z float64
	// P is two-sided. For n <= 4 it cannot be below 1/12, whatever the skin does.
	P     float64
	Exact bool // P is from the exact distribution, conditional on the ties
}

// MannKendall tests for a monotone trend of y over t (Mann 1945, Kendall 1975).
// Up to n = 100 the p-value is exact, conditional on the ties in y; above it is
// the normal approximation from Z. The times need no order but must differ: two
// values of one time are replicates, to be averaged before. Errors: ErrTooFew
// below 3 values, ErrConstant when all y are equal, ErrInput for equal times,
// ErrNotFinite.
func MannKendall(t, y []float64) (Kendall, error) {
	if err := check(3, t, y); err != nil {
		return Kendall{}, fmt.Errorf("Mann-Kendall: %w", err)
	}
	inTime := inOrder(t, y)
	if len(tieSizes(t)) > 0 {
		return Kendall{}, fmt.Errorf("Mann-Kendall: two values at one time: %w", ErrInput)
	}
	n := len(inTime)
	pairs := n * (n - 1) / 2
	ties := tieSizes(inTime)
	untied := pairs
	variance := float64(n * (n - 1) * (2*n + 5))
	for _, m := range ties {
		untied -= m * (m - 1) / 2
		variance -= float64(m * (m - 1) * (2*m + 5))
	}
	if untied == 0 {
		return Kendall{}, fmt.Errorf("Mann-Kendall: all values are equal: %w", ErrConstant)
	}
	k := Kendall{N: n, S: kendallS(inTime), Var: variance / 18}
	k.Tau = float64(k.S) / float64(pairs)
	switch {
	case k.S > 0:
		k.Z = float64(k.S-1) / math.Sqrt(k.Var)
	case k.S < 0:
		k.Z = float64(k.S+1) / math.Sqrt(k.Var)
	}
	if n > maxExactKendall {
		k.P = twoSided(k.Z)
		return k, nil
	}
	// S = untied - 2 inversions; the null is symmetric, so |S| or more is twice
	// the lower tail of the inversions.
	null := inversions(n, ties)
	tail := 0.0
	for d := 0; 2*d <= untied-abs(k.S); d++ {
		tail += null[d]
	}
	k.P = math.Min(1, 2*tail)
	k.Exact = true
	return k, nil
}

// KendallTail is the exact one-sided probability P(S >= s) for n values without
// ties and without trend. Errors: ErrTooFew below 2 values, ErrInput above 100.
func KendallTail(n, s int) (float64, error) {
	if n < 2 {
		return 0, fmt.Errorf("Kendall: n = %d: %w", n, ErrTooFew)
	}
	if n > maxExactKendall {
		return 0, fmt.Errorf("Kendall: n = %d, exact only to %d: %w", n, maxExactKendall, ErrInput)
	}
	pairs := n * (n - 1) / 2
	tail := 0.0
	for d, p := range inversions(n, nil) {
		if pairs-2*d >= s {
			tail += p
		}
	}
	return math.Min(1, tail), nil
}

// kendallS sums the signs of all later-minus-earlier differences.
func kendallS(y []float64) int {
	s := 0
	for i := range y {
		for _, later := range y[i+1:] {
			switch {
			case later > y[i]:
				s++
			case later < y[i]:
				s--
			}
		}
	}
	return s
}

// inversions is the distribution of the number of inversions of a random
// arrangement of n values of which groups of the given sizes are equal. Values
// come in one group after the other; a group of m among a earlier values makes
// as many inversions as a random partition in an a x m box has cells (MacMahon
// 1916). Only positive terms are added, so nothing cancels.
func inversions(n int, ties []int) []float64 {
	dist, placed := []float64{1}, 0
	for _, m := range ties {
		dist = convolve(dist, box(placed, m))
		placed += m
	}
	for ; placed < n; placed++ {
		dist = convolve(dist, box(placed, 1))
	}
	return dist
}

// box is the distribution of the size of a random partition that fits into a
// rows of m cells: the Gaussian binomial coefficient, normalised.
func box(a, m int) []float64 {
	if m == 1 {
		dist := make([]float64, a+1)
		for i := range dist {
			dist[i] = 1 / float64(a+1)
		}
		return dist
	}
	column := make([][]float64, a+1) // column[r]: r rows of the current width
	for r := range column {
		column[r] = []float64{1}
	}
	for w := 1; w <= m; w++ {
		for r := 1; r <= a; r++ {
			// Either no row is full, or a full one is taken away.
			full := float64(r) / float64(r+w)
			next := make([]float64, r*w+1)
			for d, p := range column[r] {
				next[d] += (1 - full) * p
			}
			for d, p := range column[r-1] {
				next[d+w] += full * p
			}
			column[r] = next
		}
	}
	return column[a]
}

// convolve is the distribution of the sum of two independent counts.
func convolve(a, b []float64) []float64 {
	out := make([]float64, len(a)+len(b)-1)
	for i, p := range a {
		for j, q := range b {
			out[i+j] += p * q
		}
	}
	return out
}

// inOrder returns y sorted by t.
func inOrder(t, y []float64) []float64 {
	out := make([]float64, len(y))
	for i, o := range ascending(t) {
		out[i] = y[o]
	}
	return out
}

func abs(i int) int {
	if i < 0 {
		return -i
	}
	return i
}
