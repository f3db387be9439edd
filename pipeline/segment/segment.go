// Package segment finds pores, atrophic scars, red spots and areas, brown marks
// and fine lines in one zone of one photo.
//
// # Frozen at baseline
//
// [Scene.Freeze] looks at the baseline photo once and fixes every threshold as an
// absolute number; [Scene.Find] uses them on every session and takes none from the photo
// that it searches. Halve every contrast, and fewer pores and scars are found: a
// threshold that followed the photo would hide that. Where photos differ in
// sharpness, the caller blurs both to the worse of the two, and freezes again on
// the blurred baseline.
//
// # What a scar is here
//
// A photo holds no depth. A depression under oblique light shows a dark and a
// bright flank, so scars are found by the energy of the slope of their shading.
// Their contrast changes with the light; it is a proxy, never a depth.
//
// # Planes
//
// All work is done on optical density, flat-fielded over skin. Fine structures are
// searched at the resolution of the photo, coarse ones on coarser grids: scars at 6
// pixels per millimetre, spots at 5, lines at 10.
package segment

import (
	"fmt"
	"math"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// Thresholds are what the baseline photo of a zone fixes for a series. All are
// plain numbers, so that they can be stored with a record. A nil entry means that
// the family cannot be searched in this zone; Missing says why.
type Thresholds struct {
	PxPerMM float64 // of the baseline
	BlurPx  float64 // of the baseline
	Pores   []float64
	Scars   *ScarLevels
	Spots   *SpotLevels
	Lines   *LineLevels
	Missing map[metrics.Family]string
}

// Found is what one photo shows in a zone. The masks have the size of the patch;
// a mask of a family that was not searched is empty. Pores have none.
type Found struct {
	Objects []metrics.Object // pores, scars, red spots, brown marks; each by y and x
	Lines   *metrics.Lines2D // nil where lines were not searched
	// Rejected are those that would be among the objects, had somebody not rejected
	// them (see metrics.Patch.Rejected). The masks and lines are as if they were not
	// there.
	Rejected []metrics.Object
	Missing  map[metrics.Family]string
	// Sightings are the pores and what may be fainter ones, for [FollowPores].
	Sightings []Sighting

	ScarMask, RedMask, BrownMask, LineMask metrics.Mask
}

// minSkinMM2 is the least skin that thresholds can be taken from.
const minSkinMM2 = 40

// needs lists the scale that each family needs, in px/mm.
var needs = map[metrics.Family]float64{
	metrics.Pores:   poreNeedsPxPerMM,
	metrics.Scars:   scarNeedsPxPerMM,
	metrics.Redness: spotNeedsPxPerMM,
	metrics.Pigment: spotNeedsPxPerMM,
	metrics.Lines:   lineNeedsPxPerMM,
}

// missing says which families cannot be searched at a scale, and why.
func missing(pxPerMM float64) map[metrics.Family]string {
	out := map[metrics.Family]string{}
	for f, n := range needs {
		switch {
		case !(pxPerMM > 0) || math.IsInf(pxPerMM, 1):
			out[f] = "needs a scale, the photo has none"
		case pxPerMM < n:
			out[f] = fmt.Sprintf("needs %g px/mm, the photo has %.1f", n, pxPerMM)
		}
	}
	return out
}

// Scene is one zone of one photo, prepared for segmentation. It keeps what its
// methods have in common; it is used by one goroutine.
type Scene struct {
	patch *metrics.Patch
	full  grid
	ready bool
}

// On prepares a patch, which must not change while the scene is used.
func On(p *metrics.Patch) *Scene { return &Scene{patch: p} }

// For is the scene of another patch with the same pixels, skin and noise, which may
// have another BlurPx: what has been derived so far is shared.
func (s *Scene) For(p *metrics.Patch) *Scene {
	out := On(p)
	if s.ready {
		out.full, out.ready = s.full.withBlur(p.BlurPx), true
	}
	return out
}

// grid is the patch at its own resolution.
func (s *Scene) grid() (grid, error) {
	if s.ready {
		return s.full, nil
	}
	var err error
	if s.full, err = newGrid(s.patch); err != nil {
		return grid{}, err
	}
	s.ready = true
	return s.full, nil
}

// Freeze takes the thresholds of a zone from the baseline photo. A zone that is too
// small or too coarse gives thresholds without the families concerned and no
// error; an error means that the patch is malformed.
func (s *Scene) Freeze() (Thresholds, error) {
	base := s.patch
	if err := check(base); err != nil {
		return Thresholds{}, err
	}
	t := Thresholds{PxPerMM: base.PxPerMM, BlurPx: base.BlurPx, Missing: missing(base.PxPerMM)}
	if len(t.Missing) == len(needs) {
		return t, nil
	}
	g, err := s.grid()
	if err != nil {
		return Thresholds{}, err
	}
	if a := g.areaMM2(); a < minSkinMM2 {
		for f := range needs {
			t.Missing[f] = fmt.Sprintf("needs %d mm2 of skin, the baseline has %.0f", minSkinMM2, a)
		}
		return t, nil
	}
	searched := func(f metrics.Family) bool { _, no := t.Missing[f]; return !no }
	if searched(metrics.Pores) {
		if t.Pores, err = poreThresholds(g); err != nil {
			return Thresholds{}, err
		}
	}
	if searched(metrics.Scars) {
		if t.Scars, err = scarThresholds(g); err != nil {
			return Thresholds{}, err
		}
	}
	if searched(metrics.Redness) {
		if t.Spots, err = spotThresholds(g); err != nil {
			return Thresholds{}, err
		}
	}
	if searched(metrics.Lines) {
		if t.Lines, err = lineThresholds(g); err != nil {
			return Thresholds{}, err
		}
	}
	none := map[metrics.Family]bool{
		metrics.Pores: t.Pores == nil, metrics.Scars: t.Scars == nil, metrics.Lines: t.Lines == nil,
		metrics.Redness: t.Spots == nil, metrics.Pigment: t.Spots == nil,
	}
	for f, no := range none {
		if no && searched(f) {
			t.Missing[f] = "the baseline has no skin clear of its edge"
		}
	}
	return t, nil
}

// Find searches a patch with thresholds frozen at the baseline. The patch may be
// at another scale than the baseline. A family that cannot be searched in the
// patch, or could not be in the baseline, is in Missing with the reason.
func (s *Scene) Find(t Thresholds) (Found, error) {
	p := s.patch
	if err := check(p); err != nil {
		return Found{}, err
	}
	if n := len(t.Pores); n != 0 && n != len(poreDiametersMM) {
		return Found{}, fmt.Errorf("segment: %d pore thresholds, want %d: from another version", n, len(poreDiametersMM))
	}
	f := Found{Missing: missing(p.PxPerMM)}
	for family, why := range t.Missing {
		if _, ok := f.Missing[family]; !ok {
			f.Missing[family] = "baseline: " + why
		}
	}
	searched := func(family metrics.Family) bool { _, no := f.Missing[family]; return !no }
	w, h := p.G.W, p.G.H
	for _, m := range []*metrics.Mask{&f.ScarMask, &f.RedMask, &f.BrownMask, &f.LineMask} {
		*m = metrics.Mask(cv.NewGray(w, h))
	}
	if len(f.Missing) == len(needs) {
		return f, nil
	}
	g, err := s.grid()
	if err != nil {
		return Found{}, err
	}
	f.Objects = []metrics.Object{}
	scars, brown := cv.Gray(f.ScarMask), cv.Gray(f.BrownMask)
	if searched(metrics.Scars) && t.Scars != nil {
		var objects, rejected []metrics.Object
		if objects, rejected, scars, err = findScars(g, *t.Scars, p.Rejected); err != nil {
			return Found{}, err
		}
		f.Objects, f.ScarMask = append(f.Objects, objects...), metrics.Mask(scars)
		f.Rejected = append(f.Rejected, rejected...)
	}
	if searched(metrics.Redness) && t.Spots != nil {
		objects, rejected, reds, browns, err := findSpots(g, t.spotLevels(p), redIndex(p), scars, p.Rejected)
		if err != nil {
			return Found{}, err
		}
		f.Rejected = append(f.Rejected, rejected...)
		f.Objects, f.RedMask, f.BrownMask = append(f.Objects, objects...), metrics.Mask(reds), metrics.Mask(browns)
		brown = browns
	}
	if searched(metrics.Pores) && t.Pores != nil {
		objects, sightings, err := findPores(g, t.Pores, union(scars, brown))
		if err != nil {
			return Found{}, err
		}
		objects, rejected := withoutPores(objects, p.Rejected[metrics.Pore])
		f.Objects, f.Rejected = append(objects, f.Objects...), append(rejected, f.Rejected...)
		f.Sightings = withoutSightings(sightings, p.Rejected[metrics.Pore])
	}
	if searched(metrics.Lines) && t.Lines != nil {
		length, lines, err := findLines(g, *t.Lines, union(scars, brown))
		if err != nil {
			return Found{}, err
		}
		f.Lines, f.LineMask = &metrics.Lines2D{LengthPx: length}, metrics.Mask(lines)
	}
	return f, nil
}

// spotLevels are those of the zone, with the brown level of the series where the
// patch carries one.
func (t Thresholds) spotLevels(p *metrics.Patch) SpotLevels {
	l := *t.Spots
	if p.Frozen != nil && p.Frozen.BrownLevel > 0 {
		l.Brown = p.Frozen.BrownLevel
	}
	return l
}

// redIndex is the erythema index above which skin is red; infinite where the
// series gives no level or the photo no reference.
func redIndex(p *metrics.Patch) float64 {
	if p.Frozen == nil || p.Ref.Source == "" || math.IsNaN(p.Frozen.RedLevel) {
		return math.Inf(1)
	}
	return p.Ref.ErythemaIndex + p.Frozen.RedLevel
}

// union of two masks of one size.
func union(a, b cv.Gray) cv.Gray {
	out := cv.NewGray(a.W, a.H)
	for i := range out.Pix {
		out.Pix[i] = a.Pix[i] | b.Pix[i]
	}
	return out
}
