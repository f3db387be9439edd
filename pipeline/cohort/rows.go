package cohort

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// seed of every random draw of the analysis.
const seed = 20260110

// analysis is one pass over the cells.
type analysis struct {
	*Cohort
	contrasts []contrast
	pageTo    map[string]int // by view: visits that Page's test takes; 0: none
	rows      []result.CohortRow
	courses   []result.Course
	responses []result.Response
}

// change is one person's change.
type change struct {
	person        int
	d, base, sdc  float64
	pct           float64 // NaN where it is not read in per cent
	better, worse bool    // beyond the smallest detectable change
}

// Result computes the figures. Rows are by view, metric, zone and contrast.
func (c *Cohort) Result() (result.Cohort, error) {
	a := &analysis{Cohort: c, contrasts: c.contrasts(), pageTo: map[string]int{}}
	cells := make([]*cell, 0, len(c.cells))
	for _, l := range c.cells {
		cells = append(cells, l)
	}
	slices.SortFunc(cells, c.inOrder)
	for _, l := range cells {
		if _, ok := a.pageTo[l.view]; !ok {
			a.pageTo[l.view] = c.completeVisits(l.view)
		}
	}
	for i := 0; i < len(cells); {
		j := i
		for j < len(cells) && cells[j].view == cells[i].view && cells[j].place.metric == cells[i].place.metric {
			j++
		}
		a.group(cells[i:j])
		i = j
	}
	a.promised()
	if err := c.adjust(a.rows); err != nil {
		return result.Cohort{}, err
	}
	slices.SortStableFunc(a.courses, func(x, y result.Course) int { return cmp.Compare(x.Code, y.Code) })
	slices.SortStableFunc(a.responses, func(x, y result.Response) int { return cmp.Compare(x.Code, y.Code) })
	reps := slices.Clone(c.reps)
	slices.SortStableFunc(reps, func(x, y result.Replicates) int {
		return cmp.Or(cmp.Compare(x.Code, y.Code), cmp.Compare(x.View, y.View), cmp.Compare(x.Zone, y.Zone), cmp.Compare(x.Metric, y.Metric))
	})
	return result.Cohort{
		Study: c.opts.Study, Version: c.first.Version, OpenCV: c.first.OpenCV, Settings: c.first.Settings,
		Methods: c.methods(), Flow: c.flowTable(), Rows: a.rows, Claims: c.claims(),
		Courses: a.courses, Responses: a.responses, Replicates: reps,
	}, nil
}

// promised adds a row for the outcome that was named beforehand where nobody has a
// value of it: that it could not be analysed must be seen.
func (a *analysis) promised() {
	p := a.opts.Primary
	if p == nil || slices.ContainsFunc(a.rows, func(r result.CohortRow) bool { return a.isPrimary(&r) }) {
		return
	}
	l := &cell{place: place{study.ViewFront, p.Zone, p.Metric}, metric: a.catalog[p.Metric]}
	if l.metric != nil {
		l.unit = l.metric.Unit
	}
	a.rows = append(a.rows, a.row(l, fmt.Sprintf("window:%d", a.primaryDay()), nothing(0, "named beforehand, but nobody has a value")))
}

// inOrder is the order of cells: the front view first, metrics as in the
// catalogue, zones as in the anatomy.
func (c *Cohort) inOrder(a, b *cell) int {
	return cmp.Or(
		compareViews(a.view, b.view),
		cmp.Compare(c.metricRank(a.place.metric), c.metricRank(b.place.metric)),
		strings.Compare(a.place.metric, b.place.metric),
		cmp.Compare(zoneRank(a.zone), zoneRank(b.zone)),
		strings.Compare(a.zone, b.zone))
}

func compareViews(a, b string) int {
	if (a == study.ViewFront) != (b == study.ViewFront) {
		if a == study.ViewFront {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

func zoneRank(zone string) int {
	if i := slices.Index(study.ZoneNames, zone); i >= 0 {
		return i
	}
	return len(study.ZoneNames)
}

func (c *Cohort) metricRank(name string) int {
	all := metrics.All()
	for i := range all {
		if all[i].Name == name {
			return i
		}
	}
	return len(all)
}

// contrasts lists the visits that anybody has, and the windows.
func (c *Cohort) contrasts() []contrast {
	most := 0
	for i := range c.persons {
		for _, s := range c.persons[i].series {
			most = max(most, len(s.slots)-1)
		}
	}
	var all []contrast
	for k := 1; k <= most; k++ {
		all = append(all, contrast{name: fmt.Sprintf("visit:%d", k), visit: k})
	}
	for i := range c.windows {
		all = append(all, contrast{name: fmt.Sprintf("window:%d", c.windows[i].Days), window: &c.windows[i]})
	}
	return all
}

// completeVisits is the number of visits after baseline that Page's test takes in
// a view: the most that half of the persons with photos of it have without a gap,
// at least two.
func (c *Cohort) completeVisits(view string) int {
	var had []int
	for i := range c.persons {
		s := c.persons[i].series[view]
		if s == nil || s.lost != "" || !s.slots[0].usable {
			continue
		}
		k := 0
		for k+1 < len(s.slots) && s.slots[k+1].usable {
			k++
		}
		had = append(had, min(k, maxPage))
	}
	if len(had) == 0 {
		return 0
	}
	slices.Sort(had)
	if k := had[len(had)/2]; k >= 2 {
		return k
	}
	return 0
}

// group analyses one metric of one view in all its zones.
func (a *analysis) group(cells []*cell) {
	// changes[zone][contrast] by person.
	changes := make([][][]change, len(cells))
	slopesOf := make([][]change, len(cells))
	for z, l := range cells {
		changes[z] = make([][]change, len(a.contrasts))
		slopesOf[z] = l.ownSlopes()
		if a.shown(l) {
			a.courses = append(a.courses, a.coursesOf(l)...)
		}
		for k, c := range a.contrasts {
			ch, missing := a.changes(l, c)
			changes[z][k] = ch
			row := a.row(l, c.name, oneSample(differences(ch)))
			a.count(&row, l, ch)
			a.miss(&row, missing)
			a.noteUntreated(&row, l, ch)
			a.rows = append(a.rows, row)
			if a.shown(l) {
				a.respond(l, c.name, ch)
			}
		}
		a.slope(l)
		a.page(l)
	}
	for k, c := range a.contrasts {
		at := make([][]change, len(cells))
		for z := range cells {
			at[z] = changes[z][k]
		}
		a.between(cells, c.name, at, c.window != nil)
	}
	a.between(cells, "slope", slopesOf, true)
}

// changes are those of a cell for a contrast, and why others have none.
func (a *analysis) changes(l *cell, c contrast) (out []change, missing map[cause]int) {
	missing = map[cause]int{}
	if n := len(a.persons) - len(l.members); n > 0 {
		missing[noView] = n
	}
	out = make([]change, 0, len(l.members))
	for i := range l.members {
		m := &l.members[i]
		k, why := m.slot(c)
		if why != "" {
			missing[why]++
			continue
		}
		ch := change{person: m.person, base: m.values[0], d: m.values[k] - m.values[0], sdc: m.sdc[k], pct: math.NaN()}
		if l.percent() && ch.base > 0 {
			ch.pct = 100 * ch.d / ch.base
		}
		if toward := l.better(ch.d); math.Abs(ch.d) >= ch.sdc { // false without an SDC
			ch.better, ch.worse = toward > 0, toward < 0
		}
		out = append(out, ch)
	}
	return out, missing
}

// percent tells whether changes are read as per cent of baseline.
func (l *cell) percent() bool { return l.metric != nil && l.metric.Percent }

// directed tells whether there is a better and a worse.
func (l *cell) directed() bool { return l.metric != nil && l.metric.Direction != metrics.NoDirection }

// better is 1 for a change for the better, -1 for the worse, 0 for neither.
func (l *cell) better(d float64) int {
	switch {
	case !l.directed() || d == 0:
		return 0
	case (d < 0) == (l.metric.Direction == metrics.LowerIsBetter):
		return 1
	}
	return -1
}

func differences(ch []change) []float64 {
	d := make([]float64, len(ch))
	for i := range ch {
		d[i] = ch[i].d
	}
	return d
}

// row starts a row of cohort.csv.
func (a *analysis) row(l *cell, name string, o outcome) result.CohortRow {
	none := result.None()
	return result.CohortRow{
		View: l.view, Zone: l.zone, Metric: l.place.metric, Unit: l.unit, Contrast: name,
		N: o.n, Estimate: number(o.estimate), Low: number(o.low), High: number(o.high),
		P: number(o.p), PAdjusted: none, Test: o.test, SD: number(o.sd), Reason: o.reason,
		EstimatePct: none, LowPct: none, HighPct: none,
		Missing: len(a.persons) - o.n, Role: result.RoleExploratory,
	}
}

// count fills in responders and per cent of baseline.
func (a *analysis) count(row *result.CohortRow, l *cell, ch []change) {
	var pct []float64
	for i := range ch {
		if !math.IsNaN(ch[i].pct) {
			pct = append(pct, ch[i].pct)
		}
	}
	if l.percent() && len(pct) > 0 {
		o := oneSample(pct)
		row.EstimatePct, row.LowPct, row.HighPct = number(o.estimate), number(o.low), number(o.high)
	}
	if !l.directed() {
		return
	}
	row.Directed, row.InPercent = true, l.percent()
	for i := range ch {
		c := &ch[i]
		if math.IsNaN(c.sdc) {
			continue
		}
		row.Judged++
		if c.worse {
			row.Worsened++
		}
		if !c.better {
			continue
		}
		row.Responders++
		for _, by := range []struct {
			pct float64
			n   *int
		}{{20, &row.Responders20}, {30, &row.Responders30}, {50, &row.Responders50}} {
			if math.Abs(c.pct) >= by.pct { // false where there is no per cent
				*by.n++
			}
		}
	}
}

// miss says why persons have no value.
func (a *analysis) miss(row *result.CohortRow, missing map[cause]int) {
	var parts []string
	for _, c := range []cause{noView, noBaseline, noTreatment, noVisit, notInWindow, noValue, oneVisit, incomplete} {
		if n := missing[c]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, c))
		}
	}
	if len(parts) > 0 {
		row.Reason = join(row.Reason, "without value: "+strings.Join(parts, ", "))
	}
}

// noteUntreated says how many persons of a row were not treated in its zone.
func (a *analysis) noteUntreated(row *result.CohortRow, l *cell, ch []change) {
	n := 0
	for i := range ch {
		if a.persons[ch[i].person].untreatedIn(l.zone) {
			n++
		}
	}
	if n > 0 {
		row.Reason = join(row.Reason, fmt.Sprintf("%d of %d not treated in this zone", n, len(ch)))
	}
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// slope adds the row of the change per 30 days.
func (a *analysis) slope(l *cell) {
	var persons []trend.Person
	missing := map[cause]int{}
	if n := len(a.persons) - len(l.members); n > 0 {
		missing[noView] = n
	}
	for i := range l.members {
		days, values := l.members[i].course()
		if len(days) < 2 {
			missing[oneVisit]++
			continue
		}
		for k := range days {
			days[k] /= slopeDays
		}
		persons = append(persons, trend.Person{T: days, Y: values})
	}
	row := a.row(l, "slope", slopes(persons))
	row.Unit += " per 30 d"
	a.miss(&row, missing)
	a.rows = append(a.rows, row)
}

// ownSlopes are for comparisons between persons and zones.
func (l *cell) ownSlopes() []change {
	var out []change
	for i := range l.members {
		days, values := l.members[i].course()
		if b, ok := ownSlope(days, values); ok {
			out = append(out, change{person: l.members[i].person, d: b, sdc: math.NaN(), pct: math.NaN()})
		}
	}
	return out
}

// ownSlope is the least-squares slope per 30 days.
func ownSlope(days, values []float64) (float64, bool) {
	if len(days) < 2 {
		return 0, false
	}
	md, mv := 0.0, 0.0
	for i := range days {
		md, mv = md+days[i]/float64(len(days)), mv+values[i]/float64(len(days))
	}
	sxx, sxy := 0.0, 0.0
	for i := range days {
		sxx += (days[i] - md) * (days[i] - md)
		sxy += (days[i] - md) * (values[i] - mv)
	}
	return slopeDays * sxy / sxx, sxx > 0
}

// page adds the rows of Page's test over the visits that most have, and of the
// persons' own rank correlations with the order.
func (a *analysis) page(l *cell) {
	to := a.pageTo[l.view]
	if to == 0 {
		return
	}
	missing := map[cause]int{}
	if n := len(a.persons) - len(l.members); n > 0 {
		missing[noView] = n
	}
	var table [][]float64
	for i := range l.members {
		m := &l.members[i]
		if m.series.lost != "" || len(m.values) <= to || slices.ContainsFunc(m.values[:to+1], math.IsNaN) {
			missing[incomplete]++
			continue
		}
		table = append(table, m.values[:to+1])
	}
	correlations := make([]float64, len(table))
	for i, values := range table {
		correlations[i] = order(values)
	}
	for _, r := range []result.CohortRow{
		a.row(l, fmt.Sprintf("ordered:%d", to), ordered(table)),
		a.row(l, fmt.Sprintf("typical_order:%d", to), oneSample(correlations)),
	} {
		r.Unit = "1"
		a.miss(&r, missing)
		a.rows = append(a.rows, r)
	}
}

// coursesOf are the values of a cell, person by person.
func (a *analysis) coursesOf(l *cell) []result.Course {
	var out []result.Course
	for i := range l.members {
		days, values := l.members[i].course()
		if len(days) == 0 {
			continue
		}
		c := result.Course{Code: a.persons[l.members[i].person].code, View: l.view, Zone: l.zone, Metric: l.place.metric, Unit: l.unit}
		for k := range days {
			c.Days = append(c.Days, int(math.Round(days[k])))
			c.Values = append(c.Values, result.Number(values[k]))
		}
		out = append(out, c)
	}
	return out
}

// respond lists what each person's change came to.
func (a *analysis) respond(l *cell, name string, ch []change) {
	for i := range ch {
		c := &ch[i]
		r := result.Response{
			Code: a.persons[c.person].code, View: l.view, Zone: l.zone, Metric: l.place.metric, Unit: l.unit, Contrast: name,
			Change: number(c.d), ChangePct: number(c.pct), SDC: number(c.sdc), Verdict: result.NoDetectableChange,
		}
		switch {
		case math.IsNaN(c.sdc):
			r.Verdict = result.NotComparable
		case c.better:
			r.Verdict = result.Improved
		case c.worse:
			r.Verdict = result.Worsened
		case math.Abs(c.d) >= c.sdc: // of a metric without better or worse
			r.Verdict = ""
		}
		a.responses = append(a.responses, r)
	}
}
