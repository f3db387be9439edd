package cv

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// texture is a smooth random picture with values about 0 to 1: noise of several
// widths, so that every small window is unlike every other.
func texture(w, h int, seed uint64) Plane {
	r := rand.New(rand.NewPCG(seed, 1))
	sum := NewPlane(w, h)
	for _, sigma := range []float64{1.5, 4, 10} {
		n := NewPlane(w, h)
		for i := range n.Pix {
			n.Pix[i] = float32(r.NormFloat64() * sigma)
		}
		n, err := Gaussian(n, sigma)
		if err != nil {
			panic(err)
		}
		for i, v := range n.Pix {
			sum.Pix[i] += v
		}
	}
	for i, v := range sum.Pix {
		sum.Pix[i] = float32(0.5 + 0.3*math.Tanh(float64(v)*1.5))
	}
	return sum
}

func grayOf(p Plane) Gray {
	g := NewGray(p.W, p.H)
	for i, v := range p.Pix {
		g.Pix[i] = uint8(math.Round(255 * float64(v)))
	}
	return g
}

// shifted is p moved so that its point (x, y) is at (x+dx, y+dy).
func shifted(t *testing.T, p Plane, dx, dy float32) Plane {
	t.Helper()
	mx, my := NewPlane(p.W, p.H), NewPlane(p.W, p.H)
	for y := range p.H {
		for x := range p.W {
			mx.Pix[y*p.W+x], my.Pix[y*p.W+x] = float32(x)-dx, float32(y)-dy
		}
	}
	out, err := RemapPlane(p, mx, my)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRefused calls every function with arguments that would end the process
// inside OpenCV, were they not refused before.
func TestRefused(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	plane, gray, rgb := NewPlane(80, 80), NewGray(80, 80), NewRGB(80, 80)
	small := NewPlane(4, 4)
	// Pictures whose size and pixels disagree, or that are empty.
	planes := map[string]Plane{"zero": {}, "negative": {W: -1, H: 4}, "no pixels": {W: 4, H: 4}, "short": {W: 4, H: 4, Pix: make([]float32, 15)}, "long": {W: 4, H: 4, Pix: make([]float32, 17)}, "flat": {W: 4}}
	grays := map[string]Gray{"zero": {}, "negative": {W: 4, H: -1}, "no pixels": {W: 4, H: 4}, "short": {W: 4, H: 4, Pix: make([]uint8, 15)}}
	rgbs := map[string]RGB{"zero": {}, "no pixels": {W: 4, H: 4}, "one channel": {W: 4, H: 4, Pix: make([]uint8, 16)}}
	flow := FlowOptions{FinestScale: 1, PatchSize: 8, PatchStride: 4, Iterations: 4}
	flowWith := func(f func(*FlowOptions)) FlowOptions { o := flow; f(&o); return o }
	wide := Plane{W: 33000, H: 1, Pix: make([]float32, 33000)}

	cases := map[string]func() error{
		"decode nothing":             func() error { _, err := Decode(nil); return err },
		"decode text":                func() error { _, err := Decode([]byte("not a picture, whatever")); return err },
		"encode quality 0":           func() error { _, err := EncodeJPEG(rgb, 0); return err },
		"encode quality 101":         func() error { _, err := EncodeJPEG(rgb, 101); return err },
		"resize gray to 0":           func() error { _, err := ResizeGray(gray, 0, 5); return err },
		"resize rgb to -1":           func() error { _, err := ResizeRGB(rgb, 5, -1); return err },
		"resize plane to 0":          func() error { _, err := ResizePlane(plane, 0, 0); return err },
		"gaussian sigma 0":           func() error { _, err := Gaussian(plane, 0); return err },
		"gaussian sigma -1":          func() error { _, err := Gaussian(plane, -1); return err },
		"gaussian sigma NaN":         func() error { _, err := Gaussian(plane, nan); return err },
		"gaussian sigma inf":         func() error { _, err := Gaussian(plane, inf); return err },
		"masked gaussian other size": func() error { _, err := MaskedGaussian(plane, NewGray(80, 79), 1); return err },
		"masked gaussian short mask": func() error { _, err := MaskedGaussian(small, Gray{W: 4, H: 4, Pix: make([]uint8, 20)}, 1); return err },
		"masked gaussian short plane": func() error {
			_, err := MaskedGaussian(Plane{W: 80, H: 80}, Gray{W: 80, H: 80, Pix: bytes.Repeat([]byte{1}, 6400)}, 1)
			return err
		},
		"masked gaussian negative": func() error { _, err := MaskedGaussian(Plane{W: -1, H: 1}, Gray{W: -1, H: 1}, 1); return err },
		"masked gaussian sigma 0":  func() error { _, err := MaskedGaussian(plane, gray, 0); return err },
		"morph radius 0":           func() error { _, err := Morph(gray, Erode, 0); return err },
		"morph radius -3":          func() error { _, err := Morph(gray, Dilate, -3); return err },
		"morph radius 501":         func() error { _, err := Morph(gray, Dilate, 501); return err },
		"morph unknown":            func() error { _, err := Morph(gray, Morphology(9), 1); return err },
		"warp NaN":                 func() error { _, err := WarpRGB(rgb, Affine{A: nan, E: 1}, 5, 5); return err },
		"warp infinite":            func() error { _, err := WarpRGB(rgb, Affine{A: 1, E: 1, F: inf}, 5, 5); return err },
		"warp to 0":                func() error { _, err := WarpRGB(rgb, Affine{A: 1, E: 1}, 0, 5); return err },
		"warp to -2":               func() error { _, err := WarpRGB(rgb, Affine{A: 1, E: 1}, 5, -2); return err },
		"remap maps differ":        func() error { _, err := RemapPlane(plane, NewPlane(3, 3), NewPlane(3, 4)); return err },
		"remap empty map":          func() error { _, err := RemapPlane(plane, Plane{}, Plane{}); return err },
		"remap negative map":       func() error { _, err := RemapPlane(plane, Plane{W: -1, H: 2}, Plane{W: -1, H: 2}); return err },
		"remap gray negative map":  func() error { _, err := RemapGray(gray, Plane{W: -1, H: 2}, Plane{W: -1, H: 2}, true); return err },
		"remap short map": func() error {
			_, err := RemapGray(gray, small, Plane{W: 4, H: 4, Pix: make([]float32, 3)}, true)
			return err
		},
		"remap gray maps differ": func() error { _, err := RemapGray(gray, small, plane, true); return err },
		"remap too wide":         func() error { _, err := RemapPlane(wide, small, small); return err },
		"remap to too wide":      func() error { _, err := RemapGray(gray, wide, wide, false); return err },
		"orient 0":               func() error { _, err := Orient(rgb, 0); return err },
		"orient 9":               func() error { _, err := Orient(rgb, 9); return err },
		"sift sizes differ":      func() error { _, err := SIFT(gray, NewGray(80, 81)); return err },
		"sift tiny":              func() error { _, err := SIFT(NewGray(8, 8), NewGray(8, 8)); return err },
		"flow sizes differ":      func() error { _, _, err := Flow(gray, NewGray(81, 80), flow); return err },
		"flow tiny":              func() error { _, _, err := Flow(NewGray(20, 80), NewGray(20, 80), flow); return err },
		"flow scale 9": func() error {
			_, _, err := Flow(gray, gray, flowWith(func(o *FlowOptions) { o.FinestScale = 9 }))
			return err
		},
		"flow patch 0": func() error {
			_, _, err := Flow(gray, gray, flowWith(func(o *FlowOptions) { o.PatchSize = 0 }))
			return err
		},
		"flow patch huge": func() error {
			_, _, err := Flow(gray, gray, flowWith(func(o *FlowOptions) { o.PatchSize = 200 }))
			return err
		},
		"flow stride 0": func() error {
			_, _, err := Flow(gray, gray, flowWith(func(o *FlowOptions) { o.PatchStride = 0 }))
			return err
		},
		"flow stride beyond patch": func() error {
			_, _, err := Flow(gray, gray, flowWith(func(o *FlowOptions) { o.PatchStride = 9 }))
			return err
		},
		"flow no iterations": func() error {
			_, _, err := Flow(gray, gray, flowWith(func(o *FlowOptions) { o.Iterations = 0 }))
			return err
		},
		"flow variational -1": func() error {
			_, _, err := Flow(gray, gray, flowWith(func(o *FlowOptions) { o.Variational = -1 }))
			return err
		},
		"match larger template": func() error { _, err := Match(small, plane); return err },
		"face model nothing":    func() error { _, err := NewFaceNet(nil); return err },
		"face model text":       func() error { _, err := NewFaceNet(bytes.Repeat([]byte("x"), 4096)); return err },
	}
	for name, p := range planes {
		cases["gaussian of "+name] = func() error { _, err := Gaussian(p, 1); return err }
		cases["resize plane of "+name] = func() error { _, err := ResizePlane(p, 3, 3); return err }
		cases["remap plane of "+name] = func() error { _, err := RemapPlane(p, small, small); return err }
		cases["match in "+name] = func() error { _, err := Match(p, NewPlane(1, 1)); return err }
		cases["match of "+name] = func() error { _, err := Match(plane, p); return err }
	}
	for name, g := range grays {
		cases["resize gray of "+name] = func() error { _, err := ResizeGray(g, 3, 3); return err }
		cases["morph of "+name] = func() error { _, err := Morph(g, Open, 1); return err }
		cases["components of "+name] = func() error { _, _, err := Components(g); return err }
		cases["remap gray of "+name] = func() error { _, err := RemapGray(g, small, small, false); return err }
		cases["sift of "+name] = func() error { _, err := SIFT(g, g); return err }
		cases["flow of "+name] = func() error { _, _, err := Flow(g, g, flow); return err }
	}
	for name, p := range rgbs {
		cases["encode "+name] = func() error { _, err := EncodeJPEG(p, 90); return err }
		cases["gray of "+name] = func() error { _, err := ToGray(p); return err }
		cases["resize rgb of "+name] = func() error { _, err := ResizeRGB(p, 3, 3); return err }
		cases["warp rgb of "+name] = func() error { _, err := WarpRGB(p, Affine{A: 1, E: 1}, 5, 5); return err }
		cases["orient of "+name] = func() error { _, err := Orient(p, 6); return err }
	}
	for name, call := range cases {
		t.Run(name, func(t *testing.T) {
			if err := call(); !errors.Is(err, ErrInput) {
				t.Errorf("error %v, want one wrapping ErrInput", err)
			}
		})
	}
}

// TestSmallest calls what accepts a picture of one pixel with one.
func TestSmallest(t *testing.T) {
	p, g, c := Plane{1, 1, []float32{0.5}}, Gray{1, 1, []uint8{255}}, RGB{1, 1, []uint8{1, 2, 3}}
	if out, err := Gaussian(p, 30); err != nil || out.Pix[0] != 0.5 {
		t.Errorf("gaussian: %v, %v", out.Pix, err)
	}
	if out, err := Morph(g, Close, 500); err != nil || out.Pix[0] != 255 {
		t.Errorf("close: %v, %v", out.Pix, err)
	}
	if out, err := ResizeRGB(c, 2, 2); err != nil || !bytes.Equal(out.Pix, bytes.Repeat([]byte{1, 2, 3}, 4)) {
		t.Errorf("resize: %v, %v", out.Pix, err)
	}
	if out, err := Orient(c, 7); err != nil || !bytes.Equal(out.Pix, c.Pix) {
		t.Errorf("orient: %v, %v", out.Pix, err)
	}
	if _, regions, err := Components(g); err != nil || len(regions) != 1 || regions[0].Area != 1 {
		t.Errorf("components: %v, %v", regions, err)
	}
}

func TestVersion(t *testing.T) {
	if !strings.HasPrefix(Version(), "4.") {
		t.Errorf("OpenCV %q", Version())
	}
}
