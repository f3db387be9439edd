// Package study is what the user gives: manifests, consent, dates, and which
// photo belongs to which subject, session and view. It decodes no photo; only
// where there is no manifest does it read the EXIF header for a date.
//
// # Reading
//
// [Load] reads a folder and reports every problem of every manifest at once, each
// with its place, what is wrong and what was expected. A wrong manifest costs its
// subject, a missing photo costs that photo, a wrong study.yaml the study.
//
// # Without manifests
//
// Each sub-folder with photos is a subject; where there is none, the folder
// itself is the one subject. Visits may be sub-folders named by date. A photo's
// date is its EXIF date, else the date in its file name, else that of its folder;
// the file's own time is never used, since copying changes it. A photo without a
// date is left out and reported: no date is made up. Photos of one view and one
// day are replicates of one session. The view is read from the file name.
// [Init] writes this guess down, to be corrected.
package study

import (
	"fmt"
	"math"
	"time"
)

// Date is a calendar day without a time zone; the zero value means not given.
type Date struct{ time.Time }

// Point is a place in a photo, in pixels: x right, y down, origin at the centre
// of the top-left pixel, after EXIF orientation.
type Point struct{ X, Y float64 }

// String is "(x, y)".
func (p Point) String() string { return fmt.Sprintf("(%g, %g)", p.X, p.Y) }

// Polygon is a closed outline, at least three points.
type Polygon []Point

// ViewFront is the view with automatic zones; any other needs polygons in the
// manifest.
const ViewFront = "front"

// ZoneNames lists the anatomical zones in table order. Left and right are the
// person's.
var ZoneNames = []string{
	"forehead", "nose", "cheek_left", "cheek_right", "chin",
	"periorbital_left", "periorbital_right", "perioral",
}

// Study is a folder of subjects.
type Study struct {
	Root     string // folder
	Name     string
	Clinic   Clinic
	Primary  *Primary // from study.yaml; nil where none is named
	Views    []string // view names in use, from study.yaml; nil: any
	Zones    []string // zones to measure, from study.yaml; nil: all
	Scale    string   // source of the scale, from study.yaml: marker, manifest, iris, none; empty or auto: the best there is
	MarkerMM float64  // side of the study's own markers, from study.yaml; 0: those of `dermatrend marker`, which say it themselves
	// Card is the colour chart, from study.yaml: classic-2014, classic, none, or a file,
	// whose content is CardTable; empty: a classic one, where it is seen.
	Card, CardTable string

	Limits   map[string]float64
	Subjects []Subject // in the order of their folders
	// Notes are warnings that stop nothing: history that speaks against
	// treatment, unusual intervals, an assumed order.
	Notes []Note
}

// Clinic is printed on reports.
type Clinic struct {
	Name string
	Logo string // file relative to the study's folder
}

// Primary is the pre-registered outcome of a study.
type Primary struct {
	Metric, Zone string // Zone is empty where it is not named
	WindowDays   int    // 0 where not named
}

// Note is a remark on a subject's manifest; on the study where Subject is empty.
type Note struct{ Subject, Text string }

// Subject is one person.
type Subject struct {
	ID            string
	Dir           string // folder of the photos
	Manifest      string // path of series.yaml; empty where the folder was guessed
	Born          int    // year; 0 unknown
	Consent       []Consent
	RetainUntil   Date
	Treatment     *Treatment                    // nil: not recorded
	ReferenceSkin map[string]Polygon            // by view
	Zones         map[string]map[string]Polygon // by view and zone, in pixels of the baseline photo
	History       []string
	Covariates    map[string]string
	Edits         []Edit    `json:"-"` // all, in the order of the file; a Series has those that hold in its view
	LeftOut       []Problem // photos of a folder without a manifest that belong to no session
	Sessions      []Session // by date; on one day the baseline first, then photos before treatment
}

// Consent is one signed statement.
type Consent struct {
	Scope     []string
	Signed    Date
	Expires   Date
	Withdrawn Date
	Document  string
}

// Treatment is what the series documents.
type Treatment struct {
	Modality string
	Zones    []string // nil: not recorded; else zones not named here are untreated
}

// Session is one visit. It has no photos where a treatment was recorded without
// any; all its photos of one view are from before or all from after treatment.
type Session struct {
	ID       string
	Baseline bool // marked so; where none is marked, the first session with photos
	Date     Date
	Photos   []Photo
	Treated  *Treated
}

// Photo is one file of a session.
type Photo struct {
	View           string
	File           string  // as in the manifest, relative to the subject's folder
	PxPerMM        float64 // from the ruler, else as given; 0: neither
	Ruler          *Ruler  // nil: not given
	AfterTreatment bool    // taken: after
	// Refused says why the file cannot be used (missing, empty, an unsupported
	// format), empty where nothing speaks against opening it.
	Refused string
}

// Ruler is a known distance in a photo.
type Ruler struct {
	From, To Point
	MM       float64
}

// PxPerMM is the scale that the ruler gives.
func (r Ruler) PxPerMM() float64 { return math.Hypot(r.To.X-r.From.X, r.To.Y-r.From.Y) / r.MM }

// Treated is one treatment.
type Treated struct {
	Date    Date // the session's where the manifest gives none
	Device  string
	DepthMM map[string]float64 // by zone
	Passes  int                // 0: not recorded
	Adjunct string
}

// Series is one subject's sessions in one view: the unit of work.
type Series struct {
	Subject  *Subject
	View     string
	Sessions []SeriesSession // by date, the baseline first
	// Edits are those that hold, in the order of the file: of edits about the same
	// thing the last.
	Edits []Edit
}

// SeriesSession is a session as one view sees it. Photos has at least one entry;
// more are replicates.
type SeriesSession struct {
	*Session
	Photos []Photo
	Day    int // since the first session of the series
	// DaysSinceTreatment counts from the last treatment before the photo; nil
	// before the first. A photo on the day of a treatment precedes it unless the
	// manifest says that it was taken after.
	DaysSinceTreatment *int
	Treatments         int // days with a treatment before the photo
}
