package report

import (
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// patientOf writes the page of s with small pictures and returns its text.
func patientOf(t *testing.T, s result.Subject, o PatientOptions) string {
	t.Helper()
	source := t.TempDir()
	writeSamplePictures(t, source, 5, 60, 80)
	return patientIn(t, source, s, o)
}

func patientIn(t *testing.T, source string, s result.Subject, o PatientOptions) string {
	t.Helper()
	dir := t.TempDir()
	if err := WritePatient(dir, source, s, o); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "patient.html"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// part is the sections of a page with a class, one after the other; sections of
// the page do not hold one another.
func part(page, class string) string {
	var b strings.Builder
	for _, m := range regexp.MustCompile(`(?s)<section class="`+class+`">(.*?)</section>`).FindAllStringSubmatch(page, -1) {
		b.WriteString(m[1])
	}
	return b.String()
}

const (
	aClaim = `<li class="claim">`
	aZone  = `<span class="zone">`
)

// oneOfATopic are metrics that a patient is told of under different names.
var oneOfATopic = []string{"erythema_index", "red_area_fraction", "brown_area_fraction", "melanin_index", "roughness_mid", "glcm_contrast",
	"pore_count", "pore_area_fraction", "pore_diameter_um_median", "scar_contrast", "scar_count", "scar_area_fraction", "scar_count_icepick", "line_density_mm_per_cm2"}

// TestEveryVerdictHasItsClaimAndEveryClaimItsVerdict makes subjects of all
// verdicts, also none with and without a change, in all roles, and counts.
func TestEveryVerdictHasItsClaimAndEveryClaimItsVerdict(t *testing.T) {
	type kind struct {
		verdict result.Verdict
		changed bool
		role    string
	}
	var kinds []kind
	for _, role := range []string{rolePrimary, roleSecondary, roleSafety} {
		for _, v := range verdicts {
			kinds = append(kinds, kind{v, v != result.NotComparable, role})
		}
		kinds = append(kinds, kind{"", true, role}, kind{"", false, role})
	}
	trend := func(metric, zone string, k kind) result.Trend {
		tr := result.Trend{Metric: metric, Zone: zone, Role: k.role, Verdict: k.verdict, LatestSession: "s4", Baseline: 5, Latest: 5, Limit: 1,
			Change: result.None(), ChangePct: result.None(), Reason: "free text"}
		if k.changed {
			tr.Change, tr.ChangePct = 2, 40
		}
		return tr
	}
	rng := rand.New(rand.NewPCG(6, 2))
	var subjects [][]result.Trend
	for _, k := range kinds {
		subjects = append(subjects, []result.Trend{trend("scar_contrast", "chin", k)})
	}
	for range 40 {
		var list []result.Trend
		for _, metric := range oneOfATopic {
			for _, zone := range study.ZoneNames {
				if rng.IntN(3) == 0 {
					list = append(list, trend(metric, zone, kinds[rng.IntN(len(kinds))]))
				}
			}
		}
		subjects = append(subjects, list)
	}
	source := t.TempDir()
	writeSamplePictures(t, source, 5, 60, 80)
	for i, trends := range subjects {
		s := sampleSubject()
		s.Series[0].Trends = trends
		s.Series[0].Rejections, s.Series[0].Visits[2].Comparable = nil, true
		lang := Languages()[i%len(Languages())]
		m := languages[lang]
		page := patientIn(t, source, s, PatientOptions{Lang: lang})
		count := func(what string, ks ...kind) {
			t.Helper()
			want := 0
			for _, tr := range trends {
				if slices.Contains(ks, kind{tr.Verdict, tr.Change.Known(), tr.Role}) {
					want++
				}
			}
			class, mark, _ := strings.Cut(what, " of ")
			marks := map[string]string{"claims": aClaim, "zones": aZone}
			if got := strings.Count(part(page, mark), marks[class]); got != want {
				t.Errorf("subject %d: %d %s, want %d", i, got, what, want)
			}
		}
		better, worse, same, no := result.Improved, result.Worsened, result.NoDetectableChange, result.NotComparable
		count("claims of box worsened", kind{worse, true, rolePrimary}, kind{worse, true, roleSafety})
		count("claims of box improved", kind{better, true, rolePrimary})
		count("zones of same", kind{same, true, rolePrimary})
		count("zones of neutral", kind{"", true, rolePrimary}, kind{"", true, roleSecondary}, kind{"", true, roleSafety})
		count("zones of unknown", kind{no, false, rolePrimary}, kind{no, false, roleSafety}, kind{"", false, rolePrimary}, kind{"", false, roleSafety})
		count("zones of warning", kind{same, true, roleSafety}) // those not judged are listed once, with the reason
		count("zones of beside", kind{better, true, roleSecondary}, kind{better, true, roleSafety}, kind{worse, true, roleSecondary})
		if strings.Count(page, aClaim) != strings.Count(part(page, "box improved"), aClaim)+strings.Count(part(page, "box worsened"), aClaim) {
			t.Errorf("subject %d: a claim outside the boxes", i)
		}

		// The words of a change are there if and only if a verdict says so.
		said := map[string]bool{}
		for _, tr := range trends {
			if tr.Verdict == better || tr.Verdict == worse {
				said["patient_"+string(tr.Verdict)+"."+topics[tr.Metric]] = true
			}
		}
		text := words(t, page)
		for _, verdict := range []result.Verdict{better, worse} {
			for _, topic := range topics {
				if key := "patient_" + string(verdict) + "." + topic; strings.Contains(text, m[key]) != said[key] {
					t.Errorf("subject %d: %q said: %v, want %v", i, m[key], !said[key], said[key])
				}
			}
		}
		for key, want := range map[string]bool{
			"patient.short_better": part(page, "box improved") != "", "patient.better": part(page, "box improved") != "",
			"patient.short_worse": part(page, "box worsened") != "", "patient.worse": part(page, "box worsened") != "",
			"patient.warning_unknown": slices.ContainsFunc(trends, func(tr result.Trend) bool {
				return tr.Role == roleSafety && (tr.Verdict == no || tr.Verdict == "" && !tr.Change.Known())
			}),
			"patient.claim": part(page, "box improved")+part(page, "box worsened") != "",
		} {
			if strings.Contains(text, m[key]) != want {
				t.Errorf("subject %d: %q said: %v", i, m[key], !want)
			}
		}
		if strings.Contains(text, "free text") {
			t.Errorf("subject %d: the free text of a result is shown", i)
		}
	}
}

// Measures of one topic are one line with each zone once; one that goes both ways
// is on both lines.
func TestMeasuresBesideAreGathered(t *testing.T) {
	var trends []result.Trend
	for _, c := range []struct {
		metric, zone string
		verdict      result.Verdict
	}{
		{"glcm_contrast", "nose", result.Improved}, {"glcm_entropy", "nose", result.Improved}, {"glcm_homogeneity", "chin", result.Improved},
		{"glcm_contrast", "chin", result.Worsened},
	} {
		trends = append(trends, result.Trend{Metric: c.metric, Zone: c.zone, Verdict: c.verdict, Role: roleSecondary})
	}
	page := patientOf(t, result.Subject{Series: []result.Series{{Visits: sampleSubject().Series[0].Visits, Trends: trends}}}, PatientOptions{})
	text := words(t, part(page, "beside"))
	for _, want := range []string{"Possibly worse: The skin looks less even (chin)", "Better: The skin looks more even (nose, chin)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	if w, b := strings.Index(text, "Possibly worse"), strings.Index(text, "Better:"); w > b {
		t.Error("what got better comes before what got worse")
	}
}

func TestPatientPageStandsAloneInEveryLanguage(t *testing.T) {
	for _, lang := range Languages() {
		t.Run(lang, func(t *testing.T) {
			m := languages[lang]
			page := patientOf(t, sampleSubject(), PatientOptions{Lang: lang, Dates: true, ReviewedBy: "Dr. Roe", ReviewedOn: "2026-06-20", Logo: logoFile(t, "png")})
			checkPage(t, page)
			text := words(t, page)
			for _, key := range []string{"patient.own", "patient.short_worse", "patient.worse", "patient.better", "patient.claim", "patient.same_how",
				"patient.warning_found", "patient.pictures_trust", "patient.sides", "patient.limits_text", "patient_why.pose", "patient_advice.light",
				"patient_qualifier_doc.early", "patient_qualifier_doc.provisional", "patient_qualifier_doc.photo_error_only", "patient_qualifier_doc.relative"} {
				if !strings.Contains(text, m[key]) {
					t.Errorf("does not say %q", m[key])
				}
			}
			for _, want := range []string{"Dr. Roe, " + fmt.Sprintf(m["patient.date"], 20, m["patient_month.6"], 2026), "P001", "Clinic at the Lake"} {
				if !strings.Contains(text, want) {
					t.Errorf("does not say %q", want)
				}
			}
			if !strings.Contains(page, `<html lang="`+lang+`">`) {
				t.Error("the page does not name its language")
			}
			for _, free := range []string{poseReason, lightReason, scaleReason, "brown marks grew", "no face found", "isotretinoin", "shipped table", "apart"} {
				if strings.Contains(text, free) {
					t.Errorf("free text of the results: %q", free)
				}
			}
			// Both halves of the slider, under one scale bar.
			if n := strings.Count(page, `class="photo"`); n != 2 || strings.Count(page, `class="bar"`) != 1 {
				t.Errorf("%d photos", n)
			}
		})
	}
	de, err := regexp.MatchString(`\b(the|skin|photo|and|pores)\b`, words(t, patientOf(t, sampleSubject(), PatientOptions{Lang: "de", Clinic: "Praxis", Dates: true})))
	if err != nil || de {
		t.Errorf("English words on the German page, %v", err)
	}
}

func TestPercentIsGivenWithItsError(t *testing.T) {
	w := patientWords{english, false}
	for _, c := range []struct {
		baseline, limit, percent result.Number
		want                     string
	}{
		{10, 1.2, -24.4, "by about 24 % (error: up to 12 %)"},
		{10, 1.22, 33, "by about 33 % (error: up to 13 %)"}, // an error is not rounded down
		{10, 2.44, -24.45, "by about 24 % (error: up to 24 %)"},
		{10, 1.2, result.None(), ""}, {10, result.None(), 24, ""}, {0, 1, 24, ""},
	} {
		if got := w.amount(result.Trend{Baseline: c.baseline, Limit: c.limit, ChangePct: c.percent}); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestQualifierOfAllResultsIsSaidOnce(t *testing.T) {
	s := sampleSubject()
	s.Series[0].Trends = []result.Trend{
		{Metric: "scar_contrast", Zone: "chin", Role: rolePrimary, Verdict: result.Improved, Qualifier: "early;provisional"},
		{Metric: "scar_contrast", Zone: "nose", Role: rolePrimary, Verdict: result.NoDetectableChange, Qualifier: "provisional"},
		{Metric: "scar_count", Zone: "nose", Role: roleSecondary, Verdict: result.NoDetectableChange, Qualifier: ""}, // not told
	}
	text := words(t, patientOf(t, s, PatientOptions{}))
	if !strings.Contains(text, "chin still early") || !strings.Contains(text, "still early: "+english["patient_qualifier_doc.early"]) {
		t.Error("a qualifier of one result is not with it")
	}
	if strings.Contains(text, english["patient_qualifier.provisional"]) || !strings.Contains(text, english["patient_qualifier_doc.provisional"]) {
		t.Error("a qualifier of all results is with each, or not explained")
	}
}

func TestDatesOnlyWhereTheyAreWanted(t *testing.T) {
	with := words(t, patientOf(t, sampleSubject(), PatientOptions{Dates: true}))
	without := words(t, patientOf(t, sampleSubject(), PatientOptions{}))
	for _, want := range []string{"10 January 2026 to 11 June 2026", "From 10 January 2026 to 11 June 2026", "152 days later, 11 June 2026", "At the start, 10 January 2026"} {
		if !strings.Contains(with, want) {
			t.Errorf("does not say %q", want)
		}
	}
	if strings.Contains(without, "2026") || !strings.Contains(without, "From the photo at the start to the photo 152 days later") {
		t.Error("a date on a page without dates")
	}
}

func TestOneDayIsNotDays(t *testing.T) {
	s := sampleSubject()
	for i := range s.Series[0].Visits {
		s.Series[0].Visits[i].Day = min(i, 1)
	}
	text := words(t, patientOf(t, s, PatientOptions{}))
	if strings.Contains(text, "1 days") || !strings.Contains(text, "One day later") || !strings.Contains(text, "the photo one day later") {
		t.Error("one day is called days")
	}
}

func TestPatientPageSaysWhoReviewed(t *testing.T) {
	for _, c := range []struct{ by, on, want string }{
		{"", "2026-06-20", "nobody so far"}, {"Dr. Roe", "", "Dr. Roe"}, {"Dr. Roe", "last week", "Dr. Roe, last week"},
	} {
		page := patientOf(t, sampleSubject(), PatientOptions{ReviewedBy: c.by, ReviewedOn: c.on})
		if !strings.Contains(page, "<dt>Looked through by</dt><dd><bdi>"+c.want+"</bdi></dd>") {
			t.Errorf("does not say %q", c.want)
		}
	}
}

func TestWhyNothingCanBeSaid(t *testing.T) {
	visits := sampleSubject().Series[0].Visits
	check := func(name, session, affects string) result.Check {
		return result.Check{Check: name, Session: session, Affects: affects, Status: result.Refused}
	}
	scar := result.Object{Kind: "scar", Zone: "chin", Session: "s0", Type: "boxcar"}
	for _, c := range []struct {
		name  string
		s     result.Series
		trend result.Trend
		want  string
	}{
		{"one visit", result.Series{Visits: visits[:1]}, result.Trend{Metric: "a_star"}, "one_visit"},
		{"dark skin", result.Series{Visits: visits, ITADeg: -40}, result.Trend{Metric: "a_star"}, "dark_skin"},
		{"dark skin, another matter", result.Series{PxPerMM: 15, Visits: visits, ITADeg: -40}, result.Trend{Metric: "roughness_mid"}, "other"},
		{"no scale", result.Series{Visits: visits}, result.Trend{Metric: "pore_count"}, "no_scale"},
		{"too coarse", result.Series{Visits: visits, PxPerMM: 15}, result.Trend{Metric: "pore_diameter_um_p90"}, "close"},
		{"fine enough to count", result.Series{Visits: visits, PxPerMM: 15, Comparability: []result.Check{check("resolution_pore_size", "s4", "pores")}}, result.Trend{Metric: "pore_count"}, "other"},
		{"light", result.Series{PxPerMM: 15, Visits: visits, Comparability: []result.Check{check("light_gradient", "s4", "texture;scars"), check("white_balance", "s4", "pigment")}},
			result.Trend{Metric: "roughness_mid"}, "light"},
		{"another session", result.Series{PxPerMM: 15, Visits: visits, Comparability: []result.Check{check("light_gradient", "s2", "texture")}},
			result.Trend{Metric: "roughness_mid", LatestSession: "s4"}, "other"},
		{"zone", result.Series{PxPerMM: 15, Visits: visits, Comparability: []result.Check{check("occlusion_cheek_left", "s4", "texture"), check("stretch_chin", "s4", "texture")}},
			result.Trend{Metric: "roughness_mid", Zone: "chin"}, "face"},
		{"yardstick", result.Series{Visits: visits, Trends: []result.Trend{{Metric: "erythema_index", Zone: "chin", Qualifier: "early;relative"}}},
			result.Trend{Metric: "erythema_index", Zone: "forehead"}, "yardstick"},
		{"forehead beside known skin", result.Series{Visits: visits, Trends: []result.Trend{{Metric: "erythema_index", Zone: "chin", Qualifier: "early"}}},
			result.Trend{Metric: "erythema_index", Zone: "forehead"}, "other"},
		{"no scars", result.Series{PxPerMM: 15, Visits: visits}, result.Trend{Metric: "scar_contrast", Zone: "chin"}, "few_scars"},
		{"few of the type", result.Series{PxPerMM: 15, Visits: visits, Objects: []result.Object{scar, scar, scar}}, result.Trend{Metric: "scar_contrast_rolling", Zone: "chin"}, "few_scars"},
		{"scars enough", result.Series{PxPerMM: 15, Visits: visits, Objects: []result.Object{scar, scar, scar}}, result.Trend{Metric: "scar_contrast_boxcar", Zone: "chin"}, "other"},
		{"no face", result.Series{Visits: visits, Rejections: []result.Rejection{{Stage: "face", Session: "s2"}}}, result.Trend{Metric: "a_star"}, "no_face"},
		{"no face in a photo beside others", result.Series{Visits: visits, Rejections: []result.Rejection{{Stage: "face", Session: "s1"}}}, result.Trend{Metric: "a_star"}, "other"},
	} {
		if got := strings.Join(why(c.s, c.trend), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAdviceIsFromTheChecks(t *testing.T) {
	s := result.Subject{Series: []result.Series{{Visits: sampleSubject().Series[0].Visits, Comparability: []result.Check{
		{Session: "s1", Check: "occlusion_chin", Status: result.Refused},
		{Session: "s4", Check: "yaw", Status: result.Caution}, {Session: "s4", Check: "sharpness", Value: -1, Status: result.Caution},
		{Session: "s4", Check: "glare", Status: result.Refused}, {Session: "s4", Check: "exposure", Status: result.OK}, {Session: "s3", Check: "pitch", Status: result.Refused},
	}}}}
	want := []string{english["patient_advice.shine"], english["patient_advice.pose"], english["patient_advice.covered"]}
	if got := (patientWords{english, false}).advice(s); !slices.Equal(got, want) {
		t.Errorf("advice %q, want %q", got, want)
	}
}

func TestPatientPageEscapesEveryText(t *testing.T) {
	long := hostile + strings.Repeat("x", 10_000)
	s := sampleSubject()
	fill(reflect.ValueOf(&s).Elem(), long)
	for _, lang := range Languages() {
		page := patientOf(t, s, PatientOptions{Lang: lang, Clinic: long, ReviewedBy: long, ReviewedOn: long, Dates: true})
		checkPage(t, page)
		if strings.Contains(page, "<script>alert") || strings.Contains(page, "<img src=x") || strings.ContainsAny(page, "\u202e\u2067\x00") || strings.Contains(page, strings.Repeat("x", 500)) {
			t.Error("a text left its place")
		}
	}
	if err := WritePatient(t.TempDir(), t.TempDir(), result.Subject{}, PatientOptions{Lang: long}); err == nil || len(err.Error()) > 400 || !strings.Contains(err.Error(), "there are de, en") {
		t.Errorf("unknown language: %.500v", err)
	}
}

// The box of what got worse is as large as that of what got better: the same
// elements, words of the same size.
func TestWorseIsAsLoudAsBetter(t *testing.T) {
	s := sampleSubject()
	shape := func(v result.Verdict, class string) (tags []string) {
		s.Series[0].Trends = []result.Trend{{Metric: "scar_contrast", Zone: "chin", Role: rolePrimary, Verdict: v, LatestSession: "s4", ChangePct: result.None()}}
		walk(t, part(patientOf(t, s, PatientOptions{}), "box "+class), func(e xml.StartElement) {
			name := e.Name.Local
			for _, a := range e.Attr {
				name += " " + a.Value
			}
			tags = append(tags, name)
		}, func(string) {})
		return tags
	}
	worse, better := shape(result.Worsened, "worsened"), shape(result.Improved, "improved")
	if len(worse) == 0 || !slices.Equal(worse, better) {
		t.Errorf("worse %v, better %v", worse, better)
	}
	page := patientOf(t, s, PatientOptions{})
	if !strings.Contains(page, `class="box improved"`) || strings.Contains(asset("patient.css"), ".box.improved .") {
		t.Error("one of the boxes has a size of its own")
	}
}

// Every metric, zone and check has plain words, and no words are left over.
func TestPlainWordsAreComplete(t *testing.T) {
	have := func(kind string) map[string]bool {
		set := map[string]bool{}
		for key := range english {
			if k, rest, ok := strings.Cut(key, "."); ok && k == kind {
				set[rest] = true
			}
		}
		return set
	}
	values := func(m map[string]string, more ...string) map[string]bool {
		set := map[string]bool{}
		for _, v := range m {
			set[v] = true
		}
		for _, v := range more {
			set[v] = true
		}
		return set
	}
	for _, kind := range []string{"patient_topic", "patient_improved", "patient_worsened"} {
		if got, want := have(kind), values(topics); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", kind, got, want)
		}
	}
	advice := have("patient_advice")
	if want := values(problems); !reflect.DeepEqual(advice, want) {
		t.Errorf("advice %v, want %v", advice, want)
	}
	reasons := have("patient_why")
	if want := values(problems, "one_visit", "dark_skin", "no_scale", "yardstick", "few_scars", "no_face", "unread", otherReason); !reflect.DeepEqual(reasons, want) {
		t.Errorf("reasons %v, want %v", reasons, want)
	}
	for _, m := range metrics.All() {
		if topics[m.Name] == "" {
			t.Errorf("no topic for %q", m.Name)
		}
	}
	for check := range have("check") {
		if what, zone := problem(check); what == "" || zone != "" && !slices.Contains(study.ZoneNames, zone) {
			t.Errorf("check %q is about %q in %q", check, what, zone)
		}
	}
	for _, kind := range []string{"patient_qualifier", "patient_qualifier_doc"} {
		if got := have(kind); len(got) != len(qualifierOrder) {
			t.Errorf("%s: %v, want %v", kind, got, qualifierOrder)
		}
	}
	if got := have("patient_month"); len(got) != 12 {
		t.Errorf("months: %v", got)
	}
}
