package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/validate"
)

type validateCommand struct {
	Study    string `arg:"" optional:"" help:"Folder of one's own study with several photos of a view in a session, or two untreated days: makes sdc.csv from them and renders nothing."`
	Out      string `short:"o" required:"" help:"Folder for validation.csv, validation.html and sdc.csv." placeholder:"DIR"`
	Quick    bool   `help:"Six small series, under two minutes on two cores; without it the full set, under an hour."`
	Ablation bool   `help:"Instead, switch off each correction and check in turn on 22 small series, and write ablation.csv: what each is worth."`
	Seeds    string `default:"1-20" help:"Seeds of the rendered persons. Odd ones make the table of smallest detectable changes, even ones test." placeholder:"FROM-TO"`
	Real     string `help:"Folder of a study of persons whose skin did not change between their photos (minutes apart): every other person adds to the table, the rest test it." placeholder:"STUDY"`
	Work     string `help:"Folder of the rendered series; those that are finished are not measured again. Default: work inside the output folder." placeholder:"DIR"`
	Photos   string `help:"Keep the rendered photos in this folder, some 10 MB a series, and take them from there the next time: half of the work is spared to every version that renders the same." placeholder:"DIR"`
	workers
}

// seeds are the first and the last.
func (c validateCommand) seeds() (from, to uint64, err error) {
	a, b, ok := strings.Cut(c.Seeds, "-")
	from, err1 := strconv.ParseUint(a, 10, 32)
	to, err2 := strconv.ParseUint(b, 10, 32)
	if !ok || err1 != nil || err2 != nil || from < 1 || to <= from || to >= 1000 {
		return 0, 0, fmt.Errorf("--seeds %q: must be two numbers of 1 to 999, as in 1-20", c.Seeds)
	}
	return from, to, nil
}

// Validate is called by kong.
func (c validateCommand) Validate() error {
	_, _, err := c.seeds()
	what := 0
	for _, set := range []bool{c.Study != "", c.Quick, c.Ablation} {
		if set {
			what++
		}
	}
	if c.Photos != "" && c.Study != "" {
		err = errors.Join(err, errors.New("--photos goes with rendered series, not with a study of one's own"))
	}
	if what > 1 || c.Real != "" && (c.Study != "" || c.Ablation) {
		err = errors.Join(err, errors.New("a study, --quick and --ablation exclude each other, and --real goes with none or --quick"))
	}
	return errors.Join(err, c.workers.Validate())
}

func (c validateCommand) Run(in *invocation) error {
	if c.Study != "" {
		return c.own(in)
	}
	from, to, err := c.seeds()
	if err != nil {
		return err
	}
	work := c.Work
	if work == "" {
		work = filepath.Join(c.Out, "work")
	}
	for _, dir := range []string{c.Out, work} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	v, err := newValidation(in, c, work)
	if err != nil {
		return err
	}
	if c.Ablation {
		return c.ablation(in, v, validate.AblationPlan(from))
	}
	var real []validate.Findings
	if c.Real != "" {
		people, _, err := c.people(in, c.Real, filepath.Join(c.Out, "real"))
		if err != nil {
			return err
		}
		real = validate.Real(people)
	}
	all, err := v.run(validate.Plan(c.Quick, from, to))
	if err != nil {
		return err
	}
	all = append(all, real...)
	rows := validate.Summarise(all)
	page, err := validate.HTML(all, rows)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{
		{"validation.csv", validate.CSV(rows)}, {"sdc.csv", validate.WriteSDC(validate.SDCTable(all))}, {"validation.html", page},
	} {
		if err := files.Replace(filepath.Join(c.Out, f.name), f.data); err != nil {
			return err
		}
	}
	if !c.Quiet {
		printTargets(in.stdout, validate.Targets(rows))
		fmt.Fprintf(in.stdout, "%s; all figures: %s, plots: %s, smallest detectable changes: %s\n", count(len(all), "series"),
			filepath.Join(c.Out, "validation.csv"), filepath.Join(c.Out, "validation.html"), filepath.Join(c.Out, "sdc.csv"))
	}
	return nil
}

// people measures a study and reads what has become of its persons.
func (c validateCommand) people(in *invocation, folder, out string) ([]result.Subject, []result.Rejection, error) {
	st, err := loadStudy(in, folder, nil)
	if err != nil {
		return nil, nil, err
	}
	opts, progress := c.options(in)
	sum, err := pipeline.Run(in.ctx, st, out, opts)
	progress.close()
	if err != nil {
		return nil, nil, err
	}
	var people []result.Subject
	for i := range st.Subjects {
		p, err := result.LoadSubject(filepath.Join(out, st.Subjects[i].ID))
		if err != nil {
			return nil, nil, err
		}
		people = append(people, p)
	}
	return people, sum.Rejections, nil
}

// own makes the table of smallest detectable changes from the replicates of a study.
func (c validateCommand) own(in *invocation) error {
	if err := c.mine(); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Out, 0o700); err != nil {
		return err
	}
	people, rejected, err := c.people(in, c.Study, filepath.Join(c.Out, "run"))
	if err != nil {
		return err
	}
	own, err := validate.Replicates(people)
	if errors.Is(err, validate.ErrNoReplicates) {
		return inputError{err}
	}
	if err != nil {
		return err
	}
	name := filepath.Join(c.Out, "sdc.csv")
	if err := files.Replace(name, validate.WriteSDC(own.Table)); err != nil {
		return err
	}
	if !c.Quiet {
		fmt.Fprintf(in.stdout, "%s with several photos (%s), %d series with several untreated days (%s): %s\n", count(own.Sessions, "session"),
			result.PhotoErrorOnly, own.Days, result.FullError, name)
		printRejections(in.stdout, rejected)
	}
	if len(rejected) > 0 {
		return errPartial
	}
	return nil
}

// mine refuses an output folder that holds anything but what an earlier validate has
// written: sdc.csv, and the folder of the run it is from.
func (c validateCommand) mine() error {
	entries, err := os.ReadDir(c.Out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return inputError{fmt.Errorf("--out: %w", err)}
	}
	for _, e := range entries {
		if !slices.Contains([]string{"sdc.csv", "run", "validation.csv", "validation.html", "ablation.csv", "work", "real"}, e.Name()) {
			return inputError{fmt.Errorf("--out %s holds %s, which validate did not write; choose an empty folder", c.Out, e.Name())}
		}
	}
	return nil
}

// printTargets says what was wanted and what is reached.
func printTargets(w io.Writer, rows []validate.Row) {
	fmt.Fprintf(w, "%-88s %10s %-15s %-12s %7s %s\n", "what", "figure", "unit", "target", "n", "")
	for _, r := range rows {
		figure := "-"
		if r.Value.Known() {
			figure = strconv.FormatFloat(float64(r.Value), 'g', 4, 64)
		}
		fmt.Fprintf(w, "%-88s %10s %-15s %-12s %7d %s\n", r.Describe(), figure, r.Unit, r.Target, r.N, r.Met())
	}
}
