package consent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Scopes of consent, in the order of tables: what each allows is in the README.
var Scopes = []string{"clinical", "research", "deidentified_report", "identifiable_report", "teaching", "marketing"}

// Register knows the statements of the manifests and the withdrawals of the
// ledger. It is asked at the moment of writing, for every person that an output
// shows.
type Register struct {
	subjects map[string]study.Subject
	order    []string
	ledger   []Entry
}

// NewRegister reads the ledger of a study, if it has one, and refuses a broken
// one: what was withdrawn could be gone from it.
func NewRegister(ctx context.Context, st *study.Study) (*Register, error) {
	l, err := Existing(st.Root)
	if l == nil || err != nil {
		return newRegister(st, nil), err
	}
	defer l.Close()
	ledger, err := l.Entries(ctx)
	return newRegister(st, ledger), err
}

func newRegister(st *study.Study, ledger []Entry) *Register {
	r := &Register{subjects: map[string]study.Subject{}, ledger: ledger}
	for _, s := range st.Subjects {
		r.subjects[s.ID] = s
		r.order = append(r.order, s.ID)
	}
	return r
}

// statements are those of the manifest and the withdrawals of the ledger. Who was
// erased has withdrawn everything: the manifest may still lie there.
func (r *Register) statements(subject string) []study.Consent {
	all := slices.Clone(r.subjects[subject].Consent)
	for _, e := range r.ledger {
		scopes := Scopes
		switch e.Kind {
		case KindWithdraw:
			scopes = []string{e.Scope}
		case KindErase:
		default:
			continue
		}
		if on, err := time.Parse(time.DateOnly, e.AsOf); err == nil && slices.Contains(e.Subjects, subject) {
			all = append(all, study.Consent{Scope: scopes, Withdrawn: study.Date{Time: on}})
		}
	}
	return all
}

// Covers tells whether a person's consent allows a scope on a day, and if not, why.
// Nobody is covered who is not in the study, or was erased and has not signed anew.
func (r *Register) Covers(subject, scope string, on study.Date) (bool, string) {
	if _, ok := r.subjects[subject]; !ok {
		return false, "not a subject of the study"
	}
	return study.Covers(r.statements(subject), scope, on)
}

// Permits tells whether something that rests on a scope may leave, and if not, why.
// The answer is that of [Register.Covers] on the day, but a withdrawal of a later day
// that is already recorded counts too: what has left cannot be fetched back.
func (r *Register) Permits(subject, scope string, on study.Date) (bool, string) {
	if ok, why := r.Covers(subject, scope, on); !ok {
		return false, why
	}
	for _, c := range r.statements(subject) {
		if slices.Contains(c.Scope, scope) && c.Withdrawn.After(on) {
			return false, fmt.Sprintf("consent for %s was withdrawn on %s", scope, c.Withdrawn)
		}
	}
	return true, ""
}

// ended is the day of the withdrawal that ended a person's consent for a scope, of
// the withdrawals up to a day the first that did; zero where none did, or where they
// have signed anew since.
func (r *Register) ended(subject, scope string, on study.Date) study.Date {
	var signed, first study.Date
	all := r.statements(subject)
	for _, c := range all {
		if slices.Contains(c.Scope, scope) && !c.Signed.After(on) && c.Signed.After(signed) {
			signed = c.Signed
		}
	}
	for _, c := range all {
		w := c.Withdrawn
		if slices.Contains(c.Scope, scope) && !w.IsZero() && !w.Before(signed) && !w.After(on) && (first.IsZero() || w.Before(first)) {
			first = w
		}
	}
	return first
}

// Erased tells whether the ledger says that a person was erased.
func (r *Register) Erased(subject string) bool {
	return slices.ContainsFunc(r.ledger, func(e Entry) bool { return e.Kind == KindErase && slices.Contains(e.Subjects, subject) })
}

// ExpiresSoon is how long before its last day a statement is told to expire.
const ExpiresSoon = 60 // days

// Standing is one person's consent on a day.
type Standing struct {
	Subject  string
	Covered  map[string]bool   // by scope
	Why      map[string]string // by scope that is not covered
	Expiring []string          // what ends within ExpiresSoon days, in words
	Retain   string            // that retain_until has come; empty otherwise
}

// Standings lists all persons in the order of the study.
func (r *Register) Standings(on study.Date) []Standing {
	var all []Standing
	for _, id := range r.order {
		s := Standing{Subject: id, Covered: map[string]bool{}, Why: map[string]string{}}
		soon := study.Date{Time: on.AddDate(0, 0, ExpiresSoon)}
		for _, scope := range Scopes {
			ok, why := r.Covers(id, scope, on)
			s.Covered[scope] = ok
			if !ok {
				s.Why[scope] = why
				continue
			}
			if last := r.lastDay(id, scope, on); !last.IsZero() && !last.After(soon) {
				s.Expiring = append(s.Expiring, fmt.Sprintf("%s after %s", scope, last))
			}
		}
		if until := r.subjects[id].RetainUntil; !until.IsZero() && until.Before(on) {
			s.Retain = fmt.Sprintf("was to be kept until %s", until)
		}
		all = append(all, s)
	}
	return all
}

// lastDay is the last day on which a scope that is covered now still is; zero where
// it does not end.
func (r *Register) lastDay(subject, scope string, on study.Date) study.Date {
	var last study.Date
	for _, c := range r.statements(subject) {
		if !slices.Contains(c.Scope, scope) {
			continue
		}
		if ok, _ := study.Covers([]study.Consent{c}, scope, on); !ok {
			continue
		}
		if c.Expires.IsZero() {
			return study.Date{}
		}
		if c.Expires.After(last) {
			last = c.Expires
		}
	}
	return last
}

// Exported lists every file that was ever exported for a person under a scope
// (empty: any), each once, by path.
func (r *Register) Exported(subject, scope string) []Artefact {
	var all []Artefact
	for _, e := range r.ledger {
		if e.shows(subject, scope) {
			all = append(all, e.Artefacts...)
		}
	}
	slices.SortFunc(all, func(a, b Artefact) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.SHA256, b.SHA256))
	})
	return slices.CompactFunc(all, func(a, b Artefact) bool { return a == b })
}

// shows tells whether an entry is an export of a person under a scope (empty: any).
func (e Entry) shows(subject, scope string) bool {
	return e.Kind == KindExport && (scope == "" || e.Scope == scope || slices.Contains(e.Also, scope)) && slices.Contains(e.Subjects, subject)
}

// stillShown tells whether the file that was last exported under a path shows a
// person under a scope (empty: any): an export may have been made again without
// them.
func (r *Register) stillShown(path, subject, scope string) bool {
	for _, e := range slices.Backward(r.ledger) {
		if e.Kind == KindExport && slices.ContainsFunc(e.Artefacts, func(a Artefact) bool { return a.Path == path }) {
			return e.shows(subject, scope)
		}
	}
	return false
}
