package pipeline

import (
	"math"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/segment"
)

// prepared is a patch with the scene on it.
type prepared struct {
	patch *metrics.Patch
	scene *segment.Scene
}

// keptPixels bounds the patches that are kept: some 80 bytes a pixel.
const keptPixels = 1 << 19

// keep keeps what was prepared of photo i as photographed, if it is of use again.
func (m *zoneMeasurer) keep(i int, p prepared) {
	if (i == 0 || i == len(m.r.shots)-1) && len(p.patch.G.Pix) <= keptPixels {
		m.taken[i] = p
	}
}

// on prepares a patch of photo i. One that was not blurred to match others has the
// pixels of the photo, which may have been prepared before.
func (m *zoneMeasurer) on(i int, p *metrics.Patch) *segment.Scene {
	t, ok := m.taken[i]
	if !ok || p.NoiseBlurPx > 0 {
		return segment.On(p)
	}
	if i == 0 { // the others are given the colours of the baseline, see equalise
		p.Derive(t.patch)
	}
	return t.scene.For(p)
}

// blurred is the zone's patch in photo i, as photographed or, if matched, brought to
// the sharpness that the baseline has with an added variance (baseline px^2).
func (m *zoneMeasurer) blurred(i int, variance float64, matched bool) (*metrics.Patch, error) {
	s := m.r.shots[i]
	p := s.patch(s.zones[m.zone])
	p.Rejected = m.rejectedIn(i, p)
	if g := metrics.MedianPixels(onSkin(p, p.G)); g > 0 && !math.IsNaN(s.noise) && m.r.cfg.does("noise_subtraction") {
		p.NoiseOD = s.noise / (g * math.Ln10)
	}
	have := s.blurVar
	if math.IsNaN(have) || !matched || !m.r.cfg.does("sharpness_match") {
		return p, nil
	}
	// What is told to the measures must be the same for all photos of a basis, since
	// all are equally sharp now: the blur beyond the sharpest photo of the series.
	p.BlurPx = math.Sqrt(math.Max(0, variance-m.sharpest())) * s.scaleToBase()
	// Less than 0.15 px changes no band by a per cent.
	sigma := math.Sqrt(math.Max(0, variance-have)) * s.scaleToBase()
	if sigma < 0.15 {
		return p, nil
	}
	for _, c := range []*metrics.Plane{&p.R, &p.G, &p.B} {
		b, err := cv.Gaussian(cv.Plane(*c), sigma)
		if err != nil {
			return nil, err
		}
		*c = metrics.Plane(b)
	}
	p.NoiseBlurPx = sigma
	return p, nil
}

// sharpest is the least blur of the zone's photos, relative to the baseline,
// baseline px^2: 0 or less.
func (m *zoneMeasurer) sharpest() float64 {
	least := 0.0
	for i, s := range m.r.shots {
		if m.usable(i) && s.blurVar < least {
			least = s.blurVar
		}
	}
	return least
}

// onSkin lists the values of a plane on the patch's skin.
func onSkin(p *metrics.Patch, c metrics.Plane) []float32 {
	var v []float32
	for i, k := range p.Skin.Pix {
		if k != 0 {
			v = append(v, c.Pix[i])
		}
	}
	return v
}
