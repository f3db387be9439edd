package photo

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// similarity turns by deg, scales by s and moves.
func similarity(s, deg, dx, dy float64) cv.Affine {
	sin, cos := math.Sincos(deg * math.Pi / 180)
	return cv.Affine{A: s * cos, B: -s * sin, C: dx, D: s * sin, E: s * cos, F: dy}
}

func TestFrameFromPhoto(t *testing.T) {
	for _, m := range []cv.Affine{similarity(1, 0, 0, 0), similarity(3.2, 25, 100, -40), similarity(0.4, -170, 3, 9)} {
		f := Frame{ToPhoto: m}
		for _, p := range [][2]float64{{0, 0}, {10, 3}, {-7, 200}} {
			x, y := m.At(p[0], p[1])
			u, v := f.FromPhoto(x, y)
			if math.Hypot(u-p[0], v-p[1]) > 1e-9 {
				t.Errorf("%+v: %v comes back as %v, %v", m, p, u, v)
			}
		}
	}
	if s := (Frame{ToPhoto: similarity(3.2, 25, 1, 2)}).Scale(); math.Abs(s-3.2) > 1e-12 {
		t.Errorf("scale %v, want 3.2", s)
	}
}

// TestFrameView reads ramps, which resampling must not move: red grows with x,
// green with y.
func TestFrameView(t *testing.T) {
	// Noise, so that the rounding of each step has no bias of its own.
	r := rand.New(rand.NewPCG(1, 2))
	const slope = 0.57
	p := cv.NewRGB(400, 300)
	for i := range 400 * 300 {
		p.Pix[3*i] = uint8(5 + slope*float64(i%400) + 8*r.Float64())
		p.Pix[3*i+1] = uint8(5 + slope*float64(i/400) + 8*r.Float64())
		p.Pix[3*i+2] = 77
	}
	for _, f := range []Frame{
		{W: 100, H: 80, ToPhoto: similarity(1, 0, 60, 50)},
		{W: 90, H: 60, ToPhoto: similarity(3, 0, 40, 50)},        // shrunk
		{W: 80, H: 60, ToPhoto: similarity(2.5, 20, 130, 40)},    // and turned
		{W: 200, H: 160, ToPhoto: similarity(0.5, -10, 150, 90)}, // grown
	} {
		v, err := f.View(p)
		if err != nil {
			t.Fatal(err)
		}
		if v.W != f.W || v.H != f.H {
			t.Fatalf("%dx%d, want %dx%d", v.W, v.H, f.W, f.H)
		}
		var dr, dg float64
		n := 0.0
		for y := 2; y < v.H-2; y++ {
			for x := 2; x < v.W-2; x++ {
				px, py := f.ToPhoto.At(float64(x), float64(y))
				if px < 5 || py < 5 || px > 394 || py > 294 {
					continue
				}
				i := 3 * (y*v.W + x)
				if v.Pix[i+2] != 77 {
					t.Fatalf("%+v: blue %d at %d, %d", f.ToPhoto, v.Pix[i+2], x, y)
				}
				dr += float64(v.Pix[i]) - (8.5 + slope*px)
				dg += float64(v.Pix[i+1]) - (8.5 + slope*py)
				n++
			}
		}
		if n < 100 {
			t.Fatalf("%+v: only %v places compared", f.ToPhoto, n)
		}
		// 0.1 of a value is 0.18 px of the photo.
		if math.Abs(dr/n) > 0.1 || math.Abs(dg/n) > 0.1 {
			t.Errorf("%+v: ramps are off by %.3f and %.3f values on average", f.ToPhoto, dr/n, dg/n)
		}
	}
	if _, err := (Frame{W: 0, H: 5, ToPhoto: similarity(1, 0, 0, 0)}).View(p); err == nil {
		t.Error("an empty frame is no error")
	}
}
