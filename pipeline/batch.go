package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/engine"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// ErrUsage is wrapped by errors that the user mends by another command line.
var ErrUsage = errors.New("usage")

// usageError is an ErrUsage that does not say so in its text.
type usageError struct{ error }

func (e usageError) Is(target error) bool { return target == ErrUsage }
func (e usageError) Unwrap() error        { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// RunOptions say how a study is run, not what is measured: results do not depend
// on them, except for Config and Subjects.
type RunOptions struct {
	Config   Config
	Subjects []string // only these persons, whose results replace the earlier ones; nil for all
	Version  string   // of the tool, for the record

	Worker     func(jobs int) *exec.Cmd // starts a worker process, which calls Work; jobs is how many there will be
	Jobs       int                      // number of workers; 0 for as many as the machine can take
	Fresh      bool                     // measure again what an earlier run has measured already
	TaskTime   time.Duration            // what a series may take; 0 for two hours
	TaskMemory int64                    // and a worker hold, bytes; 0 for 4 GiB
	Log        io.Writer                // takes what workers print; nil for nowhere
	Progress   func(Progress)           // called once at a time; nil for nobody
}

// Progress is one event of a run: it begins, begins a stage of a series, loses a
// worker, or has finished a series.
type Progress struct {
	Subject, View string // empty when the run begins
	Item, Stage   string // what is being done; empty when the series is finished

	Begun           bool
	Reused, Resumed int // when the run begins: series that need not be measured

	Lost string // why a worker died; the series is tried once more, alone

	Finished    bool
	Done, Total int           // series, of those to be measured
	Took        time.Duration // of the finished series
	Refused     int           // photos of the finished series without values
	Failures    int           // photos without values so far
	Gone        string        // why the finished series has no values at all: what became of its worker
}

// Summary is what a run has come to.
type Summary struct {
	Series, Photos  int
	Reused, Resumed int // of the series: taken from earlier results, from a run that was cut off
	Judged          int // of the series: only verdicts were given anew
	Subjects        []SubjectSummary
	Rejections      []result.Rejection
}

// SubjectSummary counts the verdicts of one person.
type SubjectSummary struct {
	ID      string
	Report  string                 // path
	Primary map[result.Verdict]int // of the primary metrics
	Safety  int                    // possible worsenings, to be examined
}

// Unfinished is the error of a run that ended before its time. What was in the
// output folder is still there; finished series are kept for the next run.
type Unfinished struct {
	Out      string
	Finished int // series that the next run will not have to measure
	Err      error
}

func (e *Unfinished) Error() string {
	if e.Finished == 0 {
		return fmt.Sprintf("%s is unchanged: %v", e.Out, e.Err)
	}
	return fmt.Sprintf("%s is unchanged, %d finished series are kept for the next run: %v", e.Out, e.Finished, e.Err)
}

func (e *Unfinished) Unwrap() error { return e.Err }

// Run measures a study and writes the tables and reports to the folder out, whole
// or not at all: if it returns an error, what was in out before is still there,
// unless the error says that the next run will finish. Files in out that an
// earlier run did not write are never touched.
//
// Only what is new is measured: series whose photos, settings, place in the manifest
// and program are those of the results in out are taken from there, and series that
// a run had finished before it was cut off, by whatever, from what it left. The
// result is the same, byte for byte, but for timings.json.
func Run(ctx context.Context, st *study.Study, out string, opts RunOptions) (Summary, error) {
	b, err := newRun(st, out, opts)
	if err != nil {
		return Summary{}, err
	}
	if b.out, err = openOutdir(out); err != nil {
		return Summary{}, err
	}
	defer b.out.close()
	if err := b.out.claim(ids(b.subjects)); err != nil {
		return Summary{}, err
	}
	b.plan()
	if err := b.choose(ctx); err != nil {
		return Summary{}, err
	}
	if err := b.sweep(); err != nil {
		return Summary{}, err
	}
	b.begin()
	if err := b.measure(ctx); err != nil {
		return Summary{}, &Unfinished{out, countFinished(out), err}
	}
	return b.put(ctx)
}

// begin counts what need not be measured, and tells.
func (b *batch) begin() {
	for _, c := range b.choices {
		switch c.action {
		case Reuse:
			b.summary.Reused++
		case Resume:
			b.summary.Resumed++
		case Judge:
			b.summary.Judged++
		}
	}
	if tell := b.opts.Progress; tell != nil {
		tell(Progress{Begun: true, Total: len(b.left()), Reused: b.summary.Reused, Resumed: b.summary.Resumed})
	}
}

// put writes all that is known of the planned series and brings it into place.
func (b *batch) put(ctx context.Context) (Summary, error) {
	out := b.out.path
	remove, err := b.write(ctx)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return Summary{}, &Unfinished{out, countFinished(out), err}
	}
	if err := b.out.commit(remove); err != nil {
		return Summary{}, fmt.Errorf("%s: %w", out, err)
	}
	for _, s := range b.subjects {
		if _, err := b.out.forget(s.ID); err != nil {
			return Summary{}, err
		}
	}
	return b.summary, nil
}

// Check looks at the photos of a study and measures nothing. The series come in
// the order of the study.
func Check(ctx context.Context, st *study.Study, opts RunOptions) ([]result.Series, error) {
	opts.Config = opts.Config.of(st)
	if err := checkOptions(st, opts); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "dermatrend-check-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &batch{study: st, opts: opts}
	todo := b.series()
	checked := make([]result.Series, len(todo))
	err = measureSeries(ctx, opts, todo,
		func(int) job { return job{Kind: kindCheck} },
		func(i int) (string, error) {
			// A second try finds the folder of the first.
			d := filepath.Join(dir, fmt.Sprint(i))
			return d, errors.Join(os.RemoveAll(d), os.Mkdir(d, 0o700))
		},
		func(i int, m answered) error { return json.Unmarshal(m.rows, &checked[i]) })
	return checked, err
}

// batch is one run of a study.
type batch struct {
	study        *study.Study
	subjects     []*study.Subject // those to be measured, in order of their names
	out          *outdir
	opts         RunOptions
	settings     Config // as recorded
	settingsHash string
	// measuringHash is that of the settings that more than verdicts depend on.
	measuringHash string
	notes         map[string][]string                        // of the manifests, by person
	document      func(p *study.Subject, name string) string // hash of a consent paper

	todo    []study.Series   // what is to be measured
	choices []choice         // what is done about each
	results map[string][]int // by subject, the indices of its series in todo
	summary Summary
}

// newRun is a batch for an output folder, which is not opened yet.
func newRun(st *study.Study, out string, opts RunOptions) (*batch, error) {
	opts.Config = opts.Config.of(st)
	if err := checkOptions(st, opts); err != nil {
		return nil, err
	}
	if err := checkApart(st, out); err != nil {
		return nil, err
	}
	return newBatch(st, opts)
}

// newBatch is a batch without an output folder.
func newBatch(st *study.Study, opts RunOptions) (*batch, error) {
	settings, err := opts.Config.recorded()
	if err != nil {
		return nil, err
	}
	return batchOf(st, opts, settings)
}

// batchOf is newBatch for settings as recorded.
func batchOf(st *study.Study, opts RunOptions, settings Config) (*batch, error) {
	b := &batch{study: st, opts: opts, settings: settings}
	b.document = func(p *study.Subject, name string) string { return documentHash(p.Dir, name) }
	data, err := json.Marshal(b.settings)
	if err != nil {
		return nil, err
	}
	b.settingsHash = hash(data)
	settings.Primary, settings.SDC = nil, ""
	if data, err = json.Marshal(settings); err != nil {
		return nil, err
	}
	b.measuringHash = hash(data)
	b.notes = map[string][]string{}
	for _, n := range st.Notes {
		b.notes[n.Subject] = append(b.notes[n.Subject], n.Text)
	}
	for i := range st.Subjects {
		if s := &st.Subjects[i]; b.chosen(s.ID) {
			b.subjects = append(b.subjects, s)
		}
	}
	slices.SortFunc(b.subjects, func(x, y *study.Subject) int { return strings.Compare(x.ID, y.ID) })
	return b, nil
}

// subject is a person to be measured; nil where there is none of that name.
func (b *batch) subject(id string) *study.Subject {
	i, ok := slices.BinarySearchFunc(b.subjects, id, func(s *study.Subject, id string) int { return strings.Compare(s.ID, id) })
	if !ok {
		return nil
	}
	return b.subjects[i]
}

func (b *batch) chosen(id string) bool {
	return len(b.opts.Subjects) == 0 || slices.Contains(b.opts.Subjects, id)
}

// series lists what is to be measured.
func (b *batch) series() []study.Series {
	var todo []study.Series
	for i := range b.study.Subjects {
		if s := &b.study.Subjects[i]; b.chosen(s.ID) {
			todo = append(todo, s.Series()...)
		}
	}
	return todo
}

// plan lists the series to be measured and counts them.
func (b *batch) plan() {
	b.todo = b.series()
	b.choices = make([]choice, len(b.todo))
	for i := range b.choices {
		b.choices[i].action = Measure
	}
	b.results = map[string][]int{}
	for i, s := range b.todo {
		b.results[s.Subject.ID] = append(b.results[s.Subject.ID], i)
		for _, v := range s.Sessions {
			b.summary.Photos += len(v.Photos)
		}
	}
	b.summary.Series = len(b.todo)
}

// measure has the series that cannot be taken from elsewhere measured by workers of
// this machine.
func (b *batch) measure(ctx context.Context) error {
	left := b.left()
	todo := make([]study.Series, len(left))
	for k, i := range left {
		todo[k] = b.todo[i]
	}
	home, err := filepath.Abs(b.out.path)
	if err != nil {
		return err
	}
	return measureSeries(ctx, b.opts, todo,
		func(k int) job {
			if b.choices[left[k]].action == Judge {
				return job{Kind: kindJudge, From: filepath.Join(home, todo[k].Subject.ID)}
			}
			return job{Kind: kindRun}
		},
		func(k int) (string, error) { return b.out.task(left[k]) },
		func(k int, m answered) error { return b.keep(left[k], m) })
}

// measureSeries has series measured, or only checked or judged: kind says so of each.
// For each try, dir makes an empty folder. A series whose worker died has no values and says why.
func measureSeries(ctx context.Context, opts RunOptions, todo []study.Series, kind func(i int) job, dir func(i int) (string, error), done func(i int, m answered) error) error {
	return dispatch(ctx, opts, todo,
		func(i int) (job, error) {
			d, err := dir(i)
			if err != nil {
				return job{}, err
			}
			// A worker need not stand where its coordinator stands.
			d, err = filepath.Abs(d)
			j := kind(i)
			j.Config, j.Series, j.Dir = opts.Config, only(todo[i]), d
			return j, err
		},
		func(i int, m answered, lost *engine.Lost) (refused int, err error) {
			id, view := todo[i].Subject.ID, todo[i].View
			if lost != nil {
				if m, err = answeredBy(lostSeries(todo[i], lost.Item, lost.Stage, lost.Reason)); err != nil {
					return 0, err
				}
				if _, err := dir(i); err != nil { // without what the worker left
					return 0, err
				}
			}
			if m.Subject != id || m.View != view {
				return 0, fmt.Errorf("the worker answered about %q %q", m.Subject, m.View)
			}
			return len(m.Rejections), done(i, m)
		})
}

// answered is what a worker answers about a series: a [result.Series] of which the
// coordinator reads the head only. The rows are megabytes, and wait on the disk.
type answered struct {
	Subject, View string
	Rejections    []result.Rejection
	InputSHA256   map[string]string
	rows          []byte // the whole, in JSON
}

func (m *answered) UnmarshalJSON(data []byte) error {
	type head answered
	m.rows = bytes.Clone(data)
	return json.Unmarshal(data, (*head)(m))
}

// answeredBy is what a worker would have answered.
func answeredBy(s result.Series) (answered, error) {
	rows, err := json.Marshal(s)
	return answered{s.Subject, s.View, s.Rejections, s.InputSHA256, rows}, err
}

// lostSeries is what a series comes to whose worker died at a stage of an item, which is
// a session. Its photo is named where it has but one.
func lostSeries(s study.Series, item, stage, reason string) result.Series {
	row := result.Rejection{Subject: s.Subject.ID, View: s.View, Session: item, Stage: stage, Reason: reason}
	for _, x := range s.Sessions {
		if x.ID == item && len(x.Photos) == 1 {
			row.Photo = x.Photos[0].File
		}
	}
	return result.Series{Subject: row.Subject, View: row.View, Rejections: []result.Rejection{row}}
}

func checkOptions(st *study.Study, opts RunOptions) error {
	if err := opts.Config.Validate(); err != nil {
		return usagef("%w", err)
	}
	for _, id := range opts.Subjects {
		if !slices.ContainsFunc(st.Subjects, func(s study.Subject) bool { return s.ID == id }) {
			return usagef("there is no subject %q in the study", id)
		}
	}
	return nil
}

func ids(subjects []*study.Subject) []string {
	var names []string
	for _, s := range subjects {
		names = append(names, s.ID)
	}
	return names
}

// OpenCVVersion names the OpenCV that is linked.
func OpenCVVersion() string { return cv.Version() }
