package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/dermatrend/dermatrend/pipeline"
)

// progress tells how a run is getting on. Events come one at a time.
type progress interface {
	event(pipeline.Progress)
	close()
}

// newProgress draws a bar where a person is reading along, and writes a line for
// each series where not.
func newProgress(w io.Writer, flags workers) progress {
	switch {
	case flags.Quiet:
		return silent{}
	case isTerminal(w) && !flags.Verbose:
		return &bar{container: mpb.New(mpb.WithOutput(w), mpb.WithWidth(60))}
	}
	return lines{w, flags.Verbose, &pace{}}
}

// isTerminal tells whether a person is reading along.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

type silent struct{}

func (silent) event(pipeline.Progress) {}
func (silent) close()                  {}

// pace is how fast a run is getting on.
type pace struct{ began time.Time }

// left is the time that the rest will take at the rate so far; 0 where that cannot
// be told yet.
func (c *pace) left(p pipeline.Progress) time.Duration {
	if c.began.IsZero() {
		c.began = time.Now()
	}
	if p.Done == 0 {
		return 0
	}
	return time.Since(c.began) / time.Duration(p.Done) * time.Duration(p.Total-p.Done)
}

type lines struct {
	w       io.Writer
	verbose bool
	pace    *pace
}

func (l lines) event(p pipeline.Progress) {
	left := l.pace.left(p).Round(time.Second)
	switch {
	case p.Begun:
		if n := p.Reused + p.Resumed; n > 0 {
			fmt.Fprintf(l.w, "%d of %s are there already\n", n, count(n+p.Total, "series"))
		}
	case p.Lost != "":
		fmt.Fprintf(l.w, "%s %s: %s; it will be tried once more\n", p.Subject, p.View, p.Lost)
	case p.Finished:
		fmt.Fprintf(l.w, "[%d/%d] %s %s: done in %.1f s", p.Done, p.Total, p.Subject, p.View, p.Took.Seconds())
		if p.Refused > 0 {
			fmt.Fprintf(l.w, ", %d without values", p.Refused)
		}
		if p.Done < p.Total && left >= time.Minute {
			fmt.Fprintf(l.w, "; about %v left", left)
		}
		fmt.Fprintln(l.w)
	case l.verbose:
		fmt.Fprintf(l.w, "%s %s %s: %s\n", p.Subject, p.View, p.Item, p.Stage)
	}
}

func (lines) close() {}

// bar shows the share of finished series, the rate, the time that is left, failures
// so far, and what is being done.
type bar struct {
	container *mpb.Progress
	bar       *mpb.Bar
	began     time.Time
	failures  atomic.Int64
	now       atomic.Value // string
}

func (b *bar) event(p pipeline.Progress) {
	if p.Total == 0 {
		return
	}
	if b.bar == nil {
		b.now.Store("")
		b.began = time.Now()
		b.bar = b.container.AddBar(int64(p.Total),
			mpb.PrependDecorators(decor.CountersNoUnit("%d/%d series")),
			mpb.AppendDecorators(
				decor.Any(b.rate),
				decor.OnComplete(decor.AverageETA(decor.ET_STYLE_HHMMSS), ""),
				decor.Any(func(decor.Statistics) string { return " " + b.now.Load().(string) })))
	}
	b.failures.Store(int64(p.Failures))
	switch {
	case p.Finished:
		b.now.Store("")
		b.bar.SetCurrent(int64(p.Done))
	case !p.Begun:
		b.now.Store(fmt.Sprintf("%s %s %s %s", p.Subject, p.View, p.Item, p.Stage))
	}
}

// rate is "3.4/min " and, where there are any, the failures.
func (b *bar) rate(s decor.Statistics) string {
	text := ""
	if s.Current > 0 {
		text = fmt.Sprintf("%.1f/min ", float64(s.Current)/time.Since(b.began).Minutes())
	}
	if n := b.failures.Load(); n > 0 {
		text += fmt.Sprintf("%d without values ", n)
	}
	return text
}

// close leaves the bar as it is when the run failed.
func (b *bar) close() {
	if b.bar != nil && !b.bar.Completed() {
		b.bar.Abort(false)
	}
	b.container.Wait()
}
