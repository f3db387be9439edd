package main

import (
	"bytes"
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
	"sync"
	"time"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline"
	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
	"github.com/dermatrend/dermatrend/pipeline/validate"
)

// validation measures rendered cases, some of them at once, and keeps what they have
// come to in the work folder.
type validation struct {
	ctx  context.Context
	opts pipeline.RunOptions
	work string
	keep string // folder of rendered photos that are kept, "" for none
	jobs int
	key  string // of what all cases were measured with
	log  io.Writer

	mu             sync.Mutex // guards log and what follows
	done, total    int
	began          time.Time
	spent, planned float64 // seconds of one core, as the plan puts them
}

// resultFile is there when a case is finished.
const resultFile = "case.json"

// recordFile is there when the photos of a case are complete, and says by what they
// were drawn.
const recordFile = "rendered.json"

type rendering struct {
	Renderer string        `json:"renderer"`
	Case     validate.Case `json:"case"`
}

// fewJobs is how many cases are measured at once where the user does not say: each
// renders and measures in about 2 GiB.
const fewJobs = 2

func newValidation(in *invocation, c validateCommand, work string) (*validation, error) {
	opts := pipeline.RunOptions{Config: pipeline.DefaultConfig(), Version: version, Jobs: 1, Worker: startWorker}
	if c.Verbose {
		opts.Log = in.stderr
	}
	v := &validation{ctx: in.ctx, opts: opts, work: work, keep: c.Photos, jobs: c.Jobs, log: in.stderr}
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

// each does something with every case and tells how it gets on. times is how much
// longer it takes than to render and measure. The first error ends it.
func (v *validation) each(cases []validate.Case, times float64, do func(i int) (how string, err error)) error {
	ctx, cancel := context.WithCancelCause(v.ctx)
	defer cancel(nil)
	v.ctx, v.total, v.done, v.began, v.spent, v.planned = ctx, len(cases), 0, time.Now(), 0, 0
	for _, c := range cases {
		v.planned += c.Seconds()
	}
	fmt.Fprintf(v.log, "%s, %d at once: about %.0f minutes on two free cores\n", count(len(cases), "series"), v.jobs, times*v.planned/60/float64(min(v.jobs, 2)))
	next := make(chan int)
	var wg sync.WaitGroup
	for range v.jobs {
		wg.Go(func() {
			for i := range next {
				began := time.Now()
				how, err := do(i)
				if err != nil {
					cancel(fmt.Errorf("%s: %w", cases[i].Name(), err))
					continue
				}
				v.tell(cases[i], how, time.Since(began))
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
	return context.Cause(ctx)
}

// alreadyThere is how a case goes that an earlier run has finished.
const alreadyThere = "already there"

func (v *validation) tell(c validate.Case, how string, took time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.done++
	if how == alreadyThere {
		v.planned -= c.Seconds()
	} else {
		v.spent += c.Seconds()
		how = fmt.Sprintf("%.1f s%s", took.Seconds(), how)
	}
	left := ""
	if v.spent > 0 && v.done < v.total {
		left = fmt.Sprintf("; about %.0f minutes left", time.Since(v.began).Minutes()*(v.planned-v.spent)/v.spent)
	}
	fmt.Fprintf(v.log, "[%d/%d] %s: %s%s\n", v.done, v.total, c.Name(), how, left)
}

// run gives the findings of all cases and measures those that are not finished.
func (v *validation) run(cases []validate.Case) ([]validate.Findings, error) {
	all := make([]validate.Findings, len(cases))
	err := v.each(cases, 1, func(i int) (how string, err error) {
		c := cases[i]
		dir := filepath.Join(v.work, c.Name())
		f, ok := v.finished(dir, c)
		if ok {
			how = alreadyThere
		} else if f, err = v.measure(dir, c); err != nil {
			return "", err
		}
		all[i] = f
		if n := len(f.Rejections); n > 0 {
			how += fmt.Sprintf(", %d without values", n)
		}
		for _, n := range f.Notes {
			how += "; " + n
		}
		return how, nil
	})
	return all, err
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

// measure renders a case, runs it, and holds it against its truth.
func (v *validation) measure(dir string, c validate.Case) (validate.Findings, error) {
	r, err := v.render(dir, c)
	if err != nil {
		return validate.Findings{}, err
	}
	f, err := v.look(r, c, filepath.Join(dir, "out"), v.opts)
	if err != nil {
		return f, err
	}
	f.Key = v.key
	data, err := json.Marshal(f)
	if err != nil {
		return f, err
	}
	return f, errors.Join(files.Replace(filepath.Join(dir, resultFile), data), v.forget(r))
}

// rendered is a case on the disk.
type rendered struct {
	photos string // folder of the study
	study  *study.Study
	truth  *validate.Truth
}

// render empties the folder of a case and gives its photos and its truth: from the
// kept ones where they are those that this program renders, else drawn anew.
func (v *validation) render(dir string, c validate.Case) (rendered, error) {
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return rendered{}, err
	}
	home := dir
	if v.keep != "" {
		home = filepath.Join(v.keep, c.Name())
	}
	r := rendered{photos: filepath.Join(home, "study")}
	truthDir, record := filepath.Join(home, "truth"), filepath.Join(home, recordFile)
	key, err := json.MarshalIndent(rendering{fixtures.Version(), c}, "", "\t")
	if err != nil {
		return r, err
	}
	if there, err := os.ReadFile(record); err != nil || !bytes.Equal(there, key) {
		s, err := phantomOf(c)
		if err != nil {
			return r, err
		}
		if err := errors.Join(os.RemoveAll(home), os.MkdirAll(home, 0o700)); err != nil {
			return r, err
		}
		if err := fixtures.WriteStudy(r.photos, truthDir, s); err != nil {
			return r, err
		}
		if err := files.Replace(record, key); err != nil {
			return r, err
		}
	}
	if r.study, err = study.Load(r.photos, studyOptions()); err != nil {
		return r, err
	}
	r.truth, err = validate.LoadTruth(filepath.Join(truthDir, r.study.Subjects[0].ID))
	return r, err
}

// forget removes the photos of a case that are not to be kept: they can be rendered
// again.
func (v *validation) forget(r rendered) error {
	if v.keep != "" {
		return nil
	}
	return os.RemoveAll(r.photos)
}

// look measures a rendered case into an output folder and holds it against its
// truth.
func (v *validation) look(r rendered, c validate.Case, out string, opts pipeline.RunOptions) (validate.Findings, error) {
	if _, err := pipeline.Run(v.ctx, r.study, out, opts); err != nil {
		return validate.Findings{}, err
	}
	person := r.study.Subjects[0].ID
	var carried []result.CarriedPoint
	if c.Carries() {
		var points []pipeline.ViewPoint
		for _, p := range validate.GridOf(r.truth) {
			points = append(points, pipeline.ViewPoint{Subject: person, View: study.ViewFront, Point: p})
		}
		var err error
		if carried, err = pipeline.CarryAll(v.ctx, r.study, points, opts); err != nil {
			return validate.Findings{}, err
		}
	}
	return validate.Compare(c, filepath.Join(out, person), carried, r.truth)
}

// phantomOf is the study that a case describes.
func phantomOf(c validate.Case) (fixtures.Study, error) {
	course, ok := fixtures.CourseNamed(c.Course)
	if !ok {
		return fixtures.Study{}, fmt.Errorf("there is no course %q", c.Course)
	}
	s := fixtures.Study{Seed: c.StudySeed(), Subjects: 1, Sessions: c.Sessions, W: c.Width, H: c.Width * 4 / 3, PxPerMM: c.PxPerMM,
		Course: course, Nuisance: nuisanceOf(c), NoisyFirst: true, First: phantomDay}
	if c.Trick() {
		if s.Trick, ok = fixtures.TrickNamed(c.Nuisance); !ok {
			return fixtures.Study{}, fmt.Errorf("there is no trick %q", c.Nuisance)
		}
	}
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

// nuisanceOf are the flaws of a case: all, one of them alone, or none beside a trick.
func nuisanceOf(c validate.Case) fixtures.Nuisance {
	if c.Trick() {
		return fixtures.Nuisance{}
	}
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
