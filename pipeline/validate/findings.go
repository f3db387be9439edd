package validate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Findings is what one case has come to: all that the tables need, and small
// enough to keep.
type Findings struct {
	Key               string // of the settings that the case was measured with
	Case              Case
	Version, Settings string
	OpenCV            string
	PxPerMM           result.Number // of the baseline as the tool saw it; 0 without a scale
	Photos            int
	PupilTurnDeg      result.Number // by how much the tool saw the line through the pupils turned, at baseline
	Rejections        []string      // photos without values
	Notes             []string      // what could not be compared
	Carried           []Carried
	NotCarried        int // surface points seen in both photos and not carried
	Objects           []Tally
	Visible           []string // zones that the baseline photo truly shows
	Changes           []Change // of all metrics
	Checks            []Check
	Values            []Value
}

// Carried is the error of one surface point.
type Carried struct {
	Zone           string
	Px, MM, PctIPD float64
}

// Change is what the tool says of one zone and metric, beside what is true.
type Change struct {
	Zone, Metric   string
	Role           string // primary, secondary, safety
	Comparable     bool
	Verdict        result.Verdict
	Reason         string
	Status         result.Status // of the pair: caution where either value has one
	Base, Delta    result.Number // value at baseline and its change, in the metric's unit; known also where only an SDC was missing
	SDC            result.Number // that the tool used, in the metric's unit
	Measured, True result.Number // per cent of baseline, units for the erythema index; None where there is none
}

// Check is the outcome of one comparability check of a photo after the baseline.
type Check struct {
	Name   string
	Status result.Status
}

// Value is one number of a null series.
type Value struct {
	Zone, Metric, Session string
	Value                 result.Number // None where it was refused
}

// Compare holds a person's results against the truth. dir is the person's folder
// of the output; carried are the rows of the points of [GridOf], session by
// session, none where points were not carried.
func Compare(c Case, dir string, carried []result.CarriedPoint, t *Truth) (Findings, error) {
	person, err := result.LoadSubject(dir)
	if err != nil {
		return Findings{}, err
	}
	if len(person.Series) != 1 {
		return Findings{}, fmt.Errorf("%s: %d series, expected one", dir, len(person.Series))
	}
	s := &person.Series[0]
	f := findingsOf(c, &person, s)
	f.Photos = len(t.Photos)
	if len(f.Rejections) < f.Photos && !c.Trick() {
		places, turn, err := regions(dir, s, t)
		if f.PupilTurnDeg = result.Number(turn); err != nil {
			f.PupilTurnDeg = result.None()
			f.Notes = append(f.Notes, "objects are not counted: "+err.Error())
		} else {
			f.Objects = objects(s, t, places)
		}
	}
	if err := f.carry(carried, t); err != nil {
		return Findings{}, err
	}
	f.Visible = visibleZones(t)
	f.truth(s, t)
	return f, nil
}

// Real turns the series of a study whose skin did not change into findings: null
// series without a truth. Persons count from 1 in the order of their names; those at
// odd places make the table, the others test it.
func Real(people []result.Subject) []Findings {
	people = slices.SortedFunc(slices.Values(people), func(a, b result.Subject) int { return strings.Compare(a.ID, b.ID) })
	var out []Findings
	for i := range people {
		for k := range people[i].Series {
			s := &people[i].Series[k]
			c := Case{Seed: uint64(i + 1), Course: "none", Nuisance: RealPhotos, Level: 1, Sessions: len(s.Visits)}
			f := findingsOf(c, &people[i], s)
			f.Photos = len(s.Visits)
			for _, x := range f.Changes {
				if !slices.Contains(f.Visible, x.Zone) {
					f.Visible = append(f.Visible, x.Zone)
				}
			}
			out = append(out, f)
		}
	}
	return out
}

// findingsOf takes from a series what needs no truth.
func findingsOf(c Case, person *result.Subject, s *result.Series) Findings {
	f := Findings{Case: c, Version: person.Version, Settings: person.Settings, OpenCV: person.OpenCV, PxPerMM: s.PxPerMM, PupilTurnDeg: result.None()}
	for _, r := range s.Rejections {
		f.Rejections = append(f.Rejections, r.Session+": "+r.Reason)
	}
	first := ""
	for _, v := range s.Visits {
		if v.Baseline {
			first = v.Session
		}
	}
	for _, k := range s.Comparability {
		if k.Session != first {
			f.Checks = append(f.Checks, Check{k.Check, k.Status})
		}
	}
	percent := map[string]bool{}
	for _, m := range metrics.All() {
		percent[m.Name] = m.Percent
	}
	status := statuses(s)
	for _, x := range s.Trends {
		d := Change{Zone: x.Zone, Metric: x.Metric, Role: x.Role, Verdict: x.Verdict, Reason: x.Reason, Comparable: x.Verdict != result.NotComparable,
			Status: status(x, first), Base: x.Baseline, Delta: x.Change, SDC: x.SDC, Measured: result.None(), True: result.None()}
		if d.Comparable {
			if d.Measured = x.Change; percent[x.Metric] {
				d.Measured = x.ChangePct
			}
		}
		f.Changes = append(f.Changes, d)
	}
	if c.Null() {
		for _, m := range s.Measurements {
			if m.Basis == result.BasisSeries {
				v := Value{m.Zone, m.Metric, m.Session, m.Value}
				if m.Status == result.Refused {
					v.Value = result.None()
				}
				f.Values = append(f.Values, v)
			}
		}
	}
	return f
}

// statuses tells, for the rows of a series, the status of the pair of sessions that
// a verdict compares.
func statuses(s *result.Series) func(x result.Trend, first string) result.Status {
	type key struct{ zone, metric, basis, session string }
	caution := map[key]bool{}
	for _, m := range s.Measurements {
		if m.Status == result.Caution {
			caution[key{m.Zone, m.Metric, m.Basis, m.Session}] = true
		}
	}
	return func(x result.Trend, first string) result.Status {
		basis := result.BasisPair + x.LatestSession
		if caution[key{x.Zone, x.Metric, basis, first}] || caution[key{x.Zone, x.Metric, basis, x.LatestSession}] {
			return result.Caution
		}
		return result.OK
	}
}

// visibleZones lists the zones of which the baseline photo shows at least half.
func visibleZones(t *Truth) []string {
	seen, all := map[string]int{}, map[string]int{}
	for _, g := range t.Grid[baseline] {
		all[g.Zone]++
		if g.Visible {
			seen[g.Zone]++
		}
	}
	var out []string
	for _, z := range study.ZoneNames {
		if all[z] > 0 && 2*seen[z] >= all[z] {
			out = append(out, z)
		}
	}
	return out
}

const baseline = "s0"

// GridOf lists the surface points that the baseline shows in a zone: the points to
// carry.
func GridOf(t *Truth) []study.Point {
	var out []study.Point
	for _, g := range t.Grid[baseline] {
		if g.Visible && g.Zone != "" {
			out = append(out, study.Point{X: g.X, Y: g.Y})
		}
	}
	return out
}

// carry compares carried points with the true places in photos after the baseline.
func (f *Findings) carry(rows []result.CarriedPoint, t *Truth) error {
	var at []int // grid index of each point
	for i, g := range t.Grid[baseline] {
		if g.Visible && g.Zone != "" {
			at = append(at, i)
		}
	}
	n := map[string]int{}
	for _, r := range rows {
		k := n[r.Session]
		n[r.Session]++
		grid := t.Grid[r.Session]
		if k >= len(at) || at[k] >= len(grid) {
			return fmt.Errorf("session %s: more points came back than were sent", r.Session)
		}
		g, p := grid[at[k]], t.Photos[r.Session]
		switch {
		case r.Session == baseline || !g.Visible:
		case !r.X.Known():
			f.NotCarried++
		default:
			d := math.Hypot(float64(r.X)-g.X, float64(r.Y)-g.Y)
			f.Carried = append(f.Carried, Carried{g.Zone, short(d), short(d / p.PxPerMM), short(100 * d / p.PupilDistance())})
		}
	}
	return nil
}

// short keeps files small: four digits behind the point.
func short(v float64) float64 { return math.Round(v*1e4) / 1e4 }

// objects counts pores and scars in all photos that have a region.
func objects(s *result.Series, t *Truth, places map[string]region) []Tally {
	var out []Tally
	for _, v := range s.Visits {
		place, ok := places[v.Session]
		if !ok {
			continue
		}
		var found []result.Object
		for _, o := range s.Objects {
			if o.Session == v.Session && o.Photo == v.Photo {
				found = append(found, o)
			}
		}
		for _, kind := range []string{"pore", "scar"} {
			out = append(out, tally(kind, found, t.Objects[v.Session], t.Photos[v.Session].PxPerMM, study.ZoneNames, place.zoneAt)...)
		}
	}
	return out
}

// property of the skin whose factor is the true change of a metric read in per
// cent.
var property = map[string]string{"roughness_mid": "relief", "pore_area_fraction": "pore_area", "scar_contrast": "scar_depth"}

// truth adds to the primary changes what is true of them, and a row without a
// value where a zone can be seen and the tool has nothing to say.
func (f *Findings) truth(s *result.Series, t *Truth) {
	latestOf := map[[2]string]string{}
	for _, x := range s.Trends {
		latestOf[[2]string{x.Zone, x.Metric}] = x.LatestSession
	}
	for _, z := range f.Visible {
		for _, m := range primary {
			if !slices.ContainsFunc(f.Changes, func(c Change) bool { return c.Zone == z && c.Metric == m }) {
				f.Changes = append(f.Changes, Change{Zone: z, Metric: m, Role: "primary", Verdict: result.NotComparable, Reason: "not measured",
					Base: result.None(), Delta: result.None(), SDC: result.None(), Measured: result.None(), True: result.None()})
			}
		}
	}
	for i := range f.Changes {
		c := &f.Changes[i]
		if c.Role != "primary" {
			continue
		}
		latest := latestOf[[2]string{c.Zone, c.Metric}]
		if latest == "" {
			latest = lastSession(t)
		}
		if p, ok := property[c.Metric]; ok {
			if c.Metric != "scar_contrast" || t.Scars[baseline][c.Zone] > 0 {
				c.True = result.Number(100 * (t.Factor[latest][p]/t.Factor[baseline][p] - 1))
			}
		} else if c.Metric == "erythema_index" {
			gain := func(zone string) float64 { return t.Excess[latest][zone] - t.Excess[baseline][zone] }
			c.True = result.Number(gain(c.Zone))
			if ref := referenceOf(s, c.Zone); ref != "" {
				c.True -= result.Number(gain(ref))
			}
		}
	}
}

func lastSession(t *Truth) string {
	var ids []string
	for id := range t.Factor {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids[len(ids)-1]
}

// The zones that a rendered study records as untreated, in the order in which they
// serve as reference skin.
var untreated = []string{"forehead", "periorbital_left", "periorbital_right", "perioral"}

// referenceOf is the first untreated zone, other than the zone itself, that the
// baseline was measured in.
func referenceOf(s *result.Series, zone string) string {
	for _, name := range untreated {
		if name != zone && slices.ContainsFunc(s.Measurements, func(m result.Measurement) bool {
			return m.Session == baseline && m.Zone == name && m.Value.Known()
		}) {
			return name
		}
	}
	return ""
}
