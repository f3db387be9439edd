package study

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// outline is "id date view:file view:file; ..." of a subject.
func outline(s Subject) string {
	var vs []string
	for _, v := range s.Sessions {
		w := []string{v.ID, v.Date.String()}
		for _, p := range v.Photos {
			w = append(w, p.View+":"+p.File)
		}
		vs = append(vs, strings.Join(w, " "))
	}
	return strings.Join(vs, "; ")
}

func TestGuess(t *testing.T) {
	for name, c := range map[string]struct {
		files    map[string]string
		want     string // outline of the only subject
		problems []string
		note     string
	}{
		"EXIF before the name": {
			files: map[string]string{"P1/IMG_20260301_1.jpg": jpeg("2026:01:10 09:30:00"), "P1/b.jpg": jpeg("2026:02:09 23:59:59")},
			want:  "s0 2026-01-10 front:IMG_20260301_1.jpg; s1 2026-02-09 front:b.jpg",
			note:  `EXIF says 2026-01-10, the file name 2026-03-01; EXIF is used`,
		},
		"a clock that was not set": {
			files: map[string]string{"P1/2026-01-10.jpg": jpeg("1980:01:01 00:00:00"), "P1/2026-01-11.jpg": jpeg("2036:01:01 00:00:00")},
			want:  "s0 2026-01-10 front:2026-01-10.jpg; s1 2026-01-11 front:2026-01-11.jpg",
			note:  "EXIF date 1980-01-01 is not used",
		},
		"an empty EXIF date": {
			files: map[string]string{"P1/2026-01-10.jpg": jpeg("0000:00:00 00:00:00")},
			want:  "s0 2026-01-10 front:2026-01-10.jpg",
		},
		"replicates and views": {
			files: map[string]string{"P1/2026-01-10-front.jpg": "x", "P1/2026-01-10-front-2.PNG": "x", "P1/20260110_left45.jpeg": "x", "P1/2026-02-09-front.jpg": "x"},
			want:  "s0 2026-01-10 front:2026-01-10-front-2.PNG front:2026-01-10-front.jpg left45:20260110_left45.jpeg; s1 2026-02-09 front:2026-02-09-front.jpg",
			note:  "view left45 has no automatic zones",
		},
		"what is no photo": {
			files: map[string]string{"P1/2026-01-10.jpg": "x", "P1/.2026-01-11.jpg": "x", "P1/2026-01-12.tem": "x", "P1/notes.txt": "x",
				"P1/thumbs/2026-01-13.jpg": "x", "P1/other/2026-01-14.jpg": "x", ".hidden/2026-01-10.jpg": "x", "__MACOSX/2026-01-10.jpg": "x"},
			want: "s0 2026-01-10 front:2026-01-10.jpg",
			note: "consent is not recorded",
		},
		"the root is the subject": {
			files: map[string]string{"2026-01-10.jpg": "x", "2026-02-09.jpg": "x", "notes/readme.txt": "x"},
			want:  "s0 2026-01-10 front:2026-01-10.jpg; s1 2026-02-09 front:2026-02-09.jpg",
		},
		"visits as folders": {
			files: map[string]string{"P1/2026-02-09/front.jpg": "x", "P1/2026-01-10/front.jpg": "x"},
			want:  "s0 2026-01-10 front:2026-01-10/front.jpg; s1 2026-02-09 front:2026-02-09/front.jpg",
			note:  "2 from the folder name",
		},
		"visits as folders of the root": {
			files: map[string]string{"2026-02-09/right.jpg": "x", "2026-01-10/right.jpg": "x"},
			want:  "s0 2026-01-10 right:2026-01-10/right.jpg; s1 2026-02-09 right:2026-02-09/right.jpg",
		},
		"an undated photo among dated": {
			files:    map[string]string{"P1/2026-01-10.jpg": "x", "P1/after.jpg": "x"},
			want:     "s0 2026-01-10 front:2026-01-10.jpg",
			problems: []string{`P1/after.jpg: no date for this photo; expected an EXIF date, or a date in the name`},
		},
		"no date at all": {
			files:    map[string]string{"P1/after.jpg": "x", "P1/before.jpg": "x", "P1/2026-13-10.jpg": "x"},
			problems: []string{`P1: no date for any of 3 photos, from "2026-13-10.jpg" on; expected an EXIF date, or a date in the name as 2026-01-31-front.jpg; rename the photos, or run`},
		},
		"a date in the future": {
			files:    map[string]string{"P1/2027-01-10.jpg": "x"},
			problems: []string{`P1: no date for any of 1 photos`},
		},
		"empty and unsupported": {
			files:    map[string]string{"P1/2026-01-10.jpg": "", "P1/2026-02-09.jpg": "x", "P1/IMG_1.CR2": "x"},
			want:     "s0 2026-01-10 front:2026-01-10.jpg; s1 2026-02-09 front:2026-02-09.jpg",
			problems: []string{`P1/IMG_1.CR2: format .cr2 is not supported; expected JPEG, PNG, TIFF, WebP, HEIC or DICOM`, `P1/2026-01-10.jpg: the file is empty`},
		},
		"only unsupported": {
			files:    map[string]string{"P1/IMG_1.CR2": "x"},
			problems: []string{`P1/IMG_1.CR2: format .cr2`, `P1: no photo that can be read`},
		},
		"a bad folder name": {
			files:    map[string]string{"=P1/2026-01-10.jpg": "x"},
			problems: []string{`=P1: folder name "=P1" does not start with a letter or a digit`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := write(t, c.files)
			s, ps := load(t, root)
			wantProblems(t, root, ps, c.problems...)
			got := ""
			if len(s.Subjects) > 0 {
				got = outline(s.Subjects[0])
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			var notes []string
			for _, n := range s.Notes {
				notes = append(notes, n.Text)
			}
			if !strings.Contains(strings.Join(notes, "\n"), c.note) {
				t.Errorf("notes %q, want one with %q", notes, c.note)
			}
		})
	}
}

// The day of a photo is that of the camera's clock: an offset from UTC does not
// move it.
func TestExifDate(t *testing.T) {
	root := write(t, map[string]string{"a.jpg": jpeg("2026:01:10 00:30:00"), "none.jpg": jpeg(""), "text.jpg": "hello", "cut.jpg": jpeg("2026:01:10 00:30:00")[:40]})
	for file, want := range map[string]string{"a.jpg": "2026-01-10", "none.jpg": "", "text.jpg": "", "cut.jpg": "", "missing.jpg": ""} {
		if got := exifDate(filepath.Join(root, file)).String(); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}

func TestNamesTell(t *testing.T) {
	for name, want := range map[string]string{
		"2026-01-10-front.jpg":                "2026-01-10 front",
		"20260110.jpg":                        "2026-01-10 front",
		"IMG_20260110_093000.jpg":             "2026-01-10 front",
		"PXL_20260110_093000123.jpg":          "2026-01-10 front",
		"WhatsApp Image 2026-01-10 at 9.jpeg": "2026-01-10 front",
		"2026_01_10 left45.jpg":               "2026-01-10 left45",
		"2026.01.10.right-90.jpg":             "2026-01-10 right90",
		"2026-01-10-L45.jpg":                  "2026-01-10 left45",
		"2026-01-10_45_right.jpg":             "2026-01-10 right45",
		"left-2026-01-10.jpg":                 "2026-01-10 left",
		"2026-01-10 Right Profile.jpg":        "2026-01-10 right90",
		"2026-01-10 left oblique.jpg":         "2026-01-10 left45",
		"bright cleft.jpg":                    " front",
		"2026-02-30.jpg":                      " front",
		"10-01-2026.jpg":                      " front", // January or October
		"120260110.jpg":                       " front",
		"2026-01_10.jpg":                      " front",
		"left450.jpg":                         " left",
		"DSC_0045.jpg":                        " front",
	} {
		if got := dateInName(name).String() + " " + viewInName(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// What Init writes down is read as the same sessions.
func TestInitRoundTrip(t *testing.T) {
	files := map[string]string{
		"P1/IMG_1.jpg": jpeg("2026:01:10 09:30:00"), "P1/2026-02-09 left45.jpg": "x", "P1/2026-02-09.jpg": "x",
		"007/2026-01-10.jpg": "x", "null/2026-01-10.jpg": "x", "true/2026-01-10.jpg": "x", "1e3/2026-01-10/front.jpg": "x",
		"Émile d'Été, #2/2026-01-10 it's: {a} \"b\" – ü.jpg": "x", "x [y] & z/2026-01-10\ttab.jpg": "x",
		"old/2026-01-10.jpg": "x", "old/series.yaml": "mine",
	}
	root := write(t, files)
	before, _ := load(t, root)
	made, err := Init(root, true, options)
	if err != nil || len(made) != 8 {
		t.Fatalf("%d files, %v; want 8", len(made), err)
	}
	if _, err := os.Stat(filepath.Join(root, "P1/series.yaml")); err == nil {
		t.Fatal("a dry run wrote a file")
	}
	if made, err = Init(root, false, options); err != nil {
		t.Fatal(err)
	}
	for _, f := range made {
		data, err := os.ReadFile(f.Path)
		if old := strings.Contains(f.Path, "old"); err != nil || f.Exists != old || !old && string(data) != f.Content || old && string(data) != "mine" {
			t.Errorf("%s: exists %v, %v, content %q", f.Path, f.Exists, err, data)
		}
		if info, _ := os.Stat(f.Path); !f.Exists && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, want 0600", f.Path, info.Mode())
		}
	}
	after, _ := load(t, root)
	if len(after.Subjects) != 7 || len(before.Subjects) != 7 {
		t.Fatalf("before %s\nafter %s\nwant 7 each", ids(before), ids(after))
	}
	for i := range after.Subjects {
		a, b := after.Subjects[i], before.Subjects[i]
		a.Manifest = ""
		if !reflect.DeepEqual(a, b) {
			t.Errorf("after  %+v\nbefore %+v", a, b)
		}
	}
	entries, _ := os.ReadDir(filepath.Join(root, "P1"))
	if len(entries) != 4 {
		t.Errorf("%d files in P1, want 3 photos and the manifest", len(entries))
	}
}

// Photos without a date are written down, and then asked for.
func TestInitUndated(t *testing.T) {
	root := write(t, map[string]string{"P1/after.jpg": "x", "P1/2026-01-10.jpg": "x", "P1/c.cr2": "x"})
	if _, err := Init(root, false, options); err != nil {
		t.Fatal(err)
	}
	_, ps := load(t, root)
	if len(ps) != 1 || !strings.HasPrefix(ps[0].Message, "date is empty") {
		t.Errorf("got %v, want one: date is empty", ps)
	}
}
