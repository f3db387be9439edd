package report

import (
	"image/color"
	"slices"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// bar is one person's change.
type bar struct {
	code        string
	change, sdc float64 // sdc is NaN where it is not known
	verdict     result.Verdict
}

// waterfall draws each person's change in each zone, sorted, with the smallest
// detectable change that it was held against.
func (d *cohortData) waterfall(metric string) (figure, bool) {
	contrast := d.contrast(metric)
	byPlace := map[place][]bar{}
	var values []float64
	unit := ""
	for _, r := range d.Responses {
		if r.Metric != metric || r.Contrast != contrast {
			continue
		}
		if change, sdc, ok := changeOf(r); ok {
			p := place{r.View, r.Zone}
			byPlace[p] = append(byPlace[p], bar{r.Code, change, sdc, r.Verdict})
			values, unit = append(values, change), r.Unit
			if finite(sdc) {
				values = append(values, sdc, -sdc)
			}
		}
	}
	shown, more := d.places.with(func(p place) bool { return len(byPlace[p]) > 0 })
	if len(shown) == 0 {
		return figure{}, false
	}
	low, high := span(values)
	var panels []*plot.Plot
	for _, p := range shown {
		bars := byPlace[p]
		sort.SliceStable(bars, func(i, k int) bool {
			if bars[i].change != bars[k].change {
				return bars[i].change > bars[k].change
			}
			return bars[i].code < bars[k].code
		})
		panel := newPanel(d.places.label(p), 0, float64(len(bars)), low, high)
		panel.X.Tick.Marker = plot.ConstantTicks{}
		panel.X.Tick.Length = 0
		panel.X.LineStyle.Width = 0
		panel.X.Label.Text = responderWords(bars)
		panel.X.Label.TextStyle.Color = softColour
		panel.Add(plotter(func(c draw.Canvas, x, y func(float64) vg.Length) { drawBars(c, x, y, bars) }))
		panels = append(panels, panel)
	}
	var kinds []barKind
	for _, k := range barKinds {
		if k.always || slices.ContainsFunc(shown, func(p place) bool {
			return slices.ContainsFunc(byPlace[p], func(b bar) bool { return b.verdict == k.verdict })
		}) {
			kinds = append(kinds, k)
		}
	}
	f := figure{file: figureName("waterfall", metric), alt: tell("cohort.waterfall_alt", name("metric", metric))}
	f.caption = tell("cohort.waterfall", name("metric", metric), contrastWords(contrast)) + morePlaces(more)
	cols := panelColumns(len(panels))
	f.width, f.height = panelsSize(len(panels), cols)
	f.draw = func(dc draw.Canvas) {
		grid(draw.Crop(dc, 0, 0, 0, -12), panels, cols, tell("cohort.axis_persons"), axis(tell("cohort.axis_change"), changeUnit(metric, unit)))
		key(dc, kinds, tell("cohort.key_sdc"))
	}
	return f, true
}

// barKind is a verdict with its colour.
type barKind struct {
	verdict result.Verdict
	colour  color.Color
	always  bool // in the key
	words   func() string
}

var barKinds = []barKind{
	{result.Improved, betterColour, true, func() string { return name("verdict", string(result.Improved)) }},
	{result.Worsened, worseColour, true, func() string { return name("verdict", string(result.Worsened)) }},
	{result.NoDetectableChange, sameColour, true, func() string { return name("verdict", string(result.NoDetectableChange)) }},
	// Beyond the smallest detectable change, of a metric without better or worse.
	{"", color.NRGBA{204, 121, 167, 255}, false, func() string { return tell("cohort.key_changed") }},
	{result.NotComparable, color.NRGBA{226, 229, 233, 255}, false, func() string { return tell("cohort.key_no_sdc") }},
}

// responderWords counts the persons beyond their smallest detectable change.
func responderWords(bars []bar) string {
	better, worse := 0, 0
	for _, b := range bars {
		switch b.verdict {
		case result.Improved:
			better++
		case result.Worsened:
			worse++
		}
	}
	return tell("cohort.responders_of", better, worse, len(bars))
}

func drawBars(c draw.Canvas, x, y func(float64) vg.Length, bars []bar) {
	for _, kind := range barKinds {
		var path vg.Path
		fill := func() {
			if len(path) > 0 {
				c.SetColor(kind.colour)
				c.Fill(path)
			}
			path = nil
		}
		for i, b := range bars {
			if b.verdict != kind.verdict {
				continue
			}
			const gap = 0.08
			x0, x1 := x(float64(i)+gap), x(float64(i+1)-gap)
			path.Move(vg.Point{X: x0, Y: y(0)})
			path.Line(vg.Point{X: x1, Y: y(0)})
			path.Line(vg.Point{X: x1, Y: y(b.change)})
			path.Line(vg.Point{X: x0, Y: y(b.change)})
			path.Close()
			if i%64 == 63 { // a path of very many bars takes the square of their number to fill
				fill()
			}
		}
		fill()
	}
	c.StrokeLine2(stroke(softColour, hairline), c.Min.X, y(0), c.Max.X, y(0))
	for _, side := range []float64{1, -1} {
		var steps [][]vg.Point
		for i, b := range bars {
			if !finite(b.sdc) {
				continue
			}
			h := y(side * b.sdc)
			step := []vg.Point{{X: x(float64(i)), Y: h}, {X: x(float64(i + 1)), Y: h}}
			if i > 0 && len(steps) > 0 && finite(bars[i-1].sdc) {
				steps[len(steps)-1] = append(steps[len(steps)-1], step...)
			} else {
				steps = append(steps, step)
			}
		}
		style := stroke(inkColour, thinLine, 2, 1.5)
		if x(1)-x(0) < 1 { // dashes would be shorter than the steps between persons
			style = stroke(inkColour, hairline/2)
		}
		c.StrokeLines(style, steps...)
	}
}

// key is a line on top of a figure that explains colours and, last, the broken
// line.
func key(dc draw.Canvas, kinds []barKind, broken string) {
	style := lettering(figureFontSize, false, inkColour, draw.XLeft, draw.YCenter)
	x, y := dc.Min.X+16, dc.Max.Y-7
	for _, e := range kinds {
		text := e.words()
		dc.FillPolygon(e.colour, []vg.Point{{X: x, Y: y - 2.5}, {X: x + 5, Y: y - 2.5}, {X: x + 5, Y: y + 2.5}, {X: x, Y: y + 2.5}})
		dc.FillText(style, vg.Point{X: x + 8, Y: y}, text)
		x += 8 + style.Width(text) + 10
	}
	dc.StrokeLine2(stroke(inkColour, thinLine, 2, 1.5), x, y, x+11, y)
	dc.FillText(style, vg.Point{X: x + 14, Y: y}, broken)
}
