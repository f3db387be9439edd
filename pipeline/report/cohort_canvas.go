package report

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"image/color"
	"math"
	"strconv"
	"strings"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	xfont "golang.org/x/image/font"
)

// Widths of figures, as journals set them: one column, two columns.
const (
	oneColumn  = 85 * vg.Millimeter
	twoColumns = 180 * vg.Millimeter
	figureDPI  = 300
)

// Colours that remain distinct in the common forms of colour blindness (Okabe &
// Ito 2008), and greys.
var (
	inkColour    = color.NRGBA{27, 36, 48, 255}
	softColour   = color.NRGBA{85, 96, 110, 255}
	lineColour   = color.NRGBA{150, 158, 168, 255}
	personColour = color.NRGBA{120, 132, 146, 110}
	sameColour   = color.NRGBA{176, 183, 191, 255}
	betterColour = color.NRGBA{0, 114, 178, 255}
	worseColour  = color.NRGBA{213, 94, 0, 255}
)

// Widths of lines in print.
const (
	hairline = vg.Length(0.4)
	thinLine = vg.Length(0.6)
	boldLine = vg.Length(1.2)
)

const figureFontSize = vg.Length(7)

// lettering is the style of texts in figures. What is wider than the font allows
// is set by the caller.
func lettering(size vg.Length, bold bool, c color.Color, x text.XAlignment, y text.YAlignment) draw.TextStyle {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return draw.TextStyle{Color: c, Font: f, XAlign: x, YAlign: y, Handler: plot.DefaultTextHandler}
}

func stroke(c color.Color, w vg.Length, dashes ...vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: w, Dashes: dashes}
}

// outlined draws texts as the outlines of their letters: a figure then looks the
// same where the font is not installed, and in print.
type outlined struct{ vg.CanvasSizer }

// FillString draws text with its baseline starting at pt.
func (o outlined) FillString(face font.Face, pt vg.Point, s string) {
	var (
		buf     sfnt.Buffer
		outline vg.Path
		prev    sfnt.GlyphIndex
		em      = fixed.Int26_6(face.Face.UnitsPerEm()) // so that coordinates are font units
		scale   = face.Font.Size / vg.Length(em)
		x       = pt.X
	)
	for i, r := range s {
		// The font is part of the program and its tables are whole: an error is that
		// of a letter which it does not have.
		glyph, err := face.Face.GlyphIndex(&buf, r)
		if err != nil {
			continue
		}
		if i > 0 {
			if kern, err := face.Face.Kern(&buf, prev, glyph, em, xfont.HintingNone); err == nil {
				x += vg.Length(kern) * scale
			}
		}
		at := func(p fixed.Point26_6) vg.Point {
			return vg.Point{X: x + vg.Length(p.X)*scale, Y: pt.Y - vg.Length(p.Y)*scale}
		}
		segments, err := face.Face.LoadGlyph(&buf, glyph, em, nil)
		if err != nil {
			continue
		}
		for k, seg := range segments {
			switch seg.Op {
			case sfnt.SegmentOpMoveTo:
				if k > 0 {
					outline.Close()
				}
				outline.Move(at(seg.Args[0]))
			case sfnt.SegmentOpLineTo:
				outline.Line(at(seg.Args[0]))
			case sfnt.SegmentOpQuadTo:
				outline.QuadTo(at(seg.Args[0]), at(seg.Args[1]))
			case sfnt.SegmentOpCubeTo:
				outline.CubeTo(at(seg.Args[0]), at(seg.Args[1]), at(seg.Args[2]))
			}
		}
		if len(segments) > 0 {
			outline.Close()
		}
		if advance, err := face.Face.GlyphAdvance(&buf, glyph, em, xfont.HintingNone); err == nil {
			x += vg.Length(advance) * scale
		}
		prev = glyph
	}
	if len(outline) > 0 {
		o.Fill(outline)
	}
}

// figure is a drawing with what it is called and what it shows.
type figure struct {
	file          string // without extension
	alt, caption  string
	width, height vg.Length
	draw          func(draw.Canvas)
}

// svg is the figure as a drawing, its letters as outlines.
func (f figure) svg() ([]byte, error) {
	c := vgsvg.New(f.width, f.height)
	f.paint(c)
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, err
	}
	var title strings.Builder
	if err := xml.EscapeText(&title, []byte(f.alt)); err != nil {
		return nil, err
	}
	head, body, ok := strings.Cut(b.String(), "<svg ")
	open, rest, ok2 := strings.Cut(body, ">")
	if !ok || !ok2 {
		return nil, errors.New("the drawing has no root")
	}
	head, _, _ = strings.Cut(head, "<!--") // who drew it, which is no news
	return []byte(head + "<svg role=\"img\" " + open + ">\n<title>" + title.String() + "</title>" + rest), nil
}

// png is the figure in pixels at [figureDPI].
func (f figure) png() ([]byte, error) {
	c := vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(figureDPI))
	f.paint(c)
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: c}).WriteTo(&b); err != nil {
		return nil, err
	}
	return withResolution(b.Bytes(), figureDPI)
}

func (f figure) paint(c vg.CanvasSizer) {
	dc := draw.New(outlined{c})
	dc.SetColor(color.White)
	dc.Fill(dc.Rectangle.Path())
	f.draw(dc)
}

// withResolution says in a PNG how large it is on paper (chunk pHYs, in pixels a
// metre), so that a page sets it at its width.
func withResolution(data []byte, dpi float64) ([]byte, error) {
	const head = 8 + 25 // signature, IHDR
	if len(data) < head {
		return nil, fmt.Errorf("a PNG of %d bytes", len(data))
	}
	chunk := append([]byte{0, 0, 0, 9}, "pHYs"...)
	for range 2 {
		chunk = binary.BigEndian.AppendUint32(chunk, uint32(dpi/0.0254+0.5))
	}
	chunk = append(chunk, 1) // the unit is the metre
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return bytes.Join([][]byte{data[:head], chunk, data[head:]}, nil), nil
}

// plotter draws into a plot: a function will do.
type plotter func(c draw.Canvas, x, y func(float64) vg.Length)

// Plot is called by the plot.
func (f plotter) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	f(c, x, y)
}

// newPanel is a plot in the style of all figures, over the given span.
func newPanel(title string, xlow, xhigh, ylow, yhigh float64) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text = title
	p.Title.TextStyle = lettering(figureFontSize, true, inkColour, draw.XCenter, draw.YTop)
	p.Title.Padding = 2
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = xlow, xhigh, ylow, yhigh
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Padding = 2
		a.LineStyle = stroke(softColour, thinLine)
		a.Tick.LineStyle = a.LineStyle
		a.Tick.Length = 2.5
		a.Tick.Marker = ticks{}
		a.Label.Padding = 2
	}
	p.X.Tick.Label = lettering(figureFontSize-0.5, false, softColour, draw.XCenter, draw.YTop)
	p.Y.Tick.Label = lettering(figureFontSize-0.5, false, softColour, draw.XRight, draw.YCenter)
	p.X.Label.TextStyle = lettering(figureFontSize, false, inkColour, draw.XCenter, draw.YBottom)
	p.Y.Label.TextStyle = p.X.Label.TextStyle
	return p
}

// ticks mark round numbers, about five of them. Days are marked by months of 30.
type ticks struct{ bare, days bool }

// Ticks is called by the plot.
func (t ticks) Ticks(low, high float64) []plot.Tick {
	steps := []float64{1, 2, 5, 10}
	unit := math.Pow(10, math.Floor(math.Log10((high-low)/6)))
	if t.days {
		steps, unit = []float64{1, 2, 3, 6, 12, 24, 48}, 30
	}
	step := steps[len(steps)-1] * unit
	for _, s := range steps {
		if (high-low)/(s*unit) <= 6 {
			step = s * unit
			break
		}
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	var list []plot.Tick
	for k := math.Ceil(low/step - 1e-9); k*step <= high+1e-9*step; k++ {
		label := strings.Replace(strconv.FormatFloat(k*step+0, 'f', decimals, 64), "-", "−", 1)
		if t.bare {
			label = " "
		}
		list = append(list, plot.Tick{Value: k * step, Label: label})
	}
	return list
}

// grid draws panels in rows of cols, with one label under all and one beside all.
func grid(dc draw.Canvas, panels []*plot.Plot, cols int, below, beside string) {
	rows := (len(panels) + cols - 1) / cols
	table := make([][]*plot.Plot, rows)
	for i, p := range panels {
		if i%cols > 0 {
			p.Y.Tick.Marker = ticks{bare: true} // the scale is that of the first
		}
		table[i/cols] = append(table[i/cols], p)
	}
	last := &table[rows-1]
	*last = append(*last, make([]*plot.Plot, cols-len(*last))...)

	label := lettering(figureFontSize, false, inkColour, draw.XCenter, draw.YBottom)
	dc.FillText(label, vg.Point{X: dc.Center().X, Y: dc.Min.Y + 4}, below)
	side := label
	side.Rotation, side.YAlign = math.Pi/2, draw.YTop
	dc.FillText(side, vg.Point{X: dc.Min.X + 2, Y: dc.Center().Y}, beside)
	inner := draw.Crop(dc, 13, -3, 15, -2)
	canvases := plot.Align(table, draw.Tiles{Rows: rows, Cols: cols, PadX: 6, PadY: 8}, inner)
	for i, row := range table {
		for k, p := range row {
			if p != nil {
				p.Draw(canvases[i][k])
			}
		}
	}
}
