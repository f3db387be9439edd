package pipeline

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/consent"
)

// The pixels of every level are those of the aligned picture, or covered.
func TestLevelsShowWhatTheySay(t *testing.T) {
	st, out := handOutStudy(t, signed(t, consent.Scopes...))
	grey := color.NRGBA{118, 118, 118, 255}
	for level, shows := range map[consent.Level]func(p image.Point) bool{
		consent.LevelZone:        func(p image.Point) bool { return p.In(cheek) },
		consent.LevelHalfFace:    func(p image.Point) bool { return p.X >= 65 },
		consent.LevelCoveredEyes: func(p image.Point) bool { return p.Y < 67-22 || p.Y >= 67+15 }, // 50 px between the pupils, 67 px down
		consent.LevelFullFace:    func(image.Point) bool { return true },
	} {
		o := handOutOptions(t, st, filepath.Join(t.TempDir(), "d"))
		o.Level = level
		if _, err := HandOut(t.Context(), out, o); err != nil {
			t.Fatal(level, err)
		}
		for name, data := range folder(t, o.Dir) {
			k, isPicture := map[string]int{"000.png": 0, "092.png": 1}[name[max(0, len(name)-7):]]
			if !isPicture {
				if said := strings.Contains(data, "Identifiable"); said != (level != consent.LevelZone) {
					t.Errorf("%s: the page says identifiable: %t", level, said)
				}
				if level == consent.LevelCoveredEyes && !strings.Contains(data, "55 % were still recognised") {
					t.Errorf("%s: the page does not say what a bar is worth", level)
				}
				continue
			}
			b, err := os.ReadFile(filepath.Join(out, "P00", "aligned", fmt.Sprintf("front-%02d-s%d.jpg", k+1, k)))
			check(t, err)
			aligned, err := jpeg.Decode(bytes.NewReader(b))
			check(t, err)
			got, err := png.Decode(strings.NewReader(data))
			check(t, err)
			at := image.Point{}
			if level == consent.LevelZone {
				at = cheek.Min
			}
			if level == consent.LevelZone && got.Bounds().Size() != cheek.Size() || level != consent.LevelZone && got.Bounds() != aligned.Bounds() {
				t.Fatalf("%s: size %v", level, got.Bounds())
			}
			for y := range got.Bounds().Dy() {
				for x := range got.Bounds().Dx() {
					p := image.Pt(x, y).Add(at)
					want := color.Color(grey)
					if shows(p) {
						want = color.NRGBAModel.Convert(aligned.At(p.X, p.Y))
					}
					if c := color.NRGBAModel.Convert(got.At(x, y)); c != want {
						t.Fatalf("%s, %v: %v, want %v", level, p, c, want)
					}
				}
			}
		}
	}
}

// TestNoMetadata fills the results' pictures with all that a camera or a program
// may leave, and asks exiftool for what is left of it in the files of every audience,
// and in the pictures within their pages and PDFs.
func TestNoMetadata(t *testing.T) {
	tool, err := exec.LookPath("exiftool")
	if err != nil {
		t.Skip("no exiftool on this machine (package libimage-exiftool-perl)")
	}
	st, out := handOutStudy(t, signed(t, consent.Scopes...))
	pictures, err := filepath.Glob(filepath.Join(out, "P00", "aligned", "*.jpg"))
	check(t, err)
	if msg, err := exec.Command(tool, append([]string{"-q", "-overwrite_original", "-Artist=Jane Roe", "-GPSLatitude=51.5", "-GPSLatitudeRef=N", "-SerialNumber=4711", "-DateTimeOriginal=2026:01:10 10:00:00",
		"-XMP:Creator=Jane Roe", "-Comment=Jane Roe", "-IPTC:By-line=Jane Roe", "-ThumbnailImage<=" + pictures[0]}, pictures...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	home := t.TempDir()
	inside := filepath.Join(home, "inside")
	check(t, os.Mkdir(inside, 0o700))
	var files []string
	for _, q := range []consent.Request{
		{Audience: consent.ForPatient},
		{Audience: consent.ForPublication, Level: consent.LevelZone, Zone: "cheek_left"},
		{Audience: consent.ForTeaching, Level: consent.LevelFullFace, Zone: "cheek_left"},
	} {
		o := handOutOptions(t, st, filepath.Join(home, string(q.Audience)))
		o.Audience, o.Level, o.Zone, o.PDF = q.Audience, q.Level, q.Zone, CanPrint() == nil
		o.On, o.ReviewedOn = date(t, "2026-07-01"), date(t, "2026-07-01")
		if _, err := HandOut(t.Context(), out, o); err != nil {
			t.Fatal(err)
		}
		found, err := filepath.Glob(filepath.Join(o.Dir, "*", "*"))
		check(t, err)
		want := 3
		if q.Audience == consent.ForPatient {
			want = 1 // its pictures are in the page
		}
		if o.PDF {
			want++
		}
		if len(found) != want {
			t.Fatal(found)
		}
		files = append(files, found...)
		for _, name := range found {
			takeOut(t, name, filepath.Join(inside, string(q.Audience)))
		}
	}
	taken, err := filepath.Glob(filepath.Join(inside, "*.[jp]*g")) // a picture without a file of its own in a PDF is a bitmap
	check(t, err)
	if len(taken) < 6 {
		t.Errorf("in pages and PDFs are only %v", taken)
	}
	files = append(files, taken...)
	read, err := exec.Command(tool, append([]string{"-j", "-G", "-a", "-u", "-U", "-ee"}, files...)...).Output()
	check(t, err)
	var fields []map[string]any
	check(t, json.Unmarshal(read, &fields))
	if len(fields) != len(files) {
		t.Errorf("exiftool read %d of %d files", len(fields), len(files))
	}
	allowed := []string{"SourceFile", "ExifTool:ExifToolVersion", "Composite:ImageSize", "Composite:Megapixels",
		"PNG:ImageWidth", "PNG:ImageHeight", "PNG:BitDepth", "PNG:ColorType", "PNG:Compression", "PNG:Filter", "PNG:Interlace",
		"PDF:PDFVersion", "PDF:Linearized", "PDF:PageCount", "PDF:Language", "PDF:TaggedPDF",
		"HTML:HTTPEquivContentSecurityPolicy", "HTML:Viewport", "HTML:Referrer", "HTML:Title"}
	for _, f := range fields {
		source := fmt.Sprint(f["SourceFile"])
		for name, value := range f {
			if !slices.Contains(allowed, name) && !strings.HasPrefix(name, "File:") || name == "File:Comment" {
				t.Errorf("%s: %s is %v", source, name, value)
			}
			if strings.Contains(fmt.Sprint(value), "Roe") {
				t.Errorf("%s: %s is %v", source, name, value)
			}
			if folder := filepath.Dir(source); name == "HTML:Title" && !strings.Contains(folder, string(consent.ForPatient)) && value != filepath.Base(folder) {
				t.Errorf("%s: title %v", source, value)
			}
		}
	}
}

// takeOut writes the pictures within a page or PDF, as they are there, into files whose
// names begin with to.
func takeOut(t *testing.T, name, to string) {
	t.Helper()
	switch filepath.Ext(name) {
	case ".html":
		page, err := os.ReadFile(name)
		check(t, err)
		for k, m := range regexp.MustCompile(`data:image/(png|jpeg);base64,([A-Za-z0-9+/=]+)`).FindAllSubmatch(page, -1) {
			data, err := base64.StdEncoding.DecodeString(string(m[2]))
			check(t, err, os.WriteFile(fmt.Sprintf("%s-html-%d.%s", to, k, m[1]), data, 0o600))
		}
	case ".pdf":
		if reader, err := exec.LookPath("pdfimages"); err != nil {
			t.Log("pictures in PDFs are not looked at: no pdfimages on this machine (package poppler-utils)")
		} else if msg, err := exec.Command(reader, "-j", name, to+"-pdf").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, msg)
		}
	}
}
