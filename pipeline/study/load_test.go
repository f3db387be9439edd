package study

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var options = Options{Today: today, Metrics: []string{"erythema_index", "roughness_mid"}, Limits: []string{"yaw_deg"}}

// write makes a folder of files; a content of "" is an empty file.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "study")
	for name, content := range files {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// jpeg is the head of a JPEG with an EXIF DateTimeOriginal ("" for none). There
// is no picture: nothing here may decode one.
func jpeg(taken string) string {
	if taken == "" {
		return "\xff\xd8\xff\xd9"
	}
	le := binary.LittleEndian
	tiff := []byte("II*\x00\x08\x00\x00\x00")
	// IFD0: one entry, ExifIFD at 26.
	tiff = le.AppendUint16(tiff, 1)
	tiff = le.AppendUint16(tiff, 0x8769)
	tiff = le.AppendUint16(tiff, 4)
	tiff = le.AppendUint32(tiff, 1)
	tiff = le.AppendUint32(tiff, 26)
	tiff = le.AppendUint32(tiff, 0)
	// ExifIFD: one entry, the text at 44.
	tiff = le.AppendUint16(tiff, 1)
	tiff = le.AppendUint16(tiff, 0x9003)
	tiff = le.AppendUint16(tiff, 2)
	tiff = le.AppendUint32(tiff, uint32(len(taken)+1))
	tiff = le.AppendUint32(tiff, 44)
	tiff = le.AppendUint32(tiff, 0)
	tiff = append(tiff, taken...)
	tiff = append(tiff, 0)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte("\xff\xd8\xff\xe1"), byte((len(segment)+2)>>8), byte(len(segment)+2))
	return string(append(out, segment...)) + "\xff\xd9"
}

// one is a manifest with one photo per given file, a month apart.
func one(subject string, files ...string) string {
	var b strings.Builder
	b.WriteString("subject: " + subject + "\nsessions:\n")
	for i, f := range files {
		d := NewDate(2026, 1, 10+i*30)
		b.WriteString("  - id: s" + string(rune('0'+i)) + "\n    date: " + d.String() + "\n    photos:\n      - {view: front, file: " + f + "}\n")
	}
	return b.String()
}

func load(t *testing.T, root string) (*Study, Problems) {
	t.Helper()
	s, err := Load(root, options)
	var ps Problems
	if err != nil && !errors.As(err, &ps) {
		t.Fatalf("error of type %T", err)
	}
	return s, ps
}

func ids(s *Study) string {
	var ids []string
	for _, p := range s.Subjects {
		ids = append(ids, p.ID)
	}
	return strings.Join(ids, " ")
}

// wantProblems compares problems, their root cut off, with substrings.
func wantProblems(t *testing.T, root string, got Problems, want ...string) {
	t.Helper()
	text := strings.ReplaceAll(got.Error(), root+string(filepath.Separator), "")
	if len(got) != len(want) {
		t.Fatalf("%d problems, want %d:\n%s", len(got), len(want), text)
	}
	if len(got) == 0 {
		return
	}
	for i, line := range strings.Split(text, "\n") {
		if !strings.Contains(line, want[i]) {
			t.Errorf("got  %s\nwant %s", line, want[i])
		}
	}
}

// A bad photo costs that photo, and stays in the series with the reason.
func TestBadPhotos(t *testing.T) {
	root := write(t, map[string]string{
		"P1/series.yaml": one("P1", "a.jpg", "fornt.jpg", "empty.jpg", "c.bmp", "folder.jpg", "d.gif"),
		"P1/a.jpg":       "x", "P1/front.jpg": "x", "P1/empty.jpg": "", "P1/c.bmp": "BM", "P1/folder.jpg/x": "x", "P1/d.gif": "x",
	})
	s, ps := load(t, root)
	wantProblems(t, root, ps,
		`P1/series.yaml:10:29: photo "fornt.jpg": the file does not exist; expected a file in P1; did you mean "front.jpg"?`,
		`P1/series.yaml:14:29: photo "empty.jpg": the file is empty; expected a photo`,
		`P1/series.yaml:18:29: photo "c.bmp": a BMP file is not supported; expected JPEG, PNG, TIFF, WebP, HEIC or DICOM; convert it`,
		`P1/series.yaml:22:29: photo "folder.jpg": this is a folder`,
		`P1/series.yaml:26:29: photo "d.gif": format .gif is not supported`)
	if len(ps.Subjects()) != 0 || ids(s) != "P1" {
		t.Fatalf("left out %v, kept %s; want only photos lost", ps.Subjects(), ids(s))
	}
	series := s.Subjects[0].Series()
	if len(series) != 1 || len(series[0].Sessions) != 6 {
		t.Fatalf("series %+v, want one of six sessions", series)
	}
	for i, p := range ps {
		if p.Photo == "" || p.Subject != "P1" || p.Session != series[0].Sessions[i+1].ID {
			t.Errorf("problem %+v is of no photo of its session", p)
		}
		if got := series[0].Sessions[i+1].Photos[0].Refused; got != p.Reason() || strings.Contains(got, "series.yaml") {
			t.Errorf("refused %q, want %q", got, p.Reason())
		}
	}
	if r := series[0].Sessions[0].Photos[0].Refused; r != "" {
		t.Errorf("good photo refused: %s", r)
	}
}

func TestBadSubjectDoesNotStopOthers(t *testing.T) {
	root := write(t, map[string]string{
		"A/series.yaml": one("A", "a.jpg"), "A/a.jpg": "x",
		"B/series.yaml": strings.Replace(one("B", "a.jpg"), "date", "dote", 1), "B/a.jpg": "x",
		"C/series.yml": one("C", "a.jpg"), "C/a.jpg": "x",
		"D/series.yaml": "subject: [", "D/a.jpg": "x",
		"E/series.yaml": one("Émile Zola", "naïve café.jpg"), "E/naïve café.jpg": "x",
	})
	s, ps := load(t, root)
	wantProblems(t, root, ps, `B/series.yaml:3:5: "date" is missing`, `B/series.yaml:4:5: unknown key "dote"`,
		`C/series.yml: this name is not read; expected series.yaml; rename it`, `D/series.yaml:1:10: not valid YAML`)
	if ps.Fatal() || ids(s) != "A Émile Zola" || strings.Join(ps.Subjects(), " ") != "B C D" {
		t.Errorf("kept %s, left out %v; want A and Émile Zola, and B C D", ids(s), ps.Subjects())
	}
}

func TestLinks(t *testing.T) {
	root := write(t, map[string]string{
		"P1/series.yaml": one("P1", "out.jpg", "a.jpg"), "P1/a.jpg": "x", "secret.txt": "x",
		"P2/series.yaml": one("P2", "a.jpg", "same.jpg"), "P2/a.jpg": "x",
	})
	for link, target := range map[string]string{"P1/out.jpg": "../secret.txt", "P2/same.jpg": "a.jpg"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Skip("no links here:", err)
		}
	}
	s, ps := load(t, root)
	wantProblems(t, root, ps, `P1/series.yaml:6:29: photo "out.jpg": the file is a link that leaves the manifest's folder`,
		`P2/series.yaml:10:29: file "same.jpg" is the same file as "a.jpg"`)
	if ids(s) != "" {
		t.Errorf("kept %s, want none", ids(s))
	}
}

func TestDuplicateSubjects(t *testing.T) {
	root := write(t, map[string]string{
		"A/series.yaml": one("X1", "a.jpg"), "A/a.jpg": "x",
		"B/series.yaml": one("x1", "a.jpg"), "B/a.jpg": "x",
		"C/series.yaml": one("Ren\u00e9", "a.jpg"), "C/a.jpg": "x",
		"D/series.yaml": one("Rene\u0301", "a.jpg"), "D/a.jpg": "x",
		"E/series.yaml": one("Q", "a.jpg"), "E/a.jpg": "x",
		"Q/2026-01-10.jpg": "x",
		"R/series.yaml":    one("R", "a.jpg"), "R/a.jpg": "x",
	})
	s, ps := load(t, root)
	wantProblems(t, root, ps, `A/series.yaml:1:10: subject "X1" differs by case or accents alone from "x1" in B/series.yaml`,
		`B/series.yaml:1:10: subject "x1"`, `C/series.yaml:1:10: subject`, `D/series.yaml:1:10: subject`,
		`E/series.yaml:1:10: subject "Q" is also in Q; expected an id of its own for each subject`, `Q: subject "Q" is also in E/series.yaml`)
	if ids(s) != "R" {
		t.Errorf("kept %s, want R: which of two is meant cannot be known", ids(s))
	}
}

func TestStudyFile(t *testing.T) {
	files := map[string]string{
		"study.yaml": `name: Trial
clinic: {name: Clinic, logo: logo.png}
views: [front, left45]
zones: [cheek_left, nose]
treatment: {modality: microneedling, zones: [cheek_left]}
primary: {metric: erythema_index, zone: cheek_left, window: 90}
scale: iris
limits: {yaw_deg: 5}
`,
		"logo.png":       "x",
		"P1/series.yaml": one("P1", "a.jpg"), "P1/a.jpg": "x",
	}
	s, ps := load(t, write(t, files))
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	if s.Name != "Trial" || s.Clinic != (Clinic{"Clinic", "logo.png"}) || *s.Primary != (Primary{"erythema_index", "cheek_left", 90}) ||
		s.Scale != "iris" || s.Limits["yaw_deg"] != 5 || len(s.Views) != 2 || len(s.Zones) != 2 {
		t.Errorf("study %+v", s)
	}
	if got := s.Subjects[0].Treatment; got == nil || got.Zones[0] != "cheek_left" {
		t.Errorf("treatment %+v, want the study's", got)
	}

	// What is wrong in it is told together with what is wrong in the subjects.
	files["study.yaml"] = `nmae: Trial
clinic: {logo: ../logo.png}
views: [front, fronT/2]
zones: [cheek_lft]
primary: {metric: erythema_indx, window: 0}
limits: {yaw: 5}
`
	files["P1/series.yaml"] = strings.Replace(files["P1/series.yaml"], "front", "frnt", 1)
	root := write(t, files)
	s, ps = load(t, root)
	wantProblems(t, root, ps,
		`study.yaml:1:1: unknown key "nmae"; expected one of card, clinic, limits, marker_mm, name, primary, scale, treatment, views, zones; did you mean "name"?`,
		`study.yaml:2:16: logo "../logo.png" leaves the manifest's folder`,
		`study.yaml:3:16: view "fronT/2" holds one of`,
		`study.yaml:4:9: unknown zone "cheek_lft"; expected one of forehead,`,
		`study.yaml:5:19: unknown metric "erythema_indx"; expected one of those that `+"`dermatrend metrics`"+` lists; did you mean "erythema_index"?`,
		`study.yaml:5:42: window is 0; expected a whole number of days from 1 to 3650`,
		`study.yaml:6:10: unknown limit "yaw"; expected one of yaw_deg`,
		`P1/series.yaml:6:16: unknown view "frnt"; expected one of front, fronT/2 (study.yaml); did you mean "front"?`)
	if s != nil || !ps.Fatal() {
		t.Error("a wrong study.yaml must stop the study")
	}
}

func TestNoStudy(t *testing.T) {
	for name, c := range map[string]struct {
		root func() string
		want string
	}{
		"missing":  {func() string { return filepath.Join(t.TempDir(), "none") }, "the folder cannot be read: no such file or directory"},
		"a file":   {func() string { return filepath.Join(write(t, map[string]string{"a.txt": "x"}), "a.txt") }, "this is a file"},
		"no photo": {func() string { return write(t, map[string]string{"notes.txt": "x"}) }, "no subjects are found"},
		"manifests over one another": {func() string {
			return write(t, map[string]string{"series.yaml": one("A", "a.jpg"), "B/series.yaml": one("B", "a.jpg")})
		}, "both this folder and B in it have a series.yaml"},
		"study.yml": {func() string { return write(t, map[string]string{"study.yml": "name: x\n", "P1/2026-01-10.jpg": "x"}) }, "this name is not read; expected study.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			s, ps := load(t, c.root())
			if s != nil || !ps.Fatal() || !strings.Contains(ps.Error(), c.want) {
				t.Errorf("got %v, %v; want nil and %q", s, ps, c.want)
			}
		})
	}
}

func TestSub(t *testing.T) {
	root := write(t, map[string]string{
		"A/series.yaml": one("P001", "a.jpg"), "A/a.jpg": "x", "B/series.yaml": one("P002", "a.jpg"), "B/a.jpg": "x"})
	s, _ := load(t, root)
	sub, err := Sub(s, "P002")
	if err != nil || ids(sub) != "P002" || ids(s) != "P001 P002" {
		t.Errorf("got %v, %v", sub, err)
	}
	for _, n := range sub.Notes {
		if n.Subject == "P001" {
			t.Errorf("note of another subject: %v", n)
		}
	}
	if _, err = Sub(s, "P01"); err == nil || !strings.Contains(err.Error(), `did you mean "P001"?`) {
		t.Errorf("got %v, want a suggestion", err)
	}
}

// The photographs that the project is measured on have manifests in the common
// style; they must read without a remark.
func TestSharedPhotos(t *testing.T) {
	shared := os.Getenv("DERMATREND_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	for folder, n := range map[string]int{"london": 22, "rendered": 2} {
		root := filepath.Join(shared, "photos", folder)
		if _, err := os.Stat(root); err != nil {
			t.Skip("no shared photos (DERMATREND_SHARED):", err)
		}
		s, ps := load(t, root)
		if len(ps) > 0 || len(s.Subjects) != n || len(s.Notes) > 0 {
			t.Errorf("%s: %d subjects, problems %v, notes %v; want %d, none, none", folder, len(s.Subjects), ps, s.Notes, n)
		}
	}
}

// TestUnnamedPhotos: photos that lie in the folder and are not in the manifest are
// told, other files are not.
func TestUnnamedPhotos(t *testing.T) {
	root := write(t, map[string]string{
		"P1/series.yaml": "subject: P1\nsessions:\n  - {id: s0, date: 2026-01-10, photos: [{view: front, file: a.jpg}]}\n",
		"P1/a.jpg":       "x", "P1/b.JPG": "x", "P1/c.png": "x", "P1/notes.txt": "x",
	})
	st, err := Load(root, Options{Today: NewDate(2026, 5, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if len(st.Notes) != 2 || st.Notes[1].Subject != "P1" || !strings.Contains(st.Notes[1].Text, "2 photo(s) in the folder are not named in series.yaml and are not read: b.JPG, c.png") {
		t.Errorf("%+v", st.Notes)
	}
}
