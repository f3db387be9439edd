package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/tiff"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/internal/icc"
)

// tool runs a program over files in a folder of its own: in is its file "in", the
// result what it leaves as "out".
func tool(t testing.TB, pkg string, in []byte, name string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("no %s (package %s)", name, pkg)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "in"), in, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	out, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// noisy is a scene that no codec reduces to nothing.
func noisy(w, h int) *image.NRGBA {
	r := rand.New(rand.NewPCG(3, 4))
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := 40 * math.Sin(float64(x)/17) * math.Cos(float64(y)/23)
			m.SetNRGBA(x, y, color.NRGBA{uint8(150 + v + 20*r.Float64()), uint8(110 + v/2 + 20*r.Float64()), uint8(90 - v/3 + 20*r.Float64()), 255})
		}
	}
	return m
}

// ppm is the picture as cjpeg reads it.
func ppm(m *image.NRGBA) []byte {
	b := []byte("P6\n" + itoa(m.Rect.Dx()) + " " + itoa(m.Rect.Dy()) + "\n255\n")
	for i := 0; i < len(m.Pix); i += 4 {
		b = append(b, m.Pix[i:i+3]...)
	}
	return b
}

func itoa(n int) string {
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

// far is the mean and the largest difference of two pictures, 8-bit values.
func far(t *testing.T, a cv.RGB, b []byte) (mean, most float64) {
	t.Helper()
	if len(a.Pix) != len(b) {
		t.Fatalf("%d values, want %d", len(a.Pix), len(b))
	}
	for i := range b {
		d := math.Abs(float64(a.Pix[i]) - float64(b[i]))
		mean, most = mean+d, math.Max(most, d)
	}
	return mean / float64(len(b)), most
}

func rgbOf(m *image.NRGBA) []byte {
	var b []byte
	for i := 0; i < len(m.Pix); i += 4 {
		b = append(b, m.Pix[i:i+3]...)
	}
	return b
}

// TestJPEGKinds: what encoders vary does not change the picture. The reference is
// what djpeg makes of the file.
func TestJPEGKinds(t *testing.T) {
	m := noisy(321, 243) // no multiple of a block
	for name, args := range map[string][]string{
		"baseline":      {"-sample", "2x2"},
		"4:4:4":         {"-sample", "1x1"},
		"4:2:2":         {"-sample", "2x1"},
		"progressive":   {"-progressive", "-sample", "2x2"},
		"restarts":      {"-restart", "3B", "-sample", "2x2"},
		"progressive 4": {"-progressive", "-restart", "1", "-sample", "1x1"},
		"greyscale":     {"-grayscale"},
		"optimised":     {"-optimize"},
	} {
		t.Run(name, func(t *testing.T) {
			file := tool(t, "libjpeg-turbo-progs", ppm(m), "cjpeg", append(append([]string{"-quality", "92"}, args...), "-outfile", "out", "in")...)
			want := tool(t, "libjpeg-turbo-progs", file, "djpeg", "-ppm", "-outfile", "out", "in")
			p, err := Decode(file)
			if err != nil {
				t.Fatal(err)
			}
			if name == "greyscale" {
				if p.NoColour == "" || p.RGB.Pix[0] != p.RGB.Pix[1] {
					t.Error("greyscale is not noticed")
				}
				return
			}
			if _, most := far(t, p.RGB, want[len(want)-3*321*243:]); most > 0 {
				t.Errorf("off by up to %v from djpeg", most)
			}
			if p.NoColour != "" {
				t.Error(p.NoColour)
			}
		})
	}
}

// cmykJPEG joins four greyscale JPEGs, one a plate, to one whose scans they are:
// the entropy-coded data of a scan with one component are the same.
func cmykJPEG(t *testing.T, adobe bool, plates [4]uint8) []byte {
	t.Helper()
	var out, scans []byte
	for i, v := range plates {
		m := image.NewGray(image.Rect(0, 0, 256, 240))
		for k := range m.Pix {
			m.Pix[k] = v
		}
		d := jpegOf(t, m, 95)
		for at := 2; ; {
			n := 2 + int(d[at+2])<<8 + int(d[at+3])
			seg := d[at : at+n]
			switch seg[1] {
			case 0xc0:
				if i == 0 {
					if adobe { // CMYK as it is: transform 0
						out = append(out, 0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0)
					}
					out = append(out, 0xff, 0xc0, 0, 8+12, 8, 0, 240, 1, 0, 4)
					for c := range byte(4) {
						out = append(out, c+1, 0x11, 0)
					}
				}
			case 0xda:
				scans = append(scans, 0xff, 0xda, 0, 8, 1, byte(i+1), 0, 0, 63, 0)
				scans = append(scans, d[at+n:len(d)-2]...)
			default:
				if i == 0 {
					out = append(out, seg...)
				}
			}
			if at += n; seg[1] == 0xda {
				break
			}
		}
	}
	out = append(append([]byte{0xff, 0xd8}, out...), scans...)
	return append(out, 0xff, 0xd9)
}

// TestCMYK: Adobe stores inks inverted, 255 is none of it.
func TestCMYK(t *testing.T) {
	// A quarter cyan, half magenta, no yellow, a fifth black.
	p, err := Decode(cmykJPEG(t, true, [4]uint8{191, 128, 255, 204}))
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range []float64{0.75 * 0.8, 0.5 * 0.8, 0.8} {
		if got := float64(p.RGB.Pix[k]) / 255; math.Abs(got-want) > 0.02 {
			t.Errorf("channel %d is %.3f, want %.3f", k, got, want)
		}
	}
	if !strings.Contains(p.NoColour, "CMYK") {
		t.Errorf("colours of unknown inks are judged: %q", p.NoColour)
	}
	// Without Adobe's mark it is not known which way round the inks are.
	if _, err := Decode(cmykJPEG(t, false, [4]uint8{191, 128, 255, 204})); !errors.Is(err, ErrRefused) {
		t.Errorf("CMYK without Adobe's mark: %v", err)
	}
}

func tiffOf(t testing.TB, m image.Image, c tiff.CompressionType) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tiff.Encode(&b, m, &tiff.Options{Compression: c}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestUnchanged: JPEG and PNG without a profile, or with one that is sRGB, have the
// very pixels that OpenCV decodes, as before there was any conversion.
func TestUnchanged(t *testing.T) {
	m := noisy(320, 250)
	deep := image.NewNRGBA64(m.Rect)
	grey := image.NewGray(m.Rect)
	clear := image.NewNRGBA(m.Rect)
	r := rand.New(rand.NewPCG(5, 6))
	for y := range 250 {
		for x := range 320 {
			deep.SetNRGBA64(x, y, color.NRGBA64{uint16(r.Uint32()), uint16(r.Uint32()), uint16(r.Uint32()), 0xffff})
			grey.Pix[y*grey.Stride+x] = m.Pix[4*(y*320+x)]
			c := m.NRGBAAt(x, y)
			c.A = uint8(r.Uint32())
			clear.SetNRGBA(x, y, c)
		}
	}
	srgb, err := icc.Make(icc.Colours{White: [2]float64{0.3127, 0.3290}, Red: [2]float64{0.64, 0.33}, Green: [2]float64{0.30, 0.60}, Blue: [2]float64{0.15, 0.06}})
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"jpeg": jpegOf(t, m, 92), "jpeg sRGB": withICC(jpegOf(t, m, 92), srgb), "grey jpeg": jpegOf(t, grey, 80), "png": pngOf(t, m), "png sRGB": withICCP(t, pngOf(t, m), srgb),
		"png 16": pngOf(t, deep), "png alpha": pngOf(t, clear), "grey png": pngOf(t, grey),
	} {
		want, err := cv.Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Decode(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !bytes.Equal(p.RGB.Pix, want.Pix) {
			t.Errorf("%s: the pixels changed", name)
		}
	}
}

// TestTIFF writes what cameras and programs write and wants the pixels back.
func TestTIFF(t *testing.T) {
	m := noisy(300, 260)
	want := rgbOf(m)
	deep := image.NewRGBA64(m.Rect)
	for y := range 260 {
		for x := range 300 {
			c := m.NRGBAAt(x, y)
			deep.SetRGBA64(x, y, color.RGBA64{uint16(c.R)*257 + 100, uint16(c.G)*257 - 100, uint16(c.B) * 257, 0xffff})
		}
	}
	for name, file := range map[string][]byte{"plain": tiffOf(t, m, tiff.Uncompressed), "deflate": tiffOf(t, m, tiff.Deflate), "16 bit": tiffOf(t, deep, tiff.Deflate)} {
		p, err := Decode(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.Format != "TIFF" || p.NoColour != "" {
			t.Errorf("%s: %s, %q", name, p.Format, p.NoColour)
		}
		if _, most := far(t, p.RGB, want); most > 0 {
			t.Errorf("%s: off by %v", name, most)
		}
	}
	// 16-bit greyscale: all but the colours.
	grey := image.NewGray16(m.Rect)
	for y := range 260 {
		for x := range 300 {
			grey.SetGray16(x, y, color.Gray16{uint16(200 * x)})
		}
	}
	p, err := Decode(tiffOf(t, grey, tiff.Deflate))
	if err != nil || !strings.Contains(p.NoColour, "greyscale") || p.RGB.Pix[3*200] != uint8((200*200+128)/257) {
		t.Errorf("16-bit greyscale: %v, %+v", err, p)
	}
	// A palette shorter than its indices (CVE-2023-36308).
	pal := image.NewPaletted(m.Rect, color.Palette{color.Black, color.White})
	bad := tiffOf(t, pal, tiff.Uncompressed)
	for i := 8; i < 500; i++ { // pixels follow the header
		bad[i] = 70
	}
	if p, err := Decode(bad); err == nil && p.RGB.Pix[0] != 0 {
		t.Errorf("an index outside of the palette is decoded as %v", p.RGB.Pix[:3])
	}
	// A bomb: the header of a TIFF that claims what it has not.
	bomb := tiffOf(t, m, tiff.Deflate)
	dir := binary.LittleEndian.Uint32(bomb[4:])
	for _, tag := range []uint32{0, 1} { // width and length come first, as LONG
		e := bomb[dir+2+12*tag:]
		binary.LittleEndian.PutUint16(e[2:], 4)
		binary.LittleEndian.PutUint32(e[8:], 31_000)
	}
	if _, err := Decode(bomb); err == nil || !strings.Contains(err.Error(), "31000 x 31000") {
		t.Errorf("a TIFF bomb: %v", err)
	}
}

// TestWebP has its files from Google's own tools.
func TestWebP(t *testing.T) {
	m := noisy(320, 250)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	still := tool(t, "webp", b.Bytes(), "cwebp", "-quiet", "-lossless", "in", "-o", "out")
	p, err := Decode(still)
	if err != nil {
		t.Fatal(err)
	}
	if _, most := far(t, p.RGB, rgbOf(m)); most > 0 || p.Format != "WebP" || len(p.Notes) > 0 {
		t.Errorf("lossless: off by %v, %s, %q", most, p.Format, p.Notes)
	}
	lossy := tool(t, "webp", b.Bytes(), "cwebp", "-quiet", "-q", "95", "in", "-o", "out")
	if p, err = Decode(lossy); err != nil {
		t.Fatal(err)
	}
	if mean, _ := far(t, p.RGB, rgbOf(m)); mean > 6 { // grain of 20 values, colour at half the resolution
		t.Errorf("lossy: off by %.1f on average", mean)
	}
	if _, err := Decode(lossy[:len(lossy)/2]); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("cut off: %v", err)
	}
	p3, err := icc.Make(icc.DisplayP3)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := Decode(withVP8X(still, 0x20, chunk{"ICCP", p3})); err != nil || p.Profile == "" || bytes.Equal(p.RGB.Pix, rgbOf(m)) {
		t.Errorf("with a profile: %v", err)
	}
	// An animation of two frames, the second all black.
	frame := func(file []byte) []byte {
		head := make([]byte, 16)
		head[6], head[7], head[9], head[12] = 0x3f, 0x01, 249, 100 // 320 x 250, 100 ms
		return append(head, file[12:]...)
	}
	b.Reset()
	if err := png.Encode(&b, image.NewGray(m.Rect)); err != nil {
		t.Fatal(err)
	}
	black := tool(t, "webp", b.Bytes(), "cwebp", "-quiet", "-lossless", "in", "-o", "out")
	film := withVP8X(nil, 0x02, chunk{"ANIM", make([]byte, 6)}, chunk{"ANMF", frame(still)}, chunk{"ANMF", frame(black)})
	if p, err = Decode(film); err != nil {
		t.Fatal(err)
	}
	if _, most := far(t, p.RGB, rgbOf(m)); most > 0 || len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "first frame") {
		t.Errorf("animation: off by %v, %q", most, p.Notes)
	}
}

// withVP8X is a file of the extended format, 320 x 250: the parts given, and behind
// them those of a still.
func withVP8X(still []byte, flags byte, parts ...chunk) []byte {
	body := []byte("WEBP")
	add := func(c chunk) {
		body = append(binary.LittleEndian.AppendUint32(append(body, c.id...), uint32(len(c.data))), c.data...)
		if len(c.data)%2 == 1 {
			body = append(body, 0)
		}
	}
	add(chunk{"VP8X", []byte{flags, 0, 0, 0, 0x3f, 0x01, 0, 249, 0, 0}})
	for _, c := range parts {
		add(c)
	}
	if still != nil {
		body = append(body, still[12:]...)
	}
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

// TestEXIF reads what a camera writes: date with offset, camera, lens, exposure.
func TestEXIF(t *testing.T) {
	if _, err := exec.LookPath("exiftool"); err != nil {
		t.Skip("no exiftool (package libimage-exiftool-perl)")
	}
	write := func(data []byte, args ...string) *Photo {
		t.Helper()
		cmd := exec.Command("exiftool", append(args, "-")...)
		cmd.Stdin = bytes.NewReader(data)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		p, err := Decode(out)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	args := []string{"-DateTimeOriginal=2026:03:14 09:26:53", "-OffsetTimeOriginal=+05:30", "-Make=Canon", "-Model=Canon EOS R8", "-LensModel=RF100mm F2.8 L", "-FocalLength=100",
		"-FocalLengthIn35mmFormat=100", "-ExifIFD:Flash#=1", "-ExposureTime=1/125", "-FNumber=11", "-ISO=200"}
	want := Camera{"Canon EOS R8", "RF100mm F2.8 L", 100, 100, "fired", 1.0 / 125, 11, 200}
	for name, data := range map[string][]byte{"JPEG": jpegOf(t, scene(), 90), "TIFF": tiffOf(t, scene(), tiff.Uncompressed)} {
		p := write(data, args...)
		if p.Meta.Camera != want {
			t.Errorf("%s: %+v, want %+v", name, p.Meta.Camera, want)
		}
		if got := p.Meta.Taken.Format("2006-01-02T15:04:05Z07:00"); got != "2026-03-14T09:26:53+05:30" {
			t.Errorf("%s: taken %s", name, got)
		}
	}
	p := write(jpegOf(t, scene(), 90), "-DateTimeOriginal=2026:03:14 09:26:53", "-Make=Apple", "-Model=iPhone 15", "-ExifIFD:Flash#=16")
	if got := p.Meta.Taken.Format("2006-01-02T15:04:05Z07:00"); got != "2026-03-14T09:26:53Z" || p.Meta.Model != "Apple iPhone 15" || p.Meta.Flash != "off" || p.Meta.Lens != "" {
		t.Errorf("%s, %+v", got, p.Meta)
	}
	// A directory that leads back to itself.
	loop := "Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x02\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x87\x69\x00\x04\x00\x00\x00\x01\x00\x00\x00\x08\x00\x00\x00\x08"
	if p, err := Decode(withSegment(jpegOf(t, scene(), 90), 0xe1, loop)); err != nil {
		t.Errorf("EXIF loop: %+v, %v", p, err)
	}
}

// TestFirstPicture: a smaller preview, a gain map, a film behind the photo are not
// the photo.
func TestFirstPicture(t *testing.T) {
	m := noisy(640, 480)
	photo := jpegOf(t, m, 90)
	want, err := Decode(photo)
	if err != nil {
		t.Fatal(err)
	}
	half := jpegOf(t, image.NewGray(image.Rect(0, 0, 320, 240)), 90)
	for name, trailer := range map[string][]byte{"preview": half, "film": append([]byte("\x00\x00\x00\x18ftypmp42"), bytes.Repeat([]byte{0xff, 0xd8}, 4000)...)} {
		p, err := Decode(append(append([]byte{}, photo...), trailer...))
		if err != nil || !bytes.Equal(p.RGB.Pix, want.RGB.Pix) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
