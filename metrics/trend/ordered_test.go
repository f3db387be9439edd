package trend_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dermatrend/dermatrend/metrics/trend"
)

// R, ?friedman.test: times to round first base (Hollander & Wolfe 1973, p. 140).
var roundingTimes = [][]float64{
	{5.40, 5.50, 5.55}, {5.85, 5.70, 5.75}, {5.20, 5.60, 5.50}, {5.55, 5.50, 5.40}, {5.90, 5.85, 5.70},
	{5.45, 5.55, 5.60}, {5.40, 5.40, 5.35}, {5.45, 5.50, 5.35}, {5.25, 5.15, 5.00}, {5.85, 5.80, 5.70},
	{5.25, 5.20, 5.10}, {5.65, 5.55, 5.45}, {5.60, 5.35, 5.45}, {5.05, 5.00, 4.95}, {5.50, 5.50, 5.40},
	{5.45, 5.55, 5.50}, {5.55, 5.55, 5.35}, {5.45, 5.50, 5.55}, {5.50, 5.45, 5.25}, {5.65, 5.60, 5.40},
	{5.70, 5.65, 5.55}, {6.30, 6.30, 6.25},
}

func TestFriedman(t *testing.T) {
	f := must(trend.Friedman(roundingTimes))(t)
	near(t, "Q", f.Q, 11.143, 3)
	near(t, "p", f.P, .003805, 6)
	near(t, "W", f.W, .25325, 5)
	if f.DF != 2 {
		t.Errorf("df = %d, want 2", f.DF)
	}
	for j, want := range []float64{53, 47, 32} {
		near(t, "rank sum", f.RankSums[j], want, 9)
	}
	// 22 x 3 with ties: the exact p given the ties, near the chi-squared one.
	if !f.HasExact || math.Abs(f.ExactP-f.P) > .002 {
		t.Errorf("exact p %v (%v), chi-squared %v", f.ExactP, f.HasExact, f.P)
	}

	// Exact tables for small n and k: a table of ranks with the given Q.
	for _, c := range []struct {
		table [][]float64
		q, p  float64
	}{
		{[][]float64{{1, 2, 3}, {1, 2, 3}, {1, 2, 3}}, 6, .02778},
		{[][]float64{{1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}}, 8, .00463},
		{[][]float64{{1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {2, 1, 3}}, 6.5, .04167},
		{[][]float64{{1, 2, 3, 4}, {1, 2, 3, 4}, {1, 2, 3, 4}, {3, 2, 1, 4}, {1, 3, 4, 2}}, 7.8, .04434},
		{[][]float64{{1, 2, 3, 4}, {1, 2, 3, 4}, {1, 4, 3, 2}, {1, 3, 2, 4}, {1, 2, 4, 3}}, 9.96, .00874},
	} {
		f := must(trend.Friedman(c.table))(t)
		near(t, "small Q", f.Q, c.q, 6)
		if f.HasExact {
			near(t, "small p", f.ExactP, c.p, 5)
		} else {
			t.Error("small table without exact p")
		}
	}
	_, err := trend.Friedman([][]float64{{1, 1}, {2, 2}})
	is(t, "nobody changes", err, trend.ErrConstant)
	_, err = trend.Friedman([][]float64{{1, 2}})
	is(t, "one person", err, trend.ErrTooFew)
	_, err = trend.Friedman([][]float64{{1, 2}, {1, math.NaN()}})
	is(t, "missing", err, trend.ErrNotFinite)
}

func TestPageCritical(t *testing.T) {
	// Page 1963 (k = 3..6), .05, .01, .001; 0 where there is none.
	for k, rows := range map[int]map[int][3]int{
		3: {3: {41, 42, 0}, 4: {54, 55, 56}, 5: {66, 68, 70}, 6: {79, 81, 83}, 8: {104, 106, 109}, 10: {128, 131, 134}},
		4: {2: {58, 60, 0}, 3: {84, 87, 89}, 4: {111, 114, 117}, 5: {137, 141, 145}, 6: {163, 167, 172}, 10: {266, 272, 278}},
		5: {2: {103, 106, 109}, 3: {150, 155, 160}, 4: {197, 204, 210}, 6: {291, 299, 307}},
		6: {2: {166, 173, 178}, 3: {244, 252, 260}, 4: {321, 331, 341}, 6: {474, 486, 499}},
	} {
		for n, want := range rows {
			for i, alpha := range []float64{.05, .01, .001} {
				l, ok, err := trend.PageCritical(n, k, alpha)
				if err != nil || ok != (want[i] > 0) || l != want[i] {
					t.Errorf("k=%d n=%d alpha=%v: %d %v %v, want %d", k, n, alpha, l, ok, err, want[i])
				}
			}
		}
	}
	_, _, err := trend.PageCritical(0, 3, .05)
	is(t, "n = 0", err, trend.ErrTooFew)
	_, _, err = trend.PageCritical(3, 3, 0)
	is(t, "alpha = 0", err, trend.ErrInput)
}

func TestPage(t *testing.T) {
	// SciPy, ?page_trend_test: ratings of tutorials, 10 x 3, with ties.
	table := [][]float64{{3, 4, 3}, {2, 2, 4}, {3, 3, 5}, {1, 3, 2}, {2, 3, 2}, {2, 4, 5}, {1, 2, 4}, {3, 4, 4}, {2, 4, 5}, {1, 3, 4}}
	p := must(trend.Page(table))(t)
	near(t, "L", p.L, 133.5, 9)
	near(t, "expected", p.Expected, 120, 9)
	near(t, "variance", p.Variance, 20, 9)
	z := (p.L - p.Expected) / math.Sqrt(p.Variance)
	near(t, "SciPy asymptotic", math.Erfc(z/math.Sqrt2)/2, .00126934337, 11)
	// SciPy's exact .00181911619 is P(L >= 133) without ties; given the ties,
	// P(L >= 133.5) is this:
	near(t, "exact given the ties", p.Rise, .00038421, 8)

	// Its figures without ties: tables of ranks that reach 133 and 134.
	rising := func(last ...[]float64) [][]float64 {
		out := last
		for len(out) < 10 {
			out = append(out, []float64{1, 2, 3})
		}
		return out
	}
	// One person in the order 1 2 3 adds 14; 2 1 3 and 1 3 2 add 13; 3 1 2 and
	// 2 3 1 add 11; so 140 less the losses.
	p133 := must(trend.Page(rising([]float64{3, 1, 2}, []float64{3, 1, 2}, []float64{2, 1, 3})))(t)
	near(t, "L", p133.L, 133, 9)
	near(t, "P(L >= 133)", p133.Rise, .00181911619, 11)
	p134 := must(trend.Page(rising([]float64{3, 1, 2}, []float64{3, 1, 2})))(t)
	near(t, "L", p134.L, 134, 9)
	near(t, "P(L >= 134)", p134.Rise, .00073653, 8)

	// A fall is a rise read backwards.
	for _, row := range table {
		row[0], row[2] = row[2], row[0]
	}
	back := must(trend.Page(table))(t)
	near(t, "fall", back.Fall, p.Rise, 15)
	near(t, "two-sided", back.P, 2*p.Rise, 15)
	_, err := trend.Page([][]float64{{1, 1, 1}, {2, 2, 2}})
	is(t, "nobody changes", err, trend.ErrConstant)
	_, err = trend.Page(nil)
	is(t, "nobody", err, trend.ErrTooFew)
}

// Exact given the ties means: the share of all arrangements, person by person.
func TestPageAndFriedmanAgainstEnumeration(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 20))
	for range 30 {
		n, k := 2+rng.IntN(2), 3+rng.IntN(2)
		table := make([][]float64, n)
		for i := range table {
			table[i] = make([]float64, k)
			for j := range table[i] {
				table[i][j] = float64(rng.IntN(4))
			}
		}
		page, err := trend.Page(table)
		friedman, err2 := trend.Friedman(table)
		if err != nil || err2 != nil {
			is(t, "Page", err, trend.ErrConstant)
			is(t, "Friedman", err2, trend.ErrConstant)
			continue
		}
		all, rise, spread := 0.0, 0.0, 0.0
		work := make([][]float64, n)
		var each func(i int)
		each = func(i int) {
			if i < n {
				permute(append([]float64(nil), table[i]...), 0, func(row []float64) {
					work[i] = append([]float64(nil), row...)
					each(i + 1)
				})
				return
			}
			l, q := ranked(work)
			all++
			if l >= page.L {
				rise++
			}
			if _, observed := ranked(table); q >= observed {
				spread++
			}
		}
		each(0)
		near(t, "Page", page.Rise, rise/all, 12)
		near(t, "Friedman", friedman.ExactP, spread/all, 12)
	}
}

// ranked gives L and the sum of squared rank sums from their definitions.
func ranked(table [][]float64) (l, squares float64) {
	sums := make([]float64, len(table[0]))
	for _, row := range table {
		for j, x := range row {
			rank := 0.5
			for _, y := range row {
				if y < x {
					rank++
				} else if y == x {
					rank += 0.5
				}
			}
			sums[j] += rank
			l += float64(j+1) * rank
		}
	}
	for _, s := range sums {
		squares += s * s
	}
	return l, squares
}

// Larger than the exact range, the normal p-values go on.
func TestPageLarge(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	table := make([][]float64, 61)
	for i := range table {
		table[i] = []float64{rng.NormFloat64(), rng.NormFloat64() + .1, rng.NormFloat64() + .2, rng.NormFloat64() + .3}
	}
	large, small := must(trend.Page(table))(t), must(trend.Page(table[:60]))(t)
	if large.Exact || !small.Exact {
		t.Error("exact to 60 persons only")
	}
	if normal := math.Erfc(small.Z/math.Sqrt2) / 2; math.Abs(normal-small.Rise) > .002 {
		t.Errorf("exact %v, normal %v", small.Rise, normal)
	}
}
