package cv

import (
	"math"
	"testing"
)

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
