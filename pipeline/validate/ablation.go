package validate

import (
	"maps"
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// AblationPlan lists twelve small cases of two persons of each tone: null series at
// the full nuisance, which the checks are for, and series that get better by 30 % at
// half of it. Persons are of even seeds. Every trick follows, on one person: most
// checks are for what careful photographs never show.
func AblationPlan(first uint64) []Case {
	var cases []Case
	even := first + first%2
	for _, seed := range []uint64{even, even + 2} {
		for _, tone := range mainTones {
			cases = append(cases,
				sized(Case{Seed: seed, Tone: tone, Course: "none", Nuisance: AllNuisances, Level: full}, quickScale),
				sized(Case{Seed: seed, Tone: tone, Course: "better30", Nuisance: AllNuisances, Level: mild}, quickScale))
		}
	}
	for _, trick := range tricks {
		cases = append(cases, sized(Case{Seed: even, Tone: mainTones[0], Course: "none", Nuisance: trick, Level: full}, quickScale))
	}
	return cases
}

// Failed lists the checks that found something to say, in their order.
func (f Findings) Failed() []string {
	var out []string
	for _, c := range f.Checks {
		if c.Status != result.OK && !slices.Contains(out, c.Name) {
			out = append(out, c.Name)
		}
	}
	return out
}

// Switch is what one correction or check is worth: what a run without it comes to.
// The first is the run as always, without a name.
type Switch struct {
	Name                      string
	False, Comparable, Called float64 // per cent: of comparable verdicts on unchanged skin, of visible zones, of comparable true changes
	Tricked                   float64 // series in which a trick improved a primary metric
	Errors                    []MetricError
}

// MetricError is the error of the change of one metric, null series included; per
// cent of baseline, units for the erythema index.
type MetricError struct {
	Metric    string
	Bias, RMS float64
	N         int
}

// Ablation makes rows from cases that were measured as always (name "") and without
// one thing after the other. Where a case was not measured without a thing, that
// thing makes no difference to it. Verdicts are the tool's own.
func Ablation(of []map[string]Findings) []Row {
	names := map[string]bool{}
	for _, m := range of {
		for name := range m {
			names[name] = true
		}
	}
	w := &writer{part: part{nuisance: AllNuisances, pxPerMM: quickScale}}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		var all []Findings
		for _, m := range of {
			f, ok := m[name]
			if !ok {
				f = m[""]
			}
			all = append(all, f)
		}
		w.ablated(name, all)
	}
	return w.rows
}

func (w *writer) ablated(name string, all []Findings) {
	w.section = "ablation " + name
	tricked, tricky := 0.0, 0
	for _, f := range all {
		if f.Case.Trick() {
			tricky++
			if slices.ContainsFunc(f.Changes, func(c Change) bool { return c.Role == "primary" && c.Verdict == result.Improved }) {
				tricked++
			}
		}
	}
	w.add("primary", "", "tricked", tricked, "series", tricky, Target{})
	all = slices.DeleteFunc(slices.Clone(all), func(f Findings) bool { return f.Case.Trick() })
	null := testers(all)
	n := countVerdicts(null, func(Change) bool { return true })
	w.add("primary", "", "false_verdicts", share(n.wrong, n.comparable), "percent", n.comparable, Target{})
	called, changed, comparable, visible := 0, 0, 0, 0
	for _, f := range all {
		for _, c := range f.Changes {
			if c.Role != "primary" || !slices.Contains(f.Visible, c.Zone) {
				continue
			}
			visible++
			if !c.Comparable {
				continue
			}
			comparable++
			if f.Case.Null() || !c.hasDirection() {
				continue
			}
			changed++
			if c.Verdict == result.Improved {
				called++
			}
		}
	}
	w.add("primary", "", "comparable", share(comparable, visible), "percent", visible, Target{})
	for _, metric := range primary {
		var d []float64
		for _, f := range all {
			for _, c := range f.Changes {
				if c.Role != "primary" || c.Metric != metric {
					continue
				}
				if c.Measured.Known() && c.True.Known() {
					d = append(d, float64(c.Measured-c.True))
				}
			}
		}
		ss := 0.0
		for _, x := range d {
			ss += x * x
		}
		w.add(metric, "", "bias", average(d), "", len(d), Target{})
		w.add(metric, "", "rms_error", math.Sqrt(ss/float64(len(d))), "", len(d), Target{})
	}
	w.add("primary", "", "called", share(called, changed), "percent", changed, Target{})
}

// Below this true change of the erythema index, in units, there is no direction to
// be right or wrong about.
const leastRedness = 0.2

// hasDirection tells whether something truly changed by enough to be called.
func (c Change) hasDirection() bool {
	if c.Metric == "erythema_index" {
		return math.Abs(float64(c.True)) >= leastRedness
	}
	return c.True.Known() && c.True != 0
}

// Switches reads the rows of [Ablation].
func Switches(rows []Row) []Switch {
	var out []Switch
	for _, r := range rows {
		name := r.Section[len("ablation "):]
		if len(out) == 0 || out[len(out)-1].Name != name {
			out = append(out, Switch{Name: name})
		}
		s, v := &out[len(out)-1], float64(r.Value)
		switch r.Stat {
		case "tricked":
			s.Tricked = v
		case "false_verdicts":
			s.False = v
		case "comparable":
			s.Comparable = v
		case "called":
			s.Called = v
		case "bias":
			s.Errors = append(s.Errors, MetricError{Metric: r.Metric, Bias: v, N: r.N})
		case "rms_error":
			s.Errors[len(s.Errors)-1].RMS = v
		}
	}
	return out
}
