package validate

import (
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// repeats are the values of one metric in unchanged skin.
type repeats struct {
	groups  [][]float64 // of one zone of one person, over the sessions; per cent of their mean for metrics read so
	table   [][]float64 // the groups that are complete, in the metric's unit
	values  int
	refused int
}

// repeatsOf collects a metric; an empty zone is all. Groups of a metric in per
// cent whose mean is 0 say nothing and count as refused.
func repeatsOf(all []Findings, m *metrics.Metric, zone string) repeats {
	var r repeats
	for _, f := range all {
		by := map[string][]float64{}
		for _, v := range f.Values {
			if v.Metric != m.Name || zone != "" && v.Zone != zone {
				continue
			}
			if !v.Value.Known() {
				r.refused++
				continue
			}
			by[v.Zone] = append(by[v.Zone], float64(v.Value))
		}
		for _, z := range study.ZoneNames {
			g := by[z]
			if len(g) == f.Case.Sessions && len(g) > 1 {
				r.table = append(r.table, g)
			}
			r.add(g, m.Percent)
		}
	}
	return r
}

// add takes one more group. In per cent of a mean of 0 it says nothing.
func (r *repeats) add(g []float64, percent bool) {
	if percent && len(g) > 0 {
		mean := average(g)
		if mean == 0 {
			r.refused += len(g)
			return
		}
		g = slices.Clone(g)
		for i := range g {
			g[i] *= 100 / mean
		}
	}
	if len(g) > 1 {
		r.groups, r.values = append(r.groups, g), r.values+len(g)
	}
}

// sem is the standard error of measurement and the smallest detectable change of
// one photo against one, at 95 %; NaN where they cannot be had.
func (r repeats) sem() (sem, sdc float64) {
	s, err := trend.SEMFromReplicates(r.groups)
	if err != nil {
		return math.NaN(), math.NaN()
	}
	sdc, err = trend.SDC(s.Value, 1)
	if err != nil {
		return s.Value, math.NaN()
	}
	return s.Value, sdc
}

func (r repeats) icc() float64 {
	if slices.ContainsFunc(r.table, func(row []float64) bool { return len(row) != len(r.table[0]) }) {
		return math.NaN()
	}
	a, err := trend.ICC(r.table)
	if err != nil {
		return math.NaN()
	}
	return a.ICC2.Value
}

// makers are the null series of odd seeds.
func makers(all []Findings) []Findings {
	return slices.DeleteFunc(slices.Clone(all), func(f Findings) bool { return !f.Case.Null() || !f.Case.Makes() })
}

// The smallest detectable changes that are wanted, per cent or units.
var wantedSDC = map[string]float64{"roughness_mid": 12, "pore_density_per_cm2": 12, "pore_area_fraction": 12, "erythema_index": 0.6}

// repeatability: how well values repeat on unchanged skin, from odd seeds.
func repeatability(w *writer, all []Findings) {
	w.section = "repeatability"
	odd := makers(all)
	if len(odd) == 0 {
		return
	}
	zones := []string{""}
	if w.part.targets() {
		zones = append(zones, study.ZoneNames...)
	}
	for _, m := range metrics.All() {
		unit := m.Unit
		if m.Percent {
			unit = "percent_of_mean"
		}
		for _, zone := range zones {
			r := repeatsOf(odd, &m, zone)
			sem, sdc := r.sem()
			want, ok := wantedSDC[m.Name]
			w.add(m.Name, zone, "sem", sem, unit, r.values, Target{})
			w.add(m.Name, zone, "sdc95", sdc, unit, r.values, only(ok && w.part.targets() && zone == "", Target{"<=", want}))
			w.add(m.Name, zone, "icc_2_1", r.icc(), "", len(r.table), Target{})
			w.add(m.Name, zone, "refused", share(r.refused, r.refused+r.values), "percent", r.refused+r.values, Target{})
		}
	}
}
