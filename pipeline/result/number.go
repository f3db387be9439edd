package result

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Number is a measured number; NaN means that there is none.
type Number float64

// None is the number that could not be measured.
func None() Number { return Number(math.NaN()) }

// Known tells whether the number was measured.
func (n Number) Known() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// Cell is the number as a table shows it: six significant digits, empty where
// there is none.
func (n Number) Cell() string {
	if !n.Known() {
		return ""
	}
	if n == 0 { // also -0
		return "0"
	}
	v, _ := strconv.ParseFloat(strconv.FormatFloat(float64(n), 'g', 6, 64), 64)
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// MarshalJSON writes null where there is no number.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Known() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads null as no number.
func (n *Number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = None()
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("a number was expected, not %s", b)
	}
	*n = Number(v)
	return nil
}
