package trend

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// FriedmanTest is the result of a Friedman test.
type FriedmanTest struct {
	N, K     int       // persons, sessions
	RankSums []float64 // by session; the smallest value of a person has rank 1
	Q        float64   // with the tie correction
	DF       int       // K - 1
	// P is chi-squared with DF degrees of freedom, the usual approximation.
	P float64
	// ExactP is the exact p-value given the ties, where HasExact: small tables.
	ExactP   float64
	HasExact bool
	W        float64 // Kendall's coefficient of concordance, Q/(n(k-1)), 0..1
}

// Friedman tests whether k sessions differ, persons in rows (Friedman 1937, with
// the tie correction of Conover 1980). Every person must have every session. It
// knows neither the order nor the spacing of the sessions: for "better session
// by session" use [Page]. Errors: ErrTooFew below 2 x 2, ErrInput for rows of
// different length, ErrConstant when every person's values are all equal,
// ErrNotFinite.
func Friedman(table [][]float64) (FriedmanTest, error) {
	if err := checkTable(table, 2, 2); err != nil {
		return FriedmanTest{}, fmt.Errorf("Friedman: %w", err)
	}
	n, k := len(table), len(table[0])
	f := FriedmanTest{N: n, K: k, DF: k - 1, RankSums: make([]float64, k)}
	ranks := make([][]int, n) // doubled
	squares := 0.0
	for i, row := range table {
		r := midranks(row)
		ranks[i] = doubled(r)
		for j := range r {
			f.RankSums[j] += r[j]
			squares += r[j] * r[j]
		}
	}
	c := float64(n*k) * float64(k+1) * float64(k+1) / 4
	if squares == c {
		return FriedmanTest{}, fmt.Errorf("Friedman: nobody changes: %w", ErrConstant)
	}
	spread := 0.0
	for _, s := range f.RankSums {
		spread += s * s
	}
	f.Q = math.Max(0, float64(k-1)*(spread-float64(n)*c)/(squares-c))
	f.W = f.Q / float64(n*(k-1))
	f.P = distuv.ChiSquared{K: float64(f.DF)}.Survival(f.Q)
	f.ExactP, f.HasExact = friedmanExact(ranks)
	return f, nil
}

// The exact null of Friedman's test is computed to this size: persons, sessions,
// and sums times arrangements over all persons, some 30 ms.
const (
	maxFriedmanPersons  = 25
	maxFriedmanSessions = 6
	maxFriedmanWork     = 300_000
)

// friedmanExact is the share of all arrangements of each person's doubled ranks
// whose rank sums are at least as spread out. Only the set of sums matters, not
// which session has which, so sums are kept sorted. ok is false where that takes
// too many states.
func friedmanExact(ranks [][]int) (p float64, ok bool) {
	k := len(ranks[0])
	if k > maxFriedmanSessions || len(ranks) > maxFriedmanPersons {
		return 0, false
	}
	observed := make([]int, k)
	for _, r := range ranks {
		for j, v := range r {
			observed[j] += v
		}
	}
	type sums [maxFriedmanSessions]int
	states := map[sums]float64{{}: 1}
	// The order of a map is random and sums are rounded: always go by the keys.
	inOrder := func() []sums {
		return slices.SortedFunc(maps.Keys(states), func(a, b sums) int { return slices.Compare(a[:], b[:]) })
	}
	arrangements := arrange(k)
	work := 0
	for _, r := range ranks {
		if work += len(states) * len(arrangements); work > maxFriedmanWork {
			return 0, false
		}
		next := make(map[sums]float64, 2*len(states))
		for _, s := range inOrder() {
			share := states[s] / float64(len(arrangements))
			for _, a := range arrangements {
				t := s
				for j, from := range a {
					t[j] += r[from]
				}
				slices.Sort(t[:k])
				next[t] += share
			}
		}
		states = next
	}
	bound := sumOfSquares(observed)
	for _, s := range inOrder() {
		if sumOfSquares(s[:k]) >= bound {
			p += states[s]
		}
	}
	return math.Min(1, p), true
}

// arrange lists all orders of 0..k-1.
func arrange(k int) [][]int {
	out := [][]int{{}}
	for i := range k {
		var next [][]int
		for _, a := range out {
			for at := 0; at <= len(a); at++ {
				next = append(next, slices.Insert(slices.Clone(a), at, i))
			}
		}
		out = next
	}
	return out
}

func sumOfSquares(xs []int) int {
	s := 0
	for _, x := range xs {
		s += x * x
	}
	return s
}
