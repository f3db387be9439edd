package segment

import (
	"fmt"
	"math"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// Channels of a grid.
const (
	red = iota
	green
	blue
)

// grid is a zone at one resolution: optical density with the slow shading taken
// out, 0 outside the skin, so that the edge of the mask is no edge of the signal.
type grid struct {
	w, h  int
	scale float64 // px/mm of the grid
	blur  float64 // sigma of the point spread function, px of the grid
	noise float64 // SD of the pixel noise of green, OD
	skin  cv.Gray
	od    [3]cv.Plane // flat-fielded
	index cv.Plane    // erythema index, 100*(OD green - OD red), as it is

	made *made
}

// made is what was derived from a grid, so that it is derived once; what is in it
// is read only.
type made struct {
	coarser map[float64]grid // by the scale asked for
	scars   map[scarBand]scarPlanes
}

// withBlur is the grid, with what was made of it, of a photo that is told to be blurred
// by another sigma, px.
func (g grid) withBlur(blur float64) grid {
	out := g
	out.blur, out.made = blur, newMade()
	for pxPerMM, c := range g.made.coarser {
		out.made.coarser[pxPerMM] = c.withBlur(blur * (pxPerMM / g.scale))
	}
	for band, s := range g.made.scars {
		s.grid = out
		if c, ok := out.made.coarser[band.pxPerMM]; ok {
			s.grid = c
		}
		out.made.scars[band] = s
	}
	return out
}

func newMade() *made {
	return &made{coarser: map[float64]grid{}, scars: map[scarBand]scarPlanes{}}
}

const (
	// flatSigmaMM is wider than every object that is looked for, as flat-fielding
	// must take the light and leave the skin.
	flatSigmaMM = 3.0
	// flatPxPerMM is fine enough for a field that smooth.
	flatPxPerMM = 1.5
	// maxOD is the density of the darkest value that is still told from black.
	maxOD = 3.0
)

// check refuses a patch whose parts do not fit together.
func check(p *metrics.Patch) error {
	if p == nil {
		return fmt.Errorf("segment: no patch")
	}
	w, h := p.G.W, p.G.H
	if w < 1 || h < 1 {
		return fmt.Errorf("segment: empty patch, %dx%d", w, h)
	}
	for _, q := range []metrics.Plane{p.R, p.G, p.B} {
		if q.W != w || q.H != h || len(q.Pix) != w*h {
			return fmt.Errorf("segment: planes of %dx%d with %d values in a patch of %dx%d", q.W, q.H, len(q.Pix), w, h)
		}
	}
	if p.Skin.W != w || p.Skin.H != h || len(p.Skin.Pix) != w*h {
		return fmt.Errorf("segment: skin mask of %dx%d with %d values in a patch of %dx%d", p.Skin.W, p.Skin.H, len(p.Skin.Pix), w, h)
	}
	return nil
}

// newGrid takes optical density from a patch at its own resolution.
func newGrid(p *metrics.Patch) (grid, error) {
	g := grid{w: p.G.W, h: p.G.H, scale: p.PxPerMM, blur: p.BlurPx, noise: p.NoiseOD, skin: cv.Gray(p.Skin), made: newMade()}
	for c, plane := range []metrics.Plane{p.R, p.G, p.B} {
		g.od[c] = density(plane)
	}
	g.index = cv.NewPlane(g.w, g.h)
	for i := range g.index.Pix {
		g.index.Pix[i] = 100 * (g.od[green].Pix[i] - g.od[red].Pix[i])
	}
	return g, g.flatten()
}

// density is -log10 of linear light, kept within 0 to maxOD.
func density(p metrics.Plane) cv.Plane {
	out := cv.NewPlane(p.W, p.H)
	for i, v := range p.Pix {
		switch {
		case !(v > 1e-3): // also NaN
			out.Pix[i] = maxOD
		case v < 1:
			out.Pix[i] = float32(-math.Log10(float64(v)))
		}
	}
	return out
}

// flatten subtracts the local mean over skin from every channel.
func (g *grid) flatten() error {
	s, err := newShader(g.skin, g.scale, flatSigmaMM)
	if err != nil {
		return err
	}
	for c := range g.od {
		flat, err := s.shading(g.od[c])
		if err != nil {
			return err
		}
		subtract(g.od[c], flat, g.skin)
	}
	return nil
}

// subtract takes b from a inside mask and sets a to 0 outside.
func subtract(a, b cv.Plane, mask cv.Gray) {
	for i, m := range mask.Pix {
		if m == 0 {
			a.Pix[i] = 0
			continue
		}
		a.Pix[i] -= b.Pix[i]
	}
}

// shader takes the slow part out of planes that share a mask.
type shader struct {
	reducer
	masked *cv.Masked // on what was reduced
}

func newShader(mask cv.Gray, scale, sigmaMM float64) (s shader, err error) {
	target := math.Max(flatPxPerMM, 4/sigmaMM)
	if s.reducer, err = newReducer(mask, math.Min(1, target/scale)); err != nil {
		return s, err
	}
	s.masked, err = cv.NewMasked(s.small, sigmaMM*scale*float64(s.small.W)/float64(mask.W))
	return s, err
}

// shading returns the slow part of p over the mask. A masked
// mean leans inwards at the edge of the mask, where a steep gradient would be
// left as a false rim; smoothing the remainder once more takes that bias out.
func (s shader) shading(p cv.Plane) (cv.Plane, error) {
	small, err := s.reduce(p)
	if err != nil {
		return cv.Plane{}, err
	}
	sum := cv.NewPlane(small.W, small.H)
	for range 2 {
		rest := cv.NewPlane(small.W, small.H)
		for i := range rest.Pix {
			if s.small.Pix[i] != 0 {
				rest.Pix[i] = small.Pix[i] - sum.Pix[i]
			}
		}
		step, err := s.masked.Gaussian(rest)
		if err != nil {
			return cv.Plane{}, err
		}
		for i, v := range step.Pix {
			sum.Pix[i] += v
		}
	}
	return cv.ResizePlane(sum, p.W, p.H)
}

// reducer shrinks planes under one mask, averaging masked pixels only.
type reducer struct {
	mask   cv.Gray  // of the planes
	small  cv.Gray  // cells of which at least half was masked
	weight cv.Plane // masked part of each cell; nothing where planes stay as they are
}

// newReducer shrinks by factor (at most 1).
func newReducer(mask cv.Gray, factor float64) (reducer, error) {
	if factor >= 1 {
		return reducer{mask: mask, small: mask}, nil
	}
	ones := cv.NewPlane(mask.W, mask.H)
	for i, m := range mask.Pix {
		if m != 0 {
			ones.Pix[i] = 1
		}
	}
	w, h := max(1, int(math.Round(float64(mask.W)*factor))), max(1, int(math.Round(float64(mask.H)*factor)))
	weight, err := cv.ResizePlane(ones, w, h)
	if err != nil {
		return reducer{}, err
	}
	r := reducer{mask, cv.NewGray(w, h), weight}
	for i, v := range weight.Pix {
		if v >= 0.5 {
			r.small.Pix[i] = 255
		}
	}
	return r, nil
}

func (r reducer) reduce(p cv.Plane) (cv.Plane, error) {
	if len(r.weight.Pix) == 0 {
		return p, nil
	}
	inside := cv.NewPlane(p.W, p.H)
	for i, m := range r.mask.Pix {
		if m != 0 {
			inside.Pix[i] = p.Pix[i]
		}
	}
	out, err := cv.ResizePlane(inside, r.small.W, r.small.H)
	if err != nil {
		return cv.Plane{}, err
	}
	for i, m := range r.small.Pix {
		if m != 0 {
			out.Pix[i] /= r.weight.Pix[i]
		} else {
			out.Pix[i] = 0
		}
	}
	return out, nil
}

// coarser returns the grid at about the given scale, or itself where it is no
// finer.
func (g grid) coarser(pxPerMM float64) (grid, error) {
	f := pxPerMM / g.scale
	if f >= 0.95 {
		return g, nil
	}
	if out, ok := g.made.coarser[pxPerMM]; ok {
		return out, nil
	}
	out := grid{noise: g.noise * f, blur: g.blur * f, made: newMade()}
	r, err := newReducer(g.skin, f)
	if err != nil {
		return grid{}, err
	}
	out.skin = r.small
	for c := range g.od {
		if out.od[c], err = r.reduce(g.od[c]); err != nil {
			return grid{}, err
		}
	}
	if out.index, err = r.reduce(g.index); err != nil {
		return grid{}, err
	}
	out.w, out.h = out.skin.W, out.skin.H
	out.scale = g.scale * math.Sqrt(float64(out.w*out.h)/float64(g.w*g.h))
	g.made.coarser[pxPerMM] = out
	return out, nil
}

// areaMM2 is the area of skin.
func (g grid) areaMM2() float64 {
	n := 0
	for _, m := range g.skin.Pix {
		if m != 0 {
			n++
		}
	}
	return float64(n) / (g.scale * g.scale)
}

// inner marks skin further than marginMM from its edge, not counting holes up to
// a millimetre wide (glare, single hairs) as edges. The border of the patch is an
// edge.
func (g grid) inner(marginMM float64) (cv.Gray, error) {
	close, erode := int(math.Round(0.5*g.scale)), max(1, int(math.Round(marginMM*g.scale)))
	m := g.skin
	var err error
	if close >= 1 {
		if m, err = cv.Morph(m, cv.Close, min(close, 500)); err != nil {
			return cv.Gray{}, err
		}
	}
	if m, err = cv.Morph(m, cv.Erode, min(erode, 500)); err != nil {
		return cv.Gray{}, err
	}
	for y := range g.h { // OpenCV takes what is beyond the picture for inside
		for x := range g.w {
			if x < erode || y < erode || x >= g.w-erode || y >= g.h-erode {
				m.Pix[y*g.w+x] = 0
			}
		}
	}
	return m, nil
}

// spread is the robust standard deviation (1.4826 MAD) of p over mask, and its
// median; NaN where the mask is empty. At most about 50000 pixels are looked at.
func spread(p cv.Plane, mask cv.Gray) (median, sd float64) {
	var v []float32
	step := max(1, len(p.Pix)/50000)
	for i := 0; i < len(p.Pix); i += step {
		if mask.Pix[i] != 0 {
			v = append(v, p.Pix[i])
		}
	}
	return metrics.MADPixels(v)
}
