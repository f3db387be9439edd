package validate

import (
	"fmt"
	"math"
	"slices"

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
	Photos            int
	PupilTurnDeg      result.Number // by how much the tool saw the line through the pupils turned, at baseline
	Rejections        []string      // photos without values
	Notes             []string      // what could not be compared
	Carried           []Carried
	NotCarried        int // surface points seen in both photos and not carried
	Objects           []Tally
	Changes           []Change
	Values            []Value
}

// Carried is the error of one surface point.
type Carried struct {
	Zone           string
	Px, MM, PctIPD float64
}

// Change is the verdict on one zone and primary metric, beside what is true.
type Change struct {
	Zone, Metric   string
	Comparable     bool
	Verdict        result.Verdict
	Reason         string
	Measured, True result.Number // per cent of baseline, units for the erythema index; None where there is none
}

// Value is one number of a null series.
type Value struct {
	Zone, Metric, Session string
	Value                 result.Number // None where it was refused
}

// Compare holds a person's results against the truth. dir is the person's folder
// of the output; carried are the rows of the points of [GridOf], session by
// session.
func Compare(c Case, dir string, carried []result.CarriedPoint, t *Truth) (Findings, error) {
	person, err := result.LoadSubject(dir)
	if err != nil {
		return Findings{}, err
	}
	if len(person.Series) != 1 {
		return Findings{}, fmt.Errorf("%s: %d series, expected one", dir, len(person.Series))
	}
	s := &person.Series[0]
	f := Findings{Case: c, Version: person.Version, Settings: person.Settings, Photos: len(t.Photos), PupilTurnDeg: result.None()}
	for _, r := range s.Rejections {
		f.Rejections = append(f.Rejections, r.Session+": "+r.Reason)
	}
	if len(f.Rejections) < f.Photos {
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
	f.changes(s, t)
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
	return f, nil
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

// changes lists the verdicts on primary metrics where they could be given: a zone
// without a true scar has no contrast of scars.
func (f *Findings) changes(s *result.Series, t *Truth) {
	percent := map[string]bool{}
	for _, m := range metrics.All() {
		percent[m.Name] = m.Percent
	}
	for _, x := range s.Trends {
		if x.Role != "primary" || x.Metric == "scar_contrast" && t.Scars[baseline][x.Zone] == 0 {
			continue
		}
		latest := x.LatestSession
		if latest == "" {
			latest = lastSession(t)
		}
		c := Change{Zone: x.Zone, Metric: x.Metric, Verdict: x.Verdict, Reason: x.Reason,
			Comparable: x.Verdict != result.NotComparable, Measured: x.Change, True: result.None()}
		if percent[x.Metric] {
			c.Measured = x.ChangePct
			if p, ok := property[x.Metric]; ok {
				c.True = result.Number(100 * (t.Factor[latest][p]/t.Factor[baseline][p] - 1))
			}
		} else if x.Metric == "erythema_index" {
			ref := referenceOf(s, x.Zone)
			gain := func(zone string) float64 { return t.Excess[latest][zone] - t.Excess[baseline][zone] }
			c.True = result.Number(gain(x.Zone))
			if ref != "" {
				c.True -= result.Number(gain(ref))
			}
		}
		if !c.Comparable {
			c.Measured = result.None()
		}
		f.Changes = append(f.Changes, c)
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
