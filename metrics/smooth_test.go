package metrics

import (
	"math"
	"testing"
)

// TestSurroundIsAGaussian: a wave keeps exp(-2 pi^2 sigma^2 / length^2) of its
// amplitude, on pixels and on blocks, far from the edges.
func TestSurroundIsAGaussian(t *testing.T) {
	const size = 400
	mask := make([]uint8, size*size)
	for i := range mask {
		mask[i] = 1
	}
	for _, c := range []struct{ sigma, length float64 }{{1.5, 8}, {3, 20}, {4, 20}, {7, 30}, {12, 60}, {25, 120}} {
		x := make([]float32, size*size)
		k := 2 * math.Pi / c.length
		wave := func(i int) float64 { return math.Sin(k * (0.6*float64(i%size) + 0.8*float64(i/size))) }
		for i := range x {
			x[i] = float32(wave(i))
		}
		got := newSurround(mask, size, size, c.sigma).mean(x)
		var product, square float64
		for y := 100; y < 300; y++ {
			for i := y*size + 100; i < y*size+300; i++ {
				product += wave(i) * float64(got[i])
				square += wave(i) * wave(i)
			}
		}
		want := math.Exp(-0.5 * k * k * c.sigma * c.sigma)
		near(t, "amplitude left", product/square, want, 0.01)
	}
}

// TestSurroundKeepsConstants: the mean of a constant is the constant at every
// pixel of any mask, beside holes and edges too.
func TestSurroundKeepsConstants(t *testing.T) {
	const w, h = 83, 61
	mask, x := make([]uint8, w*h), make([]float32, w*h)
	for i := range mask {
		if i%7 < 3 && i%w > 20 || i == 0 {
			mask[i], x[i] = 1, 5
		}
	}
	for _, sigma := range []float64{0.4, 1.5, 3, 5, 11, 40} {
		for i, v := range newSurround(mask, w, h, sigma).mean(x) {
			near(t, "mean of 5", float64(v), 5*float64(mask[i]), 1e-4)
		}
	}
}

// TestInteriorIsOneMillimetreInside, at any scale, and a glint costs no more
// than its own pixels.
func TestInteriorIsOneMillimetreInside(t *testing.T) {
	for _, pxPerMM := range []float64{3.4, 8, 14.6, 25} {
		size := int(14 * pxPerMM)
		p := newPatch(size, size, 0.6, 0.34, 0.24)
		p.PxPerMM = pxPerMM
		edge := size / 3
		for i := range p.Skin.Pix {
			if i%size < edge {
				p.Skin.Pix[i] = 0
			}
		}
		glint := size/2*size + 2*size/3
		p.Skin.Pix[glint] = 0
		in := p.interior()
		middle := in[size/2*size:][:size]
		first := edge
		for middle[first] == 0 {
			first++
		}
		near(t, "depth of the interior in mm", float64(first-edge)/pxPerMM, 1, 1/pxPerMM)
		if in[glint] != 0 || in[glint+1] == 0 || in[glint-size] == 0 {
			t.Errorf("%v px/mm: a glint of one pixel is in, or its neighbours are out", pxPerMM)
		}
	}
}
