package result

// Cohort is what a group of persons has come to: cohort.csv, the flow table, the
// claims, and what the figures show. It names persons by the codes of this export
// only, and days instead of dates.
type Cohort struct {
	Study, Version, OpenCV, Settings string
	Methods                          CohortMethods
	Flow                             []FlowStep
	Rows                             []CohortRow
	Claims                           []Claim
	Courses                          []Course     // one person's values, for spaghetti plots
	Responses                        []Response   // one person's change in a window, for waterfalls
	Replicates                       []Replicates // photos of one session, for Bland-Altman plots
}

// CohortMethods are the settings that were used, from which the paragraph on
// methods is written.
type CohortMethods struct {
	AsOf          string // day on which consent was looked at, YYYY-MM-DD
	Primary       CohortPrimary
	WindowsDays   []int // days after the last treatment of the course
	ToleranceDays []int // of each window, to both sides
	Alpha         float64
	Draws         int      // of the bootstrap
	Seed          uint64   // of the bootstrap
	Adjustment    string   // of p over the rows of a family: holm or bh, with what is a family
	SDCSources    []string // as named by the trends
	Corrections   []string // of the photos
}

// CohortPrimary is the outcome that study.yaml named beforehand; Named is false
// where it names none, and then every row is exploratory.
type CohortPrimary struct {
	Named        bool
	Metric, Zone string
	WindowDays   int
}

// Roles of a cohort row.
const (
	RolePrimary     = "primary"
	RoleExploratory = "exploratory"
)

// CohortRow is a row of cohort.csv: one contrast of one metric in one zone.
//
// Contrast is one of
//
//	visit:K                    K-th visit after baseline (1, 2, ...) against baseline
//	window:D                   D days after the last treatment against baseline
//	slope                      change per 30 days, all visits
//	treated-untreated@C        difference in differences of the zones, C one of the above
//	side:A-B@C                 split face: side A against side B of the same persons
//	arm:A-B@C                  between the persons of two arms
//	covariate:NAME@C           effect of a covariate on the change
type CohortRow struct {
	Zone, Metric, Unit, Contrast string
	N                            int // persons
	Estimate, Low, High          Number
	P, PAdjusted                 Number
	Test                         string // of P; empty without one
	Responders                   int    // changed for the better beyond their own smallest detectable change
	Worsened                     int    // for the worse beyond it
	Responders20                 int    // and better by 20 % of baseline or more; never counted below the SDC
	Responders30, Responders50   int
	Missing                      int // persons of the cohort without a value here
	SD                           Number
	View                         string
	Role                         string
	Reason                       string // why cells are empty, or what to mind
}

// FlowStep is a row of the flow table: how many came this far, and why some did
// not.
type FlowStep struct {
	Step                       string // entered, consent_research, photos_usable, comparable, analysed, ...
	Subjects, Sessions, Photos int
	Excluded                   int // subjects that this step left out
	Reason                     string
}

// Claim is one claim of domain.md beside the cohort's own figure.
type Claim struct {
	Claim          string // as published, short
	Published      Number // share, per cent
	Own, Low, High Number // share, per cent, with its 95 % interval
	Responders, N  int
	Counted        string // how it was counted
	Reason         string // why there is no own figure
}

// Course is one person's values of a metric in a zone.
type Course struct {
	Code, View, Zone, Metric, Unit string
	Days                           []int // since baseline
	Values                         []Number
}

// Response is one person's change for a contrast, with the smallest detectable
// change that it was held against.
type Response struct {
	Code, View, Zone, Metric, Unit, Contrast string
	Change, ChangePct, SDC                   Number
	Verdict                                  Verdict
}

// Replicates are two values of one session.
type Replicates struct {
	Code, View, Zone, Metric, Unit string
	First, Second                  Number
}
