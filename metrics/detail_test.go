package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestDetailChange compares noise of mean 1 with the same noise made weaker, made
// weaker in its finest part only, blurred by a known Gaussian, and shown at another
// scale, of which the change is known.
func TestDetailChange(t *testing.T) {
	const n = 256
	r := rand.New(rand.NewPCG(5, 6))
	noise := make([]float64, n*n)
	for i := range noise {
		noise[i] = r.NormFloat64()
	}
	plane := func(w int, at func(x, y int) float64) Plane {
		p := Plane{W: w, H: w, Pix: make([]float32, w*w)}
		for i := range p.Pix {
			p.Pix[i] = float32(1 + 0.05*at(i%w, i/w))
		}
		return p
	}
	at := func(x, y int) float64 { return noise[(y+n)%n*n+(x+n)%n] }
	blurred := func(sigma float64) func(x, y int) float64 {
		var k [15]float64
		sum := 0.0
		for i := range k {
			d := float64(i - 7)
			k[i] = math.Exp(-d * d / (2 * sigma * sigma))
			sum += k[i]
		}
		return func(x, y int) float64 {
			v := 0.0
			for j := range k {
				for i := range k {
					v += k[i] * k[j] * at(x+i-7, y+j-7)
				}
			}
			return v / (sum * sum)
		}
	}
	spectrum := func(p Plane) Spectrum {
		s, err := NewSpectrum(p)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a := spectrum(plane(n, at))
	soft := blurred(1.2)
	for _, x := range []struct {
		name         string
		b            Spectrum
		scale, blur  float64
		middle, fine float64 // natural log of the amplitude
	}{
		{"the same", a, 1, 0, 0, 0},
		{"half", spectrum(plane(n, func(x, y int) float64 { return at(x, y) / 2 })), 1, 0, math.Log(0.5), math.Log(0.5)},
		{"blurred, made good", spectrum(plane(n, soft)), 1, 1.44, 0, 0},
		// 2 (pi f sigma)^2 at the mean squares of the bands.
		{"blurred", spectrum(plane(n, soft)), 1, 0, -2 * math.Pi * math.Pi * 1.44 * (0.06*0.06 + 0.10*0.10) / 2, -2 * math.Pi * math.Pi * 1.44 * (0.15*0.15 + 0.22*0.22) / 2},
		// Each pixel twice in both directions, see below.
		{"twice the size", spectrum(plane(2*n, func(x, y int) float64 { return at(x/2, y/2) })), 2, 0, math.NaN(), math.NaN()},
	} {
		middle := DetailChange(a, x.b, x.scale, x.blur, 0.06, 0.10)
		fine := DetailChange(a, x.b, x.scale, x.blur, 0.15, 0.22)
		if x.scale != 1 {
			// A box of two pixels: the amplitude at f (of a) falls by sinc(f) along each
			// axis, on the mean over directions by 1 - (pi f)^2/6 and little more.
			x.middle, x.fine = -math.Pi*math.Pi*(0.06*0.06+0.10*0.10)/2/6, -math.Pi*math.Pi*(0.15*0.15+0.22*0.22)/2/6
		}
		// The mean of a power that falls within the band is above the power at its mean.
		if math.Abs(middle-x.middle) > 0.03 || math.Abs(fine-x.fine) > 0.06 {
			t.Errorf("%s: middle %.3f, want %.3f; fine %.3f, want %.3f", x.name, middle, x.middle, fine, x.fine)
		}
	}
	if v := DetailChange(a, Spectrum{}, 1, 0, 0.06, 0.10); !math.IsNaN(v) {
		t.Errorf("without a spectrum: %v", v)
	}
}
