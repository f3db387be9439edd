package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/png"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Publication is a person's pair of photos as it is handed out for publication,
// teaching or marketing. It names nobody and no date: a code and days.
type Publication struct {
	Language string // of the page, ISO 639-1; empty for English
	Audience string // publication, teaching, marketing
	Level    string // zone, half_face, covered_eyes, full_face
	Zone     string // shown or spoken of; empty for the whole face
	Code     string // of the person in this hand-out
	Version  string // of the tool
	// Clinic, ReviewedBy and ReviewedOn (YYYY-MM-DD) are shown where they are given,
	// which marketing needs.
	Clinic, ReviewedBy, ReviewedOn string
	Pairs                          []Pair
}

// Pair is the baseline and the latest comparable session in one view.
type Pair struct {
	Baseline, Latest Shown
	MMPerPx          result.Number // of the pictures; 0 without a scale
	Treatments       int           // recorded from the baseline on, before the latest picture
	NotShown         []Shown       // later sessions, which are not comparable: days only
	Series           result.Series // whose checks and trends are told
}

// Shown is a session of a pair. File is the name of its picture.
type Shown struct {
	Session            string
	Day                int
	DaysSinceTreatment *int
	File               string
	PNG                []byte
}

// PublicationFile is the name of the page that [WritePublication] writes.
const PublicationFile = "report.html"

// WritePublication writes the page and its pictures into dir, readable by their
// owner only. The page holds its pictures itself; the files are for layout. It says
// what the verdicts say and no more, tells light, camera and days whatever they
// are, and takes no free text from results: names, dates and file names stay behind.
func WritePublication(dir string, p Publication) error {
	m, err := language(p.Language)
	if err != nil {
		return err
	}
	view, err := newPublicationView(p, m)
	if err != nil {
		return err
	}
	css := asset("report.css") + asset("publication.css")
	set, err := template.New("").Funcs(template.FuncMap{
		"t":      m.say,
		"css":    func() template.CSS { return template.CSS(css) },
		"policy": func() string { return stylePolicy(css) },
	}).ParseFS(assets, "assets/shared.html", "assets/publication.html")
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := set.ExecuteTemplate(&page, "publication.html", view); err != nil {
		return err
	}
	for _, pair := range p.Pairs {
		for _, s := range []Shown{pair.Baseline, pair.Latest} {
			if err := files.Replace(filepath.Join(dir, s.File), s.PNG); err != nil {
				return err
			}
		}
	}
	return files.Replace(filepath.Join(dir, PublicationFile), page.Bytes())
}

// stylePolicy lets a page without script show its own pictures and style, and
// nothing else.
func stylePolicy(css string) string {
	sum := sha256.Sum256([]byte(css))
	return strings.Join([]string{"default-src 'none'", "img-src data:", "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		"base-uri 'none'", "form-action 'none'"}, "; ")
}

type publicationView struct {
	Code, Title, What, Identity, Review, Clinic, Version string
	Marketing                                            bool
	Pairs                                                []pairView
}

type pairView struct {
	View          string
	Pictures      []publicationPicture
	Bar           viewerView // the scale bar only
	Scale         string
	Facts         []fact
	Comparability string
	Trends        []publicationTrend
	Qualifiers    []fact
	Checks        []publicationCheck
	NotShown      string
}

type publicationPicture struct {
	Label, Alt string
	Src        template.HTMLAttr
}

type publicationTrend struct{ Zone, Metric, Verdict, Mark, Word, Change, SDC, Qualifiers, Days string }

type publicationCheck struct{ Name, Value, Limit, Status, Affects string }

func newPublicationView(p Publication, m messages) (publicationView, error) {
	v := publicationView{
		Code: plain(p.Code, nameRunes), Title: m.name("publication_for", p.Audience), Identity: m.name("publication_identity", p.Level),
		What: m.name("publication_level", p.Level), Clinic: plain(p.Clinic, nameRunes), Version: plain(p.Version, nameRunes), Marketing: p.Audience == "marketing",
	}
	if p.Zone != "" {
		v.What += ": " + m.name("zone", p.Zone)
	}
	if p.ReviewedBy != "" {
		v.Review = m.tell("publication.reviewed", plain(p.ReviewedBy, nameRunes), plain(p.ReviewedOn, nameRunes))
	}
	for _, pair := range p.Pairs {
		pv, err := newPairView(pair, p.Zone, m)
		if err != nil {
			return v, err
		}
		v.Pairs = append(v.Pairs, pv)
	}
	return v, nil
}

func newPairView(p Pair, zone string, m messages) (pairView, error) {
	v := pairView{View: m.tell("publication.other_view"), Scale: m.tell("publication.no_scale")}
	// A view of the user's own may be called anything.
	if known := m["view."+p.Series.View]; known != "" {
		v.View = known
	}
	for _, s := range []Shown{p.Baseline, p.Latest} {
		c, err := png.DecodeConfig(bytes.NewReader(s.PNG))
		if err != nil {
			return v, fmt.Errorf("the picture of day %d: %w", s.Day, err)
		}
		label := m.shown(s)
		v.Pictures = append(v.Pictures, publicationPicture{Label: label, Alt: m.tell("publication.alt", v.View, label),
			Src: picture{bytes: s.PNG, format: "png", w: c.Width, h: c.Height}.src()})
		v.Bar.W, v.Bar.H = c.Width, c.Height
	}
	v.Bar.scaleBar(p.MMPerPx)
	if v.Bar.BarMM > 0 {
		v.Scale = m.tell("publication.scale", v.Bar.BarMM, num(p.MMPerPx), m.name("scale_source", p.Series.Scale))
	}
	v.Facts = []fact{
		{m.tell("publication.days"), m.tell("publication.days_value", p.Latest.Day-p.Baseline.Day)},
		{m.tell("publication.treatments"), m.tell("publication.treatments_value", p.Treatments)},
		{m.tell("publication.pictures"), m.tell("publication.pictures_value")},
	}
	v.checks(p, zone, m)
	v.trends(p, zone, m)
	var later []string
	for _, s := range p.NotShown {
		later = append(later, m.tell("visit.day", s.Day))
	}
	if len(later) > 0 {
		v.NotShown = m.tell("publication.not_shown", strings.Join(later, ", "))
	}
	return v, nil
}

// shown says when a picture was taken, in days.
func (m messages) shown(s Shown) string {
	label := m.tell("visit.day", s.Day)
	if s.Day == 0 {
		label = m.tell("publication.baseline")
	}
	if s.DaysSinceTreatment != nil {
		label += ", " + m.tell("visit.since_treatment", *s.DaysSinceTreatment)
	}
	return label
}

// checks lists light, camera and pose of the latest session beside the baseline's,
// each check once, and sums them up in a line.
func (v *pairView) checks(p Pair, zone string, m messages) {
	photo := ""
	for _, x := range p.Series.Visits {
		if x.Session == p.Latest.Session {
			photo = x.Photo
		}
	}
	var cautions, refused []string
	worst := map[string]result.Status{}
	for _, c := range p.Series.Comparability {
		if c.Session == p.Latest.Session && c.Photo == photo && (worst[c.Check] == "" || c.Status == result.Refused || worst[c.Check] == result.OK) {
			worst[c.Check] = c.Status
		}
	}
	for _, c := range p.Series.Comparability {
		// A check of another zone says nothing of this one.
		if c.Session != p.Latest.Session || c.Photo != photo || m["check."+c.Check] == "" || !Concerns(c.Check, zone) || c.Status != worst[c.Check] {
			continue
		}
		row := publicationCheck{Name: m.name("check", c.Check), Status: m.name("status", string(c.Status)), Value: dash, Limit: dash, Affects: m.affects(c.Affects)}
		if c.Value.Known() {
			row.Value = m.withUnit(num(c.Value), c.Unit)
		}
		if c.Limit.Known() {
			row.Limit = num(c.Limit)
		}
		v.Checks = append(v.Checks, row)
		switch said := row.Name + " (" + row.Value + ")"; c.Status {
		case result.Caution:
			cautions = append(cautions, said)
		case result.Refused:
			// Such a pair is shown only where the check is one of pixels per millimetre,
			// which refuses measures and no pictures.
			refused = append(refused, said+": "+row.Affects)
		}
	}
	switch {
	case len(v.Checks) == 0:
		v.Comparability = m.tell("publication.unchecked")
	case len(cautions)+len(refused) == 0:
		v.Comparability = m.tell("publication.comparable", len(v.Checks))
	default:
		var parts []string
		if len(cautions) > 0 {
			parts = append(parts, m.tell("publication.with_caution", strings.Join(cautions, "; ")))
		}
		if len(refused) > 0 {
			parts = append(parts, m.tell("publication.not_passed", strings.Join(refused, "; ")))
		}
		v.Comparability = m.tell("publication.caution", len(v.Checks)-len(cautions)-len(refused), len(v.Checks), strings.Join(parts, ". "))
	}
}

// Concerns tells whether a check of comparability says something of a zone: those of
// the whole photo do, and the zone's own. An empty zone is the whole face.
func Concerns(check, zone string) bool {
	for _, z := range study.ZoneNames {
		if strings.HasSuffix(check, "_"+z) {
			return zone == "" || z == zone
		}
	}
	return true
}

// trends lists what was found: the primary measures and the safety flags, and of
// the others those that got worse, so that none is hidden by a choice.
func (v *pairView) trends(p Pair, zone string, m messages) {
	var quals []string
	for _, t := range p.Series.Trends {
		_, known := catalogue[t.Metric]
		if !known || zone != "" && t.Zone != zone || t.Role == roleSecondary && t.Verdict != result.Worsened {
			continue
		}
		row := publicationTrend{Zone: m.name("zone", t.Zone), Metric: m.name("metric", t.Metric), Verdict: string(t.Verdict), Mark: marks[t.Verdict],
			Word: m.name("verdict", string(t.Verdict)), Change: dash, SDC: dash}
		if t.Verdict == "" {
			row.Word = m.tell("publication.no_direction")
		}
		if t.Change.Known() {
			row.Change = m.withUnit(signed(t.Change), t.Unit)
			if t.Unit == "percent" {
				row.Change = m.withUnit(signed(t.Change), "percentage_points")
			}
			if t.ChangePct.Known() {
				row.Change += " (" + m.withUnit(signed(t.ChangePct), "percent") + ")"
			}
		}
		if t.SDC.Known() {
			row.SDC = num(t.SDC)
			if t.Limit.Known() && t.Limit != t.SDC {
				row.SDC += " (" + m.tell("publication.adjusted", num(t.Limit)) + ")"
			}
		}
		var words []string
		for _, q := range splitList(t.Qualifier) {
			if slices.Contains(qualifierOrder, q) {
				quals, words = append(quals, q), append(words, m.name("qualifier", q))
			}
		}
		row.Qualifiers = strings.Join(words, ", ")
		// A measure may have been judged on another session than the one in the picture.
		for _, visit := range p.Series.Visits {
			if visit.Session == t.LatestSession && t.LatestSession != p.Latest.Session {
				row.Days = m.tell("publication.other_day", visit.Day)
			}
		}
		v.Trends = append(v.Trends, row)
	}
	for _, q := range order(quals, qualifierOrder) {
		v.Qualifiers = append(v.Qualifiers, fact{m.name("qualifier", q), m.name("qualifier_doc", q)})
	}
}

// withUnit and affects are those of the pages in English, in this language.
func (m messages) withUnit(shown, unit string) string {
	if u := m.name("unit", unit); u != "" {
		return shown + "\u00a0" + u
	}
	return shown
}

func (m messages) affects(list string) string {
	var words []string
	for _, f := range splitList(list) {
		words = append(words, m.name("family", f))
	}
	if len(words) == 0 {
		return dash
	}
	return strings.Join(words, ", ")
}
