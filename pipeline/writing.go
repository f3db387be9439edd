package pipeline

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/report"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// write makes all that goes into the output folder from the measured series, and
// tells which persons' folders are to be removed from it. Persons of earlier runs
// that were not measured now stay, as does what they have in the tables.
func (b *batch) write(ctx context.Context) (remove []string, err error) {
	all := ids(b.subjects)
	for _, id := range b.out.earlier.ids() {
		switch {
		case b.subject(id) != nil:
		case len(b.opts.Subjects) > 0:
			all = append(all, id)
		default:
			remove = append(remove, id)
		}
	}
	slices.Sort(all)

	rec, err := createRecord(b.out.stage("new", runFile), newRecord(b))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rec.close()) }()
	old := openTimings(b.out.path)
	defer old.close()
	times, err := createTimings(b.out.stage("new", timingsFile))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, times.close()) }()
	tables, err := result.CreateTables(b.out.stage("new"), tableOrder())
	if err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, tables.Close())
		rec.tables = tables.SHA256()
	}()
	index := report.NewIndex(b.study.Name, b.opts.Version)
	err = b.persons(ctx, all, old, func(p personResults) error {
		if err := tables.Add(p.subject); err != nil {
			return err
		}
		dir := filepath.Join(b.out.path, p.subject.ID)
		if p.measured {
			dir = b.out.stage("new", p.subject.ID)
		}
		if err := errors.Join(rec.add(p.subject, dir), times.add(p.subject.ID, p.times)); err != nil {
			return err
		}
		index.Add(p.subject)
		if p.measured {
			b.summary.Subjects = append(b.summary.Subjects, summarise(b.out.path, p.subject))
			for _, v := range p.subject.Series {
				b.summary.Rejections = append(b.summary.Rejections, v.Rejections...)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	index.Clinic = b.study.Clinic.Name
	if err := report.WriteIndex(b.out.stage("new"), index); err != nil {
		return nil, err
	}
	return append(remove, staleCohort(b.out.path)...), nil
}

// personResults are one person's on their way into the tables.
type personResults struct {
	subject  result.Subject
	times    map[string]seriesTiming
	measured bool // now, and not by the earlier run
	err      error
}

// writers is how many persons are written at a time: each takes memory that does not
// count among the workers'.
const writers = 2

// persons writes the persons of that order, some at a time, and hands them on in order.
func (b *batch) persons(ctx context.Context, all []string, old *timingsReader, take func(personResults) error) error {
	g, ctx := errgroup.WithContext(ctx)
	queue := make(chan chan personResults, writers-1)
	g.Go(func() error {
		defer close(queue)
		for _, id := range all {
			took, place := old.of(id), make(chan personResults, 1)
			select {
			case queue <- place:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			g.Go(func() error {
				place <- b.person(id, took)
				return nil
			})
		}
		return nil
	})
	g.Go(func() error {
		for place := range queue {
			p := <-place
			if p.err == nil {
				p.err = take(p)
			}
			if p.err != nil {
				return p.err
			}
		}
		return nil
	})
	return g.Wait()
}

// person gives one person's results: assembled, written and reported if the
// person belongs to this run, else those of the earlier one. Of the times, those of
// series that were not measured now are in old.
func (b *batch) person(id string, old map[string]seriesTiming) personResults {
	p := personResults{times: old}
	if b.subject(id) != nil {
		p.measured, p.times = true, map[string]seriesTiming{}
		p.subject, p.err = b.assemble(id, old, p.times)
	} else {
		p.subject, p.err = result.LoadSubject(filepath.Join(b.out.path, id))
	}
	return p
}

// assemble writes the folder of a person of this run.
func (b *batch) assemble(id string, old, times map[string]seriesTiming) (result.Subject, error) {
	subject := b.subject(id)
	dir, err := b.out.fresh(id)
	if err != nil {
		return result.Subject{}, err
	}
	g, err := b.gather(id, dir)
	if err != nil {
		return result.Subject{}, err
	}
	s := b.describe(subject)
	for k, n := range b.results[id] {
		v := g.series[k]
		if b.choices[n].action == Reuse {
			times[v.View] = old[v.View]
		} else {
			times[v.View] = timingOf(&v)
		}
		s.Series = append(s.Series, v)
	}
	if left := subject.LeftOut; len(left) > 0 && len(s.Series) > 0 {
		first := &s.Series[0] // they have no view; the first series lists them
		for _, p := range left {
			first.Rejections = append(first.Rejections, result.Rejection{Subject: id, View: first.View, Photo: p.Photo, Stage: leftOutStage, Reason: p.Reason()})
		}
	}
	if err := result.SaveSubject(dir, s); err != nil {
		return s, err
	}
	sum, err := files.Hash(filepath.Join(dir, result.SubjectFile))
	if err != nil {
		return s, err
	}
	if err := result.WriteJSON(filepath.Join(dir, provenanceFile), provenance{sum, g.seals}); err != nil {
		return s, err
	}
	return s, report.WriteSubject(dir, s)
}

// leftOutStage is the stage of photos that belong to no session.
const leftOutStage = "input"

// tableOrder is anatomical for zones and that of the catalogue for metrics.
func tableOrder() result.Order {
	o := result.Order{Views: []string{study.ViewFront, "left45", "right45", "left90", "right90"}, Zones: study.ZoneNames}
	for _, m := range metrics.All() {
		o.Metrics = append(o.Metrics, m.Name)
	}
	return o
}
