package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/cluster"
	"github.com/dermatrend/dermatrend/pipeline/engine"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// WorkerOptions say how this machine works for a cluster.
type WorkerOptions struct {
	Version string                   // of the tool
	Worker  func(jobs int) *exec.Cmd // see RunOptions
	Jobs    int                      // series at a time; 0 for as many as the machine can take
	Log     io.Writer                // takes what workers print, which may name photos; nil for nowhere
	Temp    string                   // folder for photos while they are measured; empty for the system's
	Grace   time.Duration            // for series that have begun when ctx ends
	Drain   bool                     // end when there is nothing left to do

	TaskTime   time.Duration // see RunOptions; a batch has a limit of its own for each series, and the lesser counts
	TaskMemory int64
}

// WorkForCluster measures series that were submitted by this same program until ctx
// ends. Each is measured in a process of its own, so that an abort of OpenCV costs an
// attempt and not the worker.
func WorkForCluster(ctx context.Context, where ClusterOptions, opts WorkerOptions) error {
	program, err := programName(opts.Version)
	if err != nil {
		return err
	}
	if opts.Jobs == 0 {
		opts.Jobs = engine.DefaultWorkers(1 << 20)
	}
	where.Connections = 2*opts.Jobs + 6
	c, err := cluster.Open(ctx, where)
	if err != nil {
		return refused(err)
	}
	defer c.Close()
	return refused(c.Work(ctx, cluster.WorkOptions{
		Program: program, Jobs: opts.Jobs, Temp: opts.Temp, Grace: opts.Grace, Drain: opts.Drain,
		Handler: func(ctx context.Context, j *cluster.Job) ([]byte, error) { return measureTask(ctx, j, opts) },
	}))
}

// taskNote is kept with a result: what may differ between two measurements of the same
// series.
type taskNote struct {
	PeakRSSMiB result.Number
	Timings    []result.Timing
}

// measureTask does one series of a cluster. What it leaves in j.Out depends on nothing
// but the task.
func measureTask(ctx context.Context, j *cluster.Job, opts WorkerOptions) ([]byte, error) {
	var t batchTask
	if err := json.Unmarshal(j.Payload, &t); err != nil {
		return nil, fmt.Errorf("task cannot be read: %w", err)
	}
	if err := fetchTask(ctx, j, &t); err != nil {
		return nil, err
	}
	task, err := encodeJob(t.Job)
	if err != nil {
		return nil, err
	}
	var last engine.Event
	var answer []byte
	pool := engine.Pool{
		Command: func() *exec.Cmd { return opts.Worker(opts.Jobs) },
		Workers: 1, Silence: silence, Log: opts.Log,
		Time: cmp.Or(opts.TaskTime, taskTime), Memory: cmp.Or(opts.TaskMemory, taskMemory),
		Progress: func(e engine.Event) { last = e },
	}
	err = pool.Run(ctx, 1,
		func(int) ([]byte, error) {
			return task, errors.Join(os.RemoveAll(t.Job.Dir), os.Mkdir(t.Job.Dir, 0o700)) // a second try finds the pictures of the first
		},
		func(_ int, data []byte, err error) error {
			answer = data
			return err
		})
	if lost := (*engine.Lost)(nil); errors.As(err, &lost) {
		return nil, &cluster.Died{Reason: lost.Reason, Item: lost.Item, Stage: lost.Stage}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, &cluster.Died{Reason: fmt.Sprintf("worker hung: no result within %v", seriesLimit(t.Job.Series)), Item: last.Item, Stage: last.Stage}
	}
	if err != nil {
		return nil, err
	}
	return leave(j, answer)
}

// fetchTask brings the photos of a task to this machine.
func fetchTask(ctx context.Context, j *cluster.Job, t *batchTask) error {
	for file, sum := range t.Photos {
		if err := j.Fetch(ctx, sum, "photos/"+file); err != nil {
			return err
		}
	}
	if t.Job.Series.Subject == nil {
		return errors.New("task cannot be read: no subject")
	}
	t.Job.Series.Subject.Dir = filepath.Join(j.In, "photos")
	t.Job.Dir = filepath.Join(j.Out, "pictures")
	for _, f := range []struct {
		sum, name string
		path      *string
	}{{t.Model, "model.onnx", &t.Job.Config.FaceModel}, {t.SDC, "sdc.csv", &t.Job.Config.SDC}} {
		if f.sum == "" {
			continue
		}
		if err := j.Fetch(ctx, f.sum, f.name); err != nil {
			return err
		}
		*f.path = filepath.Join(j.In, f.name)
	}
	return nil
}

// leave puts the rows beside the pictures, and the times into the note.
func leave(j *cluster.Job, answer []byte) ([]byte, error) {
	var s result.Series
	if err := json.Unmarshal(answer, &s); err != nil {
		return nil, fmt.Errorf("the worker's answer cannot be read: %w", err)
	}
	note, err := json.Marshal(taskNote{s.PeakRSSMiB, s.Timings})
	if err != nil {
		return nil, err
	}
	timingOf(&s)
	rows, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return note, os.WriteFile(filepath.Join(j.Out, seriesFile), rows, 0o600)
}
