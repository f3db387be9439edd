package pipeline

import (
	"fmt"
	"maps"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/align"
	"github.com/dermatrend/dermatrend/pipeline/face"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// edit is an edit of the series and what became of it.
type edit struct {
	study.Edit
	void string // why it does not hold after all; empty while it does
}

// editsIn lists those made in the photo that is the baseline now, with the content
// that it has now.
func (r *seriesRun) editsIn(base *shot) []*edit {
	var hold []*edit
	for i := range r.edits {
		switch e := &r.edits[i]; {
		case e.Photo != base.ref.File:
			e.void = fmt.Sprintf("%s, in which it was made, cannot be used", e.Photo)
		case e.PhotoSHA256 != r.result.InputSHA256[e.Photo]:
			e.void = fmt.Sprintf("the content of %s has changed", e.Photo)
		default:
			hold = append(hold, e)
		}
	}
	return hold
}

// drawn are the zones drawn in the baseline photo: those of the manifest and, in
// their place, those of edits. Nil where there are none.
func (r *seriesRun) drawn(base *shot) map[string]study.Polygon {
	zones := maps.Clone(r.series.Subject.Zones[r.series.View])
	if zones != nil && base.ref.File != r.series.Sessions[0].Photos[0].File {
		zones = nil
	}
	for _, e := range r.editsIn(base) {
		if e.Zone != nil {
			if zones == nil {
				zones = map[string]study.Polygon{}
			}
			zones[e.Zone.Name] = e.Zone.Outline
		}
	}
	return zones
}

// inFrame is an outline in the frame of the photo that it was drawn in.
func (s *shot) inFrame(p study.Polygon) []face.Point {
	var poly []face.Point
	for _, q := range p {
		x, y := s.frame.FromPhoto(q.X, q.Y)
		poly = append(poly, face.Point{X: x, Y: y})
	}
	return poly
}

// leaveOut clears the areas that edits exclude from a mask of the baseline's frame.
func (r *seriesRun) leaveOut(base *shot, mask cv.Gray) {
	for _, e := range r.editsIn(base) {
		if e.Exclude == nil {
			continue
		}
		for i, v := range face.Fill(base.inFrame(e.Exclude.Outline), mask.W, mask.H).Pix {
			if v != 0 {
				mask.Pix[i] = 0
			}
		}
	}
}

// alignmentEdit is what somebody decided on the alignment of the photo's session;
// nil for nothing. Accepted is the photo that was looked at, and no other of the session.
func (r *seriesRun) alignmentEdit(s *shot) *edit {
	for _, e := range r.editsIn(s.base) {
		if a := e.Alignment; a != nil && a.Session == s.session.ID && (!a.Accept || a.PhotoSHA256 == "" || a.PhotoSHA256 == r.result.InputSHA256[s.ref.File]) {
			return e
		}
	}
	return nil
}

// register maps the photo to its baseline, or refuses, as somebody decided who has
// seen both. s.accepted then says so, where that made a difference.
func (r *seriesRun) register(s *shot) (*align.Map, error) {
	base, target := align.View{Frame: s.base.frame, RGB: s.base.view, Skin: s.base.skin}, align.View{Frame: s.frame, RGB: s.view, Skin: s.skin}
	e := r.alignmentEdit(s)
	if e == nil {
		return align.Register(base, target)
	}
	who := fmt.Sprintf("by %s on %s", e.By, e.Date())
	if !e.Alignment.Accept {
		return nil, fmt.Errorf("alignment rejected %s", who)
	}
	m, err := align.RegisterAccepted(base, target)
	if err != nil {
		e.void = "only weak agreement can be accepted: " + err.Error()
		return nil, err
	}
	if limit, weak := m.Weak(); weak {
		s.accepted = fmt.Sprintf("accepted %s; agreement %.2f, limit %.2f", who, m.Quality.Agreement, limit)
	}
	return m, nil
}

// recordEdits lists the edits of the series in the results.
func (r *seriesRun) recordEdits() {
	if len(r.shots) > 0 {
		r.editsIn(r.shots[0]) // void are those that nothing has asked for, too
	}
	for _, e := range r.edits {
		if len(r.shots) == 0 {
			e.void = "no photo of the view can be used"
		}
		row := result.Edit{By: e.By, At: e.At.UTC().Format(time.RFC3339), X: result.None(), Y: result.None(), Void: e.void}
		switch {
		case e.Zone != nil:
			row.Kind, row.Name = "zone", e.Zone.Name
		case e.Exclude != nil:
			row.Kind, row.Name = "exclude", e.Exclude.Name
		case e.Object != nil:
			row.Kind, row.Name, row.Accept = "object", e.Object.Kind, e.Object.Accept
			row.X, row.Y = result.Number(e.Object.At.X), result.Number(e.Object.At.Y)
		case e.Alignment != nil:
			row.Kind, row.Name, row.Accept = "alignment", e.Alignment.Session, e.Alignment.Accept
		}
		r.result.Edits = append(r.result.Edits, row)
	}
}
