package photo

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"os/exec"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/internal/heif"
	"github.com/dermatrend/dermatrend/pipeline/internal/icc"
)

// heicBoxes is a file of whole boxes with nothing in them.
func heicBoxes() []byte {
	return []byte("\x00\x00\x00\x14ftypheic\x00\x00\x00\x00mif1\x00\x00\x00\x0cmeta\x00\x00\x00\x00\x00\x00\x00\x08mdat")
}

// heicOf has libheif's own program write a picture.
func heicOf(t *testing.T, file []byte, args ...string) []byte {
	t.Helper()
	if heif.Version() == "" {
		t.Skip("no libheif (package libheif1)")
	}
	// It knows the kind of a picture by its name.
	return tool(t, "libheif-examples", file, "sh", append([]string{"-c",
		`command -v heif-enc >/dev/null || { touch out; exit; }; mv in in.png; heif-enc -p preset=ultrafast "$@" in.png -o out.heic >/dev/null && mv out.heic out`, "sh"}, args...)...)
}

func TestHEIC(t *testing.T) {
	m := noisy(321, 242)
	file := heicOf(t, pngOf(t, m), "-q", "97", "-p", "chroma=444")
	if len(file) == 0 {
		t.Skip("no heif-enc (package libheif-examples)")
	}
	p, err := Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if mean, _ := far(t, p.RGB, rgbOf(m)); mean > 3 || p.Format != "HEIC" || p.NoColour != "" {
		t.Errorf("off by %.1f on average, %s, %q", mean, p.Format, p.NoColour)
	}
	// One colour of Display P3, as phones write it.
	flat := image.NewNRGBA(image.Rect(0, 0, 320, 256))
	for i := 0; i < len(flat.Pix); i += 4 {
		copy(flat.Pix[i:], []byte{212, 60, 45, 255})
	}
	p3, err := icc.Make(icc.DisplayP3)
	if err != nil {
		t.Fatal(err)
	}
	p, err = Decode(heicOf(t, withICCP(t, pngOf(t, flat), p3), "-q", "97"))
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range []float64{230, 40, 30} {
		if got := float64(p.RGB.Pix[3*(320*100+100)+k]); p.Profile != "" && math.Abs(got-want) > 4 {
			t.Errorf("Display P3: channel %d is %v, want %v", k, got, want)
		}
	}
	if p.Profile == "" {
		t.Log("this heif-enc does not keep profiles")
	}
	// Broken files.
	half := file[:len(file)/2]
	wrong := append([]byte{}, file...)
	wrong[0], wrong[1] = 0x7f, 0xff
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"half": {half, "of which there are"}, "a wrong length": {wrong, `box "ftyp" at byte 0 claims`}, "without contents": {heicBoxes(), "HEIC"},
		"too small": {heicOf(t, pngOf(t, noisy(128, 128))), "128 x 128"},
	} {
		if p, err := Decode(c.data); p != nil || !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a refusal that says %q", name, err, c.want)
		}
	}
}

// TestHEICTurned: libheif turns, EXIF does not turn once more. The file says both, as
// phones do: here a rotation property by its one byte, found by its name.
func TestHEICTurned(t *testing.T) {
	if _, err := exec.LookPath("exiftool"); err != nil {
		t.Skip("no exiftool (package libimage-exiftool-perl)")
	}
	m := image.NewNRGBA(image.Rect(0, 0, 400, 300))
	for y := range 300 {
		for x := range 400 {
			c := color.NRGBA{200, 60, 60, 255} // left: red
			if x >= 200 {
				c = color.NRGBA{60, 60, 200, 255}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	turn := exec.Command("exiftool", "-EXIF:Orientation#=6", "-")
	turn.Stdin = &b
	turned, err := turn.Output()
	if err != nil {
		t.Fatal(err)
	}
	file := heicOf(t, turned, "-q", "90")
	if len(file) == 0 {
		t.Skip("no heif-enc (package libheif-examples)")
	}
	p, err := Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	red := func(p cv.RGB, x, y int) bool { i := 3 * (y*p.W + x); return p.Pix[i] > p.Pix[i+2] }
	if bytes.Contains(file, []byte("irot")) {
		if p.RGB.W != 300 || p.RGB.H != 400 || !red(p.RGB, 150, 50) || red(p.RGB, 150, 350) { // what was left is up
			t.Errorf("%d x %d, red above: %v", p.RGB.W, p.RGB.H, red(p.RGB, 150, 50))
		}
	} else if p.RGB.W != 400 || !red(p.RGB, 50, 150) {
		t.Errorf("EXIF has turned it: %d x %d", p.RGB.W, p.RGB.H)
	}
	t.Logf("the file has a rotation of its own: %v", bytes.Contains(file, []byte("irot")))
}
