package export

import (
	"encoding/csv"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
)

// codebookHead are the columns of codebook.csv. Kind is table, column, metric or
// reason; table is empty for the last two.
var codebookHead = []string{"kind", "table", "name", "type", "unit", "ucum", "range", "missing", "direction", "needs_px_per_mm", "meaning", "source"}

// codebookRows describe everything that an export can hold.
func codebookRows(covariates []string) [][]string {
	var rows [][]string
	for _, t := range Tables(covariates) {
		rows = append(rows, []string{"table", t.Name, strings.Join(t.Key, ";"), "", "", "", "", "", "", "", t.Meaning, ""})
		for _, c := range t.Columns {
			missing := c.Missing
			if missing == "" {
				missing = "never empty"
			}
			rows = append(rows, []string{"column", t.Name, c.Name, string(c.Type), c.Unit, UCUM(c.Unit), c.Range, missing, "", "", c.Meaning, ""})
		}
	}
	directions := map[metrics.Direction]string{metrics.LowerIsBetter: "lower", metrics.HigherIsBetter: "higher"}
	for _, m := range metrics.All() {
		need := ""
		if m.NeedsPxPerMM > 0 {
			need = fmt.Sprintf("%.3g", m.NeedsPxPerMM)
		}
		rows = append(rows, []string{"metric", "", m.Name, string(Float), m.Unit, UCUM(m.Unit), metricRange(m), "could not be measured", directions[m.Direction], need, m.Doc, m.Source})
	}
	for _, r := range Reasons {
		rows = append(rows, []string{"reason", "", r.Code, "", "", "", "", "", "", "", r.Meaning, ""})
	}
	return rows
}

func writeCodebook(dir string, o Options) error {
	rows := codebookRows(o.Covariates)
	f, err := create(filepath.Join(dir, "codebook.csv"))
	if err != nil {
		return err
	}
	w := csv.NewWriter(f)
	_ = w.Write(codebookHead) // an error stays in the writer
	if err := errors.Join(w.WriteAll(rows), f.close()); err != nil {
		return err
	}
	if f, err = create(filepath.Join(dir, "codebook.md")); err != nil {
		return err
	}
	// An error stays in the buffer.
	_, _ = f.WriteString(codebookText(rows, o))
	return f.close()
}

const codebookIntro = `# Codebook

Measurements of photographs of faces, made by dermatrend %s for review by a clinician. No diagnosis, no assessment of moles or skin cancer.
Consent of every person in it covered research on %s; exclusions.csv counts the persons who were left out.

- An empty cell is a missing value, never 0. Decimal point, comma between columns, UTF-8, text quoted where it holds a comma.
- Judge change by trends: it holds the smallest detectable change, the verdict and its reservations. A difference of two values of measurements is no
  improvement before it passes that change. Compare values of one basis only.
- Persons are codes, dates are days since baseline, sessions are S00, S01, ... in order of time, photos are numbers. Coordinates on the face, file names,
  hashes of inputs and free text are not exported.
- Parquet files hold the same columns, with types; their key-value metadata hold unit, meaning, range and missing values of each column.
- fhir/ holds one FHIR R4 transaction a person, and all of them as one batch. redcap/ holds a data dictionary and an import; its instruments measures
  and trends have to be made repeating in the project before the import.
`

func codebookText(rows [][]string, o Options) string {
	var b strings.Builder
	fmt.Fprintf(&b, codebookIntro, o.Version, o.AsOf)
	line := func(cells ...string) {
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(strings.ReplaceAll(c, "|", `\|`), "\n", " ")
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	rule := func(n int) { b.WriteString(strings.Repeat("|---", n) + "|\n") }
	section := ""
	for _, r := range rows {
		if r[0] == "table" {
			fmt.Fprintf(&b, "\n## Table %s\n\n%s A row is named by: %s.\n\n", r[1], r[10], strings.ReplaceAll(r[2], ";", ", "))
			line("column", "type", "unit", "range", "missing", "meaning")
			rule(6)
			continue
		}
		if r[0] != section && r[0] == "metric" {
			b.WriteString("\n## Metrics\n\n")
			line("metric", "unit", "UCUM", "range", "better", "needs px/mm", "meaning", "source")
			rule(8)
		}
		if r[0] != section && r[0] == "reason" {
			b.WriteString("\n## Reasons\n\n")
			line("reason", "meaning")
			rule(2)
		}
		switch section = r[0]; section {
		case "column":
			line("`"+r[2]+"`", r[3], r[4], r[6], r[7], r[10])
		case "metric":
			line("`"+r[2]+"`", r[4], r[5], r[6], r[8], r[9], r[10], r[11])
		case "reason":
			line("`"+r[2]+"`", r[10])
		}
	}
	return b.String()
}
