package report

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// courseOf makes treatments on the given days and a series whose compared photo was
// taken on the last one.
func courseOf(photo string, dates ...string) courseView {
	var list []result.Treatment
	for _, d := range dates {
		list = append(list, result.Treatment{Date: d, Device: "pen", Passes: 4, DepthMM: map[string]float64{"nose": 1, "chin": 1, "cheek_left": 1.5}})
	}
	s := result.Series{Visits: []result.Visit{{Session: "a", Date: "2026-01-10", Baseline: true}, {Session: "b", Date: photo, Comparable: true}}}
	return newCourseView(s, list)
}

func texts(v courseView) (all, warnings string) {
	for _, l := range v.Lines {
		all += l.Text + "\n"
		if l.Warn {
			warnings += l.Text + "\n"
		}
	}
	return all, warnings
}

// The limits are those of domain.md: 14 to 70 days between treated sessions, three
// for a course, maintenance after months.
func TestCourseIsHeldAgainstTheUsual(t *testing.T) {
	for _, c := range []struct {
		name      string
		photo     string
		dates     []string
		say, warn []string
		not       []string
	}{
		{"monthly", "2026-06-10", []string{"2026-01-10", "2026-02-09", "2026-03-11"},
			[]string{"Treatments: 3; 30 days apart.", "compared photo: 3;"}, nil, []string{"outside", "incomplete", "aintenance"}},
		{"13 days", "2026-06-10", []string{"2026-01-10", "2026-01-23", "2026-02-22"}, []string{"13 to 30 days apart"}, []string{"13 days (2026-01-10 to 2026-01-23)"}, nil},
		{"14 and 70 days pass", "2026-06-10", []string{"2026-01-10", "2026-01-24", "2026-04-04"}, []string{"14 to 70"}, nil, []string{"outside"}},
		{"71 days", "2026-06-10", []string{"2026-01-10", "2026-03-22", "2026-04-21"}, nil, []string{"71 days (2026-01-10 to 2026-03-22)"}, nil},
		{"two before the photo", "2026-03-11", []string{"2026-01-10", "2026-02-09", "2026-03-11"}, nil, []string{"Course incomplete: 2"}, nil},
		{"maintenance", "2027-03-01", []string{"2026-01-10", "2026-02-09", "2026-03-11", "2026-10-01"}, []string{"Maintenance after 204 days", "compared photo: 4;"}, nil, []string{"outside"}},
		{"maintenance due", "2026-12-01", []string{"2026-01-10", "2026-02-09", "2026-03-11"}, []string{"Last treatment 265 days before"}, nil, nil},
		{"late second is no maintenance", "2026-12-01", []string{"2026-01-10", "2026-06-09"}, nil, []string{"150 days", "Course incomplete: 2"}, []string{"Maintenance"}},
		{"none", "2026-06-10", nil, nil, []string{"No treatment is recorded"}, nil},
		{"undated", "2026-06-10", []string{""}, nil, []string{"No treatment has a date"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, warned := texts(courseOf(c.photo, c.dates...))
			for _, w := range c.say {
				if !strings.Contains(all, w) {
					t.Errorf("does not say %q:\n%s", w, all)
				}
			}
			for _, w := range c.warn {
				if !strings.Contains(warned, w) {
					t.Errorf("does not warn %q:\n%s", w, all)
				}
			}
			for _, w := range c.not {
				if strings.Contains(all, w) {
					t.Errorf("says %q:\n%s", w, all)
				}
			}
		})
	}
}

func TestAlikeTreatmentsAreOneRow(t *testing.T) {
	list := []result.Treatment{
		{Date: "2026-03-11", Device: "pen", Passes: 4, DepthMM: map[string]float64{"chin": 1, "cheek_left": 1.5, "cheek_right": 1.5}},
		{Date: "2026-01-10", Device: "roller"},
		{Date: "2026-02-09", Device: "pen", Passes: 4, DepthMM: map[string]float64{"chin": 1, "cheek_left": 1.5, "cheek_right": 1.5}},
	}
	rows := courseRows(list)
	if len(rows) != 2 || rows[0].Device != "roller" || rows[0].Passes != dash || rows[0].Depth != dash {
		t.Fatalf("%+v", rows)
	}
	if r := rows[1]; r.When != "2026-02-09" || r.Until != "to 2026-03-11 (2)" || r.Passes != "4" || r.Depth != "1.5 mm left cheek, right cheek; 1 mm chin" {
		t.Errorf("%+v", r)
	}
}

// What a trial found is shown at its time point only; Alam 2014: 3 months not
// significant, 6 months -3.4 points.
func TestTrialsFitTheTimePoint(t *testing.T) {
	three := []result.Treatment{{Date: "2026-01-10"}, {Date: "2026-02-09"}, {Date: "2026-03-11"}}
	for _, c := range []struct {
		photo      string
		treatments []result.Treatment
		want, not  string
	}{
		{"2026-03-01", three, "No controlled figure before 3 months", "84 points"},
		{"2026-04-10", three, "−2.4 of 84 points", "−3.4"},
		{"2026-07-10", three, "−3.4 of 84 points", "−2.4"},
		{"2026-01-10", three, "", "84 points"}, // nothing done before the photo
		{"2026-07-10", nil, "", "84 points"},
	} {
		s := result.Series{
			Visits: []result.Visit{{Session: "a", Date: "2026-01-10", Baseline: true}, {Session: "b", Date: c.photo, Comparable: true}},
			Trends: []result.Trend{{Role: rolePrimary, Metric: "scar_contrast", Zone: "nose", LatestSession: "b"}},
		}
		var all strings.Builder
		for _, tr := range trialsAt(s, c.treatments) {
			if tr.Source == "" {
				t.Errorf("%q has no source", tr.Text)
			}
			all.WriteString(tr.Text)
		}
		if got := all.String(); !strings.Contains(got, c.want) || strings.Contains(got, c.not) || c.want == "" && got != "" {
			t.Errorf("photo of %s: %q", c.photo, got)
		}
		if strings.Contains(all.String(), "pore") {
			t.Error("a figure for a metric that was not judged")
		}
	}
}

// A zone that changed by exactly what its verdict asks for ends at the edge of the
// band, whatever its unit.
func TestSmallChartIsInUnitsOfTheVerdict(t *testing.T) {
	row := func(zone, session string, v result.Number) result.Measurement {
		return result.Measurement{Zone: zone, Session: session, Metric: "roughness_mid", Value: v, Basis: result.BasisNative, Status: result.OK}
	}
	trend := func(zone string, limit result.Number, v result.Verdict) result.Trend {
		return result.Trend{Role: rolePrimary, Metric: "roughness_mid", Zone: zone, SDC: limit / 2, Limit: limit, Verdict: v, LatestSession: "b"}
	}
	s := result.Series{
		Visits:       []result.Visit{{Session: "a", Baseline: true}, {Session: "b", Day: 30}},
		Measurements: []result.Measurement{row("nose", "a", 10), row("nose", "b", 7), row("chin", "a", 500), row("chin", "b", 700), row("forehead", "a", 1), row("forehead", "b", 2)},
		Trends:       []result.Trend{trend("nose", 3, result.Improved), trend("chin", 100, result.Worsened), trend("forehead", result.None(), result.NotComparable)},
	}
	list := newMinis(s, nil)
	if len(list) != 1 || len(list[0].Lines) != 2 {
		t.Fatalf("%+v", list)
	}
	m := list[0]
	ends := map[string]int{}
	for _, l := range m.Lines {
		ends[l.Class] = l.EndY
		if l.Mark == "" {
			t.Errorf("%s is told by its colour alone", l.Zone)
		}
	}
	if foot := m.Band.Y + m.Band.H; ends["improved"] != foot {
		t.Errorf("a change of one limit ends at %d, the band at %d", ends["improved"], foot)
	}
	// Twice the limit is twice as far from the centre, to a pixel.
	if up, one := m.Band.Centre-ends["worsened"], m.Band.Centre-m.Band.Y; math.Abs(float64(up-2*one)) > 1 {
		t.Errorf("twice the limit is %d px up, the band %d", up, one)
	}
}

// WCAG 2.1: the contrast of text against its ground is at least 4.5.
func TestContrastOfTextIsAA(t *testing.T) {
	value := func(hex string) float64 {
		if len(hex) == 4 {
			hex = "#" + strings.Repeat(hex[1:2], 2) + strings.Repeat(hex[2:3], 2) + strings.Repeat(hex[3:4], 2)
		}
		var l float64
		for i, w := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
			if err != nil {
				t.Fatal(hex, err)
			}
			c := float64(n) / 255
			if c <= 0.04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			l += w * c
		}
		return l
	}
	contrast := func(a, b string) float64 {
		x, y := value(a), value(b)
		return (max(x, y) + 0.05) / (min(x, y) + 0.05)
	}
	if c := contrast("#000", "#ffffff"); math.Abs(c-21) > 1e-9 {
		t.Fatalf("black on white is %.2f", c)
	}
	vars := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z]+):(#[0-9a-f]+)`).FindAllStringSubmatch(css, -1) {
		vars[m[1]] = m[2]
	}
	resolve := func(c string) string {
		if name, ok := strings.CutPrefix(c, "var(--"); ok {
			return vars[strings.TrimSuffix(name, ")")]
		}
		return c
	}
	texts := 0
	for _, rule := range regexp.MustCompile(`([^{}]+)\{([^{}]*)\}`).FindAllStringSubmatch(css, -1) {
		get := func(property string) string {
			m := regexp.MustCompile(`(?:^|;)` + property + `:\s*(#[0-9a-f]{3,6}|var\(--[a-z]+\))`).FindStringSubmatch(rule[2])
			if m == nil {
				return ""
			}
			return resolve(m[1])
		}
		ink, ground := get("color"), get("background")
		if ink == "" {
			continue
		}
		if ground == "" {
			ground = "#ffffff"
		}
		texts++
		if c := contrast(ink, ground); c < 4.5 {
			t.Errorf("%s: %s on %s has a contrast of %.2f", strings.TrimSpace(rule[1]), ink, ground, c)
		}
	}
	// Text in charts is filled.
	for _, class := range []string{"tk", "side", "zm"} {
		m := regexp.MustCompile(`\.` + class + `\{[^}]*fill:(#[0-9a-f]+)`).FindStringSubmatch(css)
		if m == nil || contrast(m[1], "#ffffff") < 4.5 {
			t.Errorf("text of charts, %s: %v", class, m)
		}
	}
	// Soft text on the tinted grounds of notes and cards.
	for _, pair := range [][2]string{{"soft", "wash"}, {"worse", "wash"}} {
		if c := contrast(vars[pair[0]], vars[pair[1]]); c < 4.5 {
			t.Errorf("%v: %.2f", pair, c)
		}
	}
	if texts < 20 {
		t.Errorf("%d rules with a colour found: the test cannot tell", texts)
	}
}

func TestShapeKeepsPicturesWithinAThirdOfTheSheet(t *testing.T) {
	// Width of the pair in print by shape, in mm, two pictures with 2 mm between.
	stage := map[string]float64{}
	stage["wide"] = width(t, `\.sheet \.viewer \.stage\{max-width:(\d+)mm`)
	stage["tall"] = width(t, `\.sheet \.shape-tall \.stage\{max-width:(\d+)mm`)
	stage["narrow"] = width(t, `\.sheet \.shape-narrow \.stage\{max-width:(\d+)mm`)
	for _, p := range [][2]int{{900, 1211}, {1000, 1000}, {1000, 1400}, {600, 1000}, {600, 1140}, {400, 1000}} {
		s := shape(p[0], p[1])
		if h := (stage[s] - 2) / 2 * float64(p[1]) / float64(p[0]); h > 99 {
			t.Errorf("%v is %s and %.0f mm high", p, s, h)
		}
	}
}

func width(t *testing.T, pattern string) float64 {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(css)
	if m == nil {
		t.Fatalf("no %s in the style", pattern)
	}
	w, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestManyFlagsAreCounted(t *testing.T) {
	var trends []result.Trend
	for _, zone := range []string{"forehead", "nose", "chin", "cheek_left", "cheek_right", "perioral"} {
		trends = append(trends, result.Trend{Role: roleSafety, Metric: "brown_area_fraction", Zone: zone, Verdict: result.Worsened, Change: 1, ChangePct: result.None()})
	}
	v := newVerdictView(result.Series{Trends: trends})
	if len(v.Flags)+len(v.MoreFlags) != 6 || v.FlagsCut != tell("summary.more", 2) || !strings.Contains(v.Safety, "6 raised a flag") {
		t.Errorf("%d and %d flags, %q, %q", len(v.Flags), len(v.MoreFlags), v.FlagsCut, v.Safety)
	}
	if slices.ContainsFunc(v.MoreFlags, func(s string) bool { return slices.Contains(v.Flags, s) }) {
		t.Error("a flag twice")
	}
}
