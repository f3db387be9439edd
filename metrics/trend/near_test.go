package trend_test

import (
	"errors"
	"math"
	"testing"

	"github.com/dermatrend/dermatrend/metrics/trend"
)

// near fails unless got is want to the printed digits: within half a unit of
// the given decimal place.
func near(t *testing.T, what string, got, want float64, decimals int) {
	t.Helper()
	if !(math.Abs(got-want) <= 0.5000001*math.Pow10(-decimals)) {
		t.Errorf("%s = %.*f, want %.*f", what, decimals+2, got, decimals, want)
	}
}

// must returns v, or ends the test.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// sentinel fails unless err wraps one of the sentinels of the package.
func sentinel(t *testing.T, err error) {
	t.Helper()
	for _, s := range []error{trend.ErrTooFew, trend.ErrConstant, trend.ErrNotFinite, trend.ErrInput} {
		if errors.Is(err, s) {
			return
		}
	}
	t.Errorf("error without a sentinel: %v", err)
}

func is(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want one that is %v", what, err, want)
	}
}
