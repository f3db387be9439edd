package trend

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// The permutation test of a regression ends when this many arrangements were as
// extreme as the data, or after so many in all.
const (
	maxExceedances  = 50
	maxArrangements = 9999
	maxPermuted     = 100 // pairs; beyond, Student's test serves
)

// Regression is a least-squares line through independent pairs.
type Regression struct {
	N     int
	Slope Estimate // units of y per unit of x, with its 95 % t interval
	SE    float64
	DF    int     // N - 2
	R     float64 // Pearson's correlation, -1..1
	P     float64 // two-sided, by arranging y anew; Student's above 100 pairs
	Draws int     // arrangements that P rests on; 0 for Student's
}

// Regress fits y over x and tests the slope by permutation: no other null
// hypothesis than that y and x belong to nothing of each other. Arrangements are
// drawn from a PCG generator seeded with seed until 50 of them are as extreme as
// the data, at most 9,999 (sequential Monte Carlo, Besag & Clifford 1991), so P
// is never below 1/10,000 and its error rate is that asked for, not more. The
// interval is Student's and wants residuals that are about normal. Errors:
// ErrTooFew below 4 pairs, ErrConstant when all x or all y are equal or the line
// explains everything, ErrNotFinite.
func Regress(x, y []float64, seed uint64) (Regression, error) {
	if err := check(4, x, y); err != nil {
		return Regression{}, fmt.Errorf("regression: %w", err)
	}
	n := len(x)
	slope, _, sxx, rss, err := leastSquares(x, y)
	if err != nil {
		return Regression{}, fmt.Errorf("regression: %w", err)
	}
	syy := sumSquares(y)
	if negligible(syy, n, maxAbs(y...)) || negligible(rss, n, maxAbs(y...)) {
		return Regression{}, fmt.Errorf("regression: no residual: %w", ErrConstant)
	}
	r := Regression{N: n, DF: n - 2}
	r.SE = math.Sqrt(rss / float64(r.DF) / sxx)
	t := tQuantile(0.975, float64(r.DF))
	r.Slope = Estimate{slope, slope - t*r.SE, slope + t*r.SE}
	r.R = clamp1(slope * math.Sqrt(sxx/syy))
	if n <= maxPermuted {
		r.P, r.Draws = permute(x, y, seed)
	} else {
		r.P = tTwoSided(slope/r.SE, float64(r.DF))
	}
	return settled("regression", r, r.Slope.Low, r.Slope.High, r.SE, r.R, r.P)
}

// permute is the p-value of the sum of products of x and y about their means.
func permute(x, y []float64, seed uint64) (p float64, draws int) {
	// Scaled, so that products neither overflow nor vanish.
	a, b := unitScaled(x), unitScaled(y)
	observed := math.Abs(dot(a, b))
	bound := observed - 1e-12*float64(len(a)) // a sum that differs by rounding is as extreme
	rng := rand.New(rand.NewPCG(seed, uint64(len(a))))
	extreme := 0
	for draws < maxArrangements {
		draws++
		rng.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
		if math.Abs(dot(a, b)) >= bound {
			if extreme++; extreme == maxExceedances {
				return float64(extreme) / float64(draws), draws
			}
		}
	}
	return float64(extreme+1) / float64(draws+1), draws
}

// unitScaled is xs about their mean, the largest at distance 1.
func unitScaled(xs []float64) []float64 {
	out := slices.Clone(xs)
	m := mean(xs)
	for i := range out {
		out[i] -= m
	}
	scale := maxAbs(out...)
	for i := range out {
		out[i] /= scale
	}
	return out
}
