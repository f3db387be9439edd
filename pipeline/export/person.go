package export

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// person is a subject in the words of an export: it holds nothing that the doc of
// the package says is taken away.
type person struct {
	result.Subject // rows with codes for names, in the order of the tables
	code           string
	ageBand        string
	visits         int  // visits with photos
	last           *int // day of the last of them; nil: not known
	lastTreatment  *int
	covariates     []string // cells of the covariates that were asked for
}

// photoKey names a photo within a series.
type photoKey struct{ session, photo string }

// personOf takes away from a subject what must not leave.
func (e *Writer) personOf(s result.Subject) (*person, error) {
	p := &person{code: e.key.Code(s.ID)}
	sessions, days := sessionOrder(s)
	session := func(id string) string {
		if id == "" {
			return ""
		}
		return sessionCode(slices.Index(sessions, id))
	}
	basis := func(b string) string {
		id, pair := strings.CutPrefix(b, result.BasisPair)
		switch {
		case pair && slices.Contains(sessions, id):
			return result.BasisPair + session(id)
		case pair:
			return result.BasisPair + "?"
		}
		return known(b, result.BasisNative, result.BasisSeries)
	}
	out := result.Subject{Version: versionText(s.Version), OpenCV: versionText(s.OpenCV), Settings: s.Settings, Treatments: slices.Clone(s.Treatments)}
	if s.TreatedZones != nil {
		out.TreatedZones = []string{}
		for _, z := range s.TreatedZones {
			out.TreatedZones = append(out.TreatedZones, e.key.zone(z))
		}
		slices.SortFunc(out.TreatedZones, e.zones.compare)
	}
	visited := map[string]bool{}
	for _, v := range s.Series {
		view := e.key.view(v.View)
		o := result.Series{View: view, ITADeg: v.ITADeg, PxPerMM: v.PxPerMM, Scale: known(v.Scale, "marker", "ruler", "manifest", "iris", "none"), PxPerMMRelSD: v.PxPerMMRelSD}
		number := photoNumbers(v)
		// The number of a photo takes the place of its name.
		photo := func(sessionID, name string) string {
			if n := number[photoKey{sessionID, name}]; n > 0 {
				return strconv.Itoa(n)
			}
			return ""
		}
		for _, x := range v.Visits {
			o.Visits = append(o.Visits, result.Visit{Session: session(x.Session), Day: x.Day, DaysSinceTreatment: x.DaysSinceTreatment, Baseline: x.Baseline, Comparable: x.Comparable})
			visited[x.Session] = true
			if p.last == nil || x.Day > *p.last {
				p.last = &x.Day
			}
		}
		for _, m := range v.Measurements {
			if err := e.checkUnit(s, m.Metric, m.Unit); err != nil {
				return nil, err
			}
			m.Subject, m.View, m.Photo, m.Session, m.Date = p.code, view, photo(m.Session, m.Photo), session(m.Session), ""
			m.Zone, m.Basis, m.Reason, m.Status = e.key.zone(m.Zone), basis(m.Basis), reasonCodes(m.Reason), status(m.Status)
			o.Measurements = append(o.Measurements, m)
		}
		for _, t := range v.Trends {
			if err := e.checkUnit(s, t.Metric, t.Unit); err != nil {
				return nil, err
			}
			t.Subject, t.View, t.Zone, t.LatestSession = p.code, view, e.key.zone(t.Zone), session(t.LatestSession)
			t.SDCSource, t.Reason = sdcSource(t.SDCSource, e.opts.ShippedSDC), reasonCodes(t.Reason)
			t.Verdict = result.Verdict(known(string(t.Verdict), verdicts...))
			t.Role = known(t.Role, "primary", "secondary", "safety")
			t.Qualifier = known(t.Qualifier, "early", "provisional", "photo_error_only", "relative")
			o.Trends = append(o.Trends, t)
		}
		for _, a := range v.Alignments {
			a.Subject, a.View, a.Photo, a.Session = p.code, view, photo(a.Session, a.Photo), session(a.Session)
			a.Reason, a.Status = reasonCodes(a.Reason), status(a.Status)
			o.Alignments = append(o.Alignments, a)
		}
		for _, c := range v.Comparability {
			c.Subject, c.View, c.Photo, c.Session = p.code, view, photo(c.Session, c.Photo), session(c.Session)
			c.Check = e.check(c.Check)
			c.Unit = known(c.Unit, checkUnits...)
			c.Affects, c.Status = known(c.Affects, families...), status(c.Status)
			o.Comparability = append(o.Comparability, c)
		}
		for _, b := range v.Objects {
			b.Subject, b.View, b.Photo, b.Session = p.code, view, photo(b.Session, b.Photo), session(b.Session)
			b.Zone, b.Type = e.key.zone(b.Zone), known(b.Type, "icepick", "boxcar", "rolling")
			b.Kind, b.Status = known(b.Kind, "pore", "scar", "red_spot", "brown_mark"), status(b.Status)
			b.Reason = reasonCodes(b.Reason)
			if b.XPx, b.YPx = result.None(), result.None(); !trackForm.MatchString(b.Track) {
				b.Track = ""
			}
			o.Objects = append(o.Objects, b)
		}
		for _, r := range v.Rejections {
			r.Subject, r.View, r.Photo, r.Session = p.code, view, photo(r.Session, r.Photo), session(r.Session)
			r.Stage, r.Reason = word(r.Stage), reasonCodes(r.Reason)
			o.Rejections = append(o.Rejections, r)
		}
		e.sort(&o)
		out.Series = append(out.Series, o)
	}
	slices.SortStableFunc(out.Series, func(a, b result.Series) int { return e.views.compare(a.View, b.View) })
	for i := range out.Treatments {
		t := &out.Treatments[i]
		t.Session, t.Date, t.Device, t.Adjunct = "", "", "", adjunctCode(t.Adjunct)
	}
	p.Subject, p.visits = out, len(visited)
	baseline, known := days.baseline()
	p.ageBand = ageBand(s.Born, baseline, known)
	if n, ok := days.lastTreatment(s.Treatments); ok {
		p.lastTreatment = &n
	}
	for _, name := range e.opts.Covariates {
		p.covariates = append(p.covariates, e.covariate(name, s.Covariates[name]))
	}
	return p, nil
}

// zoneChecks are the checks whose names end in that of the zone that they judge.
var zoneChecks = []string{"expression_", "stretch_", "occlusion_", "zone_alignment_"}

// check is the name of a check.
func (e *Writer) check(name string) string {
	for _, prefix := range zoneChecks {
		if zone, ok := strings.CutPrefix(name, prefix); ok {
			return prefix + e.key.zone(zone)
		}
	}
	return word(name)
}

// versionText keeps what has the form of a version.
func versionText(s string) string {
	if versionForm.MatchString(s) {
		return s
	}
	return ""
}

// status keeps what is a status.
func status(s result.Status) result.Status {
	return result.Status(known(string(s), string(result.OK), string(result.Caution), string(result.Refused)))
}

var (
	verdicts   = []string{string(result.Improved), string(result.Worsened), string(result.NoDetectableChange), string(result.NotComparable)}
	families   = []string{string(metrics.Redness), string(metrics.Pigment), string(metrics.Texture), string(metrics.Lines), string(metrics.Pores), string(metrics.Scars)}
	checkUnits = []string{"percent", "percentage_points", "percent_ipd", "per_ipd", "px/mm", "deg", "EV", "px", "px2", "days", "mm"}
)

// checkUnit refuses a number whose unit is not that of the catalogue: it was
// measured by a version that meant something else by the name.
func (e *Writer) checkUnit(s result.Subject, metric, unit string) error {
	want, ok := e.units[metric]
	if ok && want == unit {
		return nil
	}
	what := fmt.Sprintf("%q in %q", metric, unit)
	if ok {
		what = fmt.Sprintf("%s in %q, here it is in %q", metric, unit, want)
	}
	return fmt.Errorf("%w: %s was measured by version %s: %s; measure it again with `dermatrend run STUDY -o OUT --subject %s`", ErrUnits, s.ID, s.Version, what, s.ID)
}

// sessionCode is the name of the i-th session.
func sessionCode(i int) string { return fmt.Sprintf("S%02d", i) }

// calendar holds the day of sessions whose date is known.
type calendar map[string]study.Date

// sessionOrder lists the sessions of a person by date; those without one come
// last, by their names.
func sessionOrder(s result.Subject) ([]string, calendar) {
	dates := calendar{}
	var ids []string
	add := func(id, date string) {
		if id == "" {
			return
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
		if d, err := study.ParseDate(date); err == nil && dates[id].IsZero() {
			dates[id] = d
		}
	}
	for _, v := range s.Series {
		for _, x := range v.Visits {
			add(x.Session, x.Date)
		}
		for _, m := range v.Measurements {
			add(m.Session, m.Date)
		}
		for _, a := range v.Alignments {
			add(a.Session, "")
		}
		for _, c := range v.Comparability {
			add(c.Session, "")
		}
		for _, b := range v.Objects {
			add(b.Session, "")
		}
		for _, r := range v.Rejections {
			add(r.Session, "")
		}
	}
	// The date of a treatment is not always that of the photos of its session.
	for _, t := range s.Treatments {
		if slices.Contains(ids, t.Session) {
			add(t.Session, t.Date)
		}
	}
	slices.SortFunc(ids, func(a, b string) int {
		da, db := dates[a], dates[b]
		if da.IsZero() != db.IsZero() {
			if da.IsZero() {
				return 1
			}
			return -1
		}
		return cmp.Or(da.Compare(db.Time), strings.Compare(a, b))
	})
	return ids, dates
}

func (c calendar) baseline() (study.Date, bool) {
	var first study.Date
	for _, d := range c {
		if first.IsZero() || d.Before(first) {
			first = d
		}
	}
	return first, !first.IsZero()
}

func (c calendar) lastTreatment(ts []result.Treatment) (day int, ok bool) {
	first, known := c.baseline()
	for _, t := range ts {
		d, err := study.ParseDate(t.Date)
		if err == nil && known && (!ok || d.DaysSince(first) > day) {
			day, ok = d.DaysSince(first), true
		}
	}
	return day, ok
}

// photoNumbers numbers the photos of each session of a series by their names.
func photoNumbers(v result.Series) map[photoKey]int {
	number := map[photoKey]int{}
	var keys []photoKey
	add := func(session, photo string) {
		k := photoKey{session, photo}
		if _, seen := number[k]; photo != "" && !seen {
			number[k] = 0
			keys = append(keys, k)
		}
	}
	for _, m := range v.Measurements {
		add(m.Session, m.Photo)
	}
	for _, a := range v.Alignments {
		add(a.Session, a.Photo)
	}
	for _, c := range v.Comparability {
		add(c.Session, c.Photo)
	}
	for _, b := range v.Objects {
		add(b.Session, b.Photo)
	}
	for _, r := range v.Rejections {
		add(r.Session, r.Photo)
	}
	slices.SortFunc(keys, func(a, b photoKey) int {
		return cmp.Or(strings.Compare(a.session, b.session), strings.Compare(a.photo, b.photo))
	})
	for i, k := range keys {
		number[k] = 1
		if i > 0 && keys[i-1].session == k.session {
			number[k] = number[keys[i-1]] + 1
		}
	}
	return number
}

// ageBand is the age in the year of the baseline in bands of five years. Ages of 90
// and more are one band, since few persons are that old.
func ageBand(born int, baseline study.Date, known bool) string {
	if born == 0 || !known {
		return ""
	}
	age := baseline.Year() - born
	switch {
	case age < 0 || age > 130:
		return ""
	case age < 18:
		return "<18"
	case age < 20:
		return "18-19"
	case age >= 90:
		return "90+"
	}
	from := age / 5 * 5
	return fmt.Sprintf("%d-%d", from, from+4)
}

// covariate is the cell of a covariate: a number, yes or no, a single character, or
// a category that at least two persons of this export have. Anything else might be
// about one person only, and is withheld.
func (e *Writer) covariate(name, value string) string {
	value = strings.TrimSpace(value)
	switch {
	case dateLike.MatchString(value):
		return ""
	case numberForm.MatchString(value), slices.Contains([]string{"yes", "no", "true", "false", "left", "right"}, value):
		return value
	case categoryForm.MatchString(value) && (len(value) == 1 || e.opts.Shared[name][value] >= 2):
		return value
	}
	return ""
}

// covariateColumn is the name of the column of a covariate.
func covariateColumn(name string) string {
	return "cov_" + strings.Trim(notInNames.ReplaceAllString(strings.ToLower(name), "_"), "_")
}

// sort brings the rows of a series into the order of the tables.
func (e *Writer) sort(v *result.Series) {
	photo := func(as, ap, bs, bp string) int {
		return cmp.Or(cmp.Compare(len(as), len(bs)), strings.Compare(as, bs), cmp.Compare(len(ap), len(bp)), strings.Compare(ap, bp))
	}
	basis := func(b string) int { return slices.Index([]string{result.BasisNative, result.BasisSeries}, b) & 3 } // a pair is last
	slices.SortStableFunc(v.Measurements, func(a, b result.Measurement) int {
		return cmp.Or(photo(a.Session, a.Photo, b.Session, b.Photo), e.zones.compare(a.Zone, b.Zone), e.metrics.compare(a.Metric, b.Metric),
			cmp.Compare(basis(a.Basis), basis(b.Basis)), strings.Compare(a.Basis, b.Basis))
	})
	slices.SortStableFunc(v.Trends, func(a, b result.Trend) int {
		return cmp.Or(e.zones.compare(a.Zone, b.Zone), e.metrics.compare(a.Metric, b.Metric))
	})
	slices.SortStableFunc(v.Alignments, func(a, b result.Alignment) int { return photo(a.Session, a.Photo, b.Session, b.Photo) })
	slices.SortStableFunc(v.Comparability, func(a, b result.Check) int { return photo(a.Session, a.Photo, b.Session, b.Photo) })
	slices.SortStableFunc(v.Objects, func(a, b result.Object) int {
		return cmp.Or(photo(a.Session, a.Photo, b.Session, b.Photo), e.zones.compare(a.Zone, b.Zone), strings.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	slices.SortStableFunc(v.Rejections, func(a, b result.Rejection) int { return photo(a.Session, a.Photo, b.Session, b.Photo) })
}

// ranks gives names their place in a list; names that are not in it come after, by
// the alphabet.
type ranks map[string]int

func newRanks(names []string) ranks {
	r := ranks{}
	for i, n := range names {
		r[n] = i
	}
	return r
}

func (r ranks) compare(a, b string) int {
	place := func(s string) int {
		if i, ok := r[s]; ok {
			return i
		}
		return math.MaxInt
	}
	return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a, b))
}
