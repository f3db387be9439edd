package study

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// sum is the SHA-256 of a content, hex.
func sum(content string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(content))) }

var square = Polygon{{10, 10}, {60.5, 10}, {60, 60}, {10, 60}}

// edit is a valid edit of the photo a.jpg that write made with content jpeg("").
func edit() Edit {
	return Edit{By: "Dr. Meier", At: time.Date(2026, 11, 21, 14, 3, 0, 0, time.UTC), View: "front", Photo: "a.jpg", PhotoSHA256: sum(jpeg(""))}
}

func zoneEdit(name string, p Polygon) Edit {
	e := edit()
	e.Zone = &ZoneEdit{Name: name, Outline: p}
	return e
}

func excludeEdit(name string, p Polygon) Edit {
	e := edit()
	e.Exclude = &ExcludeEdit{Name: name, Outline: p}
	return e
}

func objectEdit(kind string, x, y float64, accept bool) Edit {
	e := edit()
	e.Object = &ObjectEdit{Kind: kind, At: Point{x, y}, Accept: accept}
	return e
}

func alignmentEdit(session string, accept bool) Edit {
	e := edit()
	e.Alignment = &AlignmentEdit{Session: session, Accept: accept}
	return e
}

// person is a study of one person with two photos, and the person's folder.
func person(t *testing.T) (root, dir string) {
	t.Helper()
	root = write(t, map[string]string{
		"P/series.yaml": one("P", "a.jpg", "b.jpg"),
		"P/a.jpg":       jpeg(""), "P/b.jpg": jpeg("2026:02:09 10:00:00"),
	})
	return root, filepath.Join(root, "P")
}

func TestAppendedEditsAreReadAgain(t *testing.T) {
	root, dir := person(t)
	named := excludeEdit(`naevus "left": #2`, square)
	named.By, named.At = "Zoë O'Neill, {MD}", time.Date(2026, 11, 21, 15, 3, 0, 999, time.FixedZone("CET", 3600))
	want := []Edit{
		zoneEdit("cheek_left", square), named, objectEdit("scar", 812.25, 1e-7, false), alignmentEdit("s1", true),
		zoneEdit("cheek_left", nil), excludeEdit("naevus", nil), objectEdit("pore", 99999.5, 3, true),
	}
	for _, e := range want {
		if err := AppendEdit(dir, e); err != nil {
			t.Fatal(err)
		}
	}
	want[1].At = time.Date(2026, 11, 21, 14, 3, 0, 0, time.UTC)
	s, ps := load(t, root)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	if got := s.Subjects[0].Edits; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, n := range s.Notes {
		if strings.Contains(n.Text, "edits") || strings.Contains(n.Text, "not applied") {
			t.Errorf("note %q", n.Text)
		}
	}
	info, err := os.Stat(filepath.Join(dir, EditsFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// Whatever a person wrote into the file by hand stays, byte for byte.
func TestAppendKeepsWhatIsThere(t *testing.T) {
	entry := func(indent string) string {
		return indent + "- {by: A, at: 2026-01-01T00:00:00Z, view: front, photo: a.jpg, photo_sha256: \"" + sum("") + "\",\n" +
			indent + "   object: {kind: scar, x: 1, y: 2, accept: false}} # a fold"
	}
	for name, before := range map[string]string{
		"indented":        "# edits of P\nedits: # by hand\n    # first\n" + entry("    ") + "\n# the end\n",
		"not indented":    "edits:\n" + entry("") + "\n",
		"no newline":      "edits:\n" + entry("  "),
		"byte order mark": "\ufeffedits:\n" + entry("  ") + "\n\n",
		"CRLF":            "edits:\r\n" + strings.ReplaceAll(entry("  "), "\n", "\r\n") + "\r\n",
		"no entries":      "edits:\n",
	} {
		_, dir := person(t)
		file := filepath.Join(dir, EditsFile)
		if err := os.WriteFile(file, []byte(before), 0o640); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := AppendEdit(dir, zoneEdit("chin", square)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		after, _ := os.ReadFile(file)
		if !strings.HasPrefix(string(after), before) || strings.Count(string(after), "Dr. Meier") != 2 {
			t.Errorf("%s: the file became\n%s", name, after)
		}
		if info, _ := os.Stat(file); info.Mode().Perm() != 0o640 {
			t.Errorf("%s: mode %v", name, info.Mode())
		}
	}
}

func TestAppendRefusesAndLeavesTheFileAlone(t *testing.T) {
	for content, want := range map[string]string{
		"edits:\n  - {by: A":                    "edits.yaml:2:",
		"edits: []\n":                           "nothing can be appended here",
		"edits:\n...\n":                         "edits.yaml:",
		"edit:\n":                               `edits.yaml:1:1: unknown key "edit"`,
		"":                                      "the file is empty; expected edits:",
		"# nothing\n":                           "the file is empty; expected edits:",
		"edits: &a\n":                           "anchors",
		"edits:\n  - {}\n":                      `edits.yaml:2:5: "by" is missing`,
		"edits:\n" + strings.Repeat("#", 1<<20): "at most 1 MiB",
		"edits:\n" + strings.Repeat(" ", 1<<20-9) + "\n": "at most 1 MiB",
	} {
		_, dir := person(t)
		file := filepath.Join(dir, EditsFile)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		err := AppendEdit(dir, zoneEdit("chin", square))
		var ps Problems
		if !errors.As(err, &ps) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", content, err, want)
		}
		if after, _ := os.ReadFile(file); string(after) != content {
			t.Errorf("%.40q became %.60q", content, after)
		}
	}

	_, dir := person(t)
	outside := filepath.Join(t.TempDir(), "edits.yaml")
	if err := os.WriteFile(outside, []byte("edits:\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, EditsFile)); err != nil {
		t.Fatal(err)
	}
	if err := AppendEdit(dir, zoneEdit("chin", square)); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a link: %v", err)
	}
	if err := AppendEdit(filepath.Join(dir, "none"), zoneEdit("chin", square)); err == nil {
		t.Error("an edit was written for a person that does not exist")
	}
}

func TestAppendRefusesAWrongEdit(t *testing.T) {
	with := func(change func(*Edit)) Edit {
		e := zoneEdit("chin", square)
		change(&e)
		return e
	}
	for want, e := range map[string]Edit{
		"exactly one of zone, exclude":           with(func(e *Edit) { e.Alignment = &AlignmentEdit{Session: "s1"} }),
		"the edit says 0 things":                 edit(),
		`unknown zone "chinn"`:                   zoneEdit("chinn", square),
		"crosses itself":                         zoneEdit("chin", Polygon{{0, 0}, {50, 50}, {50, 0}, {0, 50}}),
		"encloses":                               zoneEdit("chin", Polygon{{0, 0}, {1, 0}, {1, 1}}),
		"3 to 1000 points":                       zoneEdit("chin", Polygon{}),
		"outline has 1001 entries":               zoneEdit("chin", make(Polygon, 1001)),
		"by is empty":                            with(func(e *Edit) { e.By = "" }),
		"by is \"AAA":                            with(func(e *Edit) { e.By = strings.Repeat("A", 101) }),
		`by "a\nb" holds a control`:              with(func(e *Edit) { e.By = "a\nb" }),
		`by "\u202eb" holds a control`:           with(func(e *Edit) { e.By = "\u202eb" }),
		"photo_sha256 is":                        with(func(e *Edit) { e.PhotoSHA256 = "abc" }),
		`photo "../a.jpg" leaves`:                with(func(e *Edit) { e.Photo = "../a.jpg" }),
		`view "../x" holds one of`:               with(func(e *Edit) { e.View = "../x" }),
		"a time in UTC":                          with(func(e *Edit) { e.At = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC) }),
		`unknown kind "wart"`:                    objectEdit("wart", 1, 2, false),
		"a pixel coordinate from -0.5 to 100000": objectEdit("scar", -1, 2, false),
		"x is \"NaN\"":                           objectEdit("scar", math.NaN(), 2, false),
		"y is":                                   objectEdit("scar", 2, math.Inf(1), false),
		"session is empty":                       alignmentEdit("", false),
	} {
		_, dir := person(t)
		err := AppendEdit(dir, e)
		if !errors.Is(err, ErrBadEdit) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
		if _, err := os.Lstat(filepath.Join(dir, EditsFile)); err == nil {
			t.Errorf("%s: a file was written", want)
		}
	}
}

// TestAppendHelper is a process of the test below.
func TestAppendHelper(t *testing.T) {
	dir := os.Getenv("DERMATREND_TEST_APPEND")
	if dir == "" {
		t.Skip("helper of TestAppendAtOnce")
	}
	for i := range 10 {
		if err := AppendEdit(dir, objectEdit("scar", float64(os.Getpid()%99991), float64(i), false)); err != nil {
			t.Fatal(err)
		}
	}
}

// Two pages of an editor, or two editors on one share, lose nothing.
func TestAppendAtOnce(t *testing.T) {
	root, dir := person(t)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			c := exec.Command(os.Args[0], "-test.run=^TestAppendHelper$")
			c.Env = append(os.Environ(), "DERMATREND_TEST_APPEND="+dir)
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	for k := range 4 {
		group.Go(func() {
			for i := range 10 {
				if err := AppendEdit(dir, excludeEdit(fmt.Sprintf("%d of %d", i, k), square)); err != nil {
					t.Error(err)
				}
				if _, err := Load(root, options); err != nil { // never half a file
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	s, ps := load(t, root)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	seen := map[string]bool{}
	for _, e := range s.Subjects[0].Edits {
		seen[e.String()] = true
	}
	if len(s.Subjects[0].Edits) != 60 || len(seen) != 60 {
		t.Errorf("%d edits, %d different, want 60", len(s.Subjects[0].Edits), len(seen))
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAllProblemsOfEditsAtOnce(t *testing.T) {
	root, dir := person(t)
	head := "by: A, at: 2026-01-01T00:00:00Z, view: front, photo: a.jpg, photo_sha256: \"" + sum("") + "\""
	content := "edits:\n" +
		"  - {" + head + ", zone: {name: chin, outlin: []}}\n" +
		"  - {" + head + ", zone: {name: chin}, object: {kind: scar, x: 1, y: 2, accept: yes}}\n" +
		"  - {by: B, at: 2026-01-01 10:00, view: front, photo: /a.jpg, photo_sha256: 1234}\n"
	if err := os.WriteFile(filepath.Join(dir, EditsFile), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	s, ps := load(t, root)
	if s == nil || len(s.Subjects) != 0 || ps.Fatal() || !reflect.DeepEqual(ps.Subjects(), []string{"P"}) {
		t.Fatalf("a wrong edits.yaml must cost its subject and nothing else: %v", ps)
	}
	for _, want := range []string{
		`edits.yaml:2:167: unknown key "outlin"; expected one of name, outline; did you mean "outline"?`,
		"edits.yaml:3:5: the edit says 2 things; expected exactly one of zone, exclude, object, alignment",
		`accept is "yes"; expected true or false`,
		"edits.yaml:4:5: the edit says 0 things",
		`at is "2026-01-01 10:00"; expected a time in UTC`,
		`photo "/a.jpg" is an absolute path`,
		"photo_sha256 is 1234; expected the SHA-256",
	} {
		if !strings.Contains(ps.Error(), want) {
			t.Errorf("no %q in\n%v", want, ps)
		}
	}

	root, dir = person(t)
	if err := os.WriteFile(filepath.Join(dir, "Edits.yml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ps = load(t, root); !strings.Contains(ps.Error(), "Edits.yml: this name is not read; expected edits.yaml; rename it") {
		t.Errorf("%v", ps)
	}
}

// A folder without a manifest has edits too.
func TestEditsWithoutManifest(t *testing.T) {
	a, b := jpeg("2026:01:10 10:00:00"), jpeg("2026:02:10 10:00:00")
	root := write(t, map[string]string{"P/a.jpg": a, "P/b.jpg": b})
	e := excludeEdit("naevus", square)
	e.PhotoSHA256 = sum(a)
	if err := AppendEdit(filepath.Join(root, "P"), e); err != nil {
		t.Fatal(err)
	}
	s, ps := load(t, root)
	if len(ps) > 0 || len(s.Subjects) != 1 || !reflect.DeepEqual(s.Subjects[0].Series()[0].Edits, []Edit{e}) {
		t.Errorf("%v, %+v", ps, s.Subjects)
	}
}

// Edits outlive a new session and another order of the sessions in the manifest.
func TestEditsOutliveNewSessions(t *testing.T) {
	root, dir := person(t)
	for _, e := range []Edit{zoneEdit("chin", square), alignmentEdit("s1", false)} {
		if err := AppendEdit(dir, e); err != nil {
			t.Fatal(err)
		}
	}
	before, _ := load(t, root)
	want := before.Subjects[0].Series()[0].Edits
	manifest := `subject: P
sessions:
  - {id: s2, date: 2026-04-10, photos: [{view: front, file: c.jpg}]}
  - {id: s1, date: 2026-02-09, photos: [{view: front, file: b.jpg}]}
  - {id: s0, date: 2026-01-10, photos: [{view: front, file: a.jpg}]}
`
	for name, content := range map[string]string{"series.yaml": manifest, "c.jpg": jpeg("2026:04:10 10:00:00")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	after, ps := load(t, root)
	if got := after.Subjects[0].Series()[0].Edits; len(ps) > 0 || len(got) != 2 || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: %v, want %v", ps, got, want)
	}
}

// A view without automatic zones can be measured where an edit draws one.
func TestEditGivesAViewItsZone(t *testing.T) {
	root := write(t, map[string]string{"P/series.yaml": strings.ReplaceAll(one("P", "a.jpg", "b.jpg"), "front", "left90"),
		"P/a.jpg": jpeg(""), "P/b.jpg": jpeg("2026:02:09 10:00:00")})
	e := zoneEdit("cheek_left", square)
	e.View = "left90"
	for _, want := range []bool{true, false} {
		s, _ := load(t, root)
		told := false
		for _, n := range s.Notes {
			told = told || strings.Contains(n.Text, "no automatic zones")
		}
		if told != want {
			t.Errorf("notes %v", s.Notes)
		}
		if err := AppendEdit(filepath.Join(root, "P"), e); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhichEditsHold(t *testing.T) {
	root, dir := person(t)
	manifest := `subject: P
sessions:
  - {id: s0, date: 2026-01-10, photos: [{view: front, file: a.jpg}, {view: left45, file: l.jpg}]}
  - {id: s1, date: 2026-02-10, photos: [{view: front, file: b.jpg}]}
`
	for name, content := range map[string]string{"series.yaml": manifest, "l.jpg": jpeg("2026:01:10 10:00:00")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "b.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	seen, replaced := alignmentEdit("s1", true), alignmentEdit("s1", true)
	seen.Alignment.PhotoSHA256, replaced.Alignment.PhotoSHA256 = sum(string(b)), sum("a photo that is not there any more")
	other, left := zoneEdit("nose", square), zoneEdit("cheek_left", square)
	other.Photo = "b.jpg"
	left.View, left.Photo, left.PhotoSHA256 = "left45", "l.jpg", sum(jpeg("2026:01:10 10:00:00"))
	changed, gone := zoneEdit("chin", square), zoneEdit("chin", square)
	changed.PhotoSHA256 = sum("another")
	gone.View = "right45"
	last := zoneEdit("forehead", Polygon{{0, 0}, {90, 0}, {90, 90}})
	scar, again := objectEdit("scar", 5, 6, false), objectEdit("scar", 7, 7, false)
	taken := objectEdit("pore", 1, 1, false)
	var kept []Edit
	for _, e := range []Edit{
		zoneEdit("forehead", square), last, excludeEdit("naevus", square), excludeEdit("tattoo", square), excludeEdit("naevus", nil),
		scar, again, taken, objectEdit("pore", 1, 1, true), objectEdit("scar", 7, 7, true),
		alignmentEdit("s1", true), alignmentEdit("s1", false), alignmentEdit("s0", false), alignmentEdit("s9", false),
		seen, replaced, other, changed, gone, left,
	} {
		if err := AppendEdit(dir, e); err != nil {
			t.Fatal(err)
		}
		kept = append(kept, e)
	}
	s, ps := load(t, root)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	p := &s.Subjects[0]
	if len(p.Edits) != len(kept) {
		t.Errorf("%d edits of %d", len(p.Edits), len(kept))
	}
	all := p.Series()
	if want := []Edit{last, excludeEdit("tattoo", square), scar, objectEdit("scar", 7, 7, true), seen}; !reflect.DeepEqual(all[0].Edits, want) {
		t.Errorf("front:\n%v\nwant\n%v", all[0].Edits, want)
	}
	if want := []Edit{left}; !reflect.DeepEqual(all[1].Edits, want) {
		t.Errorf("left45: %v", all[1].Edits)
	}
	var notes []string
	for _, n := range s.Notes {
		if strings.HasPrefix(n.Text, "not applied: ") {
			notes = append(notes, n.Text)
		}
	}
	if want := []string{
		"not applied: edit by Dr. Meier on 2026-11-21, view front, alignment of session s0 rejected: session s0 is the baseline itself",
		"not applied: edit by Dr. Meier on 2026-11-21, view front, alignment of session s9 rejected: session s9 has no photo of view front",
		"not applied: edit by Dr. Meier on 2026-11-21, view front, alignment of session s1 accepted: the photo of session s1 that was looked at is not there any more: it was replaced",
		"not applied: edit by Dr. Meier on 2026-11-21, view front, zone nose drawn anew: it was made in b.jpg, and the baseline photo is now a.jpg",
		"not applied: edit by Dr. Meier on 2026-11-21, view front, zone chin drawn anew: the photo a.jpg is not the one in which it was made: its content has changed",
		"not applied: edit by Dr. Meier on 2026-11-21, view right45, zone chin drawn anew: there is no photo of view right45 any more",
	}; !reflect.DeepEqual(notes, want) {
		t.Errorf("notes\n%s\nwant\n%s", strings.Join(notes, "\n"), strings.Join(want, "\n"))
	}
}
