package trend

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// The exact null of Page's test is computed to this size: 2^k sums per person,
// and n additions over n*k^3/3 values.
const (
	maxPageSessions = 8
	maxPagePersons  = 60
)

// PageTest is the result of Page's test for ordered alternatives.
type PageTest struct {
	N, K int
	L    float64 // sum over sessions of position times rank sum
	// Expected and Variance are those of L without ties (Page 1963);
	// VarianceTies is the variance given the ties.
	Expected, Variance, VarianceTies float64
	Z                                float64 // (L - Expected)/sqrt(VarianceTies)
	// Rise is the one-sided p-value for values that grow from session to session,
	// Fall for values that shrink; P is two-sided.
	Rise, Fall, P float64
	Exact         bool // p-values are exact given the ties, else normal from Z
}

// Page tests for a rise or fall over ordered sessions (Page 1963); persons are
// rows, sessions are columns in their order, every person has every session.
// It is the natural test for "improves session by session". Up to 8 sessions and
// 60 persons the p-values are exact given the ties: all arrangements of each
// person's own midranks. (SciPy 1.x rounds L down and ignores ties.) Errors:
// ErrTooFew below 2 sessions or without a person, ErrInput for rows of different
// length, ErrConstant when every person's values are all equal, ErrNotFinite.
func Page(table [][]float64) (PageTest, error) {
	if err := checkTable(table, 1, 2); err != nil {
		return PageTest{}, fmt.Errorf("Page: %w", err)
	}
	n, k := len(table), len(table[0])
	p := PageTest{N: n, K: k}
	fk := float64(k)
	p.Expected = float64(n) * fk * (fk + 1) * (fk + 1) / 4
	p.Variance = float64(n) * fk * fk * (fk + 1) * (fk*fk - 1) / 144
	positions := fk * (fk*fk - 1) / 12 // sum of squared deviations of 1..k
	ranks := make([][]int, n)          // doubled
	doubledL := 0
	for i, row := range table {
		r := midranks(row)
		p.VarianceTies += positions * sumSquares(r) / (fk - 1)
		ranks[i] = doubled(r)
		for j, v := range ranks[i] {
			doubledL += (j + 1) * v
		}
	}
	if p.VarianceTies == 0 {
		return PageTest{}, fmt.Errorf("Page: nobody changes: %w", ErrConstant)
	}
	p.L = float64(doubledL) / 2
	p.Z = (p.L - p.Expected) / math.Sqrt(p.VarianceTies)
	if k <= maxPageSessions && n <= maxPagePersons {
		p.Exact = true
		p.Rise, p.Fall = pageTails(ranks, doubledL)
	} else {
		p.Rise, p.Fall = normalTail(p.Z), normalTail(-p.Z)
	}
	p.P = math.Min(1, 2*math.Min(p.Rise, p.Fall))
	return p, nil
}

// pageTails adds up the persons' distributions of doubled L.
func pageTails(ranks [][]int, doubledL int) (upper, lower float64) {
	type pattern [maxPageSessions]int
	known := map[pattern][]float64{} // few patterns of ties occur
	dist, offset := []float64{1}, 0
	for _, r := range ranks {
		var key pattern
		copy(key[:], r)
		slices.Sort(key[:len(r)])
		one, ok := known[key]
		if !ok {
			one = pageRow(r)
			known[key] = one
		}
		low := 0
		for one[low] == 0 { // most of the range below the least L is empty
			low++
		}
		dist = convolve(dist, one[low:])
		offset += low
	}
	return tails(dist, doubledL-offset)
}

// pageRow is the distribution of sum_j (j+1)*r_j over all orders of one person's
// doubled ranks: for every set of ranks placed at the first positions, the sums
// that they can make.
func pageRow(r []int) []float64 {
	k := len(r)
	top := 0
	for j := range r {
		top += (j + 1) * 2 * k
	}
	sums := make([][]float64, 1<<k)
	sums[0] = make([]float64, top+1)
	sums[0][0] = 1
	for set := range sums {
		position := bits.OnesCount(uint(set)) + 1
		for j, v := range r {
			with := set | 1<<j
			if with == set {
				continue
			}
			if sums[with] == nil {
				sums[with] = make([]float64, top+1)
			}
			for s, p := range sums[set] {
				if p != 0 {
					sums[with][s+position*v] += p / float64(k-position+1)
				}
			}
		}
	}
	return sums[len(sums)-1]
}

// PageCritical is the smallest L whose exact one-sided probability without ties
// is at most alpha, for n persons and k sessions; ok is false where even the
// largest L is more probable. Errors: ErrTooFew for n < 1 or k < 2, ErrInput
// above 60 persons or 8 sessions, or for alpha outside (0,1).
func PageCritical(n, k int, alpha float64) (critical int, ok bool, err error) {
	switch {
	case n < 1 || k < 2:
		return 0, false, fmt.Errorf("Page: n = %d, k = %d: %w", n, k, ErrTooFew)
	case n > maxPagePersons || k > maxPageSessions || !(alpha > 0 && alpha < 1):
		return 0, false, fmt.Errorf("Page: n = %d, k = %d, alpha = %v: %w", n, k, alpha, ErrInput)
	}
	row := make([]int, k)
	for j := range row {
		row[j] = j + 1
	}
	one, dist := pageRow(row), []float64{1}
	for range n {
		dist = convolve(dist, one)
	}
	const rounding = 1e-12 // a tail of exactly alpha counts
	tail := 0.0
	for l := len(dist) - 1; l >= 0; l-- {
		if tail += dist[l]; tail > alpha+rounding {
			return critical, ok, nil
		}
		if dist[l] > 0 {
			critical, ok = l, true
		}
	}
	return critical, ok, nil
}
