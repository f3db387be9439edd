package pipeline

import (
	"context"
	"errors"

	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// askConsent is the register of the study that results are of. Whatever leaves the
// clinic needs one: consent is what manifests and ledger say now, and what is in no
// ledger is found by no withdrawal.
func askConsent(ctx context.Context, results *outdir, st *study.Study) (*consent.Register, error) {
	if st == nil {
		return nil, usagef("this leaves the clinic and needs --study STUDY: its manifests and ledger say whose consent covers it, and it is entered into the ledger, so that a withdrawal finds it")
	}
	if results.earlier.Study != st.Name {
		return nil, usagef("%s holds results of the study %q, and %s is the study %q: they have to be of one study (without a name in study.yaml, a study is called like its folder)",
			results.path, results.earlier.Study, st.Root, st.Name)
	}
	return consent.NewRegister(ctx, st)
}

// changedMeanwhile explains that somebody withdrew while an output was made.
func changedMeanwhile(err error) error {
	if n := (consent.NotCoveredError{}); errors.As(err, &n) {
		return usagef("%w while this was made; nothing was written, start again", err)
	}
	return err
}
