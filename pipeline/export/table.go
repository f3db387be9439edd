package export

import (
	"strconv"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Type of the values of a column.
type Type string

const (
	Text    Type = "string"
	Integer Type = "integer"
	Float   Type = "float"
)

// Column describes one column of a table; the codebook, the Parquet schema and the
// REDCap dictionary are made from it.
type Column struct {
	Name    string
	Type    Type
	Unit    string // as in the catalogue of metrics; empty: none, or that of the row
	Meaning string
	Range   string // values that occur, for a reader: ">= 0", "ok | caution | refused"
	Missing string // what an empty cell means; empty: it never is
}

// Table is one table of an export.
type Table struct {
	Name    string
	Meaning string
	Key     []string // columns that together name a row
	Columns []Column
	rows    func(*person) [][]any
}

// A cell is a string, an int, a float64, or nil where there is no value. An empty
// string is no value either.

// cellText is a cell as CSV writes it.
func cellText(cell any) string {
	switch v := cell.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case float64:
		return result.Number(v).Cell()
	}
	return ""
}

// number is a cell with the six digits of the tables of a run, so that every
// format holds the same value.
func number(n result.Number) any {
	if !n.Known() {
		return nil
	}
	v, _ := strconv.ParseFloat(n.Cell(), 64)
	return v
}

// scale is a cell of px/mm, where 0 means that there is none.
func scale(n result.Number) any {
	if n == 0 {
		return nil
	}
	return number(n)
}

// whole is a cell of a count that may not be known.
func whole(n *int) any {
	if n == nil {
		return nil
	}
	return *n
}

// Columns that several tables share.
var (
	colSubject   = Column{"subject", Text, "", "Code of the person in this export. The key file that stays at the clinic resolves it.", "d and 12 hexadecimal digits", ""}
	colView      = Column{"view", Text, "", "Direction from which the face was photographed. A name of the user's own is a code.", "front | left45 | right45 | left90 | right90 | view_...", ""}
	colSession   = Column{"session", Text, "", "Visit of the person, numbered in order of time over all views; visits whose day is not known come last.", "S00, S01, ...", "the row is about the whole series"}
	colReplicate = Column{"replicate", Integer, "1", "Number of the photo among those of the same session and view.", ">= 1", "the row is about no single photo"}
	colZone      = Column{"zone", Text, "", "Zone of the face; left and right are the person's. A name of the user's own is a code.", "forehead | nose | cheek_left | cheek_right | chin | periorbital_left | periorbital_right | perioral | zone_...", ""}
	colMetric    = Column{"metric", Text, "", "What was measured; see the metrics of this codebook.", "", ""}
	colUnit      = Column{"unit", Text, "", "Unit of the numbers of the row.", "", "a number without a unit"}
	colStatus    = Column{"status", Text, "", "Whether it can be relied on: caution names something to mind, refused that there is no usable value.", "ok | caution | refused", ""}
	colReason    = Column{"reason", Text, "", "Codes of the reasons, joined by ';'; see the reasons of this codebook. Free text is never exported.", "", "nothing to say"}
)

func with(c Column, missing string) Column {
	c.Missing = missing
	return c
}

const refusedCell = "could not be measured; the reason says why"

// subjectTable has one row a person. Its covariates are those of the export.
func subjectTable(covariates []string) Table {
	t := Table{Name: "subjects", Meaning: "One row a person.", Key: []string{"subject"}, rows: subjectRows,
		Columns: []Column{
			colSubject,
			{"age_band", Text, "a", "Age in the year of the baseline, in bands of five years.", "<18 | 18-19 | 20-24 | ... | 85-89 | 90+", "year of birth not recorded"},
			{"ita_deg", Float, "deg", "Individual typology angle of the forehead (else the first zone) at baseline: above 55 very light, below -30 dark.", "-180 to 180", "could not be measured"},
			{"sessions", Integer, "count", "Visits with photos.", ">= 0", ""},
			{"days", Integer, "d", "Days from the baseline to the last visit with photos.", ">= 0", "no visit with a known day"},
			{"treatments", Integer, "count", "Treatments that are recorded.", ">= 0", ""},
			{"last_treatment_day", Integer, "d", "Day of the last recorded treatment, counted from the baseline.", "", "no treatment with a known day"},
			{"needle_depth_mm", Float, "mm", "Mean needle depth over treatments and zones.", "> 0", "not recorded"},
			{"passes", Float, "count", "Mean number of passes over treatments.", "> 0", "not recorded"},
			{"adjunct", Text, "", "Adjuncts of the treatments, joined by ';'.", "prp | hyaluronic_acid | tranexamic_acid | vitamin_c | growth_factors | exosomes | peel | laser | radiofrequency | none | other, joined by ';'", "not recorded"},
			{"treated_zones", Text, "", "Zones that were treated, joined by ';'; zones not named were not.", "", "not recorded"},
			{"tool_version", Text, "", "Version of dermatrend that measured the person.", "", ""},
			{"opencv_version", Text, "", "Version of OpenCV that it used.", "", ""},
			{"settings", Text, "", "First 8 digits of the SHA-256 of the settings: persons with different ones were measured differently.", "8 hexadecimal digits", ""},
		}}
	for _, c := range covariates {
		t.Columns = append(t.Columns, Column{covariateColumn(c), Text, "", "Covariate of the manifest, chosen by whoever exported.", "", "not recorded, or withheld because the value might name a person"})
	}
	return t
}

var measurementTable = Table{Name: "measurements", Meaning: "One row a value: a metric in a zone of a photo, at one sharpness.",
	Key: []string{"subject", "view", "session", "replicate", "zone", "metric", "basis"}, rows: measurementRows,
	Columns: []Column{
		colSubject, colView, colSession,
		{"day", Integer, "d", "Days since the first session of the series.", ">= 0", ""},
		{"days_since_treatment", Integer, "d", "Days since the last treatment before the photo.", ">= 0", "before the first treatment, or none is recorded"},
		colReplicate, colZone, colMetric,
		{"value", Float, "", "The value, in the unit of the row. A value that could not be measured is empty, never 0.", "see the metric", refusedCell},
		colUnit,
		{"basis", Text, "", "Sharpness at which it was measured: as photographed, blurred to the worst comparable session, or both photos of a pair at the worse of the two. Compare values of one basis only.", "native | series | pair:S01, ...", ""},
		{"n", Integer, "count", "Skin pixels, or objects, that the value rests on.", ">= 0", ""},
		{"px_per_mm", Float, "px/mm", "Scale of the photo at the face.", "> 0", "the photo has no scale"},
		colStatus, colReason,
	}}

var trendTable = Table{Name: "trends", Meaning: "One row a metric in a zone over a whole series: the latest comparable session against the baseline.",
	Key: []string{"subject", "view", "zone", "metric"}, rows: trendRows,
	Columns: []Column{
		colSubject, colView, colZone, colMetric, colUnit,
		{"sessions", Integer, "count", "Comparable sessions, baseline included.", ">= 0", ""},
		{"baseline", Float, "", "Value at baseline, at the sharpness of the pair.", "see the metric", refusedCell},
		{"latest", Float, "", "Value at the latest comparable session, at the sharpness of the pair.", "see the metric", refusedCell},
		{"change", Float, "", "Latest less baseline.", "", "nothing can be compared"},
		{"change_pct", Float, "percent", "Change as per cent of baseline.", ">= -100", "nothing can be compared, the baseline is 0, or per cent mean nothing for this metric"},
		{"sdc", Float, "", "Smallest detectable change (95 %), in the unit of the change.", "> 0", "nothing can be compared"},
		{"sdc_source", Text, "", "Where the smallest detectable change comes from.", "replicates | untreated_days | shipped_table | own_table, each perhaps with ';widened'", "nothing can be compared"},
		{"slope_per_30d", Float, "", "Theil-Sen slope per 30 days over the comparable sessions.", "", "too few sessions"},
		{"slope_low", Float, "", "Lower end of its exact 95 % rank interval.", "", "too few sessions for an interval"},
		{"slope_high", Float, "", "Upper end of its exact 95 % rank interval.", "", "too few sessions for an interval"},
		{"limit", Float, "", "Change that the verdict asked for, after adjustment for the number of zones.", "> 0", "nothing can be compared"},
		{"role", Text, "", "Part that the metric plays in this series.", "primary | secondary | safety", ""},
		{"qualifier", Text, "", "Reservations, joined by ';'.", "early | provisional | photo_error_only | relative, joined by ';'", "none"},
		{"verdict", Text, "", "What can be said of the change. It says nothing about its cause.", "improved | worsened | no_detectable_change | not_comparable", "changed beyond measurement error in a metric that has no better or worse"},
		{"responder", Integer, "1", "1 where the verdict is improved and the change at least the smallest detectable one, else 0.", "0 | 1", "nothing can be compared, or the metric has no better or worse"},
		colReason,
	}}

var alignmentTable = Table{Name: "alignment", Meaning: "One row a photo: how it was mapped to the baseline photo.",
	Key: []string{"subject", "view", "session", "replicate"}, rows: alignmentRows,
	Columns: []Column{
		colSubject, colView, colSession, colReplicate, colStatus,
		{"scale", Float, "1", "Pixels of the photo per pixel of the baseline photo.", "> 0", refusedCell},
		{"rotation_deg", Float, "deg", "Rotation against the baseline photo.", "-180 to 180", refusedCell},
		{"shift_x_px", Float, "px", "Shift of the baseline's face centre to the right.", "", refusedCell},
		{"shift_y_px", Float, "px", "Shift of the baseline's face centre downwards.", "", refusedCell},
		{"inliers", Integer, "count", "Matches that agree with the map.", ">= 0", ""},
		{"overlap", Float, "1", "Share of the baseline's skin that the photo shows.", "0 to 1", refusedCell},
		{"residual_px", Float, "px", "Median error on patches that were held out.", ">= 0", "the baseline itself, or " + refusedCell},
		{"residual_pct_ipd", Float, "percent", "The same as per cent of the distance between the pupils.", ">= 0", "the baseline itself, or " + refusedCell},
		{"yaw_delta_deg", Float, "deg", "Turn of the head against the baseline.", "-90 to 90", refusedCell},
		{"pitch_delta_deg", Float, "deg", "Tilt of the head against the baseline.", "-90 to 90", refusedCell},
		colReason,
	}}

var comparabilityTable = Table{Name: "comparability", Meaning: "One row a check of a photo: whether it can be compared with the baseline.",
	Key: []string{"subject", "view", "session", "replicate", "check"}, rows: checkRows,
	Columns: []Column{
		colSubject, colView, colSession, colReplicate,
		{"check", Text, "", "What was looked at; expression_ZONE, stretch_ZONE, occlusion_ZONE and zone_alignment_ZONE are of that zone alone.", "", ""},
		{"value", Float, "", "What was found, in the unit of the row.", "", "could not be measured"},
		{"limit", Float, "", "From where the status is caution or refused, in the unit of the row.", "", "no limit"},
		colUnit,
		{"affects", Text, "", "Families of metrics that the check concerns, joined by ';'.", "redness | pigment | texture | lines | pores | scars, joined by ';'", "none"},
		colStatus,
	}}

var objectTable = Table{Name: "objects", Meaning: "One row a pore, scar, red spot or brown mark that was found. Coordinates are not exported: the pattern of marks identifies a face.",
	Key: []string{"subject", "view", "session", "replicate", "zone", "kind", "id"}, rows: objectRows,
	Columns: []Column{
		colSubject, colView, colSession, colReplicate, colZone,
		{"kind", Text, "", "What it is.", "pore | scar | red_spot | brown_mark", ""},
		{"id", Integer, "1", "Number within the photo.", ">= 0", ""},
		{"diameter_mm", Float, "mm", "Diameter of the circle of equal area.", "> 0", "the photo has no scale"},
		{"area_mm2", Float, "mm2", "Area.", "> 0", "the photo has no scale"},
		{"contrast", Float, "OD", "Mean optical density above the surround. Of shading or colour, never a depth.", "", "could not be measured"},
		{"type", Text, "", "Of a scar, by width and shape.", "icepick | boxcar | rolling", "not a scar, or its type is open"},
		{"track", Text, "", "The same for the same scar or mark in every session of the series.", "a letter and a number", "pores, and what was not followed"},
		colStatus,
	}}

var rejectionTable = Table{Name: "rejections", Meaning: "One row a photo or series without values.",
	Key: []string{"subject", "view", "session", "replicate", "stage"}, rows: rejectionRows,
	Columns: []Column{
		colSubject, with(colView, "the photo belongs to no view"), colSession, colReplicate,
		{"stage", Text, "", "Stage that refused it.", "a lower-case word", "not known"},
		with(colReason, ""),
	}}

var exclusionTable = Table{Name: "exclusions", Meaning: "Persons of the study who are not in this export: how many and why. Nobody is named.",
	Key: []string{"reason"},
	Columns: []Column{
		{"reason", Text, "", "Why consent does not cover research on the day of the export.", "not_recorded | not_signed | signed_later | expired | withdrawn | other", ""},
		{"subjects", Integer, "count", "Persons.", ">= 1", ""},
	}}

// Tables lists the tables of an export in order: those of the persons, with the
// covariates that were asked for, then the exclusions, then the cohort.
func Tables(covariates []string) []Table {
	return append(personTables(covariates), exclusionTable, cohortTable)
}

// personTables are the tables that are filled person by person.
func personTables(covariates []string) []Table {
	return []Table{subjectTable(covariates), measurementTable, trendTable, comparabilityTable, objectTable, alignmentTable, rejectionTable}
}

// ranges says what values a metric can take.
func metricRange(m metrics.Metric) string {
	switch m.Name {
	case "glcm_correlation":
		return "-1 to 1"
	case "glcm_homogeneity":
		return "0 to 1"
	case "glcm_entropy":
		return "0 to 10"
	case "ita_deg":
		return "-180 to 180"
	}
	switch m.Unit {
	case "percent":
		return "0 to 100"
	case "log10x100", "CIELAB":
		return "any"
	}
	return ">= 0"
}
