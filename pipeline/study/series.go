package study

import (
	"slices"
	"strings"
)

// Series lists the subject's series: the view front first, then the others by
// name. Each has the sessions with a photo of that view, by date; the first is
// its baseline. A marked baseline without a photo of the view cannot be that, so
// the next session takes its place.
func (s *Subject) Series() []Series {
	var views []string
	for _, v := range s.Sessions {
		for _, p := range v.Photos {
			views = append(views, p.View)
		}
	}
	slices.SortFunc(views, func(a, b string) int {
		if (a == ViewFront) != (b == ViewFront) {
			if a == ViewFront {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	days := treatmentDays(s.Sessions)
	var all []Series
	for _, view := range slices.Compact(views) {
		all = append(all, s.series(view, days))
	}
	return all
}

func (s *Subject) series(view string, days []Date) Series {
	r := Series{Subject: s, View: view, Edits: s.editsOf(view)}
	for i := range s.Sessions {
		v := SeriesSession{Session: &s.Sessions[i]}
		for _, p := range v.Session.Photos {
			if p.View == view {
				v.Photos = append(v.Photos, p)
			}
		}
		if len(v.Photos) == 0 {
			continue
		}
		after := v.Photos[0].AfterTreatment
		if last := lastTreatment(days, v.Date, after); !last.IsZero() {
			since := v.Date.DaysSince(last)
			v.DaysSinceTreatment = &since
		}
		v.Treatments = countTreatments(days, v.Date, after)
		r.Sessions = append(r.Sessions, v)
	}
	for i := range r.Sessions {
		r.Sessions[i].Day = r.Sessions[i].Date.DaysSince(r.Sessions[0].Date)
	}
	return r
}

// sortSessions puts sessions in the order of the photos: by date; on one day the
// baseline first and photos from after the treatment last; else as listed. Where
// no session is marked as baseline, the first with photos is.
func sortSessions(sessions []Session) {
	rank := func(s Session) int {
		switch {
		case s.Baseline:
			return 0
		case slices.ContainsFunc(s.Photos, func(p Photo) bool { return p.AfterTreatment }):
			return 2
		}
		return 1
	}
	slices.SortStableFunc(sessions, func(a, b Session) int {
		if c := a.Date.Compare(b.Date.Time); c != 0 {
			return c
		}
		return rank(a) - rank(b)
	})
	if slices.ContainsFunc(sessions, func(s Session) bool { return s.Baseline }) {
		return
	}
	for i := range sessions {
		if len(sessions[i].Photos) > 0 {
			sessions[i].Baseline = true
			return
		}
	}
}

// treatmentDays lists the days with a treatment, each once, in order. Two
// entries of one day are one treatment.
func treatmentDays(sessions []Session) []Date {
	var days []Date
	for _, s := range sessions {
		if s.Treated != nil && !s.Treated.Date.IsZero() {
			days = append(days, s.Treated.Date)
		}
	}
	slices.SortFunc(days, func(a, b Date) int { return a.Compare(b.Time) })
	return slices.CompactFunc(days, func(a, b Date) bool { return a.Equal(b.Time) })
}

// countTreatments counts the treatments before a photo of the given day. One of
// the same day counts only where the photo was taken after it.
func countTreatments(days []Date, photo Date, after bool) int {
	n := 0
	for _, d := range days {
		if d.Before(photo) || after && d.Equal(photo.Time) {
			n++
		}
	}
	return n
}

// lastTreatment is the last of the treatments before a photo, or zero.
func lastTreatment(days []Date, photo Date, after bool) Date {
	if n := countTreatments(days, photo, after); n > 0 {
		return days[n-1]
	}
	return Date{}
}

// distinct is the sorted set of the given words.
func distinct(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}
