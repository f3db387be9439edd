package pipeline

import (
	"context"

	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// coverage tells whose consent covers what on a day: as manifests and ledger of a
// study say it now or, without a study, as it was when the person was measured.
type coverage struct {
	register *consent.Register // nil without a study
	on       study.Date
}

func newCoverage(ctx context.Context, st *study.Study, on study.Date) (coverage, error) {
	c := coverage{on: on}
	if st == nil {
		return c, nil
	}
	var err error
	c.register, err = consent.NewRegister(ctx, st)
	return c, err
}

// covers asks for the person in a folder of results, whose name is id.
func (c coverage) covers(id string, s result.Subject, scope string) (ok bool, why string) {
	if c.register != nil {
		return c.register.Permits(id, scope, c.on)
	}
	return study.Covers(statements(s.Consents), scope, c.on)
}

// stillCovers asks again for all persons that an output shows, just before it is put in
// place: making it takes a while, in which somebody may have withdrawn.
func stillCovers(ctx context.Context, st *study.Study, on study.Date, scope string, shown []string) error {
	now, err := newCoverage(ctx, st, on)
	if err != nil {
		return err
	}
	for _, id := range shown {
		if ok, why := now.register.Permits(id, scope, on); !ok {
			return usagef("%s: %s while this was made; nothing was written, start again", id, why)
		}
	}
	return nil
}

// statements are recorded consents as consent is judged. A date that is not one
// withdraws, and neither signs nor prolongs.
func statements(recorded []result.Consent) []study.Consent {
	var all []study.Consent
	for _, c := range recorded {
		s := study.Consent{Scope: c.Scope}
		valid := true
		for _, d := range []struct {
			to   *study.Date
			from string
		}{{&s.Signed, c.Signed}, {&s.Expires, c.Expires}, {&s.Withdrawn, c.Withdrawn}} {
			if d.from == "" {
				continue
			}
			date, err := study.ParseDate(d.from)
			*d.to, valid = date, valid && err == nil
		}
		if !valid {
			s.Signed = study.Date{}
		}
		all = append(all, s)
	}
	return all
}
