package trend

import (
	"fmt"
	"math"
)

// Weighting says how far apart two ratings may be and still count as agreement.
type Weighting int

const (
	Linear    Weighting = iota // 1 - |i-j|/(k-1)
	Quadratic                  // 1 - ((i-j)/(k-1))^2; near an intraclass correlation (Fleiss & Cohen 1973)
)

// Kappa is the agreement of two raters on ordered categories, corrected for what
// chance would give with their frequencies of use.
type Kappa struct {
	N                  int
	Kappa              Estimate // cut at -1 and 1
	SE                 float64  // large sample
	Observed, Expected float64  // weighted agreement, 0..1
}

// WeightedKappa compares two raters' categories 0..categories-1 of the same
// targets (Cohen 1968), with the large-sample interval of Fleiss, Cohen & Everitt
// 1969, which is wide of the mark below some 30 targets and where a category is
// hardly used. Errors: ErrTooFew below 2 targets, ErrInput for different lengths,
// fewer than two categories or one outside them, ErrConstant where both raters use
// one and the same category only, so that there is nothing to agree on.
func WeightedKappa(a, b []int, categories int, w Weighting) (Kappa, error) {
	switch {
	case len(a) != len(b):
		return Kappa{}, fmt.Errorf("kappa: %d ratings beside %d: %w", len(a), len(b), ErrInput)
	case len(a) < 2:
		return Kappa{}, fmt.Errorf("kappa: %d, at least 2 needed: %w", len(a), ErrTooFew)
	case categories < 2 || categories > 1000:
		return Kappa{}, fmt.Errorf("kappa: %d categories: %w", categories, ErrInput)
	}
	table, weights := make([][]float64, categories), make([][]float64, categories)
	for i := range table {
		table[i], weights[i] = make([]float64, categories), make([]float64, categories)
		for j := range weights[i] {
			d := math.Abs(float64(i-j)) / float64(categories-1)
			if w == Quadratic {
				d *= d
			}
			weights[i][j] = 1 - d
		}
	}
	for t := range a {
		for _, c := range []int{a[t], b[t]} {
			if c < 0 || c >= categories {
				return Kappa{}, fmt.Errorf("kappa: category %d of %d: %w", c, categories, ErrInput)
			}
		}
		table[a[t]][b[t]]++
	}
	return kappaOf(table, weights)
}

// kappaOf is the weighted kappa of a square table of counts; weights are 1 on the
// diagonal and lie in 0..1.
func kappaOf(table, weights [][]float64) (Kappa, error) {
	k := len(table)
	rows, cols := make([]float64, k), make([]float64, k)
	n := 0.0
	for i := range table {
		for j, count := range table[i] {
			n += count
			rows[i] += count
			cols[j] += count
		}
	}
	var observed, expected float64
	rowWeight, colWeight := make([]float64, k), make([]float64, k) // mean weights given the other's use
	for i := range table {
		for j := range table[i] {
			w := weights[i][j]
			observed += w * table[i][j] / n
			expected += w * rows[i] / n * cols[j] / n
			rowWeight[i] += w * cols[j] / n
			colWeight[j] += w * rows[i] / n
		}
	}
	if 1-expected < 1e-12 {
		return Kappa{}, fmt.Errorf("kappa: all ratings are of one category: %w", ErrConstant)
	}
	value := (observed - expected) / (1 - expected)
	sum := 0.0
	for i := range table {
		for j := range table[i] {
			d := weights[i][j] - (rowWeight[i]+colWeight[j])*(1-value)
			sum += table[i][j] / n * d * d
		}
	}
	centre := value - expected*(1-value)
	se := math.Sqrt(math.Max(0, sum-centre*centre)/n) / (1 - expected)
	r := Kappa{N: int(n), SE: se, Observed: observed, Expected: expected,
		Kappa: Estimate{value, clamp1(value - z95*se), clamp1(value + z95*se)}}
	return settled("kappa", r, value, se)
}
