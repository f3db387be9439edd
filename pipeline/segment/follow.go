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
func FollowScars(p *metrics.Patch, outlines metrics.Mask) ([]metrics.Object, error) {
	if err := check(p); err != nil {
		return nil, err
	}
	if outlines.W != p.G.W || outlines.H != p.G.H || len(outlines.Pix) != outlines.W*outlines.H {
		return nil, fmt.Errorf("segment: outlines of %dx%d in a patch of %dx%d", outlines.W, outlines.H, p.G.W, p.G.H)
	}
	if why, no := missing(p.PxPerMM)[metrics.Scars]; no {
		return nil, fmt.Errorf("scars: %s: %w", why, metrics.ErrUndefined)
	}
	full, err := newGrid(p)
	if err != nil {
		return nil, err
	}
	s, err := newScarPlanes(full, steepBand)
	if err != nil {
		return nil, err
	}
	mask, err := cv.ResizeGray(cv.Gray(outlines), s.w, s.h)
	if err != nil {
		return nil, err
	}
	for i, v := range mask.Pix {
		if v < 128 || s.skin.Pix[i] == 0 {
			mask.Pix[i] = 0
		}
	}
	return s.measure(mask, make([]string, s.w*s.h), full)
}

// followRadiusMM is how far from its mapped place a pore is looked for: the
// registration error, and less than the spacing of pores.
const followRadiusMM = 0.25

// FollowPores measures the pores of the baseline at the places (pixels of p) where
// the alignment puts them, each at the strongest response within 0.25 mm, against
// no threshold: the same pores in every session, in the order given. A place
// outside the skin gives an object of kind "" that has no measure. Where a pore has
// gone, the strongest response of the texture is measured in its stead, so that a
// change is read a little too small, never too large.
//
// The error wraps [metrics.ErrUndefined] where the photo is too coarse or has no
// scale.
func FollowPores(p *metrics.Patch, places []metrics.Object) ([]metrics.Object, error) {
	if err := check(p); err != nil {
		return nil, err
	}
	if why, no := missing(p.PxPerMM)[metrics.Pores]; no {
		return nil, fmt.Errorf("pores: %s: %w", why, metrics.ErrUndefined)
	}
	g, err := newGrid(p)
	if err != nil {
		return nil, err
	}
	scales, err := blobScales(g.od[green], poreSigmas(g))
	if err != nil {
		return nil, err
	}
	out := make([]metrics.Object, len(places))
	for k, o := range places {
		if c, ok := strongest(g, scales, o.X, o.Y); ok {
			sigma, amplitude := fitGaussian(scales, c.at, c.scale)
			out[k] = g.pore(float64(c.at%g.w), float64(c.at/g.w), sigma, amplitude)
		}
	}
	return out, nil
}

// strongest is the largest response of the pore scales near a place on skin.
func strongest(g grid, scales []blobScale, x, y float64) (candidate, bool) {
	r := followRadiusMM * g.scale
	best, ok := candidate{score: math.Inf(-1)}, false
	for v := max(1, int(math.Ceil(y-r))); v <= min(g.h-2, int(math.Floor(y+r))); v++ {
		for u := max(1, int(math.Ceil(x-r))); u <= min(g.w-2, int(math.Floor(x+r))); u++ {
			i := v*g.w + u
			if g.skin.Pix[i] == 0 || math.Hypot(float64(u)-x, float64(v)-y) > r {
				continue
			}
			for s := range poreDiametersMM {
				if score := float64(scales[s].response.Pix[i]); score > best.score {
					best, ok = candidate{at: i, scale: s, score: score}, true
				}
			}
		}
	}
	return best, ok
}
