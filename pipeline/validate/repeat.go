package validate

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/result"
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
			if m.Percent && len(g) > 0 {
				mean := average(g)
				if mean == 0 {
					r.refused += len(g)
					continue
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
	}
	return r
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
	if w.group.targets() {
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
			w.add(m.Name, zone, "sdc95", sdc, unit, r.values, only(ok && w.group.targets() && zone == "", Target{"<=", want}))
			w.add(m.Name, zone, "icc_2_1", r.icc(), "", len(r.table), Target{})
			w.add(m.Name, zone, "refused", share(r.refused, r.refused+r.values), "percent", r.refused+r.values, Target{})
		}
	}
}

// SDCTable is the table of smallest detectable changes from the null series of odd
// seeds at the mild nuisance: a row for all zones together and one for each zone,
// where a value can be had. n is the number of values that it rests on.
func SDCTable(all []Findings) []byte {
	odd := slices.DeleteFunc(makers(all), func(f Findings) bool { return f.Case.Nuisance != AllNuisances || f.Case.Level != mild })
	var b bytes.Buffer
	var seeds, tones []string
	settings, scale, version := "", 0.0, ""
	for _, f := range odd {
		if s := strconv.FormatUint(f.Case.Seed, 10); !slices.Contains(seeds, s) {
			seeds = append(seeds, s)
		}
		if !slices.Contains(tones, f.Case.Tone) {
			tones = append(tones, f.Case.Tone)
		}
		settings, version, scale = f.Settings, f.Version, f.Case.PxPerMM
	}
	fmt.Fprintf(&b, "# Smallest detectable change (95 %%, 2.77 SEM) of one photo against one photo, matched in\n"+
		"# sharpness, on rendered faces on which nothing changed. sdc is per cent for metrics that are\n"+
		"# read in per cent, else in the metric's unit. An empty zone is all zones together. n: values.\n"+
		"# photo_error_only: a rendered face has no good and bad days.\n"+
		"# version %s, settings %s\n# seeds %s; tones %s; nuisance level %g; %g px/mm; %d series\n",
		version, settings, strings.Join(seeds, " "), strings.Join(tones, " "), mild, scale, len(odd))
	w := csv.NewWriter(&b)
	// A buffer takes everything.
	_ = w.Write([]string{"metric", "sdc", "zone", "n"})
	for _, m := range metrics.All() {
		for _, zone := range append([]string{""}, study.ZoneNames...) {
			r := repeatsOf(odd, &m, zone)
			if _, sdc := r.sem(); !math.IsNaN(sdc) {
				_ = w.Write([]string{m.Name, result.Number(sdc).Cell(), zone, strconv.Itoa(r.values)})
			}
		}
	}
	w.Flush()
	return b.Bytes()
}
