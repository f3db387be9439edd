package export

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// resultsPDF is what the series of a person came to, on pages: the same codes and days
// as in the tables, no picture. The same results give the same bytes.
func resultsPDF(p *person) ([]byte, error) {
	doc := fpdf.New("P", "mm", "A4", "")
	doc.SetCatalogSort(true)
	fixed := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // no clock in results
	doc.SetCreationDate(fixed)
	doc.SetModificationDate(fixed)
	doc.SetProducer("dermatrend", false)
	doc.SetTitle("Measurements of a series of photographs", false)
	doc.SetMargins(15, 15, 15)
	doc.AddPage()
	line := func(style string, size float64, text string) {
		doc.SetFont("Helvetica", style, size)
		doc.MultiCell(0, size*0.5, latin(text), "", "L", false)
	}
	line("B", 14, "Measurements of a series of photographs")
	line("", 9, fmt.Sprintf("Person %s. dermatrend %s, OpenCV %s.", p.code, p.Version, p.OpenCV))
	line("", 9, "Quantification of photographs for review by a clinician; no diagnosis, no assessment of moles or skin cancer. "+
		"A change beyond measurement error says nothing of its cause; no detectable change is not no change.")
	for _, v := range p.Series {
		doc.Ln(4)
		line("B", 11, "View "+v.View)
		var days []string
		for _, x := range v.Visits {
			d := fmt.Sprintf("%s: day %d", x.Session, x.Day)
			if !x.Comparable {
				d += " (not comparable)"
			}
			days = append(days, d)
		}
		line("", 9, "Sessions, days since baseline: "+strings.Join(days, ", "))
		widths := []float64{34, 40, 22, 22, 22, 40}
		row := func(style string, cells ...string) {
			doc.SetFont("Helvetica", style, 8)
			for i, c := range cells {
				doc.CellFormat(widths[i], 5, latin(c), "B", 0, "L", false, 0, "")
			}
			doc.Ln(5)
		}
		row("B", "zone", "metric", "baseline", "change", "detectable", "verdict")
		for _, t := range v.Trends {
			if t.Role != "primary" && t.Role != "safety" {
				continue
			}
			row("", t.Zone, t.Metric, digits(t.Baseline), digits(t.Change), digits(t.SDC), strings.ReplaceAll(string(t.Verdict), "_", " "))
		}
	}
	var b bytes.Buffer
	if err := doc.Output(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// digits has as many digits as fit a column.
func digits(n result.Number) string {
	if !n.Known() {
		return "-"
	}
	return fmt.Sprintf("%.4g", float64(n))
}

// latin keeps what the fonts of every PDF reader have.
func latin(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
