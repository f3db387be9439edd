package pipeline

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/report"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Remove takes a person out of the folder out: the pictures, the report, the rows in
// all tables, and what an unfinished run has left there. It tells whether the person
// was there.
func Remove(ctx context.Context, out, id string) (found bool, err error) {
	waiting := countFinished(out) > 0
	if err := hasResults(out); err != nil && !waiting {
		return false, err
	}
	o, err := openOutdir(out)
	if err != nil {
		return false, err
	}
	defer o.close()
	if filepath.IsLocal(id) && id == filepath.Base(id) {
		if found, err = o.forget(id); err != nil {
			return found, err
		}
	}
	if !slices.Contains(o.earlier.ids(), id) {
		return found, nil
	}
	if err := o.without(ctx, id); err != nil {
		return true, err
	}
	return true, o.commit(append(staleCohort(out), id))
}

// without stages tables, record and index of all persons but one.
func (o *outdir) without(ctx context.Context, id string) (err error) {
	rec, err := createRecord(o.stage("new", runFile), o.earlier.runRecord)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rec.close()) }()
	old := openTimings(o.path)
	defer old.close()
	times, err := createTimings(o.stage("new", timingsFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, times.close()) }()
	tables, err := result.CreateTables(o.stage("new"), tableOrder())
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, tables.Close())
		rec.tables = tables.SHA256()
	}()
	index := report.NewIndex(o.earlier.Study, o.earlier.Version)
	for _, other := range o.earlier.ids() {
		if other == id {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		dir := filepath.Join(o.path, other)
		s, err := result.LoadSubject(dir)
		if err != nil {
			return err
		}
		if err := tables.Add(s); err != nil {
			return err
		}
		if err := errors.Join(rec.add(s, dir), times.add(other, old.of(other))); err != nil {
			return err
		}
		index.Clinic = o.earlier.clinic(s)
		index.Add(s)
	}
	return report.WriteIndex(o.stage("new"), index)
}
