package result

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Sources of a smallest detectable change.
const (
	PhotoErrorOnly = "photo_error_only" // photos of one day, or rendered ones: the skin had no other day
	FullError      = "full"             // untreated days
)

// SDCRow is one smallest detectable change (95 %): per cent of baseline for
// metrics that are read so, else in the metric's unit.
type SDCRow struct {
	Metric  string
	SDC     float64 // above 0
	Zone    string  // empty: all zones
	N, DF   int     // values that it rests on, degrees of freedom
	Source  string  // photo_error_only or full
	Status  Status  // of the pairs that it was measured on: ok, caution; empty: any
	PxPerMM float64 // holds for baselines of this scale and finer, up to the next row; 0: any
}

// SDCTable holds smallest detectable changes as `dermatrend validate` writes them.
type SDCTable struct {
	Name string   // as reports name it: title and version
	Head []string // what was measured, from the comments of the file
	Rows []SDCRow
}

// SDCHead is the first line of the table. The first six columns are needed, the
// rest may be missing.
var SDCHead = []string{"metric", "sdc", "zone", "n", "df", "source", "status", "px_per_mm"}

// ParseSDC reads a table. Its name is that of the comment "# name: ...", else the
// one given. An error names the line, what is wrong and what was expected.
func ParseSDC(data []byte, name string) (SDCTable, error) {
	t := SDCTable{Name: name}
	for line := range strings.Lines(string(data)) {
		comment, ok := strings.CutPrefix(line, "#")
		if !ok {
			continue
		}
		comment = strings.TrimSpace(comment)
		if n, ok := strings.CutPrefix(comment, "name: "); ok {
			t.Name = n
		}
		t.Head = append(t.Head, comment)
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comment, r.FieldsPerRecord = '#', -1
	head, err := r.Read()
	if err != nil {
		return t, fmt.Errorf("%s: no table of smallest detectable changes: %w", name, err)
	}
	if len(head) < 6 || len(head) > len(SDCHead) || !slices.Equal(head, SDCHead[:len(head)]) {
		return t, fmt.Errorf("%s: the columns are %q, expected %q", name, strings.Join(head, ","), strings.Join(SDCHead, ","))
	}
	var errs []error
	for {
		rec, err := r.Read()
		if rec == nil {
			break
		}
		line, _ := r.FieldPos(0)
		if err != nil || len(rec) != len(head) {
			errs = append(errs, fmt.Errorf("%s:%d: %d columns, expected %d", name, line, len(rec), len(head)))
			continue
		}
		row, err := sdcRow(rec)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, line, err))
			continue
		}
		t.Rows = append(t.Rows, row)
	}
	if len(t.Rows) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%s: the table has no rows", name))
	}
	return t, errors.Join(errs...)
}

func sdcRow(rec []string) (row SDCRow, err error) {
	row = SDCRow{Metric: rec[0], Zone: rec[2], Source: rec[5]}
	if row.SDC, err = strconv.ParseFloat(rec[1], 64); err != nil || !(row.SDC > 0) || math.IsInf(row.SDC, 0) {
		return row, fmt.Errorf("sdc %q: expected a number above 0", rec[1])
	}
	for i, p := range []*int{&row.N, &row.DF} {
		if *p, err = strconv.Atoi(rec[3+i]); err != nil || *p < 0 {
			return row, fmt.Errorf("%s %q: expected a whole number", SDCHead[3+i], rec[3+i])
		}
	}
	if row.Source != PhotoErrorOnly && row.Source != FullError {
		return row, fmt.Errorf("source %q: expected %s or %s", row.Source, PhotoErrorOnly, FullError)
	}
	if len(rec) > 6 {
		row.Status = Status(rec[6])
		if row.Status != "" && row.Status != OK && row.Status != Caution {
			return row, fmt.Errorf("status %q: expected ok, caution or nothing", rec[6])
		}
	}
	if len(rec) > 7 && rec[7] != "" {
		if row.PxPerMM, err = strconv.ParseFloat(rec[7], 64); err != nil || !(row.PxPerMM >= 0) || math.IsInf(row.PxPerMM, 0) {
			return row, fmt.Errorf("px_per_mm %q: expected a number", rec[7])
		}
	}
	return row, nil
}

// Find gives the row for a metric, a zone, a pair of photos whose comparison has a
// status, and the px/mm of the baseline (0: unknown). Of the rows that hold, the
// finest scale wins, then the row of that status, then that of the zone; a pair
// with caution never gets the row of an ok one while there is another.
func (t SDCTable) Find(metric, zone string, status Status, pxPerMM float64) (row SDCRow, ok bool) {
	best := -1.0
	for _, r := range t.Rows {
		if r.Metric != metric || r.Zone != "" && r.Zone != zone || r.Status == Caution && status == OK || r.PxPerMM > 0 && r.PxPerMM > pxPerMM {
			continue
		}
		// Scale before status before zone.
		score := 4 * r.PxPerMM
		switch r.Status {
		case status:
			score += 2
		case "":
			score++
		}
		if r.Zone != "" {
			score += 0.5
		}
		if score > best {
			best, row, ok = score, r, true
		}
	}
	return row, ok
}
