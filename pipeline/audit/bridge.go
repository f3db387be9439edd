package audit

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Bridge explains how the results of the same photos differ between two versions or
// settings of the program: what a researcher needs who changes the program in the
// middle of a study. "First" and "second" are the two output folders.
//
// Series of which a photo has other bytes in the two are left out: what differs
// there is the photo, not the program.
type Bridge struct {
	Persons  int         // in both
	Only     [2][]string // persons of the first and of the second alone
	LeftOut  []LeftOut
	Verdicts []VerdictChange
	Photos   []PhotoChange
	Objects  []ObjectChange // one for each kind
	Same     int            // verdicts that agree

	metrics map[string]*metricValues
}

// LeftOut is a series that says nothing about the program.
type LeftOut struct{ Subject, View, Reason string }

// MetricChange is a row of the bridging table. A value is a measurement: one metric
// of one zone in one photo at one basis. Differences are second minus first, over all
// values that both have, the unchanged included, in the metric's unit.
type MetricChange struct {
	Metric, Unit string
	Values       int           // that both have
	Changed      int           // of these, in the six digits of the table
	Lost, Gained int           // values of the first or of the second alone
	Median       result.Number // signed: a shift that all values have in common
	MedianAbs    result.Number
	P95Abs       result.Number
	MedianSDC    result.Number // the same two as parts of the smallest detectable change
	P95SDC       result.Number // that the first has for the zone; not known where it has none
}

// VerdictChange is a trend whose verdict differs.
type VerdictChange struct {
	Subject, View, Zone, Metric, Role string
	First, Second                     result.Verdict // empty: the trend is not there
	Why                               string         // what else of the trend differs
}

// PhotoChange is a photo that only one of the two has accepted.
type PhotoChange struct {
	Subject, View, Session, Photo string
	First, Second                 string // accepted, or why not
}

// ObjectChange counts the objects of a kind, over all photos. Two objects are the same
// where their centres lie nearer than half the larger diameter.
type ObjectChange struct {
	Kind                string
	First, Second, Both int
	Lost, Gained        int
}

// metricValues collects the differences of one metric.
type metricValues struct {
	unit                  string
	diff, inSDC           []float64
	changed, lost, gained int
}

// Alone notes a person that only one of the two has: 0 the first, 1 the second.
func (b *Bridge) Alone(which int, subject string) { b.Only[which] = append(b.Only[which], subject) }

// Add compares the results of one person.
func (b *Bridge) Add(first, second result.Subject) {
	b.Persons++
	views := map[string][2]*result.Series{}
	for which, s := range []result.Subject{first, second} {
		for i := range s.Series {
			pair := views[s.Series[i].View]
			pair[which] = &s.Series[i]
			views[s.Series[i].View] = pair
		}
	}
	for _, view := range slices.Sorted(maps.Keys(views)) {
		pair := views[view]
		if why := incomparable(pair); why != "" {
			b.LeftOut = append(b.LeftOut, LeftOut{first.ID, view, why})
			continue
		}
		b.measurements(pair)
		b.verdicts(pair)
		b.photos(pair)
		b.countObjects(pair)
	}
}

func incomparable(pair [2]*result.Series) string {
	switch {
	case pair[1] == nil:
		return "the second has no such series"
	case pair[0] == nil:
		return "the first has no such series"
	}
	var other []string
	for _, photo := range slices.Sorted(maps.Keys(pair[0].InputSHA256)) {
		if sum, ok := pair[1].InputSHA256[photo]; ok && sum != pair[0].InputSHA256[photo] {
			other = append(other, photo)
		}
	}
	if len(other) > 0 {
		return "other photos under the same names: " + strings.Join(other, ", ")
	}
	return ""
}

type valueKey struct{ session, photo, zone, metric, basis string }

func (b *Bridge) measurements(pair [2]*result.Series) {
	if b.metrics == nil {
		b.metrics = map[string]*metricValues{}
	}
	sdc := map[[2]string]float64{}
	for _, t := range pair[0].Trends {
		if t.SDC.Known() && t.SDC > 0 {
			sdc[[2]string{t.Zone, t.Metric}] = float64(t.SDC)
		}
	}
	keyed := func(m result.Measurement) valueKey {
		return valueKey{m.Session, m.Photo, m.Zone, m.Metric, m.Basis}
	}
	of := func(m result.Measurement) *metricValues {
		v := b.metrics[m.Metric]
		if v == nil {
			v = &metricValues{unit: m.Unit}
			b.metrics[m.Metric] = v
		}
		return v
	}
	second := map[valueKey]result.Measurement{}
	for _, m := range pair[1].Measurements {
		second[keyed(m)] = m
	}
	for _, x := range pair[0].Measurements {
		v := of(x)
		y, ok := second[keyed(x)]
		delete(second, keyed(x))
		switch known := ok && y.Value.Known(); {
		case x.Value.Known() && known:
			d := float64(y.Value - x.Value)
			v.diff = append(v.diff, d)
			if s, ok := sdc[[2]string{x.Zone, x.Metric}]; ok {
				v.inSDC = append(v.inSDC, math.Abs(d)/s)
			}
			if x.Value.Cell() != y.Value.Cell() {
				v.changed++
			}
		case x.Value.Known():
			v.lost++
		case known:
			v.gained++
		}
	}
	for _, y := range pair[1].Measurements {
		if _, left := second[keyed(y)]; left && y.Value.Known() {
			of(y).gained++
		}
	}
}

// Metrics is the bridging table, by name of the metric.
func (b *Bridge) Metrics() []MetricChange {
	var rows []MetricChange
	for _, name := range slices.Sorted(maps.Keys(b.metrics)) {
		v := b.metrics[name]
		abs := make([]float64, len(v.diff))
		for i, d := range v.diff {
			abs[i] = math.Abs(d)
		}
		rows = append(rows, MetricChange{Metric: name, Unit: v.unit, Values: len(v.diff), Changed: v.changed, Lost: v.lost, Gained: v.gained,
			Median: quantile(v.diff, 0.5), MedianAbs: quantile(abs, 0.5), P95Abs: quantile(abs, 0.95),
			MedianSDC: quantile(v.inSDC, 0.5), P95SDC: quantile(v.inSDC, 0.95)})
	}
	return rows
}

func quantile(v []float64, p float64) result.Number {
	q, err := trend.Quantile7(v, p)
	if err != nil {
		return result.None()
	}
	return result.Number(q)
}

func (b *Bridge) verdicts(pair [2]*result.Series) {
	type key struct{ zone, metric string }
	trends := map[key][2]*result.Trend{}
	var order []key
	for which, s := range pair {
		for i := range s.Trends {
			t := &s.Trends[i]
			k := key{t.Zone, t.Metric}
			if _, seen := trends[k]; !seen {
				order = append(order, k)
			}
			p := trends[k]
			p[which] = t
			trends[k] = p
		}
	}
	for _, k := range order {
		x, y := trends[k][0], trends[k][1]
		c := VerdictChange{Subject: pair[0].Subject, View: pair[0].View, Zone: k.zone, Metric: k.metric}
		if x != nil {
			c.Role, c.First = x.Role, x.Verdict
		}
		if y != nil {
			c.Role, c.Second = y.Role, y.Verdict
		}
		if c.First == c.Second {
			b.Same++
			continue
		}
		c.Why = why(x, y)
		b.Verdicts = append(b.Verdicts, c)
	}
}

// why lists what a verdict rests on and what of it differs.
func why(x, y *result.Trend) string {
	switch {
	case x == nil:
		return "the first has no such trend"
	case y == nil:
		return "the second has no such trend"
	}
	var parts []string
	say := func(what, first, second string) {
		if first != second {
			parts = append(parts, fmt.Sprintf("%s %s -> %s", what, cmp.Or(first, "none"), cmp.Or(second, "none")))
		}
	}
	say("change", x.Change.Cell(), y.Change.Cell())
	say("limit", x.Limit.Cell(), y.Limit.Cell())
	say("sdc", x.SDC.Cell(), y.SDC.Cell())
	say("sdc from", x.SDCSource, y.SDCSource)
	say("comparable sessions", fmt.Sprint(x.Sessions), fmt.Sprint(y.Sessions))
	say("judged session", x.LatestSession, y.LatestSession)
	say("role", x.Role, y.Role)
	say("qualifier", x.Qualifier, y.Qualifier)
	say("reason", x.Reason, y.Reason)
	if len(parts) == 0 {
		return "the rule that judges it"
	}
	return strings.Join(parts, "; ")
}

func (b *Bridge) photos(pair [2]*result.Series) {
	type key struct{ session, photo string }
	var order []key
	state := map[key][2]string{}
	set := func(which int, k key, s string) {
		if _, seen := state[k]; !seen {
			order = append(order, k)
		}
		p := state[k]
		p[which] = s
		state[k] = p
	}
	const accepted = "accepted"
	for which, s := range pair {
		for _, a := range s.Alignments {
			k := key{a.Session, a.Photo}
			if a.Status == result.Refused {
				set(which, k, "align: "+a.Reason)
			} else {
				set(which, k, accepted)
			}
		}
		for _, v := range s.Visits { // of several photos, the one that is judged
			k := key{v.Session, v.Photo}
			switch {
			case !v.Comparable:
				set(which, k, "not compared: "+v.Reason)
			case state[k][which] == "":
				set(which, k, accepted)
			}
		}
		for _, r := range s.Rejections {
			set(which, key{r.Session, r.Photo}, r.Stage+": "+r.Reason)
		}
	}
	for _, k := range order {
		x, y := state[k][0], state[k][1]
		if (x == accepted) != (y == accepted) {
			b.Photos = append(b.Photos, PhotoChange{pair[0].Subject, pair[0].View, k.session, k.photo,
				cmp.Or(x, "not there"), cmp.Or(y, "not there")})
		}
	}
}
