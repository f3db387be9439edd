package trend

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Sentinels wrapped by the errors of this package.
var (
	// ErrTooFew: fewer values than the method needs.
	ErrTooFew = errors.New("too few values")
	// ErrConstant: no spread where the method divides by it.
	ErrConstant = errors.New("no variation")
	// ErrNotFinite: a value or a result that is NaN, infinite or absurdly large.
	ErrNotFinite = errors.New("not a finite number")
	// ErrInput: arguments that contradict each other or the method.
	ErrInput = errors.New("bad argument")
)

// maxMagnitude bounds the values that are accepted: their fourth power, which
// some formulas need, must not overflow. No measure of skin comes near.
const maxMagnitude = 1e50

// z95 is the 0.975 quantile of the normal distribution, the "1.96" of every
// 95 % limit here.
var z95 = distuv.UnitNormal.Quantile(0.975)

// Estimate is a value with its interval.
type Estimate struct {
	Value, Low, High float64
}

// check reports whether all slices have the length of the first, at least
// atLeast values, and only usable numbers.
func check(atLeast int, first []float64, others ...[]float64) error {
	for _, o := range others {
		if len(o) != len(first) {
			return fmt.Errorf("%d values beside %d: %w", len(o), len(first), ErrInput)
		}
	}
	if len(first) < atLeast {
		return fmt.Errorf("%d, at least %d needed: %w", len(first), atLeast, ErrTooFew)
	}
	for _, xs := range append([][]float64{first}, others...) {
		for i, x := range xs {
			if !(math.Abs(x) <= maxMagnitude) { // also catches NaN
				return fmt.Errorf("value %d is %v: %w", i, x, ErrNotFinite)
			}
		}
	}
	return nil
}

// checkTable reports whether the rows form a complete rectangle of usable
// numbers with at least n rows and k columns.
func checkTable(table [][]float64, n, k int) error {
	if len(table) < n {
		return fmt.Errorf("%d rows, at least %d needed: %w", len(table), n, ErrTooFew)
	}
	for i, row := range table {
		if len(row) != len(table[0]) {
			return fmt.Errorf("row %d has %d values, row 0 has %d: %w", i, len(row), len(table[0]), ErrInput)
		}
		if err := check(k, row); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
	}
	return nil
}

// positive reports whether x is a usable positive number.
func positive(name string, x float64) error {
	if !(x > 0 && x <= maxMagnitude) {
		return fmt.Errorf("%s is %v, must be positive: %w", name, x, ErrInput)
	}
	return nil
}

// finite is the last check of a result: sums of admissible values may still
// underflow or overflow.
func finite(xs ...float64) error {
	for _, x := range xs {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("the result: %w", ErrNotFinite)
		}
	}
	return nil
}

// settled returns v when all its numbers are finite, and the zero value with an
// error otherwise.
func settled[T any](name string, v T, numbers ...float64) (T, error) {
	if err := finite(numbers...); err != nil {
		var none T
		return none, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

// negligible tells whether a sum of n squares is only the rounding of values as
// large as scale. An exact zero test would take that rounding for spread.
func negligible(ss float64, n int, scale float64) bool {
	const rounding = 1e-14 // some ten units in the last place
	return ss <= float64(n)*rounding*rounding*scale*scale
}

// maxAbs is the largest magnitude in xs; 0 for none.
func maxAbs(xs ...float64) float64 {
	m := 0.0
	for _, x := range xs {
		m = math.Max(m, math.Abs(x))
	}
	return m
}

// mean of xs, which must not be empty.
func mean(xs []float64) float64 {
	s := 0.0
	for _, x := range xs {
		s += x
	}
	return s / float64(len(xs))
}

// sumSquares is the sum of squared deviations from the mean.
func sumSquares(xs []float64) float64 {
	m, s := mean(xs), 0.0
	for _, x := range xs {
		s += (x - m) * (x - m)
	}
	return s
}

// normalTail is P(Z >= z) for a standard normal Z. (distuv's Survival subtracts from
// 1 and is 0 from z = 8.3 on.)
func normalTail(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }

// twoSided turns a standard normal statistic into a two-sided p-value.
func twoSided(z float64) float64 {
	return math.Min(1, 2*normalTail(math.Abs(z)))
}
