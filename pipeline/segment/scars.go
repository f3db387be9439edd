package segment

import (
	"cmp"
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

const (
	// scarNeedsPxPerMM: of drawn scars 0.83 are found and 8 of 10 typed rightly at
	// 3.4 px/mm, but 0.58 and 3 of 7 at 2.6.
	scarNeedsPxPerMM = 3
	scarMergeMM      = 0.5
	scarMinMM2       = 0.5
	scarMaxMM        = 12.0 // larger than any scar: a fold or the form of the face

	scarSDs      = 5.0  // seed of a scar: robust SD of slope energy above the baseline's median
	scarLowPart  = 0.6  // the outline, as part of the seed's threshold
	scarRimPart  = 0.45 // and as part of the scar's own peak, whichever is higher: joins the two flanks
	scarHullPart = 0.58 // part of the peak whose hull is the outline of what was joined

	scarMaxAxes   = 2.8  // longer is a fold or a wrinkle
	scarInside    = 0.7  // part that must keep clear of the edge of the skin
	scarMinPair   = 0.25 // bright over dark flank; a dark mark has no bright flank
	scarMaxPair   = 2.5  // nor has gloss a dark one
	scarClearPair = 0.6  // a pair so clear is a depression whatever its colour
	melaninLow    = 0.2  // hue of brown marks and moles, between plain shadow
	melaninHigh   = 0.55 // and shadow in skin, which is redder since red light spreads in it,
	melaninBlue   = 0.5  // (OD_B - OD_R) / OD_R: 0.9 and more for melanin, 0.3 for a dark hollow
	bloodHue      = 1.8  // though not as red as an inflamed spot

	pitMADs       = 11.0 // an icepick is a dark blob well beyond the pores,
	pitFloorOD    = 0.09 // on any skin,
	pitMinCurve   = 0.32 // round,
	pitMinMM2     = 0.2  // an icepick is narrow; its darkness tells it from noise
	pitRimPart    = 0.35 // of its depth bounds a pit: at half, its own rim is outside
	pitPair       = 0.45 // bright over dark flank of a wall, where the size leaves it open
	pitMaxMM      = 2.4  // and not the dark wall of a larger scar
	pitSlopePart  = 0.7  // and of its slope
	rollingMinMM  = 3.0  // diameter in the gentle band
	rollingPair   = 0.4  // bright over dark flank: without a wall the pair must be plain
	rollingShared = 0.02 // part that may lie on steep scars
	steepPerMM    = 0.7  // slope over amplitude of a boxcar's wall; a rolling scar of 5 mm has 0.6
	icepickMM     = 2.0  // Jacob et al. 2001
	rollingMM     = 4.0
	verySteep     = 1.0 // a wall even where the scar is larger than that
	scarRingMM    = 1.0 // width of the surround that contrast is related to
	scarRingGap   = 0.3 // mm between a scar and its ring
)

// scarBand is a range of sizes that is searched at one resolution.
type scarBand struct {
	pxPerMM float64 // of the grid
	fine    float64 // sigma of the low pass, mm: takes out pores, down, micro-relief
	wide    float64 // sigma of the high pass, mm: takes out the form of the face
	window  float64 // sigma over which the slope energy is gathered, mm
	edge    float64 // margin from the edge of the skin, mm
	floor   float64 // OD/mm below which nothing is a scar: smooth skin has a small spread
}

var (
	// steepBand shows the walls of icepick and boxcar scars.
	steepBand = scarBand{pxPerMM: 6, fine: 0.17, wide: 1.5, window: 0.35, edge: 1, floor: 0.06}
	// gentleBand shows the slopes of rolling scars, too shallow for steepBand.
	gentleBand = scarBand{pxPerMM: 3, fine: 0.45, wide: 2.5, window: 0.8, edge: 1.5, floor: 0.025}
)

// pitDiametersMM are the scales of the search for icepick scars.
var pitDiametersMM = []float64{0.4, 0.6, 0.85, 1.2, 1.7, 2.4}

// scarPlanes are what scars are found in.
type scarPlanes struct {
	grid
	band   cv.Plane // OD of red without specks, band-passed
	raw    cv.Plane // OD of green, band-passed
	energy cv.Plane // RMS slope of band, OD/mm
	inner  cv.Gray
}

// newScarPlanes takes the slope of the shading. A depression under oblique light
// shows its slope along the light: a dark and a bright flank, so the
// energy of the gradient marks it whatever the direction of the light.
//
// Scars are sought in red: shade falls on all channels, though red spreads a little
// in skin, while uneven blood is a third as strong there as in green, and uneven
// melanin two thirds. Weights of the channels in which both cancel (Tsumura et al.
// 2003, ACM Trans Graph 22:770) find more where red does not spread, but hardly a
// scar where it does. Contrast is that of green.
func newScarPlanes(full grid, b scarBand) (scarPlanes, error) {
	s, ok := full.made.scars[b]
	if ok {
		return s, nil
	}
	s, err := makeScarPlanes(full, b)
	if err == nil {
		full.made.scars[b] = s
	}
	return s, err
}

func makeScarPlanes(full grid, b scarBand) (scarPlanes, error) {
	g, err := full.coarser(b.pxPerMM)
	if err != nil {
		return scarPlanes{}, err
	}
	s := scarPlanes{grid: g}
	clean, err := withoutSpecks(g.od[red], g.scale)
	if err != nil {
		return scarPlanes{}, err
	}
	fine, err := cv.Gaussian(clean, b.fine*g.scale)
	if err != nil {
		return scarPlanes{}, err
	}
	around, err := cv.NewMasked(g.skin, b.wide*g.scale)
	if err != nil {
		return scarPlanes{}, err
	}
	wide, err := around.Gaussian(clean)
	if err != nil {
		return scarPlanes{}, err
	}
	subtract(fine, wide, g.skin)
	s.band = fine
	if s.raw, err = cv.Gaussian(g.od[green], b.fine*g.scale); err != nil {
		return scarPlanes{}, err
	}
	if wide, err = around.Gaussian(g.od[green]); err != nil {
		return scarPlanes{}, err
	}
	subtract(s.raw, wide, g.skin)
	square := cv.NewPlane(g.w, g.h)
	k := float32(g.scale / 2)
	for y := 1; y < g.h-1; y++ {
		for x := 1; x < g.w-1; x++ {
			i := y*g.w + x
			dx, dy := k*(fine.Pix[i+1]-fine.Pix[i-1]), k*(fine.Pix[i+g.w]-fine.Pix[i-g.w])
			square.Pix[i] = dx*dx + dy*dy
		}
	}
	if s.energy, err = cv.MaskedGaussian(square, g.skin, b.window*g.scale); err != nil {
		return scarPlanes{}, err
	}
	for i, v := range s.energy.Pix {
		s.energy.Pix[i] = float32(math.Sqrt(max(0, float64(v))))
	}
	s.inner, err = g.inner(b.edge)
	return s, err
}

// withoutSpecks takes dark specks and strokes narrower than about 0.4 mm out of p
// (a grey opening with a square), as pores and stubble would add up to a scar.
func withoutSpecks(p cv.Plane, scale float64) (cv.Plane, error) {
	r := int(math.Round(0.17 * scale))
	if r < 1 {
		return p, nil
	}
	return extreme(extreme(p, r, false), r, true), nil
}

// extreme is the running minimum, or maximum, over a square of 2r+1.
func extreme(p cv.Plane, r int, largest bool) cv.Plane {
	// Row by row, so that all of a row is compared at once.
	take := func(out, with []float32) {
		with = with[:len(out)]
		if largest {
			for i, v := range with {
				out[i] = max(out[i], v)
			}
			return
		}
		for i, v := range with {
			out[i] = min(out[i], v)
		}
	}
	rows, out := cv.NewPlane(p.W, p.H), cv.NewPlane(p.W, p.H)
	for y := range p.H {
		from, to := p.Pix[y*p.W:(y+1)*p.W], rows.Pix[y*p.W:(y+1)*p.W]
		copy(to, from)
		for d := 1; d <= min(r, p.W-1); d++ {
			take(to[d:], from)
			take(to[:p.W-d], from[d:])
		}
	}
	for y := range p.H {
		to := out.Pix[y*p.W : (y+1)*p.W]
		copy(to, rows.Pix[y*p.W:])
		for u := max(0, y-r); u <= min(p.H-1, y+r); u++ {
			if u != y {
				take(to, rows.Pix[u*p.W:])
			}
		}
	}
	return out
}

// shape is what a scar is judged by.
type shape struct {
	region
	peak   float64 // energy, OD/mm
	dark   float64 // largest OD of the band inside
	bright float64 // largest lack of OD, inside and just around
	hue    float64 // (OD_G - OD_R) / OD_R of the dark part: about 0.5 for melanin, 1.3 for blood, between for shadow
	blue   float64 // the same of blue
	inside float64 // part of the region that keeps clear of the edge
}

// scarShapes grows a region around every local maximum of the slope energy above
// level, the strongest first, down to a part of level or of its own peak.
func scarShapes(s scarPlanes, level float64) []shape {
	label := make([]bool, s.w*s.h)
	seen := make([]bool, s.w*s.h)
	var out []shape
	for _, i := range peaks(s.energy, s.inner, level) {
		if label[i] {
			continue
		}
		peak := float64(s.energy.Pix[i])
		rim := float32(max(scarLowPart*level, scarRimPart*peak))
		r := grow(s.w, s.h, i, int(scarMaxMM*s.scale), seen, func(j int) bool {
			return !label[j] && s.skin.Pix[j] != 0 && s.energy.Pix[j] >= rim
		})
		for _, j := range r.pixels {
			label[j] = true
		}
		out = append(out, s.describe(shape{region: r, peak: peak}))
	}
	return out
}

// peaks lists the pixels of mask that are above level and not below any
// neighbour, the highest first.
func peaks(p cv.Plane, mask cv.Gray, level float64) []int {
	var out []int
	for y := 1; y < p.H-1; y++ {
		for x := 1; x < p.W-1; x++ {
			i := y*p.W + x
			v := p.Pix[i]
			if float64(v) < level || mask.Pix[i] == 0 {
				continue
			}
			if v >= p.Pix[i-p.W-1] && v >= p.Pix[i-p.W] && v >= p.Pix[i-p.W+1] && v >= p.Pix[i-1] &&
				v >= p.Pix[i+1] && v >= p.Pix[i+p.W-1] && v >= p.Pix[i+p.W] && v >= p.Pix[i+p.W+1] {
				out = append(out, i)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(p.Pix[b], p.Pix[a]) })
	return out
}

// describe fills in what the planes say about the region.
func (s scarPlanes) describe(o shape) shape {
	var r, gr, bl float64
	in := 0
	for _, i := range o.pixels {
		v := float64(s.band.Pix[i])
		o.dark = max(o.dark, v)
		o.bright = max(o.bright, -v)
		if s.inner.Pix[i] != 0 {
			in++
		}
	}
	for _, i := range o.pixels {
		if float64(s.band.Pix[i]) > o.dark/2 {
			r += float64(s.od[red].Pix[i])
			gr += float64(s.od[green].Pix[i]) - float64(s.od[red].Pix[i])
			bl += float64(s.od[blue].Pix[i]) - float64(s.od[red].Pix[i])
		}
	}
	o.inside = float64(in) / float64(len(o.pixels))
	o.hue, o.blue = gr/r, bl/r
	return o
}
