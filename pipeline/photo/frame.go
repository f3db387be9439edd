package photo

import (
	"math"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// Frame is an upright view of part of a photo at a known size: the space in which
// faces are found and aligned. Its unit is the inter-pupil distance or, in views
// without pupils, an agreed stand-in for it.
type Frame struct {
	W, H    int        // pixels of the frame
	Unit    float64    // length of the unit, frame pixels
	Origin  [2]float64 // frame position of the unit's origin (between the pupils)
	ToPhoto cv.Affine  // frame -> photo, a similarity
}

// Scale is photo pixels per frame pixel.
func (f Frame) Scale() float64 { return math.Hypot(f.ToPhoto.A, f.ToPhoto.D) }

// FromPhoto maps a photo position into the frame.
func (f Frame) FromPhoto(x, y float64) (float64, float64) {
	m := f.ToPhoto
	det := m.A*m.E - m.B*m.D
	x, y = x-m.C, y-m.F
	return (m.E*x - m.B*y) / det, (m.A*y - m.D*x) / det
}

// View resamples the frame out of a photo: averaged where it shrinks, so that fine
// texture does not alias.
func (f Frame) View(rgb cv.RGB) (cv.RGB, error) {
	m := f.ToPhoto
	if s := f.Scale(); s > 1.3 {
		w, h := max(int(math.Round(float64(rgb.W)/s)), 1), max(int(math.Round(float64(rgb.H)/s)), 1)
		small, err := cv.ResizeRGB(rgb, w, h)
		if err != nil {
			return cv.RGB{}, err
		}
		// Pixel centres: (x+0.5)*w/W-0.5.
		kx, ky := float64(w)/float64(rgb.W), float64(h)/float64(rgb.H)
		m = cv.Affine{A: m.A * kx, B: m.B * kx, C: (m.C+0.5)*kx - 0.5, D: m.D * ky, E: m.E * ky, F: (m.F+0.5)*ky - 0.5}
		rgb = small
	}
	return cv.WarpRGB(rgb, m, f.W, f.H)
}
