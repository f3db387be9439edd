package pipeline

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

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
	for _, id := range all {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		s, took, measured, err := b.person(id, old.of(id))
		if err != nil {
			return nil, err
		}
		if err := tables.Add(s); err != nil {
			return nil, err
		}
		dir := filepath.Join(b.out.path, id)
		if measured {
			dir = b.out.stage("new", id)
		}
		if err := errors.Join(rec.add(s, dir), times.add(id, took)); err != nil {
			return nil, err
		}
		index.Add(s)
		if measured {
			b.summary.Subjects = append(b.summary.Subjects, summarise(b.out.path, s))
			for _, v := range s.Series {
				b.summary.Rejections = append(b.summary.Rejections, v.Rejections...)
			}
		}
	}
	index.Clinic = b.study.Clinic.Name
	if err := report.WriteIndex(b.out.stage("new"), index); err != nil {
		return nil, err
	}
	return append(remove, staleCohort(b.out.path)...), nil
}

// person gives one person's results: assembled, written and reported if the
// person belongs to this run, else those of the earlier one. Of the times, those of
// series that were not measured now are in old.
func (b *batch) person(id string, old map[string]seriesTiming) (s result.Subject, times map[string]seriesTiming, measured bool, err error) {
	subject := b.subject(id)
	if subject == nil {
		s, err = result.LoadSubject(filepath.Join(b.out.path, id))
		return s, old, false, err
	}
	dir, err := b.out.fresh(id)
	if err != nil {
		return s, nil, true, err
	}
	g, err := b.gather(id, dir)
	if err != nil {
		return s, nil, true, err
	}
	s, times = b.describe(subject), map[string]seriesTiming{}
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
		return s, nil, true, err
	}
	sum, err := files.Hash(filepath.Join(dir, result.SubjectFile))
	if err != nil {
		return s, nil, true, err
	}
	if err := result.WriteJSON(filepath.Join(dir, provenanceFile), provenance{sum, g.seals}); err != nil {
		return s, nil, true, err
	}
	return s, times, true, report.WriteSubject(dir, s)
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
