package study

import (
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/internal/dicom"
)

// dicomPhoto is the head of a photo of a patient.
func dicomPhoto(t *testing.T, patient, day string) string {
	t.Helper()
	data, err := dicom.Write(dicom.ExplicitLE, []dicom.Element{
		{Tag: dicom.SOPClassUID, VR: "UI", Value: dicom.VLPhotographic}, {Tag: dicom.PatientID, VR: "LO", Value: patient},
		{Tag: dicom.StudyDate, VR: "DA", Value: day}, {Tag: dicom.PixelData, VR: "OB", Value: []byte(patient + day)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Photos of two patients listed for one person: the stranger's are refused, by name,
// and the others stay.
func TestStrangers(t *testing.T) {
	a, b := func(day string) string { return dicomPhoto(t, "A", day) }, func(day string) string { return dicomPhoto(t, "B", day) }
	for name, c := range map[string]struct {
		subject string
		files   []string // of four sessions; one that is empty is a JPEG
		refused string
		than    string
	}{
		"most are of A":           {"P1", []string{a("20260110"), b("20260209"), a("20260311"), a("20260410")}, "1", "0.dcm"},
		"the first one is not":    {"P1", []string{b("20260110"), a("20260209"), a("20260311"), ""}, "0", "1.dcm"},
		"as many: the first":      {"P1", []string{b("20260110"), a("20260209"), "", ""}, "1", "0.dcm"},
		"called after one of few": {"A", []string{b("20260110"), b("20260209"), a("20260311"), ""}, "0 1", "2.dcm"},
		"one patient":             {"P1", []string{a("20260110"), a("20260209"), "", a("20260410")}, "", ""},
		"nobody is named":         {"P1", []string{dicomPhoto(t, "", "20260110"), a("20260209"), "", ""}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tree := map[string]string{}
			var names []string
			for i, data := range c.files {
				file := string(rune('0'+i)) + ".dcm"
				if data == "" {
					file, data = string(rune('0'+i))+".jpg", "x"
				}
				names = append(names, file)
				tree["P1/"+file] = data
			}
			tree["P1/series.yaml"] = one(c.subject, names...)
			root := write(t, tree)
			s, ps := load(t, root)
			if len(s.Subjects) != 1 {
				t.Fatalf("kept %q: %v", ids(s), ps)
			}
			var refused []string
			for i, session := range s.Subjects[0].Sessions {
				if why := session.Photos[0].Refused; why != "" {
					refused = append(refused, string(rune('0'+i)))
					if !strings.Contains(why, "another patient than those of \""+c.than+"\"") {
						t.Errorf("refused: %s", why)
					}
				}
			}
			if got := strings.Join(refused, " "); got != c.refused || len(ps) != len(refused) {
				t.Errorf("refused %q, want %q: %v", got, c.refused, ps)
			}
		})
	}
}

// Without a manifest, DICOM tells the person and the days; two persons in one folder
// are nobody's series.
func TestGuessFromDICOM(t *testing.T) {
	root := write(t, map[string]string{
		"x/b.dcm": dicomPhoto(t, "P7", "20260110"), "x/a.dcm": dicomPhoto(t, "P7", "20260209"),
		"y/a.dcm": dicomPhoto(t, "P8", "20260110"), "y/b.dcm": dicomPhoto(t, "P9", "20260209"),
	})
	s, ps := load(t, root)
	wantProblems(t, root, ps, `photos "a.dcm" and "b.dcm" are of different patients, by their DICOM tags; expected a folder for each person`)
	if ids(s) != "P7" {
		t.Fatalf("kept %q, want P7", ids(s))
	}
	var got []string
	for _, x := range s.Subjects[0].Sessions {
		got = append(got, x.Date.String()+" "+x.Photos[0].File)
	}
	if want := "2026-01-10 b.dcm, 2026-02-09 a.dcm"; strings.Join(got, ", ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}
