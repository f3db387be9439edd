package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

type cohortCommand struct {
	Out    string   `arg:"" help:"Folder that run has written."`
	Alpha  float64  `default:"0.05" help:"Level of adjusted p-values." placeholder:"LEVEL"`
	Window []string `help:"Window after the last treatment and its tolerance, days, as in 90+-21; may be repeated. Without it 28+-10, 90+-21 and 180+-45." placeholder:"D+-T" sep:"none"`
	Study  string   `help:"Folder of the study: its manifests and ledger are asked for consent, and the cohort is entered into its ledger. Needed." type:"existingdir" placeholder:"STUDY"`
	asOf
	by
}

var windowForm = regexp.MustCompile(`^(\d{1,4})(?:\+-|±)(\d{1,4})$`)

// options checks the flags.
func (c cohortCommand) options() (pipeline.CohortOptions, error) {
	o := pipeline.CohortOptions{Alpha: c.Alpha, AsOf: c.day(), By: c.name()}
	if !(c.Alpha > 0 && c.Alpha < 1) {
		return o, fmt.Errorf("--alpha %v: must be above 0 and below 1", c.Alpha)
	}
	for _, w := range c.Window {
		m := windowForm.FindStringSubmatch(w)
		if m == nil {
			return o, fmt.Errorf("--window %q: must be days and tolerance, as in 90+-21", w)
		}
		days, _ := strconv.Atoi(m[1])
		tolerance, _ := strconv.Atoi(m[2])
		o.Windows = append(o.Windows, pipeline.Window{Days: days, Tolerance: tolerance})
	}
	return o, nil
}

// Validate is called by kong.
func (c cohortCommand) Validate() error {
	_, err := c.options()
	return errors.Join(err, c.asOf.Validate())
}

func (c cohortCommand) Run(in *invocation) error {
	opts, err := c.options()
	if err != nil {
		return err
	}
	if opts.Study, err = ledgerStudy(in, c.Study); err != nil {
		return err
	}
	sum, err := pipeline.WriteCohort(in.ctx, c.Out, opts)
	printExcluded(in.stdout, sum.Excluded)
	if err != nil {
		return err
	}
	printCohort(in.stdout, c.Out, opts.AsOf, sum.Cohort)
	return released(in, sum.Receipt, sum.Excluded)
}

func printCohort(out io.Writer, dir string, on study.Date, all result.Cohort) {
	fmt.Fprintf(out, "consent as of %s\n", on)
	for _, f := range all.Flow {
		fmt.Fprintf(out, "%s: %s", strings.ReplaceAll(f.Step, "_", " "), count(f.Subjects, "person"))
		if f.Excluded > 0 {
			fmt.Fprintf(out, ", %d left out", f.Excluded)
		}
		if f.Reason != "" {
			fmt.Fprintf(out, " (%s)", f.Reason)
		}
		fmt.Fprintln(out)
	}
	for _, r := range all.Rows {
		switch {
		case r.Role != result.RolePrimary:
		case !r.P.Known():
			fmt.Fprintf(out, "primary: %s %s %s %s: no test, n = %d (%s)\n", r.View, r.Zone, r.Metric, r.Contrast, r.N, r.Reason)
		default:
			fmt.Fprintf(out, "primary: %s %s %s %s: %s %s (95 %% %s to %s), p %.3g, adjusted %.3g, n = %d\n", r.View, r.Zone, r.Metric, r.Contrast,
				cell(r.Estimate), r.Unit, cell(r.Low), cell(r.High), float64(r.P), float64(r.PAdjusted), r.N)
		}
	}
	if !all.Methods.Primary.Named {
		fmt.Fprintln(out, "study.yaml names no primary outcome: everything is exploratory")
	}
	fmt.Fprintf(out, "report: %s\nwho is behind a code, not to be given away: %s\n", filepath.Join(dir, "cohort.html"), filepath.Join(dir, result.CohortKeyFile))
}

// cell is a number as tables show it, a dash where there is none.
func cell(n result.Number) string {
	if !n.Known() {
		return "-"
	}
	return n.Cell()
}
