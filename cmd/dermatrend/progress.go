package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"

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
	return lines{w, flags.Verbose}
}

// isTerminal tells whether a person is reading along.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

type silent struct{}

func (silent) event(pipeline.Progress) {}
func (silent) close()                  {}

type lines struct {
	w       io.Writer
	verbose bool
}

func (l lines) event(p pipeline.Progress) {
	switch {
	case p.Finished && p.Refused > 0:
		fmt.Fprintf(l.w, "[%d/%d] %s %s: done in %.1f s, %d without values\n", p.Done, p.Total, p.Subject, p.View, p.Took.Seconds(), p.Refused)
	case p.Finished:
		fmt.Fprintf(l.w, "[%d/%d] %s %s: done in %.1f s\n", p.Done, p.Total, p.Subject, p.View, p.Took.Seconds())
	case l.verbose:
		fmt.Fprintf(l.w, "%s %s %s: %s\n", p.Subject, p.View, p.Item, p.Stage)
	}
}

func (lines) close() {}

// bar shows the share of finished series, what is being done, and the time that
// is left.
type bar struct {
	container *mpb.Progress
	bar       *mpb.Bar
	now       atomic.Value // string
}

func (b *bar) event(p pipeline.Progress) {
	if b.bar == nil {
		b.now.Store("")
		b.bar = b.container.AddBar(int64(p.Total),
			mpb.PrependDecorators(decor.CountersNoUnit("%d/%d series")),
			mpb.AppendDecorators(
				decor.OnComplete(decor.AverageETA(decor.ET_STYLE_MMSS), ""),
				decor.Any(func(decor.Statistics) string { return " " + b.now.Load().(string) })))
	}
	if p.Finished {
		b.now.Store("")
		b.bar.SetCurrent(int64(p.Done))
		return
	}
	b.now.Store(fmt.Sprintf("%s %s %s %s", p.Subject, p.View, p.Item, p.Stage))
}

// close leaves the bar as it is when the run failed.
func (b *bar) close() {
	if b.bar != nil && !b.bar.Completed() {
		b.bar.Abort(false)
	}
	b.container.Wait()
}
