package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/engine"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// measure is what happens to one series: it writes pictures into dir, calls
// progress when it begins something, and returns rows. A bad photo is a
// rejection among them; an error is for ctx and the disk only.
type measure func(ctx context.Context, cfg Config, s study.Series, dir string, progress func(session, stage string)) (result.Series, error)

// silence is how long a worker may be without progress. The longest stage of a
// 24-megapixel photo takes seconds; a busy machine and a slow disk are allowed
// for a hundredfold.
const silence = 10 * time.Minute

// What one series may take where RunOptions do not say: of 24 photos of 24
// megapixels it takes about ten minutes and 1 GiB.
const (
	taskTime   = 2 * time.Hour
	taskMemory = 4 << 30
)

// Kinds of work that a series can be given to.
const (
	kindRun   = "run"
	kindJudge = "judge"
	kindCheck = "check"
	kindCarry = "carry"
)

// work does a job in a worker; its answer goes back as JSON.
type work func(ctx context.Context, j job, progress func(session, stage string)) (any, error)

// kinds says what a worker does for each kind.
var kinds = map[string]work{
	kindRun: measure(RunSeries).work,
	kindJudge: func(ctx context.Context, j job, progress func(session, stage string)) (any, error) {
		return JudgeSeries(ctx, j.Config, j.Series, j.From, j.Dir, progress)
	},
	kindCheck: measure(CheckSeries).work,
	kindCarry: func(ctx context.Context, j job, progress func(session, stage string)) (any, error) {
		return CarryPoints(ctx, j.Config, j.Series, j.Points, progress)
	},
}

func (m measure) work(ctx context.Context, j job, progress func(session, stage string)) (any, error) {
	return m(ctx, j.Config, j.Series, j.Dir, progress)
}

// job is a task as the coordinator hands it to a worker.
type job struct {
	Kind   string
	Config Config
	Series study.Series
	Dir    string        // takes the pictures
	From   string        // holds the results that are judged
	Points []study.Point // to be carried
}

// Work is the whole life of a worker process; see [engine.Serve].
func Work() error {
	return engine.Serve(func(task []byte, progress func(item, stage string)) ([]byte, error) {
		return doJob(kinds, task, progress)
	})
}

func doJob(kinds map[string]work, task []byte, progress func(item, stage string)) ([]byte, error) {
	j, err := decodeJob(task)
	if err != nil {
		return nil, err
	}
	do, ok := kinds[j.Kind]
	if !ok {
		return nil, fmt.Errorf("unknown kind of work %q", j.Kind)
	}
	// A worker is not told to stop: it is killed.
	answer, err := do(context.Background(), j, progress)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// dispatch has jobs done on series in worker processes. prepare makes the job for
// a series, again for its second try. done takes the answer, or what became of the
// worker, and tells how many photos have no values; it is called once at a time,
// in the order in which series end.
func dispatch[T any](ctx context.Context, opts RunOptions, todo []study.Series, prepare func(i int) (job, error), done func(i int, answer T, lost *engine.Lost) (refused int, err error)) error {
	jobs := opts.Jobs
	if jobs == 0 {
		jobs = engine.DefaultWorkers(len(todo))
	}
	jobs = max(min(jobs, len(todo)), 1)
	started := make([]time.Time, len(todo))
	finished, failures := 0, 0
	tell := func(i int, p Progress) {
		if opts.Progress != nil {
			p.Subject, p.View, p.Done, p.Total, p.Failures = todo[i].Subject.ID, todo[i].View, finished, len(todo), failures
			opts.Progress(p)
		}
	}
	pool := engine.Pool{
		Command:  func() *exec.Cmd { return opts.Worker(jobs) },
		Workers:  jobs,
		Silence:  silence,
		Time:     cmp.Or(opts.TaskTime, taskTime),
		Memory:   cmp.Or(opts.TaskMemory, taskMemory),
		Log:      opts.Log,
		Progress: func(e engine.Event) { tell(e.Task, Progress{Item: e.Item, Stage: e.Stage, Lost: e.Lost}) },
	}
	return pool.Run(ctx, len(todo),
		func(i int) ([]byte, error) {
			started[i] = time.Now()
			j, err := prepare(i)
			if err != nil {
				return nil, err
			}
			return encodeJob(j)
		},
		func(i int, data []byte, err error) error {
			where := todo[i].Subject.ID + " " + todo[i].View
			var answer T
			var lost *engine.Lost
			switch {
			case errors.As(err, &lost):
			case err != nil:
				return fmt.Errorf("%s: %w", where, err)
			default:
				if err := json.Unmarshal(data, &answer); err != nil {
					return fmt.Errorf("%s: the worker's answer cannot be read: %w", where, err)
				}
			}
			refused, err := done(i, answer, lost)
			if err != nil {
				return fmt.Errorf("%s: %w", where, err)
			}
			finished++
			failures += refused
			p := Progress{Finished: true, Took: time.Since(started[i]), Refused: refused}
			if lost != nil {
				p.Gone = lost.Error()
			}
			tell(i, p)
			return nil
		})
}

func encodeJob(j job) ([]byte, error) { return json.Marshal(j) }

// decodeJob reads what encodeJob wrote. In a series each session has two lists of
// photos, the session's own and that of the view, which have one name in JSON;
// the former is found again through the subject.
func decodeJob(b []byte) (job, error) {
	var j job
	if err := json.Unmarshal(b, &j); err != nil {
		return job{}, fmt.Errorf("task cannot be read: %w", err)
	}
	if j.Series.Subject == nil {
		return job{}, errors.New("task cannot be read: no subject")
	}
	sessions := map[string]*study.Session{}
	for i := range j.Series.Subject.Sessions {
		s := &j.Series.Subject.Sessions[i]
		sessions[s.ID] = s
	}
	for i := range j.Series.Sessions {
		s := &j.Series.Sessions[i]
		if s.Session == nil || sessions[s.ID] == nil {
			return job{}, errors.New("task cannot be read: a session is not the subject's")
		}
		s.Session = sessions[s.ID]
	}
	return j, nil
}
