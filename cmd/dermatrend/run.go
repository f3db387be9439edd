package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

type runCommand struct {
	Study     string   `arg:"" help:"Folder of the study."`
	Out       string   `short:"o" required:"" help:"Folder for tables and reports." placeholder:"DIR"`
	Subject   []string `help:"Measure only these persons, and keep the results of the others; separated by commas, or the flag repeated." placeholder:"ID"`
	PDF       bool     `name:"pdf" help:"Print the reports to PDF as well, with the Chromium of this machine."`
	DryRun    bool     `help:"Say of each series whether it would be measured, and why, and do nothing."`
	Fresh     bool     `help:"Measure all again, also what has not changed since the last run."`
	FaceModel string   `help:"YuNet model (ONNX) that finds faces instead of the built-in detector." type:"existingfile" placeholder:"FILE"`
	SDC       string   `name:"sdc" help:"Table of smallest detectable changes (sdc.csv of dermatrend validate STUDY), preferred to the one that ships." type:"existingfile" placeholder:"FILE"`
	Log       string   `help:"Write a log in JSON to this file, which is made or continued." placeholder:"FILE"`
	JSON      bool     `name:"json" help:"Print events for programs, one JSON object a line, instead of words."`
	AsOf      string   `help:"Also analyse the cohort of all persons whose consent covers research on this day, YYYY-MM-DD; see dermatrend cohort." placeholder:"DATE"`
	taskLimits
	workers
}

// Validate is called by kong.
func (c runCommand) Validate() error {
	return errors.Join(asOf{c.AsOf}.Validate(), c.workers.Validate(), c.taskLimits.Validate())
}

// taskLimits bound what one series can cost.
type taskLimits struct {
	TaskTime   time.Duration `help:"Longest that one series may take." default:"2h"`
	TaskMemory int           `help:"Most memory that a worker process may hold, MiB." default:"4096" placeholder:"MIB"`
}

// Validate is called by kong.
func (l taskLimits) Validate() error {
	if l.TaskTime <= 0 || l.TaskMemory <= 0 {
		return errors.New("--task-time and --task-memory must be above 0")
	}
	return nil
}

// memory is in bytes.
func (l taskLimits) memory() int64 { return int64(l.TaskMemory) << 20 }

// workers are the flags of the commands that start worker processes.
type workers struct {
	Jobs    int  `help:"Number of worker processes, about 1 GiB each; 0, or without it, as many as cores and free memory allow." placeholder:"N"`
	Verbose bool `short:"v" help:"Tell each stage, and what the workers print."`
	Quiet   bool `short:"q" help:"Print errors only."`
}

// Validate is called by kong.
func (w workers) Validate() error {
	if w.Jobs < 0 {
		return fmt.Errorf("--jobs %d: must be 1 or more, or 0 for as many as cores and free memory allow", w.Jobs)
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
	c.Quiet = c.Quiet || c.JSON // words and events do not mix
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
		opts := pipeline.RunOptions{Config: pipeline.DefaultConfig(), Version: version}
		c.set(&opts)
		return c.plan(in, st, opts)
	}
	if c.PDF { // rather before the photos are measured than after
		if err := pipeline.CanPrint(); err != nil {
			return err
		}
	}
	sum, err := c.measure(in, st)
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
			if err := printReceipt(in, all.Receipt); err != nil {
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

// measure runs the study, with whoever wants to hear of it.
func (c runCommand) measure(in *invocation, st *study.Study) (pipeline.Summary, error) {
	debug.SetGCPercent(coordinatorGC)
	opts, shown := c.options(in)
	c.set(&opts)
	all := listeners{shown}
	if c.JSON {
		all = append(all, &events{out: json.NewEncoder(in.stdout)})
	}
	if c.Log != "" {
		f, err := os.OpenFile(c.Log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return pipeline.Summary{}, inputError{fmt.Errorf("--log: %w", err)}
		}
		defer f.Close()
		l := &logged{log: slog.New(slog.NewJSONHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug}))}
		l.log.Info("started", "version", version, "opencv", pipeline.OpenCVVersion(), "study", c.Study, "out", c.Out)
		all = append(all, l)
		opts.Log = both(opts.Log, &lineLog{log: l.log})
	}
	opts.Progress = all.event
	sum, err := pipeline.Run(in.ctx, st, c.Out, opts)
	all.end(sum, err)
	return sum, err
}

// both writes to two writers, of which the first may be missing.
func both(a, b io.Writer) io.Writer {
	if a == nil {
		return b
	}
	return io.MultiWriter(a, b)
}

// set takes over the flags that say what is measured.
func (c runCommand) set(opts *pipeline.RunOptions) {
	opts.Subjects, opts.Fresh = c.Subject, c.Fresh
	opts.Config.FaceModel, opts.Config.SDC = c.FaceModel, c.SDC
	opts.TaskTime, opts.TaskMemory = c.TaskTime, c.memory()
}

// plan says what a run would do, and why.
func (c runCommand) plan(in *invocation, st *study.Study, opts pipeline.RunOptions) error {
	all, err := pipeline.Plan(in.ctx, st, c.Out, opts)
	if err != nil {
		return err
	}
	var measured, photos, refused int
	for _, p := range all {
		var days []string
		n, sessions := 0, p.Series.Sessions
		for _, session := range sessions {
			for _, photo := range session.Photos {
				if photo.Refused == "" {
					n++
				} else {
					refused++
				}
			}
			days = append(days, fmt.Sprintf("%s (day %d)", session.ID, session.Day))
		}
		if p.Action == pipeline.Measure {
			measured++
			photos += n
		}
		fmt.Fprintf(in.stdout, "%s %s: %s of %s: %s: %s (%s)\n", p.Series.Subject.ID, p.Series.View, count(n, "photo"), count(len(sessions), "session"), strings.Join(days, ", "), actions[p.Action], p.Why)
	}
	left := ""
	if refused > 0 {
		left = fmt.Sprintf(" (%d more cannot be used)", refused)
	}
	_, err = fmt.Fprintf(in.stdout, "would measure %d of %s with %s%s into %s; nothing was done\n", measured, count(len(all), "series"), count(photos, "photo"), left, c.Out)
	return err
}

// actions are words for what a run does about a series.
var actions = map[pipeline.Action]string{pipeline.Measure: "measure", pipeline.Reuse: "keep", pipeline.Resume: "take", pipeline.Judge: "judge"}

// printSummary says for each person what the verdicts are, then what was refused,
// and last where to look.
func printSummary(w io.Writer, out string, sum pipeline.Summary) {
	fmt.Fprintf(w, "%s of %s, %s", count(sum.Series, "series"), count(len(sum.Subjects), "person"), count(sum.Photos, "photo"))
	if n := len(sum.Rejections); n > 0 {
		fmt.Fprintf(w, ", %d without values", n)
	}
	if sum.Reused > 0 {
		fmt.Fprintf(w, "; %d of the series had not changed", sum.Reused)
	}
	if sum.Judged > 0 {
		fmt.Fprintf(w, "; of %d of the series only the verdicts were given anew", sum.Judged)
	}
	if sum.Resumed > 0 {
		fmt.Fprintf(w, "; %d of the series were finished by a run that was cut off", sum.Resumed)
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
