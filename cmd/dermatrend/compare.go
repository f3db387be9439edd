package main

import (
	"bytes"
	"fmt"

	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/files"
)

type compareCommand struct {
	First  string `arg:"" help:"Folder that run has written."`
	Second string `arg:"" help:"Another of the same study, by another version or with other settings."`
	CSV    string `name:"csv" help:"Write all of it as a table, too." placeholder:"FILE"`
}

func (c compareCommand) Run(in *invocation) error {
	found, err := pipeline.CompareResults(in.ctx, c.First, c.Second)
	if err != nil {
		return err
	}
	if c.CSV != "" {
		var table bytes.Buffer
		if err := found.Bridge.WriteCSV(&table); err != nil {
			return err
		}
		if err := files.Replace(c.CSV, table.Bytes()); err != nil {
			return err
		}
	}
	fmt.Fprintf(in.stdout, "first: %s\nsecond: %s\n", c.First, c.Second)
	if len(found.Made) == 0 {
		fmt.Fprintln(in.stdout, "made by the same version with the same settings")
	}
	for _, m := range found.Made {
		fmt.Fprintln(in.stdout, m)
	}
	if err := found.Bridge.WriteText(in.stdout); err != nil {
		return err
	}
	if b := found.Bridge; len(b.Only[0])+len(b.Only[1])+len(b.LeftOut) > 0 {
		return errPartial
	}
	return nil
}
