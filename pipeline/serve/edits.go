package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// editBytes is more than the longest outline that the study takes.
const editBytes = 64 << 10

// posted is an edit as the page sends it: what was decided, and the content of the
// photo in whose pixels its places are.
type posted struct {
	PhotoSHA256 string         `json:"photo_sha256,omitempty"`
	Zone        *postedArea    `json:"zone,omitempty"`
	Exclude     *postedArea    `json:"exclude,omitempty"`
	Object      *postedObject  `json:"object,omitempty"`
	Alignment   *postedSession `json:"alignment,omitempty"`
}

type postedArea struct {
	Name    string       `json:"name"`
	Outline [][2]float64 `json:"outline,omitempty"`
}

type postedObject struct {
	Kind   string  `json:"kind"`
	X      float64 `json:"x"`
	Y      float64 `json:"y"`
	Accept bool    `json:"accept"`
}

type postedSession struct {
	Session string `json:"session"`
	Accept  bool   `json:"accept"`
}

// refusal is why an edit was not recorded.
type refusal struct {
	code int
	why  string
}

func (r refusal) Error() string { return r.why }

// edit records one edit. What it answers on success is that there is nothing to say.
func (s *Server) edit(w http.ResponseWriter, r *http.Request) {
	// A form of another site cannot send this type unasked.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		s.fail(w, refusal{http.StatusUnsupportedMediaType, "an edit is sent as application/json"})
		return
	}
	var p posted
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, editBytes))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			s.fail(w, refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("an edit has at most %d bytes", editBytes)})
			return
		}
		s.fail(w, refusal{http.StatusBadRequest, "this is no edit: " + err.Error()})
		return
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		s.fail(w, refusal{http.StatusBadRequest, "something follows the edit"})
		return
	}
	if err := s.record(r.PathValue("id"), r.PathValue("view"), p); err != nil {
		s.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// record appends an edit to those of the person, if it was made in the photo that is
// the baseline of the results and of the study.
func (s *Server) record(id, view string, p posted) error {
	_, v, err := s.series(id, view)
	if err != nil {
		return err
	}
	subject, why := s.editable(id, v)
	if why != "" {
		return refusal{http.StatusConflict, why}
	}
	base := baseline(v)
	if p.PhotoSHA256 != v.InputSHA256[base.Photo] {
		return refusal{http.StatusConflict, "the results are of another baseline photo by now: load the page again"}
	}
	e := p.edit()
	e.By, e.At, e.View, e.Photo, e.PhotoSHA256 = s.opts.By, time.Now(), view, base.Photo, p.PhotoSHA256
	if why := subject.WhyVoid(e); why != "" {
		return refusal{http.StatusConflict, why}
	}
	err = study.AppendEdit(subject.Dir, e)
	if errors.Is(err, study.ErrBadEdit) {
		return refusal{http.StatusUnprocessableEntity, err.Error()}
	}
	return err
}

// edit is what was decided, without who, when and in which photo.
func (p posted) edit() study.Edit {
	var e study.Edit
	area := func(a *postedArea) (string, study.Polygon) {
		var outline study.Polygon
		for _, q := range a.Outline {
			outline = append(outline, study.Point{X: q[0], Y: q[1]})
		}
		return a.Name, outline
	}
	if p.Zone != nil {
		name, outline := area(p.Zone)
		e.Zone = &study.ZoneEdit{Name: name, Outline: outline}
	}
	if p.Exclude != nil {
		name, outline := area(p.Exclude)
		e.Exclude = &study.ExcludeEdit{Name: name, Outline: outline}
	}
	if o := p.Object; o != nil {
		e.Object = &study.ObjectEdit{Kind: o.Kind, At: study.Point{X: o.X, Y: o.Y}, Accept: o.Accept}
	}
	if a := p.Alignment; a != nil {
		e.Alignment = &study.AlignmentEdit{Session: a.Session, Accept: a.Accept}
	}
	return e
}

// editable is the person in the study as it is now, or why nothing can be edited.
func (s *Server) editable(id string, v *result.Series) (*study.Subject, string) {
	st, err := s.opts.Study()
	if err != nil {
		return nil, "the study cannot be read: " + s.opts.Words.Plain(err.Error())
	}
	i := slices.IndexFunc(st.Subjects, func(x study.Subject) bool { return x.ID == id })
	if i < 0 {
		return nil, fmt.Sprintf("the study has no person %s any more, or cannot read their files; dermatrend check says what is wrong", s.opts.Words.Plain(id))
	}
	base := baseline(v)
	if base == nil || !base.Baseline || base.Photo == "" {
		return nil, "no baseline photo could be used"
	}
	subject := &st.Subjects[i]
	made := study.Edit{View: v.View, Photo: base.Photo, PhotoSHA256: v.InputSHA256[base.Photo]}
	if why := subject.WhyVoid(made); why != "" {
		return nil, "the study has changed since these results, run dermatrend again: " + why
	}
	return subject, ""
}

// editView is the editor of a view, and what was edited before.
type editView struct {
	Off      string // why nothing can be edited
	By       string
	Zones    []named
	Session  string // whose alignment is judged; empty for none
	Judged   string // what is said on it so far
	Accept   string // what the page posts, as JSON
	Reject   string
	Edits    []editRow // newest first
	Pending  int       // edits that these results do not know yet
	Again    string    // the command that takes them into account
	Sessions int
}

type editRow struct {
	What, By, When, State string
	Undo, UndoWord        string // what the page posts to take it back, as JSON
}

// editData is what the editor's script works with.
type editData struct {
	URL         string    `json:"url"`
	PhotoSHA256 string    `json:"photoSHA256"`
	Outlines    []outline `json:"outlines"`
}

// outline is an edited area, in pixels of the pictures.
type outline struct {
	Kind   string       `json:"kind"` // zone or exclude
	Name   string       `json:"name"`
	Points [][2]float64 `json:"points"`
}

// editing adds the editor to a page.
func (s *Server) editing(p *viewPage, v *result.Series, id string, visit *result.Visit) {
	words := s.opts.Words
	subject, off := s.editable(id, v)
	ed := &editView{Off: words.Plain(off), By: words.Plain(s.opts.By), Sessions: len(v.Visits)}
	p.Edit = ed
	if subject == nil {
		return
	}
	for _, z := range study.ZoneNames {
		ed.Zones = append(ed.Zones, named{z, words.Name("zone", z)})
	}
	p.Data.Edit = &editData{URL: "/edits/" + url.PathEscape(id) + "/" + url.PathEscape(v.View), PhotoSHA256: v.InputSHA256[baseline(v).Photo], Outlines: []outline{}}
	if visit != nil {
		ed.Session, ed.Judged = words.Plain(visit.Session), "not judged"
		ed.Accept = asJSON(posted{Alignment: &postedSession{visit.Session, true}})
		ed.Reject = asJSON(posted{Alignment: &postedSession{visit.Session, false}})
	}
	ed.Again = "dermatrend run " + words.Plain(s.opts.StudyDir) + " -o " + words.Plain(s.opts.Out)
	hold := holding(subject, v.View)
	ed.Pending = pending(v, hold)
	for _, e := range slices.Backward(subject.Edits) {
		if e.View != v.View {
			continue
		}
		row := editRow{What: s.what(e), By: words.Plain(e.By), When: e.At.UTC().Format("2006-01-02 15:04 UTC"), State: "replaced or taken back later"}
		switch {
		case e.Void != "":
			row.State = "not applied: " + words.Plain(e.Void)
		case slices.ContainsFunc(hold, func(h study.Edit) bool { return reflect.DeepEqual(h, e) }):
			row.State = "holds"
			if !slices.ContainsFunc(v.Edits, isEdit(e)) {
				row.State = "holds from the next run on"
			}
			row.Undo, row.UndoWord = undo(e)
		}
		ed.Edits = append(ed.Edits, row)
	}
	for _, e := range hold {
		switch {
		case e.Zone != nil:
			p.Data.Edit.Outlines = append(p.Data.Edit.Outlines, outline{"zone", words.Name("zone", e.Zone.Name), onPicture(v, e.Zone.Outline)})
		case e.Exclude != nil:
			p.Data.Edit.Outlines = append(p.Data.Edit.Outlines, outline{"exclude", words.Plain(e.Exclude.Name), onPicture(v, e.Exclude.Outline)})
		case e.Object != nil:
			reject(p.Data.Objects, v, e.Object)
		case visit != nil && e.Alignment.Session == visit.Session:
			ed.Judged = fmt.Sprintf("%s by %s", word(e.Alignment.Accept), words.Plain(e.By))
		}
	}
}

// holding lists the edits of a view that hold in the study.
func holding(subject *study.Subject, view string) []study.Edit {
	for _, series := range subject.Series() {
		if series.View == view {
			return series.Edits
		}
	}
	return nil
}

// pending counts the edits that the results do not know yet, and those that they know
// and that hold no longer.
func pending(v *result.Series, hold []study.Edit) int {
	n := 0
	for _, e := range hold {
		if !slices.ContainsFunc(v.Edits, isEdit(e)) {
			n++
		}
	}
	for _, r := range v.Edits {
		if !slices.ContainsFunc(hold, func(e study.Edit) bool { return isEdit(e)(r) }) {
			n++
		}
	}
	return n
}

// isEdit tells whether a row of the results is an edit of the study.
func isEdit(e study.Edit) func(result.Edit) bool {
	return func(r result.Edit) bool {
		if r.By != e.By || r.At != e.At.UTC().Format(time.RFC3339) {
			return false
		}
		switch r.Kind {
		case "zone":
			return e.Zone != nil && e.Zone.Name == r.Name
		case "exclude":
			return e.Exclude != nil && e.Exclude.Name == r.Name
		case "object":
			o := e.Object
			return o != nil && o.Kind == r.Name && o.Accept == r.Accept && o.At == study.Point{X: float64(r.X), Y: float64(r.Y)}
		case "alignment":
			return e.Alignment != nil && e.Alignment.Session == r.Name && e.Alignment.Accept == r.Accept
		}
		return false
	}
}

// reject marks the objects that an edit takes out or lets count again.
func reject(objects []mark, v *result.Series, e *study.ObjectEdit) {
	scale := math.Hypot(v.PictureToBase[0], v.PictureToBase[3])
	for i := range objects {
		if o := &objects[i]; o.Kind == e.Kind && math.Hypot(o.BaseX-e.At.X, o.BaseY-e.At.Y) <= o.R*scale {
			o.Rejected = !e.Accept
		}
	}
}

// undo is what takes an edit back, and the word for it; nothing for a word on an
// alignment, which can only be changed.
func undo(e study.Edit) (post, word string) {
	switch {
	case e.Zone != nil:
		return asJSON(posted{Zone: &postedArea{Name: e.Zone.Name}}), "Reset the zone"
	case e.Exclude != nil:
		return asJSON(posted{Exclude: &postedArea{Name: e.Exclude.Name}}), "Let it count again"
	case e.Object != nil && !e.Object.Accept:
		return asJSON(posted{Object: &postedObject{e.Object.Kind, e.Object.At.X, e.Object.At.Y, true}}), "Let it count again"
	}
	return "", ""
}

// what an edit says, in words.
func (s *Server) what(e study.Edit) string {
	words := s.opts.Words
	switch {
	case e.Zone != nil && e.Zone.Outline == nil:
		return "Zone " + words.Name("zone", e.Zone.Name) + " reset"
	case e.Zone != nil:
		return "Zone " + words.Name("zone", e.Zone.Name) + " drawn"
	case e.Exclude != nil && e.Exclude.Outline == nil:
		return "Area " + words.Plain(e.Exclude.Name) + " counts again"
	case e.Exclude != nil:
		return "Area " + words.Plain(e.Exclude.Name) + " excluded"
	case e.Object != nil:
		return fmt.Sprintf("%s at (%.0f, %.0f) of the photo %s", words.Name("kind", e.Object.Kind), e.Object.At.X, e.Object.At.Y, word(e.Object.Accept))
	case e.Alignment != nil:
		return "Alignment of session " + words.Plain(e.Alignment.Session) + " " + word(e.Alignment.Accept)
	}
	return ""
}

func word(accept bool) string {
	if accept {
		return "accepted"
	}
	return "rejected"
}

func onPicture(v *result.Series, p study.Polygon) [][2]float64 {
	points := make([][2]float64, 0, len(p))
	for _, q := range p {
		at := toPicture(v.PictureToBase, q)
		points = append(points, [2]float64{at.X, at.Y})
	}
	return points
}

func asJSON(p posted) string {
	data, err := json.Marshal(p)
	if err != nil {
		panic(err) // the struct above is wrong
	}
	return string(data)
}
