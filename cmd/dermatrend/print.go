package main

import (
	"fmt"
	"path/filepath"

	"github.com/dermatrend/dermatrend/pipeline"
)

// printReports prints the reports in the folder out, which are there already.
func printReports(in *invocation, out string, flags workers) error {
	p := newProgress(in.stderr, flags)
	err := pipeline.PrintReports(in.ctx, out, p.event)
	p.close()
	if err != nil {
		return fmt.Errorf("the reports are there, but not printed: %w", err)
	}
	if !flags.Quiet {
		_, err = fmt.Fprintf(in.stdout, "printed: %s\n", filepath.Join(out, "*", "report.pdf"))
	}
	return err
}
