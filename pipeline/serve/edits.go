package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
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
	if e.Alignment != nil {
		e.Alignment.PhotoSHA256 = seen(v, e.Alignment.Session)
	}
	if why := subject.WhyVoid(e); why != "" {
		return refusal{http.StatusConflict, why}
	}
	err = study.AppendEdit(subject.Dir, e)
	if errors.Is(err, study.ErrBadEdit) {
		return refusal{http.StatusUnprocessableEntity, err.Error()}
	}
	return err
}

// seen is the hash of a session's photo that the page shows: the one in the results, or
// the one that was refused, as far as it was read.
func seen(v *result.Series, session string) string {
	for _, x := range v.Visits {
		if hash := v.InputSHA256[x.Photo]; x.Session == session && hash != "" {
			return hash
		}
	}
	for _, x := range v.Rejections {
		if hash := v.InputSHA256[x.Photo]; x.Session == session && hash != "" {
			return hash
		}
	}
	return ""
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

// original is the photo of a session as the study has it: its folder, and its name
// there.
func (s *Server) original(id, view, session string) (dir, name string, err error) {
	if err := s.known(id); err != nil {
		return "", "", err
	}
	st, err := s.opts.Study()
	if err != nil {
		return "", "", err
	}
	for i := range st.Subjects {
		if st.Subjects[i].ID != id {
			continue
		}
		for _, series := range st.Subjects[i].Series() {
			for _, x := range series.Sessions {
				if name := x.Photos[0].File; series.View == view && x.ID == session && photoTypes[strings.ToLower(path.Ext(name))] != "" {
					return st.Subjects[i].Dir, name, nil
				}
			}
		}
	}
	return "", "", fmt.Errorf("a photo of session %q: %w", s.opts.Words.Plain(session), errUnknown)
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
