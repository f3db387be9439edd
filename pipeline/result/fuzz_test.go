package result

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzSubject reads any file as result.json. What can be read is written so that it
// is read as the same, and makes tables.
func FuzzSubject(f *testing.F) {
	dir := f.TempDir()
	since := 3
	if err := SaveSubject(dir, Subject{ID: "P1", Covariates: map[string]string{"arm": "A"}, Series: []Series{{Subject: "P1", View: "front", ITADeg: None(),
		Visits:       []Visit{{Session: "s0", Photo: "a.jpg", Baseline: true}},
		Measurements: []Measurement{{Subject: "P1", Session: "s0", Zone: "nose", Metric: "m", Value: None(), DaysSinceTreatment: &since, Reason: "a \"quoted\"\nreason"}},
		Objects:      []Object{{Kind: "pore", XPx: 1.5}}, Trends: []Trend{{Verdict: Improved}}}}}); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(dir, SubjectFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"ID":"P1","Series":[{"Measurements":[{"Value":1e999}]}]}`))
	f.Add([]byte(`{"Series":[{"PxPerMM":"1"},{"View":"front","Objects":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		load := func(data []byte) (Subject, error) {
			if err := os.WriteFile(filepath.Join(dir, SubjectFile), data, 0o600); err != nil {
				t.Fatal(err)
			}
			return LoadSubject(dir)
		}
		s, err := load(data)
		if err != nil {
			if !strings.Contains(err.Error(), SubjectFile) {
				t.Errorf("the error names no file: %v", err)
			}
			return
		}
		// Once written, the bytes stay: read and written again, they are the same.
		var written [2]string
		for i := range written {
			name := filepath.Join(dir, SubjectFile)
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
			if err := SaveSubject(dir, s); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			written[i] = string(b)
			if s, err = LoadSubject(dir); err != nil {
				t.Fatal(err)
			}
		}
		if written[0] != written[1] {
			t.Errorf("written as\n%s\nand then as\n%s", written[0], written[1])
		}
		tables, err := CreateTables(t.TempDir(), Order{})
		if err != nil {
			t.Fatal(err)
		}
		if err := tables.Add(s); err != nil {
			t.Error(err)
		}
		if err := tables.Close(); err != nil {
			t.Error(err)
		}
	})
}
