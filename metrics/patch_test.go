package metrics

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// newPatch is a patch of one colour, all skin, without a scale.
func newPatch(w, h int, r, g, b float32) *Patch {
	plane := func(v float32) Plane {
		p := Plane{w, h, make([]float32, w*h)}
		for i := range p.Pix {
			p.Pix[i] = v
		}
		return p
	}
	m := Mask{w, h, make([]uint8, w*h)}
	for i := range m.Pix {
		m.Pix[i] = 1
	}
	return &Patch{R: plane(r), G: plane(g), B: plane(b), Skin: m}
}

// addOD darkens a plane by an optical density per pixel.
func addOD(p Plane, od func(x, y int) float64) {
	for i := range p.Pix {
		p.Pix[i] *= float32(math.Pow(10, -od(i%p.W, i/p.W)))
	}
}

// skinPatch is synthetic skin of w*h px at a scale: uneven light, waves of
// several lengths, pixel noise, a red spot, a brown mark, hairs and glints out of
// the mask, and a list of objects. The same call gives the same patch.
func skinPatch(w, h int, pxPerMM float64) *Patch {
	p := newPatch(w, h, 0.60, 0.34, 0.24)
	rng := rand.New(rand.NewPCG(7, 11))
	wave := func(x, y int, mm, od float64) float64 {
		k := 2 * math.Pi / (mm * pxPerMM)
		return od * (math.Sin(k*float64(x)+0.4) + math.Sin(k*(0.6*float64(x)+0.8*float64(y))))
	}
	spot := func(x, y int, cx, cy, mm float64) float64 {
		dx, dy := float64(x)/pxPerMM-cx, float64(y)/pxPerMM-cy
		return math.Exp(-(dx*dx + dy*dy) / (2 * mm * mm))
	}
	wmm, hmm := float64(w)/pxPerMM, float64(h)/pxPerMM
	relief := make([]float64, w*h)
	for i := range relief {
		x, y := i%w, i/w
		relief[i] = wave(x, y, 0.5, 0.004) + wave(x, y, 1.2, 0.006) + wave(x, y, 3.4, 0.01) +
			0.1*float64(x)/float64(w) + 0.01*rng.NormFloat64()
	}
	at := func(x, y int) float64 { return relief[y*w+x] }
	brown := func(x, y int) float64 { return 0.06 * spot(x, y, 0.7*wmm, 0.3*hmm, 1) }
	addOD(p.R, func(x, y int) float64 { return at(x, y) + brown(x, y) })
	addOD(p.G, func(x, y int) float64 { return at(x, y) + 1.5*brown(x, y) + 0.1*spot(x, y, 0.3*wmm, 0.6*hmm, 1.5) })
	addOD(p.B, func(x, y int) float64 { return at(x, y) + 2.5*brown(x, y) })
	for range w * h / 4000 {
		p.Skin.Pix[rng.IntN(w*h)] = 0
	}
	p.PxPerMM, p.BlurPx, p.NoiseOD = pxPerMM, 0.5, 0.01
	p.Ref = Reference{ErythemaIndex: 23, MelaninIndex: 22, Source: "reference_skin"}
	p.Frozen = &Frozen{RedLevel: 4, BrownLevel: 0.02}
	for i := range 24 {
		d := (0.2 + 0.01*float64(i)) * pxPerMM
		p.Objects = append(p.Objects, Object{Kind: Pore, Diameter: d, Area: math.Pi / 4 * d * d, Contrast: 0.05})
	}
	for i, typ := range []string{"icepick", "boxcar", "boxcar", "rolling"} {
		a := float64(i+1) * pxPerMM * pxPerMM
		p.Objects = append(p.Objects, Object{Kind: Scar, Type: typ, Area: a, Contrast: 0.02 * float64(i+1)})
	}
	p.Lines = &Lines2D{LengthPx: 30 * pxPerMM}
	return p
}

// fresh is a copy without the planes derived so far.
func fresh(p *Patch) *Patch {
	q := *p
	q.cache = cache{}
	for _, c := range []*Plane{&q.R, &q.G, &q.B} {
		c.Pix = append([]float32(nil), c.Pix...)
	}
	q.Skin.Pix = append([]uint8(nil), q.Skin.Pix...)
	q.Objects = append([]Object(nil), q.Objects...)
	return &q
}

func metric(t *testing.T, name string) Metric {
	t.Helper()
	for _, m := range All() {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no metric %s", name)
	return Metric{}
}

func measure(t *testing.T, name string, p *Patch) float64 {
	t.Helper()
	v, err := metric(t, name).Measure(p)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// wantUndefined asks for an undefined value whose reason holds the words.
func wantUndefined(t *testing.T, name string, p *Patch, words string) {
	t.Helper()
	v, err := metric(t, name).Measure(p)
	if !errors.Is(err, ErrUndefined) || !math.IsNaN(v) || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: got %v, %v; want undefined for %q", name, v, err, words)
	}
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: got %v, want %v +- %v", what, got, want, tolerance)
	}
}

// What is taken over from a patch of the same pixels gives what is computed anew, also
// where another blur lets measures be refused.
func TestDerive(t *testing.T) {
	from := skinPatch(300, 300, 20)
	from.Frozen = &Frozen{RedLevel: 2, BrownLevel: 0.03}
	for _, m := range All() {
		_, _ = m.Measure(from)
	}
	for _, blur := range []float64{0.4, 2.6} {
		anew, derived := fresh(from), fresh(from)
		anew.BlurPx, derived.BlurPx = blur, blur
		derived.Derive(from)
		for _, m := range All() {
			v, err := m.Measure(anew)
			w, err2 := m.Measure(derived)
			if (v != w && !(math.IsNaN(v) && math.IsNaN(w))) || fmt.Sprint(err) != fmt.Sprint(err2) {
				t.Errorf("%s at a blur of %g px: %v, %v anew, %v, %v derived", m.Name, blur, v, err, w, err2)
			}
		}
	}
}
