package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

type runCommand struct {
	Study     string   `arg:"" help:"Folder of the study."`
	Out       string   `short:"o" required:"" help:"Folder for tables and reports." placeholder:"DIR"`
	Subject   []string `help:"Measure only this person, and keep the results of the others. May be repeated." placeholder:"ID" sep:"none"`
	PDF       bool     `name:"pdf" help:"Print the reports to PDF as well, with the Chromium of this machine."`
	DryRun    bool     `help:"Say what would be measured, and do nothing."`
	FaceModel string   `help:"YuNet model (ONNX) that finds faces instead of the built-in detector." type:"existingfile" placeholder:"FILE"`
	SDC       string   `name:"sdc" help:"Table of smallest detectable changes (sdc.csv of dermatrend validate STUDY), preferred to the one that ships." type:"existingfile" placeholder:"FILE"`
	AsOf      string   `help:"Also analyse the cohort of all persons whose consent covers research on this day, YYYY-MM-DD; see dermatrend cohort." placeholder:"DATE"`
	workers
}

// Validate is called by kong.
func (c runCommand) Validate() error {
	return errors.Join(asOf{c.AsOf}.Validate(), c.workers.Validate())
}

// workers are the flags of the commands that start worker processes.
type workers struct {
	Jobs    int  `help:"Number of worker processes, about 1 GiB each; without it, as many as cores and free memory allow." placeholder:"N"`
	Verbose bool `short:"v" help:"Tell each stage, and what the workers print."`
	Quiet   bool `short:"q" help:"Print errors only."`
}

// Validate is called by kong.
func (w workers) Validate() error {
	if w.Jobs < 0 {
		return fmt.Errorf("--jobs %d: must be 1 or more", w.Jobs)
	}
	if w.Verbose && w.Quiet {
		return fmt.Errorf("--verbose and --quiet exclude each other")
	}
	return nil
}

// options are those of the pipeline. The progress is to be closed at the end.
func (w workers) options(in *invocation) (pipeline.RunOptions, progress) {
	opts := pipeline.RunOptions{Config: pipeline.DefaultConfig(), Version: version, Jobs: w.Jobs, Worker: startWorker}
	if w.Verbose {
		opts.Log = in.stderr
	}
	p := newProgress(in.stderr, w)
	opts.Progress = p.event
	return opts, p
}

func (c runCommand) Run(in *invocation) error {
	if c.Out == "" {
		return inputError{errors.New("--out: the name of the folder is empty")}
	}
	st, err := loadStudy(in, c.Study, c.Subject)
	if err != nil {
		return err
	}
	for _, n := range st.Notes {
		if n.Subject != "" && (len(c.Subject) == 0 || slices.Contains(c.Subject, n.Subject)) && !c.Quiet {
			fmt.Fprintf(in.stderr, "dermatrend: note: %s: %s\n", n.Subject, n.Text)
		}
	}
	register, err := consent.NewRegister(in.ctx, st)
	if err != nil { // which must not stand in the way of the clinical record
		fmt.Fprintf(in.stderr, "dermatrend: note: %v\n", err)
	}
	for i := range st.Subjects {
		if id := st.Subjects[i].ID; err == nil && register.Erased(id) {
			fmt.Fprintf(in.stderr, "dermatrend: note: %s was erased, says the ledger, and is still in the study: dermatrend erase %s --photos deletes the folder\n", id, id)
		}
	}
	if c.DryRun {
		return c.plan(in, st)
	}
	if c.PDF { // rather before the photos are measured than after
		if err := pipeline.CanPrint(); err != nil {
			return err
		}
	}
	opts, progress := c.options(in)
	opts.Subjects = c.Subject
	opts.Config.FaceModel, opts.Config.SDC = c.FaceModel, c.SDC
	sum, err := pipeline.Run(in.ctx, st, c.Out, opts)
	progress.close()
	if err != nil {
		return err
	}
	if !c.Quiet {
		printSummary(in.stdout, c.Out, sum)
	}
	if c.PDF {
		if err := printReports(in, c.Out, c.workers); err != nil {
			return err
		}
	}
	if c.AsOf != "" {
		on := asOf{c.AsOf}.day()
		all, err := pipeline.WriteCohort(in.ctx, c.Out, pipeline.CohortOptions{AsOf: on, Study: st, By: by{}.name()})
		printExcluded(in.stdout, all.Excluded)
		if errors.Is(err, pipeline.ErrUsage) { // the results are there
			fmt.Fprintf(in.stderr, "dermatrend: there is no cohort: %v\n", err)
			return errPartial
		}
		if err != nil {
			return err
		}
		if !c.Quiet {
			printCohort(in.stdout, c.Out, on, all.Cohort)
			if err := printHead(in.stdout, all.Head); err != nil {
				return err
			}
		}
		if len(all.Excluded) > 0 {
			return errPartial
		}
	}
	if len(sum.Rejections) > 0 {
		return errPartial
	}
	return nil
}

// plan says what a run would do.
func (c runCommand) plan(in *invocation, st *study.Study) error {
	for _, id := range c.Subject {
		if !slices.ContainsFunc(st.Subjects, func(s study.Subject) bool { return s.ID == id }) {
			return fmt.Errorf("%w: there is no subject %q in the study", pipeline.ErrUsage, id)
		}
	}
	var series, photos, refused int
	for i := range st.Subjects {
		s := &st.Subjects[i]
		if len(c.Subject) > 0 && !slices.Contains(c.Subject, s.ID) {
			continue
		}
		for _, v := range s.Series() {
			series++
			var days []string
			n := 0
			for _, session := range v.Sessions {
				for _, p := range session.Photos {
					if p.Refused == "" {
						n++
					} else {
						refused++
					}
				}
				days = append(days, fmt.Sprintf("%s (day %d)", session.ID, session.Day))
			}
			photos += n
			fmt.Fprintf(in.stdout, "%s %s: %s of %s: %s\n", s.ID, v.View, count(n, "photo"), count(len(v.Sessions), "session"), strings.Join(days, ", "))
		}
	}
	left := ""
	if refused > 0 {
		left = fmt.Sprintf(" (%d more cannot be used)", refused)
	}
	_, err := fmt.Fprintf(in.stdout, "would measure %s with %s%s into %s; nothing was done\n", count(series, "series"), count(photos, "photo"), left, c.Out)
	return err
}

// printSummary says for each person what the verdicts are, then what was refused,
// and last where to look.
func printSummary(w io.Writer, out string, sum pipeline.Summary) {
	fmt.Fprintf(w, "%s of %s, %s", count(sum.Series, "series"), count(len(sum.Subjects), "person"), count(sum.Photos, "photo"))
	if n := len(sum.Rejections); n > 0 {
		fmt.Fprintf(w, ", %d without values", n)
	}
	fmt.Fprintln(w)
	for _, s := range sum.Subjects {
		fmt.Fprintf(w, "%s: %s\n", s.ID, verdicts(s))
	}
	printRejections(w, sum.Rejections)
	report := filepath.Join(out, "index.html")
	if len(sum.Subjects) == 1 {
		report = sum.Subjects[0].Report
	}
	fmt.Fprintf(w, "report: %s\n", report)
}

func printRejections(w io.Writer, all []result.Rejection) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintln(w, "without values:")
	for _, r := range all {
		where := strings.Join(slices.DeleteFunc([]string{r.Subject, r.View, r.Session, r.Photo}, func(s string) bool { return s == "" }), " ")
		fmt.Fprintf(w, "  %s: %s (%s)\n", where, r.Reason, cmp.Or(r.Stage, "input"))
	}
}

// verdicts puts what became of a person's primary metrics into words.
func verdicts(s pipeline.SubjectSummary) string {
	var parts []string
	for _, v := range []result.Verdict{result.Improved, result.Worsened, result.NoDetectableChange, result.NotComparable} {
		if n := s.Primary[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(string(v), "_", " ")))
		}
	}
	if len(parts) == 0 {
		parts = []string{"no verdicts"}
	}
	if s.Safety > 0 {
		parts = append(parts, fmt.Sprintf("%d possible worsening, examine", s.Safety))
	}
	return strings.Join(parts, ", ")
}

// count is "1 photo", "2 photos".
func count(n int, noun string) string {
	if n != 1 && !strings.HasSuffix(noun, "s") {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
