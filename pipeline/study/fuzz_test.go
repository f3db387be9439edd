package study

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// wellPlaced fails unless every problem says what is wrong, and where in the text.
func wellPlaced(t *testing.T, file string, data []byte, problems Problems) {
	t.Helper()
	lines := 1 + strings.Count(string(data), "\n") + strings.Count(string(data), "\r")
	for _, p := range problems {
		if p.File != file || p.Message == "" || p.Line < 1 || p.Column < 1 || p.Line > lines+1 {
			t.Errorf("a problem without its place: %+v", p)
		}
		if text := p.String(); !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("a problem that a terminal does not show as it is: %q", text)
		}
	}
}

func FuzzSeriesManifest(f *testing.F) {
	f.Add([]byte(good))
	for _, c := range badManifests {
		f.Add([]byte(strings.Replace(good, c.old, c.new, 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, problems := readSeries("series.yaml", data, today, nil)
		wellPlaced(t, "series.yaml", data, problems)
		if len(problems) > 0 {
			return
		}
		s := m.subject
		if len(s.Sessions) == 0 {
			t.Error("a subject without sessions")
		}
		names := []string{}
		for _, v := range s.Sessions {
			names = append(names, v.ID)
			for _, p := range v.Photos {
				names = append(names, p.View)
				if !filepath.IsLocal(p.File) || strings.ContainsRune(p.File, '\\') {
					t.Errorf("the photo %q leaves its folder", p.File)
				}
			}
			if v.Date.IsZero() || v.Date.After(today) {
				t.Errorf("session %q of %v", v.ID, v.Date)
			}
		}
		for _, c := range s.Consent {
			if c.Document != "" && !filepath.IsLocal(c.Document) {
				t.Errorf("the document %q leaves its folder", c.Document)
			}
		}
		for _, n := range names {
			if why := unsafeName(n); why != "" {
				t.Errorf("the name %q %s", n, why)
			}
		}
		sortSessions(s.Sessions)
		for _, r := range s.Series() {
			if len(r.Sessions) == 0 || r.Sessions[0].Day != 0 || unsafeName(r.View) != "" {
				t.Errorf("series %+v", r)
			}
			for _, v := range r.Sessions {
				if v.Day < 0 || len(v.Photos) == 0 {
					t.Errorf("session %+v", v)
				}
			}
		}
	})
}

func FuzzStudyManifest(f *testing.F) {
	f.Add([]byte("name: A study\nclinic: {name: B}\nviews: [front]\nzones: [nose]\nscale: iris\nprimary: {metric: m, zone: nose, window: 90}\n"))
	f.Add([]byte("clinic: {logo: ../logo.png}\nlimits: {yaw: 3}\ntreatment: {modality: microneedling, zones: []}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := Study{Root: t.TempDir()}
		file := filepath.Join(s.Root, studyFile)
		_, problems := s.readStudy(file, data, Options{Metrics: []string{"m"}})
		wellPlaced(t, file, data, problems)
		if s.Clinic.Logo != "" && !filepath.IsLocal(s.Clinic.Logo) {
			t.Errorf("the logo %q leaves the study", s.Clinic.Logo)
		}
	})
}

func FuzzEdits(f *testing.F) {
	for _, text := range []string{
		"edits:\n  - {by: A, at: 2026-01-01T00:00:00Z, view: front, photo: a.jpg, photo_sha256: \"%064d\", zone: {name: nose, outline: [[1, 2], [30, 4], [5, 60]]}}\n",
		"edits:\n- {by: A, at: 2026-01-01T00:00:00Z, view: front, photo: a.jpg, photo_sha256: \"%064d\", exclude: {name: naevus, outline: [[1, 2], [30, 4], [5, 60]]}}\n",
		"edits:\n    - by: Bé\n      at: 2026-01-01T00:00:00+02:00\n      view: front\n      photo: d/a.jpg\n      photo_sha256: \"%064d\"\n      object: {kind: scar, x: 812.5, y: 1204, accept: false}\n",
		"edits:\n  - {by: A, at: 2026-01-01T00:00:00Z, view: left45, photo: a.jpg, photo_sha256: \"%064d\", alignment: {session: s2, accept: true}}\n",
	} {
		f.Add([]byte(fmt.Sprintf(text, 7)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		edits, problems := readEdits(EditsFile, data)
		wellPlaced(t, EditsFile, data, problems)
		if len(problems) > 0 {
			return
		}
		// What was read is written so that it is read as the same.
		for _, e := range edits {
			again, problems := readEdits(EditsFile, []byte("edits:\n"+e.yaml()))
			e.At = e.At.UTC()
			if len(problems) > 0 || len(again) != 1 || !reflect.DeepEqual(again[0], e) {
				t.Fatalf("%+v was written as\n%s\nand read as %+v: %v", e, e.yaml(), again, problems)
			}
		}
	})
}

// Any text that init writes into a manifest is read as that text.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"P001", "no", "~", "null", "1e3", "a: b", "é", "\u2028", "- x", "\x00", "'", `"`, "a/b.jpg", "2026-01-01", "0x10", "\U0001F600"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" || !utf8.ValidString(s) || len(s) > 1000 {
			return
		}
		root, problems := parseYAML("f", []byte("a: "+quote(s)+"\n"))
		if len(problems) > 0 || root.get("a").str() != s {
			t.Errorf("%q is written as %s and read as %q: %v", s, quote(s), root.get("a").str(), problems)
		}
	})
}

func FuzzDateTaken(f *testing.F) {
	f.Add([]byte(jpeg("2026:01:10 10:00:00")))
	f.Add([]byte(jpeg("2026:13:10 10:00:00")))
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x04eXIfMM\x00*\x00\x00\x00\x08"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if d := dateTaken(data, bytes.NewReader(data)); !d.IsZero() && !d.Equal(d.Truncate(24*time.Hour)) {
			t.Errorf("%v is no day", d.Time)
		}
	})
}

// No name that is taken for safe leads out of a folder or hides in it, and folding
// twice is folding once: names can be compared by it.
func FuzzName(f *testing.F) {
	for _, s := range []string{"P001", "..", "a/b", "CON", "nul.txt", "é", "e\u0301", "a\nb", "a\u202eb", ".x", "x.", strings.Repeat("x", 101), "ﬁ", "ẞ", "İ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if fold(fold(s)) != fold(s) {
			t.Errorf("%q is folded to %q, which is folded to %q", s, fold(s), fold(fold(s)))
		}
		if unsafeName(s) != "" {
			return
		}
		if !filepath.IsLocal(s) || filepath.Base(s) != s || strings.HasPrefix(s, ".") || strings.ContainsAny(s, "\x00\n\r") || len(s) > 255 {
			t.Errorf("%q is taken for a safe name", s)
		}
	})
}
