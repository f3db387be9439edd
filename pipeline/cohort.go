package pipeline

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dermatrend/dermatrend/pipeline/cohort"
	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/report"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// CohortOptions say how the persons of an output folder are analysed together.
type CohortOptions struct {
	AsOf study.Date // day on which consent is looked at; must be given
	// Study, where given, is asked for consent as its manifests and ledger say it
	// now, and its ledger gets the cohort; without it, consent is what it was when the
	// person was measured.
	Study   *study.Study
	By      string          // who makes the cohort, for the ledger
	Windows []cohort.Window // days after the last treatment; nil: cohort.DefaultWindows
	Alpha   float64         // level of adjusted p-values; 0: cohort.DefaultAlpha
}

// Window is a number of days after the last treatment, with its tolerance.
type Window = cohort.Window

// cohortFiles are what a cohort consists of, beside the pictures in the folder of
// its figures.
var cohortFiles = []string{result.CohortFile, result.CohortFlowFile, result.CohortClaimsFile, result.CohortKeyFile, "cohort.html", "figures"}

// WriteCohort analyses the persons of an output folder whose consent covers
// research, and writes cohort.csv, cohort_flow.csv, cohort_claims.csv, the report
// cohort.html with its figures, and cohort-key.csv, which names who is behind a
// code and must not be given away. It needs no photos. The same results on the
// same day give the same bytes; other results give other codes.
//
// All is written whole or not at all. A person who was measured with another version or other settings
// than the rest is an error that says how to mend it.
func WriteCohort(ctx context.Context, out string, opts CohortOptions) (result.Cohort, error) {
	if err := hasResults(out); err != nil {
		return result.Cohort{}, err
	}
	data, err := os.ReadFile(filepath.Join(out, runFile))
	if err != nil {
		return result.Cohort{}, err
	}
	o, err := openOutdir(out)
	if err != nil {
		return result.Cohort{}, err
	}
	defer o.close()
	if err := claimCohort(out); err != nil {
		return result.Cohort{}, err
	}
	key := sha256.Sum256(data) // it holds the hashes of all photos, so nobody guesses it
	consents, err := newCoverage(ctx, opts.Study, opts.AsOf)
	if err != nil {
		return result.Cohort{}, err
	}
	var shown []string
	c, err := cohort.New(cohort.Options{
		Study: o.earlier.Study, AsOf: opts.AsOf,
		Covers: func(s result.Subject) (bool, string) {
			ok, why := consents.covers(s.ID, s, scopeResearch)
			if ok {
				shown = append(shown, s.ID)
			}
			return ok, why
		}, Primary: o.earlier.Settings.Primary,
		Windows: opts.Windows, Alpha: opts.Alpha, Key: key[:],
	})
	if err != nil {
		return result.Cohort{}, usagef("%w", err)
	}
	for _, id := range o.earlier.ids() {
		if ctx.Err() != nil {
			return result.Cohort{}, context.Cause(ctx)
		}
		s, err := result.LoadSubject(filepath.Join(out, id))
		if err != nil {
			return result.Cohort{}, err
		}
		if err := c.Add(s); err != nil {
			if errors.As(err, new(cohort.MixedError)) {
				err = usagef("%w", err)
			}
			return result.Cohort{}, err
		}
	}
	all, err := c.Result()
	if err != nil {
		return result.Cohort{}, err
	}
	if err := result.WriteCohort(o.stage("new"), all); err != nil {
		return result.Cohort{}, err
	}
	if err := report.WriteCohort(o.stage("new"), all); err != nil {
		return result.Cohort{}, err
	}
	if opts.Study != nil && len(shown) > 0 {
		if err := stillCovers(ctx, opts.Study, opts.AsOf, scopeResearch, shown); err != nil {
			return result.Cohort{}, err
		}
		e := consent.Entry{Subjects: shown, Scope: scopeResearch, AsOf: opts.AsOf.String(), By: opts.By, Note: "cohort"}
		if _, err := consent.Record(ctx, opts.Study.Root, e, o.stage("new"), out); err != nil {
			return result.Cohort{}, err
		}
	}
	if err := result.WriteCohortKey(o.stage("new"), c.Codes()); err != nil {
		return result.Cohort{}, err
	}
	if ctx.Err() != nil {
		return result.Cohort{}, context.Cause(ctx)
	}
	if err := o.commit(nil); err != nil {
		return result.Cohort{}, fmt.Errorf("%s: %w", out, err)
	}
	return all, nil
}

// staleCohort names what a cohort of earlier results has left in the folder, which
// new results make wrong.
func staleCohort(out string) []string {
	if _, err := os.Lstat(filepath.Join(out, result.CohortKeyFile)); err != nil {
		return nil
	}
	return cohortFiles
}

// claimCohort refuses to write over anything that no earlier cohort has written.
func claimCohort(out string) error {
	if _, err := os.Lstat(filepath.Join(out, result.CohortKeyFile)); err == nil {
		return nil
	}
	for _, name := range cohortFiles {
		if _, err := os.Lstat(filepath.Join(out, name)); !errors.Is(err, fs.ErrNotExist) {
			return usagef("output folder: %s is there already and was not written by dermatrend", filepath.Join(out, name))
		}
	}
	return nil
}
