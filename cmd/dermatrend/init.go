package main

import (
	"fmt"

	"github.com/dermatrend/dermatrend/pipeline/study"
)

type initCommand struct {
	Folder string `arg:"" help:"Folder of the study, or of one person's photos."`
	DryRun bool   `help:"Print what would be written, and write nothing."`
}

func (c initCommand) Run(in *invocation) error {
	files, err := study.Init(c.Folder, c.DryRun, studyOptions())
	for _, f := range files {
		switch {
		case f.Exists:
			fmt.Fprintf(in.stdout, "%s: is there already, left as it is\n", f.Path)
		case c.DryRun:
			fmt.Fprintf(in.stdout, "# %s\n%s\n", f.Path, f.Content)
		default:
			fmt.Fprintf(in.stdout, "%s: written; check dates and views\n", f.Path)
		}
	}
	return err
}
