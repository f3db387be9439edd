package photo

import (
	"errors"
	"image"
	"math"
	"strings"
	"testing"

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
