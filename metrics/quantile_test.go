package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestQuantilePixels compares with the definition of type 7 on sorted values,
// over random lengths, ties, and orders that are hard on quickselect.
func TestQuantilePixels(t *testing.T) {
	near(t, "median of 1..10", MedianPixels([]float32{3, 1, 2, 10, 9, 8, 4, 5, 7, 6}), 5.5, 0)
	near(t, "R: quantile(c(1,2,4,8), .3)", QuantilePixels([]float32{8, 1, 4, 2}, 0.3), 1.9, 1e-6)
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		n := 1 + rng.IntN(400)
		x := make([]float32, n)
		for i := range x {
			switch round % 4 {
			case 0:
				x[i] = rng.Float32()
			case 1:
				x[i] = float32(rng.IntN(4))
			case 2:
				x[i] = float32(i)
			case 3:
				x[i] = float32(min(i, n-i))
			}
		}
		sorted := slices.Clone(x)
		slices.Sort(sorted)
		p := rng.Float64()
		at := float64(n-1) * p
		k := int(at)
		want := float64(sorted[k])
		if k+1 < n {
			want += (at - float64(k)) * float64(sorted[k+1]-sorted[k])
		}
		near(t, "quantile", QuantilePixels(x, p), want, 1e-6*math.Abs(want))
	}
}

// TestMADPixels: median and MAD of a textbook sample, and the SD of normal data.
func TestMADPixels(t *testing.T) {
	median, mad := MADPixels([]float32{1, 1, 2, 2, 4, 6, 9})
	near(t, "median", median, 2, 0)
	near(t, "MAD", mad, 1.4826022, 1e-6)
	rng := rand.New(rand.NewPCG(3, 4))
	x := make([]float32, 100000)
	for i := range x {
		x[i] = float32(5 + 2*rng.NormFloat64())
	}
	median, mad = MADPixels(x)
	near(t, "median of N(5,2)", median, 5, 0.03)
	near(t, "robust SD of N(5,2)", mad, 2, 0.03)
	if m, s := MADPixels(nil); !math.IsNaN(m) || !math.IsNaN(s) {
		t.Errorf("of nothing: %v, %v", m, s)
	}
}
