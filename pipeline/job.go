package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/dermatrend/dermatrend/pipeline/engine"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// measure is what happens to one series: it writes pictures into dir, calls
// progress when it begins something, and returns rows. A bad photo is a
// rejection among them; an error is for ctx and the disk only.
type measure func(ctx context.Context, cfg Config, s study.Series, dir string, progress func(session, stage string)) (result.Series, error)

// Kinds of work that a series can be given to.
const (
	kindRun   = "run"
	kindCheck = "check"
)

// kinds says what a worker does for each kind.
var kinds = map[string]measure{
	kindRun:   RunSeries,
	kindCheck: CheckSeries,
}

// job is a task as the coordinator hands it to a worker.
type job struct {
	Kind   string
	Config Config
	Series study.Series
	Dir    string // takes the pictures
}

// Work is the whole life of a worker process; see [engine.Serve].
func Work() error {
	return engine.Serve(func(task []byte, progress func(item, stage string)) ([]byte, error) {
		return doJob(kinds, task, progress)
	})
}

func doJob(kinds map[string]measure, task []byte, progress func(item, stage string)) ([]byte, error) {
	j, err := decodeJob(task)
	if err != nil {
		return nil, err
	}
	do, ok := kinds[j.Kind]
	if !ok {
		return nil, fmt.Errorf("unknown kind of work %q", j.Kind)
	}
	// A worker is not told to stop: it is killed.
	s, err := do(context.Background(), j.Config, j.Series, j.Dir, progress)
	if err != nil {
		return nil, err
	}
	return json.Marshal(s)
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
