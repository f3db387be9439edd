// Package study is what the user gives: manifests, consent, dates, and which
// photo belongs to which subject, session and view. It opens no photo.
package study

import "time"

// Date is a calendar day without a time zone; the zero value means not given.
type Date struct{ time.Time }

// Point is a place in a photo, in pixels: x right, y down, origin at the centre
// of the top-left pixel, after EXIF orientation.
type Point struct{ X, Y float64 }

// Polygon is a closed outline, at least three points.
type Polygon []Point

// Views with automatic zones; any other name needs polygons in the manifest.
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
	Subjects []Subject
	// Notes are warnings that stop nothing: history that speaks against
	// treatment, unusual intervals, an assumed order.
	Notes []Note
}

// Clinic is printed on reports.
type Clinic struct{ Name, Logo string }

// Primary is the pre-registered outcome of a study.
type Primary struct {
	Metric, Zone string
	WindowDays   int
}

// Note is a remark on a subject's manifest.
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
	Sessions      []Session // by date; the baseline first among equals
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

// Session is one visit.
type Session struct {
	ID       string
	Baseline bool
	Date     Date
	Photos   []Photo
	Treated  *Treated
}

// Photo is one file of a session.
type Photo struct {
	View           string
	File           string  // as in the manifest, relative to the subject's folder
	PxPerMM        float64 // 0: not given
	AfterTreatment bool    // taken: after
}

// Treated is one treatment.
type Treated struct {
	Date    Date
	Device  string
	DepthMM map[string]float64 // by zone
	Passes  int
	Adjunct string
}

// Series is one subject's sessions in one view: the unit of work.
type Series struct {
	Subject  *Subject
	View     string
	Sessions []SeriesSession // by date, the baseline first
}

// SeriesSession is a session as one view sees it. Photos has at least one entry;
// more are replicates.
type SeriesSession struct {
	*Session
	Photos []Photo
	Day    int // since the baseline; negative for an earlier, second baseline
	// DaysSinceTreatment counts from the last treatment before the photo; nil
	// before the first. A photo on the day of a treatment precedes it unless the
	// manifest says that it was taken after.
	DaysSinceTreatment *int
	Treatments         int // treatments before the photo
}
