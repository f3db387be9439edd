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
	AsOf    study.Date      // day on which consent is looked at; must be given
	Study   *study.Study    // asked for consent; its ledger gets the cohort
	By      string          // who makes the cohort, for the ledger
	Windows []cohort.Window // days after the last treatment; nil: cohort.DefaultWindows
	Alpha   float64         // level of adjusted p-values; 0: cohort.DefaultAlpha
}

// CohortSummary is a cohort with what the terminal is told: it names persons.
type CohortSummary struct {
	result.Cohort
	Excluded []Excluded // whose consent does not cover it
	consent.Receipt
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
func WriteCohort(ctx context.Context, out string, opts CohortOptions) (sum CohortSummary, err error) {
	if err := hasResults(out); err != nil {
		return sum, err
	}
	data, err := os.ReadFile(filepath.Join(out, runFile))
	if err != nil {
		return sum, err
	}
	o, err := openOutdir(out)
	if err != nil {
		return sum, err
	}
	defer o.close()
	if err := claimCohort(out); err != nil {
		return sum, err
	}
	key := sha256.Sum256(data) // it holds the hashes of all photos, so nobody guesses it
	register, err := askConsent(ctx, o, opts.Study)
	if err != nil {
		return sum, err
	}
	var shown []string
	c, err := cohort.New(cohort.Options{
		Study: o.earlier.Study, AsOf: opts.AsOf,
		Covers: func(s result.Subject) (bool, string) {
			ok, why := register.Permits(s.ID, scopeResearch, opts.AsOf)
			if ok {
				shown = append(shown, s.ID)
			} else {
				sum.Excluded = append(sum.Excluded, Excluded{s.ID, why})
			}
			return ok, why
		}, Primary: o.earlier.Settings.Primary,
		Windows: opts.Windows, Alpha: opts.Alpha, Key: key[:],
	})
	if err != nil {
		return sum, usagef("%w", err)
	}
	for _, id := range o.earlier.ids() {
		if ctx.Err() != nil {
			return sum, context.Cause(ctx)
		}
		s, err := result.LoadSubject(filepath.Join(out, id))
		if err != nil {
			return sum, err
		}
		if err := c.Add(s); err != nil {
			if errors.As(err, new(cohort.MixedError)) {
				err = usagef("%w", err)
			}
			return sum, err
		}
	}
	if len(shown) == 0 {
		return sum, usagef("nobody's consent covers %s on %s: there is no cohort, and what an earlier one has written stays", scopeResearch, opts.AsOf)
	}
	if sum.Cohort, err = c.Result(); err != nil {
		return sum, err
	}
	if err := result.WriteCohort(o.stage("new"), sum.Cohort); err != nil {
		return sum, err
	}
	if err := report.WriteCohort(o.stage("new"), sum.Cohort); err != nil {
		return sum, err
	}
	// The key stays at the clinic: it is no export, and is staged beside the others
	// when these have been entered into the ledger.
	place := func() error {
		if err := result.WriteCohortKey(o.stage("new"), c.Codes()); err != nil {
			return err
		}
		if err := o.commit(nil); err != nil {
			return fmt.Errorf("%s: %w", out, err)
		}
		return nil
	}
	if ctx.Err() != nil {
		return sum, context.Cause(ctx)
	}
	e := consent.Entry{Subjects: shown, Scope: scopeResearch, AsOf: opts.AsOf.String(), By: opts.By, Note: "cohort"}
	sum.Receipt, err = consent.Release(ctx, opts.Study, e, o.stage("new"), out, place)
	return sum, changedMeanwhile(err)
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
