package validate

import (
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// ownSDC is the smallest detectable change that the tool itself used.
func ownSDC(c Change) (float64, bool) { return float64(c.SDC), c.SDC.Known() }

// tableSDC looks the smallest detectable change up in a table, for baselines of a
// scale, in the metric's unit.
func tableSDC(t result.SDCTable, pxPerMM result.Number) func(Change) (float64, bool) {
	return func(c Change) (float64, bool) {
		r, ok := t.Find(c.Metric, c.Zone, c.Status, float64(pxPerMM))
		if !ok || !percentRead[c.Metric] {
			return r.SDC, ok
		}
		return r.SDC / 100 * float64(c.Base), c.Base > 0
	}
}

// decided gives the changes of a series, the primary ones with the verdicts that
// other smallest detectable changes ask for: the rule of the tool (design: Holm over the zones of
// the primary metrics, more redness held against its own error), which holds for
// series of up to three sessions without replicates, as rendered ones are. Longer
// ones are also widened by their scatter.
func decided(changes []Change, sdc func(Change) (float64, bool)) []Change {
	out := slices.Clone(changes)
	var judged []int
	var delta, limits []float64
	for i := range out {
		c := &out[i]
		if c.Role != "primary" {
			continue
		}
		s, ok := sdc(*c)
		if c.Comparable = ok && c.Delta.Known(); c.Comparable {
			judged, delta, limits = append(judged, i), append(delta, float64(c.Delta)), append(limits, s)
			c.SDC, c.Verdict = result.Number(s), result.NoDetectableChange
			if c.Measured = c.Delta; percentRead[c.Metric] {
				c.Measured = 100 * c.Delta / c.Base
			}
		} else {
			c.Verdict, c.Measured = result.NotComparable, result.None()
		}
	}
	holm, err := trend.HolmLimits(delta, limits)
	if err != nil {
		return out // nothing to judge
	}
	for k, i := range judged {
		c, limit := &out[i], holm[k].Limit
		if c.Metric == "erythema_index" && c.Delta > 0 {
			limit = limits[k]
		}
		// Of all primary metrics less is better.
		switch {
		case math.Abs(delta[k]) < limit:
		case delta[k] < 0:
			c.Verdict = result.Improved
		default:
			c.Verdict = result.Worsened
		}
	}
	return out
}

// enoughMakers is the number of rendered null series of odd seeds from which a table
// is worth deciding by.
const enoughMakers = 10

// withTable gives findings with the verdicts of the table that their odd seeds make;
// ok is false where these are too few. Of pairs whose scale or metric the table does
// not know, nothing is comparable.
func withTable(all []Findings) (decidedAgain []Findings, ok bool) {
	rendered := slices.DeleteFunc(makers(all), func(f Findings) bool { return f.Case.Nuisance == RealPhotos })
	if len(rendered) < enoughMakers {
		return nil, false
	}
	t := SDCTable(all)
	for _, f := range all {
		f.Changes = decided(f.Changes, tableSDC(t, f.PxPerMM))
		decidedAgain = append(decidedAgain, f)
	}
	return decidedAgain, true
}

// disagreements counts the primary verdicts that differ from the tool's own when
// they are decided again with the tool's own smallest detectable changes: none, or
// the rule here is not that of the tool.
func disagreements(all []Findings) (differ, n int) {
	for _, f := range all {
		for i, again := range decided(f.Changes, ownSDC) {
			if again.Role != "primary" {
				continue
			}
			if n++; again.Verdict != f.Changes[i].Verdict {
				differ++
			}
		}
	}
	return differ, n
}
