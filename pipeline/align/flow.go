package align

import (
	"math"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

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
