package engine

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// limits watches one task of a worker, which is killed when it takes too long or
// too much memory. The system's own limits would not do: address space says nothing
// of a Go program, and a control group needs rights that a user does not have.
type limits struct {
	quit, done chan struct{}
	once       sync.Once
	broken     string // written before done is closed
}

// memoryEvery is how often the memory of a worker is looked at: decoding a photo of
// 24 megapixels takes about as long.
const memoryEvery = 200 * time.Millisecond

func (w *worker) limit() *limits {
	l := &limits{quit: make(chan struct{}), done: make(chan struct{})}
	p := w.pool
	var late, look <-chan time.Time
	release := func() {}
	if p.Time > 0 {
		t := time.NewTimer(p.Time)
		late, release = t.C, func() { t.Stop() }
	}
	var ticker *time.Ticker
	if p.Memory > 0 {
		ticker = time.NewTicker(memoryEvery)
		look = ticker.C
	}
	go func() {
		defer close(l.done)
		defer release()
		if ticker != nil {
			defer ticker.Stop()
		}
		for {
			select {
			case <-l.quit:
				return
			case <-late:
				l.broken = fmt.Sprintf("worker was ended: the task took longer than %v", p.Time)
			case <-look:
				rss := resident(w.cmd.Process.Pid)
				if rss <= p.Memory {
					continue
				}
				l.broken = fmt.Sprintf("worker was ended: it held %d MiB of memory, and may hold %d", rss>>20, p.Memory>>20)
			}
			w.cmd.Process.Kill()
			return
		}
	}()
	return l
}

// stop ends the watch and tells which limit was broken; empty for none. The worker
// must not be waited for before, or its number could be another process's.
func (l *limits) stop() string {
	l.once.Do(func() { close(l.quit) })
	<-l.done
	return l.broken
}

// resident is the memory of a process, bytes; 0 where that is not told.
func resident(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(data))
	if len(f) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
