package cohort

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// refusal puts why a person's consent does not cover research into words that name
// no date.
func refusal(why string) string {
	for _, known := range []struct{ words, say string }{
		{"withdrawn", "consent for research was withdrawn"},
		{"expired", "consent for research has expired"},
		{"was signed", "consent for research was signed later"},
		{"not signed", "consent for research is not signed"},
	} {
		if strings.Contains(why, known.words) {
			return known.say
		}
	}
	return "no consent for research is recorded"
}

// tally counts what reaches a step.
type tally struct{ subjects, sessions, photos int }

// flow counts persons, sessions and photos on their way into the figures.
type flow struct {
	entered, consented, usable, comparable tally
	excluded                               map[string]int // persons by reason
	refused                                map[string]int // photos by stage and reason
	acute, noTreatment                     int
}

func (f *flow) exclude(why string) {
	if f.excluded == nil {
		f.excluded = map[string]int{}
	}
	f.excluded[why]++
}

// enter counts a person of the folder.
func (f *flow) enter(s result.Subject) { f.entered.add(everything(s)) }

func (t *tally) add(o tally) {
	t.subjects, t.sessions, t.photos = t.subjects+o.subjects, t.sessions+o.sessions, t.photos+o.photos
}

// everything counts all sessions and photos of a person, used or not.
func everything(s result.Subject) tally {
	sessions, photos := map[string]bool{}, map[string]bool{}
	for i := range s.Series {
		v := &s.Series[i]
		for j := range v.Visits {
			sessions[v.Visits[j].Session] = true
			if p := v.Visits[j].Photo; p != "" {
				photos[p] = true
			}
		}
		for p := range v.InputSHA256 {
			photos[p] = true
		}
		for _, r := range v.Rejections {
			if r.Photo != "" {
				photos[r.Photo] = true
			}
		}
	}
	return tally{1, len(sessions), len(photos)}
}

// include counts a person who entered the figures.
func (f *flow) include(s result.Subject, p *person) {
	f.consented.add(everything(s))
	if f.refused == nil {
		f.refused = map[string]int{}
	}
	if len(p.treatments) == 0 {
		f.noTreatment++
	}
	sessions, photos := map[string]bool{}, map[string]bool{}
	fit, acute := map[string]bool{}, map[string]bool{}
	compared := map[string]bool{}
	for i := range s.Series {
		v := &s.Series[i]
		for j := range v.Measurements {
			m := &v.Measurements[j]
			if m.Status != result.Refused && m.Value.Known() {
				sessions[m.Session], photos[m.Photo] = true, true
			}
		}
		for j := range v.Visits {
			visit := &v.Visits[j]
			if t := visit.DaysSinceTreatment; t != nil && *t <= acuteDays {
				acute[visit.Session] = true
			} else if visit.Comparable {
				fit[visit.Session] = true
				if visit.Photo != "" {
					compared[visit.Photo] = true
				}
			}
		}
		for _, r := range v.Rejections {
			f.refused[plainReason(r, s.ID)]++
		}
	}
	f.acute += len(acute)
	if len(photos) > 0 {
		f.usable.add(tally{1, len(sessions), len(photos)})
	}
	if len(fit) > 1 { // the baseline and one more
		f.comparable.add(tally{1, len(fit), len(compared)})
	}
}

// plainReason is the stage and reason of a refusal without what could name a
// person, a file or a date: up to the first digit, name or remark.
func plainReason(r result.Rejection, subject string) string {
	why := r.Reason
	if i := strings.IndexAny(why, "0123456789(:;\"'/"); i >= 0 {
		word := i
		if strings.IndexByte("0123456789/", why[i]) >= 0 { // of a path or a file's name not its beginning either
			word = strings.LastIndexByte(why[:i], ' ') + 1
		}
		why = why[:word]
	}
	names := []string{r.Photo, r.Session, subject}
	if r.Photo != "" {
		names = append(names, path.Base(r.Photo))
	}
	for _, name := range names {
		if name != "" && strings.Contains(why, name) {
			why = ""
		}
	}
	if why = strings.TrimSpace(why); why == "" {
		return cmp.Or(r.Stage, "input")
	}
	return cmp.Or(r.Stage, "input") + ": " + why
}

// listed puts counted reasons into words, the most frequent first.
func listed(reasons map[string]int) string {
	names := slices.Sorted(maps.Keys(reasons))
	slices.SortStableFunc(names, func(a, b string) int { return reasons[b] - reasons[a] })
	var parts []string
	for _, n := range names {
		parts = append(parts, fmt.Sprintf("%d %s", reasons[n], n))
	}
	return strings.Join(parts, "; ")
}

// flowTable is how many came how far.
func (c *Cohort) flowTable() []result.FlowStep {
	f := &c.flow
	step := func(name string, t tally, before int, reason string) result.FlowStep {
		return result.FlowStep{Step: name, Subjects: t.subjects, Sessions: t.sessions, Photos: t.photos, Excluded: before - t.subjects, Reason: reason}
	}
	table := []result.FlowStep{
		step("entered", f.entered, f.entered.subjects, ""),
		step("consent_research", f.consented, f.entered.subjects, listed(f.excluded)),
	}
	refused := ""
	if len(f.refused) > 0 {
		refused = "photos refused: " + listed(f.refused)
	}
	table = append(table, step("photos_usable", f.usable, f.consented.subjects, refused))
	acute := ""
	if f.acute > 0 {
		acute = fmt.Sprintf("%d sessions on day 0 to 7 after a treatment are for safety only", f.acute)
	}
	table = append(table, step("comparable", f.comparable, f.usable.subjects, acute))
	for _, k := range c.contrasts() {
		table = append(table, c.analysed(k))
	}
	return table
}

// analysed counts the persons with a value of any metric for a contrast.
func (c *Cohort) analysed(k contrast) result.FlowStep {
	slots := map[int]map[int]bool{} // of persons: the visits used
	causes := make([]map[cause]bool, len(c.persons))
	for _, l := range c.cells {
		for i := range l.members {
			m := &l.members[i]
			slot, why := m.slot(k)
			if why != "" {
				if causes[m.person] == nil {
					causes[m.person] = map[cause]bool{}
				}
				causes[m.person][why] = true
				continue
			}
			if slots[m.person] == nil {
				slots[m.person] = map[int]bool{}
			}
			slots[m.person][slot] = true
		}
	}
	sessions := 0
	for _, s := range slots {
		sessions += len(s)
	}
	missing := map[string]int{}
	for i := range c.persons {
		if slots[i] != nil {
			continue
		}
		why := noView
		for _, first := range []cause{noValue, notInWindow, noVisit, noTreatment, noBaseline} {
			if causes[i][first] {
				why = first
				break
			}
		}
		missing[string(why)]++
	}
	return result.FlowStep{Step: k.name, Subjects: len(slots), Sessions: sessions, Excluded: len(c.persons) - len(slots), Reason: listed(missing)}
}
