package validate

import (
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// only gives a target where it applies.
func only(apply bool, t Target) Target {
	if apply {
		return t
	}
	return Target{}
}

// registration: how far carried surface points are off.
func registration(w *writer, all []Findings) {
	w.section = "registration"
	zones := []string{""}
	if w.part.targets() {
		zones = append(zones, study.ZoneNames...)
	}
	for _, zone := range zones {
		var px, mm, ipd []float64
		lost := 0
		for _, f := range all {
			lost += f.NotCarried
			for _, c := range f.Carried {
				if zone == "" || c.Zone == zone {
					px, mm, ipd = append(px, c.Px), append(mm, c.MM), append(ipd, c.PctIPD)
				}
			}
		}
		apply := w.part.targets() && zone == ""
		for _, s := range []struct {
			name, unit string
			x          []float64
			p          float64
			target     Target
		}{
			{"median", "mm", mm, 0.5, Target{"<=", 0.15}}, {"p95", "mm", mm, 0.95, Target{"<=", 0.5}},
			{"median", "px", px, 0.5, Target{}}, {"p95", "px", px, 0.95, Target{}},
			{"median", "percent_ipd", ipd, 0.5, Target{}}, {"p95", "percent_ipd", ipd, 0.95, Target{}},
		} {
			w.add("surface_points", zone, s.name, quantile(s.x, s.p), s.unit, len(s.x), only(apply, s.target))
		}
		if zone == "" {
			w.add("surface_points", zone, "not_carried", share(lost, lost+len(px)), "percent", lost+len(px), Target{})
			photos, refused := 0, 0
			for _, f := range all {
				photos, refused = photos+f.Photos, refused+len(f.Rejections)
			}
			w.add("photos", zone, "refused", share(refused, photos), "percent", photos, Target{})
			var turns []float64
			for _, f := range all {
				if f.PupilTurnDeg.Known() {
					turns = append(turns, math.Abs(float64(f.PupilTurnDeg)))
				}
			}
			w.add("pupil_line", zone, "median_turn", quantile(turns, 0.5), "degree", len(turns), Target{})
			w.add("pupil_line", zone, "largest_turn", quantile(turns, 1), "degree", len(turns), Target{})
		}
	}
}

// found: objects against the true ones.
func found(w *writer, all []Findings) {
	w.section = "objects"
	zones := []string{""}
	if w.part.targets() {
		zones = append(zones, study.ZoneNames...)
	}
	for _, kind := range []string{"pore", "scar"} {
		for _, zone := range zones {
			var t Tally
			byType := map[string][2]int{}
			for _, f := range all {
				for _, x := range f.Objects {
					if x.Kind == kind && (zone == "" || zone == x.Zone) {
						t.Hits, t.False, t.Missed, t.Found = t.Hits+x.Hits, t.False+x.False, t.Missed+x.Missed, t.Found+x.Found
						t.FalseSmall += x.FalseSmall
						t.AreaFound, t.AreaTrue, t.TypeRight = t.AreaFound+x.AreaFound, t.AreaTrue+x.AreaTrue, t.TypeRight+x.TypeRight
						t.Diameter = append(t.Diameter, x.Diameter...)
						for k := range x.Types {
							byType[k] = [2]int{byType[k][0] + x.Types[k][0], byType[k][1] + x.Types[k][1]}
						}
					}
				}
			}
			apply := w.part.targets() && zone == ""
			f1 := Target{">=", 0.80}
			if kind == "scar" {
				f1.Limit = 0.75
			}
			w.add(kind, zone, "f1", ratio(2*t.Hits, 2*t.Hits+t.False+t.Missed), "", t.True(), only(apply, f1))
			w.add(kind, zone, "precision", ratio(t.Hits, t.Hits+t.False), "", t.Hits+t.False, Target{})
			w.add(kind, zone, "recall", ratio(t.Hits, t.True()), "", t.True(), Target{})
			if kind == "pore" {
				sized := t.False - t.FalseSmall
				w.add(kind, zone, "f1_of_size", ratio(2*t.Hits, 2*t.Hits+sized+t.Missed), "", t.True(), Target{})
				w.add(kind, zone, "precision_of_size", ratio(t.Hits, t.Hits+sized), "", t.Hits+sized, Target{})
				w.add(kind, zone, "density_bias", share(t.Found, t.True())-100, "percent", t.True(), only(apply, Target{"+-", 10}))
				w.add(kind, zone, "density_bias_without_small", share(t.Hits+t.False, t.True())-100, "percent", t.True(), Target{})
				w.add(kind, zone, "median_diameter_bias", 100*(quantile(t.Diameter, 0.5)-1), "percent", len(t.Diameter), only(apply, Target{"+-", 10}))
				continue
			}
			bias := math.NaN()
			if t.AreaTrue > 0 {
				bias = 100 * (t.AreaFound/t.AreaTrue - 1)
			}
			w.add(kind, zone, "area_bias", bias, "percent", t.Hits, only(apply, Target{"+-", 20}))
			if zone == "" {
				for _, k := range []string{"icepick", "boxcar", "rolling"} {
					w.add(kind, zone, "recall_"+k, ratio(byType[k][0], byType[k][1]), "", byType[k][1], Target{})
				}
			}
			w.add(kind, zone, "type_right", share(t.TypeRight, t.Hits), "percent", t.Hits, only(apply, Target{">=", 70}))
		}
	}
}

// courses of the cases, in the order in which they first occur, without those
// where nothing changes.
func courses(all []Findings) []string {
	var out []string
	for _, f := range all {
		if !f.Case.Null() && !slices.Contains(out, f.Case.Course) {
			out = append(out, f.Case.Course)
		}
	}
	slices.Sort(out)
	return out
}

// changesOf are the primary changes of a metric; an empty course or zone is any. A
// zone without a true scar has no contrast of scars.
func changesOf(all []Findings, course, zone, metric string) []Change {
	var out []Change
	for _, f := range all {
		if f.Case.Null() || course != "" && f.Case.Course != course {
			continue
		}
		for _, c := range f.Changes {
			if c.Role == "primary" && c.Metric == metric && (zone == "" || c.Zone == zone) && (metric != "scar_contrast" || c.True.Known()) {
				out = append(out, c)
			}
		}
	}
	return out
}

// recovered: the measured change against the true one. Of the erythema index the
// change is in units, and in per cent of the true excess only as what a line
// through the origin recovers.
func recovered(w *writer, all []Findings) {
	for _, course := range append([]string{""}, courses(all)...) {
		w.section = "change"
		zones := []string{""}
		if course == "" && w.part.targets() {
			zones = append(zones, study.ZoneNames...)
		}
		if course != "" {
			w.section += " " + course
		}
		for _, metric := range primary {
			for _, zone := range zones {
				w.agreement(all, course, zone, metric)
			}
		}
	}
}

func (w *writer) agreement(all []Findings, course, zone, metric string) {
	var measured, truth []float64
	refused := 0
	for _, c := range changesOf(all, course, zone, metric) {
		if !c.Measured.Known() || !c.True.Known() {
			refused++
			continue
		}
		measured, truth = append(measured, float64(c.Measured)), append(truth, float64(c.True))
	}
	if len(measured)+refused == 0 {
		return
	}
	unit, n := "percent", len(measured)
	red := metric == "erythema_index"
	if red {
		unit = "index"
	}
	ss, mt, tt := 0.0, 0.0, 0.0
	for i, m := range measured {
		d := m - truth[i]
		ss, mt, tt = ss+d*d, mt+m*truth[i], tt+truth[i]*truth[i]
	}
	w.add(metric, zone, "mean_measured", average(measured), unit, n, Target{})
	w.add(metric, zone, "mean_true", average(truth), unit, n, Target{})
	w.add(metric, zone, "bias", average(measured)-average(truth), unit, n, only(course == "better30" && zone == "" && w.part.targets() && !red, Target{"+-", 6}))
	limits, err := trend.BlandAltman(measured, truth)
	if err != nil {
		limits.Lower.Value, limits.Upper.Value = math.NaN(), math.NaN()
	}
	w.add(metric, zone, "limit_of_agreement_low", limits.Lower.Value, unit, n, Target{})
	w.add(metric, zone, "limit_of_agreement_high", limits.Upper.Value, unit, n, Target{})
	w.add(metric, zone, "rms_error", math.Sqrt(ss/float64(n)), unit, n, only(red && course == "" && zone == "" && w.part.whole(), Target{"<=", 0.7}))
	w.add(metric, zone, "correlation", correlation(measured, truth), "", n, Target{})
	if red {
		// What is recovered of 30 %: 6 points are a fifth of it.
		w.add(metric, zone, "recovered", 100*mt/tt-100, "percent", n, only(course == "better30" && zone == "" && w.part.targets(), Target{"+-", 20}))
	}
	w.add(metric, zone, "refused", share(refused, refused+n), "percent", refused+n, Target{})
}

func quantile(x []float64, p float64) float64 {
	v, err := trend.Quantile7(x, p)
	if err != nil {
		return math.NaN()
	}
	return v
}

func ratio(a, b int) float64 {
	if b == 0 {
		return math.NaN()
	}
	return float64(a) / float64(b)
}

func share(a, b int) float64 { return 100 * ratio(a, b) }

// average is NaN without values.
func average(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// correlation is Pearson's; NaN where one side does not vary.
func correlation(x, y []float64) float64 {
	mx, my := average(x), average(y)
	xy, xx, yy := 0.0, 0.0, 0.0
	for i := range x {
		xy, xx, yy = xy+(x[i]-mx)*(y[i]-my), xx+(x[i]-mx)*(x[i]-mx), yy+(y[i]-my)*(y[i]-my)
	}
	if xx <= 1e-12*mx*mx || yy <= 1e-12*my*my {
		return math.NaN()
	}
	return xy / math.Sqrt(xx*yy)
}
