package cohort

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// course is a person with one value a session of one metric in one zone.
func course(id string, metric string, days []int, treatedOn []int, values ...float64) result.Subject {
	s := sample{zones: []string{"chin"}, metrics: []string{metric}, days: days, treatedOn: treatedOn}
	p := s.persons(1, 1)[0]
	p.ID = id
	for i := range p.Series[0].Measurements {
		p.Series[0].Measurements[i].Value = result.Number(values[i])
	}
	return p
}

func near(t *testing.T, what string, got result.Number, want float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) < 1e-9) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// R, ?wilcox.test: depression before and after a tranquilizer (Hollander & Wolfe
// 1973): shift .46, p .0390625 two-sided.
func TestChangeOfAPublishedExample(t *testing.T) {
	before := []float64{1.83, .50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30}
	after := []float64{0.878, .647, .598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29}
	var all []result.Subject
	for i := range before {
		all = append(all, course(fmt.Sprint("P", i), "erythema_index", []int{0, 30}, nil, before[i], after[i]))
	}
	r := rowOf(t, analyse(t, options(), all...), "chin", "erythema_index", "visit:1")
	near(t, "estimate", r.Estimate, -.46)
	near(t, "p", r.P, .0390625)
	if r.N != 9 || r.Missing != 0 || r.Test != "signed_rank_exact" || !(r.High < 0) || r.EstimatePct.Known() {
		t.Errorf("%+v", r)
	}
}

// No responder below the own smallest detectable change, however many per cent.
func TestRespondersPassTheirOwnError(t *testing.T) {
	var all []result.Subject
	for i, c := range []struct{ to, sdc float64 }{
		{4, 7},    // -60 %, within error
		{4, 6},    // -60 %
		{6.5, 1},  // -35 %
		{7.5, 2},  // -25 %
		{8.5, 1},  // -15 %
		{12, 1},   // worse
		{10, 1},   // the same
		{2, -1},   // no smallest detectable change is known
		{11.5, 2}, // worse, within error
	} {
		p := course(fmt.Sprint("P", i), "roughness_mid", []int{0, 30}, nil, 10, c.to)
		p.Series[0].Trends[0].SDC = result.Number(c.sdc)
		if c.sdc < 0 {
			p.Series[0].Trends[0].SDC = result.None()
		}
		all = append(all, p)
	}
	c := analyse(t, options(), all...)
	r := rowOf(t, c, "chin", "roughness_mid", "visit:1")
	got := []int{r.N, r.Judged, r.Responders, r.Responders20, r.Responders30, r.Responders50, r.Worsened}
	if want := []int{9, 8, 4, 3, 2, 1, 1}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	verdicts := map[result.Verdict]int{}
	for _, v := range c.Responses {
		verdicts[v.Verdict]++
	}
	if want := map[result.Verdict]int{result.Improved: 4, result.Worsened: 1, result.NoDetectableChange: 3, result.NotComparable: 1}; !reflect.DeepEqual(verdicts, want) {
		t.Errorf("got %v, want %v", verdicts, want)
	}
}

// Skin tone has no better: its change is no response. Homogeneity is better when
// it rises.
func TestDirections(t *testing.T) {
	for metric, want := range map[string][3]int{"ita_deg": {0, 0, 0}, "glcm_homogeneity": {1, 0, 1}, "roughness_mid": {0, 1, 1}} {
		p := course("P1", metric, []int{0, 30}, nil, 10, 16)
		p.Series[0].Trends[0].SDC = 1
		r := rowOf(t, analyse(t, options(), p), "chin", metric, "visit:1")
		if got := [3]int{r.Responders, r.Worsened, r.Judged}; got != want || r.Directed != (metric != "ita_deg") {
			t.Errorf("%s: %v, want %v", metric, got, want)
		}
	}
}

// Windows count from the last treatment: day 90 after baseline is day 6 after the
// fourth treatment, and no end point.
func TestWindowsCountFromTheLastTreatment(t *testing.T) {
	treated := []int{0, 28, 56, 84}
	// Values are the days, so that estimates name the visit that was used.
	of := func(days ...int) result.Subject {
		v := make([]float64, len(days))
		for i, d := range days {
			v[i] = float64(d)
		}
		return course("P1", "roughness_mid", days, treated, v...)
	}
	for _, c := range []struct {
		contrast string
		days     []int
		want     float64 // NaN: no value
		reason   string
	}{
		{"window:90", []int{0, 28, 56, 84, 90}, math.NaN(), "no visit with a value in the window"},
		{"window:90", []int{0, 28, 90, 174}, 174, ""},
		{"window:90", []int{0, 28, 160, 170, 190}, 170, ""},             // the nearest
		{"window:90", []int{0, 28, 164, 184}, 184, ""},                  // as near: the later
		{"window:28", []int{0, 28, 56}, math.NaN(), "no visit"},         // day 28 is before the last treatment
		{"window:28", []int{0, 84 + 18}, 102, ""},                       // at the tolerance
		{"window:28", []int{0, 84 + 17}, math.NaN(), "no visit"},        // beyond
		{"window:180", []int{0, 84 + 225}, 309, ""},                     //
		{"window:180", []int{0, 84 + 226}, math.NaN(), "no visit"},      //
		{"visit:2", []int{0, 28, 90, 120}, math.NaN(), "no such visit"}, // day 6 after a treatment
		{"visit:3", []int{0, 28, 90, 120}, 120, ""},
	} {
		r := rowOf(t, analyse(t, options(), of(c.days...)), "chin", "roughness_mid", c.contrast)
		if math.IsNaN(c.want) {
			if r.Estimate.Known() || r.N != 0 || r.Missing != 1 || !strings.Contains(r.Reason, c.reason) {
				t.Errorf("%s %v: %+v", c.contrast, c.days, r)
			}
			continue
		}
		near(t, fmt.Sprint(c.contrast, c.days), r.Estimate, c.want)
	}
	untreated := course("P1", "roughness_mid", []int{0, 90}, nil, 1, 2)
	r := rowOf(t, analyse(t, options(), untreated), "chin", "roughness_mid", "window:90")
	if r.N != 0 || !strings.Contains(r.Reason, "no treatment is recorded") {
		t.Errorf("%+v", r)
	}
}

// Untreated days before the first treatment are all baseline.
func TestBaselinesAreAveraged(t *testing.T) {
	p := course("P1", "roughness_mid", []int{0, 10, 40, 70}, []int{12, 42}, 10, 14, 9, 7)
	all := analyse(t, options(), p)
	near(t, "first visit", rowOf(t, all, "chin", "roughness_mid", "visit:1").Estimate, -3)
	near(t, "second visit", rowOf(t, all, "chin", "roughness_mid", "visit:2").Estimate, -5)
	for _, r := range all.Rows {
		if r.Contrast == "visit:3" {
			t.Error("a baseline became a visit")
		}
	}
}

// Two sessions of one day are one visit; a photo after the treatment of that day
// is none.
func TestSessionsOfOneDay(t *testing.T) {
	p := course("P1", "roughness_mid", []int{0, 30, 30, 60}, nil, 10, 8, 6, 4)
	all := analyse(t, options(), p)
	near(t, "visit 1", rowOf(t, all, "chin", "roughness_mid", "visit:1").Estimate, -3)
	near(t, "visit 2", rowOf(t, all, "chin", "roughness_mid", "visit:2").Estimate, -6)
	zero, sixty := 0, 60
	p = course("P1", "roughness_mid", []int{0, 0, 60}, nil, 10, 20, 4)
	p.Series[0].Visits[1].DaysSinceTreatment, p.Series[0].Visits[2].DaysSinceTreatment = &zero, &sixty
	p.Treatments = []result.Treatment{{Session: "s0", Date: on(0)}}
	near(t, "after the acute photo", rowOf(t, analyse(t, options(), p), "chin", "roughness_mid", "visit:1").Estimate, -6)
}

// Photos of a session are averaged, refused ones are not.
func TestPhotosOfASession(t *testing.T) {
	p := course("P1", "roughness_mid", []int{0, 30}, nil, 10, 8)
	m := p.Series[0].Measurements[1]
	second, refused, native := m, m, m
	second.Photo, second.Value = "b.jpg", 6
	refused.Photo, refused.Value, refused.Status = "c.jpg", 100, result.Refused
	native.Value, native.Basis = 50, result.BasisNative
	p.Series[0].Measurements = append(p.Series[0].Measurements, second, refused, native)
	all := analyse(t, options(), p)
	near(t, "change", rowOf(t, all, "chin", "roughness_mid", "visit:1").Estimate, -3)
	if len(all.Replicates) != 1 || all.Replicates[0].First != 8 || all.Replicates[0].Second != 6 {
		t.Errorf("%+v", all.Replicates)
	}
}

func TestSlope(t *testing.T) {
	var all []result.Subject
	for i := range 24 { // -1.5 per 30 days, and each person's own error
		e := float64(i%3-1) / 10
		all = append(all, course(fmt.Sprint("P", i), "roughness_mid", []int{0, 30, 60, 120}, nil, 20, 18.5+e, 17-e, 14+e))
	}
	r := rowOf(t, analyse(t, options(), all...), "chin", "roughness_mid", "slope")
	if math.Abs(float64(r.Estimate)+1.5) > .05 || r.Test != "random_slope_reml_t" || r.Unit != "ODx1000 per 30 d" || !(r.High < -1.4) {
		t.Errorf("%+v", r)
	}
	// Below 20 persons, the mean of the personal slopes.
	few := rowOf(t, analyse(t, options(), all[:12]...), "chin", "roughness_mid", "slope")
	if few.N != 12 || few.Test != "slope_summary_t" || math.Abs(float64(few.Estimate)+1.5) > .05 {
		t.Errorf("%+v", few)
	}
	// All fall: 12 persons in order, p = 2/2^12 of the signed ranks.
	r = rowOf(t, analyse(t, options(), all[:12]...), "chin", "roughness_mid", "typical_order:3")
	near(t, "rank correlation", r.Estimate, -1)
	near(t, "p", r.P, 2/4096.)
	r = rowOf(t, analyse(t, options(), all[:12]...), "chin", "roughness_mid", "ordered:3")
	near(t, "mean rank correlation", r.Estimate, -1)
	if r.Test != "page_exact" || !(r.P < 1e-9) {
		t.Errorf("%+v", r)
	}
}

// The outcome named beforehand is adjusted by Holm over its zones, the rest by
// Benjamini-Hochberg over a map.
func TestFamilies(t *testing.T) {
	s := sample{zones: []string{"forehead", "chin"}, metrics: []string{"roughness_mid", "roughness_fine"}, days: []int{0, 30, 120}, treatedOn: []int{0, 30}, noise: 1,
		change: func(zone, _ string, day int) float64 { return -float64(day) / 100 }}
	o := options()
	o.Primary = &study.Primary{Metric: "roughness_mid"}
	all := analyse(t, o, s.persons(10, 3)...)
	var primary []float64
	for _, r := range all.Rows {
		if (r.Role == result.RolePrimary) != (r.Metric == "roughness_mid" && r.Contrast == "window:90") {
			t.Errorf("%s %s %s is %s", r.Zone, r.Metric, r.Contrast, r.Role)
		}
		if r.Role == result.RolePrimary {
			primary = append(primary, float64(r.P), float64(r.PAdjusted))
		}
	}
	if len(primary) != 4 {
		t.Fatal(primary)
	}
	least, most := min(primary[0], primary[2]), max(primary[0], primary[2])
	adjusted := []float64{min(primary[1], primary[3]), max(primary[1], primary[3])}
	if want := []float64{min(1, 2*least), max(most, min(1, 2*least))}; !slices.EqualFunc(adjusted, want, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
		t.Errorf("adjusted %v, want %v", adjusted, want)
	}
	if m := all.Methods.Primary; !m.Named || m.WindowDays != 90 {
		t.Errorf("%+v", m)
	}
	// An outcome that nobody has is not forgotten.
	o.Primary = &study.Primary{Metric: "pore_area_fraction", Zone: "nose", WindowDays: 60}
	r := rowOf(t, analyse(t, o, s.persons(10, 3)...), "nose", "pore_area_fraction", "window:60")
	if r.Role != result.RolePrimary || r.N != 0 || r.Missing != 10 || r.Reason == "" {
		t.Errorf("%+v", r)
	}
	o.Primary = nil
	for _, r := range analyse(t, o, s.persons(10, 3)...).Rows {
		if r.Role != result.RoleExploratory {
			t.Errorf("%s %s %s is %s without anything named beforehand", r.Zone, r.Metric, r.Contrast, r.Role)
		}
	}
}

// Whom consent leaves out leaves no trace but a count.
func TestConsent(t *testing.T) {
	s := sample{zones: []string{"chin"}, metrics: []string{"roughness_mid"}, days: []int{0, 30}, noise: 1, sdc: 1}
	people := s.persons(12, 1)
	want := analyse(t, options(), people[:8]...)
	research := []string{"research"}
	people[8].Consents = nil
	people[9].Consents = []result.Consent{{Scope: research, Signed: on(0), Withdrawn: "2025-12-31"}}
	people[10].Consents = []result.Consent{{Scope: research, Signed: on(0), Expires: "2025-12-31"}}
	people[11].Consents = []result.Consent{{Scope: []string{"clinical"}, Signed: on(0)}}
	got := analyse(t, options(), people...)
	if !reflect.DeepEqual(plain(t, got.Rows), plain(t, want.Rows)) || !reflect.DeepEqual(plain(t, got.Responses), plain(t, want.Responses)) {
		t.Error("the figures hold persons without consent")
	}
	f := got.Flow[1]
	if f.Step != "consent_research" || f.Subjects != 8 || f.Excluded != 4 ||
		f.Reason != "2 no consent for research is recorded; 1 consent for research has expired; 1 consent for research was withdrawn" {
		t.Errorf("%+v", f)
	}
	// Each reason of study.Covers has its words.
	late := options().AsOf.AddDate(0, 0, 1).Format("2006-01-02")
	for want, c := range map[string]result.Consent{"signed later": {Scope: research, Signed: late}, "not signed": {Scope: research}} {
		_, why := covers(result.Subject{Consents: []result.Consent{c}})
		if why = refusal(why); !strings.Contains(why, want) {
			t.Errorf("%+v: %q, want %q", c, why, want)
		}
	}
}

// Nothing that leaves the clinic names a person, a date or a file.
func TestNobodyIsNamed(t *testing.T) {
	s := sample{zones: []string{"chin"}, metrics: []string{"roughness_mid"}, days: []int{0, 30, 130}, treatedOn: []int{0, 30}, noise: 1, sdc: 1}
	people := s.persons(6, 1)
	people[0].Series[0].Rejections = []result.Rejection{{Subject: "P0000", Session: "s2", Photo: "2.jpg", Stage: "load", Reason: "P0000/2.jpg of 2025-04-01 is broken"}}
	all := analyse(t, options(), people...)
	text := string(plain(t, all))
	for _, secret := range []string{`P000\d`, `\.jpg`, `2025-\d\d`, `"s\d"`} {
		if found := regexp.MustCompile(secret).FindString(text); found != "" {
			t.Errorf("%s is named", found)
		}
	}
	if len(all.Courses) != 6 || len(all.Responses) == 0 {
		t.Fatalf("%d courses, %d responses", len(all.Courses), len(all.Responses))
	}
	o := options()
	o.Key = []byte("another")
	if other := analyse(t, o, people...); other.Courses[0].Code == all.Courses[0].Code {
		t.Error("another export gives the same codes")
	}
	if !slices.IsSortedFunc(all.Courses, func(a, b result.Course) int { return strings.Compare(a.Code, b.Code) }) {
		t.Error("the order of the persons shows")
	}
}

func plain(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Persons who were not measured alike are refused, with the way to mend it.
func TestMixedRuns(t *testing.T) {
	s := sample{zones: []string{"chin"}, metrics: []string{"roughness_mid"}, days: []int{0, 30}}
	for name, spoil := range map[string]func(*result.Subject){
		"version":  func(p *result.Subject) { p.Version = "2.0" },
		"OpenCV":   func(p *result.Subject) { p.OpenCV = "4.9" },
		"settings": func(p *result.Subject) { p.Settings = "def" },
		"percent":  func(p *result.Subject) { p.Series[0].Measurements[0].Unit = "percent" },
	} {
		people := s.persons(3, 1)
		spoil(&people[2])
		c, err := New(options())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range people {
			err = errors.Join(err, c.Add(p))
		}
		if !errors.As(err, new(MixedError)) || !strings.Contains(err.Error(), "P0002") || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "dermatrend run STUDY -o OUT") {
			t.Errorf("%s: %v", name, err)
		}
		// Who does not enter cannot spoil.
		people[2].Consents = nil
		analyse(t, options(), people...)
	}
}

// A change at a visit with caution is held against nothing, unless the verdict was on
// that visit: the smallest detectable change of a good pair is not its own.
func TestCautionIsNotJudged(t *testing.T) {
	s := sample{zones: []string{"chin"}, metrics: []string{"roughness_mid"}, days: []int{0, 30, 130}, noise: 0.01, sdc: 1,
		change: func(_, _ string, day int) float64 { return -float64(day) / 10 }}
	people := s.persons(8, 1)
	for i := range people {
		v := &people[i].Series[0]
		v.Trends[0].LatestSession = "s2"
		for k := range v.Measurements {
			if v.Measurements[k].Session != "s0" {
				v.Measurements[k].Status = result.Caution
			}
		}
	}
	all := analyse(t, options(), people...)
	for contrast, want := range map[string]int{"visit:1": 0, "visit:2": 8} {
		for _, r := range all.Rows {
			if r.Contrast == contrast && (r.N != 8 || r.Judged != want || r.Responders != want) {
				t.Errorf("%s: n %d, judged %d, responders %d; want 8, %d, %d", contrast, r.N, r.Judged, r.Responders, want, want)
			}
		}
	}
}
