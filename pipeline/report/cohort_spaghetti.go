package report

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// course is one person's change from baseline.
type course struct {
	days   []float64
	change []float64 // NaN where there is no value
}

// newCourse relates the values of a person to the one of day 0, else to the
// first; false where there are not two.
func newCourse(c result.Course) (course, bool) {
	var out course
	base, known := math.NaN(), 0
	for i := range min(len(c.Days), len(c.Values)) {
		if v := c.Values[i]; v.Known() && (!finite(base) || c.Days[i] == 0) {
			base = float64(v)
		}
	}
	for i := range min(len(c.Days), len(c.Values)) {
		change := float64(c.Values[i]) - base
		if isPercent(c.Metric) {
			change *= 100 / base
		}
		if !finite(change) {
			change = math.NaN()
		} else {
			known++
		}
		out.days, out.change = append(out.days, float64(c.Days[i])), append(out.change, change)
	}
	return out, known >= 2
}

// periodMedian is the median change of the persons seen in one period, at the
// median of their days.
type periodMedian struct {
	day         float64
	change      trend.Estimate
	hasInterval bool
}

// periodDays is the length of the periods that medians are of: a month, longer
// where there would be more than fourteen.
func periodDays(last float64) float64 {
	for _, days := range []float64{30, 60, 90, 180} {
		if last <= 14*days {
			return days
		}
	}
	return 360
}

// periodMedians takes one value of each person in a period, the mean of the
// person's visits in it, so that visits that one person missed do not mix those of
// others. Periods lie around 0, 1, 2, ... times their length.
func periodMedians(courses []course, length float64) []periodMedian {
	days, changes := map[int][]float64{}, map[int][]float64{}
	for _, c := range courses {
		type sum struct{ day, change, n float64 }
		own := map[int]sum{}
		for i, v := range c.change {
			if finite(v) {
				k := int(math.Round(c.days[i] / length))
				if c.days[i] == 0 {
					k = math.MinInt // the baseline stands alone
				}
				s := own[k]
				own[k] = sum{s.day + c.days[i], s.change + v, s.n + 1}
			}
		}
		for k, s := range own {
			days[k], changes[k] = append(days[k], s.day/s.n), append(changes[k], s.change/s.n)
		}
	}
	var list []periodMedian
	for _, k := range slices.Sorted(maps.Keys(days)) {
		day, err1 := trend.Median(days[k])
		change, ok, err2 := trend.MedianInterval(changes[k])
		if err1 == nil && err2 == nil {
			list = append(list, periodMedian{day, change, ok})
		}
	}
	slices.SortFunc(list, func(a, b periodMedian) int { return cmp.Compare(a.day, b.day) })
	return list
}

// spaghetti draws every person's course in each zone, with the median of each
// month and its interval.
func (d *cohortData) spaghetti(metric string) (figure, bool) {
	byPlace := map[place][]course{}
	var days, changes []float64
	unit, persons := "", map[string]bool{}
	for _, c := range byCode(d.Courses, func(c result.Course) (string, bool) { return c.Code, c.Metric == metric }) {
		if one, ok := newCourse(c); ok {
			p := place{c.View, c.Zone}
			byPlace[p] = append(byPlace[p], one)
			days = append(days, one.days...)
			for _, x := range one.change {
				if finite(x) {
					changes = append(changes, x)
				}
			}
			unit, persons[c.Code] = c.Unit, true
		}
	}
	shown, more := d.places.with(func(p place) bool { return len(byPlace[p]) > 0 })
	if len(shown) == 0 {
		return figure{}, false
	}
	low, high := span(changes)
	first, last := slices.Min(days), math.Max(slices.Max(days), slices.Min(days)+1)
	length := periodDays(last)
	sampled := false
	var panels []*plot.Plot
	for _, p := range shown {
		courses := byPlace[p]
		medians := periodMedians(courses, length)
		drawn := courses
		if len(courses) > maxCourses {
			sampled, drawn = true, nil
			for i := range maxCourses { // evenly over the codes, which are random
				drawn = append(drawn, courses[i*len(courses)/maxCourses])
			}
		}
		panel := newPanel(d.places.label(p), first, last, low, high)
		panel.X.Tick.Marker = ticks{days: true}
		panel.Add(plotter(func(c draw.Canvas, x, y func(float64) vg.Length) { drawCourses(c, x, y, drawn, medians) }))
		panels = append(panels, panel)
	}
	f := figure{file: figureName("spaghetti", metric)}
	f.caption = tell("cohort.spaghetti", name("metric", metric), len(persons), int(length))
	if sampled {
		f.caption += " " + tell("cohort.spaghetti_sampled", maxCourses)
	}
	f.caption += morePlaces(more)
	f.alt = tell("cohort.spaghetti_alt", name("metric", metric))
	cols := panelColumns(len(panels))
	f.width, f.height = panelsSize(len(panels), cols)
	f.draw = func(dc draw.Canvas) {
		grid(dc, panels, cols, tell("cohort.axis_days"), axis(tell("cohort.axis_change"), changeUnit(metric, unit)))
	}
	return f, true
}

func drawCourses(c draw.Canvas, x, y func(float64) vg.Length, courses []course, medians []periodMedian) {
	c.StrokeLine2(stroke(lineColour, hairline, 2, 2), c.Min.X, y(0), c.Max.X, y(0))
	var lines [][]vg.Point
	for _, one := range courses {
		var line []vg.Point
		for i, v := range one.change {
			if finite(v) {
				line = append(line, vg.Point{X: x(one.days[i]), Y: y(v)})
			}
		}
		lines = append(lines, line)
	}
	c.StrokeLines(stroke(personColour, hairline), lines...)
	var line []vg.Point
	for _, m := range medians {
		line = append(line, vg.Point{X: x(m.day), Y: y(m.change.Value)})
	}
	c.StrokeLines(stroke(betterColour, boldLine), line)
	for i, m := range medians {
		if m.hasInterval && m.change.High > m.change.Low {
			errorBar(c, stroke(betterColour, boldLine*0.8), line[i].X, y(m.change.Low), y(m.change.High))
		}
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: betterColour, Radius: 1.7, Shape: draw.CircleGlyph{}}, line[i])
	}
}

// errorBar is a vertical interval with ends.
func errorBar(c draw.Canvas, s draw.LineStyle, x, low, high vg.Length) {
	const end = 1.6
	c.StrokeLine2(s, x, low, x, high)
	c.StrokeLine2(s, x-end, low, x+end, low)
	c.StrokeLine2(s, x-end, high, x+end, high)
}

// panelColumns is how many panels stand side by side.
func panelColumns(n int) int { return min(n, 4) }

// panelsSize is the size of a figure of n panels: one column for one or two.
func panelsSize(n, cols int) (w, h vg.Length) {
	rows := (n + cols - 1) / cols
	switch {
	case n == 1:
		return oneColumn, 70 * vg.Millimeter
	case n == 2:
		return 130 * vg.Millimeter, 65 * vg.Millimeter
	}
	return twoColumns, vg.Length(10+45*rows) * vg.Millimeter
}

func morePlaces(n int) string {
	if n <= 0 {
		return ""
	}
	return " " + tell("cohort.more_zones", n)
}
