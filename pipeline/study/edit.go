package study

import (
	"fmt"
	"time"
)

// EditsFile holds the edits of a person, in the person's folder beside series.yaml:
//
//	edits:
//	  - by: Dr. Meier
//	    at: 2026-11-21T14:03:00Z
//	    view: front
//	    photo: 2026-01-10-front.jpg
//	    photo_sha256: 9f86d0…
//	    zone: {name: cheek_left, outline: [[x, y], ...]}
//	  - {by: …, at: …, view: front, photo: …, photo_sha256: …, exclude: {name: naevus, outline: [[x, y], ...]}}
//	  - {by: …, at: …, view: front, photo: …, photo_sha256: …, object: {kind: scar, x: 812.5, y: 1204, accept: false}}
//	  - {by: …, at: …, view: front, photo: …, photo_sha256: …, alignment: {session: s2, accept: false, photo_sha256: 60303a…}}
//
// Edits are only ever appended; the last about the same thing holds.
const EditsFile = "edits.yaml"

// Edit is what a person decided while looking at results: exactly one of Zone,
// Exclude, Object and Alignment is set. Places are pixels of the baseline photo, so
// that an edit outlives new sessions and new versions of the program; it holds for
// that photo only, which PhotoSHA256 names by its content.
type Edit struct {
	By          string
	At          time.Time // UTC, to the second; for the record, never for the result
	View        string
	Photo       string // the baseline photo, as in the manifest
	PhotoSHA256 string // of its bytes, hex

	Zone      *ZoneEdit
	Exclude   *ExcludeEdit
	Object    *ObjectEdit
	Alignment *AlignmentEdit

	// Void says why the edit does not hold: its photo is no longer the baseline, or
	// has another content. [Load] sets it.
	Void string `json:",omitempty"`
}

// String is, for instance, "edit by Dr. Meier on 2026-11-21, view front, zone
// cheek_left drawn anew".
func (e Edit) String() string {
	return fmt.Sprintf("edit by %s on %s, view %s, %s", e.By, e.Date(), e.View, e.what())
}

// Date is the day of the edit, in UTC.
func (e Edit) Date() Date { return NewDate(e.At.Year(), e.At.Month(), e.At.Day()) }

func (e Edit) what() string {
	switch {
	case e.Zone != nil && e.Zone.Outline == nil:
		return fmt.Sprintf("zone %s as before", e.Zone.Name)
	case e.Zone != nil:
		return fmt.Sprintf("zone %s drawn anew", e.Zone.Name)
	case e.Exclude != nil && e.Exclude.Outline == nil:
		return fmt.Sprintf("area %q counts again", e.Exclude.Name)
	case e.Exclude != nil:
		return fmt.Sprintf("area %q excluded", e.Exclude.Name)
	case e.Object != nil:
		return fmt.Sprintf("%s at %v %s", e.Object.Kind, e.Object.At, verdict(e.Object.Accept))
	case e.Alignment != nil:
		return fmt.Sprintf("alignment of session %s %s", e.Alignment.Session, verdict(e.Alignment.Accept))
	}
	return "nothing"
}

func verdict(accept bool) string {
	if accept {
		return "accepted"
	}
	return "rejected"
}

// ZoneEdit draws a zone anew. Without an outline the zone is again what the manifest
// or the face gives.
type ZoneEdit struct {
	Name    string
	Outline Polygon
}

// ExcludeEdit takes an area out of every zone in all sessions: a naevus, a tattoo, a
// plaster. Without an outline the area of that name counts again.
type ExcludeEdit struct {
	Name    string
	Outline Polygon
}

// ObjectEdit rejects what was found at a place of the baseline photo, or with Accept
// lets it count again: a scar that is a fold, a pore that is a hair. It holds for all
// sessions, for the object of that kind nearest to the place within its own radius.
type ObjectEdit struct {
	Kind   string // pore, scar, red_spot, brown_mark
	At     Point
	Accept bool
}

// AlignmentEdit is the word of somebody who has looked at a session's photo on the
// baseline's. Rejected, the session is not compared. Accepted, a photo that was
// refused for weak agreement with the baseline is compared with caution; one that was
// never mapped (mirrored, no face) stays refused.
type AlignmentEdit struct {
	Session string
	Accept  bool
	// PhotoSHA256 names the session's photo that was looked at by its content, hex: what
	// was said holds as long as the session has it, and a replicate beside it is not
	// accepted with it. Empty in files of version 0.3 and before: any photo.
	PhotoSHA256 string
}
