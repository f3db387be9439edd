package segment

import (
	"fmt"

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
