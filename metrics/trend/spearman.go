package trend

import (
	"fmt"
	"math"
)

// maxExactSpearman is the largest sample whose orders are all gone through.
const maxExactSpearman = 9

// RankCorrelation is Spearman's correlation of paired values.
type RankCorrelation struct {
	N   int
	Rho Estimate // interval of Fisher's z with the variance of Bonett & Wright 2000, from 4 pairs on
	// HasInterval tells whether Rho has one: from 4 pairs on, and not at -1 or 1.
	HasInterval bool
	P           float64 // two-sided
	Exact       bool    // from all orders, conditional on the ties; else Student's t
}

// Spearman correlates the ranks of x and y, ties sharing their mean rank (Spearman
// 1904). P is exact up to 9 pairs. Errors: ErrTooFew below 3 pairs, ErrConstant
// where x or y does not vary, ErrInput for different lengths, ErrNotFinite.
func Spearman(x, y []float64) (RankCorrelation, error) {
	if err := check(3, x, y); err != nil {
		return RankCorrelation{}, fmt.Errorf("rank correlation: %w", err)
	}
	a, b := midranks(x), midranks(y)
	va, vb := sumSquares(a), sumSquares(b)
	if va == 0 || vb == 0 {
		return RankCorrelation{}, fmt.Errorf("rank correlation: %w", ErrConstant)
	}
	middle := float64(len(a)+1) / 2
	product := func(order []float64) float64 {
		s := 0.0
		for i, r := range order {
			s += (a[i] - middle) * (r - middle)
		}
		return s
	}
	c := RankCorrelation{N: len(x)}
	observed := product(b)
	c.Rho.Value = clamp1(observed / math.Sqrt(va*vb))
	c.Rho.Low, c.Rho.High = c.Rho.Value, c.Rho.Value
	n := float64(c.N)
	if c.N >= 4 && math.Abs(c.Rho.Value) < 1 {
		z, se := math.Atanh(c.Rho.Value), math.Sqrt((1+c.Rho.Value*c.Rho.Value/2)/(n-3))
		c.Rho.Low, c.Rho.High, c.HasInterval = math.Tanh(z-z95*se), math.Tanh(z+z95*se), true
	}
	if c.N <= maxExactSpearman {
		c.Exact = true
		extreme, all := 0, 0
		eachOrder(b, func(order []float64) {
			all++
			if math.Abs(product(order)) >= math.Abs(observed)-1e-9 {
				extreme++
			}
		})
		c.P = float64(extreme) / float64(all)
	} else if r := c.Rho.Value; math.Abs(r) < 1 {
		c.P = tTwoSided(r*math.Sqrt((n-2)/(1-r*r)), n-2)
	}
	return settled("rank correlation", c, c.Rho.Value, c.Rho.Low, c.Rho.High, c.P)
}

// eachOrder visits all orders of values, in place (Heap 1963), and leaves them in
// any order.
func eachOrder(values []float64, visit func([]float64)) {
	count := make([]int, len(values))
	visit(values)
	for i := 0; i < len(values); {
		if count[i] >= i {
			count[i] = 0
			i++
			continue
		}
		k := 0
		if i%2 == 1 {
			k = count[i]
		}
		values[k], values[i] = values[i], values[k]
		visit(values)
		count[i]++
		i = 0
	}
}
