package pipeline

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/report"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Report renders the reports in the folder out again from the results there.
func Report(ctx context.Context, out string) ([]SubjectSummary, error) {
	if err := hasResults(out); err != nil {
		return nil, err
	}
	o, err := openOutdir(out)
	if err != nil {
		return nil, err
	}
	defer o.close()
	var all []SubjectSummary
	index := report.Index{StudyName: o.earlier.Study, Version: o.earlier.Version}
	for _, id := range o.earlier.ids() {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		old := filepath.Join(out, id)
		s, err := result.LoadSubject(old)
		if err != nil {
			return nil, err
		}
		dir := o.stage("new", id)
		if err := link(old, dir); err != nil {
			return nil, err
		}
		if err := report.WriteSubject(dir, s); err != nil {
			return nil, err
		}
		all = append(all, summarise(out, s))
		index.Clinic = s.Clinic
		addToIndex(&index, s)
	}
	if err := report.WriteIndex(o.stage("new"), index); err != nil {
		return nil, err
	}
	return all, o.commit(nil)
}

// addToIndex puts what the index shows of a person into it: the rows that make
// results large are left behind.
func addToIndex(index *report.Index, s result.Subject) {
	s.Series = slices.Clone(s.Series)
	for i := range s.Series {
		v := &s.Series[i]
		v.Measurements, v.Objects, v.Comparability, v.Alignments, v.InputSHA256 = nil, nil, nil, nil, nil
	}
	index.Subjects = append(index.Subjects, s)
}
