package study

import (
	"strings"
	"testing"
)

var today = NewDate(2026, 11, 21)

// good is an ordinary manifest; the bad ones differ from it in one place.
const good = `subject: P001
born: 1988
consent:
  - scope: [clinical, research]
    signed: 2026-01-05
    expires: 2029-01-05
retain_until: 2036-01-05
treatment: {modality: microneedling, zones: [cheek_left]}
reference_skin: {front: [[10, 10], [60, 10], [60, 60]]}
history: [none]
covariates: {arm: A, smoker: no}
sessions:
  - id: s0
    role: baseline
    date: 2026-01-10
    photos:
      - {view: front, file: a.jpg, px_per_mm: 14.2, taken: before}
    treated: {date: 2026-01-10, device: pen, depth_mm: {cheek_left: 1.5}, passes: 4}
  - id: s1
    date: 2026-02-09
    photos:
      - {view: front, file: b.jpg}
      - {view: front, file: c.jpg}
`

// badManifests replace a text of the good one and say what is then wrong, with
// the place counted by hand.
var badManifests = []struct {
	name, old, new string
	want           []string // substrings of the problems, in order
}{
	{"unknown key", "sessions:\n", "sesions: 1\nsessions:\n",
		[]string{`series.yaml:12:1: unknown key "sesions"; expected one of born, consent, covariates, history, reference_skin, retain_until, sessions, subject, treatment, zones; did you mean "sessions"?`}},
	{"unknown key of a photo", "file: b.jpg}", "fiel: b.jpg}",
		[]string{`series.yaml:22:9: "file" is missing; expected a photo in the subject's folder`,
			`series.yaml:22:23: unknown key "fiel"; expected one of file, px_per_mm, ruler, taken, view; did you mean "file"?`}},
	{"key given twice", "born: 1988", "born: 1988\nborn: 1989",
		[]string{`series.yaml:3:1: key "born" is given twice, first in line 2; expected each key once`}},
	{"missing date", "    date: 2026-02-09\n", "", []string{`series.yaml:19:5: "date" is missing; expected a date of the calendar, as 2026-01-31`}},
	{"empty date", "date: 2026-02-09", "date:", []string{`series.yaml:20:10: date is empty; expected a date`}},
	{"impossible month", "date: 2026-02-09", "date: 2026-13-09", []string{`series.yaml:20:11: date is "2026-13-09"; expected a date of the calendar, as 2026-01-31`}},
	{"impossible day", "date: 2026-02-09", "date: 2026-02-30", []string{`series.yaml:20:11: date is "2026-02-30"`}},
	{"date without dashes", "date: 2026-02-09", "date: 20260209", []string{`series.yaml:20:11: date is 20260209`}},
	{"future date", "date: 2026-02-09", "date: 2026-11-22", []string{`series.yaml:20:11: date 2026-11-22 is in the future; expected a date up to 2026-11-21`}},
	{"date of another century", "date: 2026-02-09", "date: 0226-02-09",
		[]string{`series.yaml:20:11: date 0226-02-09 is before photography`, `series.yaml:20:11: date 0226-02-09 is before the baseline`,
			`series.yaml:20:11: date 0226-02-09 is before the year of birth 1988`}},
	{"date before the marked baseline", "date: 2026-02-09", "date: 2026-01-09",
		[]string{`series.yaml:20:11: date 2026-01-09 is before the baseline "s0" of 2026-01-10; expected a later date, or role: baseline`}},
	{"treated in the future", "treated: {date: 2026-01-10", "treated: {date: 2027-01-10", []string{`series.yaml:18:21: treated 2027-01-10 is in the future`}},
	{"taken after a later treatment", "taken: before}\n    treated: {date: 2026-01-10", "taken: after}\n    treated: {date: 2026-01-12",
		[]string{`series.yaml:17:60: taken: after, but the treatment of 2026-01-12 is later than the photo of 2026-01-10`}},
	{"taken before an earlier treatment", "treated: {date: 2026-01-10", "treated: {date: 2026-01-03",
		[]string{`series.yaml:14:11: baseline "s0" was photographed after the treatment of 2026-01-03`,
			`series.yaml:17:60: taken: before, but the treatment of 2026-01-03 is earlier than the photo of 2026-01-10`}},
	{"baseline after treatment", "taken: before", "taken: after", []string{`series.yaml:14:11: baseline "s0" was photographed after the treatment of 2026-01-10; expected a baseline before any treatment`}},
	{"before and after in one session", "file: c.jpg}", "file: c.jpg, taken: after}",
		[]string{`series.yaml:23:9: session "s1" has photos of view "front" from before and from after the treatment; expected a session of its own`}},
	{"unknown value of taken", "taken: before", "taken: befor", []string{`series.yaml:17:60: unknown value of taken "befor"; expected before or after (the treatment of that day); did you mean "before"?`}},
	{"duplicate session", "id: s1", "id: s0", []string{`series.yaml:19:9: session "s0" is already in line 13`}},
	{"session differing by case", "id: s1", "id: S0", []string{`series.yaml:19:9: session "S0" is already in line 13`}},
	{"same file twice", "file: c.jpg", "file: b.jpg", []string{`series.yaml:23:29: file "b.jpg" is already in line 22; expected each photo once`}},
	{"same file by case", "file: c.jpg", "file: B.JPG", []string{`series.yaml:23:29: file "B.JPG" is already in line 22`}},
	{"same file by path", "file: c.jpg", "file: ./b.jpg", []string{`series.yaml:23:29: file "./b.jpg" is already in line 22`}},
	{"file above the folder", "file: c.jpg", "file: ../c.jpg", []string{`series.yaml:23:29: file "../c.jpg" leaves the manifest's folder`}},
	{"absolute file", "file: c.jpg", "file: /etc/passwd", []string{`series.yaml:23:29: file "/etc/passwd" is an absolute path`}},
	{"backslash", "file: c.jpg", `file: a\c.jpg`, []string{`series.yaml:23:29: file "a\\c.jpg" holds a backslash`}},
	{"unknown view spelling", "view: front, file: c.jpg", "view: Front, file: c.jpg", []string{`series.yaml:23:16: view "Front" and view "front" differ by case alone`}},
	{"view with a slash", "view: front, file: c.jpg", "view: a/b, file: c.jpg", []string{`series.yaml:23:16: view "a/b" holds one of`}},
	{"unknown zone in treatment", "zones: [cheek_left]", "zones: [chek_left]",
		[]string{`series.yaml:8:46: unknown zone "chek_left"; expected one of forehead, nose, cheek_left`}},
	{"unknown zone in depth", "depth_mm: {cheek_left: 1.5}", "depth_mm: {cheeks: 1.5}", []string{`series.yaml:18:57: unknown zone "cheeks"; expected one of cheek_left`}},
	{"zone suggestion", "zones: [cheek_left]", "zones: [cheek-left]", []string{`did you mean "cheek_left"?`}},
	{"negative depth", "cheek_left: 1.5", "cheek_left: -1", []string{`series.yaml:18:69: cheek_left is -1; expected a needle length in mm, above 0 and up to 20`}},
	{"passes", "passes: 4", "passes: 4.5", []string{`series.yaml:18:83: passes is 4.5; expected a whole number from 1 to 50`}},
	{"unknown scope", "[clinical, research]", "[clinical, reserch]",
		[]string{`series.yaml:4:23: unknown scope "reserch"; expected one of clinical, research, deidentified_report, identifiable_report, marketing, teaching; did you mean "research"?`}},
	{"no scope", "[clinical, research]", "[]", []string{`series.yaml:4:12: scope has 0 entries; expected a list of one or more scopes`}},
	{"expires before signed", "expires: 2029-01-05", "expires: 2025-01-05", []string{`series.yaml:6:14: expires 2025-01-05 is before signed 2026-01-05`}},
	{"signed in the future", "signed: 2026-01-05", "signed: 2026-12-05", []string{`series.yaml:5:13: signed 2026-12-05 is in the future`}},
	{"scale too small", "px_per_mm: 14.2", "px_per_mm: 0.1", []string{`series.yaml:17:47: px_per_mm is 0.1; expected pixels per millimetre at the face, 0.5 to 200`}},
	{"scale too large", "px_per_mm: 14.2", "px_per_mm: 1420", []string{`series.yaml:17:47: px_per_mm is 1420`}},
	{"scale no number", "px_per_mm: 14.2", "px_per_mm: .nan", []string{`series.yaml:17:47: px_per_mm is ".nan"`}},
	{"scale with a comma", "px_per_mm: 14.2", "px_per_mm: 14,2", []string{`series.yaml:17:50: unknown key "2"`}},
	{"scale against ruler", "px_per_mm: 14.2", "px_per_mm: 14.2, ruler: {from: [0, 0], to: [100, 0], mm: 10}",
		[]string{`series.yaml:17:47: px_per_mm 14.2 contradicts the ruler, which gives 10`}},
	{"ruler of no length", "px_per_mm: 14.2", "ruler: {from: [5, 5], to: [5, 5], mm: 10}", []string{`series.yaml:17:43: ruler gives 0 px/mm; expected 0.5 to 200 px/mm`}},
	{"two points", "[[10, 10], [60, 10], [60, 60]]", "[[10, 10], [60, 10]]", []string{`series.yaml:9:25: front has 2 entries; expected 3 to 1000 points, as [[x, y], [x, y], [x, y]]`}},
	{"a point of three", "[60, 10]", "[60, 10, 1]", []string{`series.yaml:9:36: entry 2 of front has 3 entries; expected a point in pixels, as [120, 80]`}},
	{"negative pixel", "[60, 10]", "[-60, 10]", []string{`series.yaml:9:37: entry 1 of entry 2 of front is -60; expected a pixel coordinate from -0.5 to 100000`}},
	{"pixel no number", "[60, 10]", "[x, 10]", []string{`series.yaml:9:37: entry 1 of entry 2 of front is "x"`}},
	{"bow tie", "[[10, 10], [60, 10], [60, 60]]", "[[10, 10], [60, 60], [60, 10], [10, 60]]",
		[]string{`series.yaml:9:25: polygon front of reference_skin crosses itself: the sides from (10, 10) and (60, 10); expected an outline that does not cross itself`}},
	{"a line", "[[10, 10], [60, 10], [60, 60]]", "[[10, 10], [30, 30], [60, 60]]", []string{`series.yaml:9:25: polygon front of reference_skin`}},
	{"one point thrice", "[[10, 10], [60, 10], [60, 60]]", "[[10, 10], [10, 10], [10, 10]]", []string{`series.yaml:9:25: polygon front of reference_skin has 1 different points`}},
	{"polygons for no photo", "{front: [[10", "{frnt: [[10", []string{`series.yaml:9:18: reference_skin for view "frnt", of which there is no photo; expected a view of the photos below; did you mean "front"?`}},
	{"no sessions", good[strings.Index(good, "sessions:"):], "", []string{`series.yaml:1:1: "sessions" is missing`}},
	{"sessions no list", good[strings.Index(good, "sessions:"):], "sessions: 3\n", []string{`series.yaml:12:11: sessions is 3; expected a list of one or more sessions`}},
	{"empty session", "    photos:\n      - {view: front, file: b.jpg}\n      - {view: front, file: c.jpg}\n", "",
		[]string{`series.yaml:19:5: session "s1" has neither photos nor a treatment`}},
	{"baseline without photos", "    photos:\n      - {view: front, file: a.jpg, px_per_mm: 14.2, taken: before}\n", "",
		[]string{`series.yaml:14:11: baseline "s0" has no photos`}},
	{"unknown role", "role: baseline", "role: base", []string{`series.yaml:14:11: unknown role "base"; expected baseline, or no role`}},
	{"born in the future", "born: 1988", "born: 2027", []string{`series.yaml:2:7: born 2027 is in the future`}},
	{"born after the photos", "born: 1988", "born: 2026-01", []string{`series.yaml:2:7: born is "2026-01"; expected a year of birth`}},
	{"id above the folder", "subject: P001", "subject: ..", []string{`series.yaml:1:10: subject ".." does not start with a letter or a digit`}},
	{"id with a slash", "subject: P001", "subject: a/b", []string{`series.yaml:1:10: subject "a/b" holds one of`}},
	{"id of a device", "subject: P001", "subject: CON", []string{`series.yaml:1:10: subject "CON" is reserved by Windows`}},
	{"id of an output file", "subject: P001", "subject: trends.csv", []string{`series.yaml:1:10: subject "trends.csv" looks like one of the output files`}},
	{"id as a formula", "subject: P001", "subject: =1+1", []string{`series.yaml:1:10: subject "=1+1" does not start with`}},
	{"id too long", "subject: P001", "subject: " + strings.Repeat("é", 51), []string{`is longer than 100 bytes`}},
	{"document elsewhere", "    expires: 2029-01-05", "    document: ../c.pdf", []string{`series.yaml:6:15: document "../c.pdf" leaves the manifest's folder`}},
	{"alias", "born: 1988", "born: &b 1988", []string{`series.yaml:2:7: anchors and aliases (&, *, <<) are not supported`}},
	{"not YAML", "born: 1988", "born: [1988", []string{`series.yaml:3:1: not valid YAML: `}},
	{"a tab", "born: 1988", "\tborn: 1988", []string{`series.yaml:`}},
	{"two documents", "sessions:", "---\nsessions:", []string{`series.yaml:13:1: a second document begins; expected one document`}},
	{"empty file", good, "", []string{`series.yaml:1:1: the file is empty`}},
	{"a list", good, "- a\n- b\n", []string{`series.yaml:1:1: the file is a list; expected a subject's manifest`}},
	{"a word", good, "hello\n", []string{`series.yaml:1:1: the file is "hello"`}},
	{"not UTF-8", "born: 1988", "born: \xff", []string{`series.yaml:2:7: the file is not UTF-8 text`}},
	{"deep brackets", "born: 1988", "born: " + strings.Repeat("[", 100000), []string{`series.yaml:2:23: brackets are nested too deep`}},
	{"endless keys", good, strings.Repeat("a:\n ", 200000), []string{`series.yaml:25001:2: the file holds more than 50000 words and signs`}},
	{"deep lists", "born: 1988", "born:\n  " + strings.Repeat("- ", 100000), []string{`series.yaml:3:19: lists are nested too deep`}},
}

func TestGoodManifest(t *testing.T) {
	m, problems := readSeries("series.yaml", []byte(good), today, nil)
	if len(problems) > 0 || len(m.notes) > 0 {
		t.Fatalf("problems %v, notes %q; want none", problems, m.notes)
	}
	s := m.subject
	if s.ID != "P001" || s.Born != 1988 || s.Covariates["smoker"] != "no" || len(s.Sessions) != 2 {
		t.Errorf("subject: %+v", s)
	}
	if got := s.Sessions[0]; !got.Baseline || got.Photos[0].PxPerMM != 14.2 || got.Treated.DepthMM["cheek_left"] != 1.5 || got.Treated.Passes != 4 {
		t.Errorf("session: %+v", got)
	}
}

func TestBadManifests(t *testing.T) {
	for _, c := range badManifests {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(good, c.old) {
				t.Fatalf("%q is not in the good manifest", c.old)
			}
			_, problems := readSeries("series.yaml", []byte(strings.Replace(good, c.old, c.new, 1)), today, nil)
			if len(problems) != len(c.want) {
				t.Fatalf("%d problems, want %d:\n%v", len(problems), len(c.want), problems)
			}
			for i, want := range c.want {
				if got := problems[i].String(); !strings.Contains(got, want) {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
		})
	}
}

// All problems come in one pass, in the order of the file.
func TestAllAtOnce(t *testing.T) {
	text := strings.NewReplacer("born: 1988", "borm: 1988", "research]", "reserch]", "2026-02-09", "2026-02-31",
		"file: c.jpg", "file: ../c.jpg", "id: s1", "id: s0").Replace(good)
	_, problems := readSeries("series.yaml", []byte(text), today, nil)
	var places []string
	for _, p := range problems {
		places = append(places, strings.Join(strings.SplitN(p.String(), ":", 4)[1:3], ":"))
	}
	if got, want := strings.Join(places, " "), "2:1 4:23 19:9 20:11 23:29"; got != want {
		t.Errorf("places %s, want %s\n%v", got, want, problems)
	}
}

// A form that is not filled in is no error where the key is optional.
func TestEmptyOptionalKeys(t *testing.T) {
	text := strings.NewReplacer("expires: 2029-01-05", "expires:", "retain_until: 2036-01-05", "retain_until:",
		"role: baseline", "role:", "history: [none]", "history:").Replace(good)
	if _, problems := readSeries("series.yaml", []byte(text), today, nil); len(problems) > 0 {
		t.Error(problems)
	}
}

// Editors on Windows write a byte order mark and CRLF; places stay the same.
func TestWindowsText(t *testing.T) {
	text := "\ufeff" + strings.ReplaceAll(good, "\n", "\r\n")
	if _, problems := readSeries("series.yaml", []byte(text), today, nil); len(problems) > 0 {
		t.Fatal(problems)
	}
	_, problems := readSeries("series.yaml", []byte(strings.Replace(text, "id: s1", "id: s0", 1)), today, nil)
	if len(problems) != 1 || problems[0].Line != 19 || problems[0].Column != 9 {
		t.Errorf("got %v, want one problem at 19:9", problems)
	}
}

func TestScalarsStayAsWritten(t *testing.T) {
	text := strings.NewReplacer("P001", "007", "arm: A", "arm: 1e3").Replace(good)
	m, problems := readSeries("series.yaml", []byte(text), today, nil)
	if len(problems) > 0 || m.subject.ID != "007" || m.subject.Covariates["arm"] != "1e3" {
		t.Errorf("got %q, %q, %v; want 007 and 1e3", m.subject.ID, m.subject.Covariates["arm"], problems)
	}
}
