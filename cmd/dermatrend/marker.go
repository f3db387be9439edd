package main

import (
	"fmt"

	"github.com/dermatrend/dermatrend/pipeline"
)

type markerCommand struct {
	Output string `short:"o" default:"marker.pdf" help:"File to write (${default}); an existing one is not overwritten." placeholder:"FILE"`
	Size   int    `default:"30" help:"Side of the black square, 10 to 100 mm (${default})." placeholder:"MM"`
}

func (c markerCommand) Run(in *invocation) error {
	if err := pipeline.WriteMarker(c.Output, c.Size); err != nil {
		return err
	}
	_, err := fmt.Fprintf(in.stdout, "%s: print at 100 %% and measure the line of 100 mm\n", c.Output)
	return err
}
