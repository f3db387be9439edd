package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

type cohortCommand struct {
	Out    string   `arg:"" help:"Folder that run has written."`
	AsOf   string   `help:"Day on which consent is looked at; today without it." placeholder:"YYYY-MM-DD"`
	Alpha  float64  `default:"0.05" help:"Level of adjusted p-values." placeholder:"LEVEL"`
	Window []string `help:"Window after the last treatment and its tolerance, days, as in 90+-21; may be repeated. Without it 28+-10, 90+-21 and 180+-45." placeholder:"D+-T" sep:"none"`
}

var windowForm = regexp.MustCompile(`^(\d{1,4})(?:\+-|±)(\d{1,4})$`)

// options checks the flags.
func (c cohortCommand) options(today time.Time) (pipeline.CohortOptions, error) {
	o := pipeline.CohortOptions{Alpha: c.Alpha}
	if !(c.Alpha > 0 && c.Alpha < 1) {
		return o, fmt.Errorf("--alpha %v: must be above 0 and below 1", c.Alpha)
	}
	o.AsOf = study.NewDate(today.Date())
	if c.AsOf != "" {
		var err error
		if o.AsOf, err = study.ParseDate(c.AsOf); err != nil {
			return o, fmt.Errorf("--as-of: %w", err)
		}
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
	_, err := c.options(time.Now())
	return err
}

func (c cohortCommand) Run(in *invocation) error {
	opts, err := c.options(time.Now())
	if err != nil {
		return err
	}
	all, err := pipeline.WriteCohort(in.ctx, c.Out, opts)
	if err != nil {
		return err
	}
	fmt.Fprintf(in.stdout, "consent as of %s\n", opts.AsOf)
	for _, f := range all.Flow {
		fmt.Fprintf(in.stdout, "%s: %s", strings.ReplaceAll(f.Step, "_", " "), count(f.Subjects, "person"))
		if f.Excluded > 0 {
			fmt.Fprintf(in.stdout, ", %d left out", f.Excluded)
		}
		if f.Reason != "" {
			fmt.Fprintf(in.stdout, " (%s)", f.Reason)
		}
		fmt.Fprintln(in.stdout)
	}
	for _, r := range all.Rows {
		switch {
		case r.Role != result.RolePrimary:
		case !r.P.Known():
			fmt.Fprintf(in.stdout, "primary: %s %s %s %s: no test, n = %d (%s)\n", r.View, r.Zone, r.Metric, r.Contrast, r.N, r.Reason)
		default:
			fmt.Fprintf(in.stdout, "primary: %s %s %s %s: %s %s (95 %% %s to %s), p %.3g, adjusted %.3g, n = %d\n", r.View, r.Zone, r.Metric, r.Contrast,
				cell(r.Estimate), r.Unit, cell(r.Low), cell(r.High), float64(r.P), float64(r.PAdjusted), r.N)
		}
	}
	if !all.Methods.Primary.Named {
		fmt.Fprintln(in.stdout, "study.yaml names no primary outcome: everything is exploratory")
	}
	_, err = fmt.Fprintf(in.stdout, "report: %s\nwho is behind a code, not to be given away: %s\n", filepath.Join(c.Out, "cohort.html"), filepath.Join(c.Out, result.CohortKeyFile))
	return err
}

// cell is a number as tables show it, a dash where there is none.
func cell(n result.Number) string {
	if !n.Known() {
		return "-"
	}
	return n.Cell()
}
