package pipeline

import (
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Six baselines on as many days hold the skin's good and bad days; six sessions of
// one day do not, and say nothing about them.
func TestUntreatedDaysAreDays(t *testing.T) {
	m := &metrics.Metric{Name: "erythema_index"}
	for apart, want := range map[int]bool{0: false, 3: true} {
		r := &seriesRun{}
		for i := range 6 {
			r.series.Sessions = append(r.series.Sessions, study.SeriesSession{Session: &study.Session{Baseline: true}, Day: i * apart})
		}
		for i := range r.series.Sessions {
			r.shots = append(r.shots, &shot{session: &r.series.Sessions[i]})
			r.values = append(r.values, value{shot: i, zone: "nose", metric: m, basis: result.BasisSeries, v: 10 + float64(i%3), status: result.OK})
		}
		d := r.replicated(detectable{change: 1, source: "table"}, "nose", m.Name)
		if d.full != want || strings.HasPrefix(d.source, "untreated days in this study (5 degrees") != want {
			t.Errorf("%d days apart: %+v", apart, d)
		}
	}
}

// TestShippedSDC: every metric has one at every scale that it can be measured at,
// caution is never below ok, and it names no other.
func TestShippedSDC(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range metrics.All() {
		seen[m.Name] = true
		for _, px := range []float64{3.4, 14, 30} {
			if px < m.NeedsPxPerMM || px < 6 && m.Family == metrics.Scars {
				continue
			}
			good, ok := shippedSDC.Find(m.Name, "chin", result.OK, px)
			if !ok || !(good.SDC > 0) {
				t.Errorf("%s at %g px/mm: %+v", m.Name, px, good)
			}
			if row, ok := shippedSDC.Find(m.Name, "chin", result.Caution, px); !ok || row.SDC < good.SDC {
				t.Errorf("%s at %g px/mm, with caution: %g, without %g", m.Name, px, row.SDC, good.SDC)
			}
		}
	}
	for _, row := range shippedSDC.Rows {
		if !seen[row.Metric] {
			t.Errorf("%s is no metric", row.Metric)
		}
	}
}

// TestDecide covers the verdicts on both sides of the limit.
func TestDecide(t *testing.T) {
	for _, c := range []struct {
		change float64
		role   string
		metric string
		d      metrics.Direction
		want   result.Verdict
		says   string
	}{
		{-1.99, "primary", "", metrics.LowerIsBetter, result.NoDetectableChange, "not the same as no change"},
		{-2, "primary", "", metrics.LowerIsBetter, result.Improved, "cause not established"},
		{2, "primary", "", metrics.LowerIsBetter, result.Worsened, "cause not established"},
		{2, "secondary", "", metrics.HigherIsBetter, result.Improved, "cause not established"},
		{-2, "secondary", "", metrics.HigherIsBetter, result.Worsened, "cause not established"},
		{3, "safety", "brown_area_fraction", metrics.LowerIsBetter, result.Worsened, "more brown marks: possible worsening, examine"},
		{1.5, "safety", "brown_area_fraction", metrics.LowerIsBetter, result.Worsened, "examine"},
		{-1.5, "safety", "brown_area_fraction", metrics.LowerIsBetter, result.NoDetectableChange, "within"},
		{-2, "safety", "brown_area_fraction", metrics.LowerIsBetter, result.Improved, "cause not established"},
		{1.5, "primary", "erythema_index", metrics.LowerIsBetter, result.Worsened, "possible worsening, examine"},
		{-1.5, "primary", "erythema_index", metrics.LowerIsBetter, result.NoDetectableChange, "within"},
		{-1.5, "safety", "melanin_index", metrics.NoDirection, result.Worsened, "pigment may be lost"},
		{1.5, "safety", "melanin_index", metrics.NoDirection, result.NoDetectableChange, "within"},
		{3, "secondary", "", metrics.NoDirection, "", "no better or worse"},
		{-3, "secondary", "", metrics.NoDirection, "", "no better or worse"},
		{1, "secondary", "", metrics.NoDirection, result.NoDetectableChange, "within measurement error"},
	} {
		x := result.Trend{Change: result.Number(c.change), SDC: 1.5, Limit: 2, Role: c.role, Metric: c.metric}
		decide(&x, c.d, true)
		if x.Verdict != c.want || !strings.Contains(x.Reason, c.says) {
			t.Errorf("%+v: %q, %q", c, x.Verdict, x.Reason)
		}
	}
}

// A study that names its outcome beforehand has no other primary metric.
func TestPrimaryOfTheStudy(t *testing.T) {
	rough := metrics.Metric{Name: "roughness_mid", Primary: true}
	red := metrics.Metric{Name: "a_star"}
	for _, c := range []struct {
		primary    *study.Primary
		rough, red bool
	}{
		{nil, true, false},
		{&study.Primary{Metric: "a_star"}, false, true},
		{&study.Primary{Metric: "a_star", Zone: "nose"}, false, false},
		{&study.Primary{Metric: "roughness_mid", Zone: "chin"}, true, false},
	} {
		cfg := Config{Primary: c.primary}
		if a, b := cfg.isPrimary(&rough, "chin"), cfg.isPrimary(&red, "chin"); a != c.rough || b != c.red {
			t.Errorf("%+v: roughness_mid %t, a_star %t; want %t, %t", c.primary, a, b, c.rough, c.red)
		}
	}
}

// Two scars carry a verdict where nothing speaks against the photos, three where
// something does, and one never.
func TestVerdictOnFewScars(t *testing.T) {
	list := metrics.All()
	of := func(name string) *metrics.Metric {
		return &list[slices.IndexFunc(list, func(m metrics.Metric) bool { return m.Name == name })]
	}
	for _, c := range []struct {
		scars  float64
		status result.Status
		judged bool
	}{{1, result.OK, false}, {2, result.OK, true}, {2, result.Caution, false}, {3, result.Caution, true}} {
		r := &seriesRun{series: study.Series{Subject: &study.Subject{ID: "P1"}, View: study.ViewFront}}
		for _, id := range []string{"s0", "s1"} {
			r.series.Sessions = append(r.series.Sessions, study.SeriesSession{Session: &study.Session{ID: id}})
		}
		r.values = []value{{zone: "nose", metric: of("scar_count"), basis: result.BasisNative, v: c.scars, status: result.OK}}
		for i := range r.series.Sessions {
			r.shots = append(r.shots, &shot{session: &r.series.Sessions[i], pxPerMM: 22, zones: map[string]*zone{"nose": {name: "nose"}}})
			status := result.OK
			if i == 1 {
				status = c.status
			}
			r.values = append(r.values, value{shot: i, zone: "nose", metric: of("scar_contrast"), basis: result.BasisPair + "s1", v: 40 - 20*float64(i), status: status})
		}
		got := r.trendOf("nose", of("scar_contrast"))
		if judged := got.Verdict != result.NotComparable; judged != c.judged || judged != got.SDC.Known() {
			t.Errorf("%v scars, %s: %q %s, smallest change %v", c.scars, c.status, got.Verdict, got.Reason, got.SDC)
		}
	}
}
