package face

import (
	"fmt"
	"math"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

// What patterns that are no faces seldom have, though a pair of dark discs can be
// found in most of them. 44 photos of people, half of them smiling, have a symmetry
// of 0.76 and more and a support of 0.42 and more.
const (
	minSymmetry = 0.6
	minSupport  = 0.25
)

// plausible refuses, wrapping ErrNoFace, what was taken for a face and is none.
func plausible(rgb cv.RGB, f *Face) error {
	if s := math.Min(f.Right.Support, f.Left.Support); s < minSupport {
		return fmt.Errorf("%w with two open eyes is found: of the border of one iris only %.0f %% is seen%s", ErrNoFace, 100*s, orLight)
	}
	s, err := symmetry(rgb, f)
	if err != nil {
		return err
	}
	if s < minSymmetry {
		return fmt.Errorf("%w seen from the front is found: the halves of what looks most like one differ (correlation %.2f, at least %.2f is needed)%s", ErrNoFace, s, minSymmetry, orLight)
	}
	return nil
}

// symmetry is how much the two halves of a face are alike: the correlation, -1 to
// 1, of log luminance with its mirror image about the line through the middle
// between the pupils, from brows to chin, without the wide shading that lamps make.
// The irises themselves, by which the line was chosen, do not count.
func symmetry(rgb cv.RGB, f *Face) (float64, error) {
	const unit = 24.0 // px between the pupils
	const top = -0.45
	fr := f.Frame()
	k := Unit / unit
	m := fr.ToPhoto
	const w, h = 2*19 + 1, 42 // 0.8 units to both sides, 1.75 high
	x0, y0 := fr.ToPhoto.At(fr.Origin[0]-float64(w/2)*k, fr.Origin[1]+top*Unit)
	small := photo.Frame{W: w, H: h, Unit: unit, ToPhoto: cv.Affine{A: m.A * k, B: m.B * k, C: x0, D: m.D * k, E: m.E * k, F: y0}}
	view, err := small.View(rgb)
	if err != nil {
		return 0, err
	}
	g, err := cv.ToGray(view)
	if err != nil {
		return 0, err
	}
	l := cv.NewPlane(w, h)
	for i, v := range g.Pix {
		l.Pix[i] = logLinear[v]
	}
	wide, err := cv.Gaussian(l, 0.4*unit)
	if err != nil {
		return 0, err
	}
	var ab, aa float64
	for y := range h {
		v := float64(y)/unit + top
		for x := range w {
			u := math.Abs(float64(x-w/2)) / unit
			if math.Hypot(u-0.5, v) < 0.15 {
				continue
			}
			i, j := y*w+x, y*w+w-1-x
			a, b := float64(l.Pix[i]-wide.Pix[i]), float64(l.Pix[j]-wide.Pix[j])
			ab, aa = ab+a*b, aa+a*a
		}
	}
	if aa == 0 {
		return 0, nil
	}
	return ab / aa, nil
}
