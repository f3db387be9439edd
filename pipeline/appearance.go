package pipeline

import (
	"math"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

// closeBy is the radius of what skin encloses, frame px: glare of a centimetre.
const closeBy = 16

// measureAppearance finds how much of the face mirrors the lamps and how uneven its
// colour is, in the frame.
func measureAppearance(s *shot) error {
	near, err := cv.Morph(s.skin, cv.Close, closeBy)
	if err != nil {
		return err
	}
	light, pale := cv.NewPlane(s.view.W, s.view.H), cv.NewPlane(s.view.W, s.view.H)
	red, brown := cv.NewPlane(s.view.W, s.view.H), cv.NewPlane(s.view.W, s.view.H)
	for i := range light.Pix {
		c := s.view.Pix[3*i : 3*i+3]
		r, g, b := photo.Linear[c[0]], photo.Linear[c[1]], photo.Linear[c[2]]
		light.Pix[i] = 0.2126*r + 0.7152*g + 0.0722*b
		pale.Pix[i] = min(r, g, b) / max(r, g, b, 1e-4)
		red.Pix[i] = float32(math.Log(float64(max(r, 1e-4) / max(g, 1e-4))))
		brown.Pix[i] = float32(math.Log(float64(max(g, 1e-4) / max(b, 1e-4))))
	}
	if s.glare, err = glareShare(light, pale, near); err != nil {
		return err
	}
	spreadRed, err := unevenness(red, s.skin)
	if err != nil {
		return err
	}
	spreadBrown, err := unevenness(brown, s.skin)
	s.spread = math.Sqrt(spreadRed * spreadBrown)
	return err
}

// glareShare is the share of mask that is brighter and paler than what surrounds it
// within some 8 mm: a mirror-like reflection has the colour of the lamp.
func glareShare(light, pale cv.Plane, mask cv.Gray) (float64, error) {
	const around = 25 // frame px
	meanLight, err := cv.MaskedGaussian(light, mask, around)
	if err != nil {
		return 0, err
	}
	meanPale, err := cv.MaskedGaussian(pale, mask, around)
	if err != nil {
		return 0, err
	}
	n, bright := 0.0, 0.0
	for i, m := range mask.Pix {
		if m == 0 {
			continue
		}
		n++
		if light.Pix[i] > 1.25*meanLight.Pix[i] && pale.Pix[i] > meanPale.Pix[i]+0.1*(1-meanPale.Pix[i]) {
			bright++
		}
	}
	return bright / n, nil
}

// unevenness is the median size of p's detail of about 1 to 6 mm on the mask.
func unevenness(p cv.Plane, mask cv.Gray) (float64, error) {
	fine, err := cv.MaskedGaussian(p, mask, 3)
	if err != nil {
		return 0, err
	}
	coarse, err := cv.MaskedGaussian(p, mask, 18)
	if err != nil {
		return 0, err
	}
	var size []float32
	for i, m := range mask.Pix {
		if m != 0 {
			size = append(size, float32(math.Abs(float64(fine.Pix[i]-coarse.Pix[i]))))
		}
	}
	return metrics.MedianPixels(size), nil
}

// Bands of detail in cycles per pixel of the baseline: what filters for beauty and
// noise take first, and what they leave.
var (
	fineDetail   = [2]float64{0.15, 0.22}
	middleDetail = [2]float64{0.06, 0.10}
)

// detail gives the change of the skin's finest detail against the baseline, and that
// beyond the change of its middle detail: natural logs of amplitudes, the mean over
// cheeks and forehead. NaN where they cannot be told.
func (s *shot) detail() (fine, overMiddle float64) {
	if s.base == nil {
		return 0, 0
	}
	n := 0.0
	for i, a := range s.base.smooth {
		b := s.smooth[i]
		change := func(band [2]float64) float64 {
			return metrics.DetailChange(a, b, s.scaleToBase(), s.blurVar, band[0], band[1])
		}
		if f, m := change(fineDetail), change(middleDetail); !math.IsNaN(f + m) {
			fine, overMiddle, n = fine+f, overMiddle+f-m, n+1
		}
	}
	return fine / n, overMiddle / n
}
