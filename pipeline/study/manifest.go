package study

import (
	"fmt"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Names of the manifests.
const (
	seriesFile = "series.yaml"
	studyFile  = "study.yaml"
)

// reader collects what is wrong in one manifest while it is taken apart. It reads
// on after a problem, so that all are found at once; what the schema has already
// refused is passed over in silence.
type reader struct {
	file     string
	today    Date // zero: no date is in the future
	views    []string
	problems Problems
}

func (r *reader) bad(n *node, message, expected, hint string) {
	r.problems = append(r.problems, Problem{
		File: r.file, Line: n.line, Column: n.col, Message: message, Expected: expected, Hint: hint,
	})
}

// manifest is a series.yaml as read, sessions still in the order of the file.
type manifest struct {
	subject Subject
	id      *node      // nil where the file names no subject
	photos  []photoRef // in the order of the file
	doc     *node      // place to blame for what has none of its own; nil where not even YAML
	notes   []string
}

// photoRef is a photo of a manifest and its place in the file.
type photoRef struct {
	session, photo int // indices
	at             *node
}

// readSeries reads a series.yaml without looking at any other file. The subject
// is good only where there is no problem.
func readSeries(file string, data []byte, today Date, views []string) (manifest, Problems) {
	root, problems := parseYAML(file, data)
	if root == nil {
		return manifest{}, problems
	}
	r := &reader{file: file, today: today, views: views, problems: problems}
	r.problems = append(r.problems, validate(file, seriesSchema, root)...)

	m := manifest{doc: root, id: root.get("subject")}
	s := &m.subject
	s.ID = m.id.str()
	r.name(m.id, "subject")
	s.Born = r.year(root.get("born"))
	s.Consent = r.consent(root.get("consent"))
	s.RetainUntil = root.get("retain_until").date()
	s.Treatment = r.treatment(root.get("treatment"))
	s.ReferenceSkin = r.polygons(root.get("reference_skin"), "reference_skin")
	for _, e := range root.get("zones").mapped() {
		if zones := r.polygons(e.value, "zones"); len(zones) > 0 {
			if s.Zones == nil {
				s.Zones = map[string]map[string]Polygon{}
			}
			s.Zones[e.key] = zones
		}
	}
	for _, n := range root.get("history").list() {
		if t := n.str(); t != "" {
			s.History = append(s.History, t)
		}
	}
	for _, e := range root.get("covariates").mapped() {
		if s.Covariates == nil {
			s.Covariates = map[string]string{}
		}
		s.Covariates[e.key] = e.value.str()
	}
	r.sessions(&m, root)
	r.polygonViews(s, root)
	m.notes = append(m.notes, notes(s)...)
	return m, r.problems.inOrder()
}

// name checks what becomes part of an output path.
func (r *reader) name(n *node, what string) {
	if n == nil || n.kind != scalar || n.text == "" { // the schema reports these
		return
	}
	if why := unsafeName(n.text); why != "" {
		r.bad(n, fmt.Sprintf("%s %q %s", what, shorten(n.text), why), "a name that may be a folder on any system, as P001", "")
	}
}

func (r *reader) year(n *node) int {
	v, ok := n.num()
	if !ok || v != math.Trunc(v) || v < 1900 || v > 9999 {
		return 0
	}
	if !r.today.IsZero() && int(v) > r.today.Year() {
		r.bad(n, fmt.Sprintf("born %d is in the future", int(v)), fmt.Sprintf("a year up to %d", r.today.Year()), "")
		return 0
	}
	return int(v)
}

// pastDate reads a date that cannot lie in the future.
func (r *reader) pastDate(n *node, what string) Date {
	d := n.date()
	switch {
	case d.IsZero():
	case !r.today.IsZero() && d.After(r.today):
		r.bad(n, fmt.Sprintf("%s %s is in the future", what, d), fmt.Sprintf("a date up to %s", r.today), "")
	case d.Year() < 1900:
		r.bad(n, fmt.Sprintf("%s %s is before photography of skin", what, d), "a date from 1900 on", "")
	}
	return d
}

func (r *reader) consent(n *node) []Consent {
	var cs []Consent
	for _, n := range n.list() {
		c := Consent{
			Signed:    r.pastDate(n.get("signed"), "signed"),
			Expires:   n.get("expires").date(),
			Withdrawn: n.get("withdrawn").date(),
			Document:  n.get("document").str(),
		}
		for _, s := range n.get("scope").list() {
			c.Scope = append(c.Scope, s.str())
		}
		for _, end := range []struct {
			key  string
			date Date
		}{{"expires", c.Expires}, {"withdrawn", c.Withdrawn}} {
			if !end.date.IsZero() && end.date.Before(c.Signed) {
				r.bad(n.get(end.key), fmt.Sprintf("%s %s is before signed %s", end.key, end.date, c.Signed),
					"a date from the signature on", "")
			}
		}
		if c.Document != "" {
			r.inside(n.get("document"), "document")
		}
		cs = append(cs, c)
	}
	return cs
}

func (r *reader) treatment(n *node) *Treatment {
	if n == nil || n.kind != mapping {
		return nil
	}
	t := &Treatment{Modality: n.get("modality").str()}
	if zones := n.get("zones"); zones != nil {
		t.Zones = []string{} // present, if empty: every zone is untreated
		for _, z := range zones.list() {
			t.Zones = append(t.Zones, z.str())
		}
	}
	return t
}

// inside refuses a file name that leaves the manifest's folder, judged by the name alone.
func (r *reader) inside(n *node, what string) bool {
	const expected = "a path inside the manifest's folder, with / between folders"
	switch f := n.str(); {
	case f == "":
		return false
	case strings.ContainsRune(f, '\\'):
		r.bad(n, fmt.Sprintf("%s %q holds a backslash", what, f), expected, "write / instead")
	case path.IsAbs(f) || len(f) > 1 && f[1] == ':':
		r.bad(n, fmt.Sprintf("%s %q is an absolute path", what, f), expected, "")
	case !filepath.IsLocal(f):
		r.bad(n, fmt.Sprintf("%s %q leaves the manifest's folder", what, f), expected, "")
	default:
		return true
	}
	return false
}

func (r *reader) sessions(m *manifest, root *node) {
	s := &m.subject
	list := root.get("sessions").list()
	ids := map[string]*node{}
	views := map[string]string{} // folded -> as first written
	for i, n := range list {
		id := n.get("id")
		r.name(id, "session")
		if first := ids[fold(id.str())]; first != nil && id.str() != "" {
			r.bad(id, fmt.Sprintf("session %q is already in line %d", id.str(), first.line),
				"an id of its own for each session, not differing by case alone", "")
		} else if id != nil {
			ids[fold(id.str())] = id
		}
		v := Session{ID: id.str(), Baseline: n.get("role").str() == "baseline", Date: r.pastDate(n.get("date"), "date")}
		if s.Born > 0 && !v.Date.IsZero() && v.Date.Year() < s.Born {
			r.bad(n.get("date"), fmt.Sprintf("date %s is before the year of birth %d", v.Date, s.Born), "", "")
		}
		v.Treated = r.treated(n.get("treated"), v.Date)
		for _, p := range n.get("photos").list() {
			photo, ok := r.photo(p, views)
			if !ok {
				continue
			}
			m.photos = append(m.photos, photoRef{session: i, photo: len(v.Photos), at: p.get("file")})
			v.Photos = append(v.Photos, photo)
		}
		if n.kind == mapping && len(n.get("photos").list()) == 0 && v.Treated == nil {
			r.bad(n, fmt.Sprintf("session %q has neither photos nor a treatment", v.ID), "photos: [{view: front, file: ...}]", "")
		}
		s.Sessions = append(s.Sessions, v)
	}
	r.sameFile(m)
	r.baselines(s.Sessions, list)
	r.takenTimes(s.Sessions, list)
}

func (r *reader) photo(n *node, views map[string]string) (Photo, bool) {
	view := n.get("view")
	p := Photo{View: view.str(), File: n.get("file").str(), AfterTreatment: n.get("taken").str() == "after"}
	r.name(view, "view")
	if p.View != "" {
		first, seen := views[fold(p.View)]
		switch {
		case len(r.views) > 0 && !slices.Contains(r.views, p.View):
			r.bad(view, fmt.Sprintf("unknown view %q", p.View),
				"one of "+strings.Join(r.views, ", ")+" (study.yaml)", suggest(p.View, r.views))
		case seen && first != p.View:
			r.bad(view, fmt.Sprintf("view %q and view %q differ by case alone", p.View, first), "one spelling", "")
		case !seen:
			views[fold(p.View)] = p.View
		}
	}
	if v, ok := n.get("px_per_mm").num(); ok {
		p.PxPerMM = v
	}
	p.Ruler = r.ruler(n.get("ruler"))
	if p.Ruler != nil {
		v := p.Ruler.PxPerMM()
		if p.PxPerMM > 0 && math.Abs(p.PxPerMM-v) > maxScaleGap*v {
			r.bad(n.get("px_per_mm"), fmt.Sprintf("px_per_mm %g contradicts the ruler, which gives %.4g", p.PxPerMM, v), "one of the two", "")
		}
		p.PxPerMM = v
	}
	ok := p.View != "" && p.File != "" && r.inside(n.get("file"), "file")
	return p, ok
}

// Scales from 0.5 px/mm (a whole body) to 200 (a dermatoscope) are possible.
const minPxPerMM, maxPxPerMM = 0.5, 200

// maxScaleGap is the share by which px_per_mm and the ruler may differ: a ruler
// is read to about a twentieth.
const maxScaleGap = 0.1

func (r *reader) ruler(n *node) *Ruler {
	from, ok1 := point(n.get("from"))
	to, ok2 := point(n.get("to"))
	mm, ok3 := n.get("mm").num()
	if !ok1 || !ok2 || !ok3 || mm <= 0 {
		return nil
	}
	ruler := Ruler{From: from, To: to, MM: mm}
	if v := ruler.PxPerMM(); v < minPxPerMM || v > maxPxPerMM {
		r.bad(n, fmt.Sprintf("ruler gives %.4g px/mm", v), "0.5 to 200 px/mm", "")
	}
	return &ruler
}

func (r *reader) treated(n *node, session Date) *Treated {
	if n == nil || n.kind != mapping {
		return nil
	}
	t := &Treated{Date: session, Device: n.get("device").str(), Adjunct: n.get("adjunct").str()}
	if d := n.get("date"); d != nil {
		t.Date = r.pastDate(d, "treated")
	}
	if v, ok := n.get("passes").num(); ok {
		t.Passes = int(v)
	}
	for _, e := range n.get("depth_mm").mapped() {
		if v, ok := e.value.num(); ok {
			if t.DepthMM == nil {
				t.DepthMM = map[string]float64{}
			}
			t.DepthMM[e.key] = v
		}
	}
	return t
}

// sameFile refuses a file that is listed twice, also under a name that some file
// system takes for the same.
func (r *reader) sameFile(m *manifest) {
	seen := map[string]*node{}
	for _, p := range m.photos {
		key := fold(path.Clean(p.at.str()))
		if first := seen[key]; first != nil {
			r.bad(p.at, fmt.Sprintf("file %q is already in line %d", p.at.str(), first.line), "each photo once", "")
			continue
		}
		seen[key] = p.at
	}
}
