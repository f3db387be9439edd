package pipeline

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Metrics whose worsening is a matter of safety, with what it may be: dark marks,
// redness that stays, tram-track lines, pinholes, and pigment that is lost.
var safety = map[string]string{
	"brown_area_fraction":     "more brown marks",
	"red_area_fraction":       "more red skin",
	"line_density_mm_per_cm2": "new lines",
	"scar_count_icepick":      "new dark dots",
	"melanin_index":           "lighter than the reference skin, pigment may be lost",
}

// rednessPasses is the day after treatment to which redness may be the treatment's.
const rednessPasses = 20

// alarming tells whether a change goes where it is a matter of safety. More redness
// is one, also in the primary metric, once that of the treatment has passed; settled
// says that it has.
func alarming(t *result.Trend, better, settled bool) bool {
	switch t.Metric {
	case "melanin_index":
		return t.Change < 0
	case "erythema_index":
		return t.Change > 0 && settled
	case "red_area_fraction":
		return !better && settled
	}
	return t.Role == "safety" && !better
}

// trends compares the latest photo of every zone and metric with the baseline and
// fits the slope.
func trends(r *seriesRun) error {
	list := metrics.All()
	// Rows that share one error rate: all primary ones, and of the others each metric
	// in all its zones.
	families := map[string][]int{}
	for zi := range r.zones {
		zone := r.zones[zi].name
		if zone == referenceZone {
			continue
		}
		for i := range list {
			t := r.trendOf(zone, &list[i])
			if t.Verdict == "" {
				family := t.Metric
				if t.Role == "primary" {
					family = t.Role
				}
				families[family] = append(families[family], len(r.result.Trends))
			}
			r.result.Trends = append(r.result.Trends, t)
		}
	}
	for _, family := range families {
		if err := adjust(r.result.Trends, family); err != nil {
			return err
		}
	}
	for i := range r.result.Trends {
		if t := &r.result.Trends[i]; t.Verdict == "" {
			k := slices.IndexFunc(list, func(m metrics.Metric) bool { return m.Name == t.Metric })
			decide(t, list[k].Direction, r.settled(t.LatestSession))
		}
	}
	return nil
}

// settled tells whether the redness of a treatment has passed at a session.
func (r *seriesRun) settled(session string) bool {
	for i := range r.series.Sessions {
		if s := &r.series.Sessions[i]; s.ID == session {
			return s.DaysSinceTreatment == nil || *s.DaysSinceTreatment > rednessPasses
		}
	}
	return true
}

// adjust sets the limits of rows that share one error rate (Holm).
func adjust(rows []result.Trend, family []int) error {
	var change, sdc []float64
	for _, i := range family {
		change, sdc = append(change, float64(rows[i].Change)), append(sdc, float64(rows[i].SDC))
	}
	limits, err := trend.HolmLimits(change, sdc)
	if err != nil {
		return err
	}
	for k, i := range family {
		rows[i].Limit = result.Number(limits[k].Limit)
	}
	return nil
}

// decide gives the verdict of a row whose change and limit are known. An alarm is
// held against its own error, however many zones are looked at.
func decide(t *result.Trend, d metrics.Direction, settled bool) {
	if !t.Change.Known() || !t.Limit.Known() {
		t.Verdict, t.Reason = result.NotComparable, "the change cannot be measured"
		return
	}
	better := d == metrics.LowerIsBetter && t.Change < 0 || d == metrics.HigherIsBetter && t.Change > 0
	alarm := alarming(t, better, settled)
	if alarm {
		t.Limit = t.SDC
	}
	beyond := math.Abs(float64(t.Change)) >= float64(t.Limit)
	switch {
	case !beyond:
		t.Verdict, t.Reason = result.NoDetectableChange, "the change is within measurement error; that is not the same as no change"
	case alarm:
		t.Verdict, t.Reason = result.Worsened, "possible worsening, examine"
		if what := safety[t.Metric]; what != "" {
			t.Reason = what + ": " + t.Reason
		}
	case d == metrics.NoDirection:
		// Neither better nor worse: the cell stays empty.
		t.Reason = "changed beyond measurement error; this measure has no better or worse"
	case better:
		t.Verdict, t.Reason = result.Improved, "beyond measurement error; cause not established"
	default:
		t.Verdict, t.Reason = result.Worsened, "beyond measurement error; cause not established"
	}
}

// Below this individual typology angle, degrees, erythema is under-detected in
// photographs to a degree that a verdict would mislead: -30, which photos show lighter
// by 6 (see weakRedness). One of 28 rendered faces of -42 is taken for lighter.
const tooDarkForRedness = -24

// trendOf fills a row up to its limit. A verdict is set only where nothing can be
// compared.
func (r *seriesRun) trendOf(zone string, m *metrics.Metric) result.Trend {
	none := result.None()
	t := result.Trend{Subject: r.series.Subject.ID, View: r.series.View, Zone: zone, Metric: m.Name, Unit: m.Unit,
		Baseline: none, Latest: none, Change: none, ChangePct: none, SDC: none, SlopePer30d: none, SlopeLow: none, SlopeHigh: none, Limit: none,
		Role: "secondary"}
	switch {
	case r.cfg.isPrimary(m, zone):
		t.Role = "primary"
	case safety[m.Name] != "":
		t.Role = "safety"
	}
	days, values := r.course(zone, m.Name)
	t.Sessions = len(days)
	r.slope(&t, days, values)

	if lost := r.lostBaseline(); lost != "" {
		t.Verdict, t.Reason = result.NotComparable, lost
		return t
	}
	latest := r.latest(zone, m.Family)
	base, status, why := r.sessionMean(zone, m.Name, 0, latest)
	t.Baseline = result.Number(base)
	if latest == 0 {
		t.Verdict, t.Reason = result.NotComparable, r.whyNone(zone, m)
		return t
	}
	t.LatestSession = r.shots[latest].session.ID
	now, statusNow, whyNow := r.sessionMean(zone, m.Name, latest, latest)
	t.Latest = result.Number(now)
	if refused := r.shots[0].zones[zone].refused; refused != "" {
		why = refused
	}
	if why != "" || whyNow != "" {
		t.Verdict = result.NotComparable
		t.Reason = whyNow
		if why != "" {
			t.Reason = "baseline: " + why
		}
		return t
	}
	if m.Family == metrics.Redness && r.tone < tooDarkForRedness {
		t.Verdict, t.Reason = result.NotComparable, fmt.Sprintf("redness cannot be judged from photos of skin this dark (ITA %.0f degrees); examine", r.tone)
		return t
	}
	if statusNow == result.Caution {
		status = result.Caution
	}
	if n, least := r.scarsAtBaseline(zone, m.Name), leastScars(status); followed(m.Name) && n < least {
		t.Verdict, t.Reason = result.NotComparable, fmt.Sprintf("%.0f scar(s) at baseline; a mean contrast needs at least %.0f", n, least)
		return t
	}
	t.Change = result.Number(now - base)
	if m.Percent && base > 0 {
		t.ChangePct = result.Number(100 * (now - base) / base)
	}
	sdc, err := r.smallestChange(zone, m, base, status, days, values)
	if err != nil {
		t.Verdict, t.Reason = result.NotComparable, err.Error()
		return t
	}
	sdc = r.widened(sdc, zone, m.Name, r.shots[latest])
	t.SDC, t.SDCSource, t.Limit = result.Number(sdc.change), sdc.source, result.Number(sdc.change)
	t.Qualifier = strings.Join(r.qualifiers(zone, m, r.shots[latest], sdc), ";")
	return t
}

// lostBaseline says that no photo of the baseline could be used, so that the values
// of the other sessions stand alone; empty where one could.
func (r *seriesRun) lostBaseline() string {
	first := &r.series.Sessions[0]
	if r.shots[0].session == first {
		return ""
	}
	_, why := r.photoOf(first)
	return fmt.Sprintf("the baseline %s has no usable photo (%s); nothing can be compared with it", first.ID, why)
}

// sessionMean averages the photos of shot i's session at the sharpness of the pair
// with shot latest (0: as photographed), with the worst status of those used. Where
// there is no value, it says why.
func (r *seriesRun) sessionMean(zone, metric string, i, latest int) (mean float64, status result.Status, why string) {
	basis := result.BasisNative
	if latest > 0 {
		basis = pairBasis(r.shots[latest])
	}
	sum, n := 0.0, 0
	status = result.OK
	for _, v := range r.values {
		if v.zone != zone || v.metric.Name != metric || v.basis != basis || r.shots[v.shot].session != r.shots[i].session {
			continue
		}
		if v.status == result.Refused {
			why = v.reason
			continue
		}
		if v.status == result.Caution {
			status = v.status
		}
		sum, n = sum+v.v, n+1
	}
	if n == 0 {
		if why == "" {
			why = "not measured"
		}
		return math.NaN(), result.Refused, why
	}
	return sum / float64(n), status, ""
}

// whyNone explains why no photo after the baseline can be used.
func (r *seriesRun) whyNone(zone string, m *metrics.Metric) string {
	if why := r.shots[0].zones[zone].refused; why != "" {
		return "baseline: " + why
	}
	// A photo that cannot resolve the metric is the plainest reason.
	for _, v := range r.values {
		if v.zone == zone && v.metric.Name == m.Name && v.basis == result.BasisNative && math.IsNaN(v.v) && v.shot == 0 {
			return v.reason
		}
	}
	for i := len(r.shots) - 1; i > 0; i-- {
		s := r.shots[i]
		if why := s.zones[zone].refused; why != "" {
			return s.session.ID + ": " + why
		}
		if j := s.gate[m.Family]; j.Status == result.Refused {
			return s.session.ID + ": " + j.Reason
		}
	}
	return "no session after the baseline could be used"
}

// course is the comparable sessions of a metric at one sharpness: days and means.
func (r *seriesRun) course(zone, metric string) (days, values []float64) {
	for i := range r.series.Sessions {
		s := &r.series.Sessions[i]
		sum, n := 0.0, 0
		for _, v := range r.values {
			if v.zone == zone && v.metric.Name == metric && v.basis == result.BasisSeries && r.shots[v.shot].session == s && v.status != result.Refused {
				sum, n = sum+v.v, n+1
			}
		}
		if n > 0 {
			days, values = append(days, float64(s.Day)), append(values, sum/float64(n))
		}
	}
	return days, values
}

// slope fits the Theil-Sen line.
func (r *seriesRun) slope(t *result.Trend, days, values []float64) {
	line, err := trend.TheilSen(days, values)
	if err != nil {
		return
	}
	t.SlopePer30d = result.Number(30 * line.Slope)
	if line.HasInterval {
		t.SlopeLow, t.SlopeHigh = result.Number(30*line.Low), result.Number(30*line.High)
	}
}

// Before the third treatment and before this day after the last one a verdict is
// early.
const (
	earlyTreatments = 3
	earlyDays       = 21
)

// byCard tells whether the values that a verdict on a metric of a zone compares were
// measured in the light of a colour chart.
func (r *seriesRun) byCard(zone, metric string, latest *shot) bool {
	return slices.ContainsFunc(r.values, func(v value) bool {
		return v.zone == zone && v.metric.Name == metric && v.basis == pairBasis(latest) && v.card
	})
}

// qualifiers are the reservations of a verdict.
func (r *seriesRun) qualifiers(zone string, m *metrics.Metric, latest *shot, sdc detectable) []string {
	var q []string
	if n := latest.session.Treatments; n > 0 && n < earlyTreatments || latest.session.DaysSinceTreatment != nil && *latest.session.DaysSinceTreatment < earlyDays {
		q = append(q, "early")
	}
	if strings.HasPrefix(sdc.source, "provisional") {
		q = append(q, "provisional")
	}
	if !sdc.full {
		q = append(q, "photo_error_only")
	}
	if m.Family == metrics.Redness || m.Family == metrics.Pigment {
		if r.fallsBack(r.referenceFor(zone)) && !r.byCard(zone, m.Name, latest) {
			q = append(q, "relative")
		}
	}
	return q
}
