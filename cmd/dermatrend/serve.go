package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

type serveCommand struct {
	Out   string `arg:"" help:"Folder that run has written."`
	Study string `help:"Folder of the study, whose edits are shown and added to; without it the page is for reading only." type:"existingdir" placeholder:"STUDY"`
	Addr  string `default:"127.0.0.1:0" help:"Where to answer: always 127.0.0.1, port 0 for any that is free." placeholder:"ADDR"`
	By    string `help:"Who edits; without it, the name of the user of this machine." placeholder:"NAME"`
}

func (c serveCommand) Run(in *invocation) error {
	o := pipeline.ServeOptions{Addr: c.Addr, By: by{c.By}.name(), Log: in.stderr, Ready: func(url string) {
		fmt.Fprintf(in.stdout, "open %s\nCtrl-C ends it\n", url)
	}}
	if c.Study != "" {
		if _, err := loadStudy(in, c.Study, nil); err != nil {
			return err
		}
		o.Study = func() (*study.Study, error) { return currentStudy(c.Study) }
	}
	return pipeline.Serve(in.ctx, c.Out, o)
}

// currentStudy is the study as it is now. Persons with a problem of their own are
// left out of it; only a problem of the whole study is an error.
func currentStudy(root string) (*study.Study, error) {
	st, err := study.Load(root, studyOptions())
	var problems study.Problems
	if errors.As(err, &problems) {
		if st == nil || slices.ContainsFunc(problems, func(p study.Problem) bool { return p.Subject == "" }) {
			return nil, problems
		}
		return st, nil
	}
	return st, err
}
