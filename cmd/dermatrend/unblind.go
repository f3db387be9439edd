package main

import (
	"fmt"
	"path/filepath"

	"github.com/dermatrend/dermatrend/pipeline"
)

type unblindCommand struct {
	Pack   string   `arg:"" help:"Folder that blind has written."`
	Key    string   `required:"" help:"The key of the pack." placeholder:"PACK-key.csv" type:"existingfile"`
	Sheets []string `required:"" help:"Filled-in scoring sheets, one a reader, called as the reader; separated by commas, or the flag repeated." placeholder:"READER.csv" type:"existingfile"`
	Dir    string   `name:"output" short:"o" required:"" help:"Folder for readings.csv, reliability.csv, agreement.csv and summary.txt." placeholder:"DIR"`
	More   []string `arg:"" optional:"" help:"More scoring sheets." type:"existingfile"`
}

func (c unblindCommand) Run(in *invocation) error {
	a, err := pipeline.Unblind(c.Pack, c.Key, append(c.Sheets, c.More...), c.Dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(in.stdout, "%s\neverything, in words: %s\nresults, which name persons: %s\n", a.Headline(), filepath.Join(c.Dir, "summary.txt"), c.Dir)
	return err
}
