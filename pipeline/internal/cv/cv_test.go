package cv

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
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

func TestDecode(t *testing.T) {
	// 8 x 8 blocks of one colour survive JPEG nearly unchanged.
	src := image.NewRGBA(image.Rect(0, 0, 48, 32))
	colours := []color.RGBA{{200, 30, 40, 255}, {30, 180, 60, 255}, {40, 50, 210, 255}}
	for y := range 32 {
		for x := range 48 {
			src.SetRGBA(x, y, colours[x/16])
		}
	}
	var jpg, pn bytes.Buffer
	if err := jpeg.Encode(&jpg, src, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&pn, src); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"jpeg": jpg.Bytes(), "png": pn.Bytes()} {
		got, err := Decode(data)
		if err != nil {
			t.Fatal(name, err)
		}
		if got.W != 48 || got.H != 32 {
			t.Fatalf("%s: %dx%d, want 48x32", name, got.W, got.H)
		}
		for x := 8; x < 48; x += 16 {
			c := colours[x/16]
			for k, want := range []uint8{c.R, c.G, c.B} {
				if v := got.Pix[3*(16*48+x)+k]; math.Abs(float64(v)-float64(want)) > 3 {
					t.Errorf("%s: channel %d at x=%d is %d, want %d", name, k, x, v, want)
				}
			}
		}
	}
	// A cut JPEG gives what is there or an error, never the end of the process.
	for n := range jpg.Len() {
		if got, err := Decode(jpg.Bytes()[:n]); err == nil && (got.W != 48 || got.H != 32 || len(got.Pix) != 48*32*3) {
			t.Errorf("cut at %d: %dx%d with %d values and no error", n, got.W, got.H, len(got.Pix))
		}
	}
	// Garbage behind a good head, too.
	broken := bytes.Clone(jpg.Bytes())
	for i := len(broken) / 2; i < len(broken); i++ {
		broken[i] ^= 0x55
	}
	if got, err := Decode(broken); err == nil && len(got.Pix) != 48*32*3 {
		t.Errorf("broken: %d values", len(got.Pix))
	}
}

func TestEncodeJPEG(t *testing.T) {
	p := NewRGB(32, 16)
	for i := range 32 * 16 {
		p.Pix[3*i], p.Pix[3*i+1], p.Pix[3*i+2] = 210, 140, 60
	}
	data, err := EncodeJPEG(p, 95)
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(data)) // another decoder
	if err != nil {
		t.Fatal(err)
	}
	if img.Bounds() != image.Rect(0, 0, 32, 16) {
		t.Errorf("bounds %v", img.Bounds())
	}
	r, g, b, _ := img.At(10, 8).RGBA()
	for k, v := range []uint32{r >> 8, g >> 8, b >> 8} {
		if want := float64(p.Pix[k]); math.Abs(float64(v)-want) > 3 {
			t.Errorf("channel %d is %d, want %v", k, v, want)
		}
	}
}

// TestToGray uses the weights of Rec. 601: 0.299, 0.587, 0.114.
func TestToGray(t *testing.T) {
	g, err := ToGray(RGB{4, 1, []uint8{255, 0, 0, 0, 255, 0, 0, 0, 255, 100, 150, 200}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{76.2, 149.7, 29.1, 140.8} {
		if math.Abs(float64(g.Pix[i])-want) > 1 {
			t.Errorf("gray %d is %d, want %v", i, g.Pix[i], want)
		}
	}
}

func TestResize(t *testing.T) {
	// Shrinking averages: each 2 x 2 block becomes its mean.
	p := Plane{4, 2, []float32{0, 2, 10, 10, 4, 6, 20, 20}}
	out, err := ResizePlane(p, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if out.W != 2 || out.H != 1 || out.Pix[0] != 3 || out.Pix[1] != 15 {
		t.Errorf("shrunk to %+v, want 3 15", out)
	}
	g, err := ResizeGray(Gray{4, 2, []uint8{0, 2, 10, 10, 4, 6, 20, 20}}, 2, 1)
	if err != nil || g.Pix[0] != 3 || g.Pix[1] != 15 {
		t.Errorf("gray shrunk to %+v, %v", g, err)
	}
	// Growing a ramp keeps it a ramp: pixel centres are at (x+0.5)/2-0.5.
	ramp := Plane{8, 1, []float32{0, 1, 2, 3, 4, 5, 6, 7}}
	out, err = ResizePlane(ramp, 16, 1)
	if err != nil {
		t.Fatal(err)
	}
	for x := 1; x < 15; x++ {
		if want := (float64(x)+0.5)/2 - 0.5; math.Abs(float64(out.Pix[x])-want) > 1e-5 {
			t.Errorf("ramp at %d is %v, want %v", x, out.Pix[x], want)
		}
	}
}

// TestGaussian compares an impulse with the normal density.
func TestGaussian(t *testing.T) {
	for _, sigma := range []float64{0.8, 2, 5} {
		p := NewPlane(101, 81)
		p.Pix[40*101+50] = 1
		out, err := Gaussian(p, sigma)
		if err != nil {
			t.Fatal(err)
		}
		sum, vx, vy := 0.0, 0.0, 0.0
		for i, v := range out.Pix {
			x, y := float64(i%101-50), float64(i/101-40)
			sum += float64(v)
			vx += x * x * float64(v)
			vy += y * y * float64(v)
		}
		if math.Abs(sum-1) > 1e-4 {
			t.Errorf("sigma %v: sum %v, want 1", sigma, sum)
		}
		if math.Abs(vx-sigma*sigma) > 0.03*sigma*sigma || math.Abs(vy-sigma*sigma) > 0.03*sigma*sigma {
			t.Errorf("sigma %v: variance %v, %v, want %v", sigma, vx, vy, sigma*sigma)
		}
		r := float64(out.Pix[40*101+50+2]) / float64(out.Pix[40*101+50])
		if want := math.Exp(-2 / (sigma * sigma)); math.Abs(r-want) > 0.01 {
			t.Errorf("sigma %v: value at 2 px is %v of the peak, want %v", sigma, r, want)
		}
	}
}

func TestMaskedGaussian(t *testing.T) {
	// A constant under the mask stays constant, whatever lies outside.
	p, m := NewPlane(60, 40), NewGray(60, 40)
	for i := range p.Pix {
		p.Pix[i] = 1000
		if i%60 < 20 {
			p.Pix[i], m.Pix[i] = 3, 1 // any value but 0 is inside
		}
	}
	out, err := MaskedGaussian(p, m, 4)
	if err != nil {
		t.Fatal(err)
	}
	for y := range 40 {
		for x := range 20 {
			if v := out.Pix[y*60+x]; math.Abs(float64(v)-3) > 1e-3 {
				t.Fatalf("at %d, %d: %v, want 3", x, y, v)
			}
		}
		if v := out.Pix[y*60+59]; v != 0 {
			t.Errorf("far from the mask: %v, want 0", v)
		}
	}
	if p.Pix[0] != 3 || m.Pix[0] != 1 {
		t.Error("the arguments were changed")
	}
}

func TestMorph(t *testing.T) {
	area := func(g Gray) (n int) {
		for _, v := range g.Pix {
			if v != 0 {
				n++
			}
		}
		return n
	}
	point := NewGray(41, 41)
	point.Pix[20*41+20] = 255
	disc, err := Morph(point, Dilate, 10)
	if err != nil {
		t.Fatal(err)
	}
	if n := area(disc); math.Abs(float64(n)-math.Pi*10.5*10.5) > 0.08*math.Pi*10.5*10.5 {
		t.Errorf("a point dilated by 10 has %d pixels, want about %.0f", n, math.Pi*10.5*10.5)
	}
	if back, err := Morph(disc, Erode, 10); err != nil || area(back) != 1 || back.Pix[20*41+20] != 255 {
		t.Errorf("eroded back: %d pixels, %v", area(back), err)
	}
	if gone, err := Morph(point, Open, 1); err != nil || area(gone) != 0 {
		t.Errorf("opening keeps a point: %d, %v", area(gone), err)
	}
	hole := NewGray(41, 41)
	for i := range hole.Pix {
		hole.Pix[i] = 255
	}
	hole.Pix[20*41+20] = 0
	if full, err := Morph(hole, Close, 2); err != nil || area(full) != 41*41 {
		t.Errorf("closing leaves a hole: %d, %v", area(full), err)
	}
}

func TestComponents(t *testing.T) {
	//  # . . # #
	//  . # . # .
	//  . . . . .
	//  # # # . #
	g := Gray{5, 4, []uint8{1, 0, 0, 9, 9, 0, 255, 0, 9, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 1}}
	labels, regions, err := Components(g)
	if err != nil {
		t.Fatal(err)
	}
	want := []Component{ // corners touch: 8-neighbours
		{X: 0, Y: 0, W: 2, H: 2, Area: 2, CX: 0.5, CY: 0.5},
		{X: 3, Y: 0, W: 2, H: 2, Area: 3, CX: 10.0 / 3, CY: 1.0 / 3},
		{X: 0, Y: 3, W: 3, H: 1, Area: 3, CX: 1, CY: 3},
		{X: 4, Y: 3, W: 1, H: 1, Area: 1, CX: 4, CY: 3},
	}
	if len(regions) != len(want) {
		t.Fatalf("%d regions, want %d: %+v", len(regions), len(want), regions)
	}
	for _, w := range want {
		l := int(labels[w.Y*5+w.X])
		if l < 1 || l > len(regions) {
			t.Fatalf("label %d at %d, %d", l, w.X, w.Y)
		}
		got := regions[l-1]
		w.Label = l
		if math.Abs(got.CX-w.CX) > 1e-9 || math.Abs(got.CY-w.CY) > 1e-9 {
			t.Errorf("centre %v, %v, want %v, %v", got.CX, got.CY, w.CX, w.CY)
		}
		got.CX, got.CY = w.CX, w.CY
		if got != w {
			t.Errorf("region %+v, want %+v", got, w)
		}
	}
	for i, v := range g.Pix {
		if (v == 0) != (labels[i] == 0) {
			t.Errorf("pixel %d: mask %d, label %d", i, v, labels[i])
		}
	}
	if _, none, err := Components(NewGray(3, 3)); err != nil || len(none) != 0 {
		t.Errorf("an empty mask has %v, %v", none, err)
	}
}

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

// TestOrient writes out the eight cases of EXIF 2.32 (tag 274): which side of the
// stored picture the top row and the left column of the scene are on.
func TestOrient(t *testing.T) {
	// Stored, 3 wide and 2 high:  1 2 3
	//                             4 5 6
	stored := NewRGB(3, 2)
	for i := range 6 {
		stored.Pix[3*i], stored.Pix[3*i+1], stored.Pix[3*i+2] = uint8(i+1), uint8(10*(i+1)), 7
	}
	for exif, want := range map[int][][]uint8{
		1: {{1, 2, 3}, {4, 5, 6}},
		2: {{3, 2, 1}, {6, 5, 4}},   // mirrored
		3: {{6, 5, 4}, {3, 2, 1}},   // upside down
		4: {{4, 5, 6}, {1, 2, 3}},   // mirrored upside down
		5: {{1, 4}, {2, 5}, {3, 6}}, // transposed
		6: {{4, 1}, {5, 2}, {6, 3}}, // turn right
		7: {{6, 3}, {5, 2}, {4, 1}}, // transposed about the other diagonal
		8: {{3, 6}, {2, 5}, {1, 4}}, // turn left
	} {
		got, err := Orient(stored, exif)
		if err != nil {
			t.Fatal(exif, err)
		}
		if got.W != len(want[0]) || got.H != len(want) {
			t.Errorf("%d: %dx%d", exif, got.W, got.H)
			continue
		}
		for y, row := range want {
			for x, v := range row {
				if p := got.Pix[3*(y*got.W+x):]; p[0] != v || p[1] != 10*v || p[2] != 7 {
					t.Errorf("orientation %d at %d, %d: %v, want %d", exif, x, y, p[:3], v)
				}
			}
		}
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

func TestFaceNet(t *testing.T) {
	var n *FaceNet
	n.Close() // closing nil does nothing
	for _, o := range []FaceBox{{X: 0, Y: 0, W: 10, H: 10}} {
		if !overlapsAny([]FaceBox{o}, FaceBox{X: 2, Y: 0, W: 10, H: 10}) {
			t.Error("boxes that share two thirds do not overlap")
		}
		if overlapsAny([]FaceBox{o}, FaceBox{X: 6, Y: 0, W: 10, H: 10}) { // 40 of 160
			t.Error("boxes that share a quarter overlap")
		}
		if overlapsAny([]FaceBox{o}, FaceBox{X: 20, Y: 20, W: 10, H: 10}) {
			t.Error("boxes far apart overlap")
		}
	}
}

func TestVersion(t *testing.T) {
	if !strings.HasPrefix(Version(), "4.") {
		t.Errorf("OpenCV %q", Version())
	}
}

// TestCheckONNX: the fields of a protobuf message must fill the file exactly; noise
// that begins like a model does not reach OpenCV, which would end the process.
func TestCheckONNX(t *testing.T) {
	field := func(key byte, content string) string { return string([]byte{key, byte(len(content))}) + content }
	model := "\x08\x08" + field(0x12, "pytorch") + field(0x3a, "graph")
	for name, c := range map[string]struct {
		data string
		ok   bool
	}{
		"a model":        {model, true},
		"cut off":        {model[:len(model)-1], false},
		"without graph":  {"\x08\x08" + field(0x12, "pytorch"), false},
		"nothing":        {"", false},
		"noise":          {"\x08" + string(bytes.Repeat([]byte{0xf7, 3, 0x91}, 1000)), false},
		"length too big": {"\x08\x08\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", false},
	} {
		if err := CheckONNX([]byte(c.data)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
