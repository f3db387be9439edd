package study

import "fmt"

// baselines refuses a session before the first marked baseline, and a marked
// baseline that is not untreated.
func (r *reader) baselines(sessions []Session, at []*node) {
	var first *Session
	for i, s := range sessions {
		if s.Baseline && !s.Date.IsZero() && (first == nil || s.Date.Before(first.Date)) {
			first = &sessions[i]
		}
		if s.Baseline && len(at[i].get("photos").list()) == 0 {
			r.bad(at[i].get("role"), fmt.Sprintf("baseline %q has no photos", s.ID), "a session with photos", "")
		}
	}
	if first == nil {
		return
	}
	days := treatmentDays(sessions)
	for i, s := range sessions {
		switch {
		case s.Date.IsZero():
		case !s.Baseline && s.Date.Before(first.Date):
			r.bad(at[i].get("date"), fmt.Sprintf("date %s is before the baseline %q of %s", s.Date, first.ID, first.Date),
				"a later date, or role: baseline", "")
		case s.Baseline:
			for _, p := range s.Photos {
				if day := lastTreatment(days, s.Date, p.AfterTreatment); !day.IsZero() {
					r.bad(at[i].get("role"), fmt.Sprintf("baseline %q was photographed after the treatment of %s", s.ID, day),
						"a baseline before any treatment", "")
					break
				}
			}
		}
	}
}

// takenTimes refuses "taken" where it contradicts the dates, and views that mix
// photos from before and after a treatment in one session: they are no
// replicates.
func (r *reader) takenTimes(sessions []Session, at []*node) {
	days := treatmentDays(sessions)
	for i, s := range sessions {
		after := map[string]bool{}
		for _, n := range at[i].get("photos").list() {
			view, taken := n.get("view").str(), n.get("taken")
			isAfter := taken.str() == "after"
			if first, seen := after[view]; seen && first != isAfter {
				r.bad(n, fmt.Sprintf("session %q has photos of view %q from before and from after the treatment", s.ID, view),
					"a session of its own for the photos taken after", "")
			}
			after[view] = isAfter
			if s.Date.IsZero() || taken == nil {
				continue
			}
			own := s.Treated
			switch {
			case isAfter && own != nil && own.Date.After(s.Date):
				r.bad(taken, fmt.Sprintf("taken: after, but the treatment of %s is later than the photo of %s", own.Date, s.Date),
					"taken: before, or an earlier treatment", "")
			case isAfter && lastTreatment(days, s.Date, true).IsZero():
				r.bad(taken, fmt.Sprintf("taken: after, but no treatment is recorded up to %s", s.Date),
					"treated: {date: ...} in this or an earlier session", "")
			case taken.str() == "before" && own != nil && !own.Date.IsZero() && own.Date.Before(s.Date):
				r.bad(taken, fmt.Sprintf("taken: before, but the treatment of %s is earlier than the photo of %s", own.Date, s.Date),
					"taken: after, or a later treatment", "")
			}
		}
	}
}

// polygonViews refuses polygons for a view of which there is no photo: a
// misspelt name would otherwise lose them in silence.
func (r *reader) polygonViews(s *Subject, root *node) {
	var views []string
	for _, v := range s.Sessions {
		for _, p := range v.Photos {
			views = append(views, p.View)
		}
	}
	views = distinct(views)
	if len(views) == 0 { // then something else is wrong, and reported
		return
	}
	for _, key := range []string{"reference_skin", "zones"} {
		for _, e := range root.get(key).mapped() {
			known := false
			for _, v := range views {
				known = known || v == e.key
			}
			if !known {
				r.problems = append(r.problems, Problem{
					File: r.file, Line: e.line, Column: e.col,
					Message:  fmt.Sprintf("%s for view %q, of which there is no photo", key, e.key),
					Expected: "a view of the photos below", Hint: suggest(e.key, views),
				})
			}
		}
	}
}
