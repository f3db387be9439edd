package pipeline

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/compare"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/segment"
)

// value is one metric of one zone in one photo at one sharpness.
type value struct {
	shot   int
	zone   string
	metric *metrics.Metric
	basis  string
	v      float64 // NaN where undefined
	n      int
	status result.Status
	reason string
	card   bool // in the light of the colour chart
}

// measurePhotos segments and measures every zone of every photo: as photographed
// (basis native), with all comparable photos blurred to the worst of them (basis
// series, for slopes), and the latest photo and the baseline at the worse
// sharpness of the two (basis pair, for verdicts).
func measurePhotos(r *seriesRun) error {
	r.compareTones()
	r.tone = float64(r.skinTone())
	list := metrics.All()
	var zones []*zoneMeasurer
	for zi := range r.zones {
		if r.zones[zi].name != referenceZone {
			zones = append(zones, &zoneMeasurer{r: r, zone: r.zones[zi].name, list: list})
		}
	}
	if err := r.rejectObjects(zones); err != nil {
		return err
	}
	for _, m := range zones {
		r.progress("", "measure "+m.zone)
		if err := m.all(); err != nil {
			return err
		}
	}
	r.measurementRows()
	return r.objectRows()
}

// zoneMeasurer measures one zone through the series.
type zoneMeasurer struct {
	r    *seriesRun
	zone string
	list []metrics.Metric
	// reference is the zone whose colour this one is related to; empty for none.
	reference string
	native    thresholds // of the baseline as photographed
	// rejected are the places at baseline where finds of a kind do not count, and
	// carried the same in the photos of the series, as far as they were asked for.
	rejected map[metrics.Kind]metrics.Mask
	carried  map[int]map[metrics.Kind]metrics.Mask
	// taken are photos as photographed, the baseline and the last one: of a pair that
	// is brought to one sharpness, the softer one is used as it is.
	taken map[int]prepared
}

// begin settles what the zone is measured against: its reference, and the thresholds
// of the baseline as photographed.
func (m *zoneMeasurer) begin() (err error) {
	m.reference = m.r.referenceFor(m.zone)
	if m.usable(0) {
		m.native, err = m.freeze(0, false)
	}
	return err
}

func (m *zoneMeasurer) all() error {
	shots := m.r.shots
	m.taken = map[int]prepared{}
	defer func() { m.taken = nil }()
	if !m.usable(0) {
		for i := range shots {
			m.refuse(i, result.BasisNative, shots[0].zones[m.zone].refused)
		}
		return nil
	}
	for i := range shots {
		if !m.usable(i) {
			m.refuse(i, result.BasisNative, shots[i].zones[m.zone].refused)
			continue
		}
		if _, err := m.measure(i, 0, &m.native, m.r.carded(0, i), result.BasisNative); err != nil {
			return err
		}
	}
	return m.matched()
}

func (m *zoneMeasurer) usable(i int) bool { return m.r.shots[i].zones[m.zone].refused == "" }

// matched measures the bases series and pair. Photos that two bases bring to the
// same sharpness are measured once.
func (m *zoneMeasurer) matched() error {
	shots := m.r.shots
	type request struct {
		variance float64 // of the blur that all are brought to, baseline px^2
		card     bool    // colours are corrected by the chart of each photo
		bases    map[int][]string
	}
	var requests []request
	want := func(i int, variance float64, card bool, basis string) {
		for k := range requests {
			if requests[k].variance == variance && requests[k].card == card {
				requests[k].bases[i] = append(requests[k].bases[i], basis)
				return
			}
		}
		requests = append(requests, request{variance, card, map[int][]string{i: {basis}}})
	}
	worst := 0.0
	for i := range shots {
		if m.usable(i) && !m.tooSoft(i) && shots[i].blurVar > worst { // not NaN
			worst = shots[i].blurVar
		}
	}
	card := m.cardedAll(func(i int) bool { return m.usable(i) })
	for i := range shots {
		if len(shots) > 1 && m.usable(i) {
			want(i, worst, card, result.BasisSeries)
		}
	}
	for _, latest := range m.r.latestOf(m.zone) {
		// All photos of both sessions, replicates too, at the worst sharpness of them.
		v := 0.0
		of := func(i int) bool {
			return m.usable(i) && (shots[i].session == shots[0].session || shots[i].session == shots[latest].session)
		}
		for i, s := range shots {
			if of(i) && !m.tooSoft(i) && s.blurVar > v {
				v = s.blurVar
			}
		}
		card := m.cardedAll(of)
		for i := range shots {
			if of(i) {
				want(i, v, card, pairBasis(shots[latest]))
			}
		}
	}
	for _, q := range requests {
		t, err := m.freeze(q.variance, true)
		if err != nil {
			return err
		}
		var seen []pored
		for i := range shots {
			if len(q.bases[i]) > 0 {
				s, err := m.measure(i, q.variance, &t, q.card, q.bases[i]...)
				if err != nil {
					return err
				}
				seen = append(seen, s)
			}
		}
		m.followPores(seen)
	}
	return nil
}

// cardedAll tells whether the photos that count all have a chart.
func (m *zoneMeasurer) cardedAll(counts func(i int) bool) bool {
	for i := range m.r.shots {
		if counts(i) && !m.r.carded(i) {
			return false
		}
	}
	return true
}

// tooSoft tells whether a photo is refused for fine structure: it must not cost the
// others their sharpness, and gives colour only.
func (m *zoneMeasurer) tooSoft(i int) bool {
	return i > 0 && m.r.shots[i].blurVar > 0 && m.r.shots[i].gate[metrics.Texture].Status == result.Refused
}

func pairBasis(s *shot) string { return result.BasisPair + s.session.ID }

// latest is the index of the last photo that a verdict on a metric family of a
// zone can use; 0 for none.
func (r *seriesRun) latest(zone string, f metrics.Family) int {
	for i := len(r.shots) - 1; i > 0; i-- {
		s := r.shots[i]
		if s.session != r.shots[0].session && !s.session.Baseline && s.zones[zone].refused == "" && s.gate[f].Status != result.Refused {
			return i
		}
	}
	return 0
}

// latestOf lists a photo of each session that any verdict on a zone uses, in order.
func (r *seriesRun) latestOf(zone string) []int {
	var out []int
	for _, metric := range metrics.All() {
		i := r.latest(zone, metric.Family)
		if i > 0 && !slices.ContainsFunc(out, func(k int) bool { return r.shots[k].session == r.shots[i].session }) {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out
}

// follow measures the baseline's scars where the alignment puts them in photo i,
// found there again or not: the mean contrast of those that are found would not
// fall as scars heal, because the faint ones drop out. Types are the baseline's.
func (m *zoneMeasurer) follow(i int, p *metrics.Patch, scene *segment.Scene, t thresholds) ([]metrics.Object, error) {
	isScar := func(o metrics.Object) bool { return o.Kind == metrics.Scar }
	if !slices.ContainsFunc(t.found.Objects, isScar) {
		return []metrics.Object{}, nil
	}
	objects, err := scene.FollowScars(m.carry(i, p, t.found.ScarMask))
	if err != nil {
		return nil, err
	}
	for k := range objects {
		x, y := m.toBase(i, objects[k].X, objects[k].Y)
		nearest := math.Inf(1)
		for _, o := range t.found.Objects {
			if d := math.Hypot(o.X-x, o.Y-y); isScar(o) && d < nearest {
				nearest, objects[k].Type = d, o.Type
			}
		}
	}
	return objects, nil
}

// toBase maps a position in the zone's patch of photo i to that of the baseline.
func (m *zoneMeasurer) toBase(i int, x, y float64) (bx, by float64) {
	s := m.r.shots[i]
	zb, zs := m.r.shots[0].zones[m.zone], s.zones[m.zone]
	x, y = x+float64(zs.rect.Min.X), y+float64(zs.rect.Min.Y)
	if s.toShot != nil {
		x, y, _ = s.toShot.ToBase(x, y)
	}
	return x - float64(zb.rect.Min.X), y - float64(zb.rect.Min.Y)
}

// carry is a mask of the zone's patch in the baseline as the patch of photo i has it,
// on skin.
func (m *zoneMeasurer) carry(i int, p *metrics.Patch, mask metrics.Mask) metrics.Mask {
	out := metrics.Mask{W: p.G.W, H: p.G.H, Pix: make([]uint8, p.G.W*p.G.H)}
	for k, on := range p.Skin.Pix {
		if on == 0 {
			continue
		}
		x, y := m.toBase(i, float64(k%p.G.W), float64(k/p.G.W))
		u, v := int(math.Round(x)), int(math.Round(y))
		if u >= 0 && v >= 0 && u < mask.W && v < mask.H {
			out.Pix[k] = mask.Pix[v*mask.W+u]
		}
	}
	return out
}

// followed tells whether a metric of a matched basis rests on the baseline's scars.
func followed(metric string) bool { return strings.HasPrefix(metric, "scar_contrast") }

// search prepares the zone in one photo and finds what the thresholds find there. The
// baseline was prepared when they were taken from it.
func (m *zoneMeasurer) search(i int, variance float64, t *thresholds, matched bool) (*metrics.Patch, *segment.Scene, segment.Found, error) {
	if i == 0 && t.patch != nil {
		p, scene := t.patch, t.scene
		t.patch, t.scene = nil, nil
		return p, scene, t.found, nil
	}
	p, err := m.blurred(i, variance, matched)
	if err != nil {
		return nil, nil, segment.Found{}, err
	}
	m.relate(i, p)
	if !m.r.cfg.does("frozen_thresholds") && i != 0 {
		own, err := thresholdsOn(p, segment.On(p))
		return p, own.scene, own.found, err
	}
	p.Frozen = &t.metric
	scene := m.on(i, p)
	if i == 0 {
		return p, scene, t.found, nil
	}
	found, err := scene.Find(t.segment)
	return p, scene, found, err
}

// measure adds the values of one photo, brought to the sharpness that the baseline
// has with an added variance (baseline px^2), to one or more bases; card: those of
// colour in the light of the chart. The values of pores are those of the photo alone:
// see followPores, for which it returns what else there may be.
func (m *zoneMeasurer) measure(i int, variance float64, t *thresholds, card bool, bases ...string) (pored, error) {
	s := m.r.shots[i]
	matched := bases[0] != result.BasisNative
	p, scene, found, err := m.search(i, variance, t, matched)
	if err != nil {
		return pored{}, err
	}
	p.Objects, p.Lines, p.Missing = found.Objects, found.Lines, found.Missing
	equal := false
	colour := p
	if card {
		colour = m.byCard(i, p)
	}
	var scars []metrics.Object
	if matched {
		equal = m.reference != "" && (!m.r.cfg.does("equalise") || m.equalise(i, p))
		if _, none := p.Missing[metrics.Scars]; !none && m.r.cfg.does("follow_scars") {
			if scars, err = m.follow(i, p, scene, *t); err != nil {
				return pored{}, err
			}
		}
	} else {
		s.keep(m.zone, found)
		defer m.keep(i, prepared{p, scene})
	}
	first := len(m.r.values)
	for k := range m.list {
		metric := &m.list[k]
		if p.Objects = found.Objects; matched && followed(metric.Name) && m.r.cfg.does("follow_scars") {
			p.Objects = scars
		}
		p, card := p, card && chartError[metric.Name] > 0
		if card {
			p = colour
		}
		val := value{shot: i, zone: m.zone, metric: metric, v: math.NaN(), status: result.OK, card: card}
		switch {
		case matched && absolute[metric.Name] && !equal && !card:
			val.status, val.reason = result.Refused, "absolute colour changes with the camera's white balance: no reference skin for this zone, and no colour card"
		case matched && blind(metric.Family) && math.IsNaN(s.blurVar):
			val.status, val.reason = result.Refused, "sharpness could not be measured, so it could not be matched"
		default:
			v, err := metric.Measure(p)
			if err != nil {
				val.status, val.reason = result.Refused, reasonOf(err)
				break
			}
			val.v, val.n = v, p.Support(metric.Family)
			m.judge(s, &val)
		}
		for _, basis := range bases {
			val.basis = basis
			m.r.values = append(m.r.values, val)
		}
	}
	return m.pored(i, p, found, first), nil
}

// ofColour tells whether a family is measured on colours.
func ofColour(f metrics.Family) bool { return f == metrics.Redness || f == metrics.Pigment }

// blind tells whether a family cannot be compared without known sharpness.
func blind(f metrics.Family) bool {
	return f == metrics.Texture || f == metrics.Lines || f == metrics.Pores || f == metrics.Scars
}

// judge gives a measured value the status that the checks of its photo ask for.
func (m *zoneMeasurer) judge(s *shot, v *value) {
	j := s.gate[v.metric.Family]
	if c := s.zones[m.zone].caution; c != "" && j.Status == result.OK {
		j = compare.Judgement{Status: result.Caution, Reason: c}
	}
	// By the chart, a reference that may have been treated is that of the baseline.
	colour := ofColour(v.metric.Family) && !(v.card && m.r.fallsBack(m.reference))
	if z := s.zones[m.reference]; colour && z != nil && z.caution != "" && j.Status == result.OK {
		j = compare.Judgement{Status: result.Caution, Reason: "reference skin: " + z.caution}
	}
	if colour && j.Status == result.OK && slices.Contains(s.toneMoved, m.reference) {
		j = compare.Judgement{Status: result.Caution, Reason: "the tone of the reference skin changed: tanned, paled, or in other light"}
	}
	if j.Status == result.OK && v.metric.Family == metrics.Redness && m.r.tone < weakRedness {
		j = compare.Judgement{Status: result.Caution, Reason: fmt.Sprintf("redness shows weakly in skin of this tone (ITA %.0f degrees): low confidence", m.r.tone)}
	}
	v.status, v.reason = j.Status, j.Reason
}

// Below this individual typology angle, degrees, redness has low confidence: that of
// a photo where the skin's own is 10. Photos show dark skin lighter than it is, since
// gloss is white: of rendered skin, -42 as -36 (28 faces: -40 to -24), -8 as 13, and
// 48 as 49; between them straight.
const weakRedness = 25

// refuse adds a row without a value for every metric.
func (m *zoneMeasurer) refuse(i int, basis, reason string) {
	for k := range m.list {
		m.r.values = append(m.r.values, value{shot: i, zone: m.zone, metric: &m.list[k], basis: basis, v: math.NaN(), status: result.Refused, reason: reason})
	}
}

// reasonOf is an error's text without the sentinel that it wraps.
func reasonOf(err error) string {
	text := err.Error()
	if errors.Is(err, metrics.ErrUndefined) {
		suffix := ": " + metrics.ErrUndefined.Error()
		if n := len(text) - len(suffix); n > 0 && text[n:] == suffix {
			return text[:n]
		}
	}
	return text
}

// measurementRows turns the values into rows of measurements.csv.
func (r *seriesRun) measurementRows() {
	for _, v := range r.values {
		s := r.shots[v.shot]
		r.result.Measurements = append(r.result.Measurements, result.Measurement{
			Subject: r.series.Subject.ID, View: r.series.View, Session: s.session.ID, Date: s.date(), Day: s.session.Day,
			DaysSinceTreatment: s.session.DaysSinceTreatment, Photo: s.ref.File, Zone: v.zone, Metric: v.metric.Name,
			Value: result.Number(v.v), Unit: v.metric.Unit, Basis: v.basis, N: v.n, PxPerMM: knownScale(s.pxPerMM),
			Status: v.status, Reason: v.reason,
		})
	}
}

// knownScale is a scale as printed: none where it is 0.
func knownScale(v float64) result.Number {
	if v > 0 {
		return result.Number(v)
	}
	return result.None()
}
