package card

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// CodePrefix begins what the code on a sheet says; the subject's id follows. Other
// codes in a photo are not ours.
const CodePrefix = "dermatrend:"

// maxCode is the longest id that goes into a code of 30 mm that a camera reads.
const maxCode = 64

// Where the code lies on a sheet: its side, mm, and its corner from that of the marker.
const (
	codeSide  = 34.0
	codeRight = -2.0
	codeDown  = 33.0
)

// MarkerSheet is a page (PDF, A4) with a scale marker, its black square of a whole
// number of millimetres a side, and a line to check the print with. The same side
// gives the same bytes.
func MarkerSheet(sideMM int) ([]byte, error) {
	if sideMM < MinMarkerMM || sideMM > MaxMarkerMM {
		return nil, fmt.Errorf("marker of %d mm: must be %d to %d", sideMM, MinMarkerMM, MaxMarkerMM)
	}
	p := newPage("Scale marker")
	p.AddPage()
	size := float64(sideMM)
	quiet := size / cv.MarkerSide * 1.5
	x, y := (210-size)/2, 50.0
	if err := drawMarker(p, sideMM, x, y); err != nil {
		return nil, err
	}
	cutLine(p, x-quiet, y-quiet, size+2*quiet, size+2*quiet)
	y += size + quiet + 12
	p.text(20, y, 11, fmt.Sprintf("Scale marker, black square %d mm (AprilTag 36h11, number %d)", sideMM, sideMM))
	p.lines(20, y+7, "Cut out along the thin line, glue on stiff card, keep flat and matt.",
		"Hold it beside the cheek, in the plane of the face, the same way up in every photo.")
	controlRule(p, 55, y+32)
	return p.bytes()
}

// CaptureSheet is one page (PDF, A4) for each subject, to be held under the chin: a
// scale marker, the subject's id as a code and in letters, neutral patches, and a
// place for a colour chart. The same ids give the same bytes. The id is that of the
// study: no name is put on it.
func CaptureSheet(ids []string) ([]byte, error) {
	p := newPage("Capture sheet")
	for _, id := range ids {
		if err := captureSheet(p, id); err != nil {
			return nil, err
		}
	}
	return p.bytes()
}

func captureSheet(p *page, id string) error {
	if id == "" || len(id) > maxCode {
		return fmt.Errorf("subject %q: a code holds 1 to %d bytes", id, maxCode)
	}
	const (
		left, top     = 14.0, 30.0
		width, height = 182.0, 76.0
		// Larger than the common 24-patch charts of about 109 x 64 mm.
		chartW, chartH = 114.0, 70.0
		column         = left + 3 + chartW + 6
	)
	p.AddPage()
	cutLine(p, left, top, width, height)
	p.SetDrawColor(150, 150, 150)
	p.SetDashPattern([]float64{2, 2}, 0)
	p.Rect(left+3, top+3, chartW, chartH, "D")
	p.SetDashPattern(nil, 0)
	p.text(left+6, top+9, 8, "Place of the 24-patch colour chart")
	if err := drawMarker(p, DefaultMarkerMM, column, top+4); err != nil {
		return err
	}
	if err := drawCode(p, CodePrefix+id, column+codeRight, top+4+codeDown, codeSide); err != nil {
		return err
	}
	p.text(column, top+74, 9, id)
	// sRGB of L* 95, 75, 50, 25, as far as a printer keeps to it.
	for i, grey := range []int{241, 185, 119, 59} {
		p.SetFillColor(grey, grey, grey)
		p.Rect(column+38, top+4+float64(i)*17, 15, 15, "F")
	}
	p.text(left, top+height+12, 11, "Capture sheet, subject "+id)
	p.lines(left, top+height+19, "Print at 100 % (actual size) on matt paper, cut out along the thin line, glue on stiff card.",
		"Lay the colour chart on its place. Hold the sheet under the chin, upright, in the plane of the face,",
		"in the same light as the face, without shadow or glare, in the first photo of each session at least.",
		"The grey patches are for the eye and the camera's white balance; they are not measured.")
	controlRule(p, 55, top+height+55)
	return nil
}

// page is a document in the making, in millimetres.
type page struct{ *fpdf.Fpdf }

func newPage(title string) *page {
	p := &page{fpdf.New("P", "mm", "A4", "")}
	p.SetTitle(title, true)
	p.SetProducer("dermatrend", true)
	// No clock in what is made: the same sheet, the same bytes.
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p.SetCreationDate(day)
	p.SetModificationDate(day)
	p.SetCatalogSort(true)
	p.SetAutoPageBreak(false, 0)
	return p
}

func (p *page) text(x, y, size float64, text string) {
	p.SetTextColor(0, 0, 0)
	p.SetFont("Helvetica", "", size)
	p.Text(x, y, p.UnicodeTranslatorFromDescriptor("")(text))
}

func (p *page) lines(x, y float64, lines ...string) {
	for i, l := range lines {
		p.text(x, y+5*float64(i), 9, l)
	}
}

func (p *page) bytes() ([]byte, error) {
	var b bytes.Buffer
	if err := p.Output(&b); err != nil {
		return nil, fmt.Errorf("sheet: %w", err)
	}
	return b.Bytes(), nil
}

func cutLine(p *page, x, y, w, h float64) {
	p.SetDrawColor(170, 170, 170)
	p.SetLineWidth(0.1)
	p.Rect(x, y, w, h, "D")
}

// controlRule draws a line of 100 mm with marks every 10 mm.
func controlRule(p *page, x, y float64) {
	p.SetDrawColor(0, 0, 0)
	p.SetLineWidth(0.2)
	p.Line(x, y, x+100, y)
	for i := range 11 {
		p.Line(x+10*float64(i), y-2, x+10*float64(i), y+2)
	}
	p.text(x, y+7, 9, "This line must be 100 mm long; if not, print again at 100 %, without \"fit to page\".")
}

// drawMarker prints the marker of a size, its corner at (x, y).
func drawMarker(p *page, sideMM int, x, y float64) error {
	cells, err := cv.MarkerCells(sideMM)
	if err != nil {
		return err
	}
	cell := float64(sideMM) / cv.MarkerSide
	black := func(c, r int) bool { return !cells[r][c] }
	fill(p, x, y, cell, cv.MarkerSide, cv.MarkerSide, black)
	return nil
}

// drawCode prints a QR code with its quiet zone into a square of the given side.
func drawCode(p *page, text string, x, y, side float64) error {
	const quiet = 2
	code, err := qrcode.NewQRCodeWriter().Encode(text, gozxing.BarcodeFormat_QR_CODE, 0, 0, map[gozxing.EncodeHintType]any{
		gozxing.EncodeHintType_ERROR_CORRECTION: decoder.ErrorCorrectionLevel_M,
		gozxing.EncodeHintType_CHARACTER_SET:    "UTF-8",
		gozxing.EncodeHintType_MARGIN:           0,
	})
	if err != nil {
		return fmt.Errorf("code of %q: %w", strings.TrimPrefix(text, CodePrefix), err)
	}
	n := code.GetWidth()
	cell := side / float64(n+2*quiet)
	fill(p, x+quiet*cell, y+quiet*cell, cell, n, n, code.Get)
	return nil
}

// fill draws the black cells of a pattern, each run of a row as one rectangle, a
// hair's breadth longer downwards, so that no seam shows between rows.
func fill(p *page, x, y, cell float64, w, h int, black func(c, r int) bool) {
	p.SetFillColor(0, 0, 0)
	for r := range h {
		for c := 0; c < w; {
			n := c
			for n < w && black(n, r) {
				n++
			}
			if n > c {
				down := cell
				if r+1 < h && black(c, r+1) {
					down += 0.01
				}
				p.Rect(x+float64(c)*cell, y+float64(r)*cell, float64(n-c)*cell, down, "F")
			}
			c = max(n, c+1)
		}
	}
}
