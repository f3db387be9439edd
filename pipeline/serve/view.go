package serve

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// overlayKinds lists the overlays in the order of their switches, objectKinds what
// can be rejected one by one.
var (
	overlayKinds = []string{"zones", "scars", "pores", "redness", "brown", "lines"}
	objectKinds  = []string{"scar", "pore", "red_spot", "brown_mark"}
)

// viewPage is one view of a person: the baseline beside a session, and what was
// found.
type viewPage struct {
	Title                     string
	Study, ID, View, Report   string
	Internal                  bool
	Views                     []link
	Sessions                  []sessionItem
	Base, Other               *sheet // nil: no picture
	BaseMissing, OtherMissing string
	OtherLabel                string
	Overlays                  []named
	Kinds                     []named // of objects that there are
	Compared                  string
	Verdicts, Safety, Others  []verdictRow
	Alignment                 *alignmentRow // of the session
	Checks                    []checkRow    // of the session, other than passed
	Refusals                  []refusalRow
	Notes                     []string
	Edit                      *editView // nil: for reading only
	Data                      viewData
}

type (
	link  struct{ Name, URL string }
	named struct{ Key, Name string }
)

// sessionItem is a session in the strip; URL is empty for the baseline.
type sessionItem struct {
	ID, When, Status, Note, URL string
	Current                     bool
}

// sheet is a session's picture with what lies on it.
type sheet struct {
	Label, Alt, Src string
	W, H            int
	Raw             bool // as photographed, not aligned
	Overlays        []overlay
}

type overlay struct{ Kind, Alt, Src string }

type verdictRow struct {
	Metric, Zone, Baseline, Latest, Change, Limit, Unit string
	Verdict, Word, Qualifiers, Reason                   string
}

type alignmentRow struct{ Status, Word, Residual, Overlap, Inliers, Turned, Reason string }

type checkRow struct{ Check, Value, Limit, Unit, Affects, Status, Word string }

type refusalRow struct{ Session, Photo, Stage, Reason string }

// viewData is what the script of the page works with: places are pixels of the
// pictures.
type viewData struct {
	Key      string     `json:"key"` // of the state that the page remembers
	Objects  []mark     `json:"objects"`
	PxPerMM  float64    `json:"pxPerMM"` // of the pictures; 0 without a scale
	Baseline string     `json:"baseline"`
	Session  string     `json:"session"`
	ToBase   [6]float64 `json:"toBase"` // picture -> baseline photo
	Edit     *editData  `json:"edit"`
}

// mark is an object on the pictures, X, Y and R px of the picture; BaseX and BaseY
// are px of the baseline photo.
type mark struct {
	Session  string  `json:"session"`
	Kind     string  `json:"kind"`
	Label    string  `json:"label"`
	X        float64 `json:"x"`
	Y        float64 `json:"y"`
	R        float64 `json:"r"`
	BaseX    float64 `json:"baseX"`
	BaseY    float64 `json:"baseY"`
	Rejected bool    `json:"rejected"` // by an edit that holds
}

func (s *Server) view(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	subject, series, err := s.series(id, r.PathValue("view"))
	if err != nil {
		s.fail(w, err)
		return
	}
	visit, err := s.chosen(series, r.URL.Query().Get("session"))
	if err != nil {
		s.fail(w, err)
		return
	}
	s.page(w, "view.html", s.newViewPage(&subject, series, visit))
}

// chosen is the session to show beside the baseline: the one that is asked for, else
// the one of the verdicts, else the latest with a picture; nil where there is none.
func (s *Server) chosen(v *result.Series, session string) (*result.Visit, error) {
	base := baseline(v)
	verdict := ""
	for _, t := range v.Trends {
		if t.Role == "primary" && t.LatestSession != "" {
			verdict = t.LatestSession
		}
	}
	var best *result.Visit
	for i := range v.Visits {
		visit := &v.Visits[i]
		switch {
		case visit == base:
		case session != "":
			if visit.Session == session {
				return visit, nil
			}
		case best == nil, visit.Session == verdict, best.Session != verdict && visit.Pictures["aligned"] != "":
			best = visit
		}
	}
	if session != "" {
		return nil, fmt.Errorf("session %q to compare with the baseline: %w", s.opts.Words.Plain(session), errUnknown)
	}
	return best, nil
}

func (s *Server) newViewPage(subject *result.Subject, v *result.Series, visit *result.Visit) viewPage {
	words := s.opts.Words
	p := viewPage{
		Study: words.Plain(subject.Study), ID: words.Plain(subject.ID), View: words.Name("view", v.View), Report: reportURL(subject.ID),
		Internal: subject.Internal,
	}
	p.Title = p.ID + ", " + p.View
	for _, x := range subject.Series {
		p.Views = append(p.Views, link{words.Name("view", x.View), viewURL(subject.ID, x.View, "")})
	}
	for _, n := range slices.Concat(v.Notes, v.Protocol) {
		p.Notes = append(p.Notes, words.Plain(n))
	}
	base := baseline(v)
	present := map[string]bool{}
	for i := range v.Visits {
		x := &v.Visits[i]
		item := sessionItem{ID: words.Plain(x.Session), When: s.when(x), Note: words.Plain(x.Reason), Status: "compared"}
		switch {
		case x == base:
			item.Status = "baseline"
		case !x.Comparable:
			item.Status = "not compared"
		case x.Reason != "":
			item.Status = "with caution"
		}
		if x != base {
			item.URL, item.Current = viewURL(subject.ID, v.View, x.Session), x == visit
		}
		p.Sessions = append(p.Sessions, item)
		for kind := range x.Pictures {
			present[kind] = true
		}
	}
	for _, kind := range overlayKinds {
		if present[kind] {
			p.Overlays = append(p.Overlays, named{kind, words.Name("overlay", kind)})
		}
	}
	p.Base, p.BaseMissing = s.sheet(subject.ID, base, "Baseline")
	p.Other, p.OtherMissing = s.sheet(subject.ID, visit, "Session")
	s.tables(&p, v, visit)
	s.data(&p, subject, v, base, visit)
	if s.opts.Study != nil {
		s.editing(&p, v, subject.ID, visit)
		s.asPhotographed(&p, v, subject.ID, visit)
	}
	return p
}

func (s *Server) when(x *result.Visit) string {
	t := fmt.Sprintf("day %d", x.Day)
	if x.Date != "" {
		t = s.opts.Words.Plain(x.Date) + ", " + t
	}
	if x.DaysSinceTreatment != nil {
		t += fmt.Sprintf(", %d days after treatment", *x.DaysSinceTreatment)
	}
	return t
}

// sheet is the picture of a visit, or why there is none.
func (s *Server) sheet(id string, x *result.Visit, role string) (*sheet, string) {
	if x == nil {
		return nil, "There is no other session to compare with."
	}
	label := role + " " + s.opts.Words.Plain(x.Session) + " · " + s.when(x)
	name := x.Pictures["aligned"]
	size := image.Point{}
	if name != "" {
		size = s.pictureSize(id, name)
	}
	if size == (image.Point{}) {
		reason := cmp.Or(s.opts.Words.Plain(x.Reason), "the picture is missing")
		return nil, label + ": no picture: " + reason
	}
	sh := &sheet{Label: label, Alt: "Aligned photo, " + label, Src: pictureURL(id, name), W: size.X, H: size.Y}
	for _, kind := range overlayKinds {
		if name := x.Pictures[kind]; name != "" {
			sh.Overlays = append(sh.Overlays, overlay{kind, s.opts.Words.Name("overlay", kind) + " found in " + label, pictureURL(id, name)})
		}
	}
	return sh, ""
}

func (s *Server) tables(p *viewPage, v *result.Series, visit *result.Visit) {
	words := s.opts.Words
	trends := slices.Clone(v.Trends)
	order := map[string]int{}
	for i, m := range metrics.All() {
		order[m.Name] = i
	}
	for i, z := range study.ZoneNames {
		order["zone "+z] = i
	}
	slices.SortStableFunc(trends, func(a, b result.Trend) int {
		return cmp.Or(cmp.Compare(order[a.Metric], order[b.Metric]), cmp.Compare(order["zone "+a.Zone], order["zone "+b.Zone]))
	})
	for _, t := range trends {
		row := s.verdictRow(t)
		switch t.Role {
		case "primary":
			p.Verdicts = append(p.Verdicts, row)
			if p.Compared == "" && t.LatestSession != "" {
				p.Compared = words.Plain(t.LatestSession)
			}
		case "safety":
			p.Safety = append(p.Safety, row)
		default:
			p.Others = append(p.Others, row)
		}
	}
	for _, x := range v.Rejections {
		p.Refusals = append(p.Refusals, refusalRow{words.Plain(x.Session), words.Plain(x.Photo), words.Name("stage", x.Stage), words.Plain(x.Reason)})
	}
	if visit == nil {
		return
	}
	for _, a := range v.Alignments {
		if a.Session == visit.Session && p.Alignment == nil {
			p.Alignment = &alignmentRow{string(a.Status), words.Name("status", string(a.Status)),
				s.number(a.ResidualPctIPD, "percent_ipd"), s.number(100*a.Overlap, "percent"), fmt.Sprint(a.Inliers),
				s.number(a.YawDeltaDeg, "deg") + " / " + s.number(a.PitchDeltaDeg, "deg"), words.Plain(a.Reason)}
		}
	}
	for _, c := range v.Comparability {
		if c.Session != visit.Session || c.Status == result.OK {
			continue
		}
		var families []string
		for f := range strings.SplitSeq(c.Affects, ";") {
			families = append(families, words.Name("family", f))
		}
		p.Checks = append(p.Checks, checkRow{words.Name("check", c.Check), s.number(c.Value, ""), s.number(c.Limit, ""), words.Name("unit", c.Unit),
			strings.Join(families, ", "), string(c.Status), words.Name("status", string(c.Status))})
	}
}

func (s *Server) verdictRow(t result.Trend) verdictRow {
	words := s.opts.Words
	var qualifiers []string
	for q := range strings.SplitSeq(t.Qualifier, ";") {
		if q != "" {
			qualifiers = append(qualifiers, words.Name("qualifier", q))
		}
	}
	return verdictRow{words.Name("metric", t.Metric), words.Name("zone", t.Zone), s.number(t.Baseline, ""), s.number(t.Latest, ""), s.number(t.Change, ""),
		s.number(t.Limit, ""), words.Name("unit", t.Unit), string(t.Verdict), words.Name("verdict", string(t.Verdict)),
		strings.Join(qualifiers, ", "), words.Plain(t.Reason)}
}

func (s *Server) number(n result.Number, unit string) string {
	shown := s.opts.Words.Number(float64(n))
	if u := s.opts.Words.Name("unit", unit); n.Known() && unit != "" && u != "" {
		shown += " " + u
	}
	return shown
}

// data is what the script works with. Without an invertible map there are no marks.
func (s *Server) data(p *viewPage, subject *result.Subject, v *result.Series, base, visit *result.Visit) {
	p.Data = viewData{Key: subject.ID + "\n" + v.View, Objects: []mark{}, ToBase: v.PictureToBase}
	if v.PictureMMPerPx > 0 && v.PictureMMPerPx.Known() {
		p.Data.PxPerMM = 1 / float64(v.PictureMMPerPx)
	}
	if base != nil {
		p.Data.Baseline = base.Session
	}
	if visit != nil {
		p.Data.Session = visit.Session
	}
	m := v.PictureToBase
	scale := math.Hypot(m[0], m[3]) // baseline px per picture px
	if !(scale > 0) {
		return
	}
	kinds := map[string]bool{}
	for _, o := range v.Objects {
		if o.Session != p.Data.Baseline && o.Session != p.Data.Session || o.BaseXPx == 0 && o.BaseYPx == 0 || !o.BaseXPx.Known() || !o.BaseYPx.Known() {
			continue
		}
		at := toPicture(m, study.Point{X: float64(o.BaseXPx), Y: float64(o.BaseYPx)})
		k := mark{Session: o.Session, Kind: o.Kind, X: at.X, Y: at.Y, R: 3, BaseX: float64(o.BaseXPx), BaseY: float64(o.BaseYPx), Rejected: o.Status == result.Refused}
		k.Label = s.opts.Words.Name("kind", o.Kind) + ", " + s.opts.Words.Name("zone", o.Zone)
		if o.Type != "" {
			k.Label = s.opts.Words.Plain(o.Type) + " " + k.Label
		}
		if o.DiameterMM.Known() {
			k.Label += ", " + s.number(o.DiameterMM, "mm")
			k.R = max(k.R, float64(o.DiameterMM)/2*p.Data.PxPerMM)
		}
		kinds[o.Kind] = true
		p.Data.Objects = append(p.Data.Objects, k)
	}
	for _, kind := range objectKinds {
		if kinds[kind] {
			p.Kinds = append(p.Kinds, named{kind, s.opts.Words.Name("kind", kind)})
		}
	}
}

// toPicture maps a place in the baseline photo to the pictures.
func toPicture(m [6]float64, p study.Point) study.Point {
	det := m[0]*m[4] - m[1]*m[3]
	x, y := p.X-m[2], p.Y-m[5]
	return study.Point{X: (m[4]*x - m[1]*y) / det, Y: (m[0]*y - m[3]*x) / det}
}
