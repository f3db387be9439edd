package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"slices"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

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
	ed.Pending = pending(v.Edits, hold)
	for _, e := range slices.Backward(subject.Edits) {
		if e.View != v.View {
			continue
		}
		row := editRow{What: s.what(e), By: words.Plain(e.By), When: e.At.UTC().Format("2006-01-02 15:04 UTC"), State: "replaced or taken back later"}
		switch {
		case e.Void != "":
			row.State = "not applied: " + words.Plain(e.Void)
		case slices.ContainsFunc(hold, func(h study.Edit) bool { return reflect.DeepEqual(h, e) }):
			row.State = "holds from the next run on"
			if i := slices.IndexFunc(v.Edits, isEdit(e)); i >= 0 {
				row.State = "holds"
				if why := v.Edits[i].Void; why != "" {
					row.State = "not applied: " + words.Plain(why)
				}
			}
			row.Undo, row.UndoWord = undo(e)
		}
		ed.Edits = append(ed.Edits, row)
	}
	for _, r := range v.Edits { // taken back since
		if r.Kind == "object" && !r.Accept && !slices.ContainsFunc(hold, func(e study.Edit) bool { return isEdit(e)(r) }) {
			reject(p.Data.Objects, v, &study.ObjectEdit{Kind: r.Name, At: study.Point{X: float64(r.X), Y: float64(r.Y)}, Accept: true})
		}
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
func pending(known []result.Edit, hold []study.Edit) int {
	n := 0
	for _, e := range hold {
		if !slices.ContainsFunc(known, isEdit(e)) {
			n++
		}
	}
	for _, r := range known {
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

// asPhotographed shows a session's own photo where the results have no picture of
// it, in the frame of the baseline's.
func (s *Server) asPhotographed(p *viewPage, v *result.Series, id string, visit *result.Visit) {
	if p.Base == nil || p.Other != nil || visit == nil {
		return
	}
	if _, _, err := s.original(id, v.View, visit.Session); err != nil {
		return
	}
	label := "Session " + s.opts.Words.Plain(visit.Session) + " · " + s.when(visit) + " · as photographed, NOT aligned"
	p.Other = &sheet{Label: label, Alt: "Photo as taken, " + label, W: p.Base.W, H: p.Base.H, Raw: true,
		Src: "/photos/" + url.PathEscape(id) + "/" + url.PathEscape(v.View) + "/" + url.PathEscape(visit.Session)}
}
