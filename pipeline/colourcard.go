package pipeline

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"golang.org/x/text/unicode/norm"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/card"
	"github.com/dermatrend/dermatrend/pipeline/compare"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// chart is the reference that the settings name; nil for one of the classic ones.
func (c Config) chart() (*card.Reference, error) {
	switch c.Card {
	case "", "none":
		return nil, nil
	case card.Classic.Name:
		return &card.Classic, nil
	case card.Classic2014.Name:
		return &card.Classic2014, nil
	}
	ref, err := card.ReadReference(c.Card, []byte(c.CardTable))
	return &ref, err
}

// findCard looks for what is held beside the face: marker and colour chart. A chart is
// of use only where the baseline has one, too.
func findCard(s *shot, r *seriesRun) error {
	if err := s.findMarker(r); err != nil {
		return err
	}
	if err := s.checkSheet(r); err != nil {
		return err
	}
	if r.cfg.Card == "none" || !r.cfg.does("colour_card") || s.base != nil && s.base.chart == nil {
		return nil
	}
	found, err := card.FindChart(s.rgb)
	if errors.Is(err, card.ErrNoChart) {
		if s.base != nil {
			r.note("%s: no colour chart is seen, as there is at baseline: its colours are not corrected", s.ref.File)
		}
		return nil
	} else if err != nil {
		return err
	}
	fit, err := s.fitChart(r, found)
	if err == nil {
		s.chartChecks = s.judgeChart(found, fit)
		err = fit.Usable()
	}
	if err == nil && found.TiltDeg > card.MaxTiltDeg {
		err = fmt.Errorf("the colour chart is tilted by %.0f degrees: hold it flat, in the plane of the face, in the same light", found.TiltDeg)
	}
	if err != nil {
		r.note("%s: %v; colours are not corrected", s.ref.File, err)
		return nil
	}
	s.chart = fit
	return nil
}

// checkSheet refuses a photo whose capture sheet is another person's, or that the camera
// dates on another day than the manifest: the sheet and the clock were there, the
// manifest was written later.
func (s *shot) checkSheet(r *seriesRun) error {
	id := card.ReadCode(s.rgb, s.marker)
	if id == "" {
		return nil
	}
	if want := r.series.Subject.ID; norm.NFC.String(id) != norm.NFC.String(want) {
		return fmt.Errorf("the capture sheet in the photo is that of subject %q, the photo is listed for %q: move it to its own folder, or mend the manifest", id, want)
	}
	if s.taken.IsZero() || s.session.Date.IsZero() {
		return nil
	}
	// A day apart is a time zone.
	if days := study.NewDate(s.taken.Date()).DaysSince(s.session.Date); days < -1 || days > 1 {
		return fmt.Errorf("the photo was taken on %s by the camera's clock, the session is dated %s: mend the date in the manifest, or list the photo in its own session", s.taken.Format("2006-01-02"), s.date())
	}
	return nil
}

// fitChart corrects the chart of the baseline by what the study or the fit chooses, and
// those of later photos by the same reference and model.
func (s *shot) fitChart(r *seriesRun, found *card.Chart) (*card.Fit, error) {
	ref, err := r.cfg.chart()
	if err != nil {
		return nil, err
	}
	switch {
	case s.base == nil && ref == nil:
		return found.FitBetter()
	case s.base == nil:
		return found.Fit(ref, "")
	case ref == nil && s.base.chart.Reference == card.Classic.Name:
		ref = &card.Classic
	case ref == nil:
		ref = &card.Classic2014
	}
	return found.Fit(ref, s.base.chart.Model)
}

// maxFaded is by how much the colours of a chart may pale against its greys between the
// baseline and a photo, per cent.
const maxFaded = 12

// judgeChart are the rows of comparability.csv about a chart. They tell whether it is
// used, and spoil nothing by themselves: without it colour is relative to reference
// skin.
func (s *shot) judgeChart(found *card.Chart, fit *card.Fit) []compare.Check {
	row := func(name, unit string, value, limit float64, why string) compare.Check {
		c := compare.Check{Name: name, Value: value, Limit: limit, Unit: unit, Status: result.OK, Partial: true,
			Affects: []metrics.Family{metrics.Redness, metrics.Pigment}}
		if !(math.Abs(value) <= limit) {
			c.Status, c.Explanation = result.Caution, why
		}
		return c
	}
	rows := []compare.Check{
		row("card_residual", "CIEDE2000", fit.Residual, card.MaxResidual, "the colour chart does not fit its reference"),
		row("card_neutral", "CIELAB", fit.Neutral, card.MaxNeutral, "the greys of the colour chart are not neutral"),
		row("card_left_out", "CIEDE2000", fit.LeaveOneOut, card.MaxLeaveOneOut, "the colour chart does not predict its own patches"),
		row("card_tilt", "deg", found.TiltDeg, card.MaxTiltDeg, "the colour chart is not in the plane of the picture"),
	}
	if s.base != nil {
		rows = append(rows, row("card_saturation", "percent", 100*(fit.Saturation/s.base.chart.Saturation-1), maxFaded,
			"the colours of the chart have paled or deepened against its greys: it has faded, or the camera has another picture style"))
	}
	return rows
}

// carded tells whether all of these photos have a chart that corrects their colours.
func (r *seriesRun) carded(shots ...int) bool {
	return !slices.ContainsFunc(shots, func(i int) bool { return r.shots[i].chart == nil })
}

// corrected is a patch in the light of the chart's reference, for the measures of
// colour. It shares the skin, not what is found on it.
func corrected(p *metrics.Patch, fit *card.Fit) *metrics.Patch {
	out := &metrics.Patch{Skin: p.Skin, PxPerMM: p.PxPerMM, BlurPx: p.BlurPx, NoiseOD: p.NoiseOD, NoiseBlurPx: p.NoiseBlurPx}
	for _, c := range []*metrics.Plane{&out.R, &out.G, &out.B} {
		*c = metrics.Plane{W: p.G.W, H: p.G.H, Pix: make([]float32, len(p.G.Pix))}
	}
	for k := range p.G.Pix {
		v := fit.Correct([3]float64{float64(p.R.Pix[k]), float64(p.G.Pix[k]), float64(p.B.Pix[k])})
		out.R.Pix[k], out.G.Pix[k], out.B.Pix[k] = float32(math.Max(v[0], 1e-6)), float32(math.Max(v[1], 1e-6)), float32(math.Max(v[2], 1e-6))
	}
	return out
}

// chartError is the change, in the metric's unit, that 95 % of comparisons of untouched
// skin stay below where colours are corrected by a chart: TestCardNullSeries, +-15 % of
// the channels, +-0.7 EV, with a margin for what is not rendered. Only these metrics are
// measured in corrected light: of the others the error is not known.
var chartError = map[string]float64{"a_star": 1.5, "erythema_index": 1, "erythema_index_absolute": 1}

// widened is a smallest detectable change for values that rest on the chart alone, and
// not on skin of the same photo.
func (r *seriesRun) widened(d detectable, zone, metric string, latest *shot) detectable {
	reference := r.referenceFor(zone)
	alone := absolute[metric] || reference == "" || r.fallsBack(reference)
	if e := chartError[metric]; alone && d.change < e && r.byCard(zone, metric, latest) {
		d.change, d.source = e, d.source+"; not below the error of colours by a chart"
	}
	return d
}

// fallsBack tells whether a reference is one that may itself have been treated.
func (r *seriesRun) fallsBack(reference string) bool {
	return reference == "forehead" && !slices.Contains(r.untreated(), "forehead")
}

// cardReference is the reference skin of a patch of photo i in corrected light: that of
// the same photo where it is known to be untreated; else that of the baseline, which is
// then a constant, so that the change is the zone's own.
func (m *zoneMeasurer) cardReference(i int) metrics.Reference {
	name := m.reference
	fixed := name == "" || m.r.fallsBack(name)
	if name == "" {
		name = m.zone
	}
	if fixed {
		i = 0
	}
	s := m.r.shots[i]
	key := "card " + name
	if c, ok := s.references[key]; ok {
		return c.index
	}
	var c refColour
	if z := s.zones[name]; z.refused == "" {
		source := "zone " + name
		if fixed {
			source += " at baseline"
		}
		ref, err := metrics.NewReference(corrected(s.patch(z), s.chart), source)
		c = refColour{index: ref, ok: err == nil}
		if err != nil {
			c.index = metrics.Reference{}
		}
	}
	if s.references == nil {
		s.references = map[string]refColour{}
	}
	s.references[key] = c
	return c.index
}

// byCard is the patch of photo i in corrected light with its reference skin.
func (m *zoneMeasurer) byCard(i int, p *metrics.Patch) *metrics.Patch {
	out := corrected(p, m.r.shots[i].chart)
	out.Ref = m.cardReference(i)
	return out
}
