package study

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func day(s string) Date {
	d, err := ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// read makes a subject of a manifest that must be good.
func read(t *testing.T, sessions string) (Subject, []string) {
	t.Helper()
	m, ps := readSeries("series.yaml", []byte("subject: P1\nsessions:\n"+sessions), today, nil)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	sortSessions(m.subject.Sessions)
	return m.subject, append(m.notes, viewNotes(&m.subject)...)
}

// lines is one line for each session of each series:
// view id day daysSinceTreatment treatments files.
func lines(s Subject) []string {
	var out []string
	for _, r := range s.Series() {
		for _, v := range r.Sessions {
			since := "-"
			if v.DaysSinceTreatment != nil {
				since = fmt.Sprint(*v.DaysSinceTreatment)
			}
			var files []string
			for _, p := range v.Photos {
				files = append(files, p.File)
			}
			out = append(out, fmt.Sprint(r.View, " ", v.ID, " ", v.Day, " ", since, " ", v.Treatments, " ", strings.Join(files, ",")))
		}
	}
	return out
}

func TestSeries(t *testing.T) {
	for name, c := range map[string]struct {
		sessions string
		want     []string
	}{
		"a course of treatments": {`
  - {id: s0, date: 2026-01-10, photos: [{view: front, file: a.jpg}], treated: {date: 2026-01-10}}
  - {id: s1, date: 2026-02-09, photos: [{view: front, file: b.jpg}], treated: {date: 2026-02-09}}
  - {id: s2, date: 2026-05-10, photos: [{view: front, file: c.jpg}]}
`, []string{
			"front s0 0 - 0 a.jpg",
			"front s1 30 30 1 b.jpg", // photo before the treatment of that day
			"front s2 120 90 2 c.jpg",
		}},
		"taken after": {`
  - {id: s0, date: 2026-01-10, photos: [{view: front, file: a.jpg}], treated: {date: 2026-01-10}}
  - {id: s0b, date: 2026-01-10, photos: [{view: front, file: b.jpg, taken: after}]}
`, []string{"front s0 0 - 0 a.jpg", "front s0b 0 0 1 b.jpg"}},
		"listed out of order, and after before before": {`
  - {id: s2, date: 2026-02-10, photos: [{view: front, file: c.jpg}]}
  - {id: s0b, date: 2026-01-10, photos: [{view: front, file: b.jpg, taken: after}]}
  - {id: s0, date: 2026-01-10, photos: [{view: front, file: a.jpg}], treated: {}}
`, []string{"front s0 0 - 0 a.jpg", "front s0b 0 0 1 b.jpg", "front s2 31 31 1 c.jpg"}},
		"a treatment without photos": {`
  - {id: s0, date: 2026-01-10, photos: [{view: front, file: a.jpg}]}
  - {id: t1, date: 2026-01-20, treated: {date: 2026-01-20}}
  - {id: s1, date: 2026-02-10, photos: [{view: front, file: b.jpg}]}
`, []string{"front s0 0 - 0 a.jpg", "front s1 31 21 1 b.jpg"}},
		"two entries of one day are one treatment": {`
  - {id: s0, date: 2026-01-10, photos: [{view: front, file: a.jpg}], treated: {}}
  - {id: s0b, date: 2026-01-10, photos: [{view: front, file: b.jpg}], treated: {}}
  - {id: s1, date: 2026-01-31, photos: [{view: front, file: c.jpg}]}
`, []string{"front s0 0 - 0 a.jpg", "front s0b 0 - 0 b.jpg", "front s1 21 21 1 c.jpg"}},
		"two baselines, and across a leap day": {`
  - {id: s1, date: 2024-03-02, photos: [{view: front, file: c.jpg}]}
  - {id: b1, role: baseline, date: 2024-02-25, photos: [{view: front, file: a.jpg}]}
  - {id: b2, role: baseline, date: 2024-02-28, photos: [{view: front, file: b.jpg}]}
`, []string{"front b1 0 - 0 a.jpg", "front b2 3 - 0 b.jpg", "front s1 6 - 0 c.jpg"}},
		"the baseline first on its day": {`
  - {id: x, date: 2026-01-10, photos: [{view: front, file: a.jpg}]}
  - {id: y, role: baseline, date: 2026-01-10, photos: [{view: front, file: b.jpg}]}
`, []string{"front y 0 - 0 b.jpg", "front x 0 - 0 a.jpg"}},
		"views, front first, and replicates": {`
  - {id: s0, date: 2026-01-10, photos: [{view: b, file: b1.jpg}, {view: a, file: a1.jpg}, {view: front, file: f1.jpg}, {view: front, file: f2.jpg}]}
  - {id: s1, date: 2026-01-12, photos: [{view: a, file: a2.jpg}, {view: late, file: l2.jpg}]}
  - {id: s2, date: 2026-01-15, photos: [{view: late, file: l3.jpg}]}
`, []string{"front s0 0 - 0 f1.jpg,f2.jpg", "a s0 0 - 0 a1.jpg", "a s1 2 - 0 a2.jpg", "b s0 0 - 0 b1.jpg", "late s1 0 - 0 l2.jpg", "late s2 3 - 0 l3.jpg"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := read(t, strings.TrimPrefix(c.sessions, "\n"))
			if got := lines(s); !slices.Equal(got, c.want) {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(c.want, "\n     "))
			}
		})
	}
}

func TestUnmarkedBaseline(t *testing.T) {
	s, _ := read(t, `  - {id: t, date: 2026-01-01, treated: {}}
  - {id: s0, date: 2026-01-10, photos: [{view: front, file: a.jpg}]}
  - {id: s1, date: 2026-02-10, photos: [{view: front, file: b.jpg}]}
`)
	if s.Sessions[0].Baseline || !s.Sessions[1].Baseline || s.Sessions[2].Baseline {
		t.Errorf("baselines %v %v %v; want the first with photos", s.Sessions[0].Baseline, s.Sessions[1].Baseline, s.Sessions[2].Baseline)
	}
}

func TestNotes(t *testing.T) {
	const first = "  - {id: s0, date: 2026-01-10, photos: [{view: front, file: a.jpg}], treated: {date: 2026-01-10%s}}\n"
	const second = "  - {id: s1, date: %s, photos: [{view: front, file: b.jpg}], treated: {}}\n"
	plain := fmt.Sprintf(first, "") + fmt.Sprintf(second, "2026-02-09")
	for name, c := range map[string]struct{ sessions, want string }{
		"nothing unusual":     {plain, ""},
		"13 days apart":       {fmt.Sprintf(first, "") + fmt.Sprintf(second, "2026-01-23"), "13 days between the treatments of 2026-01-10 and 2026-01-23; usual are 14 to 70"},
		"14 days apart":       {fmt.Sprintf(first, "") + fmt.Sprintf(second, "2026-01-24"), ""},
		"70 days apart":       {fmt.Sprintf(first, "") + fmt.Sprintf(second, "2026-03-21"), ""},
		"71 days apart":       {fmt.Sprintf(first, "") + fmt.Sprintf(second, "2026-03-22"), "71 days between"},
		"a long needle":       {fmt.Sprintf(first, ", depth_mm: {nose: 3}") + fmt.Sprintf(second, "2026-02-09"), "session s0: needle length 3 mm in nose; usual are 0.2 to 2.5"},
		"the longest needle":  {fmt.Sprintf(first, ", depth_mm: {nose: 2.5}") + fmt.Sprintf(second, "2026-02-09"), ""},
		"treated long before": {"  - {id: s0, date: 2026-01-10, photos: [{view: front, file: a.jpg}]}\n  - {id: s1, date: 2026-03-10, photos: [{view: front, file: b.jpg}], treated: {date: 2026-01-11}}\n", "session s1: photos of 2026-03-10, but treatment of 2026-01-11"},
		"one session":         {fmt.Sprintf(first, ""), "view front has one session: nothing to compare"},
		"a treated baseline":  {strings.Replace(plain, "treated: {date: 2026-01-10}", "treated: {date: 2026-01-09}", 1), "view front: its baseline s0 was photographed after a treatment"},
		"no zones":            {strings.ReplaceAll(plain, "front", "frnt"), `view frnt has no automatic zones, and the manifest gives none: nothing is measured in it; did you mean "front"?`},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := read(t, c.sessions)
			if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.want)) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestHistory(t *testing.T) {
	first := day("2026-01-10")
	for h, want := range map[string]string{
		"isotretinoin 2025-08":          "isotretinoin", // ended within six months
		"isotretinoin 2025-07":          "isotretinoin", // may have ended on the 31st
		"isotretinoin 2025-06":          "",             // ended more than six months before
		"Isotretinoin 2024":             "",
		"isotretinoin 2025":             "isotretinoin",
		"isotretinoin":                  "isotretinoin",
		"Roaccutane until 2025-12":      "isotretinoin",
		"active acne":                   "active acne",
		"acne scars since 2010":         "",
		"post-acne marks":               "",
		"acne vulgaris, acne scarring":  "active acne",
		"ECZEMA of the hands":           "eczema",
		"keloids on the chest":          "keloid",
		"no keloids":                    "",
		"never cold sores":              "cold sores", // two words: rather once too often
		"no isotretinoin since 2025-12": "isotretinoin",
		"warfarin 5 mg":                 "blood thinners",
		"pregnant":                      "pregnancy",
		"breastfeeding":                 "nursing",
		"TCA peel 2025-12":              "peel",
		"lupus":                         "lupus",
		"vitiligo":                      "vitiligo",
		"herpes labialis":               "cold sores",
		"haemophilia A":                 "bleeding",
		"radiotherapy 2020":             "radiation",
		"rosacea, mild":                 "rosacea",
		"psoriasis":                     "psoriasis",
		"none":                          "",
		"hypertension, repealed":        "",
	} {
		got := historyNotes(h, first)
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0], want)) {
			t.Errorf("%s: %q, want %q", h, got, want)
		}
	}
}

func TestCovers(t *testing.T) {
	all := Consent{Scope: []string{"clinical", "research"}, Signed: day("2026-01-05")}
	expires, withdrawn := all, all
	expires.Expires = day("2026-06-30")
	withdrawn.Withdrawn = day("2026-09-01")
	again := Consent{Scope: []string{"research"}, Signed: day("2026-10-01")}
	for _, c := range []struct {
		name   string
		cs     []Consent
		scope  string
		on     string
		want   bool
		reason string
	}{
		{"none", nil, "clinical", "2026-02-01", false, "no consent for clinical is recorded"},
		{"signed", []Consent{all}, "clinical", "2026-02-01", true, ""},
		{"the day of the signature", []Consent{all}, "clinical", "2026-01-05", true, ""},
		{"the day before", []Consent{all}, "clinical", "2026-01-04", false, "was signed on 2026-01-05, later than 2026-01-04"},
		{"another scope", []Consent{all}, "marketing", "2026-02-01", false, "no consent for marketing is recorded"},
		{"the last day", []Consent{expires}, "clinical", "2026-06-30", true, ""},
		{"expired", []Consent{expires}, "clinical", "2026-07-01", false, "expired on 2026-06-30"},
		{"before the withdrawal", []Consent{withdrawn}, "research", "2026-08-31", true, ""},
		{"the day of the withdrawal", []Consent{withdrawn}, "research", "2026-09-01", false, "was withdrawn on 2026-09-01"},
		{"an older paper does not outlive a withdrawal", []Consent{withdrawn, {Scope: []string{"research"}, Signed: day("2025-01-01")}}, "research", "2026-09-02", false, "withdrawn"},
		{"signed again", []Consent{withdrawn, again}, "research", "2026-10-01", true, ""},
		{"signed again for research only", []Consent{withdrawn, again}, "clinical", "2026-10-01", false, "withdrawn"},
		{"one of two has expired", []Consent{expires, all}, "clinical", "2026-07-01", true, ""},
		{"unsigned", []Consent{{Scope: []string{"clinical"}}}, "clinical", "2026-07-01", false, "is not signed"},
	} {
		got, reason := Covers(c.cs, c.scope, day(c.on))
		if got != c.want || !strings.Contains(reason, c.reason) || got && reason != "" {
			t.Errorf("%s: %v, %q; want %v, %q", c.name, got, reason, c.want, c.reason)
		}
	}
}

// A regular polygon encloses n/2 r^2 sin(2 pi / n) and crosses nothing; the star
// through every second corner crosses itself.
func TestPolygons(t *testing.T) {
	for _, n := range []int{3, 5, 7, 51} {
		var plain, star Polygon
		for i := range n {
			at := func(k int) Point {
				s, c := math.Sincos(2 * math.Pi * float64(k) / float64(n))
				return Point{500 + 100*c, 500 + 100*s}
			}
			plain, star = append(plain, at(i)), append(star, at(2*i))
		}
		want := float64(n) / 2 * 1e4 * math.Sin(2*math.Pi/float64(n))
		if got := plain.Area(); math.Abs(got-want) > 1e-6*want {
			t.Errorf("%d corners: area %g, want %g", n, got, want)
		}
		if _, _, crosses := plain.crossing(); crosses {
			t.Errorf("%d corners: crosses itself", n)
		}
		if _, _, crosses := star.crossing(); n > 3 && !crosses {
			t.Errorf("star of %d: crosses nothing", n)
		}
	}
	for name, p := range map[string]Polygon{
		"touches itself":     {{0, 0}, {20, 0}, {10, 10}, {20, 20}, {0, 20}, {10, 10}},
		"goes back":          {{0, 0}, {20, 0}, {10, 0}, {10, 20}},
		"a corner on a side": {{0, 0}, {20, 0}, {20, 20}, {10, 0}},
	} {
		if _, _, crosses := p.crossing(); !crosses {
			t.Errorf("%s: not found", name)
		}
	}
	if _, _, crosses := (Polygon{{0, 0}, {10, 0}, {20, 0}, {20, 20}, {0, 20}}).crossing(); crosses {
		t.Error("a corner of 180 degrees is no crossing")
	}
}

func TestSuggest(t *testing.T) {
	for given, want := range map[string]string{
		"sesions": "sessions", "Sessions": "sessions", "dtae": "date", "cheek-left": "cheek_left",
		"xyz": "", "date": "", "consnet": "consent", "": "",
	} {
		got := suggest(given, []string{"sessions", "date", "cheek_left", "consent"})
		if want == "" && got != "" || want != "" && got != fmt.Sprintf("did you mean %q?", want) {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

func TestUnsafeNames(t *testing.T) {
	for _, s := range []string{"P001", "Émile Zola", "张伟", "R\u0065\u0301ne", "a b", "_x", "a..b", "007", "P001 (2)", "v1.2"} {
		if why := unsafeName(s); why != "" {
			t.Errorf("%q %s; want fine", s, why)
		}
	}
	for _, s := range []string{"", ".", "..", ".git", "a/b", `a\b`, "a:b", "-rf", "@x", "a\x00", "a\nb", "a\u202eb", "a\u00a0b", "a.", "a ",
		" a", "NUL", "com1.txt", "x.html", "\xff", strings.Repeat("a", 101)} {
		if unsafeName(s) == "" {
			t.Errorf("%q is fine; want refused", s)
		}
	}
}
