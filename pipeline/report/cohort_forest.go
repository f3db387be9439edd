package report

import (
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// forestRow is a line of a forest plot.
type forestRow struct {
	result.CohortRow
	label string
}

// forestRows are the estimates of a metric over the zones, then those beside
// untreated zones.
func (d *cohortData) forestRows(metric, contrast string) (rows []forestRow, more int) {
	for _, c := range []string{contrast, "treated-untreated@" + contrast} {
		of := map[place][]result.CohortRow{}
		for _, r := range d.Rows {
			if r.Metric == metric && r.Contrast == c && r.Estimate.Known() {
				p := place{r.View, r.Zone}
				of[p] = append(of[p], r)
			}
		}
		shown, left := d.places.with(func(p place) bool { return len(of[p]) > 0 })
		more += left
		for _, p := range shown {
			for _, r := range of[p] {
				label := d.places.label(p)
				if c != contrast {
					label = tell("cohort.minus_untreated", label)
				}
				rows = append(rows, forestRow{r, label})
			}
		}
	}
	return rows, more
}

// forest draws the mean change of each zone with its interval, and says it in
// numbers beside.
func (d *cohortData) forest(metric string) (figure, bool) {
	contrast := d.contrast(metric)
	rows, more := d.forestRows(metric, contrast)
	if contrast == "" || len(rows) == 0 {
		return figure{}, false
	}
	f := figure{file: figureName("forest", metric), width: twoColumns, height: vg.Length(22+5*len(rows)) * vg.Millimeter}
	f.caption = tell("cohort.forest", name("metric", metric), contrastWords(contrast)) + morePlaces(more)
	if d.Methods.Primary.Named {
		f.caption += " " + tell("cohort.forest_filled")
	}
	f.alt = tell("cohort.forest_alt", name("metric", metric))
	f.draw = func(dc draw.Canvas) {
		drawForest(dc, rows, axis(tell("cohort.axis_forest", contrastWords(contrast)), unitWords(rows[0].Unit)))
	}
	return f, true
}

// drawForest sets the columns zone, persons, plot, estimate, p.
func drawForest(dc draw.Canvas, rows []forestRow, label string) {
	const (
		left  = 48 * vg.Millimeter // of the plot
		right = 118 * vg.Millimeter
		count = 46 * vg.Millimeter // right end of the column
		p     = 178 * vg.Millimeter
	)
	var values []float64
	for _, r := range rows {
		for _, n := range []result.Number{r.Estimate, r.Low, r.High} {
			if n.Known() {
				values = append(values, float64(n))
			}
		}
	}
	low, high := span(values)
	panel := newPanel("", low, high, -0.5, float64(len(rows))-0.5)
	panel.HideY()
	panel.X.Label.Text = label
	inner := draw.Crop(dc, left, right-dc.Max.X, 2, -14)
	data := panel.DataCanvas(inner)
	_, y := panel.Transforms(&data)
	at := func(i int) vg.Length { return y(float64(len(rows) - 1 - i)) }

	head := func(x vg.Length, align draw.XAlignment, s string) {
		dc.FillText(lettering(figureFontSize, true, inkColour, align, draw.YTop), vg.Point{X: dc.Min.X + x, Y: dc.Max.Y - 2}, s)
	}
	head(2, draw.XLeft, tell("col.zone"))
	head(count, draw.XRight, tell("cohort.col_n"))
	head(right+6, draw.XLeft, tell("cohort.col_estimate"))
	head(p, draw.XRight, tell("cohort.col_p_adjusted"))
	dc.StrokeLine2(stroke(softColour, thinLine), dc.Min.X+2, dc.Max.Y-13, dc.Max.X-4, dc.Max.Y-13)
	for i, r := range rows {
		text := func(x vg.Length, align draw.XAlignment, s string) {
			dc.FillText(lettering(figureFontSize, r.Role == result.RolePrimary, inkColour, align, draw.YCenter), vg.Point{X: dc.Min.X + x, Y: at(i) + 0.7}, s)
		}
		text(2, draw.XLeft, fittedTo(r.label, lettering(figureFontSize, true, inkColour, draw.XLeft, draw.YTop), 39*vg.Millimeter))
		text(count, draw.XRight, strconv.Itoa(r.N))
		text(right+6, draw.XLeft, withInterval(r.Estimate, r.Low, r.High))
		text(p, draw.XRight, pValue(r.PAdjusted))
	}
	panel.Add(plotter(func(c draw.Canvas, x, _ func(float64) vg.Length) {
		c.StrokeLine2(stroke(lineColour, thinLine, 2, 2), x(0), c.Min.Y, x(0), c.Max.Y)
		for i, r := range rows {
			pt := vg.Point{X: x(float64(r.Estimate)), Y: at(i)}
			if r.Low.Known() && r.High.Known() {
				c.StrokeLine2(stroke(betterColour, boldLine), x(float64(r.Low)), pt.Y, x(float64(r.High)), pt.Y)
			}
			const side = 1.9
			box := []vg.Point{{X: pt.X - side, Y: pt.Y - side}, {X: pt.X + side, Y: pt.Y - side}, {X: pt.X + side, Y: pt.Y + side}, {X: pt.X - side, Y: pt.Y + side}}
			if r.Role == result.RolePrimary {
				c.FillPolygon(betterColour, box)
			} else {
				c.FillPolygon(color.White, box)
			}
			c.StrokeLines(stroke(betterColour, boldLine*0.8), slices.Concat(box, box[:1]))
		}
	}))
	panel.Draw(inner)
}

// fittedTo is a text cut to a width.
func fittedTo(s string, style draw.TextStyle, w vg.Length) string {
	if style.Width(s) <= w {
		return s
	}
	letters := []rune(s)
	for len(letters) > 0 && style.Width(string(letters)+"…") > w {
		letters = letters[:len(letters)-1]
	}
	return string(letters) + "…"
}

// withInterval is an estimate with its interval where there is one, with as many
// decimals as the interval deserves.
func withInterval(estimate, low, high result.Number) string {
	if !estimate.Known() || !low.Known() || !high.Known() {
		return signed(estimate)
	}
	width := high - low
	return tell("cohort.interval", roundedTo(estimate, width/2), roundedTo(low, width/2), roundedTo(high, width/2))
}

// roundedTo is a signed number with two digits of its uncertainty.
func roundedTo(n, uncertainty result.Number) string {
	if !n.Known() || !uncertainty.Known() || uncertainty <= 0 {
		return signed(n)
	}
	decimals := min(6, max(0, 1-int(math.Floor(math.Log10(float64(uncertainty))))))
	s := strconv.FormatFloat(float64(n), 'f', decimals, 64)
	switch {
	case strings.Trim(s, "-0.") == "":
		return strings.TrimPrefix(s, "-")
	case n > 0:
		return "+" + s
	}
	return strings.Replace(s, "-", "−", 1)
}

// pValue is a p as papers print it.
func pValue(p result.Number) string {
	switch {
	case !p.Known():
		return dash
	case p < 0.001:
		return "< 0.001"
	case p < 0.1:
		return strconv.FormatFloat(float64(p), 'f', 3, 64)
	}
	return strconv.FormatFloat(float64(p), 'f', 2, 64)
}
