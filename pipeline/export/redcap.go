package export

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// A REDCap project has one record a person, and two instruments that repeat:
// measures, once for each zone of each photo at each sharpness, with one field a
// metric; and trends, once for each metric in each zone over a series.
const (
	formSubject  = "subject"
	formMeasures = "measures"
	formTrends   = "trends"
)

// dictionaryHead are the columns of a data dictionary, as REDCap names them.
var dictionaryHead = []string{"Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
	"Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number", "Text Validation Min", "Text Validation Max",
	"Identifier?", "Branching Logic (Show field only if...)", "Required Field?", "Custom Alignment", "Question Number (surveys only)",
	"Matrix Group Name", "Matrix Ranking?", "Field Annotation"}

// field is one line of the dictionary.
type field struct {
	name, form, label, note string
	choices                 []string // of a drop-down; nil: a text
	validation, min, max    string   // integer, number, or empty
}

// redcapName shortens a name to the 26 characters that REDCap shows of a field
// without a warning.
func redcapName(name string) string { return name[:min(len(name), 26)] }

// subjectField is the field of a column of the table of subjects.
func subjectField(column string) string {
	if strings.HasPrefix(column, "cov_") {
		return column
	}
	return "s_" + column
}

// fields lists the dictionary: the record's name first.
func fields(covariates []string) []field {
	var all []field
	add := func(form, prefix string, columns []Column, skip ...string) {
		for _, c := range columns {
			if slices.Contains(skip, c.Name) {
				continue
			}
			name := prefix + c.Name
			if form == formSubject {
				name = subjectField(c.Name)
			}
			all = append(all, fieldOf(redcapName(name), form, c))
		}
	}
	all = append(all, field{name: "record_id", form: formSubject, label: colSubject.Meaning})
	add(formSubject, "", subjectTable(covariates).Columns, "subject")
	add(formMeasures, "m_", measurementTable.Columns, "subject", "metric", "value", "unit", "n", "status", "reason")
	all = append(all, field{name: "m_caution", form: formMeasures, label: "Metrics of this zone with the status caution, joined by ';'."})
	for _, m := range metrics.All() {
		all = append(all, fieldOf(redcapName(m.Name), formMeasures, Column{Name: m.Name, Type: Float, Unit: m.Unit, Range: metricRange(m), Meaning: m.Doc, Missing: "could not be measured"}))
	}
	add(formTrends, "t_", trendTable.Columns, "subject")
	return all
}

var (
	choiceForm = regexp.MustCompile(`^[a-z0-9_]+( \| [a-z0-9_]+)+$`)
	rangeForm  = regexp.MustCompile(`^(-?\d+) to (-?\d+)$`)
)

func fieldOf(name, form string, c Column) field {
	f := field{name: name, form: form, label: c.Meaning, note: c.Unit}
	switch c.Type {
	case Integer:
		f.validation = "integer"
	case Float:
		f.validation = "number"
	case Text:
		if choiceForm.MatchString(c.Range) {
			f.choices = strings.Split(c.Range, " | ")
		}
		return f
	}
	if m := rangeForm.FindStringSubmatch(c.Range); m != nil {
		f.min, f.max = m[1], m[2]
	} else if n, ok := strings.CutPrefix(c.Range, ">= "); ok {
		f.min, _, _ = strings.Cut(n, ",")
	}
	return f
}

// dictionary is the data dictionary as rows, its head first.
func dictionary(covariates []string) [][]string {
	rows := [][]string{dictionaryHead}
	for _, f := range fields(covariates) {
		kind, choices := "text", ""
		if f.choices != nil {
			kind = "dropdown"
			var c []string
			for _, v := range f.choices {
				c = append(c, v+", "+strings.ReplaceAll(v, "_", " "))
			}
			choices = strings.Join(c, " | ")
		}
		rows = append(rows, []string{f.name, f.form, "", kind, f.label, choices, f.note, f.validation, f.min, f.max, "", "", "", "", "", "", "", ""})
	}
	return rows
}

// redcapSink writes the import, record by record.
type redcapSink struct {
	file   *file
	csv    *csv.Writer
	column map[string]int // of the import, by field
	width  int
	// subject names the field of each column of the table of subjects.
	subject []string
}

func newREDCap(dir string, o Options) (*redcapSink, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := create(filepath.Join(dir, "dictionary.csv"))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(csv.NewWriter(f).WriteAll(dictionary(o.Covariates)), f.close()); err != nil {
		return nil, err
	}
	if f, err = create(filepath.Join(dir, "import.csv")); err != nil {
		return nil, err
	}
	s := &redcapSink{file: f, csv: csv.NewWriter(f), column: map[string]int{}}
	for _, c := range subjectTable(o.Covariates).Columns {
		s.subject = append(s.subject, subjectField(c.Name))
	}
	head := []string{"record_id", "redcap_repeat_instrument", "redcap_repeat_instance"}
	form := ""
	for _, x := range append(fields(o.Covariates)[1:], field{}) {
		// The state of each form follows its fields: 2 is complete.
		if x.form != form && form != "" {
			head = append(head, form+"_complete")
		}
		if form = x.form; form != "" {
			head = append(head, x.name)
		}
	}
	for i, h := range head {
		s.column[h] = i
	}
	s.width = len(head)
	return s, s.csv.Write(head)
}

func (s *redcapSink) close() error {
	s.csv.Flush()
	return errors.Join(s.csv.Error(), s.file.close())
}

// record writes one line. Cells are given by the names of columns of a table.
func (s *redcapSink) record(code, form string, instance int, cells map[string]string) error {
	line := make([]string, s.width)
	line[0] = code
	if instance > 0 {
		line[1], line[2] = form, strconv.Itoa(instance)
	}
	line[s.column[form+"_complete"]] = "2"
	for name, cell := range cells {
		i, ok := s.column[redcapName(name)]
		if !ok {
			return fmt.Errorf("the dictionary has no field %s", name)
		}
		line[i] = cell
	}
	return s.csv.Write(line)
}

func (s *redcapSink) add(p *person) error {
	cells := map[string]string{}
	for i, c := range subjectRows(p)[0] {
		if i > 0 { // the first is the record's name
			cells[s.subject[i]] = cellText(c)
		}
	}
	if err := s.record(p.code, formSubject, 0, cells); err != nil {
		return err
	}
	if err := s.measures(p); err != nil {
		return err
	}
	n := 0
	for _, row := range trendRows(p) {
		cells := map[string]string{}
		for i, c := range trendTable.Columns {
			if c.Name != "subject" {
				cells["t_"+c.Name] = cellText(row[i])
			}
		}
		n++
		if err := s.record(p.code, formTrends, n, cells); err != nil {
			return err
		}
	}
	return nil
}

// measures writes one line for each zone of each photo at each sharpness, in the
// order in which they first occur.
func (s *redcapSink) measures(p *person) error {
	instance := 0
	for i := range p.Series {
		type place struct{ session, photo, zone, basis string }
		lines := map[place]map[string]string{}
		var order []place
		for k := range p.Series[i].Measurements {
			m := &p.Series[i].Measurements[k]
			at := place{m.Session, m.Photo, m.Zone, m.Basis}
			cells := lines[at]
			if cells == nil {
				cells = map[string]string{"m_view": m.View, "m_session": m.Session, "m_day": strconv.Itoa(m.Day),
					"m_days_since_treatment": cellText(whole(m.DaysSinceTreatment)), "m_replicate": m.Photo, "m_zone": m.Zone, "m_basis": m.Basis, "m_px_per_mm": cellText(scale(m.PxPerMM))}
				lines[at] = cells
				order = append(order, at)
			}
			cells[m.Metric] = m.Value.Cell()
			if m.Status == result.Caution {
				cells["m_caution"] = strings.TrimPrefix(cells["m_caution"]+";"+m.Metric, ";")
			}
		}
		for _, at := range order {
			instance++
			if err := s.record(p.code, formMeasures, instance, lines[at]); err != nil {
				return err
			}
		}
	}
	return nil
}
