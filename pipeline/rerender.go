package pipeline

import (
	"context"
	"path/filepath"

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
	index := report.NewIndex(o.earlier.Study, o.earlier.Version)
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
		index.Clinic = o.earlier.clinic(s)
		index.Add(s)
	}
	if err := report.WriteIndex(o.stage("new"), index); err != nil {
		return nil, err
	}
	return all, o.commit(nil)
}
