// Package align maps a photo to the baseline of its series and measures the error
// of the map, or refuses.
//
// # How
//
// Both photos are brought into frames by their pupils (views without pupils: by
// SIFT features, see features.go). Log luminance without its low frequencies, so
// that light does not matter, is matched by dense inverse search flow (Kroeger et
// al. 2016); the flow is then smoothed over the face with weights that follow the
// local agreement of the two photos, so that skin that agrees carries skin that
// does not.
//
// # The error is measured on skin that did not take part
//
// The flow is estimated a second time with a lattice of squares blanked in both
// photos. In each of them the position that the surroundings predict is compared
// with the one that the skin itself asks for. That gives the residual; the
// correlation at the predicted position tells whether it is the same skin at all.
// Another person's skin can be bent to match where it is seen, but not where it is
// not.
//
// # What the map is for
//
// It carries zones, masks and points between photos. No metric is computed on
// pixels that it warped.
package align

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

// ErrMismatch is wrapped where two photos do not show the same skin from about
// the same side. The text says what was found instead.
var ErrMismatch = errors.New("does not match the baseline")

// View is one photo prepared for alignment.
type View struct {
	Frame photo.Frame
	RGB   cv.RGB  // of the frame
	Skin  cv.Gray // of the frame; 255 is skin
}

// Quality is what a registration tells about itself.
type Quality struct {
	Patches        int     // held-out squares on skin common to both photos
	Inliers        int     // of these, the ones whose skin was found again
	Agreement      float64 // median correlation of the held-out skin at the predicted place, -1..1
	ResidualUnits  float64 // median error on the inliers, in units of the frame
	Overlap        float64 // share of the baseline's skin that is skin in the photo
	YawDeltaDeg    float64 // head turned further to its left than at baseline, degrees
	PitchDeltaDeg  float64 // head lowered further than at baseline
	PerspectiveRel float64 // change of 1/distance, in units of 1/(inter-pupil distance)
}

// Map carries positions between the baseline photo and another one.
type Map struct {
	base, target photo.Frame
	// Displacements in frame pixels: a position p of the baseline's frame is at
	// p+forward(p) of the target's frame, and back.
	fx, fy, bx, by cv.Plane
	Quality        Quality
	// Similarity is the part of the map that moves and turns as a whole: baseline
	// photo -> photo, in photo pixels.
	Similarity cv.Affine

	rigid [7]float64 // see geometry
}

// Decision limits, on held-out skin; the bench prints how well they separate the
// 22 real pairs from the 462 pairs of different people.
const (
	minPatches   = 12
	minOverlap   = 0.45
	minAgreement = 0.26 // strangers reach 0.23, true pairs 0.45 and more (0.28 with all but skin painted over)
	minFound     = 0.35 // share of the held-out squares whose skin was found again
)

// Register maps target to base. It returns an error wrapping ErrMismatch where the
// photos do not show the same skin.
func Register(base, target View) (*Map, error) {
	m, err := register(base, target)
	if err != nil {
		return nil, err
	}
	if m.same() {
		return m, nil
	}
	reason := m.describe()
	if mirrored, err := mirror(target); err == nil {
		if mm, err := register(base, mirrored); err == nil && mm.same() && mm.Quality.Agreement > m.Quality.Agreement+0.1 {
			reason = "the photo is mirrored"
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrMismatch, reason)
}

func (m *Map) same() bool {
	q := m.Quality
	return q.Patches >= minPatches && q.Overlap >= minOverlap && q.Agreement >= minAgreement && float64(q.Inliers) >= minFound*float64(q.Patches)
}

func (m *Map) describe() string {
	q := m.Quality
	switch {
	case q.Overlap < minOverlap:
		return fmt.Sprintf("only %.0f %% of the baseline's skin can be seen (at least %.0f %% is needed): another view, or the face is covered", 100*q.Overlap, 100*minOverlap)
	case q.Patches < minPatches:
		return fmt.Sprintf("only %d places of common skin (at least %d are needed)", q.Patches, minPatches)
	}
	return fmt.Sprintf("the skin differs: correlation %.2f where %.2f is needed, %d of %d places found again; another person, another view, or far too blurred", q.Agreement, minAgreement, q.Inliers, q.Patches)
}

// mirror flips a view left to right.
func mirror(v View) (View, error) {
	rgb, err := cv.Orient(v.RGB, 2)
	if err != nil {
		return View{}, err
	}
	skin := cv.NewGray(v.Skin.W, v.Skin.H)
	for y := range skin.H {
		for x := range skin.W {
			skin.Pix[y*skin.W+x] = v.Skin.Pix[y*skin.W+skin.W-1-x]
		}
	}
	return View{Frame: v.Frame, RGB: rgb, Skin: skin}, nil
}

func register(base, target View) (*Map, error) {
	if base.RGB.W != target.RGB.W || base.RGB.H != target.RGB.H || base.Frame.Unit != target.Frame.Unit {
		return nil, fmt.Errorf("align: frames of %dx%d and %dx%d: %w", base.RGB.W, base.RGB.H, target.RGB.W, target.RGB.H, cv.ErrInput)
	}
	a, err := detail(base)
	if err != nil {
		return nil, err
	}
	b, err := detail(target)
	if err != nil {
		return nil, err
	}
	squares := lattice(base.Frame, base.Skin)
	m := &Map{base: base.Frame, target: target.Frame}
	hx, hy, err := flow(a, b, squares, base.Frame.Unit)
	if err != nil {
		return nil, err
	}
	if m.Quality, err = judge(base, target, hx, hy, squares); err != nil {
		return nil, err
	}
	if !m.same() {
		return m, nil
	}
	if m.fx, m.fy, err = flow(a, b, nil, base.Frame.Unit); err != nil {
		return nil, err
	}
	if m.bx, m.by, err = invert(m.fx, m.fy); err != nil {
		return nil, err
	}
	m.geometry(base)
	return m, nil
}

// square is a held-out patch, its top-left corner in frame pixels.
type square struct{ x, y int }

// side of a held-out square in frame pixels: 8 % of the unit.
func side(unit float64) int { return int(math.Round(0.08 * unit)) }

// lowest is the height, in units below the pupils, down to which skin keeps its
// place on the skull; around the mouth and on the chin it moves with expression.
const lowest = 0.75

// lattice lists the squares that lie on skin of the baseline, every third place in
// both directions, so that each is surrounded by skin that is used.
func lattice(f photo.Frame, skin cv.Gray) []square {
	n := side(f.Unit)
	var out []square
	for y := n; y+2*n < skin.H; y += 3 * n {
		for x := n; x+2*n < skin.W; x += 3 * n {
			if (float64(y)-f.Origin[1])/f.Unit < lowest && covered(skin, x, y, n) >= 0.95 {
				out = append(out, square{x, y})
			}
		}
	}
	return out
}

// covered is the share of a square that a mask covers.
func covered(m cv.Gray, x, y, n int) float64 {
	hits := 0
	for j := range n {
		for i := range n {
			if m.Pix[(y+j)*m.W+x+i] != 0 {
				hits++
			}
		}
	}
	return float64(hits) / float64(n*n)
}

// detail is log luminance without what is much wider than 2 to 3 mm. Outside
// the face it fades to nothing, so that hair, clothes and background have no say.
func detail(v View) (cv.Plane, error) {
	l, err := logLight(v.RGB)
	if err != nil {
		return cv.Plane{}, err
	}
	low, err := blurWide(l, 0.04*v.Frame.Unit)
	if err != nil {
		return cv.Plane{}, err
	}
	weight, err := region(v)
	if err != nil {
		return cv.Plane{}, err
	}
	for i := range l.Pix {
		d := float64(l.Pix[i] - low.Pix[i])
		l.Pix[i] = float32(d/math.Sqrt(1+d*d*4)) * weight.Pix[i] // strong edges (hair, nostrils) are held back
	}
	return l, nil
}

func logLight(rgb cv.RGB) (cv.Plane, error) {
	g, err := cv.ToGray(rgb)
	if err != nil {
		return cv.Plane{}, err
	}
	out := cv.NewPlane(g.W, g.H)
	for i, v := range g.Pix {
		out.Pix[i] = logOf[v]
	}
	return out, nil
}

// logOf is the natural logarithm of linear light; the foot keeps noise in the dark
// from growing.
var logOf = func() (t [256]float32) {
	for i := range t {
		t[i] = float32(math.Log(float64(photo.Linear[i]) + 0.01))
	}
	return t
}()

// region is 1 on the face, skin closed over eyes, brows and mouth, and fades to 0
// outside.
func region(v View) (cv.Plane, error) {
	const coarse = 4 // a large disc on few pixels
	m, err := cv.ResizeGray(v.Skin, v.Skin.W/coarse, v.Skin.H/coarse)
	if err != nil {
		return cv.Plane{}, err
	}
	if m, err = cv.Morph(m, cv.Close, int(0.2*v.Frame.Unit)/coarse); err != nil {
		return cv.Plane{}, err
	}
	if m, err = cv.ResizeGray(m, v.Skin.W, v.Skin.H); err != nil {
		return cv.Plane{}, err
	}
	if m, err = cv.Morph(m, cv.Erode, int(0.03*v.Frame.Unit)); err != nil {
		return cv.Plane{}, err
	}
	p := cv.NewPlane(m.W, m.H)
	for i, x := range m.Pix {
		if x > 127 {
			p.Pix[i] = 1
		}
	}
	return cv.Gaussian(p, 0.02*v.Frame.Unit)
}

// flow is the smooth displacement from a to b. Squares are blanked in both and
// bridged from around.
func flow(a, b cv.Plane, squares []square, unit float64) (dx, dy cv.Plane, err error) {
	ga, gb := to8(a), to8(b)
	n := side(unit)
	for _, s := range squares {
		blank(ga, s, n)
	}
	// b is blanked where a first, coarse flow says that the squares are.
	if len(squares) > 0 {
		cx, cy, err := cv.Flow(ga, gb, cv.FlowOptions{FinestScale: 2, PatchSize: 8, PatchStride: 4, Iterations: 16, Variational: 5})
		if err != nil {
			return cx, cy, err
		}
		gb.Pix = append([]uint8(nil), gb.Pix...)
		for _, s := range squares {
			i := (s.y+n/2)*a.W + s.x + n/2
			blank(gb, square{s.x + int(math.Round(float64(cx.Pix[i]))), s.y + int(math.Round(float64(cy.Pix[i])))}, n)
		}
	}
	dx, dy, err = cv.Flow(ga, gb, cv.FlowOptions{FinestScale: 1, PatchSize: 8, PatchStride: 4, Iterations: 24, Variational: 5})
	if err != nil {
		return dx, dy, err
	}
	return smooth(a, b, dx, dy, squares, unit)
}

func to8(p cv.Plane) cv.Gray {
	g := cv.NewGray(p.W, p.H)
	for i, v := range p.Pix {
		g.Pix[i] = uint8(math.Round(math.Max(0, math.Min(255, 128+254*float64(v)))))
	}
	return g
}

func blank(g cv.Gray, s square, n int) {
	for y := max(s.y, 0); y < min(s.y+n, g.H); y++ {
		for x := max(s.x, 0); x < min(s.x+n, g.W); x++ {
			g.Pix[y*g.W+x] = 128
		}
	}
}

// smooth averages a flow over about 0.05 units with weights that grow with the
// local correlation of the two pictures under it.
func smooth(a, b, dx, dy cv.Plane, squares []square, unit float64) (sx, sy cv.Plane, err error) {
	w, err := agreement(a, b, dx, dy, unit)
	if err != nil {
		return sx, sy, err
	}
	n := side(unit)
	for _, s := range squares {
		for y := s.y; y < s.y+n; y++ {
			for x := s.x; x < s.x+n; x++ {
				w.Pix[y*w.W+x] = 0
			}
		}
	}
	wx, wy := cv.NewPlane(a.W, a.H), cv.NewPlane(a.W, a.H)
	for i, v := range w.Pix {
		wx.Pix[i], wy.Pix[i] = v*dx.Pix[i], v*dy.Pix[i]
	}
	// Two widths: where nothing near agrees, the wide one takes over.
	sx, sy = cv.NewPlane(a.W, a.H), cv.NewPlane(a.W, a.H)
	type level struct{ x, y, w cv.Plane }
	var levels []level
	for _, sigma := range []float64{0.045, 0.3} {
		var l level
		for _, p := range []struct {
			src cv.Plane
			dst *cv.Plane
		}{{wx, &l.x}, {wy, &l.y}, {w, &l.w}} {
			if *p.dst, err = blurWide(p.src, sigma*unit); err != nil {
				return sx, sy, err
			}
		}
		levels = append(levels, l)
	}
	for i := range sx.Pix {
		near, far := levels[0], levels[1]
		const prior = 0.02 // weight of the wide average
		den := near.w.Pix[i] + prior*far.w.Pix[i] + 1e-6
		sx.Pix[i] = (near.x.Pix[i] + prior*far.x.Pix[i]) / den
		sy.Pix[i] = (near.y.Pix[i] + prior*far.y.Pix[i]) / den
	}
	return sx, sy, nil
}

// blurWide is a Gaussian that works at half size where sigma is large.
func blurWide(p cv.Plane, sigma float64) (cv.Plane, error) {
	const full = 3.0
	if sigma <= full {
		return cv.Gaussian(p, sigma)
	}
	k := int(sigma / full)
	w, h := max(p.W/k, 1), max(p.H/k, 1)
	small, err := cv.ResizePlane(p, w, h)
	if err != nil {
		return cv.Plane{}, err
	}
	if small, err = cv.Gaussian(small, sigma*float64(w)/float64(p.W)); err != nil {
		return cv.Plane{}, err
	}
	return cv.ResizePlane(small, p.W, p.H)
}

// agreement is the local correlation, 0 to 1, of a and b carried back by the flow,
// over a Gaussian window of 0.04 units, times the local strength of a's detail.
func agreement(a, b, dx, dy cv.Plane, unit float64) (cv.Plane, error) {
	mx, my := cv.NewPlane(a.W, a.H), cv.NewPlane(a.W, a.H)
	for y := range a.H {
		for x := range a.W {
			i := y*a.W + x
			mx.Pix[i], my.Pix[i] = float32(x)+dx.Pix[i], float32(y)+dy.Pix[i]
		}
	}
	c, err := cv.RemapPlane(b, mx, my)
	if err != nil {
		return cv.Plane{}, err
	}
	var ab, aa, bb cv.Plane
	for _, p := range []struct {
		u, v cv.Plane
		out  *cv.Plane
	}{{a, c, &ab}, {a, a, &aa}, {c, c, &bb}} {
		q := cv.NewPlane(a.W, a.H)
		for i := range q.Pix {
			q.Pix[i] = p.u.Pix[i] * p.v.Pix[i]
		}
		if *p.out, err = blurWide(q, 0.04*unit); err != nil {
			return cv.Plane{}, err
		}
	}
	const floor = 1e-5 // detail of 0.3 % is noise
	for i := range ab.Pix {
		r := float64(ab.Pix[i]) / math.Sqrt((float64(aa.Pix[i])+floor)*(float64(bb.Pix[i])+floor))
		r = math.Max(r, 0)
		ab.Pix[i] = float32(r*r*r + 1e-4)
	}
	return ab, nil
}

// judge compares the held-out squares with the photo at the place that the flow
// around them predicts.
func judge(base, target View, dx, dy cv.Plane, squares []square) (Quality, error) {
	unit := base.Frame.Unit
	n := side(unit)
	reach := n // searched to both sides
	a, err := skinDetail(base)
	if err != nil {
		return Quality{}, err
	}
	b, err := skinDetail(target)
	if err != nil {
		return Quality{}, err
	}
	var q Quality
	var agree, residual []float64
	for _, s := range squares {
		i := (s.y+n/2)*a.W + s.x + n/2
		fx, fy := float64(dx.Pix[i]), float64(dy.Pix[i])
		tx, ty := s.x+int(math.Round(fx)), s.y+int(math.Round(fy))
		if tx < 0 || ty < 0 || tx+n > b.W || ty+n > b.H || covered(target.Skin, tx, ty, n) < 0.9 {
			continue
		}
		peak, at, ok := find(a, b, s, fx, fy, n, reach)
		if !ok {
			continue
		}
		q.Patches++
		agree = append(agree, at.here)
		if peak >= 0.5 && at.dist <= 0.75*float64(reach) {
			q.Inliers++
			residual = append(residual, at.dist/unit)
		}
	}
	common, all := 0, 0
	for i, v := range base.Skin.Pix {
		if v == 0 {
			continue
		}
		all++
		x, y := i%a.W+int(math.Round(float64(dx.Pix[i]))), i/a.W+int(math.Round(float64(dy.Pix[i])))
		if x >= 0 && y >= 0 && x < b.W && y < b.H && target.Skin.Pix[y*b.W+x] != 0 {
			common++
		}
	}
	if all > 0 {
		q.Overlap = float64(common) / float64(all)
	}
	q.Agreement = quantile(agree, 0.5)
	q.ResidualUnits = quantile(residual, 0.5)
	return q, nil
}

// skinDetail is what tells one person's skin from another's: log luminance between
// about 0.3 and 6 mm, weighted to skin, without shading.
func skinDetail(v View) (cv.Plane, error) {
	l, err := logLight(v.RGB)
	if err != nil {
		return cv.Plane{}, err
	}
	fine, err := cv.Gaussian(l, 0.005*v.Frame.Unit)
	if err != nil {
		return cv.Plane{}, err
	}
	low, err := cv.MaskedGaussian(l, v.Skin, 0.03*v.Frame.Unit)
	if err != nil {
		return cv.Plane{}, err
	}
	for i := range fine.Pix {
		if v.Skin.Pix[i] == 0 {
			fine.Pix[i] = 0
		} else {
			fine.Pix[i] -= low.Pix[i]
		}
	}
	return fine, nil
}

// found is where a square's skin is.
type found struct {
	here float64 // correlation at the predicted place
	dist float64 // from the predicted to the best place, frame px
}

// find searches the skin of a square around its predicted place.
func find(a, b cv.Plane, s square, fx, fy float64, n, reach int) (peak float64, at found, ok bool) {
	templ := cv.NewPlane(n, n)
	for y := range n {
		copy(templ.Pix[y*n:(y+1)*n], a.Pix[(s.y+y)*a.W+s.x:])
	}
	// The window is resampled at the predicted sub-pixel place.
	w := n + 2*reach
	mx, my := cv.NewPlane(w, w), cv.NewPlane(w, w)
	for y := range w {
		for x := range w {
			mx.Pix[y*w+x] = float32(float64(s.x+x-reach) + fx)
			my.Pix[y*w+x] = float32(float64(s.y+y-reach) + fy)
		}
	}
	window, err := cv.RemapPlane(b, mx, my)
	if err != nil {
		return 0, at, false
	}
	r, err := cv.Match(window, templ)
	if err != nil {
		return 0, at, false
	}
	best := 0
	for i, v := range r.Pix {
		if v > r.Pix[best] {
			best = i
		}
	}
	px, py := best%r.W, best/r.W
	ox, oy := subpixel(r, px, py)
	at.here = float64(r.Pix[reach*r.W+reach])
	at.dist = math.Hypot(float64(px-reach)+ox, float64(py-reach)+oy)
	return float64(r.Pix[best]), at, true
}

// subpixel is the vertex of the parabolas through a peak and its neighbours.
func subpixel(r cv.Plane, x, y int) (ox, oy float64) {
	vertex := func(l, c, h float32) float64 {
		d := float64(l - 2*c + h)
		if d >= 0 {
			return 0
		}
		return math.Max(-0.5, math.Min(0.5, float64(l-h)/(2*d)))
	}
	i := y*r.W + x
	if x > 0 && x < r.W-1 {
		ox = vertex(r.Pix[i-1], r.Pix[i], r.Pix[i+1])
	}
	if y > 0 && y < r.H-1 {
		oy = vertex(r.Pix[i-r.W], r.Pix[i], r.Pix[i+r.W])
	}
	return ox, oy
}

// quantile is the value below which the share q lies, by nearest rank; NaN for
// none.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	s := append([]float64(nil), v...)
	sort.Float64s(s)
	return s[min(int(q*float64(len(s))), len(s)-1)]
}
