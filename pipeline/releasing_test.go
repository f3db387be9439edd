package pipeline

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/report"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

func date(t *testing.T, day string) study.Date {
	t.Helper()
	d, err := study.ParseDate(day)
	check(t, err)
	return d
}

// Where the left cheek is measured in the pictures of handOutStudy.
var cheek = image.Rect(70, 60, 110, 110)

// handOutStudy is a study of persons with the given consents and its results: photos
// of day 0, 92 and 152, of which the last is not comparable.
func handOutStudy(t *testing.T, consents ...[]study.Consent) (st *study.Study, out string) {
	t.Helper()
	st, out = &study.Study{Root: t.TempDir(), Name: "cheeks"}, t.TempDir()
	record, err := createRecord(filepath.Join(out, runFile), runRecord{Format: 1, Version: "1.0", Study: st.Name})
	check(t, err)
	for i, c := range consents {
		id := fmt.Sprintf("P%02d", i)
		person := study.Subject{ID: id, Consent: c}
		v := result.Series{Subject: id, View: "front", PictureMMPerPx: 0.2, Scale: "iris", PxPerMM: 14}
		for k, day := range []int{0, 92, 152} {
			since := 62
			x := result.Visit{Session: fmt.Sprintf("s%d", k), Date: date(t, "2026-01-10").AddDate(0, 0, day).Format("2006-01-02"), Day: day, Baseline: k == 0, Comparable: k < 2,
				Photo: fmt.Sprintf("Jane-Roe-%d.jpg", k)}
			if k > 0 {
				x.DaysSinceTreatment = &since
			}
			if k == 2 {
				x.Reason = "Jane Roe moved"
			}
			name := fmt.Sprintf("front-%02d-%s", k+1, x.Session)
			x.Pictures = map[string]string{"aligned": "aligned/" + name + ".jpg"}
			v.Visits = append(v.Visits, x)
			v.Comparability = append(v.Comparability,
				result.Check{Session: x.Session, Photo: x.Photo, Check: "yaw", Value: 1, Limit: 3, Unit: "deg", Affects: "texture", Status: result.OK},
				result.Check{Session: x.Session, Photo: x.Photo, Check: "resolution_pore_size", Value: 14, Limit: 20, Unit: "px/mm", Affects: "pores", Status: result.Refused},
				result.Check{Session: x.Session, Photo: x.Photo, Check: "expression_nose", Value: 9, Limit: 3, Unit: "percent", Affects: "texture", Status: result.Refused})
			person.Sessions = append(person.Sessions, study.Session{ID: x.Session, Date: date(t, x.Date), Baseline: k == 0, Photos: []study.Photo{{View: "front", File: x.Photo}}})
			drawHandOut(t, filepath.Join(out, id), name, uint64(10*i+k))
		}
		none := result.None()
		for _, zone := range []string{"cheek_left", "cheek_right"} {
			v.Trends = append(v.Trends, result.Trend{Subject: id, View: "front", Zone: zone, Metric: "roughness_mid", Unit: "ODx1000", Sessions: 2, Baseline: 20, Latest: 12, Change: -8, ChangePct: -40,
				SDC: 3, Limit: 4, SlopePer30d: none, SlopeLow: none, SlopeHigh: none, Role: "primary", Qualifier: "photo_error_only", Verdict: result.Improved, Reason: "Jane Roe", LatestSession: "s1"})
		}
		s := result.Subject{ID: id, Study: "cheeks", Clinic: "Clinic at the Lake", Version: "1.0", Notes: []string{"Jane Roe"}, Series: []result.Series{v},
			Treatments: []result.Treatment{{Session: "s0", Date: "2026-01-10"}, {Date: "2026-02-09"}, {Session: "s1", Date: "2026-04-12"}}}
		check(t, result.SaveSubject(filepath.Join(out, id), s))
		st.Subjects = append(st.Subjects, person)
		check(t, record.add(s, filepath.Join(out, id)))
	}
	check(t, record.close())
	return st, out
}

// drawHandOut writes a picture and its mask.
func drawHandOut(t *testing.T, dir, name string, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	photo := image.NewRGBA(image.Rect(0, 0, 130, 175))
	for i := range photo.Pix {
		photo.Pix[i] = uint8(100 + rng.IntN(90))
	}
	mask := image.NewPaletted(photo.Rect, make(color.Palette, len(study.ZoneNames)+1))
	for i := range mask.Palette {
		mask.Palette[i] = color.Gray{uint8(i)}
	}
	for y := cheek.Min.Y; y < cheek.Max.Y; y++ {
		for x := cheek.Min.X; x < cheek.Max.X; x++ {
			mask.SetColorIndex(x, y, uint8(slices.Index(study.ZoneNames, "cheek_left")+1))
		}
	}
	var jpg bytes.Buffer
	check(t, jpeg.Encode(&jpg, photo, nil))
	data, err := encodePNG(mask)
	check(t, err, os.MkdirAll(filepath.Join(dir, "aligned"), 0o700), os.MkdirAll(filepath.Join(dir, "masks"), 0o700),
		os.WriteFile(filepath.Join(dir, "aligned", name+".jpg"), jpg.Bytes(), 0o600), os.WriteFile(filepath.Join(dir, "masks", name+".png"), data, 0o600))
}

// signed is consent for scopes from the day of the baseline on.
func signed(t *testing.T, scopes ...string) []study.Consent {
	return []study.Consent{{Scope: scopes, Signed: date(t, "2026-01-10")}}
}

// handOutOptions ask for the left cheek, complete for every audience.
func handOutOptions(t *testing.T, st *study.Study, dir string) HandOutOptions {
	return HandOutOptions{Dir: dir, Study: st, By: "Kim", Version: "1.0", Request: consent.Request{Audience: consent.ForPublication, Level: consent.LevelZone, Zone: "cheek_left",
		On: date(t, "2026-06-01"), NoMarks: "Kim", ReviewedBy: "Dr. Roe", ReviewedOn: date(t, "2026-05-30")}}
}

// editResult changes a person's results.
func editResult(t *testing.T, out, id string, edit func(*result.Subject)) {
	t.Helper()
	s, err := result.LoadSubject(filepath.Join(out, id))
	check(t, err)
	edit(&s)
	check(t, os.Remove(filepath.Join(out, id, result.SubjectFile)), result.SaveSubject(filepath.Join(out, id), s))
}

// inLedger fails where a file under dir is not in the ledger as it is.
func inLedger(t *testing.T, root, dir string) {
	t.Helper()
	l, err := consent.Existing(root)
	check(t, err)
	known := map[consent.Artefact]bool{}
	if l != nil {
		defer l.Close()
		entries, err := l.Entries(t.Context())
		check(t, err)
		for _, e := range entries {
			for _, a := range e.Artefacts {
				known[a] = true
			}
		}
	}
	for name, data := range folder(t, dir) {
		sum := sha256.Sum256([]byte(data))
		if !known[consent.Artefact{Path: filepath.Join(dir, name), SHA256: hex.EncodeToString(sum[:])}] {
			t.Errorf("%s is not in the ledger", name)
		}
	}
}

func TestHandOut(t *testing.T) {
	st, out := handOutStudy(t, signed(t, "deidentified_report"), signed(t, "research", "clinical"), signed(t, "deidentified_report", "marketing"))
	before := folder(t, out)
	o := handOutOptions(t, st, filepath.Join(t.TempDir(), "shared", "one"))
	sum, err := HandOut(t.Context(), out, o)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Persons != 2 || len(sum.Excluded) != 1 || sum.Excluded[0] != (Excluded{"P01", "no consent for deidentified_report is recorded"}) {
		t.Errorf("%+v", sum)
	}
	files := folder(t, o.Dir)
	if len(files) != 6 {
		t.Errorf("%v", slices.Sorted(maps.Keys(files)))
	}
	l, err := consent.Existing(st.Root)
	check(t, err)
	defer l.Close()
	entries, err := l.Verify(t.Context(), sum.Head)
	if err != nil || len(entries) != 2 || entries[0].Scope != "deidentified_report" || !strings.Contains(entries[0].Note, "confirmed by Kim") || entries[0].By != "Kim" || len(entries[0].Artefacts) != 3 {
		t.Errorf("%+v, %v", entries, err)
	}
	inLedger(t, st.Root, o.Dir)
	check(t, filepath.WalkDir(o.Dir, func(name string, e os.DirEntry, err error) error {
		info, _ := e.Info()
		if want := map[bool]os.FileMode{true: 0o700, false: 0o600}[e.IsDir()]; info.Mode().Perm() != want {
			t.Errorf("%s: mode %v", name, info.Mode().Perm())
		}
		return err
	}))
	for name, data := range files {
		for _, secret := range []string{"P00", "P02", "Jane", "Roe", "2026", "cheeks", "Lake", "http:", "https:"} {
			if strings.Contains(name, secret) || strings.Contains(data, secret) {
				t.Errorf("%s tells %q", name, secret)
			}
		}
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		for _, want := range []string{"92 days", "62 days after the last treatment", "Improved", "photo error only", "−8.00", "day\u00a0152", "All 1 checks", "<dd>2</dd>"} {
			if !strings.Contains(data, want) {
				if want == "All 1 checks" && strings.Contains(data, "1 of 2 checks") {
					continue // the pixels per millimetre are told as a caution
				}
				t.Errorf("%s does not tell %q", name, want)
			}
		}
		if strings.Contains(data, "right cheek") || strings.Contains(data, "<script") {
			t.Errorf("%s tells of another zone, or has a script", name)
		}
		// The pictures in the page are those beside it.
		for _, m := range regexp.MustCompile(`data:image/png;base64,([A-Za-z0-9+/=]+)`).FindAllStringSubmatch(data, -1) {
			b, err := base64.StdEncoding.DecodeString(m[1])
			if err != nil || !slices.Contains(slices.Collect(maps.Values(files)), string(b)) {
				t.Errorf("%s: a picture that is not beside it: %v", name, err)
			}
		}
	}

	// Again, with the key: the same bytes.
	again, err := HandOut(t.Context(), out, o)
	if err != nil || !maps.Equal(folder(t, o.Dir), files) || again.Head == sum.Head {
		t.Errorf("the second time differs: %v", err)
	}
	// Who is not covered any more goes.
	st.Subjects[2].Consent = nil
	if sum, err = HandOut(t.Context(), out, o); err != nil || sum.Persons != 1 || len(folder(t, o.Dir)) != 3 {
		t.Errorf("%+v, %v, %d files", sum, err, len(folder(t, o.Dir)))
	}
	// A withdrawal takes the person's folder and blocks the next.
	if _, err := consent.Withdraw(t.Context(), st, "P00", "deidentified_report", date(t, "2026-06-02"), "", o.Dir); err != nil {
		t.Fatal(err)
	}
	if left := folder(t, o.Dir); len(left) != 0 {
		t.Errorf("left: %v", slices.Sorted(maps.Keys(left)))
	}
	// Of the day before, too.
	if sum, err = HandOut(t.Context(), out, o); !errors.Is(err, ErrUsage) || sum.Excluded[0].Reason != "consent for deidentified_report was withdrawn on 2026-06-02" {
		t.Errorf("%+v, %v", sum, err)
	}
	if after := folder(t, out); !maps.Equal(after, before) {
		t.Error("the results were changed")
	}
}

// What cannot be compared is not shown, and neither is what was taken out of the
// study, replaced by a link, or broken.
func TestHandOutRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		results func(*result.Subject)
		study   func(*study.Subject)
		files   func(dir string) error
		options func(*HandOutOptions)
		want    string
	}{
		"not comparable": {results: func(s *result.Subject) { s.Series[0].Visits[1].Comparable = false }, want: "day 152: not comparable: Jane Roe moved; day 92: not comparable: no reason"},
		"check refused":  {results: func(s *result.Subject) { s.Series[0].Comparability[3].Status = result.Refused }, want: "day 92: not comparable: the check yaw"},
		"zone refused":   {results: func(s *result.Subject) { s.Series[0].Comparability[5].Check = "stretch_cheek_left" }, want: "the check stretch_cheek_left"},
		"bad baseline":   {results: func(s *result.Subject) { s.Series[0].Comparability[0].Status = result.Refused }, want: "baseline: not comparable: the check yaw"},
		"baseline only":  {results: func(s *result.Subject) { s.Series[0].Visits = s.Series[0].Visits[:1] }, want: "no session after the baseline"},
		"no results":     {results: func(s *result.Subject) { s.Series = nil }, want: "there are no results"},
		"zone not measured": {options: func(o *HandOutOptions) { o.Zone = "chin" },
			results: func(s *result.Subject) { s.Series[0].Visits = s.Series[0].Visits[:2] }, want: "hardly any skin of the zone"},
		"photo gone": {study: func(s *study.Subject) { s.Sessions[1].Photos[0].File = "other.jpg" }, want: "day 92: the photo is not in the study any more"},
		"marketing, day 89": {options: func(o *HandOutOptions) { o.Audience = consent.ForMarketing },
			results: func(s *result.Subject) { s.Series[0].Visits[1].Day = 89 }, want: "nothing before day 90; the latest session that can be compared is of day 89"},
		"marketing, review of old": {options: func(o *HandOutOptions) {
			o.Audience, o.ReviewedOn = consent.ForMarketing, study.Date{Time: o.ReviewedOn.AddDate(0, 0, -60)}
		}, want: "the review of 2026-03-31 is older than the photo of 2026-04-12"},
		"eyes in a profile": {options: func(o *HandOutOptions) { o.Level = consent.LevelCoveredEyes },
			results: func(s *result.Subject) { s.Series[0].View = "left90" }, study: func(s *study.Subject) {
				for i := range s.Sessions {
					s.Sessions[i].Photos[0].View = "left90"
				}
			}, want: "known in the front view only"},
		"outside": {results: func(s *result.Subject) { s.Series[0].Visits[1].Pictures["aligned"] = "../P00/aligned/front-02-s1.jpg" }, want: "a picture cannot be shown"},
		"link": {files: func(dir string) error {
			name := filepath.Join(dir, "aligned", "front-02-s1.jpg")
			return errors.Join(os.Rename(name, filepath.Join(dir, "..", "x.jpg")), os.Symlink(filepath.Join(dir, "..", "x.jpg"), name))
		}, want: "a picture cannot be shown"},
		"no picture": {files: func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "aligned", "front-02-s1.jpg"), []byte("<svg/>"), 0o600)
		}, want: "a picture cannot be shown: it is no JPEG"},
		"broken mask": {files: func(dir string) error {
			name := filepath.Join(dir, "masks", "front-02-s1.png")
			data, err := os.ReadFile(name)
			return errors.Join(err, os.WriteFile(name, data[:len(data)/2], 0o600))
		}, want: "a picture cannot be shown"},
	} {
		t.Run(name, func(t *testing.T) {
			st, out := handOutStudy(t, signed(t, consent.Scopes...))
			o := handOutOptions(t, st, filepath.Join(t.TempDir(), "d"))
			if c.results != nil {
				editResult(t, out, "P00", c.results)
			}
			if c.study != nil {
				c.study(&st.Subjects[0])
			}
			if c.files != nil {
				check(t, c.files(filepath.Join(out, "P00")))
			}
			if c.options != nil {
				c.options(&o)
			}
			sum, err := HandOut(t.Context(), out, o)
			if !errors.Is(err, ErrUsage) || len(sum.Excluded) != 1 || !strings.Contains(sum.Excluded[0].Reason, c.want) {
				t.Errorf("%+v, %v", sum, err)
			}
			if _, err := os.Stat(o.Dir); err == nil {
				t.Error("a folder was written")
			}
			if _, err := os.Stat(sum.Key); err == nil {
				t.Error("a key was written")
			}
			if _, err := os.Stat(filepath.Join(st.Root, consent.LedgerFile)); err == nil {
				t.Error("the ledger was written")
			}
		})
	}
}

func TestHandOutKeepsForeignFiles(t *testing.T) {
	st, out := handOutStudy(t, signed(t, consent.Scopes...))
	o := handOutOptions(t, st, t.TempDir())
	mine := filepath.Join(o.Dir, "letter.txt")
	check(t, os.WriteFile(mine, nil, 0o600))
	if _, err := HandOut(t.Context(), out, o); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "letter.txt") {
		t.Errorf("%v", err)
	}
	o.Dir = filepath.Join(out, "d")
	if _, err := HandOut(t.Context(), out, o); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "lie in one another") {
		t.Errorf("%v", err)
	}
	o = handOutOptions(t, st, filepath.Join(t.TempDir(), "d"))
	st.Name = "noses"
	if _, err := HandOut(t.Context(), out, o); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "one study") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
}

// A patient gets their own report with consent for clinical use, of the photos that
// the study still has, with the clinic's logo if that is a picture of the study's.
func TestHandOutToPatients(t *testing.T) {
	st, out := handOutStudy(t, signed(t, "clinical"), signed(t, "marketing", "identifiable_report"))
	st.Clinic = study.Clinic{Name: "Clinic at the Lake", Logo: "logo.png"}
	logo, err := encodePNG(image.NewPaletted(image.Rect(0, 0, 40, 20), color.Palette{color.Black}))
	check(t, err, os.WriteFile(filepath.Join(st.Root, "logo.png"), logo, 0o600))
	o := handOutOptions(t, st, filepath.Join(t.TempDir(), "d"))
	o.Request = consent.Request{Audience: consent.ForPatient, On: o.On, ReviewedBy: "Dr. Roe", ReviewedOn: date(t, "2026-06-01")}
	read := func() string {
		t.Helper()
		sum, err := HandOut(t.Context(), out, o)
		if err != nil || sum.Persons != 1 || len(sum.Excluded) != 1 || sum.Excluded[0] != (Excluded{"P01", "no consent for clinical is recorded"}) {
			t.Fatalf("%+v, %v", sum, err)
		}
		inLedger(t, st.Root, o.Dir)
		files := folder(t, o.Dir)
		return strings.Join(slices.Collect(maps.Values(files)), "")
	}
	editResult(t, out, "P00", func(s *result.Subject) { s.Series[0].Visits = s.Series[0].Visits[:2] })
	whole := read()
	if !strings.Contains(whole, "Clinic at the Lake") || !strings.Contains(whole, "Dr. Roe") || strings.Contains(whole, "://") {
		t.Error("the page names no clinic and no review, or fetches something")
	}
	st.Subjects[0].Sessions[1].Photos[0].File = "other.jpg"
	if less := read(); strings.Count(less, "data:image") >= strings.Count(whole, "data:image") {
		t.Error("a photo that was taken out of the study is shown")
	}
	o.ReviewedOn = date(t, "2026-04-11")
	if sum, err := HandOut(t.Context(), out, o); !errors.Is(err, ErrUsage) || !strings.Contains(sum.Excluded[0].Reason, "older than the photo") {
		t.Errorf("%+v, %v", sum, err)
	}
	o.ReviewedOn = o.On
	check(t, os.WriteFile(filepath.Join(st.Root, "logo.svg"), []byte("<svg/>"), 0o600), os.WriteFile(filepath.Join(st.Root, "..", "outside.png"), logo, 0o600),
		os.Symlink(filepath.Join(out, "P00", "masks", "front-01-s0.png"), filepath.Join(st.Root, "link.png")))
	for _, bad := range []string{"logo.svg", "../outside.png", "link.png", "none.png"} {
		st.Clinic.Logo = bad
		if _, err := HandOut(t.Context(), out, o); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "logo") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// Names with markup, marks of direction or 10,000 characters change nothing but
// themselves.
func TestHandOutOfHostileNames(t *testing.T) {
	hostile := `</title><script>alert(1)</script>"'><img src=https://x.example/a.png>` + "\u202e\u2067\x00\n" + strings.Repeat("x", 10_000)
	st, out := handOutStudy(t, signed(t, consent.Scopes...))
	editResult(t, out, "P00", func(s *result.Subject) {
		s.Clinic, s.Study, s.Version = hostile, hostile, hostile
		v := &s.Series[0]
		v.Scale = hostile
		for i := range v.Trends {
			v.Trends[i].Reason, v.Trends[i].Qualifier = hostile, hostile
		}
		for i := range v.Comparability {
			v.Comparability[i].Unit, v.Comparability[i].Affects = hostile, hostile
		}
	})
	o := handOutOptions(t, st, filepath.Join(t.TempDir(), "d"))
	o.Audience, o.ReviewedBy, o.Version = consent.ForMarketing, hostile, hostile
	if _, err := HandOut(t.Context(), out, o); err != nil {
		t.Fatal(err)
	}
	for name, data := range folder(t, o.Dir) {
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		if strings.Contains(data, "<script") || strings.Contains(data, "<img src=h") || strings.ContainsAny(data, "\u202e\u2067\x00") || strings.Contains(data, strings.Repeat("x", 500)) {
			t.Errorf("a name became more than a name")
		}
		if strings.Count(data, "<img ") != 2 || !strings.Contains(data, "Clinic") && !strings.Contains(data, "alert(1)") {
			t.Error("the clinic's name, or a picture, is missing")
		}
	}
}

// Every language that pages have is one that hand-outs have.
func TestHandOutLanguages(t *testing.T) {
	st, out := handOutStudy(t, signed(t, consent.Scopes...))
	for _, lang := range report.Languages() {
		o := handOutOptions(t, st, filepath.Join(t.TempDir(), "d"))
		o.Language = lang
		if _, err := HandOut(t.Context(), out, o); err != nil {
			t.Errorf("%s: %v", lang, err)
		}
	}
	o := handOutOptions(t, st, filepath.Join(t.TempDir(), "d"))
	o.Language = "xx"
	if _, err := HandOut(t.Context(), out, o); !errors.Is(err, ErrUsage) {
		t.Errorf("xx: %v", err)
	}
}
