package pipeline

import (
	"math"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

// Appearance is looked at in the frame made smaller by this factor: what is meant is
// centimetres and millimetres, and wide filters are dear.
const coarser = 3

// Lengths in pixels of that picture, some 0.8 mm each.
const (
	closeBy     = 5   // radius of what skin encloses: glare of a centimetre
	beside      = 8.3 // sigma of the surround that glare stands out from
	finePart    = 1   // detail of colour of about 1 mm
	coarsePart  = 6   // to 6 mm
	leastOfNine = 5   // pixels of skin that make a pixel of skin
)

// measureAppearance finds how much of the face mirrors the lamps and how uneven its
// colour is.
func measureAppearance(s *shot) error {
	w, h := s.view.W/coarser, s.view.H/coarser
	skin := cv.NewGray(w, h)
	light, pale := cv.NewPlane(w, h), cv.NewPlane(w, h)
	red, brown := cv.NewPlane(w, h), cv.NewPlane(w, h)
	for y := range h {
		for x := range w {
			var rgb [3]float32
			n := 0
			for j := coarser * y; j < coarser*(y+1); j++ {
				for i := coarser * x; i < coarser*(x+1); i++ {
					k := j*s.view.W + i
					for c := range rgb {
						rgb[c] += photo.Linear[s.view.Pix[3*k+c]] / (coarser * coarser)
					}
					if s.skin.Pix[k] != 0 {
						n++
					}
				}
			}
			k := y*w + x
			if n >= leastOfNine {
				skin.Pix[k] = 255
			}
			r, g, b := rgb[0], rgb[1], rgb[2]
			light.Pix[k] = 0.2126*r + 0.7152*g + 0.0722*b
			pale.Pix[k] = min(r, g, b) / max(r, g, b, 1e-4)
			red.Pix[k] = float32(math.Log(float64(max(r, 1e-4) / max(g, 1e-4))))
			brown.Pix[k] = float32(math.Log(float64(max(g, 1e-4) / max(b, 1e-4))))
		}
	}
	near, err := cv.Morph(skin, cv.Close, closeBy)
	if err != nil {
		return err
	}
	if s.glare, err = glareShare(light, pale, near); err != nil {
		return err
	}
	spreadRed, err := unevenness(red, skin)
	if err != nil {
		return err
	}
	spreadBrown, err := unevenness(brown, skin)
	s.spread = math.Sqrt(spreadRed * spreadBrown)
	return err
}

// glareShare is the share of mask that is brighter and paler than what surrounds it
// within some 8 mm: a mirror-like reflection has the colour of the lamp.
func glareShare(light, pale cv.Plane, mask cv.Gray) (float64, error) {
	meanLight, err := cv.MaskedGaussian(light, mask, beside)
	if err != nil {
		return 0, err
	}
	meanPale, err := cv.MaskedGaussian(pale, mask, beside)
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
	fine, err := cv.MaskedGaussian(p, mask, finePart)
	if err != nil {
		return 0, err
	}
	coarse, err := cv.MaskedGaussian(p, mask, coarsePart)
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
