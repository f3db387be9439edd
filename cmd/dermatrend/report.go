package main

import (
	"fmt"
	"path/filepath"

	"github.com/dermatrend/dermatrend/pipeline"
)

type reportCommand struct {
	Out string `arg:"" help:"Folder that run has written."`
}

func (c reportCommand) Run(in *invocation) error {
	subjects, err := pipeline.Report(in.ctx, c.Out)
	if err != nil {
		return err
	}
	for _, s := range subjects {
		fmt.Fprintf(in.stdout, "%s: %s\n", s.ID, verdicts(s))
	}
	_, err = fmt.Fprintf(in.stdout, "report: %s\n", filepath.Join(c.Out, "index.html"))
	return err
}
