package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// Handler does one task. Files that it leaves in j.Out are kept as an archive, and the
// note with the result. It must return soon after ctx ends.
//
// An error of type *Died says that the task ended the process that worked on it; any
// other is tried again for longer.
type Handler func(ctx context.Context, j *Job) (note []byte, err error)

// Job is a task in the hands of a handler.
type Job struct {
	Payload []byte
	In, Out string // empty folders that only this task has, and that are removed afterwards

	store *store
}

// Fetch puts an object into a new file in j.In, under a name that may have folders.
func (j *Job) Fetch(ctx context.Context, hash, name string) error {
	name = filepath.FromSlash(name)
	if !filepath.IsLocal(name) || len(hash) != 64 {
		return fmt.Errorf("%q is no name of a file", name)
	}
	path := filepath.Join(j.In, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return j.store.fetch(ctx, objects, hash, path)
}

// Died is the error of a task whose process died or hung.
type Died struct {
	Reason      string // what became of the process
	Item, Stage string // the last that it said; empty if nothing
}

func (d *Died) Error() string { return d.Reason }

// maxDeaths is how often a task may die before it is given up. Whoever handles it has
// tried it more than once each time.
const maxDeaths = 2

// WorkOptions say how tasks are worked on.
type WorkOptions struct {
	Program string
	Handler Handler
	Jobs    int // at a time
	// Temp is the folder for the private folders of tasks; empty for the system's.
	Temp string
	// Grace is how long tasks may go on after ctx has ended; then they are given back.
	Grace time.Duration
	// Drain ends the work when all tasks of the program are done or given up.
	Drain bool
	// Rescue is how long at least a task without result stays with a machine that may
	// be dead; 0 for five minutes. The limit of a task counts too.
	Rescue time.Duration
	// Wait is the pause before a task is tried again while the store does not answer;
	// 0 for 15 s.
	Wait time.Duration
}

// Work takes tasks of the program until ctx ends, or there are none with Drain. It
// does not start if all that is waiting belongs to other programs: the error wraps
// ErrRefused and names them.
func (c *Cluster) Work(ctx context.Context, o WorkOptions) error {
	if o.Rescue == 0 {
		o.Rescue = 5 * time.Minute
	}
	if o.Wait == 0 {
		o.Wait = 15 * time.Second
	}
	if err := c.ours(ctx, o.Program); err != nil {
		return err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{c: c, o: o})
	client, err := river.NewClient(riverpgxv5.New(c.pool), &river.Config{
		Schema:  schema,
		Logger:  c.log,
		Queues:  map[string]river.QueueConfig{queue(o.Program): {MaxWorkers: o.Jobs, FetchCooldown: 20 * time.Millisecond, FetchPollInterval: time.Second}},
		Workers: workers,
		// Those of a task are in its args; both hold also for what we do not find there.
		JobTimeout:           o.Rescue,
		RescueStuckJobsAfter: o.Rescue + time.Second,
		SoftStopTimeout:      max(o.Grace, time.Millisecond),
		// Whoever submitted them decides when they are forgotten.
		DiscardedJobRetentionPeriod: -1,
		CancelledJobRetentionPeriod: -1,
	})
	if err != nil {
		return err
	}
	start, stop := context.WithCancel(ctx)
	defer stop()
	if err := client.Start(start); err != nil {
		return err
	}
	if o.Drain {
		go c.drained(start, o.Program, stop)
	}
	<-client.Stopped()
	return nil
}

// drained calls stop when no task of the program is left.
func (c *Cluster) drained(ctx context.Context, program string, stop func()) {
	for tick := time.NewTicker(time.Second / 4); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		left := true
		err := c.pool.QueryRow(ctx, `select exists (select from dermatrend.river_job where queue = $1 and state in `+unfinished+`)`, queue(program)).Scan(&left)
		if err == nil && !left {
			stop()
			return
		}
	}
}

// unfinished are the states of a job that may still become a result.
const unfinished = `('available', 'pending', 'retryable', 'running', 'scheduled')`

// ours refuses to wait beside a queue whose tasks belong to other programs only.
func (c *Cluster) ours(ctx context.Context, program string) error {
	rows, err := c.pool.Query(ctx, `select id, program, program = $1 from dermatrend.batch b where exists
		(select from dermatrend.river_job j where j.queue = b.queue and j.state in `+unfinished+`) order by created`, program)
	if err != nil {
		return err
	}
	var other error
	var id, theirs string
	var mine bool
	found := false
	_, err = pgx.ForEachRow(rows, []any{&id, &theirs, &mine}, func() error {
		if mine {
			found = true
		} else if other == nil {
			other = refusef("the batch %s was submitted by %s, this is %s: results of different programs are never mixed. Start workers of that version, or submit with this one", id, theirs, program)
		}
		return nil
	})
	if err != nil || found {
		return err
	}
	return other
}

// worker does River's jobs.
type worker struct {
	river.WorkerDefaults[args]
	c *Cluster
	o WorkOptions
}

// Timeout is the limit of the task.
func (w *worker) Timeout(j *river.Job[args]) time.Duration {
	return time.Duration(j.Args.Seconds) * time.Second
}

// NextRetry waits twice as long each time, up to five minutes.
func (w *worker) NextRetry(j *river.Job[args]) time.Time {
	return time.Now().Add(min(time.Second<<min(len(j.Errors), 10), 5*time.Minute))
}

func (w *worker) Work(ctx context.Context, j *river.Job[args]) error {
	began := time.Now()
	log := w.c.log.With(slog.String("batch", j.Args.Batch), slog.Int("task", j.Args.Number), slog.Int("attempt", j.Attempt))
	err := w.do(ctx, j)
	var died *Died
	var store storeError
	switch {
	case err == nil:
		log.Info("done", slog.Duration("took", time.Since(began)))
		return nil
	case errors.Is(err, errErased):
		log.Info("erased meanwhile")
		return river.JobCancel(err)
	case errors.Is(context.Cause(ctx), rivertype.ErrJobCancelledRemotely):
		return context.Cause(ctx)
	case errors.Is(ctx.Err(), context.Canceled): // the worker is told to end
		log.Info("given back")
		return river.JobSnooze(0)
	case errors.As(err, &store):
		log.Warn("the store does not answer; trying again", slog.Duration("in", w.o.Wait))
		return river.JobSnooze(w.o.Wait)
	case errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.As(err, &died):
		died = &Died{Reason: fmt.Sprintf("no result within %v", w.Timeout(j))}
	case !errors.As(err, &died):
		log.Warn("failed; dermatrend status tells why")
		w.record(ctx, j, &Died{Reason: err.Error()}, 0)
		return errFailed
	}
	deaths := w.record(ctx, j, died, 1)
	log.Warn("the process died; dermatrend status tells why", slog.Int("deaths", deaths))
	if deaths >= maxDeaths {
		return river.JobCancel(errFailed)
	}
	return errFailed
}

// Errors as River keeps them say nothing about persons; what failed is in our tables.
var (
	errFailed = errors.New("failed")
	errErased = errors.New("erased")
)

// record keeps what became of an attempt, and tells how often the task died.
func (w *worker) record(ctx context.Context, j *river.Job[args], d *Died, count int) (deaths int) {
	data, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings always encode
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = w.c.pool.QueryRow(ctx, `update dermatrend.task set deaths = deaths + $3, death = $4 where batch = $1 and number = $2 returning deaths`,
		j.Args.Batch, j.Args.Number, count, data).Scan(&deaths)
	if err != nil {
		w.c.log.Warn("cannot record a failure", slog.String("kind", fmt.Sprintf("%T", err)))
	}
	return deaths
}

func (w *worker) do(ctx context.Context, j *river.Job[args]) error {
	job := &Job{store: w.c.store}
	var there bool
	err := w.c.pool.QueryRow(ctx, `select payload, exists (select from dermatrend.result r where r.batch = t.batch and r.number = t.number)
		from dermatrend.task t where batch = $1 and number = $2`, j.Args.Batch, j.Args.Number).Scan(&job.Payload, &there)
	if errors.Is(err, pgx.ErrNoRows) {
		return errErased
	}
	if err != nil || there {
		return err
	}
	temp, err := os.MkdirTemp(w.o.Temp, "dermatrend-task-") // 0700
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	job.In, job.Out = filepath.Join(temp, "in"), filepath.Join(temp, "out")
	if err := errors.Join(os.Mkdir(job.In, 0o700), os.Mkdir(job.Out, 0o700)); err != nil {
		return err
	}
	note, err := w.o.Handler(ctx, job)
	if err != nil {
		return err
	}
	file := filepath.Join(temp, "archive")
	hash, err := pack(job.Out, file)
	if err != nil {
		return err
	}
	return w.finish(ctx, j, note, hash, func() (io.ReadCloser, error) { return os.Open(file) })
}

// finish uploads the archive and commits the result together with the completion of
// the job. Whoever comes second, because he had been frozen, changes nothing.
func (w *worker) finish(ctx context.Context, j *river.Job[args], note []byte, hash string, open func() (io.ReadCloser, error)) error {
	a := j.Args
	_, err := w.c.pool.Exec(ctx, `insert into dermatrend.archive values ($1, $2, $3) on conflict do nothing`, a.Batch, a.Number, hash)
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) && e.Code == "23503" { // the task is gone
		return errErased
	}
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, w.c.pool, func(tx pgx.Tx) error {
		// Nobody erases between the upload and the commit.
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock_shared($1)`, lockErase); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `select from dermatrend.task where batch = $1 and number = $2`, a.Batch, a.Number)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return errErased
		}
		if err := w.c.store.put(ctx, archives, hash, open); err != nil {
			return err
		}
		tag, err = tx.Exec(ctx, `insert into dermatrend.result (batch, number, archive, note, attempt) values ($1, $2, $3, $4, $5) on conflict do nothing`,
			a.Batch, a.Number, hash, note, j.Attempt)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 { // somebody else has finished it
			return nil
		}
		done, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, j)
		if err != nil {
			return err
		}
		if done.State != rivertype.JobStateCompleted || done.Attempt != j.Attempt {
			return errors.New("the task was given to somebody else meanwhile")
		}
		return nil
	})
}
