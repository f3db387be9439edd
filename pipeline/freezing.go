package pipeline

import (
	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/segment"
)

// thresholds of a zone, frozen on the baseline at one sharpness, and what it shows
// there.
type thresholds struct {
	segment segment.Thresholds
	metric  metrics.Frozen
	found   segment.Found
	// What they were taken from, for the measures of the baseline itself, which then
	// need not prepare it again. It is large: let go once they have it.
	patch *metrics.Patch
	scene *segment.Scene
}

// freeze fixes the thresholds on the baseline: as photographed or, if matched,
// blurred by an added variance in baseline px^2.
func (m *zoneMeasurer) freeze(variance float64, matched bool) (thresholds, error) {
	p, err := m.blurred(0, variance, matched)
	if err != nil {
		return thresholds{}, err
	}
	if matched && p.BlurPx == 0 && p.NoiseBlurPx == 0 {
		return m.native, nil
	}
	m.relate(0, p)
	return thresholdsOn(p, m.on(0, p))
}

// thresholdsOn are those that a patch gives, which then has them.
func thresholdsOn(p *metrics.Patch, scene *segment.Scene) (thresholds, error) {
	t := thresholds{metric: metrics.Freeze(p), patch: p, scene: scene}
	p.Frozen = &t.metric
	var err error
	if t.segment, err = t.scene.Freeze(); err != nil {
		return t, err
	}
	t.found, err = t.scene.Find(t.segment)
	return t, err
}
