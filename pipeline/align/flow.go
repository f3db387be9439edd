package align

import (
	"image"
	"math"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

// picture is a view as the flow sees it: its detail, and how far each pixel lies
// inside the face, 0 to 1.
type picture struct{ detail, seen cv.Plane }

// look makes the picture of a view. Its detail is log luminance without what is much
// wider than 2 to 3 mm. Outside the face it fades to nothing, and what is wide is
// averaged over the face alone, so that hair, clothes, background and the edge of the
// photo have no say.
func look(v View) (picture, error) {
	l, err := logLight(v.RGB)
	if err != nil {
		return picture{}, err
	}
	whole, weight, err := region(v)
	if err != nil {
		return picture{}, err
	}
	inside := cv.NewPlane(l.W, l.H)
	for i, w := range whole.Pix {
		inside.Pix[i] = w * l.Pix[i]
	}
	low, err := blurWide(inside, 0.04*v.Frame.Unit)
	if err != nil {
		return picture{}, err
	}
	share, err := blurWide(whole, 0.04*v.Frame.Unit)
	if err != nil {
		return picture{}, err
	}
	for i := range l.Pix {
		if weight.Pix[i] < 0.01 || share.Pix[i] < 0.01 {
			l.Pix[i] = 0
			continue
		}
		d := float64(l.Pix[i] - low.Pix[i]/share.Pix[i])
		l.Pix[i] = float32(d/math.Sqrt(1+d*d*4)) * weight.Pix[i] // strong edges (hair, nostrils) are held back
	}
	return picture{l, weight}, nil
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

// region marks the face, skin closed over eyes, brows and mouth: whole is 1 on it and
// 0 outside, faded is 1 well inside and fades to 0 at its border.
func region(v View) (whole, faded cv.Plane, err error) {
	const coarse = 4 // a large disc on few pixels
	m, err := cv.ResizeGray(v.Skin, v.Skin.W/coarse, v.Skin.H/coarse)
	if err != nil {
		return whole, faded, err
	}
	if m, err = cv.Morph(m, cv.Close, int(0.2*v.Frame.Unit)/coarse); err != nil {
		return whole, faded, err
	}
	if m, err = cv.ResizeGray(m, v.Skin.W, v.Skin.H); err != nil {
		return whole, faded, err
	}
	whole = binary(m)
	if m, err = cv.Morph(m, cv.Erode, int(0.03*v.Frame.Unit)); err != nil {
		return whole, faded, err
	}
	faded, err = cv.Gaussian(binary(m), 0.02*v.Frame.Unit)
	return whole, faded, err
}

// binary is 1 where a mask is set and 0 elsewhere.
func binary(m cv.Gray) cv.Plane {
	p := cv.NewPlane(m.W, m.H)
	for i, x := range m.Pix {
		if x > 127 {
			p.Pix[i] = 1
		}
	}
	return p
}

// flow is the smooth displacement from a to b. Squares are blanked in both and
// bridged from around.
func flow(a, b picture, squares []square, unit float64) (dx, dy cv.Plane, err error) {
	ga, gb := to8(a.detail), to8(b.detail)
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
			i := (s.y+n/2)*ga.W + s.x + n/2
			blank(gb, square{s.x + int(math.Round(float64(cx.Pix[i]))), s.y + int(math.Round(float64(cy.Pix[i])))}, n)
		}
	}
	dx, dy, err = cv.Flow(ga, gb, cv.FlowOptions{FinestScale: finest, PatchSize: 8, PatchStride: 4, Iterations: 24, Variational: 5})
	if err != nil {
		return dx, dy, err
	}
	return smooth(a, b, dx, dy, squares, unit)
}

// half is a plane at half its resolution.
func half(p cv.Plane) (cv.Plane, error) { return cv.ResizePlane(p, p.W/2, p.H/2) }

// atHalf is a picture at half its resolution.
func (p picture) atHalf() (q picture, err error) {
	if q.detail, err = half(p.detail); err != nil {
		return q, err
	}
	q.seen, err = half(p.seen)
	return q, err
}

func to8(p cv.Plane) cv.Gray {
	g := cv.NewGray(p.W, p.H)
	for i, v := range p.Pix {
		g.Pix[i] = uint8(max(0, min(255, 128+254*float64(v))) + 0.5)
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
// local correlation of the two pictures under it. What is averaged is what remains
// beside the motion of the face as a whole, so that where little agrees, at the rim
// and on skin without any marks, that motion is continued and not the nearest value.
//
// All of that varies slowly, so that half the resolution is enough.
func smooth(a, b picture, dx, dy cv.Plane, squares []square, unit float64) (sx, sy cv.Plane, err error) {
	full := image.Pt(dx.W, dx.H)
	for _, p := range []*picture{&a, &b} {
		if *p, err = p.atHalf(); err != nil {
			return sx, sy, err
		}
	}
	for _, p := range []*cv.Plane{&dx, &dy} {
		if *p, err = half(*p); err != nil {
			return sx, sy, err
		}
		multiply(*p, 0.5)
	}
	unit /= 2
	w, err := agreement(a, b, dx, dy, unit)
	if err != nil {
		return sx, sy, err
	}
	n := side(2 * unit)
	for _, s := range squares {
		for y := s.y / 2; y < (s.y+n)/2; y++ {
			for x := s.x / 2; x < (s.x+n)/2; x++ {
				w.Pix[y*w.W+x] = 0
			}
		}
	}
	trendX, trendY := trend(dx, dy, w)
	wx, wy := cv.NewPlane(w.W, w.H), cv.NewPlane(w.W, w.H)
	for i, v := range w.Pix {
		wx.Pix[i], wy.Pix[i] = v*(dx.Pix[i]-trendX.Pix[i]), v*(dy.Pix[i]-trendY.Pix[i])
	}
	// Two widths: where nothing near agrees, the wide one takes over.
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
	sx, sy = trendX, trendY
	for i := range sx.Pix {
		near, far := levels[0], levels[1]
		const prior = 0.02 // weight of the wide average
		den := near.w.Pix[i] + prior*far.w.Pix[i] + 1e-6
		sx.Pix[i] += (near.x.Pix[i] + prior*far.x.Pix[i]) / den
		sy.Pix[i] += (near.y.Pix[i] + prior*far.y.Pix[i]) / den
	}
	for _, p := range []*cv.Plane{&sx, &sy} {
		multiply(*p, 2)
		if *p, err = cv.ResizePlane(*p, full.X, full.Y); err != nil {
			return sx, sy, err
		}
	}
	return sx, sy, nil
}

func multiply(p cv.Plane, k float32) {
	for i := range p.Pix {
		p.Pix[i] *= k
	}
}

// trend is the polynomial of second degree that fits a flow best under the weights
// w: what a head does by moving, turning and coming nearer, to that degree.
func trend(dx, dy, w cv.Plane) (tx, ty cv.Plane) {
	terms := func(i int) [6]float64 {
		const unit = 200 // any that keeps the numbers near 1
		u, v := float64(i%w.W-w.W/2)/unit, float64(i/w.W-w.H/2)/unit
		return [6]float64{1, u, v, u * u, u * v, v * v}
	}
	n := make([][]float64, 6)
	for k := range n {
		n[k] = make([]float64, 8)
		n[k][k] = 1e-6
	}
	const step = 2
	for y := 0; y < w.H; y += step {
		for x := 0; x < w.W; x += step {
			i := y*w.W + x
			f, weight := terms(i), float64(w.Pix[i])
			for a := range f {
				for b := range f {
					n[a][b] += weight * f[a] * f[b]
				}
				n[a][6] += weight * f[a] * float64(dx.Pix[i])
				n[a][7] += weight * f[a] * float64(dy.Pix[i])
			}
		}
	}
	tx, ty = cv.NewPlane(w.W, w.H), cv.NewPlane(w.W, w.H)
	if !solve(n) {
		return tx, ty
	}
	for i := range tx.Pix {
		var x, y float64
		for k, f := range terms(i) {
			x, y = x+f*n[k][6], y+f*n[k][7]
		}
		tx.Pix[i], ty.Pix[i] = float32(x), float32(y)
	}
	return tx, ty
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
// over a Gaussian window of 0.04 units, times the local strength of a's detail; next
// to nothing where one of them does not see the face.
func agreement(a, b picture, dx, dy cv.Plane, unit float64) (cv.Plane, error) {
	mx, my := positions(dx, dy)
	c, err := cv.RemapPlane(b.detail, mx, my)
	if err != nil {
		return cv.Plane{}, err
	}
	seen, err := cv.RemapPlane(b.seen, mx, my)
	if err != nil {
		return cv.Plane{}, err
	}
	var ab, aa, cc cv.Plane
	for _, p := range []struct {
		u, v cv.Plane
		out  *cv.Plane
	}{{a.detail, c, &ab}, {a.detail, a.detail, &aa}, {c, c, &cc}} {
		q := cv.NewPlane(c.W, c.H)
		for i := range q.Pix {
			q.Pix[i] = p.u.Pix[i] * p.v.Pix[i]
		}
		if *p.out, err = blurWide(q, 0.04*unit); err != nil {
			return cv.Plane{}, err
		}
	}
	const floor = 1e-5 // detail of 0.3 % is noise
	for i := range ab.Pix {
		r := float64(ab.Pix[i]) / math.Sqrt((float64(aa.Pix[i])+floor)*(float64(cc.Pix[i])+floor))
		r = math.Max(r, 0)
		ab.Pix[i] = float32(r*r*r*float64(a.seen.Pix[i]*seen.Pix[i]) + 1e-4)
	}
	return ab, nil
}
