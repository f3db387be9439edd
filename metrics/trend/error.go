package trend

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Change is a change between two visits against their measurement error.
type Change struct {
	Change float64 // after - before
	SD     float64 // of the difference of two visits without a true change
	Index  float64 // Change/SD; beyond +-1.96 the change is more than error
	P      float64 // two-sided, normal
}

// ReliableChange relates the change between two visits to the measurement error
// of each (Jacobson & Truax 1991; with two errors in the denominator, as
// Maassen 2004 prefers). For visits that average k shots give SEM/sqrt(k).
// Errors: ErrInput for an error that is not positive, ErrNotFinite.
func ReliableChange(before, after, semBefore, semAfter float64) (Change, error) {
	if err := check(2, []float64{before, after}); err != nil {
		return Change{}, fmt.Errorf("reliable change: %w", err)
	}
	for _, sem := range []float64{semBefore, semAfter} {
		if err := positive("SEM", sem); err != nil {
			return Change{}, fmt.Errorf("reliable change: %w", err)
		}
	}
	c := Change{Change: after - before, SD: math.Hypot(semBefore, semAfter)}
	c.Index = c.Change / c.SD
	c.P = twoSided(c.Index)
	return settled("reliable change", c, c.Index)
}

// SDC is the smallest detectable change at 95 %, 1.96*sqrt(2/k)*SEM, for visits
// that average k independent shots each (de Vet et al. 2006). Errors: ErrInput
// for SEM <= 0 or k < 1.
func SDC(sem float64, k int) (float64, error) {
	if err := positive("SEM", sem); err != nil {
		return 0, fmt.Errorf("SDC: %w", err)
	}
	if k < 1 {
		return 0, fmt.Errorf("SDC: %d shots: %w", k, ErrInput)
	}
	return z95 * math.Sqrt(2/float64(k)) * sem, nil
}

// SDCLog is the smallest detectable relative change for a measure whose error
// grows with its size: sw is the within-person SD of the natural logarithm
// (close to the coefficient of variation), and the limits are
// exp(+-1.96*sqrt(2/k)*sw) - 1 (Bland & Altman 1996). Low is negative. Errors:
// ErrInput for sw outside (0, 10] or k < 1.
func SDCLog(sw float64, k int) (low, high float64, err error) {
	if !(sw > 0 && sw <= 10) {
		return 0, 0, fmt.Errorf("SDC of logarithms: SD %v: %w", sw, ErrInput)
	}
	d, err := SDC(sw, k)
	if err != nil {
		return 0, 0, err
	}
	return math.Expm1(-d), math.Expm1(d), nil
}

// SEM is a standard error of measurement estimated from replicates.
type SEM struct {
	Value     float64
	DF        int     // degrees of freedom that it rests on
	Low, High float64 // 95 % interval, chi-squared
}

// SEMFromReplicates pools the spread of repeated measurements of unchanged skin:
// the square root of the within-group mean square. Each group holds the
// replicates of one person or visit; groups of one add nothing. All differences
// inside a group count as error, so this is the agreement form. Errors:
// ErrTooFew without a group of two, ErrConstant when no replicates differ (the
// same file twice?), ErrNotFinite.
func SEMFromReplicates(groups [][]float64) (SEM, error) {
	ss, df, scale := 0.0, 0, 0.0
	for i, g := range groups {
		if err := check(0, g); err != nil {
			return SEM{}, fmt.Errorf("SEM: group %d: %w", i, err)
		}
		if len(g) < 2 {
			continue
		}
		ss += sumSquares(g)
		df += len(g) - 1
		scale = math.Max(scale, maxAbs(g...))
	}
	if df == 0 {
		return SEM{}, fmt.Errorf("SEM: no replicates: %w", ErrTooFew)
	}
	if negligible(ss, df+1, scale) {
		return SEM{}, fmt.Errorf("SEM: all replicates are equal: %w", ErrConstant)
	}
	return semOf(ss/float64(df), df)
}

// semOf wraps a variance with its degrees of freedom.
func semOf(variance float64, df int) (SEM, error) {
	low, high, err := SEMFactors(df)
	if err != nil {
		return SEM{}, err
	}
	v := math.Sqrt(variance)
	return settled("SEM", SEM{Value: v, DF: df, Low: v * low, High: v * high}, v*high)
}

// SEMFactors are the factors by which an SEM with df degrees of freedom may be
// off, sqrt(df/chi2) at 0.975 and 0.025: its 95 % interval is SEM*low to
// SEM*high. Error: ErrTooFew for df < 1.
func SEMFactors(df int) (low, high float64, err error) {
	if df < 1 {
		return 0, 0, fmt.Errorf("SEM: %d degrees of freedom: %w", df, ErrTooFew)
	}
	chi := distuv.ChiSquared{K: float64(df)}
	low = math.Sqrt(float64(df) / chi.Quantile(0.975))
	high = math.Sqrt(float64(df) / chi.Quantile(0.025))
	return low, high, finite(low, high)
}

// TFactor is what to multiply an SDC with when its SEM rests on only df degrees
// of freedom: t(0.975, df)/1.96 (Student 1908). It is 6.5 for one pair of
// replicates, 1.14 for ten degrees of freedom and falls to 1. Error: ErrTooFew
// for df < 1.
func TFactor(df int) (float64, error) {
	if df < 1 {
		return 0, fmt.Errorf("t factor: %d degrees of freedom: %w", df, ErrTooFew)
	}
	return tQuantile(0.975, float64(df)) / z95, nil
}

// tQuantile is the quantile of Student's t distribution.
func tQuantile(p, df float64) float64 {
	return distuv.StudentsT{Sigma: 1, Nu: df}.Quantile(p)
}

// tTwoSided is the two-sided p-value of a t statistic.
func tTwoSided(t, df float64) float64 {
	return math.Min(1, 2*distuv.StudentsT{Sigma: 1, Nu: df}.Survival(math.Abs(t)))
}
