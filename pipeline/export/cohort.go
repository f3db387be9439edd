package export

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// cohortTable is cohort.csv of a run in the words of an export. Its rows come from
// that file, not from persons.
var cohortTable = Table{Name: "cohort", Meaning: "One row a contrast of a metric in a zone over the persons of the cohort. In the export only where it was made of the persons that are in the export.",
	Key: []string{"view", "zone", "metric", "contrast"},
	Columns: []Column{
		colZone, colMetric, colUnit,
		{"contrast", Text, "", "What is compared: visit:K the K-th visit, window:D the day D after the last treatment, each with the baseline; slope the change per 30 days; ordered:K and typical_order:K the rank correlation with the order of K+1 visits, -1 to 1; treated-untreated@C, side:A-B@C, arm:A-B@C, covariate:NAME@C, covariate:NAME=LEVEL@C differences or effects on the contrast C. Names that might be about one person are codes.", "", ""},
		{"n", Integer, "count", "Persons.", ">= 0", ""},
		{"estimate", Float, "", "Estimate, in the unit of the row.", "", "too few persons; the reason says why"},
		{"low", Float, "", "Lower end of the 95 % interval.", "", "no interval"},
		{"high", Float, "", "Upper end of the 95 % interval.", "", "no interval"},
		{"p", Float, "1", "Two-sided p-value of the test.", "0 to 1", "no test"},
		{"p_adjusted", Float, "1", "The same, adjusted for the tests of its family.", "0 to 1", "no test"},
		{"test", Text, "", "Test of the p-value.", "signed_rank_exact | signed_rank_normal | mann_whitney_exact | mann_whitney_normal | page_exact | page_normal | slope_summary_t | random_slope_reml_t | regression_t | regression_permutation", "no test"},
		{"responders", Integer, "count", "Persons whose change is for the better and at least their own smallest detectable change.", ">= 0", "not counted"},
		{"worsened", Integer, "count", "Persons whose change is for the worse and at least their own smallest detectable change.", ">= 0", "not counted"},
		{"responders_20", Integer, "count", "Responders who are better by 20 % of baseline or more.", ">= 0, at most responders", "not counted"},
		{"responders_30", Integer, "count", "Responders who are better by 30 % of baseline or more.", ">= 0, at most responders", "not counted"},
		{"responders_50", Integer, "count", "Responders who are better by 50 % of baseline or more.", ">= 0, at most responders", "not counted"},
		{"judged", Integer, "count", "Persons with a change and a smallest detectable change: of these the responders are a share.", ">= 0", "not counted"},
		{"missing", Integer, "count", "Persons of the cohort without a value here.", ">= 0", "not counted"},
		{"sd", Float, "", "Standard deviation of the changes, in the unit of the row.", ">= 0", "too few persons"},
		{"estimate_pct", Float, "percent", "Estimate of the change as per cent of each person's baseline.", "", "too few persons, or per cent mean nothing for this metric"},
		{"low_pct", Float, "percent", "Lower end of its 95 % interval.", "", "no interval"},
		{"high_pct", Float, "percent", "Upper end of its 95 % interval.", "", "no interval"},
		colView,
		{"role", Text, "", "Whether it was named as the primary outcome beforehand.", "primary | exploratory", "not known"},
		colReason,
	}}

// ErrCohort is wrapped where a cohort table must not be exported.
var ErrCohort = errors.New("the cohort table is left out")

// Cohort reads cohort.csv of a run and adds it to the export. persons is the number
// of persons in the export: a cohort of more of them, with a value or without, was
// made of somebody whom the export does not have, and then nothing is added and the
// error wraps [ErrCohort].
func (e *Writer) Cohort(r io.Reader, persons int) error {
	in := csv.NewReader(r)
	head, err := in.Read()
	if err != nil {
		return fmt.Errorf("cohort.csv: %w", err)
	}
	column := map[string]int{}
	for i, h := range head {
		column[bare(h)] = i
	}
	var rows [][]any
	for {
		rec, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("cohort.csv: %w", err)
		}
		row, err := e.cohortRow(func(name string) string {
			if i, ok := column[bare(name)]; ok {
				return rec[i]
			}
			return ""
		})
		if err != nil {
			line, _ := in.FieldPos(0)
			return fmt.Errorf("cohort.csv:%d: %w", line, err)
		}
		n, _ := row[columnOf("n")].(int)
		missing, _ := row[columnOf("missing")].(int)
		if n+missing > persons {
			return fmt.Errorf("%w: it rests on %d persons or more, the export has %d; run `dermatrend cohort OUT` again for the same day", ErrCohort, n+missing, persons)
		}
		rows = append(rows, row)
	}
	return e.table(cohortTable, rows)
}

// perForm is what a slope or an effect is per, or both after one another.
var perForm = regexp.MustCompile(`^(30 d|deg|year|mm|pass|1)( per (30 d|deg|year|mm|pass|1))?$`)

// bare is a column's name without underscores, in which releases differed.
func bare(name string) string { return strings.ReplaceAll(name, "_", "") }

// columnOf is the place of a column of the cohort.
func columnOf(name string) int {
	return slices.IndexFunc(cohortTable.Columns, func(c Column) bool { return c.Name == name })
}

func (e *Writer) cohortRow(cell func(string) string) ([]any, error) {
	var row []any
	for _, c := range cohortTable.Columns {
		text := cell(c.Name)
		switch {
		case c.Type == Text:
			row = append(row, e.cohortText(c.Name, text))
		case text == "":
			row = append(row, nil)
		case c.Type == Integer:
			n, err := strconv.Atoi(text)
			if err != nil {
				return nil, fmt.Errorf("%s %q: expected a whole number", c.Name, text)
			}
			row = append(row, n)
		default:
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, fmt.Errorf("%s %q: expected a number", c.Name, text)
			}
			row = append(row, v)
		}
	}
	metric := row[1].(string)
	want, ok := e.units[metric]
	// A correlation has the unit 1; slopes and effects are per something.
	if unit, _, _ := strings.Cut(cell("unit"), " per "); !ok || unit != want && unit != "1" {
		return nil, fmt.Errorf("%w: %q in %q; run `dermatrend run` and `dermatrend cohort` again", ErrUnits, metric, cell("unit"))
	}
	responders, _ := row[columnOf("responders")].(int)
	for _, name := range []string{"responders_20", "responders_30", "responders_50"} {
		if n, ok := row[columnOf(name)].(int); ok && n > responders {
			return nil, fmt.Errorf("%s %d of %d responders: somebody is counted below the smallest detectable change", name, n, responders)
		}
	}
	return row, nil
}

func (e *Writer) cohortText(name, text string) string {
	switch name {
	case "zone":
		return e.key.zone(text)
	case "view":
		return e.key.view(text)
	case "contrast":
		return e.contrast(text)
	case "role":
		return known(text, "primary", "exploratory")
	case "reason":
		return reasonCodes(text)
	case "metric":
		if _, ok := e.units[text]; !ok {
			return reasonOther
		}
	case "unit":
		unit, per, slope := strings.Cut(text, " per ")
		if _, ok := ucum[unit]; !ok || slope && !perForm.MatchString(per) {
			return reasonOther
		}
	case "test":
		return word(text)
	}
	return text
}

// contrast puts codes in the place of the names of arms and sides, and of
// covariates that were not asked for.
func (e *Writer) contrast(text string) string {
	what, at, nested := strings.Cut(text, "@")
	kind, names, named := strings.Cut(what, ":")
	switch {
	case kind == "slope" && !named, kind == "treated-untreated" && !named:
	case kind == "visit" || kind == "window" || kind == "ordered" || kind == "typical_order":
		if _, err := strconv.Atoi(names); err != nil {
			return reasonOther
		}
	case kind == "arm" || kind == "side":
		a, b, two := strings.Cut(names, "-")
		if !two {
			return reasonOther
		}
		what = kind + ":" + e.group(a) + "-" + e.group(b)
	case kind == "covariate":
		name, level, hasLevel := strings.Cut(names, "=")
		shown := name
		if !slices.Contains(e.opts.Covariates, name) && !slices.Contains(knownCovariates, name) {
			shown = e.key.arm(name)
		}
		if what = "covariate:" + shown; hasLevel {
			what += "=" + e.level(name, level)
		}
	default:
		return reasonOther
	}
	if nested {
		return what + "@" + e.contrast(at)
	}
	return what
}

// knownCovariates are those that the tool itself names.
var knownCovariates = []string{"ita", "ita_deg", "age", "depth", "depth_mm", "needle_depth", "passes", "adjunct", "treatments"}

// group is the name of an arm or side, where it may be shown as a covariate may.
func (e *Writer) group(name string) string {
	covariates := append(slices.Sorted(maps.Keys(e.opts.Shared)), "")
	for _, covariate := range covariates {
		if e.covariate(covariate, name) == name {
			return name
		}
	}
	return e.key.arm(name)
}

// level is a level of a covariate; those of adjuncts are reduced as for persons.
func (e *Writer) level(name, level string) string {
	if name == "adjunct" {
		return adjunctCode(level)
	}
	return e.group(level)
}
