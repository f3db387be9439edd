// Package cohort turns the results of many persons into the figures of a group:
// what changed at each visit and in windows after the last treatment, with
// interval, exact p-value and the number of responders, and how that differs
// between zones, sides, arms and covariates.
//
// # Which values
//
// A value is the mean over the photos of a session that were not refused, at the
// sharpness of the worst comparable session of that person. A change is against
// the baseline: the first session, averaged with later ones from before the first
// recorded treatment, since those too are untreated skin. Sessions of one day are
// one visit. Photos of day 0 to 7 after a treatment show its swelling and enter
// no contrast. Redness of skin darker than ITA -30 cannot be judged and is left
// out.
//
// Visit K is the K-th that took place: who missed one is a visit ahead of time, and
// windows are the fairer comparison. They count from the last recorded treatment of
// all; the visit with a value that is nearest to the window's day counts, if it lies
// within the tolerance.
//
// # Which statistics
//
// A change within persons is estimated by the median of all pairwise means
// (Hodges-Lehmann), with the exact signed-rank interval and p-value: in cohorts
// of 20 it holds its 95 %, where a bootstrap (BCa) covers 93 %. It is given from
// 6 persons, with fewer no rank interval reaches 95 %. Changes are tested in the
// metric's own unit, where an unchanged skin errs to both sides alike; per cent
// of baseline stand beside them. A zone's row takes every person, treated there or
// not, and says how many were not.
//
// The change per 30 days is that of a mixed model with random slopes from 20
// persons, below it the mean of the persons' own slopes with Student's test. Page's
// test asks whether the order of anybody's visits is more than chance; persons who
// drift each their own way make it reject too often, so the persons' own rank
// correlations stand beside it as a sample (typical_order). Arms and levels of a
// covariate are compared by the exact Mann-Whitney test, a covariate in numbers by
// least squares with a permutation test. What each reaches in cohorts where nothing
// changes is printed by the bench.
//
// A person responds when the change for the better passes that person's own
// smallest detectable change; 20, 30 and 50 % of baseline are counted among those
// only. Metrics without a better or worse have no responders.
//
// # Whom it shows
//
// Only persons whose consent covers research on the given day enter; they appear
// under codes, visits as days.
package cohort

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Window is a number of days after the last treatment, and how far a visit may be
// from it to both sides.
type Window struct{ Days, Tolerance int }

// DefaultWindows are 28 +- 10, 90 +- 21 and 180 +- 45 days: when texture answers,
// the earliest primary end point, and when scars have.
func DefaultWindows() []Window { return []Window{{28, 10}, {90, 21}, {180, 45}} }

// DefaultAlpha is the level at which an adjusted p-value counts.
const DefaultAlpha = 0.05

// Options say how a cohort is analysed.
type Options struct {
	Study   string
	AsOf    study.Date     // day on which consent is looked at
	Primary *study.Primary // named beforehand in study.yaml; nil: everything is exploratory
	// Covers tells whether a person's consent covers research on that day, and if not,
	// why, as study.Covers does.
	Covers  func(s result.Subject) (ok bool, why string)
	Windows []Window // nil: DefaultWindows
	Alpha   float64  // level of adjusted p-values, 0..1; 0: DefaultAlpha
	Key     []byte   // from which codes are derived; must not leave the clinic
}

// Validate reports every option that is wrong.
func (o Options) Validate() error {
	var errs []error
	if o.AsOf.IsZero() {
		errs = append(errs, errors.New("as-of: the day on which consent is looked at is missing"))
	}
	if o.Covers == nil {
		errs = append(errs, errors.New("nobody can be asked for consent"))
	}
	if !(o.Alpha >= 0 && o.Alpha < 1) {
		errs = append(errs, fmt.Errorf("alpha %v: must be above 0 and below 1", o.Alpha))
	}
	seen := map[int]bool{}
	for _, w := range o.Windows {
		if w.Days < 1 || w.Days > 3650 || w.Tolerance < 0 || w.Tolerance >= w.Days {
			errs = append(errs, fmt.Errorf("window %d+-%d: wants 1 to 3650 days and a smaller tolerance", w.Days, w.Tolerance))
		}
		if seen[w.Days] {
			errs = append(errs, fmt.Errorf("window %d is given twice", w.Days))
		}
		seen[w.Days] = true
	}
	if len(o.Key) == 0 {
		errs = append(errs, errors.New("there is no key for the codes"))
	}
	return errors.Join(errs...)
}

// primaryWindow is the window of the outcome that was named beforehand; where it
// names none, scars and deep texture have answered at day 90 at the earliest.
const primaryWindow = 90

// Cohort collects persons, one at a time, keeping only what the analysis needs.
type Cohort struct {
	opts     Options
	windows  []Window
	first    result.Subject // of those that entered, without its series: all must be measured alike
	persons  []person
	subjects map[string]string // by code
	cells    map[place]*cell
	catalog  map[string]*metrics.Metric
	units    map[string]unitOf
	sources  map[string]bool // of smallest detectable changes
	reps     []result.Replicates
	flow     flow
}

// unitOf is a metric's unit, and who had it first.
type unitOf struct{ unit, subject string }

// person is one who entered.
type person struct {
	code         string
	arm, side    string
	treated      map[string]bool // zones
	treatedKnown bool
	covariates   map[string]string
	age          float64 // years at baseline; NaN unknown
	treatments   []result.Treatment
	series       map[string]*series // by view
}

// place is where a value belongs.
type place struct{ view, zone, metric string }

// cell is all values of a metric in a zone.
type cell struct {
	place
	unit    string
	metric  *metrics.Metric // nil for one that the catalogue does not have
	members []member        // by person
}

// member is one person's values in a cell.
type member struct {
	person int
	series *series
	values []float64 // by slot of the series; NaN where there is none
	// sdc is what a change to that slot has to pass, in the unit of the metric; NaN
	// where it is not known.
	sdc []float64
}

// New starts a cohort.
func New(o Options) (*Cohort, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Alpha == 0 {
		o.Alpha = DefaultAlpha
	}
	if o.Windows == nil {
		o.Windows = DefaultWindows()
	}
	c := &Cohort{opts: o, windows: slices.Clone(o.Windows), subjects: map[string]string{}, cells: map[place]*cell{}, catalog: map[string]*metrics.Metric{}, units: map[string]unitOf{}, sources: map[string]bool{}}
	if p := o.Primary; p != nil {
		day := c.primaryDay()
		if !slices.ContainsFunc(c.windows, func(w Window) bool { return w.Days == day }) {
			c.windows = append(c.windows, Window{day, day / 4})
		}
	}
	slices.SortFunc(c.windows, func(a, b Window) int { return a.Days - b.Days })
	all := metrics.All()
	for i := range all {
		c.catalog[all[i].Name] = &all[i]
	}
	return c, nil
}

// primaryDay is the window of the primary outcome.
func (c *Cohort) primaryDay() int {
	if p := c.opts.Primary; p != nil && p.WindowDays > 0 {
		return p.WindowDays
	}
	return primaryWindow
}

// Add takes one person in, or counts why not. It keeps nothing of s but numbers.
// An error means that the persons cannot be analysed together.
func (c *Cohort) Add(s result.Subject) error {
	c.flow.enter(s)
	if ok, why := c.opts.Covers(s); !ok {
		c.flow.exclude(refusal(why))
		return nil
	}
	if err := c.alike(s); err != nil {
		return err
	}
	p := person{
		code: c.code(s.ID), covariates: map[string]string{}, age: math.NaN(),
		treatedKnown: s.TreatedZones != nil, treated: map[string]bool{},
		treatments: s.Treatments, series: map[string]*series{},
	}
	if other, taken := c.subjects[p.code]; taken {
		return fmt.Errorf("%s and %s have the same code", s.ID, other)
	}
	c.subjects[p.code] = s.ID
	for _, z := range s.TreatedZones {
		p.treated[z] = true
	}
	for k, v := range s.Covariates {
		switch k {
		case "arm":
			p.arm = v
		case "side":
			p.side = v
		default:
			p.covariates[k] = v
		}
	}
	id := len(c.persons)
	for i := range s.Series {
		v := &s.Series[i]
		one, err := newSeries(v, s.Treatments)
		if err != nil {
			return fmt.Errorf("%s, %s: %w; measure this person again: `dermatrend run STUDY -o OUT --subject %s`", s.ID, v.View, err, s.ID)
		}
		p.series[v.View] = one
		if math.IsNaN(p.age) && s.Born > 0 && one.year > 0 {
			p.age = float64(one.year - s.Born)
		}
		if err := c.collect(id, p.code, s.ID, v, one); err != nil {
			return err
		}
	}
	c.persons = append(c.persons, p)
	c.flow.include(s, &p)
	return nil
}

// alike refuses a person who was measured with another version or other settings
// than those before: the unit or the meaning of a value may differ.
func (c *Cohort) alike(s result.Subject) error {
	if len(c.persons) == 0 {
		c.first = s
		c.first.Series = nil
		return nil
	}
	f := c.first
	what := ""
	switch {
	case s.Version != f.Version:
		what = fmt.Sprintf("version %s, %s by version %s", s.Version, f.ID, f.Version)
	case s.OpenCV != f.OpenCV:
		what = fmt.Sprintf("OpenCV %s, %s with OpenCV %s", s.OpenCV, f.ID, f.OpenCV)
	case s.Settings != f.Settings:
		what = fmt.Sprintf("other settings than %s", f.ID)
	default:
		return nil
	}
	return mixed(s.ID, what)
}

// MixedError says that the persons were not measured alike, and how to mend it.
type MixedError struct{ Subject, What string }

func mixed(subject, what string) error { return MixedError{subject, what} }

func (e MixedError) Error() string {
	return fmt.Sprintf("%s was measured with %s: such values cannot be compared; measure all persons again: `dermatrend run STUDY -o OUT`", e.Subject, e.What)
}

// code is a person's name in this export. It cannot be turned back without the
// key, and another key gives another code.
func (c *Cohort) code(id string) string {
	h := hmac.New(sha256.New, c.opts.Key)
	h.Write([]byte(id))
	return "C" + base32.StdEncoding.EncodeToString(h.Sum(nil))[:8]
}

// Codes says which code is which person, for the key file of this export.
func (c *Cohort) Codes() map[string]string { return maps.Clone(c.subjects) }

// acc adds up the photos of one session.
type acc struct {
	sum, first, second float64
	n                  int
	caution            bool // of any of them
}

// collect takes the values of one series.
func (c *Cohort) collect(id int, code, subject string, v *result.Series, one *series) error {
	dark := v.ITADeg.Known() && v.ITADeg < tooDarkForRedness
	sums := map[place][]acc{}
	for i := range v.Measurements {
		m := &v.Measurements[i]
		if m.Basis != result.BasisSeries {
			continue
		}
		if u, ok := c.units[m.Metric]; !ok {
			c.units[m.Metric] = unitOf{m.Unit, subject}
		} else if u.unit != m.Unit {
			return mixed(subject, fmt.Sprintf("%s in %s, %s in %s", m.Metric, m.Unit, u.subject, u.unit))
		}
		at := place{v.View, m.Zone, m.Metric}
		row, ok := sums[at]
		if !ok {
			row = make([]acc, len(one.sessions))
			sums[at] = row
		}
		k, ok := one.session[m.Session]
		if !ok || m.Status == result.Refused || !m.Value.Known() {
			continue
		}
		if metric := c.catalog[m.Metric]; dark && metric != nil && metric.Family == metrics.Redness {
			continue
		}
		a := &row[k]
		a.sum, a.n = a.sum+float64(m.Value), a.n+1
		a.caution = a.caution || m.Status == result.Caution
		switch a.n {
		case 1:
			a.first = float64(m.Value)
		case 2:
			a.second = float64(m.Value)
		}
	}
	trends := map[place]*result.Trend{}
	for i := range v.Trends {
		t := &v.Trends[i]
		if t.SDC.Known() && t.SDC > 0 {
			trends[place{v.View, t.Zone, t.Metric}] = t
			c.sources[sourceOf(t.SDCSource)] = true
		}
	}
	for at, row := range sums {
		target := c.cells[at]
		if target == nil {
			target = &cell{place: at, unit: c.units[at.metric].unit, metric: c.catalog[at.metric]}
			c.cells[at] = target
		}
		m := member{person: id, series: one, values: one.means(row), sdc: one.detectable(row, trends[at])}
		target.members = append(target.members, m)
		if !c.shown(target) {
			continue
		}
		for _, a := range row {
			if a.n >= 2 {
				c.reps = append(c.reps, result.Replicates{Code: code, View: at.view, Zone: at.zone, Metric: at.metric, Unit: target.unit,
					First: result.Number(a.first), Second: result.Number(a.second)})
			}
		}
	}
	return nil
}

// sourceOf is the source of a smallest detectable change without what is one
// person's only.
func sourceOf(s string) string {
	s, _, _ = strings.Cut(s, ";")
	s, _, _ = strings.Cut(s, " (")
	return s
}

// shown tells whether figures show a cell person by person: the primary metrics.
func (c *Cohort) shown(l *cell) bool {
	if p := c.opts.Primary; p != nil {
		return p.Metric == l.place.metric
	}
	return l.metric != nil && l.metric.Primary
}
