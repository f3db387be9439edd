package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline"
)

type verifyCommand struct {
	Out       string `arg:"" help:"Folder that run has written."`
	Study     string `arg:"" optional:"" help:"Folder of the study: its photos and manifests are compared with those that were measured."`
	Recompute string `help:"Measure again this many persons, or all, and compare." placeholder:"N|all"`
	FaceModel string `help:"The face model that run was given." type:"existingfile" placeholder:"FILE"`
	SDC       string `name:"sdc" help:"The table of smallest detectable changes that run was given." type:"existingfile" placeholder:"FILE"`
	workers
}

// Validate is called by kong.
func (c verifyCommand) Validate() error {
	if c.Recompute != "" && c.Study == "" {
		return fmt.Errorf("--recompute needs STUDY")
	}
	if n, err := strconv.Atoi(c.Recompute); c.Recompute != "" && c.Recompute != "all" && (err != nil || n < 1) {
		return fmt.Errorf("--recompute %s: must be a number of persons, or all", c.Recompute)
	}
	return c.workers.Validate()
}

func (c verifyCommand) Run(in *invocation) error {
	o := pipeline.VerifyOptions{}
	if c.Study != "" {
		var err error
		if o.Study, err = loadStudy(in, c.Study, nil); err != nil {
			return err
		}
	}
	switch c.Recompute {
	case "":
	case "all":
		o.Recompute = -1
	default:
		o.Recompute, _ = strconv.Atoi(c.Recompute) // validated
	}
	var progress progress
	o.Run, progress = c.options(in)
	o.Run.Config.FaceModel, o.Run.Config.SDC = c.FaceModel, c.SDC
	v, err := pipeline.Verify(in.ctx, c.Out, o)
	progress.close()
	if err != nil {
		return err
	}
	for _, n := range v.Notes {
		fmt.Fprintf(in.stdout, "not looked at: %s\n", n)
	}
	for _, w := range v.Wrong {
		fmt.Fprintf(in.stdout, "%s\n", w)
	}
	if v.More {
		fmt.Fprintln(in.stdout, "and more")
	}
	fmt.Fprintf(in.stdout, "%s, %s, %s", count(v.Persons, "person"), count(v.Series, "series"), count(v.Pictures, "picture"))
	if len(v.Measured) > 0 {
		fmt.Fprintf(in.stdout, ", measured again: %s", strings.Join(v.Measured, " "))
	}
	fmt.Fprintf(in.stdout, "\nrun.json: sha256 %s\n", v.Record)
	if len(v.Wrong) > 0 {
		return fmt.Errorf("%s is not what its results and record give", c.Out)
	}
	_, err = fmt.Fprintln(in.stdout, "proved")
	return err
}
