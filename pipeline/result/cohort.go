package result

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Cohort is what a group of persons has come to: cohort.csv, the flow table, the
// claims, and what the figures show. It names persons by the codes of this export
// only, and days instead of dates.
type Cohort struct {
	Study, Version, OpenCV, Settings string
	Methods                          CohortMethods
	Flow                             []FlowStep
	Rows                             []CohortRow
	Claims                           []Claim
	Courses                          []Course     // one person's values, for spaghetti plots
	Responses                        []Response   // one person's change in a window, for waterfalls
	Replicates                       []Replicates // photos of one session, for Bland-Altman plots
}

// CohortMethods are the settings that were used, from which the paragraph on
// methods is written.
type CohortMethods struct {
	AsOf          string // day on which consent was looked at, YYYY-MM-DD
	Primary       CohortPrimary
	WindowsDays   []int // days after the last treatment of the course
	ToleranceDays []int // of each window, to both sides
	Alpha         float64
	Draws         int      // of the bootstrap
	Seed          uint64   // of the bootstrap
	Adjustment    string   // of p over the rows of a family: holm or bh, with what is a family
	SDCSources    []string // as named by the trends
	Corrections   []string // of the photos
}

// CohortPrimary is the outcome that study.yaml named beforehand; Named is false
// where it names none, and then every row is exploratory.
type CohortPrimary struct {
	Named        bool
	Metric, Zone string
	WindowDays   int
}

// Roles of a cohort row.
const (
	RolePrimary     = "primary"
	RoleExploratory = "exploratory"
)

// CohortRow is a row of cohort.csv: one contrast of one metric in one zone.
//
// Contrast is one of
//
//	visit:K                    K-th visit after baseline (1, 2, ...) against baseline
//	window:D                   D days after the last treatment against baseline
//	slope                      change per 30 days, all visits
//	ordered:K                  from visit to visit, the baseline and K after it, of the
//	                           persons who have them all; the estimate is the mean
//	                           rank correlation with their order, -1..1 (Page's test: is
//	                           the order of anybody's visits more than chance)
//	typical_order:K            the same correlations, as a sample of persons who may each
//	                           drift their own way: does the typical one change
//	treated-untreated@C        difference in differences of the zones, C one of the above
//	side:A-B@C                 split face: side A against side B of the same persons
//	arm:A-B@C                  between the persons of two arms
//	covariate:NAME@C           effect of a covariate on the change, per unit of it
//	covariate:NAME=LEVEL@C     between the persons with that level and all others
//
// The treated side of a split face is side:treated-untreated, in a zone without
// _left and _right. Estimates within persons and between persons are Hodges and
// Lehmann's (median of pairwise means, of pairwise differences), that of a slope
// is a mean, that of a covariate in numbers a least-squares slope.
type CohortRow struct {
	Zone, Metric, Unit, Contrast string
	N                            int // persons
	Estimate, Low, High          Number
	P, PAdjusted                 Number
	Test                         string // of P; empty without one
	Responders                   int    // changed for the better beyond their own smallest detectable change
	Worsened                     int    // for the worse beyond it
	Responders20                 int    // and better by 20 % of baseline or more; never counted below the SDC
	Responders30, Responders50   int
	Missing                      int // persons of the cohort without a value here
	SD                           Number
	View                         string
	Role                         string
	Reason                       string // why cells are empty, or what to mind
	// The change in per cent of each person's own baseline, for metrics that are read
	// so (InPercent); estimated as the change itself.
	EstimatePct, LowPct, HighPct Number
	InPercent                    bool // Responders20 to 50 are counted
	Directed                     bool // Responders and Worsened are counted
	Judged                       int  // persons with a change and a smallest detectable change
}

// FlowStep is a row of the flow table: how many came this far, and why some did
// not.
type FlowStep struct {
	Step                       string // entered, consent_research, photos_usable, comparable, analysed, ...
	Subjects, Sessions, Photos int
	Excluded                   int // subjects that this step left out
	Reason                     string
}

// Claim is one claim of domain.md beside the cohort's own figure.
type Claim struct {
	Claim          string // as published, short
	Published      Number // share, per cent
	Own, Low, High Number // share, per cent, with its 95 % interval
	Responders, N  int
	Counted        string // how it was counted
	Reason         string // why there is no own figure
}

// Course is one person's values of a metric in a zone.
type Course struct {
	Code, View, Zone, Metric, Unit string
	Days                           []int // since baseline
	Values                         []Number
}

// Response is one person's change for a contrast, with the smallest detectable
// change that it was held against.
type Response struct {
	Code, View, Zone, Metric, Unit, Contrast string
	Change, ChangePct, SDC                   Number
	Verdict                                  Verdict
}

// Replicates are two values of one session.
type Replicates struct {
	Code, View, Zone, Metric, Unit string
	First, Second                  Number
}

// Files of a cohort in OUT.
const (
	CohortFile       = "cohort.csv"
	CohortFlowFile   = "cohort_flow.csv"
	CohortClaimsFile = "cohort_claims.csv"
	CohortKeyFile    = "cohort-key.csv" // which code is whom: never leaves the clinic
)

// cohortHead are the columns of cohort.csv, a contract as those of the tables.
const cohortHead = "zone,metric,unit,contrast,n,estimate,low,high,p,p_adjusted,test,responders,worsened," +
	"responders_20,responders_30,responders_50,judged,missing,sd,estimate_pct,low_pct,high_pct,view,role,reason"

// WriteCohort writes the tables of a cohort to dir, where they must not exist yet.
// Counts of responders are empty where a metric has no better or worse, shares of
// 20 to 50 % where it is not read in per cent.
func WriteCohort(dir string, c Cohort) error {
	rows := make([][]string, 0, len(c.Rows))
	for i := range c.Rows {
		r := &c.Rows[i]
		directed := func(n int) string { return countIf(r.Directed, n) }
		percent := func(n int) string { return countIf(r.Directed && r.InPercent, n) }
		rows = append(rows, []string{r.Zone, r.Metric, r.Unit, r.Contrast, strconv.Itoa(r.N),
			r.Estimate.Cell(), r.Low.Cell(), r.High.Cell(), pCell(r.P), pCell(r.PAdjusted), r.Test,
			directed(r.Responders), directed(r.Worsened), percent(r.Responders20), percent(r.Responders30), percent(r.Responders50),
			directed(r.Judged), strconv.Itoa(r.Missing), r.SD.Cell(), r.EstimatePct.Cell(), r.LowPct.Cell(), r.HighPct.Cell(),
			r.View, r.Role, r.Reason})
	}
	if err := writeCSV(filepath.Join(dir, CohortFile), cohortHead, rows); err != nil {
		return err
	}
	rows = rows[:0]
	for _, f := range c.Flow {
		rows = append(rows, []string{f.Step, strconv.Itoa(f.Subjects), strconv.Itoa(f.Sessions), strconv.Itoa(f.Photos), strconv.Itoa(f.Excluded), f.Reason})
	}
	if err := writeCSV(filepath.Join(dir, CohortFlowFile), "step,subjects,sessions,photos,excluded,reason", rows); err != nil {
		return err
	}
	rows = rows[:0]
	for _, l := range c.Claims {
		rows = append(rows, []string{l.Claim, l.Published.Cell(), l.Own.Cell(), l.Low.Cell(), l.High.Cell(), strconv.Itoa(l.Responders), strconv.Itoa(l.N), l.Counted, l.Reason})
	}
	return writeCSV(filepath.Join(dir, CohortClaimsFile), "claim,published_pct,own_pct,low,high,responders,n,counted,reason", rows)
}

// WriteCohortKey writes which code is which person to dir, where the file must not
// exist yet. It is the one file of a cohort that names anybody.
func WriteCohortKey(dir string, subjects map[string]string) error {
	var rows [][]string
	for _, code := range slices.Sorted(maps.Keys(subjects)) {
		rows = append(rows, []string{code, subjects[code]})
	}
	return writeCSV(filepath.Join(dir, CohortKeyFile), "code,subject", rows)
}

// ReadCohortKey lists the persons of the key that [WriteCohortKey] wrote to dir.
func ReadCohortKey(dir string) ([]string, error) {
	f, err := os.Open(filepath.Join(dir, CohortKeyFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	var subjects []string
	for _, row := range rows[min(1, len(rows)):] {
		if len(row) != 2 {
			return nil, fmt.Errorf("%s: a row has %d columns, expected code and subject", f.Name(), len(row))
		}
		subjects = append(subjects, row[1])
	}
	return subjects, nil
}

// pCell is a p-value: small ones in scientific notation, as 1.2e-08.
func pCell(p Number) string {
	if !p.Known() {
		return ""
	}
	return strconv.FormatFloat(float64(p), 'g', 6, 64)
}

func countIf(ok bool, n int) string {
	if !ok {
		return ""
	}
	return strconv.Itoa(n)
}

// writeCSV writes a whole table to a new file.
func writeCSV(name, head string, rows [][]string) error {
	f, err := create(name)
	if err != nil {
		return err
	}
	buf := bufio.NewWriter(f)
	w := csv.NewWriter(buf)
	// An error stays in the writer.
	_ = w.Write(strings.Split(head, ","))
	_ = w.WriteAll(rows)
	return errors.Join(w.Error(), buf.Flush(), f.Close())
}
