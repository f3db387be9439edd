package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
	"github.com/dermatrend/dermatrend/pipeline/validate"
)

type validateCommand struct {
	Study string `arg:"" optional:"" help:"Folder of one's own study with several photos of a view in a session, or two untreated days: makes sdc.csv from them and renders nothing."`
	Out   string `short:"o" required:"" help:"Folder for validation.csv, validation.html and sdc.csv." placeholder:"DIR"`
	Quick bool   `help:"Six small series, under two minutes on two cores; without it the full set, under an hour."`
	Seeds string `default:"1-8" help:"Seeds of the rendered persons. Odd ones make the table of smallest detectable changes, even ones test." placeholder:"FROM-TO"`
	Work  string `help:"Folder of the rendered series; those that are finished are not measured again. Default: work inside the output folder." placeholder:"DIR"`
	workers
}

// seeds are the first and the last.
func (c validateCommand) seeds() (from, to uint64, err error) {
	a, b, ok := strings.Cut(c.Seeds, "-")
	from, err1 := strconv.ParseUint(a, 10, 32)
	to, err2 := strconv.ParseUint(b, 10, 32)
	if !ok || err1 != nil || err2 != nil || from < 1 || to <= from || to >= 1000 {
		return 0, 0, fmt.Errorf("--seeds %q: must be two numbers of 1 to 999, as in 1-8", c.Seeds)
	}
	return from, to, nil
}

// Validate is called by kong.
func (c validateCommand) Validate() error {
	_, _, err := c.seeds()
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
	all, err := v.run(validate.Plan(c.Quick, from, to))
	if err != nil {
		return err
	}
	rows := validate.Summarise(all)
	page, err := validate.HTML(all, rows)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{
		{"validation.csv", validate.CSV(rows)}, {"sdc.csv", validate.SDCTable(all)}, {"validation.html", page},
	} {
		if err := writeWhole(filepath.Join(c.Out, f.name), f.data); err != nil {
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

// own makes the table of smallest detectable changes from the replicates of a study.
func (c validateCommand) own(in *invocation) error {
	st, err := loadStudy(in, c.Study, nil)
	if err != nil {
		return err
	}
	opts, progress := c.options(in)
	out := filepath.Join(c.Out, "run")
	if err := os.MkdirAll(c.Out, 0o700); err != nil {
		return err
	}
	sum, err := pipeline.Run(in.ctx, st, out, opts)
	progress.close()
	if err != nil {
		return err
	}
	var people []result.Subject
	for i := range st.Subjects {
		p, err := result.LoadSubject(filepath.Join(out, st.Subjects[i].ID))
		if err != nil {
			return err
		}
		people = append(people, p)
	}
	own, err := validate.Replicates(people)
	if errors.Is(err, validate.ErrNoReplicates) {
		return inputError{err}
	}
	if err != nil {
		return err
	}
	name := filepath.Join(c.Out, "sdc.csv")
	if err := writeWhole(name, own.Table); err != nil {
		return err
	}
	if !c.Quiet {
		fmt.Fprintf(in.stdout, "%s with several photos (%s), %d series with several untreated days (%s): %s\n", count(own.Sessions, "session"),
			validate.PhotoErrorOnly, own.Days, validate.Full, name)
		printRejections(in.stdout, sum.Rejections)
	}
	if len(sum.Rejections) > 0 {
		return errPartial
	}
	return nil
}

// printTargets says what was wanted and what is reached.
func printTargets(w io.Writer, rows []validate.Row) {
	fmt.Fprintf(w, "%-64s %12s %-12s %-14s %7s %s\n", "what", "figure", "unit", "target", "n", "")
	for _, r := range rows {
		figure := "-"
		if r.Value.Known() {
			figure = strconv.FormatFloat(float64(r.Value), 'g', 4, 64)
		}
		fmt.Fprintf(w, "%-64s %12s %-12s %-14s %7d %s\n", r.Describe(), figure, r.Unit, r.Target, r.N, r.Met())
	}
}

// validation measures cases, some of them at once, and keeps what they have come
// to in the work folder.
type validation struct {
	ctx  context.Context
	opts pipeline.RunOptions
	work string
	jobs int
	key  string // of what all cases were measured with
	log  io.Writer

	mu          sync.Mutex // guards log
	done, total int
}

// resultFile is there when a case is finished.
const resultFile = "case.json"

// fewJobs is how many cases are measured at once where the user does not say: each
// renders and measures in about 2 GiB.
const fewJobs = 2

func newValidation(in *invocation, c validateCommand, work string) (*validation, error) {
	opts := pipeline.RunOptions{Config: pipeline.DefaultConfig(), Version: version, Jobs: 1, Worker: startWorker}
	if c.Verbose {
		opts.Log = in.stderr
	}
	v := &validation{ctx: in.ctx, opts: opts, work: work, jobs: c.Jobs, log: in.stderr}
	if c.Jobs == 0 {
		v.jobs = min(fewJobs, runtime.NumCPU())
	}
	if c.Quiet {
		v.log = io.Discard
	}
	// Another program may measure otherwise though its version is the same.
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	settings, err := json.Marshal(opts.Config)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append(program, settings...))
	v.key = version + " " + hex.EncodeToString(sum[:])
	return v, nil
}

// run measures the cases that are not finished. The first error ends it.
func (v *validation) run(cases []validate.Case) ([]validate.Findings, error) {
	ctx, cancel := context.WithCancelCause(v.ctx)
	defer cancel(nil)
	v.ctx, v.total = ctx, len(cases)
	all := make([]validate.Findings, len(cases))
	next := make(chan int)
	var wg sync.WaitGroup
	for range v.jobs {
		wg.Go(func() {
			for i := range next {
				var err error
				if all[i], err = v.one(cases[i]); err != nil {
					cancel(fmt.Errorf("%s: %w", cases[i].Name(), err))
				}
			}
		})
	}
	for i := range cases {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return all, context.Cause(ctx)
}

// one gives the findings of a case, from its file where it is finished.
func (v *validation) one(c validate.Case) (validate.Findings, error) {
	began := time.Now()
	dir := filepath.Join(v.work, c.Name())
	f, ok := v.finished(dir, c)
	if !ok {
		var err error
		if f, err = v.measure(dir, c); err != nil {
			return f, err
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.done++
	how := fmt.Sprintf("done in %.1f s", time.Since(began).Seconds())
	if ok {
		how = "already there"
	}
	if n := len(f.Rejections); n > 0 {
		how += fmt.Sprintf(", %d without values", n)
	}
	for _, n := range f.Notes {
		how += "; " + n
	}
	fmt.Fprintf(v.log, "[%d/%d] %s: %s\n", v.done, v.total, c.Name(), how)
	return f, nil
}

// finished reads the findings of a case that was measured with the same program
// and settings.
func (v *validation) finished(dir string, c validate.Case) (f validate.Findings, ok bool) {
	data, err := os.ReadFile(filepath.Join(dir, resultFile))
	if err != nil || json.Unmarshal(data, &f) != nil {
		return validate.Findings{}, false
	}
	return f, f.Key == v.key && f.Case == c
}

// measure renders a case, runs it, and holds it against its truth. Its photos are
// removed at the end: they can be rendered again.
func (v *validation) measure(dir string, c validate.Case) (validate.Findings, error) {
	var none validate.Findings
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return none, err
	}
	s, err := phantomOf(c)
	if err != nil {
		return none, err
	}
	photos, truthDir, out := filepath.Join(dir, "study"), filepath.Join(dir, "truth"), filepath.Join(dir, "out")
	if err := fixtures.WriteStudy(photos, truthDir, s); err != nil {
		return none, err
	}
	st, err := study.Load(photos, studyOptions())
	if err != nil {
		return none, err
	}
	if _, err := pipeline.Run(v.ctx, st, out, v.opts); err != nil {
		return none, err
	}
	person := st.Subjects[0].ID
	truth, err := validate.LoadTruth(filepath.Join(truthDir, person))
	if err != nil {
		return none, err
	}
	var points []pipeline.ViewPoint
	for _, p := range validate.GridOf(truth) {
		points = append(points, pipeline.ViewPoint{Subject: person, View: study.ViewFront, Point: p})
	}
	carried, err := pipeline.CarryAll(v.ctx, st, points, v.opts)
	if err != nil {
		return none, err
	}
	f, err := validate.Compare(c, filepath.Join(out, person), carried, truth)
	if err != nil {
		return none, err
	}
	f.Key = v.key
	data, err := json.Marshal(f)
	if err != nil {
		return none, err
	}
	return f, errors.Join(writeWhole(filepath.Join(dir, resultFile), data), os.RemoveAll(photos))
}

// phantomOf is the study that a case describes.
func phantomOf(c validate.Case) (fixtures.Study, error) {
	course, ok := fixtures.CourseNamed(c.Course)
	if !ok {
		return fixtures.Study{}, fmt.Errorf("there is no course %q", c.Course)
	}
	s := fixtures.Study{Seed: c.StudySeed(), Subjects: 1, Sessions: c.Sessions, W: c.Width, H: c.Width * 4 / 3, PxPerMM: c.PxPerMM,
		Course: course, Nuisance: nuisanceOf(c), NoisyFirst: true, First: phantomDay}
	for _, t := range fixtures.Tones {
		if t.String() == c.Tone {
			s.Tones = []fixtures.Tone{t}
		}
	}
	if s.Tones == nil {
		return fixtures.Study{}, fmt.Errorf("there is no tone %q", c.Tone)
	}
	return s, nil
}

// nuisanceOf are the flaws of a case: all, or one of them alone.
func nuisanceOf(c validate.Case) fixtures.Nuisance {
	n := fixtures.FullNuisance.Times(c.Level)
	switch c.Nuisance {
	case "exposure":
		return fixtures.Nuisance{EV: n.EV}
	case "white_balance":
		return fixtures.Nuisance{Gain: n.Gain}
	case "gradient":
		return fixtures.Nuisance{Gradient: n.Gradient}
	case "blur":
		return fixtures.Nuisance{BlurPx: n.BlurPx}
	case "pose":
		return fixtures.Nuisance{RollDeg: n.RollDeg, PoseDeg: n.PoseDeg}
	case "scale":
		return fixtures.Nuisance{Scale: n.Scale}
	case "jpeg":
		return fixtures.Nuisance{QualityDrop: n.QualityDrop}
	}
	return n
}
