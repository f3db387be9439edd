package validate

import (
	"bytes"
	"encoding/csv"
	"math"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// figure finds the one row with these cells.
func figure(t *testing.T, rows []Row, section, metric, zone, tone, stat, unit string) Row {
	t.Helper()
	var got []Row
	for _, r := range rows {
		if r.Section == section && r.Metric == metric && r.Zone == zone && r.Tone == tone && r.Stat == stat && (unit == "" || r.Unit == unit) && r.Nuisance == AllNuisances && r.Level == mild {
			got = append(got, r)
		}
	}
	if len(got) != 1 {
		t.Fatalf("%d rows of %s %s %s %s %s", len(got), section, metric, zone, tone, stat)
	}
	return got[0]
}

func wants(t *testing.T, r Row, value float64, n int, met string) {
	t.Helper()
	if v := float64(r.Value); !(math.Abs(v-value) < 1e-9) && !(math.IsNaN(v) && math.IsNaN(value)) || r.N != n || r.Met() != met {
		t.Errorf("%s (%s) = %v of %d %q, want %v of %d %q", r.Describe(), r.Tone, v, r.N, r.Met(), value, n, met)
	}
}

func mildCase(seed uint64, tone, course string) Case {
	return Case{Seed: seed, Tone: tone, Course: course, Nuisance: AllNuisances, Level: mild, Sessions: 2}
}

func change(metric string, measured, truth float64, v result.Verdict) Change {
	// No value at baseline: the tool's own verdicts are what is counted.
	return Change{Zone: "nose", Metric: metric, Role: "primary", Comparable: v != result.NotComparable, Verdict: v, Status: result.OK,
		Base: result.None(), Delta: result.None(), SDC: result.None(), Measured: result.Number(measured), True: result.Number(truth)}
}

func TestRegistrationFigures(t *testing.T) {
	truth := &Truth{
		Photos: map[string]Photo{"s0": {PxPerMM: 10}, "s1": {PxPerMM: 10, Pupils: [2][2]float64{{0, 0}, {300, 400}}}},
		Grid: map[string][]GridPoint{
			"s0": {{Zone: "nose", X: 1, Visible: true}, {Zone: "", X: 2, Visible: true}, {Zone: "chin", X: 3, Visible: true}, {Zone: "chin", X: 4}, {Zone: "chin", X: 5, Visible: true}},
			"s1": {{Zone: "nose", X: 10, Y: 10, Visible: true}, {X: 20, Visible: true}, {Zone: "chin", X: 30, Visible: true}, {Zone: "chin", X: 40, Visible: true}, {Zone: "chin", X: 50}},
		},
	}
	if p := GridOf(truth); len(p) != 3 || p[0].X != 1 || p[1].X != 3 || p[2].X != 5 {
		t.Fatalf("points %v, want those at 1, 3 and 5", p)
	}
	none := result.None()
	rows := []result.CarriedPoint{{Session: "s0", X: 99, Y: 99}, {Session: "s0", X: 99, Y: 99}, {Session: "s0", X: 99, Y: 99},
		{Session: "s1", X: 13, Y: 14}, {Session: "s1", X: none, Y: none, Reason: "outside"}, {Session: "s1", X: 0, Y: 0}}
	f := Findings{Case: mildCase(1, "light", "none"), Photos: 2}
	if err := f.carry(rows, truth); err != nil {
		t.Fatal(err)
	}
	// 3, 4, 5: half a millimetre, one hundredth of the 500 px between the pupils. The
	// second point was lost; the third cannot be seen in the other photo.
	table := Summarise([]Findings{f})
	wants(t, figure(t, table, "registration", "surface_points", "", "", "median", "px"), 5, 1, "")
	wants(t, figure(t, table, "registration", "surface_points", "", "", "median", "mm"), 0.5, 1, "MISSED")
	wants(t, figure(t, table, "registration", "surface_points", "", "", "p95", "mm"), 0.5, 1, "met")
	wants(t, figure(t, table, "registration", "surface_points", "", "", "median", "percent_ipd"), 1, 1, "")
	wants(t, figure(t, table, "registration", "surface_points", "", "", "not_carried", ""), 50, 2, "")
	wants(t, figure(t, table, "registration", "surface_points", "nose", "", "median", "px"), 5, 1, "")
	wants(t, figure(t, table, "registration", "surface_points", "chin", "", "median", "px"), math.NaN(), 0, "")
	if err := f.carry(append(rows, rows[3]), truth); err == nil {
		t.Error("a point too many is not noticed")
	}
}

func TestObjectFigures(t *testing.T) {
	a := Findings{Case: mildCase(1, "light", "none"), Objects: []Tally{
		{Kind: "pore", Zone: "nose", Hits: 60, False: 10, FalseSmall: 6, Missed: 20, Found: 72, Diameter: []float64{0.9, 1.2, 1.3}},
		{Kind: "scar", Zone: "nose", Hits: 3, False: 1, Missed: 1, AreaFound: 11, AreaTrue: 10, TypeRight: 2}}}
	b := Findings{Case: mildCase(2, "dark", "none"), Objects: []Tally{{Kind: "pore", Zone: "chin", Hits: 20, Missed: 0, Found: 20, Diameter: []float64{1.1}}}}
	rows := Summarise([]Findings{a, b})
	wants(t, figure(t, rows, "objects", "pore", "", "", "precision", ""), 80.0/90, 90, "")
	wants(t, figure(t, rows, "objects", "pore", "", "", "recall", ""), 0.8, 100, "")
	wants(t, figure(t, rows, "objects", "pore", "", "", "f1", ""), 160.0/190, 100, "met")
	wants(t, figure(t, rows, "objects", "pore", "", "", "precision_of_size", ""), 80.0/84, 84, "")
	wants(t, figure(t, rows, "objects", "pore", "", "", "f1_of_size", ""), 160.0/184, 100, "")
	wants(t, figure(t, rows, "objects", "pore", "", "", "density_bias", ""), -8, 100, "met")
	wants(t, figure(t, rows, "objects", "pore", "", "", "median_diameter_bias", ""), 15, 4, "MISSED")
	wants(t, figure(t, rows, "objects", "pore", "", "light", "recall", ""), 0.75, 80, "")
	wants(t, figure(t, rows, "objects", "pore", "chin", "", "recall", ""), 1, 20, "")
	wants(t, figure(t, rows, "objects", "scar", "", "", "f1", ""), 0.75, 4, "met")
	wants(t, figure(t, rows, "objects", "scar", "", "", "area_bias", ""), 10, 3, "met")
	wants(t, figure(t, rows, "objects", "scar", "", "", "type_right", ""), 200.0/3, 3, "MISSED")
}

func TestChangeFigures(t *testing.T) {
	f := Findings{Case: mildCase(2, "dark", "better30"), Changes: []Change{
		change("roughness_mid", -29, -30, result.Improved), change("roughness_mid", -28, -30, result.Improved), change("roughness_mid", -27, -30, result.NoDetectableChange),
		{Zone: "nose", Metric: "roughness_mid", Role: "primary", Verdict: result.NotComparable, Measured: result.None(), True: -30},
		change("erythema_index", -1, -2, result.NoDetectableChange), change("erythema_index", 0.5, 1, result.NoDetectableChange), change("erythema_index", -0.1, 0.1, result.Improved)}}
	rows := Summarise([]Findings{f})
	// Differences 1, 2, 3: mean 2, SD 1.
	wants(t, figure(t, rows, "change better30", "roughness_mid", "", "", "bias", ""), 2, 3, "met")
	wants(t, figure(t, rows, "change", "roughness_mid", "", "", "rms_error", ""), math.Sqrt(14.0/3), 3, "")
	wants(t, figure(t, rows, "change", "roughness_mid", "", "", "refused", ""), 25, 4, "")
	if r := figure(t, rows, "change", "roughness_mid", "", "", "limit_of_agreement_high", ""); math.Abs(float64(r.Value)-3.96) > 1e-3 {
		t.Errorf("upper limit %v, want 3.96", r.Value)
	}
	// Through the origin: (2 + 0.5 - 0.01)/(4 + 1 + 0.01) of the change.
	wants(t, figure(t, rows, "change better30", "erythema_index", "", "", "recovered", ""), 100*2.49/5.01-100, 3, "MISSED")
	wants(t, figure(t, rows, "change", "erythema_index", "", "dark", "rms_error", ""), math.Sqrt((1+0.25+0.04)/3), 3, "met")
	// 0.1 units have no direction.
	wants(t, figure(t, rows, "power better30", "roughness_mid", "", "", "called", ""), 200.0/3, 3, "MISSED")
	wants(t, figure(t, rows, "power better30", "roughness_mid", "", "", "called_of_visible", ""), 50, 4, "")
	wants(t, figure(t, rows, "power better30", "erythema_index", "", "", "called", ""), 0, 2, "MISSED")
	wants(t, figure(t, rows, "power better30", "erythema_index", "", "", "wrong_direction", ""), 0, 2, "met")
}

func TestWrongDirections(t *testing.T) {
	f := Findings{Case: mildCase(2, "dark", "mixed"), Changes: []Change{
		change("roughness_mid", 12, -15, result.Worsened), change("roughness_mid", -12, -15, result.Improved),
		change("erythema_index", 2, 2, result.Worsened), change("erythema_index", -2, 2, result.Improved)}}
	rows := Summarise([]Findings{f})
	for _, metric := range []string{"roughness_mid", "erythema_index"} {
		wants(t, figure(t, rows, "power mixed", metric, "", "", "called", ""), 50, 2, "")
		wants(t, figure(t, rows, "power mixed", metric, "", "", "wrong_direction", ""), 50, 2, "MISSED")
	}
	wants(t, figure(t, rows, "change", "roughness_mid", "", "", "bias", ""), 15, 2, "")
}

func TestNullFigures(t *testing.T) {
	quiet := change("scar_contrast", 1, 0, result.NoDetectableChange)
	none := change("erythema_index", 0, 0, result.NotComparable)
	smooth := change("scar_contrast", 0, 0, result.NotComparable) // no scar is there
	smooth.True = result.None()
	hidden := change("roughness_mid", 0, 0, result.NotComparable)
	hidden.Zone = "chin"
	other := change("roughness_fine", -50, 0, result.Improved)
	other.Role = "secondary"
	seen := []string{"nose"}
	all := []Findings{
		// An odd seed makes the table and must not test it.
		{Case: mildCase(1, "light", "none"), Visible: seen, Changes: []Change{change("scar_contrast", 1, 0, result.Improved)}},
		{Case: mildCase(2, "light", "none"), Visible: seen, Changes: []Change{quiet, quiet, none, change("roughness_mid", -9, 0, result.Improved), hidden, other}},
		{Case: mildCase(2, "dark", "none"), Visible: seen, Changes: []Change{quiet, smooth, change("roughness_mid", 9, 0, result.Worsened)}},
	}
	rows := Summarise(all)
	wants(t, figure(t, rows, "null", "primary", "", "", "series_with_false_improved", ""), 50, 2, "MISSED")
	wants(t, figure(t, rows, "null", "primary", "", "", "false_verdicts", ""), 40, 5, "MISSED")
	wants(t, figure(t, rows, "null", "primary", "", "light", "false_verdicts", ""), 100.0/3, 3, "MISSED")
	wants(t, figure(t, rows, "null", "primary", "", "", "comparable", ""), 500.0/7, 7, "MISSED")
	wants(t, figure(t, rows, "null", "primary", "", "", "comparable_where_there_is_something", ""), 500.0/6, 6, "")
	wants(t, figure(t, rows, "null", "roughness_mid", "", "", "false_verdicts", ""), 100, 2, "")
	wants(t, figure(t, rows, "null", "scar_contrast", "", "dark", "false_verdicts", ""), 0, 1, "")
	// Without even seeds the odd ones are shown.
	wants(t, figure(t, Summarise(all[:1]), "null", "primary", "", "", "false_verdicts", ""), 100, 1, "MISSED")
}

func TestRepeatability(t *testing.T) {
	value := func(zone, metric, session string, v float64) Value {
		return Value{zone, metric, session, result.Number(v)}
	}
	odd := Findings{Case: mildCase(1, "light", "none"), Version: "1.2.3", Settings: "abc", Values: []Value{
		value("nose", "erythema_index", "s0", 9), value("nose", "erythema_index", "s1", 11),
		value("chin", "erythema_index", "s0", 3), value("chin", "erythema_index", "s1", 1),
		value("nose", "roughness_mid", "s0", 18), value("nose", "roughness_mid", "s1", 22),
		{"chin", "roughness_mid", "s0", result.None()}, value("chin", "roughness_mid", "s1", 5)}}
	even := Findings{Case: mildCase(2, "light", "none"), Values: []Value{value("nose", "erythema_index", "s0", 0), value("nose", "erythema_index", "s1", 100)}}
	rows := Summarise([]Findings{odd, even})
	// Pairs that differ by 2 have a variance of 2.
	wants(t, figure(t, rows, "repeatability", "erythema_index", "", "", "sem", ""), math.Sqrt2, 4, "")
	wants(t, figure(t, rows, "repeatability", "erythema_index", "nose", "", "sem", ""), math.Sqrt2, 2, "")
	// 18 and 22 are 90 % and 110 % of their mean.
	wants(t, figure(t, rows, "repeatability", "roughness_mid", "", "", "sem", ""), math.Sqrt(200), 2, "")
	wants(t, figure(t, rows, "repeatability", "roughness_mid", "", "", "refused", ""), 100.0/3, 3, "")
	if r := figure(t, rows, "repeatability", "erythema_index", "", "", "sdc95", ""); math.Abs(float64(r.Value)-1.96*2) > 1e-3 || r.Met() != "MISSED" {
		t.Errorf("SDC %v %s, want 3.92, MISSED", r.Value, r.Met())
	}
	// Rows 9, 11 and 3, 1: MSB 64, MSJ 0, MSE 4; (64-4)/(64+4+2(0-4)/2) = 60/64.
	wants(t, figure(t, rows, "repeatability", "erythema_index", "", "", "icc_2_1", ""), 60.0/64, 2, "")

}

func TestMet(t *testing.T) {
	for _, c := range []struct {
		v    float64
		t    Target
		want string
	}{
		{1, Target{}, ""}, {1, Target{"<=", 1}, "met"}, {1.1, Target{"<=", 1}, "MISSED"}, {1, Target{">=", 1}, "met"}, {0.9, Target{">=", 1}, "MISSED"},
		{-5, Target{"+-", 5}, "met"}, {-5.1, Target{"+-", 5}, "MISSED"}, {5.1, Target{"+-", 5}, "MISSED"}, {math.NaN(), Target{">=", 0}, "no value"},
	} {
		if got := (Row{Value: result.Number(c.v), Target: c.t}).Met(); got != c.want {
			t.Errorf("%v against %s: %q, want %q", c.v, c.t, got, c.want)
		}
	}
}

func TestTablesAndPage(t *testing.T) {
	all := []Findings{{Case: mildCase(2, "dark", "better30"), Version: "9.9", Rejections: []string{"s1: <b>blurred</b>"}, Changes: []Change{
		change("roughness_mid", -29, -30, result.Improved), change("roughness_mid", -28, -30, result.Improved), change("roughness_mid", -27, -30, result.NoDetectableChange)}}}
	rows := Summarise(all)
	lines, err := csv.NewReader(bytes.NewReader(CSV(rows))).ReadAll()
	if err != nil || len(lines) != len(rows)+1 || strings.Join(lines[0], ",") != "section,metric,zone,tone,nuisance,level,statistic,value,unit,n,target,met,px_per_mm" {
		t.Fatalf("%d lines, head %v, %v", len(lines), lines[0], err)
	}
	page, err := HTML(all, rows)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	if strings.Count(text, "<circle") < 4 || !strings.Contains(text, "bias 2") || !strings.Contains(text, "&lt;b&gt;blurred") {
		t.Error("plots or notes are missing")
	}
	for _, bad := range []string{"NaN", "Inf", "http:", "https:", "<script", "ZgotmplZ"} {
		if strings.Contains(text, bad) {
			t.Errorf("%s on the page", bad)
		}
	}
}

func TestOfPrimaryMetricsLessIsBetter(t *testing.T) {
	for _, m := range metrics.All() {
		if _, known := property[m.Name]; m.Primary && (m.Direction != metrics.LowerIsBetter || !known && m.Name != "erythema_index") {
			t.Errorf("%s: the direction or what its true change is are not known", m.Name)
		}
	}
}
