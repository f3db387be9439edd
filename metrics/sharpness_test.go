package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
)

// scene is a plane of detail on all scales, from a fixed seed.
func scene(w, h int, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 7))
	s := make([]float64, w*h)
	for range 400 {
		cx, cy, r, a := rng.Float64()*float64(w), rng.Float64()*float64(h), 1+15*rng.Float64()*rng.Float64(), 0.4*rng.Float64()-0.2
		for y := max(int(cy-4*r), 0); y < min(int(cy+4*r), h); y++ {
			for x := max(int(cx-4*r), 0); x < min(int(cx+4*r), w); x++ {
				d := math.Hypot(float64(x)-cx, float64(y)-cy)
				if d < r { // hard edges have all frequencies, as lashes do
					s[y*w+x] += a
				}
			}
		}
	}
	return s
}

// photographed blurs a scene with a Gaussian of sigma px and adds noise.
func photographed(s []float64, w, h int, sigma, noise float64, seed uint64) Plane {
	rng := rand.New(rand.NewPCG(seed, 11))
	r := int(4*sigma) + 1
	k := make([]float64, 2*r+1)
	sum := 0.0
	for i := range k {
		k[i] = math.Exp(-float64((i-r)*(i-r)) / (2 * sigma * sigma))
		sum += k[i]
	}
	pass := func(in []float64, dx, dy int) []float64 {
		out := make([]float64, len(in))
		for y := range h {
			for x := range w {
				for i, c := range k {
					u := min(max(x+(i-r)*dx, 0), w-1)
					v := min(max(y+(i-r)*dy, 0), h-1)
					out[y*w+x] += c / sum * in[v*w+u]
				}
			}
		}
		return out
	}
	b := pass(pass(s, 1, 0), 0, 1)
	p := Plane{W: w, H: h, Pix: make([]float32, w*h)}
	for i := range p.Pix {
		p.Pix[i] = float32(0.5 + b[i] + noise*rng.NormFloat64())
	}
	return p
}

func TestRelativeBlur(t *testing.T) {
	const w, h = 192, 160
	s := scene(w, h, 1)
	a := photographed(s, w, h, 0.6, 0.002, 2)
	sa, err := NewSpectrum(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, sigma := range []float64{0.6, 0.8, 1.0, 1.4} {
		sb, err := NewSpectrum(photographed(s, w, h, sigma, 0.002, 3))
		if err != nil {
			t.Fatal(err)
		}
		v, _, err := RelativeBlur(sa, sb, 1)
		if err != nil {
			t.Fatal(err)
		}
		want := math.Sqrt(sigma*sigma - 0.36)
		got := math.Sqrt(math.Max(0, v))
		if math.Abs(got-want) > 0.15 {
			t.Errorf("blur of %.1f against 0.6 px: %.2f px wider, want %.2f", sigma, got, want)
		}
		back, _, err := RelativeBlur(sb, sa, 1)
		if err != nil || math.Abs(back+v) > 0.05 {
			t.Errorf("the other way round: %.3f, want %.3f (%v)", back, -v, err)
		}
	}
	// Brighter and flatter is not blurrier.
	bright := Plane{W: w, H: h, Pix: make([]float32, w*h)}
	for i, v := range a.Pix {
		bright.Pix[i] = 0.2 + 1.3*v
	}
	sb, err := NewSpectrum(bright)
	if err != nil {
		t.Fatal(err)
	}
	if v, _, err := RelativeBlur(sa, sb, 1); err != nil || math.Abs(v) > 1e-3 {
		t.Errorf("exposure and contrast changed the blur by %v px^2 (%v)", v, err)
	}
}

func TestRelativeBlurRefuses(t *testing.T) {
	if _, err := NewSpectrum(Plane{W: 10, H: 10, Pix: make([]float32, 100)}); err == nil {
		t.Error("a spectrum of 10 x 10 px")
	}
	flat := Plane{W: 64, H: 64, Pix: make([]float32, 64*64)}
	s, err := NewSpectrum(flat)
	if err != nil {
		t.Fatal(err)
	}
	if v, _, err := RelativeBlur(s, s, 1); err == nil {
		t.Errorf("the blur of nothing is %v", v)
	}
}

func TestNoiseSD(t *testing.T) {
	const w, h = 160, 120
	smooth := make([]float64, w*h)
	for i := range smooth { // shading and texture wider than a lens's blur
		smooth[i] = 0.1*math.Sin(float64(i%w)/9) + 0.05*math.Cos(float64(i/w)/5)
	}
	for _, noise := range []float64{0.002, 0.01, 0.03} {
		got := NoiseSD(photographed(smooth, w, h, 0.6, noise, 5))
		if math.Abs(got/noise-1) > 0.06 {
			t.Errorf("noise %.4f, want %.4f", got, noise)
		}
	}
	if !math.IsNaN(NoiseSD(Plane{W: 8, H: 8, Pix: make([]float32, 64)})) {
		t.Error("noise of 8 x 8 px")
	}
}
