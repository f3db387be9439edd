package report

import (
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// summaryView is the first page of a series: what a clinician reads in two
// minutes, on one sheet of A4 when printed. So its lists are cut, and say so.
type summaryView struct {
	Dense     bool   // so much is to be said that pictures are printed smaller
	Shape     string // of the pictures: wide, tall or narrow, for their size in print
	Minis     []mini
	Course    courseView
	Notes     []string
	MoreNotes string
	Refused   []summaryLine
	Cut       string // how many refusals are left for the details
	Advice    []string
	MoreAdv   string
	Phase     string
	Trials    []trial
}

// summaryLine is a refusal in short.
type summaryLine struct{ What, Why string }

// What fits on the sheet.
const (
	summaryFlags    = 4
	summaryNotes    = 3
	summaryRefused  = 5
	summaryAdvice   = 3
	summaryRunes    = 140
	denseRunes      = 84 // two lines, where much is to be said
	summaryBeside   = 4  // metrics
	summaryTileRows = 3
)

func newSummaryView(s result.Series, subject result.Subject, verdict verdictView, refusals refusalView, w, h int) summaryView {
	v := summaryView{Shape: shape(w, h), Course: newCourseView(s, subject.Treatments)}
	v.Minis = newMinis(s, subject.Treatments)
	v.Notes, v.MoreNotes = firstOf(subject.Notes, summaryNotes)
	v.Advice, v.MoreAdv = firstOf(s.Protocol, summaryAdvice)
	all := refusals.short()
	if n := len(all) - summaryRefused; n > 0 {
		all, v.Cut = all[:summaryRefused], tell("summary.more", n)
	}
	v.Refused = all
	v.Phase = phase(s)
	v.Trials = trialsAt(s, subject.Treatments)
	if v.Dense = v.crowded(verdict); v.Dense {
		for i, r := range v.Refused {
			v.Refused[i].Why = brief(r.Why, denseRunes-len([]rune(r.What)))
		}
		for i, a := range v.Advice {
			v.Advice[i] = brief(a, denseRunes)
		}
	}
	return v
}

// brief is a text from outside, cut between words to at most so many runes.
func brief(s string, limit int) string {
	whole := []rune(plain(s, reasonRunes))
	if len(whole) <= limit {
		return string(whole)
	}
	cut := max(limit, 1)
	for i := cut; i > cut/2; i-- {
		if whole[i] == ' ' {
			cut = i
			break
		}
	}
	return strings.TrimRight(string(whole[:cut]), " ,;:(") + "…"
}

// What the sheet holds in lines of text beside pictures of full size, where the
// longest of its three columns counts.
const (
	linesOfSheet = 23
	runesOfLine  = 46 // of a column
)

// crowded estimates whether the sheet would run over.
func (v summaryView) crowded(verdict verdictView) bool {
	lines := func(texts ...string) int {
		n := 0
		for _, s := range texts {
			n += 1 + len([]rune(s))/runesOfLine
		}
		return n
	}
	course := lines(v.Notes...) + lines(v.Phase)
	for _, r := range v.Course.Rows {
		course += 1 + min(1, len(r.Depth)/16)
	}
	for _, l := range v.Course.Lines {
		course += lines(l.Text)
	}
	refused := lines(v.Advice...)
	for _, r := range v.Refused {
		refused += lines(r.What + " " + r.Why)
	}
	trials := 3
	for _, t := range v.Trials {
		trials += lines(t.About + " " + t.Text + " " + t.Source)
	}
	tiles := 0
	for _, t := range verdict.Tiles {
		for _, l := range t.Lines {
			tiles += lines(l.Metric + " " + l.Zones + " " + l.Why + l.Qualifiers)
		}
	}
	tiles += lines(verdict.Beside...)
	return max(course, refused, trials)+2*len(verdict.Flags)+max(0, tiles-20) > linesOfSheet
}

// shape tells how high pictures are for their width: two of them beside one
// another must not take more than a third of the sheet.
func shape(w, h int) string {
	switch {
	case w <= 0 || 10*h <= 14*w:
		return "wide"
	case 10*h <= 19*w:
		return "tall"
	}
	return "narrow"
}

// firstOf is the first n texts, cut to a line or two, and how many are left.
func firstOf(list []string, n int) (texts []string, more string) {
	if left := len(list) - n; left > 0 {
		list, more = list[:n], tell("summary.more", left)
	}
	for _, s := range list {
		texts = append(texts, brief(s, summaryRunes))
	}
	return texts, more
}

// short lists everything refused, what costs most first: sessions, photos, checks,
// values.
func (v refusalView) short() []summaryLine {
	var list []summaryLine
	for _, g := range v.Visits {
		list = append(list, summaryLine{g.What, brief(g.Why, summaryRunes)})
	}
	for _, g := range v.Rejections {
		list = append(list, summaryLine{brief(g.Where, summaryRunes), brief(g.Why, summaryRunes)})
	}
	for _, g := range v.Checks {
		first, _, _ := strings.Cut(g.Where, "; ")
		list = append(list, summaryLine{g.What, brief(g.Why+": "+first, summaryRunes)})
	}
	for _, g := range v.Measures {
		list = append(list, summaryLine{g.What, brief(g.Why, summaryRunes)})
	}
	return list
}

// visitOfVerdict is the index of the visit that the primary verdicts compare with
// the baseline, the latest of them; else that of the latest comparable visit; -1
// where there is nothing to compare.
func visitOfVerdict(s result.Series) int {
	base, found := baseline(s.Visits), -1
	for i, v := range s.Visits {
		for _, t := range s.Trends {
			if i != base && t.Role == rolePrimary && t.LatestSession == v.Session {
				found = i
			}
		}
	}
	for i := len(s.Visits) - 1; found < 0 && i >= 0; i-- {
		if i != base && s.Visits[i].Comparable {
			found = i
		}
	}
	return found
}

// phase says what the skin does at the time of the compared photo, which decides
// what may be read from it.
func phase(s result.Series) string {
	i := visitOfVerdict(s)
	if i < 0 || s.Visits[i].DaysSinceTreatment == nil {
		return ""
	}
	d := *s.Visits[i].DaysSinceTreatment
	switch {
	case d <= acuteDays:
		return tell("summary.phase_acute", d)
	case d < settledDays:
		return tell("summary.phase_healing", d)
	case d < endPointDays:
		return tell("summary.phase_remodelling", d)
	}
	return tell("summary.phase_late", d)
}

// Days since the last treatment: reactions to the needling itself; redness still
// possible; earliest end point for efficacy.
const (
	acuteDays    = 7
	settledDays  = 21
	endPointDays = 90
)

func joinLines(list []string) string { return strings.Join(list, "; ") }
