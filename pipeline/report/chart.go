package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Size of one panel and of its plot area.
const (
	panelW, panelH                         = 280, 150
	plotLeft, plotTop, plotRight, plotFoot = 42, 14, 272, 124
)

// metricCharts are the panels of one metric, one a zone, all with the same span
// on the value axis, so that the same slope means the same in each.
type metricCharts struct {
	Title, Unit, Direction, Doc string
	Panels                      []panel
	Empty                       string // zones without any value, with the reasons
}

// panel is one metric in one zone over time, ready to draw.
type panel struct {
	Zone, Alt           string
	Verdict, Word, Mark string
	Change              string
	Slope               string
	Ticks               []tick // of the value axis
	Days                []tick // of the time axis
	Sessions            []int  // x of the session marks
	Treatments          []treatmentMark
	Band                *band
	LimitLines          []int
	Lines               []string // "x,y x,y ...", broken where a session was refused
	Points              []point
	Gaps                []gap
}

type tick struct {
	Pos   int
	Label string
	Align string // text-anchor
}

type treatmentMark struct {
	X     int
	Label string
}

type band struct {
	Y, H, Centre int
}

type point struct {
	X, Y         int
	Class, Label string
	Minor        bool // one of several replicates
}

// gap is a session without a value.
type gap struct {
	X              int
	Session, Label string
}

// sample is what one session has to say on a metric in a zone.
type sample struct {
	session int // index of the visit
	values  []float64
	caution bool
	why     string // why there is no value, or what to mind
}

// newCharts makes the panels of all metrics: those that carry a verdict first,
// then the others.
func newCharts(s result.Series, treatments []result.Treatment) (main, others []metricCharts) {
	type place struct{ metric, zone string }
	rows := map[place][]result.Measurement{}
	var names []string
	zones := map[string][]string{}
	for _, m := range s.Measurements {
		p := place{m.Metric, m.Zone}
		if rows[p] == nil {
			zones[m.Metric] = append(zones[m.Metric], m.Zone)
		}
		rows[p] = append(rows[p], m)
		names = append(names, m.Metric)
	}
	axis := newTimeAxis(s.Visits)
	for _, metric := range metricOrder(names) {
		carries := false
		var series []zoneSeries
		for _, zone := range zoneOrder(zones[metric]) {
			z := newZoneSeries(zone, rows[place{metric, zone}], s)
			z.trend = trendOf(s.Trends, metric, zone)
			carries = carries || z.trend != nil && z.trend.Role == rolePrimary
			series = append(series, z)
		}
		unit := rows[place{metric, series[0].zone}][0].Unit
		c := metricCharts{Title: name("metric", metric), Unit: name("unit", unit)}
		if m, ok := catalogue[metric]; ok {
			c.Direction, c.Doc = name("direction", strconv.Itoa(int(m.Direction))), m.Doc
		}
		span := 0.0
		for _, z := range series {
			lo, hi := z.limits()
			span = max(span, hi-lo)
		}
		var empty []string
		for _, z := range series {
			if p := z.panel(axis, span, unit, s.Visits, treatments); len(p.Points) > 0 {
				c.Panels = append(c.Panels, p)
			} else {
				empty = append(empty, z.zone)
			}
		}
		if len(empty) > 0 {
			c.Empty = tell("chart.empty", zoneNames(empty), whyEmpty(series))
		}
		if carries {
			main = append(main, c)
		} else {
			others = append(others, c)
		}
	}
	return main, others
}

// whyEmpty joins the reasons of all zones without a value, numbers in a reason
// aside.
func whyEmpty(series []zoneSeries) string {
	reasons := map[string]*ranges{}
	var patterns []string
	for _, z := range series {
		if slices.ContainsFunc(z.samples, func(s sample) bool { return len(s.values) > 0 }) {
			continue
		}
		for _, s := range z.samples {
			r := parseReason(s.why)
			if reasons[r.pattern] == nil {
				reasons[r.pattern] = &r
				patterns = append(patterns, r.pattern)
			}
			reasons[r.pattern].widen(r)
		}
	}
	var texts []string
	for _, p := range patterns {
		texts = append(texts, reasons[p].String())
	}
	return strings.Join(texts, "; ")
}

// trendOf is the trend that a panel shows: the primary one where there are two.
func trendOf(trends []result.Trend, metric, zone string) *result.Trend {
	for _, role := range []string{rolePrimary, roleSecondary, roleSafety} {
		for i, t := range trends {
			if t.Role == role && t.Metric == metric && t.Zone == zone {
				return &trends[i]
			}
		}
	}
	return find(trends, metric, zone)
}

// zoneSeries is one metric in one zone.
type zoneSeries struct {
	zone    string
	basis   string
	samples []sample // one a visit
	base    float64  // NaN where the baseline has no value
	trend   *result.Trend
}

// newZoneSeries takes the values at the sharpness that all sessions share where
// there are any, else those as photographed.
func newZoneSeries(zone string, rows []result.Measurement, s result.Series) zoneSeries {
	z := zoneSeries{zone: zone, basis: result.BasisNative, base: math.NaN()}
	for _, m := range rows {
		if m.Basis == result.BasisSeries && m.Value.Known() {
			z.basis = result.BasisSeries
		}
	}
	base := baseline(s.Visits)
	for i, v := range s.Visits {
		p := sample{session: i}
		other := "" // reason given at another sharpness
		for _, m := range rows {
			switch {
			case m.Session != v.Session:
			case m.Basis != z.basis:
				if other == "" && (m.Status == result.Refused || !m.Value.Known()) {
					other = m.Reason
				}
			case m.Status == result.Refused || !m.Value.Known():
				p.why = reason(m.Reason)
			default:
				p.values = append(p.values, float64(m.Value))
				if m.Status == result.Caution {
					p.caution, p.why = true, reason(m.Reason)
				}
			}
		}
		if len(p.values) == 0 && p.why == "" {
			switch {
			case other != "":
				p.why = reason(other)
			case !v.Comparable && v.Reason != "":
				p.why = reason(v.Reason)
			default:
				p.why = tell("reason.not_measured")
			}
		}
		if i == base && len(p.values) > 0 {
			z.base = median(p.values)
		}
		z.samples = append(z.samples, p)
	}
	return z
}

// margin is the half width of the error band and that of the change that the
// verdict asked for; 0 where not known.
func (z zoneSeries) margin() (sdc, limit float64) {
	if z.trend == nil {
		return 0, 0
	}
	if z.trend.SDC.Known() {
		sdc = math.Abs(float64(z.trend.SDC))
	}
	if z.trend.Limit.Known() {
		limit = math.Abs(float64(z.trend.Limit))
	}
	return sdc, limit
}

// limits are the lowest and highest value to show; both NaN without values.
func (z zoneSeries) limits() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, p := range z.samples {
		for _, v := range p.values {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	if !math.IsNaN(z.base) {
		sdc, limit := z.margin()
		m := max(sdc, limit)
		lo, hi = min(lo, z.base-m), max(hi, z.base+m)
	}
	if lo > hi {
		return 0, 0
	}
	return lo, hi
}

func (z zoneSeries) panel(axis timeAxis, span float64, unit string, visits []result.Visit, treatments []result.Treatment) panel {
	lo, hi := z.limits()
	if span == 0 { // all values alike: any span shows that
		span = max(math.Abs(hi)*0.1, 1e-9)
	}
	y := newValueAxis((lo+hi)/2, span*1.1)
	p := panel{Zone: name("zone", z.zone), Ticks: y.ticks(), Days: axis.ticks()}
	if t := z.trend; t != nil {
		p.Verdict, p.Word, p.Mark = string(t.Verdict), name("verdict", string(t.Verdict)), marks[t.Verdict]
		// The unit is in the heading of the metric.
		switch {
		case t.ChangePct.Known():
			p.Change = change(*t)
		case t.Change.Known():
			p.Change = signed(t.Change)
		}
		if t.SlopePer30d.Known() && t.SlopeLow.Known() && t.SlopeHigh.Known() {
			p.Slope = tell("chart.slope", signed(t.SlopePer30d), signed(t.SlopeLow), signed(t.SlopeHigh))
		}
	}
	for _, t := range treatments {
		if day, ok := dayOf(t.Date, visits); ok && axis.dated && day >= axis.first && day <= axis.last {
			p.Treatments = append(p.Treatments, treatmentMark{axis.x(day), tell("chart.treatment", plain(t.Date, nameRunes))})
		}
	}
	var line, words []string
	flush := func() {
		if len(line) > 1 {
			p.Lines = append(p.Lines, strings.Join(line, " "))
		}
		line = nil
	}
	for _, sm := range z.samples {
		v := visits[sm.session]
		x := axis.of(sm.session)
		p.Sessions = append(p.Sessions, x)
		label := orDash(v.Session) + ", " + when(v)
		if len(sm.values) == 0 {
			flush()
			p.Gaps = append(p.Gaps, gap{x, orDash(v.Session), label + ": " + sm.why})
			words = append(words, label+": "+tell("chart.no_value", sm.why))
			continue
		}
		mid := median(sm.values)
		text := label + ": " + withUnit(num(result.Number(mid)), unit)
		class := "ok"
		if sm.caution {
			class = "caution"
			text += " (" + sm.why + ")"
		}
		words = append(words, text)
		line = append(line, fmt.Sprintf("%d,%d", x, y.of(mid)))
		if len(sm.values) > 1 {
			for _, val := range sm.values {
				p.Points = append(p.Points, point{x, y.of(val), class, "", true})
			}
		}
		p.Points = append(p.Points, point{x, y.of(mid), class, text, false})
	}
	flush()
	if sdc, limit := z.margin(); !math.IsNaN(z.base) && sdc > 0 {
		top, foot := y.of(z.base+sdc), y.of(z.base-sdc)
		p.Band = &band{top, max(1, foot-top), y.of(z.base)}
		if limit > sdc*1.001 {
			p.LimitLines = []int{y.of(z.base + limit), y.of(z.base - limit)}
		}
		words = append(words, tell("chart.band_words", num(result.Number(z.base)), num(result.Number(sdc))))
	}
	p.Alt = tell("chart.alt", p.Zone, strings.Join(words, "; "))
	return p
}

// timeAxis puts sessions at their real distance in days; undated ones in equal
// steps.
type timeAxis struct {
	dated       bool
	first, last int
	days        []int
}

func newTimeAxis(visits []result.Visit) timeAxis {
	var a timeAxis
	for _, v := range visits {
		a.days = append(a.days, v.Day)
	}
	if len(a.days) == 0 {
		return a
	}
	a.first, a.last = slices.Min(a.days), slices.Max(a.days)
	a.dated = a.last > a.first || len(a.days) == 1
	if !a.dated {
		for i := range a.days {
			a.days[i] = i
		}
		a.first, a.last = 0, len(a.days)-1
	}
	return a
}

func (a timeAxis) x(day int) int {
	const pad = 8
	if a.last == a.first {
		return (plotLeft + plotRight) / 2
	}
	f := float64(day-a.first) / float64(a.last-a.first)
	return int(math.Round(plotLeft + pad + f*(plotRight-plotLeft-2*pad)))
}

func (a timeAxis) of(visit int) int { return a.x(a.days[visit]) }

// ticks are the first and the last day and those between that have room.
func (a timeAxis) ticks() []tick {
	const room = 26
	days := slices.Compact(slices.Sorted(slices.Values(a.days)))
	var list []tick
	end := a.x(a.last)
	for i, d := range days {
		x := a.x(d)
		if i > 0 && i < len(days)-1 && (x-list[len(list)-1].Pos < room || end-x < room) {
			continue
		}
		label := strconv.Itoa(d)
		if !a.dated {
			label = strconv.Itoa(d + 1)
		}
		list = append(list, tick{x, strings.Replace(label, "-", "−", 1), "middle"})
	}
	return list
}

// valueAxis maps values to pixels, upwards.
type valueAxis struct{ lo, hi float64 }

func newValueAxis(centre, span float64) valueAxis {
	return valueAxis{centre - span/2, centre + span/2}
}

func (a valueAxis) of(v float64) int {
	f := (v - a.lo) / (a.hi - a.lo)
	return int(math.Round(plotFoot - f*(plotFoot-plotTop)))
}

// ticks are round values, two to six of them.
func (a valueAxis) ticks() []tick {
	step := math.Pow(10, math.Floor(math.Log10(a.hi-a.lo)))
	for _, f := range []float64{2, 1, 0.5, 0.2} {
		if s := step * f; (a.hi-a.lo)/s >= 3 {
			step = s
			break
		}
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	var list []tick
	for i := math.Ceil(a.lo / step); i*step <= a.hi; i++ {
		s := strconv.FormatFloat(i*step, 'f', decimals, 64)
		if strings.Trim(s, "-0.") == "" {
			s = strings.TrimPrefix(s, "-")
		}
		list = append(list, tick{a.of(i * step), strings.Replace(s, "-", "−", 1), "end"})
	}
	return list
}

// median of at least one value.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
