package segment

import (
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

const (
	// spotNeedsPxPerMM is the scale below which a mark of 0.8 mm is less than two
	// pixels wide.
	spotNeedsPxPerMM = 2.5
	spotPxPerMM      = 5   // grid of the search; chroma of a JPEG holds no more
	spotSmoothMM     = 0.2 // sigma
	spotEdgeMM       = 0.5 // from the edge of the skin mask
	spotMinMM        = 0.8 // diameter
	spotMaxMM        = 8.0 // diameter; larger is an area, not a spot
	spotLowPart      = 0.5 // outline, as part of the threshold
	spotRimPart      = 0.5 // and as part of the spot's own peak, whichever is higher
	spotMaxAxes      = 4.0 // longer is a fold's shadow
	redSDs           = 4.0 // threshold, robust SD of the baseline
	brownSDs         = 5.0
	redFloor         = 3.0  // erythema index units over the surround, on any skin
	brownFloor       = 0.03 // OD of red over the surround, on any skin

	// Hue of a brown mark: (OD_G - OD_R) / OD_R of its excess is 0.5 for melanin
	// and 1.3 for blood; inflamed skin leaves both. OD_B - OD_R is 1.6 times OD_R
	// for melanin and nothing for plain shadow.
	brownMinHue, brownMaxHue = 0.15, 0.95
	brownMinBlue             = 0.30

	shadowMM   = 1.0 // around a mark in which the lit flank of a shadow would lie
	shadowPair = 0.7 // brightness of that flank over the darkness of the mark
)

// SpotLevels are the frozen thresholds of red spots (erythema index units) and
// brown marks (OD of red), over the surround.
type SpotLevels struct{ Red, Brown float64 }

// spotPlanes are the local excess of redness and of pigment.
type spotPlanes struct {
	grid
	redness, pigment cv.Plane
	inner            cv.Gray
}

func newSpotPlanes(full grid) (spotPlanes, error) {
	g, err := full.coarser(spotPxPerMM)
	if err != nil {
		return spotPlanes{}, err
	}
	s := spotPlanes{grid: g}
	for c := range s.od { // the grid may be full itself, which keeps its planes
		if s.od[c], err = cv.Gaussian(g.od[c], spotSmoothMM*g.scale); err != nil {
			return spotPlanes{}, err
		}
	}
	s.pigment = s.od[red]
	s.redness = cv.NewPlane(g.w, g.h)
	for i := range s.redness.Pix {
		s.redness.Pix[i] = 100 * (s.od[green].Pix[i] - s.od[red].Pix[i])
	}
	s.inner, err = g.inner(spotEdgeMM)
	return s, err
}

// spotThresholds freezes what counts as a spot.
func spotThresholds(full grid) (*SpotLevels, error) {
	s, err := newSpotPlanes(full)
	if err != nil {
		return nil, err
	}
	_, r := spread(s.redness, s.inner)
	_, b := spread(s.pigment, s.inner)
	if math.IsNaN(r) {
		return nil, nil
	}
	return &SpotLevels{Red: max(redFloor, redSDs*r), Brown: max(brownFloor, brownSDs*b)}, nil
}

// spots grows a region around every peak of p above level.
func (s spotPlanes) spots(p cv.Plane, level float64) []region {
	taken, seen := make([]bool, s.w*s.h), make([]bool, s.w*s.h)
	var out []region
	for _, i := range peaks(p, s.inner, level) {
		if taken[i] {
			continue
		}
		rim := float32(max(spotLowPart*level, spotRimPart*float64(p.Pix[i])))
		r := grow(s.w, s.h, i, int(spotMaxMM*s.scale), seen, func(j int) bool {
			return !taken[j] && s.skin.Pix[j] != 0 && p.Pix[j] >= rim
		})
		for _, j := range r.pixels {
			taken[j] = true
		}
		d := 2 * math.Sqrt(float64(len(r.pixels))/math.Pi) / s.scale
		if !r.open && d >= spotMinMM && d <= spotMaxMM && r.elongation <= spotMaxAxes {
			out = append(out, r)
		}
	}
	return out
}

// findSpots returns red spots and brown marks in the coordinates of full, by kind,
// y and x, and their masks. The red mask also holds every pixel whose erythema
// index exceeds redIndex (an infinite one adds none). What lies in scars is left
// to them. What was rejected is apart, and in no mask.
func findSpots(full grid, t SpotLevels, redIndex float64, scars cv.Gray, rejected map[metrics.Kind]metrics.Mask) (objects, gone []metrics.Object, redMask, brownMask cv.Gray, err error) {
	fail := func(err error) ([]metrics.Object, []metrics.Object, cv.Gray, cv.Gray, error) {
		return nil, nil, cv.Gray{}, cv.Gray{}, err
	}
	s, err := newSpotPlanes(full)
	if err != nil {
		return fail(err)
	}
	small, err := cv.ResizeGray(scars, s.w, s.h)
	if err != nil {
		return fail(err)
	}
	noMarks, err := rejectedOn(s.grid, rejected[metrics.BrownMark])
	if err != nil {
		return fail(err)
	}
	noReds, err := rejectedOn(s.grid, rejected[metrics.RedSpot])
	if err != nil {
		return fail(err)
	}
	goneMarks := []metrics.Object{}
	brown, reds := cv.NewGray(s.w, s.h), cv.NewGray(s.w, s.h)
	marks := []metrics.Object{}
	for _, r := range s.spots(s.pigment, t.Brown) {
		if part(r, small) > 0.5 || !s.isBrown(r) || s.isShadow(r) {
			continue
		}
		mark := s.object(metrics.BrownMark, r, s.pigment, full)
		if part(r, noMarks) > 0.5 {
			goneMarks = append(goneMarks, mark)
			continue
		}
		marks = append(marks, mark)
		fill(brown, r.pixels)
	}
	objects = []metrics.Object{}
	for _, r := range s.spots(s.redness, t.Red) {
		if part(r, small) > 0.3 || part(r, brown) > 0.3 {
			continue
		}
		o := s.object(metrics.RedSpot, r, s.redness, full)
		o.Contrast /= 100 // erythema index to OD
		if part(r, noReds) > 0.5 {
			gone = append(gone, o)
			continue
		}
		objects = append(objects, o)
		fill(reds, r.pixels)
	}
	byPlace(objects)
	byPlace(marks)
	byPlace(gone)
	byPlace(goneMarks)
	smooth, err := cv.MaskedGaussian(s.index, s.skin, spotSmoothMM*s.scale)
	if err != nil {
		return fail(err)
	}
	for i, v := range smooth.Pix {
		if s.skin.Pix[i] != 0 && float64(v) > redIndex && noReds.Pix[i] < 128 {
			reds.Pix[i] = 255
		}
	}
	if redMask, err = enlarge(reds, full.w, full.h); err != nil {
		return fail(err)
	}
	brownMask, err = enlarge(brown, full.w, full.h)
	return append(objects, marks...), append(gone, goneMarks...), redMask, brownMask, err
}

// isBrown tells pigment from shadow and from blood by the excess over the
// surround in the three channels.
func (s spotPlanes) isBrown(r region) bool {
	var od [3]float64
	for c := range od {
		for _, i := range r.pixels {
			od[c] += float64(s.od[c].Pix[i])
		}
	}
	hue := (od[green] - od[red]) / od[red]
	return od[red] > 0 && hue > brownMinHue && hue < brownMaxHue && od[blue]-od[red] > brownMinBlue*od[red]
}

// isShadow tells the dark flank of a depression by the bright one beside it: the
// brightest twentieth of a mark's surround is no brighter than texture, that of a
// shadow is about as bright as the shadow is dark.
func (s spotPlanes) isShadow(r region) bool {
	mean, reach := 0.0, shadowMM*s.scale
	x0, y0, x1, y1 := s.w, s.h, 0, 0
	for _, i := range r.pixels {
		mean += float64(s.pigment.Pix[i]) / float64(len(r.pixels))
		x0, x1 = min(x0, i%s.w), max(x1, i%s.w)
		y0, y1 = min(y0, i/s.w), max(y1, i/s.w)
	}
	pad := int(math.Ceil(reach))
	var around []float64
	for y := max(0, y0-pad); y <= min(s.h-1, y1+pad); y++ {
		for x := max(0, x0-pad); x <= min(s.w-1, x1+pad); x++ {
			if i := y*s.w + x; s.skin.Pix[i] != 0 {
				around = append(around, float64(s.pigment.Pix[i]))
			}
		}
	}
	slices.Sort(around)
	return -around[len(around)/20] > shadowPair*mean
}

// object measures r in p; the surround is 0, as p is flat-fielded.
func (s spotPlanes) object(kind metrics.Kind, r region, p cv.Plane, full grid) metrics.Object {
	kx, ky := float64(full.w)/float64(s.w), float64(full.h)/float64(s.h)
	area, sum := float64(len(r.pixels))*kx*ky, 0.0
	for _, i := range r.pixels {
		sum += float64(p.Pix[i])
	}
	return metrics.Object{
		Kind: kind, X: (r.cx+0.5)*kx - 0.5, Y: (r.cy+0.5)*ky - 0.5,
		Diameter: 2 * math.Sqrt(area/math.Pi), Area: area, Contrast: sum / float64(len(r.pixels)),
	}
}

// part of r that lies in mask.
func part(r region, mask cv.Gray) float64 {
	n := 0
	for _, i := range r.pixels {
		if mask.Pix[i] >= 128 {
			n++
		}
	}
	return float64(n) / float64(len(r.pixels))
}

func fill(mask cv.Gray, pixels []int) {
	for _, i := range pixels {
		mask.Pix[i] = 255
	}
}
