// Package result holds what was measured: the rows of the tables, shared by the
// pipeline that makes them, the trends, the report and the exports. Columns are
// a contract: they only ever grow.
//
// A [Number] that could not be measured is NaN here, null in JSON, an empty cell
// in a table, and always comes with a reason. It is never 0.
package result

// Status of a value or a check.
type Status string

const (
	OK      Status = "ok"
	Caution Status = "caution"
	Refused Status = "refused"
)

// Verdict of a metric in a zone over a series.
type Verdict string

const (
	Improved           Verdict = "improved"
	Worsened           Verdict = "worsened"
	NoDetectableChange Verdict = "no_detectable_change"
	NotComparable      Verdict = "not_comparable"
)

// Basis says which sharpness a value was measured at.
const (
	BasisNative = "native" // as photographed
	BasisSeries = "series" // blurred to the worst comparable session
	// BasisPair plus a session id: both photos at the worse sharpness of the two.
	BasisPair = "pair:"
)

// Measurement is a row of measurements.csv.
type Measurement struct {
	Subject, View, Session string
	Date                   string // YYYY-MM-DD
	Day                    int    // days since the baseline
	DaysSinceTreatment     *int   // since the last treatment before the photo; nil before the first
	Photo                  string // file name inside the subject's folder
	Zone, Metric           string
	Value                  Number
	Unit                   string
	Basis                  string
	N                      int // skin pixels, or objects, that the value rests on
	PxPerMM                Number
	Status                 Status
	Reason                 string
}

// Trend is a row of trends.csv: one metric in one zone over a series.
type Trend struct {
	Subject, View, Zone, Metric, Unit string
	Sessions                          int // comparable sessions, baseline included
	Baseline, Latest                  Number
	Change, ChangePct                 Number
	SDC                               Number // smallest detectable change, 95 %, in the unit of Change
	SDCSource                         string
	SlopePer30d, SlopeLow, SlopeHigh  Number // Theil-Sen with its exact rank interval; NaN where n is too small
	Limit                             Number // the change that the verdict asked for, after adjustment
	Role                              string // primary, secondary, safety
	Qualifier                         string // early, provisional, photo_error_only, relative; joined by ';'
	Verdict                           Verdict
	Reason                            string
	LatestSession                     string // session that the verdict compares with baseline; not a column
}

// Alignment is a row of alignment.csv: how one photo was mapped to baseline.
// Scale is photo px per baseline px; shifts are of the baseline's face centre.
type Alignment struct {
	Subject, View, Session, Photo string
	Status                        Status
	Scale, RotationDeg            Number
	ShiftXPx, ShiftYPx            Number
	Inliers                       int
	Overlap                       Number // share of the baseline's skin that the photo shows, 0..1
	ResidualPx, ResidualPctIPD    Number // median error on held-out patches; per cent of the inter-pupil distance
	YawDeltaDeg, PitchDeltaDeg    Number
	Reason                        string
}

// Check is a row of comparability.csv.
type Check struct {
	Subject, View, Session, Photo string
	Check                         string
	Value, Limit                  Number
	Unit                          string
	Affects                       string // metric families, joined by ';'
	Status                        Status
}

// Object is a row of objects.csv. Coordinates are in the photo after EXIF
// orientation; Track is the same number for the same scar or mark in every
// session, empty for pores.
type Object struct {
	Subject, View, Session, Photo string
	Zone, Kind                    string
	ID                            int
	XPx, YPx                      Number
	DiameterMM, AreaMM2           Number // NaN without a scale
	Contrast                      Number
	Type, Track                   string
	// Status is that of its family in the photo; refused, with the reason, also where
	// somebody rejected it: it counts nowhere.
	Status Status
	Reason string `json:",omitempty"` // who rejected it and when
	// Where it lies in the baseline photo, px, for the report; not columns. Both 0:
	// not recorded.
	BaseXPx, BaseYPx Number
}

// CarriedPoint is a point of the baseline photo in another session's photo, px.
type CarriedPoint struct {
	Subject, View, Session, Photo string
	X, Y                          Number
	Reason                        string // why there are no coordinates
}

// Rejection is a row of rejections.csv: a photo or series without values.
type Rejection struct {
	Subject, View, Session, Photo string
	Stage, Reason                 string
}

// Edit is what somebody decided on a series while looking at its results.
type Edit struct {
	By, At string // RFC 3339, UTC
	// Kind is zone (drawn anew), exclude (an area that does not count), object (one
	// that was found) or alignment; Name the zone, the area, the kind of the object
	// or the session.
	Kind, Name string
	X, Y       Number // of an object, in the baseline photo
	Accept     bool   // of an object or an alignment
	Void       string `json:",omitempty"` // why it does not hold; empty: it does
}

// Visit describes one session of a series for the report.
type Visit struct {
	Session, Date      string
	Day                int
	DaysSinceTreatment *int
	Baseline           bool
	Photo              string // file name in the study
	Comparable         bool
	Reason             string // why it is not, or what to mind
	// Pictures of this session, as paths relative to OUT/<subject>/, all in one
	// frame (the baseline's crop) so that they lie on one another: "aligned" is a
	// JPEG, the overlays are PNGs with transparency. Names: aligned, zones,
	// scars, pores, redness, brown, lines.
	Pictures map[string]string
}

// Timing is one stage of one photo or series, for timings.json.
type Timing struct {
	Session, Stage string
	Seconds        Number
}

// Series is all that one subject's view has come to.
type Series struct {
	Subject, View  string
	Visits         []Visit
	Scale          string // where px/mm comes from: marker, ruler, manifest, iris, none
	PxPerMM        Number // of the baseline; 0 without a scale
	PictureMMPerPx Number // of the aligned pictures; 0 without a scale
	// PictureToBase maps a pixel (x, y) of the aligned pictures to the baseline
	// photo: x' = a[0]x + a[1]y + a[2], y' = a[3]x + a[4]y + a[5].
	PictureToBase [6]float64
	PxPerMMRelSD  Number // its relative uncertainty (1 SD), 0..1
	ITADeg        Number // skin tone of the forehead at baseline, else of the first zone, as the white of the eyes exposes it where that is seen
	// Protocol says what to do better at the next photo, a line each.
	Protocol []string
	Notes    []string

	Measurements  []Measurement
	Trends        []Trend
	Alignments    []Alignment
	Comparability []Check
	Objects       []Object
	Rejections    []Rejection
	Edits         []Edit `json:",omitempty"` // in the order in which they were made

	Timings     []Timing
	PeakRSSMiB  Number
	InputSHA256 map[string]string // photo -> hash of its bytes
	Sources     map[string]Source `json:",omitempty"` // by photo
}

// Source is what a photo's file says of its making. Zero: it does not.
type Source struct {
	Format    string  // JPEG, PNG, TIFF, WebP, HEIC, DICOM
	Profile   string  `json:",omitempty"` // colour profile that was converted to sRGB, by its own name
	Taken     string  `json:",omitempty"` // RFC 3339; in UTC where the camera does not record its offset
	Camera    string  `json:",omitempty"`
	Lens      string  `json:",omitempty"`
	FocalMM   float64 `json:",omitempty"`
	Focal35MM float64 `json:",omitempty"` // as on 24 x 36 mm film
	Flash     string  `json:",omitempty"` // fired, off
	ExposureS float64 `json:",omitempty"` // seconds
	FNumber   float64 `json:",omitempty"`
	ISO       float64 `json:",omitempty"`
}

// Subject is one person: all series, and what a report says beside them. It is
// stored as OUT/<subject>/result.json, from which reports are made again.
type Subject struct {
	ID         string
	Study      string
	Clinic     string
	Version    string // of the tool
	OpenCV     string
	Settings   string   // SHA-256 of the settings
	Internal   bool     // consent for clinical use is not recorded
	Notes      []string // history that speaks against treatment, unusual intervals
	Treatments []Treatment
	// What cohorts and exports need of the manifest, as it was when the person was
	// measured.
	Born         int               `json:",omitempty"` // year; 0 unknown
	Covariates   map[string]string `json:",omitempty"`
	TreatedZones []string          `json:",omitempty"` // nil: not recorded
	Consents     []Consent         `json:",omitempty"`
	RetainUntil  string            `json:",omitempty"` // YYYY-MM-DD
	Series       []Series
}

// Consent is one signed statement, dates as YYYY-MM-DD, empty where not given.
type Consent struct {
	Scope                      []string
	Signed, Expires, Withdrawn string
	Document, DocumentSHA256   string
}

// Treatment is one recorded treatment.
type Treatment struct {
	Session, Date, Device, Adjunct string
	Passes                         int                // 0: not recorded
	DepthMM                        map[string]float64 // by zone
}
