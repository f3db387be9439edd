package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Size of a small chart and of its plot area.
const (
	miniW, miniH                           = 200, 104
	miniLeft, miniTop, miniRight, miniFoot = 22, 10, 194, 86
)

// mini is one primary metric over time, all zones in one small chart beside its
// face map. Zones differ in level and error, so that changes are drawn in the
// change that the verdict of the zone asks for: the band from -1 to 1 is what
// measurement error can make.
type mini struct {
	Map        *faceMap // nil where no zone of the map was judged
	Title      string
	Note       string // where the study names the outcome: whether this is it
	Direction  string
	Alt        string
	Band       band
	Ticks      []tick
	Days       []tick
	Sessions   []int
	Treatments []int
	Lines      []miniLine
	Empty      string // why there is no line
}

// miniLine is a zone; Class is its verdict.
type miniLine struct {
	Class, Zone, Mark string
	Points            string // "x,y x,y ..." of one unbroken run
	Dots              []point
	EndX, EndY        int
}

// zoneChange is the change of a zone in units of the change that its verdict asks for.
type zoneChange struct {
	trend  *result.Trend
	visits []int
	values []float64
}

func newMinis(s result.Series, treatments []result.Treatment) []mini {
	var names []string
	var shown []result.Trend
	outcome := map[string][]string{} // zones by metric
	named := false
	for _, t := range s.Trends {
		if t.Role == rolePrimary {
			outcome[t.Metric] = append(outcome[t.Metric], t.Zone)
		}
		// A named outcome hides nothing: what would carry verdicts is beside it.
		if t.Role == rolePrimary || besideOutcome(t) {
			names = append(names, t.Metric)
			shown = append(shown, t)
			named = named || besideOutcome(t)
		}
	}
	var list []mini
	for _, metric := range first(metricOrder(names), func(m string) bool { return outcome[m] != nil }) {
		m := mini{Title: name("metric", metric), Map: newFaceMap(metric, shown)}
		if c, ok := catalogue[metric]; ok {
			m.Direction = name("direction", strconv.Itoa(int(c.Direction)))
		}
		if zones := outcome[metric]; named && len(zones) > 0 {
			m.Note = tell("summary.outcome", zoneNames(zones))
		} else if named {
			m.Note = name("role", roleSecondary)
		}
		m.draw(zoneChanges(metric, shown, s), s.Visits, treatments)
		list = append(list, m)
	}
	return list
}

// zoneChanges are the changes from the baseline of the zones whose error is known.
func zoneChanges(metric string, primary []result.Trend, s result.Series) []zoneChange {
	var zones []string
	rows := map[string][]result.Measurement{}
	for _, m := range s.Measurements {
		if m.Metric == metric {
			rows[m.Zone] = append(rows[m.Zone], m)
			zones = append(zones, m.Zone)
		}
	}
	var list []zoneChange
	for _, zone := range zoneOrder(zones) {
		t := find(primary, metric, zone)
		if t == nil {
			continue
		}
		z := newZoneSeries(zone, rows[zone], s)
		z.trend = t
		sdc, limit := z.margin()
		unit := max(sdc, limit)
		if !(unit > 0) || math.IsNaN(z.base) {
			continue
		}
		c := zoneChange{trend: t}
		for _, p := range z.samples {
			if len(p.values) > 0 {
				c.visits = append(c.visits, p.session)
				c.values = append(c.values, (median(p.values)-z.base)/unit)
			}
		}
		if len(c.values) > 1 {
			list = append(list, c)
		}
	}
	return list
}

// draw puts what was called last, so that it lies on top.
func (m *mini) draw(list []zoneChange, visits []result.Visit, treatments []result.Treatment) {
	top := 1.6
	for _, c := range list {
		for _, v := range c.values {
			top = max(top, math.Abs(v)*1.1)
		}
	}
	axis := newTimeAxis(visits)
	x := func(day int) int {
		// The axis of the charts, in the width of this one.
		return miniLeft + (axis.x(day)-plotLeft)*(miniRight-miniLeft)/(plotRight-plotLeft)
	}
	y := func(v float64) int { return int(math.Round((miniTop+miniFoot)/2 - v/top*(miniFoot-miniTop)/2)) }
	m.Band = band{y(1), y(-1) - y(1), y(0)}
	step := math.Ceil(top / 4)
	for v := -step * math.Floor(top/step); v <= top; v += step {
		m.Ticks = append(m.Ticks, tick{y(v), strings.Replace(strconv.Itoa(int(v)), "-", "−", 1), "end"})
	}
	for _, d := range axis.ticks() {
		d.Pos = miniLeft + (d.Pos-plotLeft)*(miniRight-miniLeft)/(plotRight-plotLeft)
		m.Days = append(m.Days, d)
	}
	for i := range visits {
		m.Sessions = append(m.Sessions, x(axis.days[i]))
	}
	for _, t := range treatments {
		if day, ok := dayOf(t.Date, visits); ok && axis.dated && day >= axis.first && day <= axis.last {
			m.Treatments = append(m.Treatments, x(day))
		}
	}
	rank := func(c zoneChange) int { return -slices.Index(verdicts, c.trend.Verdict) }
	slices.SortStableFunc(list, func(a, b zoneChange) int { return rank(a) - rank(b) })
	var words []string
	for _, c := range list {
		l := miniLine{Class: string(c.trend.Verdict), Zone: name("zone", c.trend.Zone)}
		var pts, said []string
		for k, v := range c.values {
			px, py := x(axis.days[c.visits[k]]), y(v)
			pts = append(pts, fmt.Sprintf("%d,%d", px, py))
			l.Dots = append(l.Dots, point{X: px, Y: py})
			l.EndX, l.EndY = px, py
			if v != 0 || k > 0 {
				said = append(said, signed(result.Number(v)))
			}
		}
		l.Points = strings.Join(pts, " ")
		if v := c.trend.Verdict; v == result.Improved || v == result.Worsened {
			l.Mark = marks[v]
		}
		words = append(words, l.Zone+" "+strings.Join(said, ", "))
		m.Lines = append(m.Lines, l)
	}
	if len(m.Lines) == 0 {
		m.Empty = tell("summary.chart_empty")
	}
	m.Alt = tell("summary.chart_alt", m.Title, strings.Join(words, "; "))
}
