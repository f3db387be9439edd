package trend

import (
	"errors"
	"testing"
)

// The ranks of the interval are those of the tables of the sign test (Conover 1999,
// table A3 of the binomial with p = 1/2): the largest k with P(X < k) <= .025.
func TestMedianIntervalRanks(t *testing.T) {
	for _, c := range []struct{ n, k int }{
		{6, 1}, {8, 1}, {9, 2}, {10, 2}, {12, 3}, {15, 4}, {17, 5}, {20, 6}, {25, 8}, {30, 10}, {40, 14}, {50, 18}, {100, 40},
	} {
		xs := make([]float64, c.n)
		for i := range xs {
			xs[c.n-1-i] = float64(i + 1)
		}
		m, ok, err := MedianInterval(xs)
		if err != nil || !ok {
			t.Fatalf("n = %d: %v %v", c.n, ok, err)
		}
		want := Estimate{float64(c.n+1) / 2, float64(c.k), float64(c.n + 1 - c.k)}
		if m != want {
			t.Errorf("n = %d: %v, want %v", c.n, m, want)
		}
	}
}

func TestMedianIntervalTooFew(t *testing.T) {
	// With five values even the whole sample covers 93.75 % only.
	if m, ok, err := MedianInterval([]float64{5, 1, 4, 2, 3}); err != nil || ok || m.Value != 3 || m.Low != 1 || m.High != 5 {
		t.Errorf("five values: %v %v %v", m, ok, err)
	}
	if _, _, err := MedianInterval(nil); !errors.Is(err, ErrTooFew) {
		t.Errorf("no values: %v", err)
	}
}
