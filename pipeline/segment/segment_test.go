package segment

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// search freezes on base and finds in p.
func search(t *testing.T, base, p *metrics.Patch) Found {
	t.Helper()
	th, err := On(base).Freeze()
	if err != nil {
		t.Fatal(err)
	}
	f, err := On(p).Find(th)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// porous is skin with pores and stubble, and where the pores are.
func porous(scale, psf float64) (*skin, []place) {
	s := newSkin(18, 18, scale, 5)
	s.psf = psf
	pores := s.scatter(90, 0.9, 1, nil)
	for i := range pores {
		pores[i].d = 0.22 + 0.33*s.rng.Float64()
		s.pore(pores[i].x, pores[i].y, pores[i].d, 0.05+0.2*pores[i].d)
	}
	for _, h := range s.scatter(35, 1.2, 2, pores) {
		s.stroke(h.x, h.y, 0.5+s.rng.Float64(), 6*s.rng.Float64(), 0.04, 0.3)
	}
	return s, pores
}

func TestPores(t *testing.T) {
	for _, c := range []struct{ scale, psf, recall float64 }{
		{14.6, 0.6, 0.88}, {14.6, 1.0, 0.75}, {22, 0.6, 0.88},
	} {
		s, pores := porous(c.scale, c.psf)
		p := s.patch()
		found := of(search(t, p, p).Objects, metrics.Pore)
		precision, _, pairs := score(found, pores, c.scale, 0.25)
		large := slices.DeleteFunc(slices.Clone(pores), func(p place) bool { return p.d < 0.25 })
		_, recall, _ := score(found, large, c.scale, 0.25)
		if precision < 0.93 || recall < c.recall {
			t.Errorf("%v px/mm, blur %v: precision %.2f, recall %.2f; want 0.93, %.2f", c.scale, c.psf, precision, recall, c.recall)
		}
		// The blur of the photo must not pass for size, at either end.
		var small, wide []float64
		for _, k := range pairs {
			ratio := found[k[0]].Diameter / c.scale / pores[k[1]].d
			if pores[k[1]].d < 0.35 {
				small = append(small, ratio)
			} else {
				wide = append(wide, ratio)
			}
		}
		if a, b := middle(small), middle(wide); math.Abs(a-1) > 0.1 || math.Abs(b-1) > 0.1 {
			t.Errorf("%v px/mm, blur %v: median diameter %.2f and %.2f of the truth", c.scale, c.psf, a, b)
		}
	}
}

// Pores that shrink and pale between visits must be found smaller, paler and
// fewer, as the thresholds stay where the baseline put them.
func TestFrozenThresholdsShowTheChange(t *testing.T) {
	before, _ := porous(14.6, 0.6)
	after, _ := porous(14.6, 0.6)
	after.scaled(0.3)
	base := before.patch()
	a := of(search(t, base, base).Objects, metrics.Pore)
	b := of(search(t, base, after.patch()).Objects, metrics.Pore)
	if len(a) < 60 || len(b) > len(a)/2 {
		t.Errorf("%d pores at baseline, %d at 0.3 of the contrast: want under half", len(a), len(b))
	}
}

// scarred is skin with pores and scars of three types, in turn.
func scarred(depth float64) (*skin, []place) {
	s := newSkin(34, 34, 9, 6)
	scars := s.scatter(12, 5, 4, nil)
	for i := range scars {
		q := &scars[i]
		switch i % 3 {
		case 0:
			q.d = 1 + 0.7*s.rng.Float64()
			s.scar(q.x, q.y, q.d, 0.3*depth, 0.4, 0.2*depth)
		case 1:
			q.d = 2.4 + 1.1*s.rng.Float64()
			s.scar(q.x, q.y, q.d, 0.18*depth, 0.5, 0)
		case 2:
			q.d = 4.6 + 1.2*s.rng.Float64()
			s.scar(q.x, q.y, q.d, 0.35*depth, q.d/2, 0)
		}
	}
	for _, q := range s.scatter(150, 0.9, 1, scars) {
		s.pore(q.x, q.y, 0.2+0.3*s.rng.Float64(), 0.08)
	}
	return s, scars
}

func TestScars(t *testing.T) {
	s, scars := scarred(1)
	p := s.patch()
	found := of(search(t, p, p).Objects, metrics.Scar)
	precision, recall, pairs := score(found, scars, s.scale, 1)
	if precision < 0.85 || recall < 0.75 {
		t.Errorf("precision %.2f, recall %.2f", precision, recall)
	}
	right := 0
	var area []float64
	for _, k := range pairs {
		o, q := found[k[0]], scars[k[1]]
		if o.Type == []string{"icepick", "boxcar", "rolling"}[k[1]%3] {
			right++
		}
		area = append(area, o.Area/(s.scale*s.scale)/(math.Pi/4*q.d*q.d/0.8)) // an ellipse of axes d and d/0.8
	}
	if 10*right < 7*len(pairs) {
		t.Errorf("type right in %d of %d", right, len(pairs))
	}
	if m := middle(area); m < 0.8 || m > 1.2 {
		t.Errorf("median area %.2f of the truth", m)
	}
}

// The contrast of a scar must follow its depth: 30 % less depth, 30 % less
// contrast within 6 points.
func TestScarContrastFollowsDepth(t *testing.T) {
	before, scars := scarred(1)
	after, _ := scarred(0.7)
	base := before.patch()
	a := of(search(t, base, base).Objects, metrics.Scar)
	b := of(search(t, base, after.patch()).Objects, metrics.Scar)
	_, _, pa := score(a, scars, before.scale, 1)
	_, _, pb := score(b, scars, before.scale, 1)
	var ratio []float64
	for _, k := range pa {
		for _, l := range pb {
			if k[1] == l[1] {
				ratio = append(ratio, b[l[0]].Contrast/a[k[0]].Contrast)
			}
		}
	}
	if len(ratio) < 6 {
		t.Fatalf("%d scars found in both", len(ratio))
	}
	if m := middle(ratio); math.Abs(m-0.7) > 0.06 {
		t.Errorf("contrast fell to %.2f, depth to 0.70", m)
	}
}

func TestBareSkinHoldsLittle(t *testing.T) {
	s := newSkin(20, 20, 14.6, 8)
	p := s.patch()
	f := search(t, p, p)
	if n := len(of(f.Objects, metrics.Pore)); n > 9 { // one per cm2
		t.Errorf("%d pores", n)
	}
	for _, k := range []metrics.Kind{metrics.Scar, metrics.RedSpot, metrics.BrownMark} {
		if n := len(of(f.Objects, k)); n != 0 {
			t.Errorf("%d of kind %s", n, k)
		}
	}
	if mm := f.Lines.LengthPx / s.scale; mm > 9 {
		t.Errorf("%.0f mm of lines", mm)
	}
}

func TestMarks(t *testing.T) {
	s := newSkin(32, 32, 10, 9)
	all := s.scatter(10, 5, 4, nil)
	var brown, reds []place
	for i, q := range all {
		q.d = 1.5 + 2*s.rng.Float64()
		if i%2 == 0 {
			s.mark(q.x, q.y, q.d, 0.06, melanin)
			brown = append(brown, q)
		} else {
			s.mark(q.x, q.y, q.d, 0.08, blood)
			reds = append(reds, q)
		}
	}
	p := s.patch()
	f := search(t, p, p)
	for _, c := range []struct {
		kind     metrics.Kind
		places   []place
		contrast float64 // OD over the surround
	}{{metrics.BrownMark, brown, 0.06}, {metrics.RedSpot, reds, 0.08 * 0.9}} {
		found := of(f.Objects, c.kind)
		precision, recall, pairs := score(found, c.places, s.scale, 0.5)
		if precision < 0.99 || recall < 0.8 {
			t.Errorf("%s: precision %.2f, recall %.2f", c.kind, precision, recall)
		}
		for _, k := range pairs {
			o, q := found[k[0]], c.places[k[1]]
			if d := o.Diameter / s.scale; math.Abs(d-q.d) > 0.25*q.d {
				t.Errorf("%s: diameter %.2f mm, want %.2f", c.kind, d, q.d)
			}
			if o.Contrast < 0.6*c.contrast || o.Contrast > 1.1*c.contrast {
				t.Errorf("%s: contrast %.3f OD, drawn %.3f", c.kind, o.Contrast, c.contrast)
			}
		}
	}
	if n := len(of(f.Objects, metrics.Pore)); n > 10 {
		t.Errorf("%d pores on marks", n)
	}
}

func TestLines(t *testing.T) {
	s := newSkin(30, 30, 9, 10)
	want := 0.0
	for i := range 5 {
		length := 6 + 2*float64(i)
		s.stroke(4, 4+5*float64(i), length, 0.2, 0.2, 0.12)
		want += length
	}
	for _, h := range s.scatter(80, 1.5, 2, nil) { // stubble is no line
		s.stroke(h.x, h.y, 0.8, 6*s.rng.Float64(), 0.04, 0.2)
	}
	p := s.patch()
	got := search(t, p, p).Lines.LengthPx / s.scale
	if math.Abs(got-want) > 0.2*want {
		t.Errorf("%.0f mm of lines, drawn %.0f", got, want)
	}
}

func TestRedAreaIsAbsolute(t *testing.T) {
	s := newSkin(30, 30, 8, 11)
	s.mark(15, 15, 12, 0.10, blood) // larger than any spot: an area
	p := s.patch()
	p.Ref = metrics.Reference{ErythemaIndex: 100 * (s.tone[green] - s.tone[red]), Source: "test"}
	p.Frozen = &metrics.Frozen{RedLevel: 5}
	part := func(f Found) float64 {
		n := 0
		for _, m := range f.RedMask.Pix {
			if m != 0 {
				n++
			}
		}
		return float64(n) / float64(len(f.RedMask.Pix))
	}
	// Light is 5 units uneven in the index at most: 0.4*(0.1+0.05)*100.
	with := part(search(t, p, p))
	if want := math.Pi * 36 / 900; with < want*0.6 || with > want*3 {
		t.Errorf("red part %.3f, drawn %.3f", with, want)
	}
	p.Ref.Source = ""
	if without := part(search(t, p, p)); without > with/3 {
		t.Errorf("red part %.3f without a reference", without)
	}
}

func TestMissing(t *testing.T) {
	s := newSkin(9, 9, 14.6, 12)
	p := s.patch()
	for _, c := range []struct {
		scale   float64
		missing map[metrics.Family]string
	}{
		{0, map[metrics.Family]string{metrics.Pores: "needs a scale", metrics.Scars: "needs a scale", metrics.Redness: "needs a scale", metrics.Pigment: "needs a scale", metrics.Lines: "needs a scale"}},
		{math.NaN(), map[metrics.Family]string{metrics.Pores: "needs a scale", metrics.Scars: "needs a scale", metrics.Redness: "needs a scale", metrics.Pigment: "needs a scale", metrics.Lines: "needs a scale"}},
		{3.4, map[metrics.Family]string{metrics.Pores: "needs 12 px/mm, the photo has 3.4", metrics.Lines: "needs 7 px/mm, the photo has 3.4"}},
		{14.6, map[metrics.Family]string{}},
	} {
		p.PxPerMM = c.scale
		f := search(t, p, p)
		if len(f.Missing) != len(c.missing) {
			t.Errorf("%v px/mm: missing %v", c.scale, f.Missing)
		}
		for family, why := range c.missing {
			if !strings.HasPrefix(f.Missing[family], why) {
				t.Errorf("%v px/mm: %s: %q, want %q", c.scale, family, f.Missing[family], why)
			}
		}
		if (f.Lines == nil) != (f.Missing[metrics.Lines] != "") {
			t.Errorf("%v px/mm: lines %v with missing %q", c.scale, f.Lines, f.Missing[metrics.Lines])
		}
	}
	// A baseline that could not be searched says so in every session.
	p.PxPerMM = 3.4
	th, err := On(p).Freeze()
	if err != nil {
		t.Fatal(err)
	}
	p.PxPerMM = 14.6
	f, err := On(p).Find(th)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Missing[metrics.Pores]; got != "baseline: needs 12 px/mm, the photo has 3.4" {
		t.Errorf("pores: %q", got)
	}
}

// Whatever the mask and the size, there is an answer and no panic.
func TestOddPatches(t *testing.T) {
	full := newSkin(9, 9, 14.6, 13).patch()
	th, err := On(full).Freeze()
	if err != nil {
		t.Fatal(err)
	}
	empty := newSkin(9, 9, 14.6, 13).patch()
	clear(empty.Skin.Pix)
	black := newSkin(9, 9, 14.6, 13).patch()
	for _, p := range []*metrics.Plane{&black.R, &black.G, &black.B} {
		clear(p.Pix)
	}
	strip := newSkin(9, 9, 14.6, 13).patch()
	for i := range strip.Skin.Pix {
		if i%strip.Skin.W != 60 {
			strip.Skin.Pix[i] = 0
		}
	}
	broken := newSkin(9, 9, 14.6, 13).patch()
	broken.G.Pix[5], broken.G.Pix[9] = float32(math.NaN()), float32(math.Inf(1))
	for name, p := range map[string]*metrics.Patch{
		"empty": empty, "black": black, "strip": strip, "not a number": broken,
		"one pixel": newSkin(0.08, 0.08, 14.6, 13).patch(), "sliver": newSkin(20, 0.15, 14.6, 13).patch(),
	} {
		f, err := On(p).Find(th)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, o := range f.Objects {
			if math.IsNaN(o.X + o.Y + o.Diameter + o.Area + o.Contrast) {
				t.Errorf("%s: %+v", name, o)
			}
		}
		if _, err := On(p).Freeze(); err != nil {
			t.Errorf("%s: freeze: %v", name, err)
		}
	}
	for name, p := range map[string]*metrics.Patch{
		"nil": nil, "nothing": {}, "planes differ": {R: full.R, G: full.G, B: metrics.Plane{W: 1, H: 1, Pix: []float32{1}}, Skin: full.Skin},
		"mask differs": {R: full.R, G: full.G, B: full.B},
	} {
		if _, err := On(p).Find(th); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := On(p).Freeze(); err == nil {
			t.Errorf("%s: freeze: no error", name)
		}
	}
	if _, err := On(full).Find(Thresholds{Pores: []float64{1}}); err == nil {
		t.Error("no error for thresholds of another version")
	}
	if th, err := On(empty).Freeze(); err != nil || !strings.Contains(th.Missing[metrics.Pores], "of skin") {
		t.Errorf("empty: %v, missing %v", err, th.Missing)
	}
}

func TestSameInputSameOutput(t *testing.T) {
	s, _ := porous(12, 0.6)
	p := s.patch()
	if a, b := search(t, p, p), search(t, p, p); !reflect.DeepEqual(a, b) {
		t.Error("two runs differ")
	}
}

func TestThresholdsKeepInJSON(t *testing.T) {
	p := newSkin(12, 12, 14.6, 14).patch()
	a, err := On(p).Freeze()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var b Thresholds
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%+v came back as %+v", a, b)
	}
}

// The same skin in a sharper and in a softer photo, at another distance: once the
// sharper one is blurred to match, as the caller does, both show the same pores.
func TestMatchedBlurAndScale(t *testing.T) {
	sharp, _ := porous(14.6, 0.6)
	soft, _ := porous(16, 1.2)
	later := soft.patch()
	// The blur of the softer photo, in pixels of the sharper.
	target := 1.2 * 14.6 / 16
	base := sharp.patch()
	for _, p := range []*metrics.Plane{&base.R, &base.G, &base.B} {
		q, err := cv.Gaussian(cv.Plane(*p), math.Sqrt(target*target-0.6*0.6))
		if err != nil {
			t.Fatal(err)
		}
		*p = metrics.Plane(q)
	}
	base.BlurPx = target
	area := func(f Found, scale float64) (n, mm2 float64) {
		for _, o := range of(f.Objects, metrics.Pore) {
			n, mm2 = n+1, mm2+o.Area/(scale*scale)
		}
		return n, mm2
	}
	n1, a1 := area(search(t, base, base), 14.6)
	n2, a2 := area(search(t, base, later), 16)
	if math.Abs(n2/n1-1) > 0.08 || math.Abs(a2/a1-1) > 0.08 {
		t.Errorf("count %v to %v, area %.2f to %.2f mm2 of the same skin", n1, n2, a1, a2)
	}
}

// On the rendered head, where pores, scars and moles are known to be: many pores
// and scars on the cheek, none of the scars on the forehead and the nose, in spite
// of a mole and the form of the nose.
func TestRenderedHead(t *testing.T) {
	shared := os.Getenv("DERMATREND_SHARED")
	if shared == "" {
		shared = "../../../shared"
	}
	data, err := os.ReadFile(filepath.Join(shared, "photos/rendered/R1/2026-01-10-front.jpg"))
	if err != nil {
		t.Skip("no photos: ", err)
	}
	photo, err := cv.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name                         string
		x, y, w, h                   int
		minPores, maxPores, min, max int // pores per cm2, scars
	}{
		{"cheek", 1820, 2050, 400, 600, 35, 80, 6, 12},
		{"forehead", 1000, 900, 600, 500, 0, 5, 0, 0},
		{"nose", 1380, 1900, 260, 400, 50, 110, 0, 0},
	} {
		p := &metrics.Patch{PxPerMM: 14.6, BlurPx: 0.6, NoiseOD: 0.004, Skin: metrics.Mask{W: c.w, H: c.h, Pix: make([]uint8, c.w*c.h)}}
		for ch, plane := range []*metrics.Plane{&p.R, &p.G, &p.B} {
			*plane = metrics.Plane(cv.NewPlane(c.w, c.h))
			for i := range plane.Pix {
				v := float64(photo.Pix[3*((c.y+i/c.w)*photo.W+c.x+i%c.w)+ch]) / 255
				plane.Pix[i] = float32(math.Pow((v+0.055)/1.055, 2.4))
				p.Skin.Pix[i] = 255
			}
		}
		f := search(t, p, p)
		perCM2 := len(of(f.Objects, metrics.Pore)) * 100 * 213 / (c.w * c.h)
		scars := len(of(f.Objects, metrics.Scar))
		if perCM2 < c.minPores || perCM2 > c.maxPores || scars < c.min || scars > c.max {
			t.Errorf("%s: %d pores per cm2, want %d to %d; %d scars, want %d to %d", c.name, perCM2, c.minPores, c.maxPores, scars, c.min, c.max)
		}
	}
}

// middle sorts v and returns its upper median.
func middle(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
