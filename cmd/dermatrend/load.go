package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// loadStudy reads a study and, before any photo is opened, refuses it for
// everything that is wrong in its manifests. Photos that are missing or cannot
// be used only cost themselves: they are told now, and listed with the results.
// Where only some persons are asked for, the manifests of others may be wrong.
func loadStudy(in *invocation, root string, only []string) (*study.Study, error) {
	st, err := study.Load(root, studyOptions())
	var problems study.Problems
	if err != nil && !errors.As(err, &problems) {
		return nil, err
	}
	var grave study.Problems
	for _, p := range problems {
		if p.Photo == "" && (p.Subject == "" || len(only) == 0 || slices.Contains(only, p.Subject)) {
			grave = append(grave, p)
		}
	}
	if len(grave) > 0 {
		return nil, problems
	}
	for _, p := range problems {
		fmt.Fprintf(in.stderr, "dermatrend: %s\n", p)
	}
	for _, n := range st.Notes {
		if n.Subject == "" {
			fmt.Fprintf(in.stderr, "dermatrend: note: %s\n", n.Text)
		}
	}
	return st, nil
}

// ledgerStudy is the study that a command asks for consent and enters its output into;
// nil where none is given, which the pipeline explains.
func ledgerStudy(in *invocation, root string) (*study.Study, error) {
	if root == "" {
		return nil, nil
	}
	return loadStudy(in, root, nil)
}

func studyOptions() study.Options {
	o := study.Options{Today: study.NewDate(time.Now().Date())}
	for _, m := range metrics.All() {
		o.Metrics = append(o.Metrics, m.Name)
	}
	return o
}
