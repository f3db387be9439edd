package card

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// sheetOf is the cut-out of a capture sheet, as printed, 8 px/mm, and its size in mm.
func sheetOf(t *testing.T, id string) (cv.RGB, float64, float64) {
	t.Helper()
	data, err := CaptureSheet([]string{id})
	if err != nil {
		t.Fatal(err)
	}
	page := rasterise(t, data, "203.2")
	const left, top, w, h = 14 * 8, 30 * 8, 182 * 8, 76 * 8
	out := cv.NewRGB(w, h)
	for y := range h {
		copy(out.Pix[3*y*w:3*(y+1)*w], page.Pix[3*((top+y)*page.W+left):])
	}
	return out, 182, 76
}

// held is a printed picture as a sheet under the chin, mm.
func held(p cv.RGB, w, h float64) *fixtures.Sheet {
	return &fixtures.Sheet{W: w, H: h, X: 0, Y: 128, Z: 25, Paint: func(x, y float64) (out [3]float64) {
		c := min(max(int((x/w+0.5)*float64(p.W)), 0), p.W-1)
		r := min(max(int((y/h+0.5)*float64(p.H)), 0), p.H-1)
		for i := range out {
			out[i] = 0.03 + 0.8*float64(p.Pix[3*(r*p.W+c)+i])/255
		}
		return out
	}}
}

// A sheet that is held under the chin says who it is and how large the picture, also
// where it is turned; the id may be one with letters beyond ASCII.
func TestCaptureSheetInAPhoto(t *testing.T) {
	who := fixtures.NewSubject(9, fixtures.Intermediate)
	for i, id := range []string{"P001", "Ärztin-Süd_0042"} {
		printed, w, h := sheetOf(t, id)
		shot := fixtures.Portrait(900, 1200)
		shot.PxPerMM *= 0.85 // the sheet in the picture, too
		shot.Noise, shot.NoiseSeed, shot.EV, shot.BlurPx = 1, 3, -0.3, 0.5
		shot.Sheet = held(printed, w, h)
		shot.Sheet.Roll, shot.Sheet.Tilt = []float64{-4, 11}[i], []float64{6, -8}[i]
		photo := rgbOf(fixtures.Render(who, fixtures.Baseline, shot))
		s, ok, err := FindScale(photo, 0)
		if got := ReadCode(photo, s); got != id {
			t.Errorf("the sheet of %q is read as %q", id, got)
		}
		// The sheet is 33 mm nearer than the plane of the scale, of 1200.
		if want := shot.PxPerMM * 1200 / (1200 - 33); err != nil || !ok || math.Abs(s.PxPerMM/want-1) > 0.01 {
			t.Errorf("scale %.3f (found %v, %v), want %.3f", s.PxPerMM, ok, err, want)
		}
	}
}

// The same subjects give the same bytes; what cannot be a code is refused; the sheet
// names nobody but by the id.
func TestCaptureSheets(t *testing.T) {
	a, err := CaptureSheet([]string{"P001", "P002"})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := CaptureSheet([]string{"P001", "P002"})
	if !bytes.Equal(a, b) {
		t.Error("the same sheets differ")
	}
	if n := bytes.Count(a, []byte("/Type /Page\n")); n != 2 {
		t.Errorf("%d pages for two subjects", n)
	}
	for _, id := range []string{"", strings.Repeat("x", maxCode+1)} {
		if _, err := CaptureSheet([]string{id}); err == nil {
			t.Errorf("a sheet is made for %q", id)
		}
	}
}
