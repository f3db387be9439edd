package pipeline

import (
	"image"
	"image/draw"
	_ "image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline/card"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// sheetPhoto is a capture sheet as a camera sees it that is held over it; without an id
// a blank page.
func sheetPhoto(t *testing.T, id string) *fixtures.Photo {
	t.Helper()
	p := &fixtures.Photo{W: 1000, H: 700, RGB: make([]byte, 3*1000*700)}
	for k := range p.RGB {
		p.RGB[k] = 180
	}
	if id == "" {
		return p
	}
	tool, err := exec.LookPath("pdftoppm")
	if err != nil {
		t.Skip("pdftoppm is not installed (package poppler-utils)")
	}
	data, err := card.CaptureSheet([]string{id})
	check(t, err)
	base := filepath.Join(t.TempDir(), "sheet")
	check(t, os.WriteFile(base+".pdf", data, 0o600))
	check(t, exec.Command(tool, "-r", "120", "-png", "-singlefile", base+".pdf", base).Run())
	f, err := os.Open(base + ".png")
	check(t, err)
	defer f.Close()
	m, _, err := image.Decode(f)
	check(t, err)
	rgba := image.NewRGBA(image.Rect(0, 0, p.W, p.H))
	draw.Draw(rgba, rgba.Bounds(), m, image.Pt(-5, 60), draw.Src)
	for k := range p.W * p.H {
		copy(p.RGB[3*k:3*k+3], rgba.Pix[4*k:4*k+3])
	}
	return p
}

// A camera's folder is sorted by the sheets in the photos: those without one follow the
// sheet of the same sitting, and nothing that is doubtful is assigned. Nothing is lost,
// and a second time changes nothing.
func TestSortCamera(t *testing.T) {
	camera, root := t.TempDir(), filepath.Join(t.TempDir(), "study")
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 3, day, hour, minute, 0, 0, time.UTC) }
	shoot := func(name, id string, taken time.Time, mark byte) {
		p := sheetPhoto(t, id)
		p.RGB[0] = mark // each photo its own bytes
		data, err := p.JPEG(taken)
		check(t, err)
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(camera, name)), 0o700))
		check(t, os.WriteFile(filepath.Join(camera, name), data, 0o600))
	}
	shoot("100/IMG_3.jpg", "P001", at(2, 9, 0), 1)
	shoot("100/IMG_4.jpg", "", at(2, 9, 3), 2)
	shoot("100/IMG_1.jpg", "P002", at(2, 9, 20), 3) // numbered again by another card
	shoot("101/IMG_2.jpg", "", at(2, 9, 29), 4)
	shoot("101/IMG_5.jpg", "", at(2, 9, 40), 5)
	shoot("101/IMG_6.jpg", "P001", at(30, 9, 0), 6)
	shoot("101/nodate.jpg", "P001", time.Time{}, 7)
	check(t, os.WriteFile(filepath.Join(camera, "index.dat"), []byte("no photo"), 0o600))

	got := func(dry bool) map[string]Sorted {
		list, err := SortCamera(t.Context(), camera, root, dry)
		check(t, err)
		if len(list) != 8 {
			t.Fatalf("%d files are told of, of 8", len(list))
		}
		out := map[string]Sorted{}
		for _, s := range list {
			out[filepath.Base(s.From)] = s
		}
		return out
	}
	if dry := got(true); dry["IMG_3.jpg"].Subject != "P001" {
		t.Errorf("dry run: %+v", dry["IMG_3.jpg"])
	}
	if _, err := os.Stat(root); err == nil {
		t.Error("a dry run writes")
	}
	first := got(false)
	for name, want := range map[string]string{
		"IMG_3.jpg": "P001/2026-03-02-IMG_3.jpg", "IMG_4.jpg": "P001/2026-03-02-IMG_4.jpg",
		"IMG_1.jpg": "P002/2026-03-02-IMG_1.jpg", "IMG_2.jpg": "P002/2026-03-02-IMG_2.jpg", "IMG_6.jpg": "P001/2026-03-30-IMG_6.jpg",
	} {
		s := first[name]
		if rel, _ := filepath.Rel(root, s.To); rel != want || s.Reason != "" {
			t.Errorf("%s: %+v, want %s", name, s, want)
		}
		a, errA := os.ReadFile(s.From)
		b, errB := os.ReadFile(s.To)
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Errorf("%s is not copied as it is: %v, %v", name, errA, errB)
		}
	}
	for name, why := range map[string]string{"IMG_5.jpg": "no capture sheet", "nodate.jpg": "no date", "index.dat": ""} {
		if s := first[name]; s.Reason == "" || !strings.Contains(s.Reason, why) || s.Subject != "" {
			t.Errorf("%s: %+v, want left out: %s", name, s, why)
		}
	}
	check(t, os.WriteFile(first["IMG_6.jpg"].To, []byte("another photo"), 0o600))
	second := got(false)
	if !second["IMG_3.jpg"].There || second["IMG_6.jpg"].Reason == "" {
		t.Errorf("again: %+v, %+v", second["IMG_3.jpg"], second["IMG_6.jpg"])
	}
	if data, _ := os.ReadFile(first["IMG_6.jpg"].To); string(data) != "another photo" {
		t.Error("a photo of the study is overwritten")
	}
	if _, err := SortCamera(t.Context(), camera, filepath.Join(camera, "study"), true); err == nil {
		t.Error("a study inside the camera's folder is sorted into itself")
	}
}

// A photo with another person's sheet, or of another day than the manifest says, is
// refused with the reason; with the right sheet, or none, it is not.
func TestSheetAgainstManifest(t *testing.T) {
	p := sheetPhoto(t, "P002")
	day := study.NewDate(2026, 3, 2)
	try := func(rgb cv.RGB, subject string, session study.Date, taken time.Time) error {
		s := &shot{rgb: rgb, taken: taken, session: &study.SeriesSession{Session: &study.Session{ID: "s0", Date: session}}}
		r := &seriesRun{series: study.Series{Subject: &study.Subject{ID: subject}}}
		check(t, s.findMarker(r))
		return s.checkSheet(r)
	}
	rgb := cv.RGB{W: p.W, H: p.H, Pix: p.RGB}
	taken := time.Date(2026, 3, 2, 16, 0, 0, 0, time.UTC)
	if err := try(rgb, "P002", day, taken); err != nil {
		t.Errorf("the right person on the right day: %v", err)
	}
	if err := try(rgb, "P002", day, time.Time{}); err != nil {
		t.Errorf("no date in the photo: %v", err)
	}
	if err := try(rgb, "P001", day, taken); err == nil || !strings.Contains(err.Error(), `subject "P002"`) {
		t.Errorf("another person's sheet: %v", err)
	}
	if err := try(rgb, "P002", study.NewDate(2026, 3, 12), taken); err == nil || !strings.Contains(err.Error(), "2026-03-12") {
		t.Errorf("another day: %v", err)
	}
	blank := sheetPhoto(t, "")
	if err := try(cv.RGB{W: blank.W, H: blank.H, Pix: blank.RGB}, "P001", study.NewDate(2026, 3, 12), taken); err != nil {
		t.Errorf("no sheet: %v", err)
	}
}

// A study's folders are assigned by the sheets in their photos, whatever they are named;
// photos of two persons in one folder, one person in two folders, and a date that the
// file name contradicts are told.
func TestInitBySheets(t *testing.T) {
	root := t.TempDir()
	shoot := func(name, id string, taken time.Time) {
		data, err := sheetPhoto(t, id).JPEG(taken)
		check(t, err)
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700))
		check(t, os.WriteFile(filepath.Join(root, name), data, 0o600))
	}
	at := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 9, 0, 0, 0, time.UTC) }
	shoot("100CANON/IMG_1.jpg", "P001", at(3, 2))
	shoot("100CANON/IMG_2.jpg", "", at(3, 2))
	shoot("100CANON/2026-04-20-front.jpg", "P001", at(4, 2)) // renamed wrongly
	shoot("mixed/a.jpg", "P003", at(3, 2))
	shoot("mixed/b.jpg", "P004", at(3, 2))
	shoot("P009/a.jpg", "P005", at(3, 2))
	shoot("P010/a.jpg", "P005", at(4, 2))

	files, err := study.Init(root, false, study.Options{SheetCode: SheetCode})
	problems, ok := err.(study.Problems)
	if !ok || len(problems) != 2 {
		t.Fatalf("problems: %v; want one of two persons in a folder and one of two folders of a person", err)
	}
	told := problems[0].Message + "\n" + problems[1].Message
	for _, want := range []string{`"P003" and "P004"`, `"P005"`, "P009"} {
		if !strings.Contains(told, want) {
			t.Errorf("not told: %s in\n%s", want, told)
		}
	}
	written := map[string]study.InitFile{}
	for _, f := range files {
		written[filepath.Base(filepath.Dir(f.Path))] = f
	}
	if _, ok := written["mixed"]; ok {
		t.Error("a folder of two persons is given to one")
	}
	f := written["100CANON"]
	notes := strings.Join(f.Notes, "\n")
	if !strings.Contains(f.Content, "\nsubject: P001\n") || !strings.Contains(notes, "100CANON") || !strings.Contains(notes, "2026-04-20") {
		t.Errorf("manifest\n%s\nnotes\n%s", f.Content, notes)
	}
	st, err := study.Load(filepath.Join(root, "100CANON"), study.Options{})
	check(t, err)
	if s := st.Subjects[0]; s.ID != "P001" || len(s.Sessions) != 2 || len(s.Sessions[0].Photos) != 2 || s.Sessions[1].Date != study.NewDate(2026, 4, 2) {
		t.Errorf("the study that was written: %+v", s)
	}
}
