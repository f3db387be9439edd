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
	for c := range g.od {
		flat, err := shading(g.od[c], g.skin, g.scale, flatSigmaMM)
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

// shading returns the slow part of p over mask, sigma in millimetres. A masked
// mean leans inwards at the edge of the mask, where a steep gradient would be
// left as a false rim; smoothing the remainder once more takes that bias out.
func shading(p cv.Plane, mask cv.Gray, scale, sigmaMM float64) (cv.Plane, error) {
	target := math.Max(flatPxPerMM, 4/sigmaMM)
	small, weight, err := reduce(p, mask, math.Min(1, target/scale))
	if err != nil {
		return cv.Plane{}, err
	}
	sigma := sigmaMM * scale * float64(small.W) / float64(p.W)
	sum := cv.NewPlane(small.W, small.H)
	for range 2 {
		rest := cv.NewPlane(small.W, small.H)
		for i := range rest.Pix {
			if weight.Pix[i] != 0 {
				rest.Pix[i] = small.Pix[i] - sum.Pix[i]
			}
		}
		step, err := cv.MaskedGaussian(rest, weight, sigma)
		if err != nil {
			return cv.Plane{}, err
		}
		for i, v := range step.Pix {
			sum.Pix[i] += v
		}
	}
	return cv.ResizePlane(sum, p.W, p.H)
}

// reduce shrinks a masked plane by factor (at most 1), averaging masked pixels
// only; the mask returned marks cells of which at least half was masked.
func reduce(p cv.Plane, mask cv.Gray, factor float64) (cv.Plane, cv.Gray, error) {
	if factor >= 1 {
		return p, mask, nil
	}
	w, h := max(1, int(math.Round(float64(p.W)*factor))), max(1, int(math.Round(float64(p.H)*factor)))
	num, den := cv.NewPlane(p.W, p.H), cv.NewPlane(p.W, p.H)
	for i, m := range mask.Pix {
		if m != 0 {
			num.Pix[i], den.Pix[i] = p.Pix[i], 1
		}
	}
	n, err := cv.ResizePlane(num, w, h)
	if err != nil {
		return cv.Plane{}, cv.Gray{}, err
	}
	d, err := cv.ResizePlane(den, w, h)
	if err != nil {
		return cv.Plane{}, cv.Gray{}, err
	}
	out := cv.NewGray(w, h)
	for i, weight := range d.Pix {
		if weight >= 0.5 {
			n.Pix[i] /= weight
			out.Pix[i] = 255
		} else {
			n.Pix[i] = 0
		}
	}
	return n, out, nil
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
	for c := range g.od {
		p, m, err := reduce(g.od[c], g.skin, f)
		if err != nil {
			return grid{}, err
		}
		out.od[c], out.skin = p, m
	}
	var err error
	if out.index, _, err = reduce(g.index, g.skin, f); err != nil {
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
