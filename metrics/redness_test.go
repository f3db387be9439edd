package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
)

// zoneAndReference cuts a reddened zone and reference skin out of one photo
// whose channels have the given gains.
func zoneAndReference(t *testing.T, gain [3]float32) *Patch {
	t.Helper()
	zone, ref := skinPatch(160, 160, 10), skinPatch(150, 150, 10)
	for i := range zone.G.Pix {
		zone.G.Pix[i] *= 0.87
	}
	for _, p := range []*Patch{zone, ref} {
		for c, plane := range []*Plane{&p.R, &p.G, &p.B} {
			for i := range plane.Pix {
				plane.Pix[i] *= gain[c]
			}
		}
	}
	var err error
	if zone.Ref, err = NewReference(ref, "reference_skin"); err != nil {
		t.Fatal(err)
	}
	ref.Ref = Reference{} // it is related to itself
	level := Freeze(ref)
	zone.Frozen = &level
	return zone
}

// TestErythemaIgnoresTheCamera: a white balance or an exposure is a gain on each
// channel, hence a constant in the logarithm, hence gone in the difference. The
// absolute index loses the exposure, but shows all of the white balance.
func TestErythemaIgnoresTheCamera(t *testing.T) {
	plain := zoneAndReference(t, [3]float32{1, 1, 1})
	ei, absolute := measure(t, "erythema_index", plain), measure(t, "erythema_index_absolute", plain)
	red, brown := measure(t, "red_area_fraction", plain), measure(t, "brown_area_fraction", plain)
	near(t, "index of 13 % less green", ei, 6.048, 0.3) // 100*log10(1/0.87), but for the share of the spot
	const rounding = 1e-4                               // of float32, in units of the index
	for _, gain := range [][3]float32{{0.8, 0.8, 0.8}, {1.25, 1.25, 1.25}, {1.07, 1, 0.9}, {0.6, 0.7, 0.9}} {
		p := zoneAndReference(t, gain)
		near(t, "relative index", measure(t, "erythema_index", p), ei, rounding)
		near(t, "red area", measure(t, "red_area_fraction", p), red, 0.02)
		near(t, "brown area", measure(t, "brown_area_fraction", p), brown, 0.02)
		if gain[0] == gain[1] {
			near(t, "absolute index", measure(t, "erythema_index_absolute", p), absolute, rounding)
		}
	}
	near(t, "absolute index, 2 % of red gain", measure(t, "erythema_index_absolute", zoneAndReference(t, [3]float32{1.02, 1, 1})),
		absolute+0.860, 0.001)
	// A gain that is a power of two is exact even in float32.
	if got := measure(t, "erythema_index", zoneAndReference(t, [3]float32{0.5, 0.5, 0.5})); got < ei-1e-5 || got > ei+1e-5 {
		t.Errorf("half the exposure: %v, want %v", got, ei)
	}
}

// TestMediansForgetPlaces: a median does not know where a pixel was.
func TestMediansForgetPlaces(t *testing.T) {
	p := skinPatch(120, 100, 10)
	q := fresh(p)
	rand.New(rand.NewPCG(5, 6)).Shuffle(len(q.R.Pix), func(i, j int) {
		for _, c := range [][]float32{q.R.Pix, q.G.Pix, q.B.Pix} {
			c[i], c[j] = c[j], c[i]
		}
		q.Skin.Pix[i], q.Skin.Pix[j] = q.Skin.Pix[j], q.Skin.Pix[i]
	})
	for _, name := range []string{"erythema_index", "erythema_index_absolute", "a_star", "melanin_index", "ita_deg"} {
		near(t, name, measure(t, name, q), measure(t, name, p), 0)
	}
}

// TestOffSkinHasNoSay: whatever lies off the mask changes no measure.
func TestOffSkinHasNoSay(t *testing.T) {
	p := skinPatch(400, 300, 20)
	for i := range p.Skin.Pix {
		if x, y := i%400, i/400; (x-200)*(x-200)+(y-150)*(y-150) < 400 || x < 9 {
			p.Skin.Pix[i] = 0
		}
	}
	q := fresh(p)
	for i, m := range q.Skin.Pix {
		if m == 0 {
			q.R.Pix[i], q.G.Pix[i], q.B.Pix[i] = 0.01, 0.9, 0
		}
	}
	for _, m := range All() {
		near(t, m.Name, measure(t, m.Name, q), measure(t, m.Name, p), 0)
	}
}

// TestRedArea: a square of redder skin fills the share that it was drawn with,
// but for the width of the smoothing, and each of the two measures sees only
// its own pigment.
func TestRedArea(t *testing.T) {
	p := newPatch(300, 300, 0.6, 0.34, 0.24)
	p.PxPerMM = 10
	inside := func(x, y int) bool { return x >= 90 && x < 180 && y >= 120 && y < 180 }
	addOD(p.G, func(x, y int) float64 {
		if inside(x, y) {
			return 0.10
		}
		return 0
	})
	p.Ref = Reference{ErythemaIndex: 24.667, Source: "zone forehead"} // 100*log10(0.6/0.34)
	p.Frozen = &Frozen{RedLevel: 5, BrownLevel: 0.02}                 // half of the step: its edge stays in place
	near(t, "red area", measure(t, "red_area_fraction", p), 100*90*60/90000., 0.1)
	near(t, "brown area", measure(t, "brown_area_fraction", p), 0, 0)
}

// TestBrownArea: a mark of 3 mm in uneven light whose colours have the ratios of
// melanin fills its share; a shadow, a hair and blood of the same depth fill none.
func TestBrownArea(t *testing.T) {
	const radius, depth = 15, 0.08
	rejected := false // where the mark is
	area := func(r, g, b float64) float64 {
		p := newPatch(240, 240, 0.6, 0.34, 0.24)
		p.PxPerMM = 10
		for plane, od := range map[*Plane]float64{&p.R: r, &p.G: g, &p.B: b} {
			addOD(*plane, func(x, y int) float64 {
				light := 0.0004 * float64(x)
				if dx, dy := x-120, y-120; dx*dx+dy*dy < radius*radius {
					return light + depth*od
				}
				return light
			})
		}
		// Half of the step over the surround at the rim, which the mark itself raises:
		// by 1-exp(-r^2/(2 sigma^2)) = 11.8 % at its centre, less at the rim.
		p.Frozen = &Frozen{BrownLevel: depth * (0.5 - 0.10)}
		if rejected {
			m := Mask{W: 240, H: 240, Pix: make([]uint8, 240*240)}
			for i := range m.Pix {
				if dx, dy := i%240-120, i/240-120; dx*dx+dy*dy < 4*radius*radius {
					m.Pix[i] = 255
				}
			}
			p.Rejected = map[Kind]Mask{BrownMark: m}
		}
		return measure(t, "brown_area_fraction", p)
	}
	near(t, "melanin", area(1, 1.5, 2.56), 100*3.1416*radius*radius/57600, 0.08)
	near(t, "shadow or hair", area(1, 1, 1), 0, 0)
	near(t, "blood", area(0.3, 1, 1), 0, 0)
	near(t, "a pale mark", area(-1, -1.5, -2.56), 0, 0)

	rejected = true
	near(t, "a mark that somebody rejected", area(1, 1.5, 2.56), 0, 0)
	rejected = false

	p := skinPatch(100, 100, 10)
	p.Frozen, p.Rejected = &Frozen{BrownLevel: 0.03}, map[Kind]Mask{BrownMark: {W: 9, H: 9, Pix: make([]uint8, 81)}}
	wantUndefined(t, "brown_area_fraction", p, "mask of what was rejected differs in size")
	p.Rejected = nil
	p.PxPerMM = 0
	wantUndefined(t, "brown_area_fraction", p, "no scale")
}

// TestLog10 compares with the library over the whole range of light, across the
// joints of the series.
func TestLog10(t *testing.T) {
	for v := 1.1e-9; v < 1e9; v *= 1.00037 {
		x := float32(v)
		near(t, "log10", float64(log10(x)), math.Log10(float64(x)), 1e-6)
	}
	if got := log10(1); got != 0 {
		t.Errorf("log10(1): %v, want exactly 0", got)
	}
}

// TestErythemaIsTheMeanAmount: blood in spots counts as much as the same blood spread
// evenly, and glints and hairs on half a per cent of the skin hardly count.
func TestErythemaIsTheMeanAmount(t *testing.T) {
	spots, even := newPatch(200, 200, 0.6, 0.34, 0.24), newPatch(200, 200, 0.6, 0.34, 0.24)
	addOD(spots.G, func(x, y int) float64 {
		if x%20 < 10 && y%20 < 10 {
			return 0.08
		}
		return 0
	})
	addOD(even.G, func(x, y int) float64 { return 0.02 })
	want := measure(t, "erythema_index_absolute", even)
	near(t, "blood in spots", measure(t, "erythema_index_absolute", spots), want, 0.1)
	for i := range spots.G.Pix {
		if i%200 == 0 {
			spots.G.Pix[i] = 0.02
		}
	}
	near(t, "with hairs", measure(t, "erythema_index_absolute", fresh(spots)), want, 0.1)
}

// TestFreeze: of normal reference skin 2 robust SD leave 2.3 % above the level,
// and the level is not touched by the session that is measured with it.
func TestFreeze(t *testing.T) {
	noisy := func(extra float64) *Patch {
		p := newPatch(300, 300, 0.6, 0.34, 0.24)
		rng := rand.New(rand.NewPCG(9, 9))
		addOD(p.G, func(x, y int) float64 { return extra + 0.05*rng.NormFloat64() })
		return p
	}
	ref := noisy(0)
	frozen := Freeze(ref)
	ref.Frozen = &frozen
	var err error
	if ref.Ref, err = NewReference(ref, "reference_skin"); err != nil {
		t.Fatal(err)
	}
	near(t, "share of the reference above its own level", measure(t, "red_area_fraction", ref), 2.28, 0.4)

	redder := noisy(0.05)
	redder.Ref, redder.Frozen = ref.Ref, &frozen
	if got := measure(t, "red_area_fraction", redder); got < 5 {
		t.Errorf("redder skin: %v %% above the frozen level, want more than on the reference", got)
	}
	// From the zone itself: the level is above the zone's own median.
	own := Freeze(redder)
	near(t, "level from a zone 5 units redder", own.RedLevel, frozen.RedLevel+5, 0.05)

	flat := Freeze(newPatch(50, 50, 0.6, 0.34, 0.24))
	near(t, "floor on uniform skin", flat.RedLevel, redFloor, 0)
	if flat.BrownLevel == flat.BrownLevel {
		t.Errorf("level of brown without a scale: %v, want NaN", flat.BrownLevel)
	}
}

func TestUndefinedColour(t *testing.T) {
	p := skinPatch(100, 100, 10)
	p.Ref = Reference{}
	wantUndefined(t, "erythema_index", p, "no reference skin")
	wantUndefined(t, "red_area_fraction", p, "no reference skin")
	p = skinPatch(100, 100, 10)
	p.Frozen = nil
	wantUndefined(t, "red_area_fraction", p, "frozen")
	wantUndefined(t, "brown_area_fraction", p, "frozen")
	p = newPatch(9, 9, 0.6, 0.3, 0.2)
	wantUndefined(t, "a_star", p, "81 pixels of skin")
	p = newPatch(30, 30, 0.6, 0, 0.2) // green clipped to nothing has no optical density
	wantUndefined(t, "melanin_index", p, "0 pixels of skin")
}
