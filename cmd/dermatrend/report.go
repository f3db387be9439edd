package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

type reportCommand struct {
	Out       string   `arg:"" help:"Folder that run has written."`
	For       string   `enum:",patient,publication,teaching,marketing" default:"" help:"Hand out reports: patient (each person's own), publication, teaching or marketing. Without it, the clinician's reports in OUT are rendered again." placeholder:"AUDIENCE"`
	Study     string   `help:"Folder of the study: its manifests and ledger are asked for consent, and what is handed out is entered into its ledger." type:"existingdir" placeholder:"STUDY"`
	Dir       string   `name:"output" short:"o" help:"Folder to write. The key of the codes lies beside it as DIR-key.csv and stays at the clinic." placeholder:"DIR"`
	Level     string   `enum:",zone,half_face,covered_eyes,full_face" default:"" help:"How much is shown: zone (measured skin of one zone; the only level that counts as de-identified), half_face, covered_eyes, full_face. A bar over the eyes makes no face anonymous: 55 % were still recognised." placeholder:"LEVEL"`
	Zone      string   `help:"The zone; for half_face it says which half." placeholder:"ZONE"`
	Subject   []string `help:"Show these subjects only; separated by commas, or the flag repeated." placeholder:"ID"`
	Lang      string   `help:"Language of the pages: ${languages}; en without it." placeholder:"LANG"`
	Reviewed  review   `embed:"" prefix:"reviewed-"`
	MarksFree string   `name:"confirm-no-marks" help:"Who looked at the zone of everybody shown and confirms that it has no tattoo and no distinctive mark." placeholder:"NAME"`
	PDF       bool     `name:"pdf" help:"Pages as PDF as well, with the Chromium of this machine."`
	asOf
	by
}

// review is who looked at what is handed out; marketing needs it.
type review struct {
	By string `help:"Clinician who reviewed what is shown." placeholder:"NAME"`
	On string `help:"Day of the review, YYYY-MM-DD." placeholder:"DATE"`
}

func (c reportCommand) Run(in *invocation) error {
	if c.For != "" {
		return c.handOut(in)
	}
	if c.Lang != "" && c.Lang != "en" {
		return inputError{fmt.Errorf("--lang %s needs --for: the clinician's reports are in English", c.Lang)}
	}
	if c.Study != "" || c.Dir != "" || c.Level != "" || c.Zone != "" || len(c.Subject) > 0 || c.Reviewed != (review{}) || c.MarksFree != "" {
		return inputError{errors.New("--study, -o, --level, --zone, --subject, --reviewed-by, --reviewed-on and --confirm-no-marks need --for: without it, the reports in OUT are rendered again")}
	}
	if c.PDF {
		if err := pipeline.CanPrint(); err != nil {
			return err
		}
	}
	printed, err := filepath.Glob(filepath.Join(c.Out, "*", "report.pdf"))
	if err != nil {
		return err
	}
	subjects, err := pipeline.Report(in.ctx, c.Out)
	if err != nil {
		return err
	}
	for _, s := range subjects {
		fmt.Fprintf(in.stdout, "%s: %s\n", s.ID, verdicts(s))
	}
	if len(printed) > 0 && !c.PDF {
		fmt.Fprintf(in.stdout, "%s of the earlier reports removed; --pdf prints the new ones\n", count(len(printed), "PDF"))
	}
	if _, err := fmt.Fprintf(in.stdout, "report: %s\n", filepath.Join(c.Out, "index.html")); err != nil || !c.PDF {
		return err
	}
	return printReports(in, c.Out, workers{})
}

func (c reportCommand) handOut(in *invocation) error {
	if c.Study == "" || c.Dir == "" {
		return inputError{fmt.Errorf("--for %s needs --study STUDY, which knows the consents, and -o DIR", c.For)}
	}
	var reviewed study.Date
	if c.Reviewed.On != "" {
		var err error
		if reviewed, err = study.ParseDate(c.Reviewed.On); err != nil {
			return inputError{fmt.Errorf("--reviewed-on: %w", err)}
		}
	}
	if c.PDF {
		if err := pipeline.CanPrint(); err != nil {
			return inputError{err}
		}
	}
	st, err := loadStudy(in, c.Study, c.Subject)
	if err != nil {
		return err
	}
	sum, err := pipeline.HandOut(in.ctx, c.Out, pipeline.HandOutOptions{
		Request: consent.Request{Audience: consent.Audience(c.For), Level: consent.Level(c.Level), Zone: c.Zone, On: c.day(),
			NoMarks: c.MarksFree, ReviewedBy: c.Reviewed.By, ReviewedOn: reviewed},
		Dir: c.Dir, Study: st, Subjects: c.Subject, Language: c.Lang, By: c.name(), Version: version, PDF: c.PDF,
	})
	printExcluded(in.stdout, sum.Excluded)
	if err != nil {
		return err
	}
	fmt.Fprintf(in.stdout, "%s for %s, consent as of %s: %s\n", count(sum.Persons, "report"), c.For, c.day(), c.Dir)
	fmt.Fprintf(in.stdout, "key of the codes, to stay here: %s\n", sum.Key)
	return released(in, sum.Receipt, sum.Excluded)
}
