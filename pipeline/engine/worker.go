package engine

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// worker is a running worker process, seen from the coordinator. It is used by
// one goroutine.
type worker struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *os.File
	answers *bufio.Reader
	log     *logWriter
	pool    *Pool
	ended   bool
	state   *os.ProcessState
}

// startLimit is how long a worker may take to say that it is there. It starts in
// 0.1 s; a machine under load may need seconds.
const startLimit = time.Minute

// startTries is how often a worker is started that is killed before it is ready: the
// system may do so when memory is short, and has more in a moment.
const startTries = 3

// start begins a worker process and waits until it is ready.
func (p *Pool) start(ctx context.Context) (w *worker, err error) {
	for try := range startTries {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(time.Duration(try) * 500 * time.Millisecond):
		}
		var killed bool
		if w, killed, err = p.startOnce(ctx); err == nil || !killed {
			break
		}
	}
	return w, err
}

// startOnce is one try; killed tells whether the worker was killed before it was
// ready.
func (p *Pool) startOnce(ctx context.Context) (w *worker, killed bool, err error) {
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, false, fmt.Errorf("engine: %w", err)
	}
	w = &worker{cmd: p.Command(), out: out, log: &logWriter{pool: p}, pool: p}
	w.answers = bufio.NewReader(out)
	w.cmd.ExtraFiles = []*os.File{childOut} // becomes descriptor 3
	w.cmd.Stdout, w.cmd.Stderr = w.log, w.log
	w.cmd.WaitDelay = 5 * time.Second // a grandchild may hold the log open
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	w.in, err = w.cmd.StdinPipe()
	if err == nil {
		err = w.cmd.Start()
	}
	childOut.Close()
	if err != nil {
		out.Close()
		return nil, false, fmt.Errorf("engine: cannot start a worker: %w", err)
	}
	kind, _, hung, err := w.read(ctx, startLimit)
	if err != nil || kind != frameReady {
		w.kill()
		if ctx.Err() != nil {
			return nil, false, context.Cause(ctx)
		}
		status, ok := w.state.Sys().(syscall.WaitStatus)
		killed = ok && !hung && status.Signaled() && status.Signal() == syscall.SIGKILL
		return nil, killed, fmt.Errorf("engine: a worker did not start: %s", w.fate(hung, "", err))
	}
	return w, false, nil
}

// do runs one task. The error is the handler's, a *Lost, or the cause of ctx.
// After a *Lost the worker is dead.
func (w *worker) do(ctx context.Context, task []byte, progress func(item, stage string)) ([]byte, error) {
	// Sent on the side: a worker that does not read must not block the watch.
	sent := make(chan error, 1)
	go func() { sent <- writeFrame(w.in, frameTask, task) }()
	lost := &Lost{}
	limits := w.limit()
	defer limits.stop()
	for {
		kind, payload, hung, err := w.read(ctx, w.pool.Silence)
		if err == nil {
			switch kind {
			case frameProgress:
				var item, stage string
				if item, stage, err = decodeProgress(payload); err == nil {
					lost.Item, lost.Stage = item, stage
					progress(item, stage)
					continue
				}
			case frameResult:
				return payload, <-sent
			case frameError:
				return nil, errors.New(string(payload))
			default:
				err = fmt.Errorf("engine: unexpected frame %q", kind)
			}
		}
		broken := limits.stop()
		w.kill()
		<-sent
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		lost.Reason = w.fate(hung, broken, err)
		return nil, lost
	}
}

// read takes the next frame. The worker is killed, which ends the read, when ctx
// ends or nothing comes for the time of limit; the latter is told by hung.
func (w *worker) read(ctx context.Context, limit time.Duration) (kind byte, payload []byte, hung bool, err error) {
	var late atomic.Bool
	watch := time.AfterFunc(limit, func() {
		late.Store(true)
		w.cmd.Process.Kill()
	})
	defer watch.Stop()
	defer context.AfterFunc(ctx, func() { w.cmd.Process.Kill() })()
	kind, payload, err = readFrame(w.answers)
	return kind, payload, late.Load(), err
}

// end lets the worker go: its input ends, and it returns from Serve. One that
// does not is killed.
func (w *worker) end() {
	if w == nil || w.ended {
		return
	}
	w.in.Close()
	watch := time.AfterFunc(5*time.Second, func() { w.cmd.Process.Kill() })
	w.wait()
	watch.Stop()
}

func (w *worker) kill() {
	if !w.ended {
		// One that is dying by itself gets the time to do so, that its own fate be
		// told and not ours.
		watch := time.AfterFunc(100*time.Millisecond, func() { w.cmd.Process.Kill() })
		w.wait()
		watch.Stop()
	}
}

func (w *worker) wait() {
	w.ended = true
	// The error repeats the process state, or is about the log.
	_ = w.cmd.Wait()
	w.state = w.cmd.ProcessState
	w.out.Close()
}

// fate says what became of a worker that has ended, after reading from it gave
// err; broken is the limit that it was killed for, empty for none.
func (w *worker) fate(hung bool, broken string, err error) string {
	if broken != "" {
		return broken
	}
	if hung {
		return fmt.Sprintf("worker hung: no progress for %v", w.pool.Silence)
	}
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return fmt.Sprintf("worker could not be understood: %v", err)
	}
	var s string
	switch status, ok := w.state.Sys().(syscall.WaitStatus); {
	case !ok:
		s = "worker ended: " + w.state.String()
	case status.Signaled() && status.Signal() == syscall.SIGKILL:
		s = "worker was killed (signal 9; the system does so when memory runs out)"
	case status.Signaled():
		s = fmt.Sprintf("worker ended by signal %d (%v)", int(status.Signal()), status.Signal())
	default:
		s = fmt.Sprintf("worker ended with exit status %d", status.ExitStatus())
	}
	if w.log.cause != "" {
		s += ": " + w.log.cause
	}
	return s
}

// logWriter passes on what a worker prints and keeps the line that names the
// cause of its death.
type logWriter struct {
	pool  *Pool
	line  []byte
	cause string
}

// dying are beginnings of the line by which the C++ and Go runtimes explain an
// abort; the first one in the log is the cause, later ones follow from it.
var dying = []string{"what():", "panic: ", "fatal error: ", "SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE"}

func (l *logWriter) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0 && l.cause == ""; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		l.line = append(l.line, line[:min(len(line), 1000)]...)
		if !whole {
			break
		}
		text := strings.TrimSpace(string(l.line))
		for _, d := range dying {
			if strings.HasPrefix(text, d) {
				l.cause = strings.TrimSpace(strings.TrimPrefix(text, "what():"))
			}
		}
		l.line, rest = l.line[:0], after
	}
	if l.pool.Log != nil {
		l.pool.logMu.Lock()
		defer l.pool.logMu.Unlock()
		// A log that cannot be written is no reason to lose a task.
		_, _ = l.pool.Log.Write(b)
	}
	return len(b), nil
}
