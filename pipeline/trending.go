package pipeline

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// The smallest detectable changes that ship with the tool are provisional: see
// the head of the file.
//
//go:embed sdc_provisional.csv
var provisionalSDC string

const provisionalSource = "provisional defaults"

// shippedSDC maps a metric to its smallest detectable change: per cent of baseline
// for metrics that are read so, units of the metric for others.
var shippedSDC = func() map[string]float64 {
	r := csv.NewReader(strings.NewReader(provisionalSDC))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		panic("sdc_provisional.csv: " + err.Error()) // shipped with the program
	}
	out := map[string]float64{}
	for _, row := range rows[1:] {
		v, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			panic("sdc_provisional.csv: " + err.Error())
		}
		out[row[0]] = v
	}
	return out
}()

// Metrics whose worsening is a matter of safety: never adjusted for the number of
// zones looked at.
var safety = map[string]bool{"brown_area_fraction": true, "red_area_fraction": true}

// trends compares the latest photo of every zone and metric with the baseline and
// fits the slope.
func trends(r *seriesRun) error {
	r.tone = float64(r.skinTone())
	var family []int // indices of the rows that share one error rate
	for zi := range r.zones {
		zone := r.zones[zi].name
		if zone == referenceZone {
			continue
		}
		for _, m := range metrics.All() {
			t := r.trendOf(zone, &m)
			if t.Role == "primary" && t.Verdict == "" {
				family = append(family, len(r.result.Trends))
			}
			r.result.Trends = append(r.result.Trends, t)
		}
	}
	if len(family) > 0 {
		var change, sdc []float64
		for _, i := range family {
			change, sdc = append(change, float64(r.result.Trends[i].Change)), append(sdc, float64(r.result.Trends[i].SDC))
		}
		limits, err := trend.HolmLimits(change, sdc)
		if err != nil {
			return err
		}
		for k, i := range family {
			r.result.Trends[i].Limit = result.Number(limits[k].Limit)
		}
	}
	directions := map[string]metrics.Direction{}
	for _, m := range metrics.All() {
		directions[m.Name] = m.Direction
	}
	for i := range r.result.Trends {
		if t := &r.result.Trends[i]; t.Verdict == "" {
			decide(t, directions[t.Metric])
		}
	}
	return nil
}

// decide gives the verdict of a row whose change and limit are known.
func decide(t *result.Trend, d metrics.Direction) {
	if !t.Change.Known() || !t.Limit.Known() {
		t.Verdict, t.Reason = result.NotComparable, "the change cannot be measured"
		return
	}
	// More redness is a matter of safety: it is held against its own error, however
	// many zones are looked at.
	alarm := t.Role == "safety"
	if t.Metric == "erythema_index" && t.Change > 0 {
		t.Limit, alarm = t.SDC, true
	}
	beyond := math.Abs(float64(t.Change)) >= float64(t.Limit)
	better := d == metrics.LowerIsBetter && t.Change < 0 || d == metrics.HigherIsBetter && t.Change > 0
	switch {
	case !beyond:
		t.Verdict, t.Reason = result.NoDetectableChange, "the change is within measurement error; that is not the same as no change"
	case d == metrics.NoDirection:
		// Neither better nor worse: the cell stays empty.
		t.Reason = "changed beyond measurement error; this measure has no better or worse"
	case better:
		t.Verdict, t.Reason = result.Improved, "beyond measurement error; cause not established"
	case alarm:
		t.Verdict, t.Reason = result.Worsened, "possible worsening, examine"
	default:
		t.Verdict, t.Reason = result.Worsened, "beyond measurement error; cause not established"
	}
}

// Below this individual typology angle, degrees, erythema is under-detected in
// photographs to a degree that a verdict would mislead.
const tooDarkForRedness = -30

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
	case safety[m.Name]:
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
	base, why := r.sessionMean(zone, m.Name, 0, latest)
	t.Baseline = result.Number(base)
	if latest == 0 {
		t.Verdict, t.Reason = result.NotComparable, r.whyNone(zone, m)
		return t
	}
	t.LatestSession = r.shots[latest].session.ID
	now, whyNow := r.sessionMean(zone, m.Name, latest, latest)
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
	if n := r.scarsAtBaseline(zone, m.Name); followed(m.Name) && n < fewScars {
		t.Verdict, t.Reason = result.NotComparable, fmt.Sprintf("%.0f scar(s) at baseline; a mean contrast needs at least %d", n, fewScars)
		return t
	}
	t.Change = result.Number(now - base)
	if m.Percent && base > 0 {
		t.ChangePct = result.Number(100 * (now - base) / base)
	}
	sdc, source, ok := r.smallestChange(zone, m, base, days, values)
	if !ok {
		t.Verdict, t.Reason = result.NotComparable, source
		return t
	}
	t.SDC, t.SDCSource, t.Limit = result.Number(sdc), source, result.Number(sdc)
	t.Qualifier = strings.Join(r.qualifiers(zone, m, r.shots[latest], source), ";")
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
// with shot latest (0: as photographed). Where there is no value, it says why.
func (r *seriesRun) sessionMean(zone, metric string, i, latest int) (mean float64, why string) {
	basis := result.BasisNative
	if latest > 0 {
		basis = pairBasis(r.shots[latest])
	}
	sum, n := 0.0, 0
	for _, v := range r.values {
		if v.zone != zone || v.metric.Name != metric || v.basis != basis || r.shots[v.shot].session != r.shots[i].session {
			continue
		}
		if v.status == result.Refused {
			why = v.reason
			continue
		}
		sum, n = sum+v.v, n+1
	}
	if n == 0 {
		if why == "" {
			why = "not measured"
		}
		return math.NaN(), why
	}
	return sum / float64(n), ""
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

// smallestChange is the SDC of a metric in its own unit: from replicates of this
// series where there are any, never below the shipped one, and wider where the
// sessions scatter more about their line. With ok false, source says why there is
// none.
func (r *seriesRun) smallestChange(zone string, m *metrics.Metric, base float64, days, values []float64) (sdc float64, source string, ok bool) {
	shipped, known := shippedSDC[m.Name]
	if !known {
		return 0, "no smallest detectable change is known for this measure", false
	}
	if m.Percent {
		if !(base > 0) {
			return 0, "the baseline is 0: a change cannot be given in per cent", false
		}
		shipped *= base / 100
	}
	sdc, source = shipped, provisionalSource
	if floor := r.chanceOfFew(zone, m.Name) * base; floor > sdc {
		sdc, source = floor, provisionalSource+"; widened because the baseline has few scars"
	}
	if own, df, ok := r.replicateSDC(zone, m.Name); ok && own > sdc {
		sdc, source = own, fmt.Sprintf("replicates in this study (%d degrees of freedom)", df)
	}
	if len(days) >= 4 {
		sem := sdc / (1.96 * math.Sqrt2)
		if s, err := trend.KnownSEMSlope(days, values, sem); err == nil && s.ResidualSD > sem {
			sdc *= s.ResidualSD / sem
			source += "; widened to the scatter of the sessions"
		}
	}
	return sdc, source, true
}

// fewScars is the number from which a mean over scars is more than the luck of one
// outline: on unchanged skin a single scar at the rim of the face lost all its
// contrast to a registration error of 2 mm.
const fewScars = 3

// scarsAtBaseline is the number of scars of a scar metric's type at baseline; 0 for
// other metrics.
func (r *seriesRun) scarsAtBaseline(zone, metric string) float64 {
	name := ""
	for _, prefix := range []string{"scar_count", "scar_area_fraction", "scar_contrast"} {
		if kind, ok := strings.CutPrefix(metric, prefix); ok {
			name = "scar_count" + kind
		}
	}
	for _, v := range r.values {
		if name != "" && v.zone == zone && v.metric.Name == name && v.shot == 0 && v.basis == result.BasisNative && v.v > 0 {
			return v.v
		}
	}
	return 0
}

// chanceOfFew is the smallest detectable change, relative to the baseline, of a
// number or area of scars when finding each is a matter of chance: 1.96 sqrt(2/n)
// for n at baseline (Poisson). 0 for other metrics.
func (r *seriesRun) chanceOfFew(zone, metric string) float64 {
	if n := r.scarsAtBaseline(zone, metric); n > 0 && !followed(metric) {
		return 1.96 * math.Sqrt(2/n)
	}
	return 0
}

// replicateSDC is the SDC from sessions with several photos: t * sqrt 2 * SEM,
// with the t factor of the degrees of freedom.
func (r *seriesRun) replicateSDC(zone, metric string) (sdc float64, df int, ok bool) {
	bySession := map[string][]float64{}
	var groups [][]float64
	for _, v := range r.values {
		if v.zone == zone && v.metric.Name == metric && v.basis == result.BasisSeries && v.status != result.Refused {
			id := r.shots[v.shot].session.ID
			bySession[id] = append(bySession[id], v.v)
		}
	}
	for i := range r.series.Sessions {
		groups = append(groups, bySession[r.series.Sessions[i].ID])
	}
	sem, err := trend.SEMFromReplicates(groups)
	if err != nil {
		return 0, 0, false
	}
	t, err := trend.TFactor(sem.DF)
	if err != nil {
		return 0, 0, false
	}
	return t * math.Sqrt2 * sem.Value, sem.DF, true
}

// Before the third treatment and before this day after the last one a verdict is
// early.
const (
	earlyTreatments = 3
	earlyDays       = 21
)

// qualifiers are the reservations of a verdict.
func (r *seriesRun) qualifiers(zone string, m *metrics.Metric, latest *shot, source string) []string {
	var q []string
	if n := latest.session.Treatments; n > 0 && n < earlyTreatments || latest.session.DaysSinceTreatment != nil && *latest.session.DaysSinceTreatment < earlyDays {
		q = append(q, "early")
	}
	if strings.HasPrefix(source, provisionalSource) {
		q = append(q, "provisional")
	}
	q = append(q, "photo_error_only")
	if m.Family == metrics.Redness || m.Family == metrics.Pigment {
		if r.referenceFor(zone) == "forehead" && !slices.Contains(r.untreated(), "forehead") {
			q = append(q, "relative")
		}
	}
	return q
}
