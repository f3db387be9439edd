package validate

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strings"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("validation").Parse(pageText))

// pageData is what the page shows.
type pageData struct {
	Version, Settings string
	Series            []string
	Refused, Notes    []string
	Targets, Rows     []Row
	Agreement, Power  []template.HTML
}

// HTML is a page that needs no other file: targets, plots, and all figures.
func HTML(all []Findings, rows []Row) ([]byte, error) {
	d := pageData{Targets: Targets(rows), Rows: rows}
	for _, f := range all {
		d.Version, d.Settings = f.Version, f.Settings
		d.Series = append(d.Series, f.Case.Name())
		for _, r := range f.Rejections {
			d.Refused = append(d.Refused, f.Case.Name()+" "+r)
		}
		for _, n := range f.Notes {
			d.Notes = append(d.Notes, f.Case.Name()+": "+n)
		}
	}
	for _, metric := range primary {
		if p := agreementPlot(all, metric); p != "" {
			d.Agreement = append(d.Agreement, p)
		}
		if p := powerPlot(rows, metric); p != "" {
			d.Power = append(d.Power, p)
		}
	}
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, d)
	return b.Bytes(), err
}

// Colours of the tones, distinct in the common forms of colour blindness (Okabe &
// Ito 2008).
var toneColour = map[string]string{"light": "#e69f00", "intermediate": "#0072b2", "dark": "#5e3c14", "brown": "#cc79a7"}

// plot draws into a frame of data coordinates.
type plot struct {
	b                     strings.Builder
	x0, x1, y0, y1        float64
	title, xLabel, yLabel string
}

const (
	plotW, plotH                       = 420, 300
	marginL, marginR, marginT, marginB = 54, 12, 28, 42
)

func (p *plot) at(x, y float64) (px, py float64) {
	return marginL + (x-p.x0)/(p.x1-p.x0)*(plotW-marginL-marginR), plotH - marginB - (y-p.y0)/(p.y1-p.y0)*(plotH-marginT-marginB)
}

func (p *plot) dot(x, y float64, colour, hint string) {
	a, b := p.at(x, y)
	fmt.Fprintf(&p.b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s" fill-opacity=".75"><title>%s</title></circle>`, a, b, colour, template.HTMLEscapeString(hint))
}

func (p *plot) across(y float64, colour, dash, label string) {
	a, b := p.at(p.x0, y)
	c, _ := p.at(p.x1, y)
	fmt.Fprintf(&p.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-dasharray="%s"/><text x="%.1f" y="%.1f" text-anchor="end" fill="%s">%s</text>`,
		a, b, c, b, colour, dash, c, b-3, colour, template.HTMLEscapeString(label))
}

// svg closes the drawing with its axes.
func (p *plot) svg() template.HTML {
	var out strings.Builder
	fmt.Fprintf(&out, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s"><text x="%d" y="16" class="title">%s</text>`, plotW, plotH, template.HTMLEscapeString(p.title), marginL, template.HTMLEscapeString(p.title))
	for _, t := range ticks(p.x0, p.x1) {
		x, y := p.at(t, p.y0)
		fmt.Fprintf(&out, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%d" class="grid"/><text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, x, y, x, marginT, x, y+14, format(t))
	}
	for _, t := range ticks(p.y0, p.y1) {
		x, y := p.at(p.x0, t)
		fmt.Fprintf(&out, `<line x1="%.1f" y1="%.1f" x2="%d" y2="%.1f" class="grid"/><text x="%.1f" y="%.1f" text-anchor="end">%s</text>`, x, y, plotW-marginR, y, x-5, y+4, format(t))
	}
	fmt.Fprintf(&out, `<text x="%d" y="%d" text-anchor="middle">%s</text><text transform="translate(12 %d) rotate(-90)" text-anchor="middle">%s</text>`,
		(plotW+marginL)/2, plotH-8, template.HTMLEscapeString(p.xLabel), (plotH-marginB+marginT)/2, template.HTMLEscapeString(p.yLabel))
	out.WriteString(p.b.String() + "</svg>")
	return template.HTML(out.String()) //nolint:gosec // every text in it was escaped
}

// ticks are round numbers, about five of them.
func ticks(from, to float64) []float64 {
	step := math.Pow(10, math.Floor(math.Log10((to-from)/4)))
	for _, k := range []float64{1, 2, 5, 10} {
		if (to-from)/(k*step) <= 6 {
			step *= k
			break
		}
	}
	var out []float64
	for k := math.Ceil(from / step); k*step <= to+1e-9*step; k++ {
		out = append(out, math.Round(k*step*1e6)/1e6)
	}
	return out
}

// span is the range of values with a margin; it is never empty.
func span(x ...float64) (low, high float64) {
	low, high = slices.Min(x), slices.Max(x)
	pad := math.Max(0.08*(high-low), 0.05*math.Max(math.Abs(high), 1))
	return low - pad, high + pad
}

// agreementPlot is a Bland-Altman plot of the changes at the mild nuisance and the
// finest scale, null series included. The difference stands over the true change, not over the mean of
// both, since the truth has no error (Krouwer 2008).
func agreementPlot(all []Findings, metric string) template.HTML {
	p := plot{title: metric, xLabel: "true change", yLabel: "measured − true"}
	type point struct {
		x, y         float64
		colour, hint string
	}
	var points []point
	var xs, ds []float64
	finest := finestOf(all)
	for _, f := range all {
		if f.Case.Nuisance != AllNuisances || f.Case.Level != mild || f.Case.PxPerMM != finest {
			continue
		}
		for _, c := range f.Changes {
			if c.Role == "primary" && c.Metric == metric && c.Measured.Known() && c.True.Known() {
				m, t := float64(c.Measured), float64(c.True)
				xs, ds = append(xs, t), append(ds, m-t)
				points = append(points, point{t, m - t, toneColour[f.Case.Tone], fmt.Sprintf("%s, %s: measured %.3g, true %.3g", f.Case.Name(), c.Zone, m, t)})
			}
		}
	}
	if len(points) < 3 {
		return ""
	}
	bias, ss := average(ds), 0.0
	for _, d := range ds {
		ss += (d - bias) * (d - bias)
	}
	sd := math.Sqrt(ss / float64(len(ds)-1))
	low, high := bias-1.96*sd, bias+1.96*sd
	p.x0, p.x1 = span(xs...)
	p.y0, p.y1 = span(append(slices.Clone(ds), low, high, 0)...)
	p.across(0, "#999", "", "")
	p.across(bias, "#333", "", fmt.Sprintf("bias %.2g", bias))
	p.across(low, "#d55e00", "5 4", fmt.Sprintf("%.3g", low))
	p.across(high, "#d55e00", "5 4", fmt.Sprintf("%.3g", high))
	for _, q := range points {
		p.dot(q.x, q.y, q.colour, q.hint)
	}
	return p.svg()
}

// trueChange of the courses that change all things alike, per cent.
var trueChange = map[string]float64{"better10": -10, "better20": -20, "better30": -30, "better50": -50, "worse20": 20}

// powerPlot is the share of zones that are called improved or worsened, over the
// true change; the share called without a change is that of the null series.
func powerPlot(rows []Row, metric string) template.HTML {
	p := plot{title: metric, xLabel: "true change, %", yLabel: "called, % of visible zones", x0: -55, x1: 25, y0: 0, y1: 100}
	drawn, finest := false, 0.0
	for _, r := range rows {
		finest = max(finest, r.PxPerMM)
	}
	line := map[float64]float64{} // of all tones
	for _, r := range rows {
		if r.Metric != metric || r.Nuisance != AllNuisances || r.Level != mild || r.PxPerMM != finest || !r.Value.Known() {
			continue
		}
		x, ok := trueChange[strings.TrimPrefix(r.Section, "power ")]
		if r.Section == "null" && r.Stat == "false_verdicts" {
			x, ok = 0, true
		} else if r.Stat != "called_of_visible" {
			ok = false
		}
		if !ok {
			continue
		}
		colour, who := "#000", "all tones"
		if r.Tone != "" {
			colour, who = toneColour[r.Tone], r.Tone
		} else {
			line[x] = float64(r.Value)
		}
		p.dot(x, float64(r.Value), colour, fmt.Sprintf("%s, %s: %.3g %% of %d", r.Section, who, float64(r.Value), r.N))
		drawn = drawn || x != 0
	}
	if !drawn {
		return ""
	}
	p.b.WriteString(`<polyline fill="none" stroke="#000" points="`)
	for _, x := range slices.Sorted(maps.Keys(line)) {
		a, b := p.at(x, line[x])
		fmt.Fprintf(&p.b, "%.1f,%.1f ", a, b)
	}
	p.b.WriteString(`"/>`)
	return p.svg()
}
