package export

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/internal/dicom"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// aligned is an aligned picture with what a picture must not bring along.
func aligned(t *testing.T, name string) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 320, 401))
	for y := range 401 {
		for x := range 320 {
			m.SetRGBA(x, y, color.RGBA{uint8(x), uint8(y), uint8(len(name)), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	d := b.Bytes()
	secret := "Exif\x00\x00Jane Doe, 2026-01-10"
	segment := append([]byte{0xff, 0xe1, 0, byte(len(secret) + 2)}, secret...)
	return append(slices.Concat(d[:2], segment, d[2:]), "Jane Doe behind the end"...)
}

func exportDICOM(t *testing.T, dir string, key *Key) {
	t.Helper()
	w, err := Create(dir, key, Options{AsOf: asOf, Version: "0.1.0", Formats: []Format{DICOM}, Picture: func(subject, name string) ([]byte, error) {
		if subject != "Jane Doe" {
			return nil, fmt.Errorf("asked for %q", subject)
		}
		return aligned(t, name), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := sample("Jane Doe")
	for i := range s.Series[0].Visits {
		s.Series[0].Visits[i].Pictures = map[string]string{"aligned": fmt.Sprintf("aligned/front-%d.jpg", i)}
	}
	s.Series[0].PictureMMPerPx = 0.08
	if err := w.Add(s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDICOM: the pictures and the results of a person, without a name or a date,
// the same bytes each time, and objects that the tools of others accept.
func TestDICOM(t *testing.T) {
	key := NewKey()
	dir, again := t.TempDir(), t.TempDir()
	exportDICOM(t, dir, key)
	exportDICOM(t, again, key)
	if !IsExport(dir) {
		t.Error("the folder is not known as an export")
	}
	files, err := filepath.Glob(filepath.Join(dir, "dicom", "*.dcm"))
	if err != nil || len(files) != 4 {
		t.Fatalf("%q, %v: want three pictures and a report", files, err)
	}
	uids := map[string]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if other, err := os.ReadFile(filepath.Join(again, "dicom", filepath.Base(file))); err != nil || !bytes.Equal(other, data) {
			t.Errorf("%s differs in a second export", filepath.Base(file))
		}
		if bytes.Contains(data, []byte("Jane")) || regexp.MustCompile(`2026-?0[125]-?(10|09)`).Match(data) {
			t.Errorf("%s names the person or a day", filepath.Base(file))
		}
		f, err := dicom.Read(data)
		if err != nil {
			t.Fatal(err)
		}
		if f.Text(dicom.PatientID) != key.Code("Jane Doe") || f.Text(dicom.PatientIdentityRemoved) != "YES" || f.Text(dicom.DeidentificationMethod) == "" {
			t.Errorf("%s: patient %q", file, f.Text(dicom.PatientID))
		}
		uids[f.Text(dicom.SOPInstanceUID)] = true
		if !strings.HasSuffix(file, "-report.dcm") {
			if _, err := jpeg.Decode(bytes.NewReader(f.Pixels[0])); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		for name, check := range map[string]func(*testing.T, string){"dciodvfy": dciodvfy, "dcmdump": dcmdump, "dcm2xml": dcm2xml} {
			t.Run(filepath.Base(file)[13:]+" "+name, func(t *testing.T) { check(t, file) })
		}
	}
	if len(uids) != len(files) {
		t.Errorf("%d objects have %d identifiers", len(files), len(uids))
	}
}

func outside(t *testing.T, pkg, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("no %s (package %s)", name, pkg)
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
	return string(out)
}

func dciodvfy(t *testing.T, file string) {
	if out := outside(t, "dicom3tools", "dciodvfy", file); strings.Contains(out, "Error") {
		t.Error(out)
	} else {
		t.Log(out)
	}
}

func dcm2xml(t *testing.T, file string) {
	if out := outside(t, "dcmtk", "dcm2xml", file); !strings.Contains(out, "PatientIdentityRemoved") {
		t.Error(out)
	}
}

func dcmdump(t *testing.T, file string) {
	out := outside(t, "dcmtk", "dcmdump", file)
	if strings.Contains(out, "W:") || strings.Contains(out, "E:") {
		t.Error(out)
	}
}

// TestDocument: what dcm2pdf takes out is what went in, byte for byte, also where DICOM
// asks for a byte more.
func TestDocument(t *testing.T) {
	s := &dicomSink{dir: t.TempDir()}
	doc, err := resultsPDF(&person{code: "d1", Subject: result.Subject{ID: "Jane Doe", Version: "0.1.0"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, doc := range [][]byte{doc, append(slices.Clone(doc), '\n')} { // one of them of an odd length
		name := fmt.Sprintf("%d.dcm", i)
		if err := s.file(name, dicom.ExplicitLE, s.document(&person{code: "d1"}, 1, doc)); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(s.dir, "out.pdf")
		outside(t, "dcmtk", "dcm2pdf", filepath.Join(s.dir, name), out)
		if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, doc) {
			t.Errorf("%d bytes came out, %d went in: %v", len(got), len(doc), err)
		}
	}
}

// TestBareJPEG: the pixels stay, all else goes.
func TestBareJPEG(t *testing.T) {
	data := aligned(t, "x")
	bare, err := bareJPEG(data)
	if err != nil {
		t.Fatal(err)
	}
	a, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	b, err := jpeg.Decode(bytes.NewReader(bare))
	if err != nil || !bytes.Equal(a.(*image.YCbCr).Y, b.(*image.YCbCr).Y) || !bytes.Equal(a.(*image.YCbCr).Cr, b.(*image.YCbCr).Cr) {
		t.Errorf("the pixels changed: %v", err)
	}
	if bytes.Contains(bare, []byte("Jane")) {
		t.Error("the name is still there")
	}
	for n := range 2000 {
		if _, err := bareJPEG(data[:n]); err == nil {
			t.Fatalf("the first %d bytes are a whole JPEG", n)
		}
	}
}
