package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// tablesView is everything in detail, folded away at the foot of a series.
type tablesView struct {
	Trends     []trendRow
	Alignments []alignmentRow
	Checks     []checkGroup
	Values     []valueTable
}

type trendRow struct {
	Metric, Zone, Role, Sessions             string
	Baseline, Latest, Change, Percent, Unit  string
	SDC, Limit, Slope, Verdict, Word, Remark string
	Minor                                    bool // secondary: not on paper
}

type alignmentRow struct {
	Session, Photo, Status, Word               string
	Scale, Rotation, Shift, Inliers            string
	Overlap, Residual, ResidualPct, Yaw, Pitch string
	Reason                                     string
}

// checkGroup are the checks of one session.
type checkGroup struct {
	Session string
	Rows    []checkRow
}

type checkRow struct{ Check, Photo, Value, Limit, Unit, Affects, Status, Word string }

// valueTable holds the values of one metric, a row a zone, a column a session.
type valueTable struct {
	Title, Unit string
	Sessions    []string
	Rows        []valueRow
	Notes       []string // the reasons that cells refer to
}

type valueRow struct {
	Zone, Basis string
	Cells       []valueCell
}

type valueCell struct {
	Text, Note string
	Status     string
}

func newTablesView(s result.Series) tablesView {
	var v tablesView
	for _, t := range s.Trends {
		v.Trends = append(v.Trends, newTrendRow(t))
	}
	for _, a := range s.Alignments {
		v.Alignments = append(v.Alignments, newAlignmentRow(a))
	}
	v.Checks = newCheckGroups(s.Comparability)
	v.Values = newValueTables(s)
	return v
}

func newTrendRow(t result.Trend) trendRow {
	r := trendRow{
		Metric: name("metric", t.Metric), Zone: name("zone", t.Zone), Role: name("role", t.Role),
		Sessions: strconv.Itoa(t.Sessions),
		Baseline: num(t.Baseline), Latest: num(t.Latest), Change: signed(t.Change), Percent: signed(t.ChangePct),
		Unit: name("unit", t.Unit), SDC: num(t.SDC), Limit: num(t.Limit), Slope: dash,
		Verdict: string(t.Verdict), Word: name("verdict", string(t.Verdict)), Minor: t.Role == roleSecondary,
	}
	if t.SlopePer30d.Known() {
		r.Slope = signed(t.SlopePer30d)
		if t.SlopeLow.Known() && t.SlopeHigh.Known() {
			r.Slope = tell("table.slope", signed(t.SlopePer30d), signed(t.SlopeLow), signed(t.SlopeHigh))
		}
	}
	var remarks []string
	if q := qualifierNames(t.Qualifier); q != "" {
		remarks = append(remarks, q)
	}
	if t.Reason != "" || t.Verdict == result.NotComparable || t.Verdict == "" {
		remarks = append(remarks, reason(t.Reason))
	}
	r.Remark = strings.Join(remarks, "; ")
	return r
}

func newAlignmentRow(a result.Alignment) alignmentRow {
	shift := dash
	if a.ShiftXPx.Known() && a.ShiftYPx.Known() {
		shift = num(a.ShiftXPx) + ", " + num(a.ShiftYPx)
	}
	r := alignmentRow{
		Session: orDash(a.Session), Photo: orDash(a.Photo), Status: string(a.Status), Word: name("status", string(a.Status)),
		Scale: num(a.Scale), Rotation: num(a.RotationDeg), Shift: shift, Inliers: strconv.Itoa(a.Inliers),
		Overlap: dash, Residual: num(a.ResidualPx), ResidualPct: num(a.ResidualPctIPD),
		Yaw: num(a.YawDeltaDeg), Pitch: num(a.PitchDeltaDeg), Reason: plain(a.Reason, reasonRunes),
	}
	if a.Overlap.Known() {
		r.Overlap = withUnit(num(a.Overlap*100), "percent")
	}
	if a.Status == result.Refused {
		r.Reason = reason(a.Reason)
	}
	return r
}

// newCheckGroups keeps the order of the sessions and of their checks.
func newCheckGroups(checks []result.Check) []checkGroup {
	index := map[string]int{}
	var groups []checkGroup
	for _, c := range checks {
		i, ok := index[c.Session]
		if !ok {
			i = len(groups)
			index[c.Session] = i
			groups = append(groups, checkGroup{Session: orDash(c.Session)})
		}
		groups[i].Rows = append(groups[i].Rows, checkRow{
			Check: name("check", c.Check), Photo: plain(c.Photo, nameRunes), Value: num(c.Value), Limit: num(c.Limit),
			Unit: name("unit", c.Unit), Affects: affects(c.Affects), Status: string(c.Status), Word: name("status", string(c.Status)),
		})
	}
	return groups
}

// newValueTables shows the values as photographed and those at the sharpness of
// the series. Values of pairs are in the table of trends, which they are for.
func newValueTables(s result.Series) []valueTable {
	type place struct{ zone, basis, session string }
	byMetric := map[string][]result.Measurement{}
	var names []string
	for _, m := range s.Measurements {
		if strings.HasPrefix(m.Basis, result.BasisPair) {
			continue
		}
		if byMetric[m.Metric] == nil {
			names = append(names, m.Metric)
		}
		byMetric[m.Metric] = append(byMetric[m.Metric], m)
	}
	var sessions []string
	for _, v := range s.Visits {
		sessions = append(sessions, v.Session)
	}
	var tables []valueTable
	for _, metric := range metricOrder(names) {
		list := byMetric[metric]
		t := valueTable{Title: name("metric", metric), Unit: name("unit", list[0].Unit)}
		rows := map[place][]result.Measurement{}
		var zones, bases []string
		columns := slices.Clone(sessions)
		for _, m := range list {
			p := place{m.Zone, m.Basis, m.Session}
			rows[p] = append(rows[p], m)
			zones, bases, columns = append(zones, m.Zone), append(bases, m.Basis), append(columns, m.Session)
		}
		columns = order(columns, nil)
		for _, c := range columns {
			t.Sessions = append(t.Sessions, orDash(c))
		}
		notes := map[string]int{}
		note := func(why string) string {
			n, ok := notes[why]
			if !ok {
				n = len(notes) + 1
				notes[why] = n
				t.Notes = append(t.Notes, why)
			}
			return strconv.Itoa(n)
		}
		for _, zone := range zoneOrder(zones) {
			for _, basis := range order(bases, []string{result.BasisNative, result.BasisSeries}) {
				row := valueRow{Zone: name("zone", zone), Basis: name("basis", basis)}
				some := false
				for _, c := range columns {
					ms := rows[place{zone, basis, c}]
					some = some || len(ms) > 0
					row.Cells = append(row.Cells, newValueCell(ms, note))
				}
				if some {
					t.Rows = append(t.Rows, row)
				}
			}
		}
		tables = append(tables, t)
	}
	return tables
}

// newValueCell shows the values of one or more photos of a session; note gives
// a reason its number.
func newValueCell(ms []result.Measurement, note func(string) string) valueCell {
	if len(ms) == 0 {
		return valueCell{Text: dash, Note: note(tell("reason.not_measured")), Status: string(result.Refused)}
	}
	c := valueCell{Status: string(result.OK)}
	var texts, notes []string
	for _, m := range ms {
		texts = append(texts, num(m.Value))
		if m.Status != result.OK || !m.Value.Known() {
			notes = append(notes, note(reason(m.Reason)))
			c.Status = string(m.Status)
		}
	}
	c.Text, c.Note = strings.Join(texts, " / "), strings.Join(order(notes, nil), ", ")
	return c
}
