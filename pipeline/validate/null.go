package validate

import (
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// primary are the names of the primary metrics. Of all of them, less is better.
var primary = func() []string {
	var names []string
	for _, m := range metrics.All() {
		if m.Primary {
			names = append(names, m.Name)
		}
	}
	return names
}()

// testers are the null series of even seeds and persons; where there are none, all.
func testers(all []Findings) []Findings {
	var null, even []Findings
	for _, f := range all {
		if !f.Case.Null() {
			continue
		}
		null = append(null, f)
		if !f.Case.Makes() {
			even = append(even, f)
		}
	}
	if len(even) > 0 {
		return even
	}
	return null
}

// verdictCount counts verdicts on unchanged skin.
type verdictCount struct {
	visible, without, comparable, wrong int // without: of visible, nothing is there to be compared
}

func countVerdicts(null []Findings, holds func(Change) bool) verdictCount {
	var n verdictCount
	for _, f := range null {
		for _, c := range f.Changes {
			if c.Role != "primary" || !slices.Contains(f.Visible, c.Zone) || !holds(c) {
				continue
			}
			n.visible++
			if c.Comparable {
				n.comparable++
			} else if c.Metric == "scar_contrast" && !c.True.Known() {
				n.without++
			}
			if c.Verdict == result.Improved || c.Verdict == result.Worsened {
				n.wrong++
			}
		}
	}
	return n
}

// nullSeries: what is seen where nothing is, on even seeds and persons.
func nullSeries(w *writer, all []Findings) {
	w.section = "null"
	null := testers(all)
	if len(null) == 0 {
		return
	}
	falseTarget, comparable := Target{}, Target{}
	switch {
	case w.part.whole():
		falseTarget, comparable = Target{"<=", 5}, Target{">=", 80}
	case w.part.rough():
		falseTarget, comparable = Target{"<=", 5}, Target{">=", 50}
	case w.part.nuisance == RealPhotos:
		falseTarget = Target{"<=", 5}
	}
	seriesTarget := falseTarget
	if slices.Contains(tricks, w.part.nuisance) {
		seriesTarget = Target{"<=", 0}
	}
	improved := func(f Findings, in func(string) bool) bool {
		return slices.ContainsFunc(f.Changes, func(c Change) bool {
			return c.Role == "primary" && c.Verdict == result.Improved && in(c.Zone)
		})
	}
	inZones := func(stat string, in func(string) bool, target Target) {
		hit := 0
		for _, f := range null {
			if improved(f, in) {
				hit++
			}
		}
		w.add("primary", "", stat, share(hit, len(null)), "percent", len(null), target)
	}
	inZones("series_with_false_improved", func(string) bool { return true }, seriesTarget)
	if w.part.nuisance == RealPhotos {
		inZones("series_with_false_improved_forehead_nose", func(z string) bool { return z == "forehead" || z == "nose" }, falseTarget)
		w.realComparable(all)
	}
	for _, metric := range append([]string{"primary"}, primary...) {
		n := countVerdicts(null, func(c Change) bool { return metric == "primary" || c.Metric == metric })
		whole := metric == "primary"
		w.add(metric, "", "false_verdicts", share(n.wrong, n.comparable), "percent", n.comparable, only(whole, falseTarget))
		w.add(metric, "", "comparable", share(n.comparable, n.visible), "percent", n.visible, only(whole, comparable))
		w.add(metric, "", "comparable_where_there_is_something", share(n.comparable, n.visible-n.without), "percent", n.visible-n.without, Target{})
	}
	if w.part.targets() || w.part.nuisance == RealPhotos {
		for _, z := range visibleIn(null) {
			n := countVerdicts(null, func(c Change) bool { return c.Zone == z })
			w.add("primary", z, "false_verdicts", share(n.wrong, n.comparable), "percent", n.comparable, Target{})
			w.add("primary", z, "comparable", share(n.comparable, n.visible), "percent", n.visible, Target{})
		}
	}
}

func visibleIn(all []Findings) []string {
	var out []string
	for _, f := range all {
		for _, z := range f.Visible {
			if !slices.Contains(out, z) {
				out = append(out, z)
			}
		}
	}
	return out
}

// realComparable: of real pairs, odd and even, in how many redness of the cheeks or
// nose and coarse texture of the forehead can be compared; wanted are 18 of 22.
func (w *writer) realComparable(all []Findings) {
	for _, x := range []struct {
		metric string
		zones  []string
	}{{"erythema_index", []string{"cheek_left", "cheek_right", "nose"}}, {"roughness_coarse", []string{"forehead"}}} {
		n := 0
		for _, f := range all {
			if slices.ContainsFunc(f.Changes, func(c Change) bool {
				return c.Metric == x.metric && c.Comparable && slices.Contains(x.zones, c.Zone)
			}) {
				n++
			}
		}
		w.add(x.metric, strings.Join(x.zones, "|"), "pairs_comparable", share(n, len(all)), "percent", len(all), Target{">=", 100 * 18 / 22.})
	}
}

// wantedPower is the share of true changes that should be called, per cent of those
// that can be compared.
var wantedPower = map[string]float64{"better30": 85, "better20": 60}

// power: the share of true changes that are called, of what can be compared and of
// all that can be seen, and of verdicts that are the wrong way round.
func power(w *writer, all []Findings) {
	for _, course := range courses(all) {
		w.section = "power " + course
		for _, metric := range primary {
			right, wrong, comparable, n := 0, 0, 0, 0
			for _, c := range changesOf(all, course, "", metric) {
				if !c.hasDirection() {
					continue
				}
				n++
				if c.Comparable {
					comparable++
				}
				better := c.True < 0
				switch {
				case c.Verdict == result.Improved && better, c.Verdict == result.Worsened && !better:
					right++
				case c.Verdict == result.Improved, c.Verdict == result.Worsened:
					wrong++
				}
			}
			if n == 0 {
				continue
			}
			want, ok := wantedPower[course]
			w.add(metric, "", "called", share(right, comparable), "percent", comparable, only(ok && w.part.targets(), Target{">=", want}))
			w.add(metric, "", "called_of_visible", share(right, n), "percent", n, Target{})
			w.add(metric, "", "wrong_direction", share(wrong, comparable), "percent", comparable, only(w.part.targets(), Target{"<=", 0}))
		}
	}
}

// checks: how often photos pass each check.
func checks(w *writer, all []Findings) {
	w.section = "checks"
	type count struct{ ok, refused, n int }
	by := map[string]*count{}
	var names []string
	for _, f := range all {
		for _, k := range f.Checks {
			c := by[k.Name]
			if c == nil {
				c = &count{}
				by[k.Name], names = c, append(names, k.Name)
			}
			c.n++
			switch k.Status {
			case result.OK:
				c.ok++
			case result.Refused:
				c.refused++
			}
		}
	}
	for _, name := range names {
		c := by[name]
		w.add(name, "", "ok", share(c.ok, c.n), "percent", c.n, Target{})
		w.add(name, "", "not_refused", share(c.n-c.refused, c.n), "percent", c.n, Target{})
	}
}

// agreementWithTool: the rule that decides again must be that of the tool.
func agreementWithTool(w *writer, all []Findings) {
	w.section = "verdicts"
	differ, n := disagreements(all)
	w.add("primary", "", "decided_otherwise_than_the_tool", share(differ, n), "percent", n, only(w.part.targets(), Target{"<=", 0}))
}
