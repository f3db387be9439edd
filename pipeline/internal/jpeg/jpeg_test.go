package jpeg

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
	"testing"
)

// waves is a picture of which no two blocks are the same, as a file.
func waves(t testing.TB, w, h int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{uint8(x * y), uint8(3 * x), uint8(7 * y), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestDamaged: libjpeg fills with grey what it cannot read, and says so only as a
// warning; grey skin must not be measured.
func TestDamaged(t *testing.T) {
	const w, h = 320, 240
	good := waves(t, w, h)
	rgb := make([]byte, 3*w*h)
	if err := Decode(rgb, w, h, good); err != nil {
		t.Fatal(err)
	}
	scan := bytes.Index(good, []byte{0xff, 0xda})
	head := good[:scan+14] // with the scan's own header
	stray := append(append(append([]byte{}, good[:len(good)-2]...), 0, 0, 0), 0xff, 0xd9)
	if err := Decode(rgb, w, h, stray); err != nil {
		t.Errorf("zeros before the end: %v", err)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"the middle is missing": {append(append([]byte{}, good[:len(good)/2]...), 0xff, 0xd9), "premature end"},
		"no pixels":             {append(append([]byte{}, head...), 0xff, 0xd9), "premature end"},
		"cut off":               {good[:len(good)/2], "Premature end"},
		"another size":          {waves(t, w, h+8), "320 x 248"},
		"not one":               {[]byte("not one"), "Not a JPEG"},
	} {
		if err := Decode(rgb, w, h, c.data); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if err := Decode(rgb[1:], w, h, good); !errors.Is(err, ErrFormat) {
		t.Errorf("a buffer that is too small: %v", err)
	}
	if err := Decode(rgb, w, h, inScans(t, w, h, MaxScans)); err != nil {
		t.Errorf("%d scans: %v", MaxScans, err)
	}
	if err := Decode(rgb, w, h, inScans(t, w, h, MaxScans+3)); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "scans") {
		t.Errorf("a bomb of scans: %v", err)
	}
}

// inScans is a file whose channels come one by one, again and again: so many scans.
func inScans(t *testing.T, w, h, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil); err != nil {
		t.Fatal(err)
	}
	grey := b.Bytes()
	frame, scan := bytes.Index(grey, []byte{0xff, 0xc0}), bytes.Index(grey, []byte{0xff, 0xda})
	head, codes := 2+int(grey[frame+3]), grey[scan+2+int(grey[scan+3]):len(grey)-2]
	out := append([]byte{}, grey[:frame]...)
	out = append(out, 0xff, 0xc0, 0, 17, 8, byte(h>>8), byte(h), byte(w>>8), byte(w), 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0)
	out = append(out, grey[frame+head:scan]...)
	for i := range n {
		out = append(out, 0xff, 0xda, 0, 8, 1, byte(i%3+1), 0, 0, 63, 0)
		out = append(out, codes...)
	}
	return append(out, 0xff, 0xd9)
}
