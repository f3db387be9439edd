package report

import (
	"image/color"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// blandAltman draws the difference of two photos of one session over their mean.
func (d *cohortData) blandAltman(metric string) (figure, bool) {
	var means, diffs []float64
	persons := map[string]bool{}
	unit := ""
	percent := isPercent(metric)
	for _, r := range byCode(d.Replicates, func(r result.Replicates) (string, bool) {
		return r.Code, r.Metric == metric && r.First.Known() && r.Second.Known()
	}) {
		mean, diff := float64(r.First+r.Second)/2, float64(r.Second-r.First)
		if percent {
			diff *= 100 / mean
		}
		if finite(mean, diff) {
			means, diffs = append(means, mean), append(diffs, diff)
			unit, persons[r.Code] = r.Unit, true
		}
	}
	// The differences beside zero: the limits are those of the second photo against
	// the first.
	limits, err := trend.BlandAltman(diffs, make([]float64, len(diffs)))
	if err != nil {
		return figure{}, false
	}
	f := figure{file: figureName("bland-altman", metric), width: oneColumn, height: 65 * vg.Millimeter}
	what := name("metric", metric)
	f.caption = tell("cohort.bland_altman", what, limits.N, len(persons), withInterval(result.Number(limits.Bias.Value), result.Number(limits.Bias.Low), result.Number(limits.Bias.High)),
		roundedTo(result.Number(limits.Lower.Value), result.Number(limits.SELimit)), roundedTo(result.Number(limits.Upper.Value), result.Number(limits.SELimit)))
	f.alt = tell("cohort.bland_altman_alt", what)
	f.draw = func(dc draw.Canvas) {
		drawBlandAltman(dc, means, diffs, limits,
			axis(tell("cohort.axis_mean"), name("unit", unit)), axis(tell("cohort.axis_difference"), differenceUnit(metric, unit)))
	}
	return f, true
}

func differenceUnit(metric, unit string) string {
	if isPercent(metric) {
		return tell("cohort.percent_of_mean")
	}
	return name("unit", unit)
}

func drawBlandAltman(dc draw.Canvas, means, diffs []float64, l trend.Limits, below, beside string) {
	low, high := span(append(slices.Clone(diffs), l.Lower.Low, l.Upper.High))
	first, last := slices.Min(means), slices.Max(means)
	margin := (last - first) / 25
	if margin == 0 {
		margin = 1
	}
	panel := newPanel("", first-margin, last+margin, low, high)
	panel.X.Label.Text, panel.Y.Label.Text = below, beside
	step := max(1, (len(means)+maxPoints-1)/maxPoints)
	panel.Add(plotter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		for _, e := range []trend.Estimate{l.Lower, l.Bias, l.Upper} {
			c.FillPolygon(color.NRGBA{0, 114, 178, 36}, []vg.Point{{X: c.Min.X, Y: y(e.Low)}, {X: c.Max.X, Y: y(e.Low)}, {X: c.Max.X, Y: y(e.High)}, {X: c.Min.X, Y: y(e.High)}})
		}
		for i := 0; i < len(means); i += step {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: color.NRGBA{27, 36, 48, 150}, Radius: 1.1, Shape: draw.CircleGlyph{}}, vg.Point{X: x(means[i]), Y: y(diffs[i])})
		}
		c.StrokeLine2(stroke(softColour, hairline, 1, 2), c.Min.X, y(0), c.Max.X, y(0))
		for i, e := range []trend.Estimate{l.Lower, l.Bias, l.Upper} {
			s := stroke(betterColour, boldLine*0.8)
			if i != 1 {
				s.Dashes = []vg.Length{3, 2}
			}
			c.StrokeLine2(s, c.Min.X, y(e.Value), c.Max.X, y(e.Value))
			style := lettering(figureFontSize-0.5, false, betterColour, draw.XLeft, draw.YCenter)
			words := []string{tell("cohort.lower_limit"), tell("cohort.bias"), tell("cohort.upper_limit")}[i]
			c.FillText(style, vg.Point{X: c.Max.X + 3, Y: y(e.Value)}, roundedTo(result.Number(e.Value), result.Number(l.SELimit))+"\n"+words)
		}
	}))
	panel.Draw(draw.Crop(dc, 2, -34, 2, -6))
}
