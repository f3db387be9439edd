package main

import (
	"fmt"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline"
)

type exportCommand struct {
	Out       string   `arg:"" help:"Folder that run has written."`
	Dir       string   `name:"output" short:"o" required:"" help:"Folder to write. The key of the codes lies beside it as DIR-key.csv and stays at the clinic." placeholder:"DIR"`
	Format    []string `enum:"csv,parquet,fhir,redcap" default:"csv,parquet,fhir,redcap" help:"Kinds of files: ${enum}."`
	Subject   []string `help:"Export these subjects only." placeholder:"ID"`
	Covariate []string `default:"arm,side" help:"Covariates of the manifests that become columns. Values that might name a person are withheld." placeholder:"NAME"`
	Study     string   `help:"Folder of the study: consent is looked at as its manifests and ledger say it now, and the export is entered into its ledger. Without it, consent is what it was when the subjects were measured." type:"existingdir" placeholder:"STUDY"`
	asOf
	by
}

func (c exportCommand) Run(in *invocation) error {
	st, err := ledgerStudy(in, c.Study)
	if err != nil {
		return err
	}
	sum, err := pipeline.Export(in.ctx, c.Out, pipeline.ExportOptions{Dir: c.Dir, AsOf: c.day(), Formats: c.Format, Subjects: c.Subject,
		Covariates: c.Covariate, Version: version, Study: st, By: c.name()})
	for _, e := range sum.Excluded {
		fmt.Fprintf(in.stdout, "left out: %s: %s\n", e.Subject, e.Reason)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(in.stdout, "%s exported, %d left out, consent as of %s: %s (%s)\n", count(sum.Exported, "subject"), len(sum.Excluded), c.day(), c.Dir, strings.Join(c.Format, ", "))
	if sum.Cohort != "" {
		fmt.Fprintf(in.stdout, "cohort.csv is not in it: %s\n", sum.Cohort)
	}
	if st == nil {
		fmt.Fprintln(in.stderr, "dermatrend: note: this is in no ledger, so that a withdrawal or erasure will not find it, and consent is what it was when the subjects were measured; --study STUDY mends both")
	} else {
		fmt.Fprintf(in.stdout, "ledger head: %s\n", sum.Head)
	}
	_, err = fmt.Fprintf(in.stdout, "key of the codes, to stay here: %s\n", sum.Key)
	return err
}
