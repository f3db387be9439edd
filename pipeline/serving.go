package pipeline

import (
	"context"
	"errors"
	"io"

	"github.com/dermatrend/dermatrend/pipeline/report"
	"github.com/dermatrend/dermatrend/pipeline/serve"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// ServeOptions say where [Serve] answers and what it may write.
type ServeOptions struct {
	Addr string // 127.0.0.1 with a port, 0 for any that is free
	// Study loads the study as it is now: its edits are shown and added to. nil: the
	// page is for reading only.
	Study func() (*study.Study, error)
	By    string           // who edits
	Ready func(url string) // gets the URL to open, which holds the token
	Log   io.Writer        // errors of the server
}

// Serve shows the results in the folder out on a page of this machine until ctx
// ends. It writes nothing but the edits of the study.
func Serve(ctx context.Context, out string, o ServeOptions) error {
	if err := serve.CheckAddr(o.Addr); err != nil {
		return usagef("%w", err)
	}
	if err := hasResults(out); err != nil {
		return err
	}
	earlier, err := loadRun(out)
	if err != nil {
		return err
	}
	dir := ""
	if o.Study != nil {
		st, err := o.Study()
		if err != nil {
			return err
		}
		if st.Name != earlier.Study {
			return usagef("%s holds results of the study %q, and %s is the study %q: they have to be of one study", out, earlier.Study, st.Root, st.Name)
		}
		dir = st.Root
	}
	s, err := serve.Open(serve.Options{
		Out: out, Study: o.Study, StudyDir: dir, By: o.By, Log: o.Log,
		Persons: func() ([]string, error) {
			r, err := loadRun(out)
			return r.ids(), err
		},
		Words: serve.Words{Name: report.Name, Plain: report.Plain, Number: report.Number},
	})
	if err != nil {
		return err
	}
	return errors.Join(s.Serve(ctx, o.Addr, o.Ready), s.Close())
}
