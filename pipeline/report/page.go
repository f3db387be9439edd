package report

import (
	"html/template"
	"maps"
	"net/url"
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

type catalogueEntry struct{ Name, Column, Unit, Direction, Doc, Source string }

// seriesView is one view of a subject on the page.
type seriesView struct {
	ID       string // prefix of the ids of its elements
	View     string
	Facts    []fact
	Notes    []string
	Verdict  verdictView
	Viewer   viewerView
	Charts   []metricCharts // of the metrics that carry a verdict
	Others   []metricCharts
	Refusals refusalView
	Tables   tablesView
}

func subjectPage(dir string, s result.Subject) (*subjectView, error) {
	g, err := loadGallery(dir, s)
	if err != nil {
		return nil, err
	}
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
		page.Series = append(page.Series, newSeriesView("v"+strconv.Itoa(i), series, s.Treatments, g))
	}
	page.Method = method(s)
	page.Catalogue = catalogueOf(s)
	return page, nil
}

func newSeriesView(id string, s result.Series, treatments []result.Treatment, g *gallery) seriesView {
	v := seriesView{
		ID: id, View: name("view", s.View),
		Facts: seriesFacts(s), Notes: plainAll(s.Notes),
		Verdict:  newVerdictView(s),
		Viewer:   newViewerView(id, s, g),
		Refusals: newRefusalView(s),
		Tables:   newTablesView(s),
	}
	v.Charts, v.Others = newCharts(s, treatments)
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
	for _, series := range s.Series {
		for _, m := range series.Measurements {
			names = append(names, m.Metric)
		}
		for _, t := range series.Trends {
			names = append(names, t.Metric)
		}
	}
	var list []catalogueEntry
	for _, n := range metricOrder(names) {
		m, known := catalogue[n]
		if !known {
			continue
		}
		list = append(list, catalogueEntry{
			name("metric", n), n, name("unit", m.Unit), name("direction", strconv.Itoa(int(m.Direction))), m.Doc, m.Source,
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

// viewerView is the before/after slider with its strip of sessions.
type viewerView struct {
	ID            string
	W, H          int // frame of the pictures
	Base          layer
	Others        []layer
	Overlays      []overlaySwitch
	Strip         []thumb
	BarMM         int // length of the scale bar; 0 without a scale
	BarX, BarY    int
	BarW, BarH    int
	BarText       int // font size
	HasComparison bool
}

// layer is the picture of one session with what lies on it.
type layer struct {
	ID       string
	Label    string
	Alt      string
	Warning  string // why the session is not comparable
	Src      template.HTMLAttr
	Overlays []overlay
	Shown    bool
}

type overlay struct {
	Kind, Alt string
	Src       template.HTMLAttr
}

type overlaySwitch struct{ Kind, Label, Missing string }

// thumb is one session in the strip.
type thumb struct {
	Layer             string // id of its layer; empty for the baseline and where there is no picture
	Session, When     string
	Status, Note      string // Status: baseline, ok, caution, refused
	Alt               string
	Src               template.HTMLAttr
	W, H              int
	Selected, HasThum bool
}

func newViewerView(id string, s result.Series, g *gallery) viewerView {
	v := viewerView{ID: id}
	base := baseline(s.Visits)
	chosen := compared(s, g)
	have := map[string][]string{} // overlay -> sessions that lack it
	present := map[string]bool{}
	for i, visit := range s.Visits {
		label := visitLabel(visit)
		t := thumb{Session: orDash(visit.Session), When: when(visit), Note: plain(visit.Reason, reasonRunes)}
		switch {
		case i == base:
			t.Status = "baseline"
		case !visit.Comparable:
			t.Status = "refused"
			t.Note = reason(visit.Reason)
		case visit.Reason != "":
			t.Status = "caution"
		default:
			t.Status = "ok"
		}
		pic, ok := g.pictures[visit.Pictures[aligned]]
		if small, isThumb := g.thumbs[visit.Pictures[aligned]]; ok && isThumb {
			t.HasThum, t.Src, t.Alt = true, small.src(), tell("alt.thumb", label)
			t.W, t.H = thumbWidth/2, max(1, thumbWidth/2*small.h/small.w)
		}
		if ok {
			l := layer{ID: id + "-s" + strconv.Itoa(i), Label: label, Alt: tell("alt.aligned", label), Src: pic.src()}
			if t.Status == "refused" {
				l.Warning = tell("viewer.not_comparable", t.Note)
			}
			for _, kind := range overlayKinds {
				over, ok := g.pictures[visit.Pictures[kind]]
				if !ok {
					have[kind] = append(have[kind], t.Session)
					continue
				}
				present[kind] = true
				l.Overlays = append(l.Overlays, overlay{kind, tell("alt.overlay", name("overlay", kind), label), over.src()})
			}
			if i == base {
				l.Shown = true
				v.Base, v.W, v.H = l, pic.w, pic.h
			} else {
				l.Shown = i == chosen
				t.Layer, t.Selected = l.ID, l.Shown
				v.Others = append(v.Others, l)
			}
		}
		v.Strip = append(v.Strip, t)
	}
	if v.W == 0 { // nothing to compare with
		v.Others = nil
		for i := range v.Strip {
			v.Strip[i].Layer = ""
		}
	}
	v.HasComparison = len(v.Others) > 0
	for _, kind := range overlayKinds {
		if present[kind] {
			sw := overlaySwitch{Kind: kind, Label: name("overlay", kind)}
			if len(have[kind]) > 0 {
				sw.Missing = tell("viewer.overlay_missing", strings.Join(have[kind], ", "))
			}
			v.Overlays = append(v.Overlays, sw)
		}
	}
	v.scaleBar(s.PictureMMPerPx)
	return v
}

// scaleBar makes the longest round bar that takes at most a quarter of the
// picture's width.
func (v *viewerView) scaleBar(mmPerPx result.Number) {
	if v.W == 0 || !mmPerPx.Known() || mmPerPx <= 0 {
		return
	}
	for _, mm := range []int{50, 20, 10, 5, 2, 1} {
		px := float64(mm) / float64(mmPerPx)
		if px <= float64(v.W)/4 {
			v.BarMM, v.BarW = mm, int(px+0.5)
			v.BarText = max(8, v.W/36)
			v.BarH = max(2, v.W/150)
			v.BarX, v.BarY = v.W/30, v.H-v.W/30-v.BarH
			return
		}
	}
}

// BarTextY and BarTextX place the words above the bar.
func (v viewerView) BarTextY() int { return v.BarY - v.BarText/2 }

// BackX, BackY, BackW and BackH frame the bar and its words.
func (v viewerView) BackX() int { return v.BarX - v.BarText/2 }
func (v viewerView) BackY() int { return v.BarTextY() - v.BarText*5/4 }
func (v viewerView) BackW() int { return max(v.BarW, 4*v.BarText) + v.BarText }
func (v viewerView) BackH() int { return v.BarY + v.BarH + v.BarText/2 - v.BackY() }

// baseline is the index of the visit that the others are compared with; -1
// without visits.
func baseline(visits []result.Visit) int {
	for i, v := range visits {
		if v.Baseline {
			return i
		}
	}
	return min(0, len(visits)-1)
}

// compared is the visit that the slider opens with: the one of the verdict,
// else the latest comparable one, else the latest; only one with a picture.
func compared(s result.Series, g *gallery) int {
	base, best, rank := baseline(s.Visits), -1, 0
	verdict := ""
	for _, t := range s.Trends {
		if t.Role == rolePrimary && t.LatestSession != "" {
			verdict = t.LatestSession
		}
	}
	for i, v := range s.Visits {
		if _, ok := g.pictures[v.Pictures[aligned]]; !ok || i == base {
			continue
		}
		r := 1
		switch {
		case v.Session == verdict:
			r = 3
		case v.Comparable:
			r = 2
		}
		if r >= rank {
			best, rank = i, r
		}
	}
	return best
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

// indexView is the first page of an output folder.
type indexView struct {
	Study, Clinic, Version string
	Subjects               []indexRow
	Rejections             []refusalGroup
	Counts                 []indexCount
}

type indexRow struct {
	ID, Href, Dates string
	Sessions        int
	Internal        bool
	Counts          []indexCount
	Flags, Rejected int
}

type indexCount struct {
	Verdict, Word string
	N             int
}

func indexPage(idx Index) *indexView {
	page := &indexView{
		Study: plain(idx.StudyName, nameRunes), Clinic: plain(idx.Clinic, nameRunes), Version: plain(idx.Version, nameRunes),
		Counts: countVerdicts(nil),
	}
	rejections := slices.Clone(idx.Rejections)
	for _, s := range idx.Subjects {
		row := indexRow{
			ID: orDash(s.ID), Internal: s.Internal,
			// The leading "./" keeps a name with a colon from being read as a scheme.
			Href: "./" + url.PathEscape(s.ID) + "/report.html",
		}
		var trends []result.Trend
		for _, series := range s.Series {
			trends = append(trends, series.Trends...)
			rejections = append(rejections, series.Rejections...)
			row.Rejected += len(series.Rejections)
			row.Sessions = max(row.Sessions, len(series.Visits))
		}
		row.Dates = subjectFacts(s)[1].Value
		row.Counts = countVerdicts(trends)
		for i, c := range row.Counts {
			page.Counts[i].N += c.N
		}
		for _, t := range trends {
			if t.Role == roleSafety && t.Verdict == result.Worsened {
				row.Flags++
			}
		}
		page.Subjects = append(page.Subjects, row)
	}
	page.Rejections = groupRejections(uniqueRejections(rejections), true)
	return page
}

// countVerdicts counts the verdicts of the primary metrics, in fixed order.
func countVerdicts(trends []result.Trend) []indexCount {
	var list []indexCount
	for _, v := range verdicts {
		c := indexCount{Verdict: string(v), Word: name("verdict", string(v))}
		for _, t := range trends {
			if t.Role == rolePrimary && t.Verdict == v {
				c.N++
			}
		}
		list = append(list, c)
	}
	return list
}

// uniqueRejections drops repeats: those of a series may be listed for the study
// as well.
func uniqueRejections(list []result.Rejection) []result.Rejection {
	seen := map[result.Rejection]bool{}
	var out []result.Rejection
	for _, r := range list {
		if !seen[r] {
			seen[r] = true
			out = append(out, r)
		}
	}
	return out
}
