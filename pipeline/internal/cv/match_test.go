package cv

import (
	"math"
	"testing"
)

func TestAffineAt(t *testing.T) {
	x, y := Affine{1, 2, 3, 4, 5, 6}.At(10, 100)
	if x != 213 || y != 546 {
		t.Errorf("%v, %v; want 213, 546", x, y)
	}
}

// TestWarp moves a picture by whole pixels, which must not change a value.
func TestWarp(t *testing.T) {
	g := grayOf(texture(40, 30, 2))
	c := NewRGB(40, 30)
	for i, v := range g.Pix {
		c.Pix[3*i], c.Pix[3*i+1], c.Pix[3*i+2] = v, 255-v, v/2
	}
	m := Affine{A: 1, E: 1, C: 5, F: -3} // destination (x, y) shows source (x+5, y-3)
	wc, err := WarpRGB(c, m, 50, 20)
	if err != nil {
		t.Fatal(err)
	}
	for y := range 20 {
		for x := range 50 {
			sx, sy := x+5, y-3
			var want [3]uint8
			if sx < 40 && sy >= 0 {
				want = [3]uint8(c.Pix[3*(sy*40+sx):])
			}
			if got := [3]uint8(wc.Pix[3*(y*50+x):]); got != want {
				t.Fatalf("at %d, %d: %v, want %v", x, y, got, want)
			}
		}
	}
}

func TestRemap(t *testing.T) {
	ramp := NewPlane(20, 20)
	for i := range ramp.Pix {
		ramp.Pix[i] = float32(i%20) + 100*float32(i/20)
	}
	mx, my := NewPlane(2, 2), NewPlane(2, 2)
	copy(mx.Pix, []float32{3.5, 0, -5, 30})
	copy(my.Pix, []float32{2.25, 7, 4, 19})
	out, err := RemapPlane(ramp, mx, my)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{228.5, 700, 400, 1919} { // the last two: the border repeated
		if math.Abs(float64(out.Pix[i])-want) > 0.5 { // OpenCV interpolates in steps of 1/32
			t.Errorf("%d: %v, want %v", i, out.Pix[i], want)
		}
	}
	mask := NewGray(20, 20)
	for i := range mask.Pix {
		if i%20 >= 4 {
			mask.Pix[i] = 200
		}
	}
	near, err := RemapGray(mask, mx, my, true)
	if err != nil {
		t.Fatal(err)
	}
	if near.Pix[1] != 0 || near.Pix[2] != 0 || near.Pix[3] != 0 || near.Pix[0] != 0 && near.Pix[0] != 200 {
		t.Errorf("nearest: %v", near.Pix)
	}
	lin, err := RemapGray(mask, mx, my, false)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(float64(lin.Pix[0])-100) > 4 {
		t.Errorf("linear between 0 and 200: %d", lin.Pix[0])
	}
}

func TestMatch(t *testing.T) {
	img := texture(120, 90, 3)
	patch := NewPlane(20, 17)
	for i := range patch.Pix { // light changes gain and offset, not the correlation
		patch.Pix[i] = 0.4*img.Pix[(i/20+33)*img.W+i%20+70] + 0.3
	}
	r, err := Match(img, patch)
	if err != nil {
		t.Fatal(err)
	}
	if r.W != 101 || r.H != 74 {
		t.Fatalf("%dx%d, want 101x74", r.W, r.H)
	}
	best := 0
	for i, v := range r.Pix {
		if v > r.Pix[best] {
			best = i
		}
	}
	if best%r.W != 70 || best/r.W != 33 || r.Pix[best] < 0.999 {
		t.Errorf("found at %d, %d with %v; want 70, 33 with 1", best%r.W, best/r.W, r.Pix[best])
	}
}

// TestFlow recovers known shifts away from the border.
func TestFlow(t *testing.T) {
	a := texture(200, 160, 4)
	for _, s := range [][2]float32{{0, 0}, {3, -2}, {6.5, 4.25}, {-0.4, 0.7}} {
		b := shifted(t, a, s[0], s[1])
		dx, dy, err := Flow(grayOf(a), grayOf(b), FlowOptions{FinestScale: 0, PatchSize: 8, PatchStride: 3, Iterations: 24, Variational: 5})
		if err != nil {
			t.Fatal(err)
		}
		var sum float64
		n := 0
		for y := 20; y < 140; y++ {
			for x := 20; x < 180; x++ {
				sum += math.Hypot(float64(dx.Pix[y*200+x]-s[0]), float64(dy.Pix[y*200+x]-s[1]))
				n++
			}
		}
		if e := sum / float64(n); e > 0.1 {
			t.Errorf("shift %v: mean error %.3f px, want at most 0.1", s, e)
		}
	}
}

// TestSIFT asks that features are found, move with the picture, and keep to the
// mask.
func TestSIFT(t *testing.T) {
	a := texture(160, 120, 5)
	b := shifted(t, a, 7, 5)
	all, half := NewGray(160, 120), NewGray(160, 120)
	for i := range all.Pix {
		all.Pix[i] = 255
		if i%160 < 80 {
			half.Pix[i] = 255
		}
	}
	fa, err := SIFT(grayOf(a), all)
	if err != nil {
		t.Fatal(err)
	}
	fb, err := SIFT(grayOf(b), all)
	if err != nil {
		t.Fatal(err)
	}
	if len(fa) < 20 {
		t.Fatalf("%d features", len(fa))
	}
	again := 0
	for _, p := range fa {
		if len(p.Descriptor) != 128 {
			t.Fatalf("feature %+v", p)
		}
		best, at := math.Inf(1), -1
		for j, q := range fb {
			d := 0.0
			for k, v := range p.Descriptor {
				e := float64(v - q.Descriptor[k])
				d += e * e
			}
			if d < best {
				best, at = d, j
			}
		}
		if at >= 0 && math.Hypot(fb[at].X-p.X-7, fb[at].Y-p.Y-5) < 1 {
			again++
		}
	}
	if again < len(fa)*7/10 {
		t.Errorf("%d of %d features are found again at the shift", again, len(fa))
	}
	fh, err := SIFT(grayOf(a), half)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range fh {
		if p.X > 80.5 {
			t.Errorf("a feature at x = %v outside the mask", p.X)
		}
	}
	if len(fh) == 0 || len(fh) >= len(fa) {
		t.Errorf("%d features in half of a picture with %d", len(fh), len(fa))
	}
	if none, err := SIFT(NewGray(40, 40), NewGray(40, 40)); err != nil || len(none) != 0 {
		t.Errorf("a black picture has %d features, %v", len(none), err)
	}
}
