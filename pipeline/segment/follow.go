package segment

import (
	"fmt"
	"math"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// FollowScars measures the scars of the baseline where the alignment puts them in
// a later photo, whether they are found there again or not: one object for each
// connected region of outlines, which has the size of p, by y and x. Contrast is
// not compared with any threshold.
//
// The mean contrast of the scars that are found is no measure of change: the faint
// ones drop below the threshold as they heal, and those that are left keep the
// mean up. The mean over followed scars falls as they do.
//
// The result is nil, with the reason as an error that wraps
// [metrics.ErrUndefined], where the photo is too coarse or has no scale. The type
// of a followed scar is empty: the baseline knows it.
func (s *Scene) FollowScars(outlines metrics.Mask) ([]metrics.Object, error) {
	p := s.patch
	if err := check(p); err != nil {
		return nil, err
	}
	if outlines.W != p.G.W || outlines.H != p.G.H || len(outlines.Pix) != outlines.W*outlines.H {
		return nil, fmt.Errorf("segment: outlines of %dx%d in a patch of %dx%d", outlines.W, outlines.H, p.G.W, p.G.H)
	}
	if why, no := missing(p.PxPerMM)[metrics.Scars]; no {
		return nil, fmt.Errorf("scars: %s: %w", why, metrics.ErrUndefined)
	}
	full, err := s.grid()
	if err != nil {
		return nil, err
	}
	planes, err := newScarPlanes(full, steepBand)
	if err != nil {
		return nil, err
	}
	mask, err := cv.ResizeGray(cv.Gray(outlines), planes.w, planes.h)
	if err != nil {
		return nil, err
	}
	for i, v := range mask.Pix {
		if v < 128 || planes.skin.Pix[i] == 0 {
			mask.Pix[i] = 0
		}
	}
	return planes.measure(mask, make([]string, planes.w*planes.h), full)
}

// followRadiusMM is how far from its mapped place a pore is looked for: the
// registration error, and less than the spacing of pores.
const followRadiusMM = 0.25

// FollowPores measures the pores of the baseline in a later photo: the same pores,
// in the order given, whether they are found there again or not. Each place is a
// pore of the baseline where the alignment puts it, with its diameter, both in
// pixels of p; what comes back has the contrast that a pore of that diameter has
// there, at the best fit within 0.25 mm: in proportion when a pore pales, by about a
// quarter when it shrinks to half, and with no threshold. The size that comes back
// is that of the baseline, since a vanishing pore has none that could be measured. A
// place outside the skin gives an object of kind "" without contrast.
//
// Where a pore has gone, the darkest texture nearby is measured in its stead, so
// that a large fall is read a little too small.
//
// The error wraps [metrics.ErrUndefined] where the photo is too coarse or has no
// scale.
func (s *Scene) FollowPores(places []metrics.Object) ([]metrics.Object, error) {
	p := s.patch
	if err := check(p); err != nil {
		return nil, err
	}
	if why, no := missing(p.PxPerMM)[metrics.Pores]; no {
		return nil, fmt.Errorf("pores: %s: %w", why, metrics.ErrUndefined)
	}
	g, err := s.grid()
	if err != nil {
		return nil, err
	}
	scales, err := blobScales(g.od[green], poreSigmas(g))
	if err != nil {
		return nil, err
	}
	out := make([]metrics.Object, len(places))
	for k, o := range places {
		if amplitude, ok := g.amplitude(scales[:len(poreDiametersMM)], o); ok {
			out[k] = o
			out[k].Kind, out[k].Contrast = metrics.Pore, discMean*amplitude
		}
	}
	return out, nil
}

// amplitude is that of a dark Gaussian of o's diameter, fitted to the responses at
// the place near o where it is largest.
func (g grid) amplitude(scales []blobScale, o metrics.Object) (float64, bool) {
	blob := math.Hypot(o.Diameter/(2*math.Sqrt2), g.blur)
	weights, norm := make([]float64, len(scales)), 0.0
	for s := range scales {
		weights[s] = gaussianResponse(blob, scales[s].sigma)
		norm += weights[s] * weights[s]
	}
	if !(norm > 0) {
		return 0, false
	}
	r := followRadiusMM * g.scale
	best, ok := math.Inf(-1), false
	for y := max(1, int(math.Ceil(o.Y-r))); y <= min(g.h-2, int(math.Floor(o.Y+r))); y++ {
		for x := max(1, int(math.Ceil(o.X-r))); x <= min(g.w-2, int(math.Floor(o.X+r))); x++ {
			i := y*g.w + x
			if g.skin.Pix[i] == 0 || math.Hypot(float64(x)-o.X, float64(y)-o.Y) > r {
				continue
			}
			sum := 0.0
			for s, w := range weights {
				sum += w * float64(scales[s].response.Pix[i])
			}
			best, ok = max(best, sum/norm), true
		}
	}
	return best, ok
}
