package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/validate"
)

// ablation measures cases once as always and once without each correction and check,
// and tells what that changes. A check that nothing fails in a case is not switched
// off there: it would change nothing.
func (c validateCommand) ablation(in *invocation, v *validation, cases []validate.Case) error {
	of := make([]map[string]validate.Findings, len(cases))
	// Measuring is half of a case, and some dozen switches ask for it.
	err := v.each(cases, 6.5, func(i int) (string, error) {
		dir := filepath.Join(v.work, "ablation", cases[i].Name())
		r, err := v.render(dir, cases[i])
		if err != nil {
			return "", err
		}
		out := filepath.Join(dir, "out")
		base, err := v.look(r, cases[i], out, v.opts)
		if err != nil {
			return "", err
		}
		of[i] = map[string]validate.Findings{"": base}
		for _, name := range slices.Concat(pipeline.Corrections, base.Failed()) {
			opts := v.opts
			opts.Config.Without = []string{name}
			if of[i][name], err = v.look(r, cases[i], out, opts); err != nil {
				return "", err
			}
		}
		return fmt.Sprintf(", %d switches", len(of[i])-1), v.forget(r)
	})
	if err != nil {
		return err
	}
	rows := validate.Ablation(of)
	name := filepath.Join(c.Out, "ablation.csv")
	if err := files.Replace(name, validate.CSV(rows)); err != nil {
		return err
	}
	if !c.Quiet {
		printAblation(in.stdout, rows)
		fmt.Fprintf(in.stdout, "%s; all figures: %s\n", count(len(cases), "series"), name)
	}
	return nil
}

// printAblation is a line a switch.
func printAblation(w io.Writer, rows []validate.Row) {
	const form = "%-26s %8s %11s %8s %7s   %s\n"
	fmt.Fprintf(w, form, "without", "false %", "comparable %", "called %", "tricked", "error (bias) of better30 and none, by metric")
	for _, s := range validate.Switches(rows) {
		name, errors := s.Name, ""
		if name == "" {
			name = "nothing: as always"
		}
		for _, e := range s.Errors {
			if e.N == 0 {
				continue // too coarse, or too dark
			}
			errors += fmt.Sprintf("%s %.3g (%+.2g)  ", e.Metric, e.RMS, e.Bias)
		}
		fmt.Fprintf(w, form, name, fmt.Sprintf("%.1f", s.False), fmt.Sprintf("%.1f", s.Comparable), fmt.Sprintf("%.1f", s.Called), fmt.Sprint(s.Tricked), errors)
	}
}
