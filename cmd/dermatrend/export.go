package main

import (
	"fmt"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline"
)

type exportCommand struct {
	Out       string   `arg:"" help:"Folder that run has written."`
	Dir       string   `name:"output" short:"o" required:"" help:"Folder to write. The key of the codes lies beside it as DIR-key.csv and stays at the clinic." placeholder:"DIR"`
	Format    []string `enum:"csv,parquet,fhir,redcap,dicom" default:"csv,parquet,fhir,redcap" help:"Kinds of files: ${enum}. dicom, by itself, is the aligned pictures and the results as objects for an archive; pictures show faces and want the consent identifiable_report."`
	Subject   []string `help:"Export these subjects only; separated by commas, or the flag repeated." placeholder:"ID"`
	Covariate []string `help:"Covariates of the manifests that become columns; without it, arm and side. Values that might name a person are withheld." placeholder:"NAME"`
	Study     string   `help:"Folder of the study: its manifests and ledger are asked for consent, and the export is entered into its ledger. Needed." type:"existingdir" placeholder:"STUDY"`
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
	printExcluded(in.stdout, sum.Excluded)
	if err != nil {
		return err
	}
	fmt.Fprintf(in.stdout, "%s exported, %d left out, consent as of %s: %s (%s)\n", count(sum.Exported, "subject"), len(sum.Excluded), c.day(), c.Dir, strings.Join(c.Format, ", "))
	if sum.Cohort != "" {
		fmt.Fprintf(in.stdout, "cohort.csv is not in it: %s\n", sum.Cohort)
	}
	fmt.Fprintf(in.stdout, "key of the codes, to stay here: %s\n", sum.Key)
	return released(in, sum.Receipt, sum.Excluded)
}
