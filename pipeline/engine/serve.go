package engine

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
)

// answers is the file descriptor on which a worker answers.
const answers = 3

// Serve is the whole life of a worker process: it does the tasks that the
// coordinator sends, one after the other, until there are no more. It returns
// nil when its input ends. If that happens in the middle of a task, the
// coordinator is gone and the process exits at once.
//
// The interrupt key reaches every process of the terminal; a worker leaves it to
// its coordinator.
func Serve(h Handler) error {
	signal.Ignore(os.Interrupt)
	out := os.NewFile(answers, "answers")
	if info, err := out.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return errors.New("engine: nobody takes the answers: a worker is started by the program itself")
	}
	defer out.Close()
	// When memory runs out, the system shall choose a worker, which costs a task, and
	// not the coordinator. That it may not be said is no reason not to work.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0)
	return serve(os.Stdin, out, h, func() { os.Exit(1) })
}

func serve(in io.Reader, out io.Writer, h Handler, orphaned func()) error {
	var mu sync.Mutex // handlers may report progress from several goroutines
	send := func(kind byte, payload []byte) error {
		mu.Lock()
		defer mu.Unlock()
		return writeFrame(out, kind, payload)
	}
	if err := send(frameReady, nil); err != nil {
		return err
	}

	var busy atomic.Bool
	tasks := make(chan []byte)
	var readErr error
	go func() {
		defer close(tasks)
		r := bufio.NewReader(in)
		for {
			kind, payload, err := readFrame(r)
			switch {
			case err == io.EOF:
			case err != nil:
				readErr = err
			case kind != frameTask:
				readErr = fmt.Errorf("engine: unexpected frame %q", kind)
			default:
				tasks <- payload
				continue
			}
			if busy.Load() {
				orphaned()
			}
			return
		}
	}()

	for task := range tasks {
		busy.Store(true)
		result, err := h(task, func(item, stage string) {
			// A progress report that cannot be sent means that nobody listens any
			// more; the end of the input says so too, and ends the process.
			_ = send(frameProgress, encodeProgress(item, stage))
		})
		busy.Store(false)
		if err != nil {
			err = send(frameError, []byte(err.Error()))
		} else {
			err = send(frameResult, result)
		}
		if err != nil {
			return err
		}
	}
	return readErr
}
