package pipeline

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/report"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Remove takes a person out of the folder out: the pictures, the report, and the
// rows in all tables. It tells whether the person was there.
func Remove(ctx context.Context, out, id string) (found bool, err error) {
	if err := hasResults(out); err != nil {
		return false, err
	}
	o, err := openOutdir(out)
	if err != nil {
		return false, err
	}
	defer o.close()
	if !slices.Contains(o.earlier.ids(), id) {
		return false, nil
	}
	if err := o.without(ctx, id); err != nil {
		return true, err
	}
	return true, o.commit(append(staleCohort(out), id))
}

// without stages tables, record and index of all persons but one.
func (o *outdir) without(ctx context.Context, id string) (err error) {
	rec := o.earlier
	rec.Subjects, rec.Counts = []subjectRecord{}, counts{Verdicts: map[result.Verdict]int{}}
	index := report.Index{StudyName: rec.Study, Version: rec.Version}
	tables, err := result.CreateTables(o.stage("new"), tableOrder())
	if err != nil {
		return err
	}
	defer func() {
		if e := tables.Close(); err == nil {
			err = e
		}
	}()
	rest := slices.DeleteFunc(o.earlier.ids(), func(s string) bool { return s == id })
	for _, other := range rest {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s, err := result.LoadSubject(filepath.Join(o.path, other))
		if err != nil {
			return err
		}
		if err := tables.Add(s); err != nil {
			return err
		}
		rec.add(s)
		index.Clinic = s.Clinic
		addToIndex(&index, s)
	}
	if err := report.WriteIndex(o.stage("new"), index); err != nil {
		return err
	}
	if err := result.WriteJSON(o.stage("new", timingsFile), loadTimings(o.path).only(rest)); err != nil {
		return err
	}
	return result.WriteJSON(o.stage("new", runFile), &rec)
}
