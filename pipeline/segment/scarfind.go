package segment

import (
	"cmp"
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// ScarLevels are the frozen thresholds of scars.
type ScarLevels struct {
	Steep  float64 // slope energy of a wall, OD/mm
	Gentle float64 // slope energy of a rolling scar, OD/mm
	Pit    float64 // response of a dark blob, OD
}

// scarThresholds freezes what counts as a scar; nil where there is no skin clear
// of its edge.
func scarThresholds(full grid) (*ScarLevels, error) {
	s, err := newScarPlanes(full, steepBand)
	if err != nil {
		return nil, err
	}
	g, err := newScarPlanes(full, gentleBand)
	if err != nil {
		return nil, err
	}
	pits, err := blobScales(s.od[red], pitSigmas(s.grid))
	if err != nil {
		return nil, err
	}
	_, pitSD := spread(pits[1].response, s.inner)
	t := ScarLevels{
		Steep:  s.level(steepBand.floor),
		Gentle: g.level(gentleBand.floor),
		Pit:    max(pitFloorOD, pitMADs*pitSD),
	}
	if math.IsNaN(t.Steep) || math.IsNaN(t.Gentle) || math.IsNaN(t.Pit) {
		return nil, nil
	}
	return &t, nil
}

// level is the slope energy from which a scar is seeded; NaN without skin.
func (s scarPlanes) level(floor float64) float64 {
	median, sd := spread(s.energy, s.inner)
	return max(floor, median+scarSDs*sd)
}

func pitSigmas(g grid) []float64 {
	var out []float64
	for _, d := range pitDiametersMM {
		out = append(out, math.Hypot(d*g.scale/(2*math.Sqrt2), g.blur))
	}
	return out
}

// findScars returns the scars of a zone in the coordinates of full, by y and x, those
// that were rejected, and the mask of the former, of full's size.
func findScars(full grid, t ScarLevels, rejected map[metrics.Kind]metrics.Mask) (objects, gone []metrics.Object, big cv.Gray, err error) {
	fail := func(err error) ([]metrics.Object, []metrics.Object, cv.Gray, error) { return nil, nil, cv.Gray{}, err }
	s, err := newScarPlanes(full, steepBand)
	if err != nil {
		return fail(err)
	}
	pits, err := findPits(s, t.Pit)
	if err != nil {
		return fail(err)
	}
	mask := cv.NewGray(s.w, s.h)
	kinds := make([]string, s.w*s.h) // type of the scar at a pixel of mask
	for _, o := range scarsOf(s, scarShapes(s, t.Steep), pits) {
		for _, i := range o.pixels {
			mask.Pix[i], kinds[i] = 255, o.kind
		}
	}
	gentle, err := gentleScars(full, t.Gentle, mask)
	if err != nil {
		return fail(err)
	}
	for i, m := range gentle.Pix {
		if m != 0 {
			mask.Pix[i], kinds[i] = 255, "rolling"
		}
	}
	if mask, err = merged(mask, scarMergeMM*s.scale); err != nil {
		return fail(err)
	}
	if err := s.sized(mask, kinds); err != nil {
		return fail(err)
	}
	places, err := rejectedOn(s.grid, rejected[metrics.Scar])
	if err != nil {
		return fail(err)
	}
	none, err := takeRegions(mask, places)
	if err != nil {
		return fail(err)
	}
	if gone, err = s.measure(none, kinds, full); err != nil {
		return fail(err)
	}
	if objects, err = s.measure(mask, kinds, full); err != nil {
		return fail(err)
	}
	big, err = enlarge(mask, full.w, full.h)
	return objects, gone, big, err
}

// gentleScars returns a mask, of the size of steep, of the rolling scars that do
// not rest on a steep one.
func gentleScars(full grid, level float64, steep cv.Gray) (cv.Gray, error) {
	g, err := newScarPlanes(full, gentleBand)
	if err != nil {
		return cv.Gray{}, err
	}
	small, err := cv.ResizeGray(steep, g.w, g.h)
	if err != nil {
		return cv.Gray{}, err
	}
	out := cv.NewGray(g.w, g.h)
	for _, o := range scarShapes(g, level) {
		outline := g.outline(o)
		d := g.diameterMM(outline)
		if o.isScar(d) && o.bright > rollingPair*o.dark && d >= rollingMinMM && part(o.region, small) < rollingShared {
			fill(out, outline)
		}
	}
	return enlarge(out, steep.W, steep.H)
}

// typed is a set of pixels with the type of scar.
type typed struct {
	pixels []int
	kind   string
}

// scarsOf decides which shapes and pits are scars, and of what type.
func scarsOf(s scarPlanes, shapes, pits []shape) []typed {
	var out []typed
	owner := map[int]int{}
	outlines := make([][]int, len(shapes))
	for k, o := range shapes {
		for _, i := range o.pixels {
			owner[i] = k
		}
		outlines[k] = s.outline(o)
	}
	isPit := make([]bool, len(shapes))
	for _, p := range pits {
		k, ok := owner[int(math.Round(p.cy))*s.w+int(math.Round(p.cx))]
		if ok && isWall(s.diameterMM(outlines[k]), shapes[k]) {
			continue
		}
		pixels := p.pixels
		if ok {
			isPit[k] = true
			pixels = s.core(pixels, shapes[k])
		}
		if !p.coloured() {
			out = append(out, typed{pixels, "icepick"})
		}
	}
	for k, o := range shapes {
		if d := s.diameterMM(outlines[k]); !isPit[k] && o.isScar(d) {
			out = append(out, typed{outlines[k], scarType(d, o.peak/(o.dark+o.bright))})
		}
	}
	return out
}

// isWall tells that a pit is the dark wall of the larger scar o that it lies in.
func isWall(diameterMM float64, o shape) bool {
	return diameterMM >= pitMaxMM || diameterMM >= icepickMM && o.bright > pitPair*o.dark
}

// outline is the hull of the steep parts of a shape. The shape itself is wider by
// the window over which energy was gathered.
func (s scarPlanes) outline(o shape) []int {
	var steep []int
	for _, i := range o.pixels {
		if float64(s.energy.Pix[i]) >= scarHullPart*o.peak {
			steep = append(steep, i)
		}
	}
	return hull(steep, s.w)
}

// core adds to the dark floor of a pit the steepest part of the slope around it.
func (s scarPlanes) core(pit []int, o shape) []int {
	out := slices.Clone(pit)
	for _, i := range o.pixels {
		if float64(s.energy.Pix[i]) >= pitSlopePart*o.peak {
			out = append(out, i)
		}
	}
	return out
}

// diameterMM is that of the circle of equal area.
func (s scarPlanes) diameterMM(pixels []int) float64 {
	return 2 * math.Sqrt(float64(len(pixels))/math.Pi) / s.scale
}

// coloured tells a brown or a red mark: the hue of melanin or of blood without a
// clear bright flank.
func (o shape) coloured() bool {
	brown, red := o.hue > melaninLow && o.hue < melaninHigh && o.blue > melaninBlue, o.hue > bloodHue
	return (brown || red) && o.bright < scarClearPair*o.dark
}

// isScar tells a depression from marks, folds, gloss and the edge of the zone.
func (o shape) isScar(diameterMM float64) bool {
	switch {
	case o.open, o.inside < scarInside, o.elongation > scarMaxAxes, o.coloured():
		return false
	case o.bright > scarMaxPair*o.dark:
		return false
	}
	return o.bright > scarMinPair*o.dark || diameterMM < pitMaxMM
}

// scarType sorts by size and by how steep the wall is, slope over amplitude in
// 1/mm. The bounds overlap in the literature.
func scarType(diameterMM, steep float64) string {
	switch {
	case diameterMM < icepickMM:
		return "icepick"
	case diameterMM < rollingMM && steep >= steepPerMM, steep >= verySteep:
		return "boxcar"
	}
	return "rolling"
}

// findPits looks for dark round blobs well beyond the pores of the skin.
func findPits(s scarPlanes, threshold float64) ([]shape, error) {
	scales, err := blobScales(s.od[red], pitSigmas(s.grid))
	if err != nil {
		return nil, err
	}
	thresholds := make([]float64, len(scales)-1) // the last scale is a guard
	for i := range thresholds {
		thresholds[i] = threshold
	}
	seen := make([]bool, s.w*s.h)
	var out []shape
	for _, c := range spaced(porePeaks(scales, thresholds, s.inner, 1), s.w, scarMinMM2*s.scale) {
		sc := scales[c.scale]
		large, small := curvature(sc.smooth, c.at%s.w, c.at/s.w)
		if small < pitMinCurve*large || scales[len(scales)-1].response.Pix[c.at] > sc.response.Pix[c.at] {
			continue
		}
		fine, wide := scales[0].smooth.Pix, scales[len(scales)-1].smooth.Pix
		level := pitRimPart * (fine[c.at] - wide[c.at])
		r := grow(s.w, s.h, c.at, int(math.Ceil(pitMaxMM/2*s.scale)), seen, func(i int) bool {
			return fine[i]-wide[i] >= level
		})
		if !r.open {
			out = append(out, s.describe(shape{region: r}))
		}
	}
	return out, nil
}

// merged joins parts closer than gap pixels and fills what they enclose.
func merged(mask cv.Gray, gap float64) (cv.Gray, error) {
	r := int(math.Round(gap / 2))
	if r < 1 {
		return mask, nil
	}
	return cv.Morph(mask, cv.Close, r)
}

// enlarge scales a mask up to w x h.
func enlarge(mask cv.Gray, w, h int) (cv.Gray, error) {
	out, err := cv.ResizeGray(mask, w, h)
	if err != nil {
		return cv.Gray{}, err
	}
	for i, v := range out.Pix {
		if v >= 128 {
			out.Pix[i] = 255
		} else {
			out.Pix[i] = 0
		}
	}
	return out, nil
}

// sized erases the regions of mask that are too small and gives each other one
// commonest type throughout.
func (s scarPlanes) sized(mask cv.Gray, kinds []string) error {
	labels, regions, err := cv.Components(mask)
	if err != nil {
		return err
	}
	for _, c := range regions {
		pixels := within(labels, s.w, c)
		kind, least := commonest(pixels, kinds), scarMinMM2
		if kind == "icepick" {
			least = pitMinMM2
		}
		for _, i := range pixels {
			kinds[i] = kind
			if float64(c.Area) < least*s.scale*s.scale {
				mask.Pix[i] = 0
			}
		}
	}
	return nil
}

// measure returns an object for every region of mask in the coordinates of full;
// kinds is the type at every pixel.
func (s scarPlanes) measure(mask cv.Gray, kinds []string, full grid) ([]metrics.Object, error) {
	labels, regions, err := cv.Components(mask)
	if err != nil {
		return nil, err
	}
	ring, err := s.rings(mask)
	if err != nil {
		return nil, err
	}
	kx, ky := float64(full.w)/float64(s.w), float64(full.h)/float64(s.h)
	out := []metrics.Object{}
	for _, c := range regions {
		pixels := within(labels, s.w, c)
		area := float64(c.Area) * kx * ky
		out = append(out, metrics.Object{
			Kind: metrics.Scar, X: (c.CX+0.5)*kx - 0.5, Y: (c.CY+0.5)*ky - 0.5,
			Diameter: 2 * math.Sqrt(area/math.Pi), Area: area,
			Contrast: s.contrast(pixels, c, ring),
			Type:     kinds[pixels[0]],
		})
	}
	byPlace(out)
	return out, nil
}

// byPlace sorts by y, then x.
func byPlace(o []metrics.Object) {
	slices.SortFunc(o, func(a, b metrics.Object) int {
		return cmp.Or(cmp.Compare(a.Y, b.Y), cmp.Compare(a.X, b.X))
	})
}

// within lists the pixels of one component.
func within(labels []int32, w int, c cv.Component) []int {
	var out []int
	for y := c.Y; y < c.Y+c.H; y++ {
		for x := c.X; x < c.X+c.W; x++ {
			if labels[y*w+x] == int32(c.Label) {
				out = append(out, y*w+x)
			}
		}
	}
	return out
}

// commonest returns the type that most of the pixels have.
func commonest(pixels []int, kinds []string) string {
	n := map[string]int{}
	for _, i := range pixels {
		n[kinds[i]]++
	}
	best := "icepick"
	for _, k := range []string{"boxcar", "rolling"} {
		if n[k] > n[best] {
			best = k
		}
	}
	return best
}

// rings marks skin that is near a scar but not so near as to share its flank.
func (s scarPlanes) rings(mask cv.Gray) (cv.Gray, error) {
	near, err := cv.Morph(mask, cv.Dilate, max(1, int(math.Round(scarRingGap*s.scale))))
	if err != nil {
		return cv.Gray{}, err
	}
	out := cv.NewGray(s.w, s.h)
	for i, m := range s.skin.Pix {
		if m != 0 && near.Pix[i] == 0 {
			out.Pix[i] = 255
		}
	}
	return out, nil
}

// contrast is the RMS optical density of the band inside a scar beyond that of
// its ring. The two add in squares, as texture and shading are independent; the
// plain difference would make a fading scar fade faster than it does.
func (s scarPlanes) contrast(pixels []int, c cv.Component, ring cv.Gray) float64 {
	in := 0.0
	for _, i := range pixels {
		v := float64(s.raw.Pix[i])
		in += v * v / float64(len(pixels))
	}
	pad := int(math.Ceil((scarRingMM + scarRingGap) * s.scale))
	out, n := 0.0, 0
	for y := max(0, c.Y-pad); y < min(s.h, c.Y+c.H+pad); y++ {
		for x := max(0, c.X-pad); x < min(s.w, c.X+c.W+pad); x++ {
			if i := y*s.w + x; ring.Pix[i] != 0 {
				v := float64(s.raw.Pix[i])
				out += v * v
				n++
			}
		}
	}
	if n > 0 {
		out /= float64(n)
	}
	return math.Sqrt(max(0, in-out))
}
