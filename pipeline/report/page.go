package report

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// fact is one line of a description list.
type fact struct{ Name, Value string }

// subjectView is the page of one subject.
type subjectView struct {
	ID, Study, Clinic, Version string
	Internal                   bool
	Facts                      []fact
	Notes                      []string
	Treatments                 []treatmentView
	Series                     []seriesView
	Missing                    []string // pictures that could not be shown
	Method                     []fact
	Catalogue                  []catalogueEntry
}

type treatmentView struct{ Date, Session, Device, Passes, Depth, Adjunct string }

type catalogueEntry struct {
	Name, Column, Unit, Direction, Doc, Source string
	Minor                                      bool // secondary only: not on paper
}

// seriesView is one view of a subject on the page.
type seriesView struct {
	ID       string // prefix of the ids of its elements
	View     string
	Facts    []fact
	Protocol []string
	Notes    []string
	Summary  summaryView
	Verdict  verdictView
	Viewer   viewerView
	History  historyView
	Charts   []metricCharts // of the metrics that carry a verdict
	Others   []metricCharts
	Refusals refusalView
	Edits    []editView
	Tables   tablesView
}

func subjectPage(g *gallery, s result.Subject) *subjectView {
	page := &subjectView{
		ID: plain(s.ID, nameRunes), Study: plain(s.Study, nameRunes), Clinic: plain(s.Clinic, nameRunes),
		Version: plain(s.Version, nameRunes), Internal: s.Internal,
		Facts: subjectFacts(s), Notes: plainAll(s.Notes),
		Missing: g.missing,
	}
	for _, t := range s.Treatments {
		page.Treatments = append(page.Treatments, treatmentRow(t))
	}
	for i, series := range s.Series {
		page.Series = append(page.Series, newSeriesView("v"+strconv.Itoa(i), series, s, g))
	}
	page.Method = method(s)
	page.Catalogue = catalogueOf(s)
	return page
}

func newSeriesView(id string, s result.Series, subject result.Subject, g *gallery) seriesView {
	v := seriesView{
		ID: id, View: name("view", s.View),
		Facts: seriesFacts(s), Protocol: plainAll(s.Protocol), Notes: plainAll(s.Notes),
		Verdict:  newVerdictView(s),
		Viewer:   newViewerView(id, s, g),
		Refusals: newRefusalView(s, g),
		Edits:    newEditViews(s.Edits),
		Tables:   newTablesView(s),
	}
	v.Charts, v.Others = newCharts(s, subject.Treatments)
	v.Summary = newSummaryView(s, subject, v.Verdict, v.Refusals, v.Viewer.W, v.Viewer.H)
	v.History = newHistoryView(s, g)
	return v
}

func plainAll(list []string) []string {
	var out []string
	for _, s := range list {
		out = append(out, plain(s, reasonRunes))
	}
	return out
}

func subjectFacts(s result.Subject) []fact {
	var dates, sessions []string
	for _, series := range s.Series {
		for _, v := range series.Visits {
			if v.Date != "" {
				dates = append(dates, v.Date)
			}
			sessions = append(sessions, v.Session)
		}
	}
	slices.Sort(dates)
	slices.Sort(sessions)
	list := []fact{
		{tell("fact.study"), orDash(s.Study)},
		{tell("fact.period"), tell("fact.period_none")},
		{tell("fact.sessions"), strconv.Itoa(len(slices.Compact(sessions)))},
		{tell("fact.treatments"), tell("fact.treatments_none")},
	}
	if len(dates) > 0 {
		list[1].Value = plain(dates[0], nameRunes) + " – " + plain(dates[len(dates)-1], nameRunes)
	}
	if n := len(s.Treatments); n > 0 {
		list[3].Value = strconv.Itoa(n)
	}
	if s.Clinic != "" {
		list = append(list, fact{tell("fact.clinic"), plain(s.Clinic, nameRunes)})
	}
	return append(list, fact{tell("fact.version"), orDash(s.Version)})
}

func seriesFacts(s result.Series) []fact {
	scale := tell("scale.none")
	if s.PxPerMM.Known() && s.PxPerMM > 0 {
		scale = tell("scale.known", num(s.PxPerMM), name("scale_source", s.Scale))
		if s.PxPerMMRelSD.Known() && s.PxPerMMRelSD > 0 {
			scale += tell("scale.sd", strconv.FormatFloat(float64(s.PxPerMMRelSD)*100, 'g', 2, 64))
		} else {
			scale += tell("scale.sd_unknown")
		}
	}
	tone := tell("tone.none")
	if s.ITADeg.Known() {
		tone = tell("tone.known", num(s.ITADeg))
		switch {
		case s.ITADeg < -30:
			tone += " " + tell("tone.very_dark")
		case s.ITADeg < 10:
			tone += " " + tell("tone.dark")
		}
	}
	return []fact{{tell("fact.scale"), scale}, {tell("fact.tone"), tone}}
}

func treatmentRow(t result.Treatment) treatmentView {
	v := treatmentView{
		Date: orDash(t.Date), Session: orDash(t.Session), Device: orDash(t.Device), Adjunct: orDash(t.Adjunct),
		Passes: dash, Depth: dash,
	}
	if t.Passes > 0 {
		v.Passes = strconv.Itoa(t.Passes)
	}
	var depths []string
	for _, zone := range zoneOrder(slices.Sorted(maps.Keys(t.DepthMM))) {
		depths = append(depths, name("zone", zone)+" "+withUnit(num(result.Number(t.DepthMM[zone])), "mm"))
	}
	if len(depths) > 0 {
		v.Depth = strings.Join(depths, ", ")
	}
	return v
}

func method(s result.Subject) []fact {
	var sources, inputs []string
	for _, series := range s.Series {
		for _, t := range series.Trends {
			if t.SDCSource != "" {
				sources = append(sources, plain(t.SDCSource, reasonRunes))
			}
		}
		for photo, hash := range series.InputSHA256 {
			inputs = append(inputs, plain(photo, nameRunes)+" "+plain(hash, nameRunes))
		}
	}
	slices.Sort(sources)
	slices.Sort(inputs)
	list := []fact{
		{tell("fact.version"), orDash(s.Version)},
		{tell("fact.opencv"), orDash(s.OpenCV)},
		{tell("fact.settings"), orDash(s.Settings)},
		{tell("fact.sdc_source"), orDash(strings.Join(slices.Compact(sources), "; "))},
	}
	for _, in := range slices.Compact(inputs) {
		list = append(list, fact{tell("fact.input"), in})
	}
	return list
}

// catalogueOf explains the metrics that the report shows.
func catalogueOf(s result.Subject) []catalogueEntry {
	var names []string
	major := map[string]bool{}
	for _, series := range s.Series {
		for _, m := range series.Measurements {
			names = append(names, m.Metric)
		}
		for _, t := range series.Trends {
			names = append(names, t.Metric)
			major[t.Metric] = major[t.Metric] || t.Role != roleSecondary
		}
	}
	var list []catalogueEntry
	for _, n := range metricOrder(names) {
		m, known := catalogue[n]
		if !known {
			continue
		}
		list = append(list, catalogueEntry{
			name("metric", n), n, name("unit", m.Unit), name("direction", strconv.Itoa(int(m.Direction))), m.Doc, m.Source, !major[n],
		})
	}
	return list
}

func orDash(s string) string {
	if s = plain(s, reasonRunes); s != "" {
		return s
	}
	return dash
}

// when is the date of a visit, or its day where the date is not known.
func when(v result.Visit) string {
	day := tell("visit.day", v.Day)
	if v.Date == "" {
		return day
	}
	return plain(v.Date, nameRunes) + ", " + day
}

func visitLabel(v result.Visit) string {
	label := orDash(v.Session) + " · " + when(v)
	if v.DaysSinceTreatment != nil {
		label += ", " + tell("visit.since_treatment", *v.DaysSinceTreatment)
	}
	return label
}

// dayOf is the day of a date since the baseline of the visits; false where a
// date is missing or cannot be read.
func dayOf(date string, visits []result.Visit) (int, bool) {
	i := baseline(visits)
	if i < 0 {
		return 0, false
	}
	d, err1 := time.Parse(time.DateOnly, date)
	b, err2 := time.Parse(time.DateOnly, visits[i].Date)
	if err1 != nil || err2 != nil {
		return 0, false
	}
	return int(d.Sub(b).Hours()/24) + visits[i].Day, true
}
