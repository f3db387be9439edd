package metrics

import "math"

// Levels that are frozen at baseline lie this many robust standard deviations
// (MAD * 1.4826) above the median of the baseline's skin, and never below the
// floor, which is about what an observer can just see: one unit of erythema
// index is 0.85 of a*, an optical density of 0.02 is 5 % of reflected red.
const (
	redMADs    = 2
	brownMADs  = 3
	redFloor   = 1.0  // log10x100
	brownFloor = 0.02 // OD
)

// NewReference takes untreated or stable skin of a photo as reference for its
// other zones; source names it in reports and must not be empty. Without enough
// skin the error wraps [ErrUndefined].
func NewReference(p *Patch, source string) (Reference, error) {
	if err := p.check(0); err != nil {
		return Reference{}, err
	}
	ei, err := p.erythema()
	if err != nil {
		return Reference{}, err
	}
	mi, err := p.melanin()
	return Reference{ErythemaIndex: ei, MelaninIndex: mi, Source: source}, err
}

// Freeze fixes the levels of a series from the baseline photo. The patch should
// be its reference skin; then RedLevel is 2 robust standard deviations of the
// erythema index above its mean there. For a patch with a Ref of other
// skin the difference of the means is added, so that the level is 2 deviations
// above the patch's own mean. BrownLevel is 3 robust standard deviations
// of brownness above the local surround.
//
// A level that cannot be fixed (too little skin, no scale) is NaN, and the
// measures that need it are undefined.
func Freeze(baseline *Patch) Frozen {
	f := Frozen{RedLevel: math.NaN(), BrownLevel: math.NaN()}
	if baseline.check(0) != nil {
		return f
	}
	if median, mad, ok := baseline.spread(baseline.redness); ok {
		if baseline.Ref.Source != "" {
			median -= baseline.Ref.ErythemaIndex
		} else {
			median = 0
		}
		f.RedLevel = median + max(redMADs*mad, redFloor)
	}
	if baseline.check(brownAreaFraction.NeedsPxPerMM) == nil {
		if median, mad, ok := baseline.spread(baseline.brownness); ok {
			f.BrownLevel = max(median+brownMADs*mad, brownFloor)
		}
	}
	return f
}

// spread gives median and robust standard deviation of a plane over skin.
func (p *Patch) spread(plane func() []float32) (median, mad float64, ok bool) {
	at, err := p.samples()
	if err != nil {
		return math.NaN(), math.NaN(), false
	}
	all := plane()
	x := make([]float32, len(at))
	for k, i := range at {
		x[k] = all[i]
	}
	median, mad = MADPixels(x)
	return median, mad, true
}
