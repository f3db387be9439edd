package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
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
// may leave, and asks exiftool for what is left of it.
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
	allowed := []string{"SourceFile", "ExifTool:ExifToolVersion", "Composite:ImageSize", "Composite:Megapixels",
		"PNG:ImageWidth", "PNG:ImageHeight", "PNG:BitDepth", "PNG:ColorType", "PNG:Compression", "PNG:Filter", "PNG:Interlace",
		"PDF:PDFVersion", "PDF:Linearized", "PDF:PageCount", "PDF:Language", "PDF:TaggedPDF",
		"HTML:HTTPEquivContentSecurityPolicy", "HTML:Viewport", "HTML:Referrer", "HTML:Title"}
	for _, level := range []consent.Level{consent.LevelZone, consent.LevelFullFace} {
		o := handOutOptions(t, st, filepath.Join(t.TempDir(), "d"))
		o.Level, o.PDF = level, CanPrint() == nil
		if _, err := HandOut(t.Context(), out, o); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(o.Dir, "*", "*"))
		check(t, err)
		if want := map[bool]int{false: 3, true: 4}[o.PDF]; len(files) != want {
			t.Fatal(files)
		}
		read, err := exec.Command(tool, append([]string{"-j", "-G", "-a", "-u", "-U", "-ee"}, files...)...).Output()
		check(t, err)
		var fields []map[string]any
		check(t, json.Unmarshal(read, &fields))
		for _, f := range fields {
			for name, value := range f {
				if !slices.Contains(allowed, name) && !strings.HasPrefix(name, "File:") {
					t.Errorf("%s: %s is %v", level, name, value)
				}
				if name == "HTML:Title" && value != filepath.Base(filepath.Dir(files[0])) {
					t.Errorf("title %v", value)
				}
				if strings.HasPrefix(name, "File:") && strings.Contains(fmt.Sprint(value), "Roe") {
					t.Errorf("%s: %s is %v", level, name, value)
				}
			}
		}
	}
}
