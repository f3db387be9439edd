package photo

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// scene is 320 x 240, red at the top left, green at the top right, blue at the
// bottom left and gray at the bottom right.
func scene() *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 320, 240))
	c := [2][2]color.RGBA{{{220, 40, 40, 255}, {40, 200, 40, 255}}, {{50, 50, 220, 255}, {120, 120, 120, 255}}}
	for y := range 240 {
		for x := range 320 {
			m.SetRGBA(x, y, c[y/120][x/160])
		}
	}
	return m
}

func jpegOf(t testing.TB, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withSegment puts a marker segment behind the start of a JPEG.
func withSegment(data []byte, marker byte, payload string) []byte {
	out := append([]byte{}, data[:2]...)
	n := len(payload) + 2
	out = append(out, 0xff, marker, byte(n>>8), byte(n))
	out = append(out, payload...)
	return append(out, data[2:]...)
}

// exif is a big-endian EXIF payload with one directory: orientation, and where it
// is not empty the camera's model.
func exif(orientation uint16, model string) string {
	b := []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08")
	n := uint16(1)
	if model != "" {
		n++
	}
	b = binary.BigEndian.AppendUint16(b, n)
	if model != "" { // tag 272, ASCII, behind the directory
		b = append(b, 0x01, 0x10, 0, 2)
		b = binary.BigEndian.AppendUint32(b, uint32(len(model)+1))
		b = binary.BigEndian.AppendUint32(b, 8+2+2*12+4)
	}
	b = append(b, 0x01, 0x12, 0, 3, 0, 0, 0, 1) // tag 274, SHORT
	b = binary.BigEndian.AppendUint16(b, orientation)
	b = append(b, 0, 0, 0, 0, 0, 0)
	if model != "" {
		b = append(b, model...)
		b = append(b, 0)
	}
	return string(b)
}

// pngHeader is a PNG that claims a size and holds nothing else.
func pngHeader(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	chunk := []byte("IHDR")
	chunk = binary.BigEndian.AppendUint32(chunk, w)
	chunk = binary.BigEndian.AppendUint32(chunk, h)
	chunk = append(chunk, 8, 2, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, 13)
	b = append(b, chunk...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(chunk))
}

// jpegHeader is the start of a JPEG with a frame header of a size.
func jpegHeader(w, h uint16) []byte {
	b := []byte{0xff, 0xd8, 0xff, 0xc0, 0, 17, 8}
	b = binary.BigEndian.AppendUint16(b, h)
	b = binary.BigEndian.AppendUint16(b, w)
	return append(b, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1, 0xff, 0xda, 0, 2, 1, 2, 3, 0xff, 0xd9)
}

// TestBadInput asks for a refusal that says what is wrong.
func TestBadInput(t *testing.T) {
	good, goodPNG := jpegOf(t, scene(), 90), pngOf(t, scene())
	// A preview inside the file ends with an end-of-image marker of its own.
	withPreview := withSegment(good, 0xe5, string(jpegOf(t, image.NewGray(image.Rect(0, 0, 40, 30)), 50)))
	behind := func(i int, s string) []byte {
		return append(bytes.Repeat([]byte{0}, i), s+strings.Repeat("\x00", 300)...)
	}
	cases := []struct {
		name string
		data []byte
		want string // part of the refusal
	}{
		{"empty", nil, "empty"},
		{"text", []byte("Dear doctor, here is my photo."), "not a photo"},
		{"avif", behind(4, "ftypavif"), "AVIF"},
		{"heic of another maker", behind(4, "ftypmif1"), "HEIC"},
		{"tiff little endian", behind(0, "II*\x00"), "TIFF"},
		{"tiff big endian", behind(0, "MM\x00*"), "TIFF"},
		{"dicom", behind(128, "DICM"), "DICOM"},
		{"webp", append([]byte("RIFF\x00\x00\x00\x00"), behind(0, "WEBPVP8 ")...), "WebP"},
		{"gif", behind(0, "GIF89a"), "GIF"},
		{"bmp", behind(0, "BM"), "BMP"},
		{"jpeg magic only", []byte("\xff\xd8\xff"), "header"},
		{"png magic only", []byte("\x89PNG\r\n\x1a\n"), "header"},
		// The files end behind their header: that the size is named shows that nothing
		// was decoded to find it.
		{"png of 60000 x 60000", pngHeader(60000, 60000), "60000 x 60000"},
		{"png of 31000 x 31000", pngHeader(31000, 31000), "31000 x 31000"},
		{"png of 40000 x 300", pngHeader(40000, 300), "40000 x 300"},
		{"jpeg of 65000 x 65000", jpegHeader(65000, 65000), "65000 x 65000"},
		{"one pixel", pngOf(t, image.NewGray(image.Rect(0, 0, 1, 1))), "1 x 1"},
		{"one pixel jpeg", jpegOf(t, image.NewGray(image.Rect(0, 0, 1, 1)), 90), "1 x 1"},
		{"one pixel high", pngOf(t, image.NewGray(image.Rect(0, 0, 900, 1))), "900 x 1"},
		{"just too small", pngOf(t, image.NewGray(image.Rect(0, 0, 239, 400))), "239 x 400"},
		{"jpeg cut behind its preview", withPreview[:len(withPreview)-900], "cut off"},
		{"png cut in the last chunk", goodPNG[:len(goodPNG)-6], "cut off"},
		{"png cut in the middle", goodPNG[:len(goodPNG)/2], "cut off"},
		{"png with the end but broken data", append(append([]byte{}, goodPNG[:60]...), append(bytes.Repeat([]byte{0xaa}, len(goodPNG)-72), goodPNG[len(goodPNG)-12:]...)...), ""},
	}
	for _, part := range []float64{0.3, 0.5, 0.75, 0.9, 0.99} {
		n := int(part * float64(len(good)))
		cases = append(cases, struct {
			name string
			data []byte
			want string
		}{fmt.Sprintf("jpeg cut at %.0f %%", 100*part), good[:n], ""})
	}
	cases = append(cases, struct {
		name string
		data []byte
		want string
	}{"jpeg without its last byte", good[:len(good)-1], "cut off"})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := Decode(c.data)
			if err == nil || p != nil {
				t.Fatalf("%v, %v: want a refusal", p, err)
			}
			if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q, want a refusal that says %q", err, c.want)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.jpg"):   "missing",
		dir:                              "not a regular file",
		put("empty.jpg", nil):            "empty",
		put("text.jpg", []byte("hello")): "not a photo",
		filepath.Join(put("file", []byte("x")), "below"):        "cannot be opened",
		put("cut.jpg", jpegOf(t, scene(), 90)[:2000]):           "cut off",
		put("ein Foto mit Ä.jpg", pngHeader(60000, 60000)[:33]): "60000 x 60000",
	} {
		_, err := Load(path)
		if err == nil || !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a refusal that says %q", path, err, want)
		} else if strings.Contains(err.Error(), dir) {
			t.Errorf("%q names the file, which the caller does", err)
		}
	}
	data := pngOf(t, scene())
	p, err := Load(put("Gesicht ä (1).jpg", data)) // the name does not decide
	if err != nil {
		t.Fatal(err)
	}
	if p.RGB.W != 320 || p.RGB.H != 240 || p.Bytes != len(data) || !math.IsNaN(p.Quality) || p.Format != "PNG" || p.NoColour != "" {
		t.Errorf("%dx%d, %d bytes, quality %v, profile %q", p.RGB.W, p.RGB.H, p.Bytes, p.Quality, p.Profile)
	}
	if want := fmt.Sprintf("%x", sha256.Sum256(data)); p.SHA256 != want {
		t.Errorf("hash %s, want %s", p.SHA256, want)
	}
}

// TestTrailer: what follows the end of a JPEG (a motion photo) does not matter.
func TestTrailer(t *testing.T) {
	if _, err := Decode(append(jpegOf(t, scene(), 90), "MotionPhoto_Data\xff\xd8"...)); err != nil {
		t.Error(err)
	}
}

// TestKinds: gray, alpha and 16 bits become 8-bit RGB.
func TestKinds(t *testing.T) {
	gray := image.NewGray(image.Rect(0, 0, 250, 250))
	deep := image.NewRGBA64(image.Rect(0, 0, 250, 250))
	clear := image.NewNRGBA(image.Rect(0, 0, 250, 250))
	for y := range 250 {
		for x := range 250 {
			gray.SetGray(x, y, color.Gray{Y: 90})
			deep.SetRGBA64(x, y, color.RGBA64{R: 90 << 8, G: 90 << 8, B: 90 << 8, A: 0xffff})
			clear.SetNRGBA(x, y, color.NRGBA{90, 90, 90, 255})
		}
	}
	for name, m := range map[string]image.Image{"gray": gray, "16 bit": deep, "alpha": clear} {
		p, err := Decode(pngOf(t, m))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for k := range 3 {
			if v := p.RGB.Pix[3*1000+k]; v != 90 {
				t.Errorf("%s: channel %d is %d, want 90", name, k, v)
			}
		}
	}
}

// TestOrientation stores the scene turned as a camera would and asks for it the
// right way up.
func TestOrientation(t *testing.T) {
	upright := scene()
	for o := uint16(1); o <= 8; o++ {
		// The stored picture: which scene pixel its (x, y) shows, from the meaning of
		// the tag (0th row and 0th column are ...).
		w, h := 320, 240
		if o >= 5 {
			w, h = h, w
		}
		stored := image.NewRGBA(image.Rect(0, 0, w, h))
		for y := range h {
			for x := range w {
				var sx, sy int
				switch o {
				case 1: // top, left
					sx, sy = x, y
				case 2: // top, right
					sx, sy = 319-x, y
				case 3: // bottom, right
					sx, sy = 319-x, 239-y
				case 4: // bottom, left
					sx, sy = x, 239-y
				case 5: // left, top
					sx, sy = y, x
				case 6: // right, top
					sx, sy = 319-y, x
				case 7: // right, bottom
					sx, sy = 319-y, 239-x
				case 8: // left, bottom
					sx, sy = y, 239-x
				}
				stored.SetRGBA(x, y, upright.RGBAAt(sx, sy))
			}
		}
		p, err := Decode(withSegment(jpegOf(t, stored, 95), 0xe1, exif(o, "Cam 1")))
		if err != nil {
			t.Fatal(o, err)
		}
		if p.Meta.Orientation != int(o) {
			t.Errorf("orientation %d: read %+v", o, p.Meta)
		}
		if p.RGB.W != 320 || p.RGB.H != 240 {
			t.Errorf("orientation %d: %dx%d", o, p.RGB.W, p.RGB.H)
			continue
		}
		for _, at := range [][2]int{{40, 30}, {280, 30}, {40, 200}, {280, 200}} {
			want := upright.RGBAAt(at[0], at[1])
			got := p.RGB.Pix[3*(at[1]*320+at[0]):]
			for k, v := range []uint8{want.R, want.G, want.B} {
				if math.Abs(float64(got[k])-float64(v)) > 6 {
					t.Errorf("orientation %d at %v: %v, want %v", o, at, got[:3], want)
					break
				}
			}
		}
	}
	// What the tag does not define is taken for upright.
	for _, o := range []uint16{0, 9, 65535} {
		p, err := Decode(withSegment(jpegOf(t, upright, 95), 0xe1, exif(o, "")))
		if err != nil || p.Meta.Orientation != 1 || p.RGB.W != 320 {
			t.Errorf("orientation %d: %v", o, err)
		}
	}
	// Broken EXIF costs the metadata only.
	p, err := Decode(withSegment(jpegOf(t, upright, 95), 0xe1, "Exif\x00\x00MM\x00*\xff\xff\xff\xff\x00\x09"))
	if err != nil || p.Meta != (Meta{Orientation: 1}) {
		t.Errorf("broken EXIF: %+v, %v", p, err)
	}
}

func TestJPEGQuality(t *testing.T) {
	for _, q := range []int{30, 50, 75, 90, 95, 100} {
		if got := JPEGQuality(jpegOf(t, scene(), q)); math.Abs(got-float64(q)) > 2 {
			t.Errorf("quality %d read as %v", q, got)
		}
	}
	// OpenCV writes with libjpeg, another encoder with the same scale.
	p := cv.NewRGB(320, 240)
	data, err := cv.EncodeJPEG(p, 80)
	if err != nil {
		t.Fatal(err)
	}
	if got := JPEGQuality(data); math.Abs(got-80) > 2 {
		t.Errorf("libjpeg's quality 80 read as %v", got)
	}
	// A table of 16 bits (precision 1).
	table := []byte{0x10}
	for range 64 {
		table = append(table, 0, 58) // mean of Annex K: quality about 50
	}
	data = withSegment([]byte{0xff, 0xd8, 0xff, 0xd9}, 0xdb, string(table))
	if got := JPEGQuality(data); math.Abs(got-50) > 1 {
		t.Errorf("table of 16 bits read as %v, want 50", got)
	}
	for _, d := range [][]byte{nil, {0xff}, {0xff, 0xd8, 0xff, 0xd9}, pngOf(t, scene()), data[:40]} {
		if got := JPEGQuality(d); !math.IsNaN(got) {
			t.Errorf("%d bytes without a table have quality %v", len(d), got)
		}
	}
}

// TestLinear has values of IEC 61966-2-1.
func TestLinear(t *testing.T) {
	for v, want := range map[int]float64{0: 0, 10: 10 / 255.0 / 12.92, 11: 0.0033465, 128: 0.2158605, 188: 0.5028865, 255: 1} {
		if got := float64(Linear[v]); math.Abs(got-want) > 2e-6 {
			t.Errorf("%d is %v, want %v", v, got, want)
		}
	}
}

// FuzzWalk walks the pure Go parts of the decoder over broken files: no panic, no
// endless loop, and nothing out of range.
func FuzzWalk(f *testing.F) {
	good := jpegOf(f, image.NewGray(image.Rect(0, 0, 16, 16)), 80)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(withSegment(good, 0xe2, "ICC_PROFILE\x00\x01\x01"+strings.Repeat("profile", 30)))
	f.Add(withSegment(good, 0xe1, exif(6, "Camera")))
	f.Add(pngOf(f, image.NewGray(image.Rect(0, 0, 8, 8))))
	f.Add(pngHeader(1<<31, 1<<31))
	f.Add([]byte("\xff\xd8\xff\xdb\x00\x43\x10"))
	f.Add([]byte("\xff\xd8\xff\xff\xff\xff"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		if completeJPEG(data) && len(data) < 4 {
			t.Errorf("%x is a complete JPEG", data)
		}
		if profile, complete := pngChunks(data); complete && !bytes.Contains(data, []byte("IEND")) || len(profile) > len(data) {
			t.Errorf("%x: complete %v, profile of %d bytes", data, complete, len(profile))
		} else if profile != nil {
			pngICC(profile)
		}
		if q := JPEGQuality(data); !math.IsNaN(q) && !(q >= 1 && q <= 100) {
			t.Errorf("quality %v", q)
		}
		if b, err := jpegICC(data); err == nil && len(b) > len(data) {
			t.Errorf("a profile of %d bytes in a file of %d", len(b), len(data))
		}
		if b, err := tiffICC(data); err == nil && len(b) > len(data) {
			t.Errorf("a profile of %d bytes in a file of %d", len(b), len(data))
		}
		parts, _ := riff(data)
		for _, c := range parts {
			if m, err := firstFrame(c.data); (err == nil) == (m == nil) {
				t.Errorf("frame %x: %x, %v", c.data, m, err)
			}
		}
	})
}
