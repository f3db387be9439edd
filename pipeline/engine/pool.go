package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Pool runs tasks in worker processes.
type Pool struct {
	// Command makes the command that becomes a worker, by calling [Serve]. Its
	// input and output files must be left unset.
	Command func() *exec.Cmd
	// Workers is the number of processes, at least 1. No more are started than
	// there are tasks.
	Workers int
	// Silence is how long a worker may go without any progress before it counts as
	// hung and is killed. It has to be longer than the longest stage.
	Silence time.Duration
	// Time is how long one task may take; 0 for as long as it wants.
	Time time.Duration
	// Memory is how many bytes of memory (resident set) a worker may hold during a
	// task; 0 for as much as the system gives. It is looked at five times a second.
	Memory int64
	// Log takes what the workers print; nil for nowhere.
	Log io.Writer
	// Progress is called for each event, never twice at the same time; nil for
	// nobody.
	Progress func(Event)

	logMu sync.Mutex
}

// Run does tasks 0 to n-1: task gives the bytes of one when a worker is free for
// it, done takes its result, never twice at the same time, in the order in which
// they end. The error given to done is the handler's, or a [*Lost].
//
// Run returns the first error of task or done, the cause of ctx when that ends,
// or an error if workers cannot be started. By then all its workers have ended.
func (p *Pool) Run(ctx context.Context, n int, task func(i int) ([]byte, error), done func(i int, result []byte, err error) error) error {
	if p.Workers < 1 {
		return fmt.Errorf("engine: %d workers: must be at least 1", p.Workers)
	}
	r := &run{pool: p, task: task, done: done}
	g, gctx := errgroup.WithContext(ctx)
	queue := make(chan int)
	g.Go(func() error {
		defer close(queue)
		for i := range n {
			select {
			case queue <- i:
			case <-gctx.Done():
				return nil
			}
		}
		return nil
	})
	for range min(p.Workers, n) {
		g.Go(func() error { return r.work(gctx, queue) })
	}
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	slices.Sort(r.again)
	for _, i := range r.again {
		if ctx.Err() != nil {
			break
		}
		if err := r.alone(ctx, i); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// run is one call of Run.
type run struct {
	pool *Pool
	task func(int) ([]byte, error)
	done func(int, []byte, error) error

	mu    sync.Mutex // held during done and Progress
	again []int      // tasks whose worker died
}

// work keeps one worker busy until the queue is empty.
func (r *run) work(ctx context.Context, queue <-chan int) error {
	var w *worker
	defer func() { w.end() }()
	for i := range queue {
		if w == nil {
			var err error
			if w, err = r.pool.start(ctx); err != nil {
				return err
			}
		}
		result, err := r.one(ctx, w, i)
		if lost := (*Lost)(nil); errors.As(err, &lost) {
			w.end()
			w = nil
			r.mu.Lock()
			r.again = append(r.again, i)
			if r.pool.Progress != nil && ctx.Err() == nil {
				r.pool.Progress(Event{Task: i, Item: lost.Item, Stage: lost.Stage, Lost: lost.Reason})
			}
			r.mu.Unlock()
			continue
		}
		if err := r.finish(ctx, i, result, err); err != nil {
			return err
		}
	}
	return nil
}

// alone does task i in a worker of its own; now Lost is final.
func (r *run) alone(ctx context.Context, i int) error {
	w, err := r.pool.start(ctx)
	if err != nil {
		return err
	}
	defer w.end()
	result, err := r.one(ctx, w, i)
	return r.finish(ctx, i, result, err)
}

// errTask marks an error of the caller's own function, which ends the run.
type errTask struct{ error }

func (r *run) one(ctx context.Context, w *worker, i int) ([]byte, error) {
	payload, err := r.task(i)
	if err != nil {
		return nil, errTask{err}
	}
	return w.do(ctx, payload, func(item, stage string) {
		if r.pool.Progress != nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.pool.Progress(Event{Task: i, Item: item, Stage: stage})
		}
	})
}

func (r *run) finish(ctx context.Context, i int, result []byte, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if ours := (errTask{}); errors.As(err, &ours) {
		return ours.error
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done(i, result, err)
}
