package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/dermatrend/dermatrend/pipeline"
)

// listeners pass events on.
type listeners []progress

func (l listeners) event(p pipeline.Progress) {
	for _, x := range l {
		x.event(p)
	}
}

// end tells what the run has come to.
func (l listeners) end(sum pipeline.Summary, err error) {
	for _, x := range l {
		if e, ok := x.(interface {
			end(pipeline.Summary, error)
		}); ok {
			e.end(sum, err)
		}
		x.close()
	}
}

// event is what --json prints, one object a line. A field that does not belong to
// the event is missing. There is nothing about a person but the id: no file names,
// no dates, no values.
type event struct {
	Event string `json:"event"` // begin, stage, lost, series, end

	// stage: begun; lost: the worker died there and the series is tried once more;
	// series: finished.
	Subject string `json:"subject,omitempty"`
	View    string `json:"view,omitempty"`
	Session string `json:"session,omitempty"`
	Stage   string `json:"stage,omitempty"`
	Reason  string `json:"reason,omitempty"` // lost; series without values because its worker died twice

	// begin: total is to be measured, reused had not changed, resumed was finished by
	// a run that was cut off. series: how far the run is.
	Done    *int `json:"done,omitempty"`
	Total   *int `json:"total,omitempty"`
	Reused  *int `json:"reused,omitempty"`
	Resumed *int `json:"resumed,omitempty"`

	// series, and end for all of them.
	Seconds       *float64 `json:"seconds,omitempty"`
	WithoutValues *int     `json:"without_values,omitempty"` // photos
	Failures      *int     `json:"failures,omitempty"`       // photos without values so far
	Remaining     *float64 `json:"remaining_seconds,omitempty"`

	// end
	OK       *bool `json:"ok,omitempty"`
	Series   *int  `json:"series,omitempty"`
	Subjects *int  `json:"subjects,omitempty"`
	Photos   *int  `json:"photos,omitempty"`
	Kept     *int  `json:"kept,omitempty"` // of a run that was cut off: finished series that wait for the next
}

// events prints events for programs.
type events struct {
	out   *json.Encoder
	pace  pace
	began time.Time
}

func (e *events) event(p pipeline.Progress) {
	left := e.pace.left(p).Seconds()
	x := event{Subject: p.Subject, View: p.View}
	switch {
	case p.Begun:
		e.began = time.Now()
		x.Event, x.Total, x.Reused, x.Resumed = "begin", &p.Total, &p.Reused, &p.Resumed
	case p.Lost != "":
		x.Event, x.Session, x.Stage, x.Reason = "lost", p.Item, p.Stage, p.Lost
	case p.Finished:
		took := p.Took.Seconds()
		x.Event, x.Done, x.Total, x.Seconds, x.WithoutValues, x.Failures = "series", &p.Done, &p.Total, &took, &p.Refused, &p.Failures
		x.Remaining, x.Reason = &left, p.Gone
	default:
		x.Event, x.Session, x.Stage = "stage", p.Item, p.Stage
	}
	// Who does not read on does not stop the run.
	_ = e.out.Encode(x)
}

func (e *events) end(sum pipeline.Summary, err error) {
	ok := err == nil
	x := event{Event: "end", OK: &ok}
	if ok {
		took, n, failed := time.Since(e.began).Seconds(), len(sum.Subjects), len(sum.Rejections)
		x.Seconds, x.Series, x.Subjects, x.Photos, x.WithoutValues = &took, &sum.Series, &n, &sum.Photos, &failed
		x.Reused, x.Resumed = &sum.Reused, &sum.Resumed
	} else if u := (*pipeline.Unfinished)(nil); errors.As(err, &u) {
		x.Kept = &u.Finished
	}
	_ = e.out.Encode(x)
}

func (*events) close() {}

// logged writes the log.
type logged struct{ log *slog.Logger }

func (l *logged) event(p pipeline.Progress) {
	of := slog.Group("series", "subject", p.Subject, "view", p.View)
	switch {
	case p.Begun:
		l.log.Info("begun", "to_measure", p.Total, "reused", p.Reused, "resumed", p.Resumed)
	case p.Lost != "":
		l.log.Warn("worker lost, the series is tried once more", of, "session", p.Item, "stage", p.Stage, "reason", p.Lost)
	case p.Finished && p.Gone != "":
		l.log.Error("series has no values", of, "reason", p.Gone, "done", p.Done, "total", p.Total)
	case p.Finished:
		l.log.Info("series finished", of, "seconds", p.Took.Seconds(), "without_values", p.Refused, "failures", p.Failures, "done", p.Done, "total", p.Total)
	default:
		l.log.Debug("stage", of, "session", p.Item, "stage", p.Stage)
	}
}

func (l *logged) end(sum pipeline.Summary, err error) {
	if err != nil {
		l.log.Error("ended", "error", err.Error())
		return
	}
	l.log.Info("ended", "series", sum.Series, "subjects", len(sum.Subjects), "photos", sum.Photos, "reused", sum.Reused, "resumed", sum.Resumed, "without_values", len(sum.Rejections))
}

func (*logged) close() {}

// lineLog logs what workers print, line by line.
type lineLog struct {
	log  *slog.Logger
	rest []byte
}

var _ io.Writer = (*lineLog)(nil)

func (l *lineLog) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		line, after, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		l.log.Debug("a worker printed", "text", string(line))
		l.rest = bytes.Clone(after)
	}
}
