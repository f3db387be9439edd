package study

import (
	"fmt"
	"slices"
)

// Covers tells whether signed statements allow a scope on a day, and if not, why.
//
// A statement holds from the day of its signature to its last day, that included.
// A withdrawal ends, from its day on, every statement of that scope that was
// signed up to then, so that an older paper does not outlive it; a later
// signature allows anew.
func Covers(cs []Consent, scope string, on Date) (bool, string) {
	var withdrawn Date
	for _, c := range cs {
		if slices.Contains(c.Scope, scope) && !c.Withdrawn.IsZero() && !c.Withdrawn.After(on) && c.Withdrawn.After(withdrawn) {
			withdrawn = c.Withdrawn
		}
	}
	// ended is the first withdrawal since a signature.
	ended := func(signed Date) Date {
		first := withdrawn
		for _, c := range cs {
			if w := c.Withdrawn; slices.Contains(c.Scope, scope) && !w.IsZero() && !w.Before(signed) && w.Before(first) {
				first = w
			}
		}
		return first
	}
	reason := fmt.Sprintf("no consent for %s is recorded", scope)
	rank := 0 // of the reason: the one nearest to consent is told
	tell := func(r int, format string, args ...any) {
		if r > rank {
			rank, reason = r, fmt.Sprintf(format, args...)
		}
	}
	for _, c := range cs {
		switch {
		case !slices.Contains(c.Scope, scope):
		case c.Signed.IsZero():
			tell(1, "consent for %s is not signed", scope)
		case c.Signed.After(on):
			tell(2, "consent for %s was signed on %s, later than %s", scope, c.Signed, on)
		case !withdrawn.IsZero() && !c.Signed.After(withdrawn):
			tell(4, "consent for %s was withdrawn on %s", scope, ended(c.Signed))
		case !c.Expires.IsZero() && c.Expires.Before(on):
			tell(3, "consent for %s expired on %s", scope, c.Expires)
		default:
			return true, ""
		}
	}
	return false, reason
}
