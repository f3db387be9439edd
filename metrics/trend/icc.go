package trend

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Agreement is the analysis of variance of n targets (persons) measured k times
// each, with all that follows from it. An intraclass correlation depends on how
// different the persons are: never print one without the SEM.
type Agreement struct {
	N, K int
	// Mean squares: between targets, within targets, between columns (raters,
	// sessions), residual.
	MSB, MSW, MSJ, MSE float64

	ICC1  Estimate // (1,1): columns are different raters for every target
	ICC2  Estimate // (2,1): same columns for all, absolute agreement
	ICC3  Estimate // (3,1): same columns for all, consistency
	ICC1K Estimate // (1,k): of the mean of k
	ICC2K Estimate // (2,k)
	ICC3K Estimate // (3,k)

	SEMAgreement   float64 // sqrt(column variance + residual variance): drift is error
	SEMConsistency float64 // sqrt(MSE): drift is forgiven
}

// ICC computes the six intraclass correlations of Shrout & Fleiss 1979 with 95 %
// intervals (those of (2,1) and (2,k) after McGraw & Wong 1996) and both standard
// errors of measurement. Rows are targets, columns are raters or sessions; all
// cells must be there. Interval limits are cut at -1 and 1. Errors: ErrTooFew
// below 2 x 2, ErrInput for rows of different length, ErrConstant where targets
// do not differ or where the columns agree but for a shift, ErrNotFinite.
func ICC(table [][]float64) (Agreement, error) {
	if err := checkTable(table, 2, 2); err != nil {
		return Agreement{}, fmt.Errorf("ICC: %w", err)
	}
	a, err := meanSquares(table)
	if err != nil {
		return Agreement{}, fmt.Errorf("ICC: %w", err)
	}
	n, k := float64(a.N), float64(a.K)
	a.SEMConsistency = math.Sqrt(a.MSE)
	a.SEMAgreement = math.Sqrt(math.Max(0, (a.MSJ-a.MSE)/n) + a.MSE)

	single := func(f float64) float64 { return (f - 1) / (f + k - 1) }
	average := func(f float64) float64 { return 1 - 1/f }
	interval := func(f, df2 float64, of func(float64) float64) Estimate {
		low := f / fQuantile(n-1, df2)
		high := f * fQuantile(df2, n-1)
		return Estimate{of(f), clamp1(of(low)), clamp1(of(high))}
	}
	a.ICC1 = interval(a.MSB/a.MSW, n*(k-1), single)
	a.ICC1K = interval(a.MSB/a.MSW, n*(k-1), average)
	a.ICC3 = interval(a.MSB/a.MSE, (n-1)*(k-1), single)
	a.ICC3K = interval(a.MSB/a.MSE, (n-1)*(k-1), average)
	a.ICC2, a.ICC2K = a.absolute()

	var all []float64
	for _, e := range []Estimate{a.ICC1, a.ICC1K, a.ICC2, a.ICC2K, a.ICC3, a.ICC3K} {
		all = append(all, e.Value, e.Low, e.High)
	}
	return settled("ICC", a, all...)
}

// absolute gives ICC(2,1) and ICC(2,k) with the intervals of McGraw & Wong 1996,
// table 7, whose degrees of freedom are Satterthwaite's.
func (a Agreement) absolute() (single, average Estimate) {
	n, k := float64(a.N), float64(a.K)
	single.Value = (a.MSB - a.MSE) / (a.MSB + (k-1)*a.MSE + k*(a.MSJ-a.MSE)/n)
	average.Value = (a.MSB - a.MSE) / (a.MSB + (a.MSJ-a.MSE)/n)

	wj := k * single.Value / (n * (1 - single.Value)) * a.MSJ
	we := (1 + k*single.Value*(n-1)/(n*(1-single.Value))) * a.MSE
	df := (wj + we) * (wj + we) / (wj*wj/(k-1) + we*we/((n-1)*(k-1)))
	df = math.Max(df, 1) // opposite signs of wj and we can bring it to nothing
	low, high := fQuantile(n-1, df), fQuantile(df, n-1)
	rest := k*a.MSJ + (k*n-k-n)*a.MSE
	single.Low = clamp1(n * (a.MSB - low*a.MSE) / (low*rest + n*a.MSB))
	single.High = clamp1(n * (high*a.MSB - a.MSE) / (rest + n*high*a.MSB))
	single.High = math.Max(single.Low, single.High) // rounding can swap them where they meet
	// The mean of k follows from one by Spearman & Brown's step.
	average.Low, average.High = stepUp(single.Low, k), stepUp(single.High, k)
	return single, average
}

// stepUp is the reliability of a mean of k from that of one, not below -1.
func stepUp(icc, k float64) float64 {
	d := 1 + (k-1)*icc
	if d <= 0 {
		return -1
	}
	return clamp1(k * icc / d)
}

// meanSquares is the two-way analysis of variance of a complete table.
func meanSquares(table [][]float64) (Agreement, error) {
	n, k := len(table), len(table[0])
	rows, cols := make([]float64, n), make([]float64, k)
	scale := 0.0
	for i, row := range table {
		rows[i] = mean(row)
		scale = math.Max(scale, maxAbs(row...))
		for j, x := range row {
			cols[j] += x / float64(n)
		}
	}
	grand := mean(rows)
	ssb, ssj := float64(k)*sumSquares(rows), float64(n)*sumSquares(cols)
	sse := 0.0
	for i, row := range table {
		for j, x := range row {
			e := x - rows[i] - cols[j] + grand
			sse += e * e
		}
	}
	if negligible(ssb, n*k, scale) {
		return Agreement{}, fmt.Errorf("the targets do not differ: %w", ErrConstant)
	}
	if negligible(sse, n*k, scale) {
		return Agreement{}, fmt.Errorf("the columns differ by a shift only: %w", ErrConstant)
	}
	a := Agreement{N: n, K: k,
		MSB: ssb / float64(n-1),
		MSW: (ssj + sse) / float64(n*(k-1)),
		MSJ: ssj / float64(k-1),
		MSE: sse / float64((n-1)*(k-1)),
	}
	return a, finite(a.MSB, a.MSW, a.MSJ, a.MSE)
}

// fQuantile is the 0.975 quantile of the F distribution.
func fQuantile(df1, df2 float64) float64 {
	return distuv.F{D1: df1, D2: df2}.Quantile(0.975)
}

func clamp1(x float64) float64 { return math.Max(-1, math.Min(1, x)) }
