package report

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

func TestNumbersAreShownWithThreeDigitsAndNeverInvented(t *testing.T) {
	for _, c := range []struct {
		n    result.Number
		want string
	}{
		{result.None(), "–"}, {0, "0"}, {-3.2349, "−3.23"}, {0.026, "0.0260"}, {12.345, "12.3"}, {1234.4, "1234"}, {-0.00000001, "0"},
	} {
		if got := num(c.n); got != c.want {
			t.Errorf("num(%v) = %q, want %q", float64(c.n), got, c.want)
		}
	}
	if got := signed(2); got != "+2.00" {
		t.Errorf("signed(2) = %q", got)
	}
	if got := signed(result.None()); got != "–" {
		t.Errorf("signed of nothing = %q", got)
	}
}

func TestUnknownValueIsADashWithItsReason(t *testing.T) {
	text := ""
	c := newValueCell([]result.Measurement{{Value: result.None(), Status: result.Refused, Reason: "too dark"}}, func(why string) string {
		text = why
		return "1"
	})
	if c.Text != "–" || c.Note != "1" || text != "too dark" {
		t.Errorf("cell %+v for %q", c, text)
	}
	r := newTrendRow(result.Trend{Verdict: result.NotComparable, Reason: "too dark", Baseline: result.None(), Latest: result.None(),
		Change: result.None(), ChangePct: result.None(), SDC: result.None(), Limit: result.None(), SlopePer30d: result.None()})
	for _, s := range []string{r.Baseline, r.Latest, r.Change, r.Percent, r.SDC, r.Limit, r.Slope} {
		if s != "–" {
			t.Errorf("%q for a number that is not known", s)
		}
	}
	if r.Remark != "too dark" {
		t.Errorf("remark %q", r.Remark)
	}
}

func TestPercentOnlyWhereTheTrendHasIt(t *testing.T) {
	base := result.Trend{Unit: "log10x100", Change: -2, ChangePct: result.None()}
	area := result.Trend{Unit: "percent", Change: -2, ChangePct: result.None()}
	both := result.Trend{Unit: "um", Change: -2, ChangePct: -10}
	none := result.Trend{Unit: "um", Change: result.None(), ChangePct: result.None()}
	for _, c := range []struct {
		t    result.Trend
		want string
	}{
		{base, "−2.00\u00a0index points"}, {area, "−2.00\u00a0percentage points"}, {both, "−10.0\u00a0%"}, {none, ""},
	} {
		if got := change(c.t); got != c.want {
			t.Errorf("change %q, want %q", got, c.want)
		}
	}
}

func TestTilesHoldEachPrimaryVerdictOnce(t *testing.T) {
	s := sampleSubject().Series[0]
	v := newVerdictView(s)
	want := map[string]int{}
	for _, tr := range s.Trends {
		if tr.Role == rolePrimary {
			want[string(tr.Verdict)]++
		}
	}
	if len(v.Tiles) != 4 {
		t.Fatalf("%d tiles", len(v.Tiles))
	}
	for _, tile := range v.Tiles {
		if tile.N != want[tile.Verdict] || tile.N == 0 {
			t.Errorf("%s: %d, want %d", tile.Verdict, tile.N, want[tile.Verdict])
		}
	}
	// Two safety checks: one raised, one without reference skin.
	if len(v.Flags) != 1 || !strings.Contains(v.Safety, "2 made, 1 raised a flag, 1 could not be judged") {
		t.Errorf("flags %q, %q", v.Flags, v.Safety)
	}
}

// A metric without a better or worse may change; that is no verdict, and a safety
// check of it is not passed.
func TestChangeWithoutDirectionIsNoVerdict(t *testing.T) {
	c := cell(&result.Trend{Change: 3, ChangePct: result.None(), Unit: "deg", Reason: "no better or worse"})
	if c.Verdict != "" || c.Word != "" || c.Change == "" || c.Why != "no better or worse" {
		t.Errorf("%+v", c)
	}
	v := newVerdictView(result.Series{Trends: []result.Trend{{Role: roleSafety, Metric: "melanin_index", Zone: "chin", Reason: "no better or worse"}}})
	if !strings.Contains(v.Safety, "1 could not be judged") {
		t.Error(v.Safety)
	}
}

func TestSecondaryWorseningIsSaid(t *testing.T) {
	v := newVerdictView(result.Series{Trends: []result.Trend{
		{Role: roleSecondary, Metric: "pore_count", Zone: "nose", Verdict: result.Improved},
		{Role: roleSecondary, Metric: "ita_deg", Zone: "chin", Verdict: result.NoDetectableChange},
		{Role: roleSecondary, Metric: "roughness_fine", Zone: "chin", Verdict: result.Worsened},
	}})
	if len(v.Secondary) != 2 || !strings.Contains(v.Secondary[0], "worsened: Roughness, fine (0.3–0.8 mm) (chin)") || !strings.Contains(v.Secondary[1], "improved: Pores, number (nose)") {
		t.Errorf("%q", v.Secondary)
	}
}

// An outcome that the study names hides nothing on the first sheet: what would carry
// verdicts without it has its map and is named, worse before better.
func TestNamedOutcomeHidesNothing(t *testing.T) {
	series := sampleSubject().Series[0]
	series.Trends = []result.Trend{
		{Role: rolePrimary, Metric: "roughness_mid", Zone: "chin", Verdict: result.NoDetectableChange},
		{Role: roleSecondary, Metric: "roughness_mid", Zone: "nose", Verdict: result.Worsened},
		{Role: roleSecondary, Metric: "roughness_fine", Zone: "nose", Verdict: result.Worsened},
		{Role: roleSecondary, Metric: "erythema_index", Zone: "chin", Verdict: result.Improved},
	}
	v := newVerdictView(series)
	if want := []string{
		"Beside the outcome that the study names, worsened: Roughness, middle (0.8–2 mm) (nose); Roughness, fine (0.3–0.8 mm) (nose).",
		"Beside the outcome that the study names, improved: Redness (erythema index) (chin).",
	}; !slices.Equal(v.Beside, want) {
		t.Errorf("%q", v.Beside)
	}
	minis := newMinis(series, nil)
	if len(minis) != 2 || minis[0].Title != "Roughness, middle (0.8–2 mm)" || minis[0].Note != "outcome: chin" || minis[1].Note != "secondary" {
		t.Errorf("%+v", minis)
	}
	page := write(t, result.Subject{ID: "P", Series: []result.Series{series}})
	sheet, _, _ := strings.Cut(page, tell("summary.details"))
	if !strings.Contains(sheet, "improved: Redness (erythema index) (chin)") {
		t.Error("the first sheet hides it")
	}
	for i := range series.Trends[1:] {
		series.Trends[1+i].Verdict = result.NoDetectableChange
	}
	if v := newVerdictView(series); len(v.Beside) != 1 || v.Beside[0] != tell("beside.none") {
		t.Errorf("%q", v.Beside)
	}
	if v := newVerdictView(sampleSubject().Series[0]); v.Beside != nil {
		t.Errorf("no outcome is named: %q", v.Beside)
	}
}

// Texts of the first sheet are cut between words.
func TestBrief(t *testing.T) {
	for in, want := range map[string]string{
		"fill the picture with the face": "fill the picture…", "fill the picture": "fill the picture", "fill the whole, or": "fill the whole, or",
		"pores, size: 20 of the": "pores, size: 20 of…", "a photo, an exam, and": "a photo, an exam…", "Donaudampfschifffahrtsgesellschaft": "Donaudampfschifffa…", "": "",
	} {
		if got := brief(in, 18); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// The map looks at the reader: what is left of the person is right of the axis.
func TestFaceMapSidesAreThePersons(t *testing.T) {
	for _, zone := range study.ZoneNames {
		o, ok := outlines[zone]
		if !ok {
			t.Errorf("zone %s is not drawn", zone)
			continue
		}
		var xs []string
		for _, m := range regexp.MustCompile(`(\d+) \d+`).FindAllStringSubmatch(o.path, -1) {
			xs = append(xs, m[1])
		}
		for _, x := range xs {
			left, right := len(x) == 3 && x > "100", len(x) == 2
			if strings.HasSuffix(zone, "_left") && !left || strings.HasSuffix(zone, "_right") && !right {
				t.Errorf("%s has a point at x = %s", zone, x)
			}
		}
		if strings.HasSuffix(zone, "_left") {
			if mirror := outlines[strings.TrimSuffix(zone, "_left")+"_right"]; o.x+mirror.x != 200 || o.y != mirror.y {
				t.Errorf("%s and its mirror have marks at %d and %d", zone, o.x, mirror.x)
			}
		}
	}
	m := newFaceMap("erythema_index", []result.Trend{{Metric: "erythema_index", Zone: "cheek_left", Verdict: result.Worsened}})
	for i, z := range m.Zones {
		if left := study.ZoneNames[i] == "cheek_left"; left != (z.Class == "worsened" && z.Mark == "!" && z.X > 100) {
			t.Errorf("%s drawn as %+v", study.ZoneNames[i], z)
		}
	}
	if newFaceMap("erythema_index", []result.Trend{{Metric: "erythema_index", Zone: "elbow"}}) != nil {
		t.Error("a map for a zone that is not of the face")
	}
}

// chartOf makes the one panel of values at days, NaN being refused.
func chartOf(t *testing.T, days []int, values []result.Number, trend *result.Trend) panel {
	t.Helper()
	s := result.Series{}
	for i, d := range days {
		id := string(rune('a' + i))
		s.Visits = append(s.Visits, result.Visit{Session: id, Day: d, Baseline: i == 0, Comparable: true})
		m := result.Measurement{Session: id, Zone: "chin", Metric: "erythema_index", Basis: result.BasisNative, Value: values[i], Status: result.OK}
		if !values[i].Known() {
			m.Status, m.Reason = result.Refused, "too dark"
		}
		s.Measurements = append(s.Measurements, m)
	}
	if trend != nil {
		trend.Zone, trend.Metric, trend.Role = "chin", "erythema_index", rolePrimary
		s.Trends = []result.Trend{*trend}
	}
	main, others := newCharts(s, nil)
	all := append(main, others...)
	if len(all) != 1 || len(all[0].Panels) != 1 {
		t.Fatalf("%d charts", len(all))
	}
	return all[0].Panels[0]
}

func TestBandIsBaselinePlusMinusSDC(t *testing.T) {
	// The second value lies on the lower edge of the band, the third on the limit.
	p := chartOf(t, []int{0, 10, 20}, []result.Number{5, 3, 2}, &result.Trend{SDC: 2, Limit: 3, SlopePer30d: result.None(), Change: result.None(), ChangePct: result.None()})
	if p.Band == nil || p.Band.Centre != p.Points[0].Y || p.Band.Y+p.Band.H != p.Points[1].Y {
		t.Errorf("band %+v, points %+v", p.Band, p.Points)
	}
	if len(p.LimitLines) != 2 || p.LimitLines[1] != p.Points[2].Y {
		t.Errorf("limits %v, point %d", p.LimitLines, p.Points[2].Y)
	}
	if p := chartOf(t, []int{0, 10}, []result.Number{5, 3}, nil); p.Band != nil {
		t.Error("a band without a known error")
	}
	if p := chartOf(t, []int{0, 10}, []result.Number{result.None(), 3}, &result.Trend{SDC: 2, Limit: 3}); p.Band != nil {
		t.Error("a band without a baseline")
	}
}

func TestTimeIsToScale(t *testing.T) {
	p := chartOf(t, []int{0, 30, 120}, []result.Number{1, 2, 3}, nil)
	a, b, c := p.Points[0].X, p.Points[1].X, p.Points[2].X
	if d := (c - a) - 4*(b-a); d < -4 || d > 4 {
		t.Errorf("days 0, 30, 120 at %d, %d, %d", a, b, c)
	}
}

func TestRefusedSessionIsAGap(t *testing.T) {
	p := chartOf(t, []int{0, 10, 20, 30, 40}, []result.Number{5, 4, result.None(), 3, 2}, nil)
	if len(p.Points) != 4 || len(p.Lines) != 2 || len(p.Gaps) != 1 {
		t.Fatalf("%d points, %d lines, %d gaps", len(p.Points), len(p.Lines), len(p.Gaps))
	}
	if !strings.Contains(p.Gaps[0].Label, "too dark") || !strings.Contains(p.Alt, "too dark") {
		t.Errorf("gap %+v without its reason", p.Gaps[0])
	}
}

// Values at the sharpness of the series are drawn where there are any; a session
// that has none is a gap even where it was measured as photographed.
func TestChartMixesNoSharpness(t *testing.T) {
	s := result.Series{Visits: []result.Visit{{Session: "a", Baseline: true, Comparable: true}, {Session: "b", Day: 9, Comparable: true}, {Session: "c", Day: 18, Reason: "blurred"}}}
	for _, v := range s.Visits {
		m := result.Measurement{Session: v.Session, Zone: "chin", Metric: "roughness_mid", Basis: result.BasisNative, Value: 9, Status: result.OK}
		s.Measurements = append(s.Measurements, m)
		if v.Session != "c" {
			m.Basis, m.Value = result.BasisSeries, 4
			s.Measurements = append(s.Measurements, m)
		}
		m.Basis, m.Value = result.BasisPair+"b", 7
		s.Measurements = append(s.Measurements, m)
	}
	_, charts := newCharts(s, nil)
	p := charts[0].Panels[0]
	if len(p.Points) != 2 || !strings.Contains(p.Points[1].Label, "4.00") || len(p.Gaps) != 1 || !strings.Contains(p.Gaps[0].Label, "blurred") {
		t.Errorf("points %+v, gaps %+v", p.Points, p.Gaps)
	}
}

func TestTicksAreRoundAndInside(t *testing.T) {
	for _, c := range []struct{ centre, span float64 }{{5, 4}, {0.09, 0.05}, {1234, 900}, {0, 1e-6}, {-3, 0.7}} {
		a := newValueAxis(c.centre, c.span)
		ticks := a.ticks()
		if len(ticks) < 2 || len(ticks) > 8 {
			t.Errorf("%v: %d ticks", c, len(ticks))
		}
		for i, k := range ticks {
			if k.Pos < plotTop || k.Pos > plotFoot || i > 0 && k.Label == ticks[i-1].Label {
				t.Errorf("%v: tick %+v", c, k)
			}
		}
	}
}

func TestManyRefusalsAreFewLines(t *testing.T) {
	var list []result.Measurement
	for i, session := range []string{"s1", "s2", "s3", "s4", "s5"} {
		for _, zone := range study.ZoneNames {
			for _, metric := range []string{"pore_count", "pore_density_per_cm2", "pore_diameter_um_median", "pore_diameter_um_p90", "pore_area_fraction"} {
				list = append(list, result.Measurement{Session: session, Zone: zone, Metric: metric, Value: result.None(), Status: result.Refused,
					Reason: "needs 12 px/mm, the photo has " + []string{"3.4", "3.5", "3.6", "3.4", "3.7"}[i]})
			}
		}
	}
	groups := groupMeasurements(list)
	if len(groups) != 1 || groups[0].What != "pores" || groups[0].Why != "needs 12 px/mm, the photo has 3.4–3.7" || !strings.HasPrefix(groups[0].Where, "Values: 200; metrics: 5; zones: forehead, nose") {
		t.Errorf("%+v", groups)
	}
	list = append(list, result.Measurement{Session: "s1", Zone: "chin", Metric: "pore_count", Status: result.Refused, Reason: "head turned"},
		result.Measurement{Session: "s1", Zone: "chin", Metric: "a_star", Status: result.Refused, Reason: "head turned"})
	if groups := groupMeasurements(list); len(groups) != 3 {
		t.Errorf("%d groups, want one for each family and reason", len(groups))
	}
}

func TestReasonsKeepNamesAndDates(t *testing.T) {
	for _, s := range []string{"no match with s2 of 2026-01-10", "yaw 9.2 deg > 5 deg (limit)", "only 20%, at least 30%."} {
		if got := parseReason(s).String(); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
	a, b := parseReason("with s2 of 2026-01-10"), parseReason("with s3 of 2026-01-10")
	if a.pattern == b.pattern {
		t.Error("reasons that name different sessions are one")
	}
}

func TestSliderOpensWithTheSessionOfTheVerdict(t *testing.T) {
	g := &gallery{pictures: map[string]picture{"p": {}}}
	pictures := map[string]string{"aligned": "p"}
	s := result.Series{Visits: []result.Visit{
		{Session: "a", Baseline: true, Comparable: true, Pictures: pictures},
		{Session: "b", Comparable: true, Pictures: pictures},
		{Session: "c", Comparable: true, Pictures: pictures},
		{Session: "d", Pictures: pictures},
	}}
	if got := compared(s, g); got != 2 {
		t.Errorf("without a verdict: %d, want the latest comparable", got)
	}
	s.Trends = []result.Trend{{Role: rolePrimary, LatestSession: "b"}}
	if got := compared(s, g); got != 1 {
		t.Errorf("with a verdict: %d", got)
	}
}

func TestScaleBarIsToScale(t *testing.T) {
	v := viewerView{W: 900, H: 1200}
	v.scaleBar(0.2)
	if v.BarMM != 20 || v.BarW != 100 {
		t.Errorf("%d mm are %d px at 0.2 mm/px", v.BarMM, v.BarW)
	}
	v = viewerView{W: 900, H: 1200}
	v.scaleBar(0)
	if v.BarMM != 0 {
		t.Error("a bar without a scale")
	}
}

func TestPlain(t *testing.T) {
	if got := plain("a\u202e\tb\n\x00c\xff", 80); got != "a b c\uFFFD" {
		t.Errorf("%q", got)
	}
	if got := plain(strings.Repeat("ä", 100), 10); got != strings.Repeat("ä", 10)+"…" {
		t.Errorf("%q", got)
	}
}

// Every text that is asked for exists, and every one that exists is asked for.
func TestTextsAreComplete(t *testing.T) {
	var source strings.Builder
	for _, pattern := range []string{"*.go", "assets/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !strings.HasSuffix(f, "_test.go") {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				source.Write(b)
			}
		}
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:tell\(|\(t |\{t )"([a-z_.]+)"`).FindAllStringSubmatch(source.String(), -1) {
		used[m[1]] = true
		if _, ok := english[m[1]]; !ok && !strings.HasSuffix(m[1], ".") {
			t.Errorf("no text for %q", m[1])
		}
	}
	fromData := []string{"zone", "metric", "family", "direction", "unit", "role", "verdict", "qualifier", "qualifier_doc", "check", "stage",
		"status", "basis", "overlay", "view", "scale_source", "secondary", "beside", "step", "test",
		"patient_topic", "patient_improved", "patient_worsened", "patient_why", "patient_advice", "patient_qualifier", "patient_qualifier_doc", "patient_month",
		"history_kind", "history_one", "scar_type", "trial",
		"publication_for", "publication_level", "publication_identity"}
	for key := range english {
		if kind, _, _ := strings.Cut(key, "."); !used[key] && !slices.Contains(fromData, kind) {
			t.Errorf("text %q is not used", key)
		}
	}
}

func TestCatalogueHasWords(t *testing.T) {
	for _, m := range metrics.All() {
		for _, key := range []string{"metric." + m.Name, "unit." + m.Unit, "family." + string(m.Family)} {
			if _, ok := english[key]; !ok {
				t.Errorf("no text for %q", key)
			}
		}
	}
	for _, z := range study.ZoneNames {
		if _, ok := english["zone."+z]; !ok {
			t.Errorf("no text for zone %q", z)
		}
	}
	for _, v := range verdicts {
		if _, ok := english["verdict."+string(v)]; !ok || marks[v] == "" {
			t.Errorf("no text or mark for %q", v)
		}
	}
}
