package report

import (
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// better tells which sign of a change is better: -1, +1, or 0 where there is no
// better.
func better(metric string) float64 {
	switch catalogue[metric].Direction {
	case metrics.LowerIsBetter:
		return -1
	case metrics.HigherIsBetter:
		return 1
	}
	return 0
}

// fullEffect is the mean change, in standard deviations of the persons' changes,
// that has the full colour.
const fullEffect = 1.5

// Measures of the heat map: names of metrics, names of zones, a row, the key.
const (
	heatLeft   = 56 * vg.Millimeter
	heatTop    = vg.Length(26)
	heatRow    = 5 * vg.Millimeter
	heatBottom = vg.Length(34)
)

// heatMap shows the mean change of every metric in every zone.
func (d *cohortData) heatMap() (figure, bool) {
	contrast := d.contrast("")
	type cell struct {
		place
		metric string
	}
	cells := map[cell]result.CohortRow{}
	var names []string
	units := map[string]string{}
	for _, r := range d.Rows {
		if r.Contrast == contrast && r.Estimate.Known() {
			cells[cell{place{r.View, r.Zone}, r.Metric}] = r
			names = append(names, r.Metric)
			units[r.Metric] = unitWords(r.Unit)
		}
	}
	zones, more := d.places.with(func(p place) bool {
		return slices.ContainsFunc(names, func(m string) bool { _, ok := cells[cell{p, m}]; return ok })
	})
	if contrast == "" || len(zones) == 0 {
		return figure{}, false
	}
	slices.Sort(names)
	rows := metricOrder(slices.Compact(names))
	f := figure{file: "heat-map", width: twoColumns, height: heatTop + heatBottom + vg.Length(len(rows))*heatRow}
	f.caption = tell("cohort.heat", contrastWords(contrast), alphaWords(d.Methods.Alpha)) + morePlaces(more)
	f.alt = tell("cohort.heat_alt")
	f.draw = func(dc draw.Canvas) {
		const left, top, rowHeight = heatLeft, heatTop, heatRow
		width := min((dc.Max.X-dc.Min.X-left-4)/vg.Length(len(zones)), 26*vg.Millimeter)
		for k, p := range zones {
			style := lettering(figureFontSize, true, inkColour, draw.XCenter, draw.YBottom)
			dc.FillText(style, vg.Point{X: dc.Min.X + left + (vg.Length(k)+0.5)*width, Y: dc.Max.Y - top + 3}, inTwoLines(d.places.label(p), style, width-2))
		}
		for i, metric := range rows {
			y := dc.Max.Y - top - vg.Length(i+1)*rowHeight
			style := lettering(figureFontSize, false, inkColour, draw.XRight, draw.YCenter)
			dc.FillText(style, vg.Point{X: dc.Min.X + left - 4, Y: y + rowHeight/2}, fittedTo(axis(name("metric", metric), units[metric]), style, left-8))
			for k, p := range zones {
				x := dc.Min.X + left + vg.Length(k)*width
				box := []vg.Point{{X: x + 0.5, Y: y + 0.5}, {X: x + width - 0.5, Y: y + 0.5}, {X: x + width - 0.5, Y: y + rowHeight - 0.5}, {X: x + 0.5, Y: y + rowHeight - 0.5}}
				r, ok := cells[cell{p, metric}]
				if !ok {
					dc.StrokeLine2(stroke(lineColour, hairline), x+width/2-3, y+rowHeight/2, x+width/2+3, y+rowHeight/2)
					continue
				}
				fill := effectColour(effect(r))
				dc.FillPolygon(fill, box)
				significant := r.PAdjusted.Known() && float64(r.PAdjusted) <= d.Methods.Alpha
				text := roundedTo(r.Estimate, (r.High-r.Low)/2)
				if significant {
					text += " *"
				}
				dc.FillText(lettering(figureFontSize-0.5, significant, letterOn(fill), draw.XCenter, draw.YCenter), vg.Point{X: x + width/2, Y: y + rowHeight/2}, text)
			}
		}
		effectKey(dc, dc.Min.X+left, dc.Min.Y+14)
	}
	return f, true
}

// inTwoLines breaks a text at a space where it is wider than w, and cuts what is
// still too wide.
func inTwoLines(s string, style draw.TextStyle, w vg.Length) string {
	if style.Width(s) <= w {
		return s
	}
	for i := len(s) - 1; i > 0; i-- {
		if s[i] == ' ' && style.Width(s[:i]) <= w {
			return s[:i] + "\n" + fittedTo(s[i+1:], style, w)
		}
	}
	return fittedTo(s, style, w)
}

// effect is the mean change towards the better, in standard deviations of the
// persons' changes; NaN where it is not known or there is no better.
func effect(r result.CohortRow) float64 {
	side := better(r.Metric)
	switch {
	case side == 0 || !r.SD.Known():
		return math.NaN()
	case r.Estimate == 0:
		return 0
	case r.SD <= 0:
		return math.NaN()
	}
	return side * float64(r.Estimate/r.SD)
}

// effectColour goes from vermilion over white to blue; grey stands for no better
// or worse.
func effectColour(e float64) color.NRGBA {
	if math.IsNaN(e) {
		return color.NRGBA{238, 240, 243, 255}
	}
	end := betterColour
	if e < 0 {
		end = worseColour
	}
	k := math.Min(1, math.Abs(e)/fullEffect)
	mix := func(full uint8) uint8 { return uint8(math.Round(255 + k*(float64(full)-255))) }
	return color.NRGBA{mix(end.R), mix(end.G), mix(end.B), 255}
}

// letterOn is black or white, whichever is easier to read on a colour.
func letterOn(c color.NRGBA) color.Color {
	if 0.299*float64(c.R)+0.587*float64(c.G)+0.114*float64(c.B) < 130 {
		return color.White
	}
	return inkColour
}

// effectKey explains the colours.
func effectKey(dc draw.Canvas, x, y vg.Length) {
	const steps, width, height = 61, 120.0, 7
	for i := range steps {
		e := fullEffect * (2*float64(i)/(steps-1) - 1)
		x0 := x + vg.Length(i)*width/steps
		dc.FillPolygon(effectColour(e), []vg.Point{{X: x0, Y: y}, {X: x0 + 0.2 + width/steps, Y: y}, {X: x0 + 0.2 + width/steps, Y: y + height}, {X: x0, Y: y + height}})
	}
	style := lettering(figureFontSize-0.5, false, inkColour, draw.XCenter, draw.YTop)
	for _, t := range []struct {
		at   float64
		text string
	}{{0, "−" + num(fullEffect)}, {0.5, "0"}, {1, "+" + num(fullEffect)}} {
		dc.FillText(style, vg.Point{X: x + vg.Length(t.at)*width, Y: y - 1.5}, t.text)
	}
	style.YAlign = draw.YBottom
	style.XAlign = draw.XRight
	dc.FillText(style, vg.Point{X: x - 4, Y: y}, tell("cohort.key_worse"))
	style.XAlign = draw.XLeft
	dc.FillText(style, vg.Point{X: x + width + 4, Y: y}, tell("cohort.key_better"))
}
