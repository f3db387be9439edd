package pipeline

import (
	"math"

	"github.com/dermatrend/dermatrend/metrics"
)

// referenceFor names the zone that colour is related to: the manifest's reference
// skin, else an untreated zone, else the forehead, which may itself have been
// treated (the trend then says relative). Empty where there is none.
func (r *seriesRun) referenceFor(zone string) string {
	fit := func(name string) bool {
		if name == zone {
			return false
		}
		for _, s := range r.shots {
			if z, ok := s.zones[name]; !ok || s == r.shots[0] && z.refused != "" {
				return false
			}
		}
		return true
	}
	if fit(referenceZone) {
		return referenceZone
	}
	for _, name := range r.untreated() {
		if fit(name) {
			return name
		}
	}
	if fit("forehead") {
		return "forehead"
	}
	return ""
}

// untreated lists the zones recorded as untreated, the forehead first; none where
// the manifest does not say what was treated.
func (r *seriesRun) untreated() []string {
	t := r.series.Subject.Treatment
	if t == nil || t.Zones == nil {
		return nil
	}
	treated := map[string]bool{}
	for _, z := range t.Zones {
		treated[z] = true
	}
	var out []string
	for _, z := range r.zones {
		if z.name != referenceZone && !treated[z.name] {
			out = append(out, z.name)
		}
	}
	return out
}

// refColour is the colour of a reference zone in one photo.
type refColour struct {
	index metrics.Reference
	rgb   [3]float64 // medians, linear light
	ok    bool
}

// reference measures the colour of a reference zone, once per photo.
func (s *shot) reference(name string) refColour {
	if c, ok := s.references[name]; ok {
		return c
	}
	var c refColour
	if z := s.zones[name]; z.refused == "" {
		source := "zone " + name
		if name == referenceZone {
			source = "reference_skin"
		}
		p := s.patch(z)
		ref, err := metrics.NewReference(p, source)
		c = refColour{index: ref, ok: err == nil}
		for i, plane := range []metrics.Plane{p.R, p.G, p.B} {
			c.rgb[i] = metrics.MedianPixels(onSkin(p, plane))
			c.ok = c.ok && c.rgb[i] > 0
		}
	}
	if s.references == nil {
		s.references = map[string]refColour{}
	}
	s.references[name] = c
	return c
}

// relate gives a patch its reference skin.
func (m *zoneMeasurer) relate(i int, p *metrics.Patch) {
	if m.reference == "" {
		return
	}
	if c := m.r.shots[i].reference(m.reference); c.ok {
		p.Ref = c.index
	}
}

// absolute colour needs a card; without one it holds only after the reference skin
// of both photos was made equal.
var absolute = map[string]bool{"a_star": true, "ita_deg": true, "melanin_index": true, "erythema_index_absolute": true}

// equalise multiplies the channels so that the reference skin has the colour that
// it has at baseline; false where a photo lacks it. What is relative to the
// reference stays as it is.
func (m *zoneMeasurer) equalise(i int, p *metrics.Patch) bool {
	base, s := m.r.shots[0].reference(m.reference), m.r.shots[i].reference(m.reference)
	if !base.ok || !s.ok {
		return false
	}
	if i == 0 {
		return true
	}
	for c, plane := range []metrics.Plane{p.R, p.G, p.B} {
		for k := range plane.Pix {
			plane.Pix[k] *= float32(base.rgb[c] / s.rgb[c])
		}
	}
	gain := func(c int) float64 { return 100 * math.Log10(base.rgb[c]/s.rgb[c]) }
	p.Ref = s.index
	p.Ref.ErythemaIndex += gain(0) - gain(1)
	p.Ref.MelaninIndex -= gain(0)
	return true
}
