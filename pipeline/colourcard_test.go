package pipeline

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/card"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// seenFlat is a photo of a sheet on grey from far away, at px/mm, turned out of its plane
// about its upright axis, in a light.
func seenFlat(sheet *fixtures.Sheet, pxPerMM, turn, light float64) cv.RGB {
	p := cv.NewRGB(900, 700)
	narrow := math.Cos(turn * math.Pi / 180)
	for k := range p.W * p.H {
		x, y := float64(k%p.W-p.W/2)/pxPerMM/narrow, float64(k/p.W-p.H/2)/pxPerMM
		c := [3]float64{0.35, 0.35, 0.35}
		if math.Abs(x) < sheet.W/2 && math.Abs(y) < sheet.H/2 {
			c = sheet.Paint(x, y)
		}
		for i, v := range c {
			p.Pix[3*k+i] = uint8(255*metrics.LinearToSRGB(math.Min(1, math.Max(0, light*v))) + 0.5)
		}
	}
	return p
}

func runOf(cfg Config) *seriesRun {
	return &seriesRun{cfg: cfg, series: study.Series{Subject: &study.Subject{ID: "P001"}}}
}

func shotOf(rgb cv.RGB, base *shot) *shot {
	return &shot{rgb: rgb, base: base, ref: study.Photo{File: "a.jpg"}, session: &study.SeriesSession{Session: &study.Session{ID: "s0"}}}
}

// A chart is used in the plane of the picture and with the edition that it is, and not
// out of plane; one that fades between two sessions, and one that was never a classic
// chart, are told. A faded chart that was measured is used by the user's table.
func TestChartsOfASeries(t *testing.T) {
	chart := func(ref *card.Reference) *fixtures.Sheet { return fixtures.Chart(ref.AllLinear(), 110, 0.86) }
	find := func(cfg Config, rgb cv.RGB, base *shot) (*shot, string) {
		r, s := runOf(cfg), shotOf(rgb, base)
		check(t, findCard(s, r))
		return s, strings.Join(r.result.Notes, "\n")
	}
	cfg := DefaultConfig()
	for _, ref := range []*card.Reference{&card.Classic, &card.Classic2014} {
		base, notes := find(cfg, seenFlat(chart(ref), 6, 0, 0.8), nil)
		if base.chart == nil || base.chart.Reference != ref.Name || notes != "" {
			t.Fatalf("chart %s: %+v; %s", ref.Name, base.chart, notes)
		}
		later, notes := find(cfg, seenFlat(chart(ref), 5, 12, 0.6), base)
		if later.chart == nil || later.chart.Reference != ref.Name || notes != "" {
			t.Errorf("later photo of chart %s: %+v; %s", ref.Name, later.chart, notes)
		}
		if s, notes := find(cfg, seenFlat(chart(ref), 6, 42, 0.8), base); s.chart != nil || !strings.Contains(notes, "tilted by 4") {
			t.Errorf("out of plane: used %v; %q", s.chart != nil, notes)
		}
		if s, notes := find(cfg, seenFlat(&fixtures.Sheet{Paint: chart(ref).Paint}, 6, 0, 0.8), base); s.chart != nil || !strings.Contains(notes, "no colour chart is seen") {
			t.Errorf("chart left at home: used %v; %q", s.chart != nil, notes)
		}
	}

	faded := card.Classic2014
	for k := range 18 {
		fade := 0.45 + 0.08*float64(k%6) // dyes differ
		faded.Lab[k] = [3]float64{faded.Lab[k][0] + 5, fade * faded.Lab[k][1], fade * faded.Lab[k][2]}
	}
	if s, notes := find(cfg, seenFlat(chart(&faded), 6, 0, 0.8), nil); s.chart != nil || !strings.Contains(notes, "faded") || !strings.Contains(notes, "card: FILE") {
		t.Errorf("faded chart: used %v; %q", s.chart != nil, notes)
	}
	var table strings.Builder
	table.WriteString("patch,L,a,b\n")
	for k, v := range faded.Lab {
		table.WriteString(strings.Join([]string{fmt.Sprint(k + 1), fmt.Sprint(v[0]), fmt.Sprint(v[1]), fmt.Sprint(v[2])}, ",") + "\n")
	}
	own := cfg
	own.Card, own.CardTable = "own.csv", table.String()
	if s, notes := find(own, seenFlat(chart(&faded), 6, 0, 0.8), nil); s.chart == nil || s.chart.Reference != "own.csv" || notes != "" {
		t.Errorf("faded chart by the user's table: %+v; %q", s.chart, notes)
	}

	pale := card.Classic2014
	for k := range 18 {
		pale.Lab[k][1] *= 0.8
		pale.Lab[k][2] *= 0.8
	}
	base, _ := find(cfg, seenFlat(chart(&card.Classic2014), 6, 0, 0.8), nil)
	later, _ := find(cfg, seenFlat(chart(&pale), 6, 0, 0.8), base)
	told := false
	for _, c := range later.chartChecks {
		told = told || c.Name == "card_saturation" && c.Status == result.Caution && c.Value > maxFaded
	}
	if !told {
		t.Errorf("a chart that paled by a fifth since baseline is not told: %+v", later.chartChecks)
	}
}

// A marker out of the plane of the face is told, and its scale is that of the plane; one
// that lies flat is not.
func TestMarkerPlane(t *testing.T) {
	const side = 30
	cells, err := cv.MarkerCells(side)
	check(t, err)
	marker := &fixtures.Sheet{W: 50, H: 50, Paint: func(x, y float64) [3]float64 {
		c, r := int(math.Floor((x/side+0.5)*cv.MarkerSide)), int(math.Floor((y/side+0.5)*cv.MarkerSide))
		if c >= 0 && r >= 0 && c < cv.MarkerSide && r < cv.MarkerSide && !cells[r][c] {
			return [3]float64{0.04, 0.04, 0.04}
		}
		return [3]float64{0.8, 0.8, 0.8}
	}}
	for _, turn := range []float64{0, 32} {
		r, s := runOf(DefaultConfig()), shotOf(seenFlat(marker, 7, turn, 1), nil)
		check(t, s.findMarker(r))
		if math.Abs(s.marker.PxPerMM/7-1) > 0.01 {
			t.Errorf("turned by %g degrees: %.3f px/mm of 7", turn, s.marker.PxPerMM)
		}
		if told := strings.Contains(strings.Join(r.result.Notes, ""), "tilted by 3"); told != (turn > maxMarkerTilt) {
			t.Errorf("turned by %g degrees: %v", turn, r.result.Notes)
		}
	}
}

// The marker goes before the manifest and that before the iris; where two differ by more
// than their errors it is told which, and no more where they agree.
func TestScaleSources(t *testing.T) {
	at := func(marker, manifest, iris float64) (*seriesRun, *shot) {
		s := shotOf(cv.RGB{}, nil)
		s.ref.PxPerMM = manifest
		if marker > 0 {
			s.marker = card.Scale{PxPerMM: marker, RelSD: 0.009}
		}
		if iris > 0 {
			s.iris = [2]float64{iris, 0.036}
		}
		r := runOf(DefaultConfig())
		r.shots = []*shot{s}
		r.settleScale()
		return r, s
	}
	for _, c := range []struct {
		marker, manifest, iris float64
		source                 string
		scale                  float64
		told                   []string // of what differs; nil where all agree
	}{
		{10, 10.1, 10.4, "marker", 10, nil},
		{10, 9, 10.2, "marker", 10, []string{"marker", "manifest"}},
		{10, 10.1, 12, "marker", 10, []string{"iris"}},
		{0, 9, 10.8, "manifest", 9, []string{"manifest", "iris"}},
		{0, 10, 10.3, "manifest", 10, nil},
		{0, 0, 10.3, "iris", 10.3, nil},
	} {
		r, s := at(c.marker, c.manifest, c.iris)
		if r.scale != c.source || s.pxPerMM != c.scale {
			t.Errorf("%+v: %.3g px/mm by %s", c, s.pxPerMM, r.scale)
		}
		check, ok := r.scaleCheck(s)
		if (check.Status == result.Caution) != (c.told != nil) || ok != (c.source != "iris") {
			t.Errorf("%+v: %+v, %v", c, check, ok)
		}
		for _, name := range c.told {
			if !strings.Contains(check.Explanation, name) {
				t.Errorf("%+v: %q names no %s", c, check.Explanation, name)
			}
		}
	}
	// In a later photo the marker is held against the scale that the alignment gives.
	r, base := at(10, 0, 0)
	later := shotOf(cv.RGB{}, base)
	r.shots = append(r.shots, later)
	later.pxPerMM = 11
	for marker, want := range map[float64]result.Status{11.1: result.OK, 10: result.Caution} {
		later.marker = card.Scale{PxPerMM: marker, RelSD: 0.009}
		if c, ok := r.scaleCheck(later); !ok || c.Status != want {
			t.Errorf("marker of %g px/mm where the alignment says 11: %+v", marker, c)
		}
	}
}
