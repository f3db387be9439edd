package trend

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Holm adjusts p-values for the chance of even one false claim among them (Holm
// 1979), in the order given: compare each with the level wanted. Errors:
// ErrTooFew for none, ErrInput for a value outside [0,1].
func Holm(p []float64) ([]float64, error) {
	order, err := byP(p)
	if err != nil {
		return nil, fmt.Errorf("Holm: %w", err)
	}
	out, run := make([]float64, len(p)), 0.0
	for rank, i := range order {
		run = math.Max(run, math.Min(1, float64(len(p)-rank)*p[i]))
		out[i] = run
	}
	return out, nil
}

// BenjaminiHochberg adjusts p-values for the share of false claims among all
// claims (Benjamini & Hochberg 1995), in the order given. Errors as [Holm].
func BenjaminiHochberg(p []float64) ([]float64, error) {
	order, err := byP(p)
	if err != nil {
		return nil, fmt.Errorf("Benjamini-Hochberg: %w", err)
	}
	out, run := make([]float64, len(p)), 1.0
	for rank, i := range slices.Backward(order) {
		run = math.Min(run, p[i]*float64(len(p))/float64(rank+1))
		out[i] = run
	}
	return out, nil
}

// byP checks p-values and returns their indices, smallest first.
func byP(p []float64) ([]int, error) {
	if len(p) == 0 {
		return nil, fmt.Errorf("no p-values: %w", ErrTooFew)
	}
	for i, v := range p {
		if !(v >= 0 && v <= 1) {
			return nil, fmt.Errorf("p-value %d is %v: %w", i, v, ErrInput)
		}
	}
	return ascending(p), nil
}

// HolmLimit is what one zone's verdict asked for.
type HolmLimit struct {
	Rank  int     // 1 for the change that is largest against its SDC
	Limit float64 // the absolute change asked for, in the unit of the change
	Pass  bool    // |change| >= Limit: more than error, among all zones looked at
}

// HolmLimits adjusts the smallest detectable changes of a family, say the zones
// of the primary metrics of one series, so that the chance of even one false
// claim in the family stays at 5 % (Holm 1979 on normal scores). changes[i] is
// compared with sdcs[i], its 95 % SDC for one comparison.
//
// The changes are ranked by |change|/SDC. Rank r of m asks for
//
//	SDC * z(1 - 0.05/(2(m-r+1))) / z(0.975)
//
// so the largest has the Bonferroni limit and the last its own SDC. Holm stops at
// the first rank that fails; all after it fail too, and their Limit is what would
// have been asked of them at the rank that failed: the least change that would
// have passed with the other zones as they are. So Pass is exactly
// |change| >= Limit, and with one item the limit is the SDC.
//
// Two-sided: a limit holds for improvement and worsening alike. The results are
// in the order given. Zones that cannot be judged must be left out, not given as
// zero: they would make the family larger. Errors: ErrTooFew for an empty
// family, ErrInput for different lengths or an SDC that is not positive,
// ErrNotFinite.
func HolmLimits(changes, sdcs []float64) ([]HolmLimit, error) {
	if err := check(1, changes, sdcs); err != nil {
		return nil, fmt.Errorf("Holm limits: %w", err)
	}
	m := len(changes)
	ratio := make([]float64, m)
	for i := range changes {
		if err := positive("SDC", sdcs[i]); err != nil {
			return nil, fmt.Errorf("Holm limits: item %d: %w", i, err)
		}
		ratio[i] = math.Abs(changes[i]) / sdcs[i]
	}
	if err := finite(ratio...); err != nil {
		return nil, fmt.Errorf("Holm limits: %w", err)
	}
	out := make([]HolmLimit, m)
	stopped := false
	factor := 0.0
	for left, i := range slices.Backward(ascending(ratio)) {
		if !stopped {
			factor = holmFactor(left + 1)
		}
		limit := sdcs[i] * factor
		pass := !stopped && math.Abs(changes[i]) >= limit
		out[i] = HolmLimit{Rank: m - left, Limit: limit, Pass: pass}
		stopped = !pass
	}
	return out, nil
}

// holmFactor is the normal score that each of m comparisons must reach for a
// family-wise 5 %, relative to that of one.
func holmFactor(m int) float64 {
	return distuv.UnitNormal.Quantile(1-0.05/(2*float64(m))) / z95
}
