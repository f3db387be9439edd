package align

import (
	"math"
	"sort"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

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
