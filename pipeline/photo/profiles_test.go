package photo

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"
	"testing"

	"golang.org/x/image/tiff"

	"github.com/dermatrend/dermatrend/pipeline/internal/icc"
)

// withICC embeds a profile in a JPEG, in parts as large as a segment may be.
func withICC(data, profile []byte) []byte {
	const part = 65000
	n := (len(profile) + part - 1) / part
	for i := n - 1; i >= 0; i-- { // withSegment puts each before the last one
		data = withSegment(data, 0xe2, "ICC_PROFILE\x00"+string([]byte{byte(i + 1), byte(n)})+string(profile[i*part:min(len(profile), (i+1)*part)]))
	}
	return data
}

func withICCP(t testing.TB, data, profile []byte) []byte {
	t.Helper()
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	if _, err := w.Write(profile); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	body := append([]byte("iCCPa name\x00\x00"), z.Bytes()...)
	c := binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	c = append(c, body...)
	c = binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(body))
	return append(append(append([]byte{}, data[:33]...), c...), data[33:]...) // behind IHDR
}

// withTIFFICC appends a profile to a TIFF of this package's encoder, whose directory
// is its end: a new one with one entry more.
func withTIFFICC(data, profile []byte) []byte {
	le := binary.LittleEndian
	dir := le.Uint32(data[4:])
	n := le.Uint16(data[dir:])
	entries := data[dir+2 : dir+2+12*uint32(n)]
	out := append([]byte{}, data...)
	at := uint32(len(out))
	out = append(out, profile...)
	if len(out)%2 == 1 {
		out = append(out, 0)
	}
	le.PutUint32(out[4:], uint32(len(out)))
	out = le.AppendUint16(out, n+1)
	out = append(out, entries...)
	out = le.AppendUint16(out, 34675)
	out = le.AppendUint16(out, 7)
	out = le.AppendUint32(out, uint32(len(profile)))
	out = le.AppendUint32(out, at)
	return append(out, 0, 0, 0, 0)
}

// TestProfiles stores one colour in Display P3 and wants the same colour in sRGB from
// every format: (230, 40, 30) is (212, 60, 45) there.
func TestProfiles(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 256, 240))
	for i := 0; i < len(m.Pix); i += 4 {
		copy(m.Pix[i:], []byte{212, 60, 45, 255})
	}
	deep := image.NewRGBA64(m.Rect)
	for y := range 240 {
		for x := range 256 {
			deep.SetRGBA64(x, y, color.RGBA64{212 * 257, 60 * 257, 45 * 257, 0xffff})
		}
	}
	p3, err := icc.Make(icc.DisplayP3)
	if err != nil {
		t.Fatal(err)
	}
	long := append([]byte{}, p3...) // in two segments
	long = append(long, make([]byte, 70_000)...)
	binary.BigEndian.PutUint32(long, uint32(len(long)))
	files := map[string][]byte{
		"jpeg": withICC(jpegOf(t, m, 100), p3), "jpeg in parts": withICC(jpegOf(t, m, 100), long), "png": withICCP(t, pngOf(t, m), p3), "png 16": withICCP(t, pngOf(t, deep), p3),
		"tiff": withTIFFICC(tiffOf(t, m, tiff.Deflate), p3), "tiff 16": withTIFFICC(tiffOf(t, deep, tiff.Uncompressed), p3),
	}
	for name, file := range files {
		p, err := Decode(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for k, want := range []float64{230, 40, 30} {
			if got := float64(p.RGB.Pix[3*999+k]); math.Abs(got-want) > 3 {
				t.Errorf("%s: channel %d is %v, want %v", name, k, got, want)
			}
		}
		if p.Profile == "" || p.NoColour != "" {
			t.Errorf("%s: profile %q, %q", name, p.Profile, p.NoColour)
		}
	}
	// Adobe RGB as cameras mark it, without a profile (DCF option file): interop R03.
	adobe := "Exif\x00\x00MM\x00*\x00\x00\x00\x08" +
		"\x00\x01\x87\x69\x00\x04\x00\x00\x00\x01\x00\x00\x00\x1a\x00\x00\x00\x00" + // IFD0: EXIF at 26
		"\x00\x01\xa0\x05\x00\x04\x00\x00\x00\x01\x00\x00\x00\x2c\x00\x00\x00\x00" + // EXIF: interoperability at 44
		"\x00\x01\x00\x01\x00\x02\x00\x00\x00\x04R03\x00\x00\x00\x00\x00"
	p, err := Decode(withSegment(jpegOf(t, m, 100), 0xe1, adobe))
	if err != nil {
		t.Fatal(err)
	}
	if r := p.RGB.Pix[0]; r < 235 { // Adobe's red is far beyond sRGB's: at least (241, ..)
		t.Errorf("Adobe RGB by EXIF: red %d, profile %q", r, p.Profile)
	}
}

// greyProfile is one of greyscale in linear light (ICC.1:2001, 6.3.3: white point and
// curve).
func greyProfile() []byte {
	be := binary.BigEndian
	p := make([]byte, 128)
	copy(p[8:], "\x02\x10\x00\x00mntrGRAYXYZ ")
	copy(p[36:], "acsp")
	copy(p[68:], "\x00\x00\xf6\xd6\x00\x01\x00\x00\x00\x00\xd3\x2d") // D50
	p = be.AppendUint32(p, 2)
	for _, tag := range []struct {
		name    string
		at, len uint32
	}{{"wtpt", 156, 20}, {"kTRC", 176, 14}} {
		p = be.AppendUint32(be.AppendUint32(append(p, tag.name...), tag.at), tag.len)
	}
	p = append(append(p, "XYZ \x00\x00\x00\x00"...), p[68:80]...)
	p = append(p, "curv\x00\x00\x00\x00\x00\x00\x00\x01\x01\x00"...) // gamma 1, as a number of 8.8 bits
	be.PutUint32(p, uint32(len(p)))
	return p
}

// TestDeepProfiles: 16 bits are converted as 16 bits. In linear light the darkest tones
// of skin lie within the first of 256 steps; they come out as sRGB has them. White is
// white.
func TestDeepProfiles(t *testing.T) {
	linear := icc.DisplayP3
	linear.Gamma = 1
	colour, err := icc.Make(linear)
	if err != nil {
		t.Fatal(err)
	}
	grey := greyProfile()
	tones := []uint16{40, 120, 200, 300, 13107, 65535}
	want := []float64{2, 6, 10, 14.7, 123.6, 255} // 255 * sRGB(tone/65535)
	const stripe = 42
	m, g := image.NewNRGBA64(image.Rect(0, 0, stripe*len(tones), 240)), image.NewGray16(image.Rect(0, 0, stripe*len(tones), 240))
	for i, v := range tones {
		draw.Draw(m, image.Rect(stripe*i, 0, stripe*(i+1), 240), image.NewUniform(color.Gray16{v}), image.Point{}, draw.Src)
	}
	draw.Draw(g, g.Rect, m, image.Point{}, draw.Src)
	for name, file := range map[string][]byte{
		"png": withICCP(t, pngOf(t, m), colour), "grey png": withICCP(t, pngOf(t, g), grey),
		"tiff": withTIFFICC(tiffOf(t, m, tiff.Deflate), colour), "grey tiff": withTIFFICC(tiffOf(t, g, tiff.Deflate), grey),
	} {
		p, err := Decode(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, v := range tones {
			at := 3 * (100*p.RGB.W + stripe*i + stripe/2)
			for k, got := range p.RGB.Pix[at : at+3] {
				if math.Abs(float64(got)-want[i]) > 1 {
					t.Errorf("%s: %d of 65535 in channel %d is %v, want %v", name, v, k, got, want[i])
				}
			}
		}
		if p.NoColour == "" {
			t.Errorf("%s: greyscale is not noticed", name)
		}
	}
}

// TestBadProfiles: what cannot be understood is not guessed, and what is too large
// is not even read.
func TestBadProfiles(t *testing.T) {
	m := scene()
	big := make([]byte, 5<<20)
	binary.BigEndian.PutUint32(big, uint32(len(big)))
	huge := binary.BigEndian.AppendUint32(nil, 50<<20)
	grey, err := icc.Make(icc.AdobeRGB)
	if err != nil {
		t.Fatal(err)
	}
	copy(grey[16:], "CMYK") // claims to be for inks
	claims := withTIFFICC(tiffOf(t, m, tiff.Uncompressed), nil)
	n := len(claims)
	binary.LittleEndian.PutUint32(claims[n-12:], 50<<20) // count of the last entry
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"garbage jpeg":        {withICC(jpegOf(t, m, 90), bytes.Repeat([]byte("garbage "), 40)), "colour profile"},
		"garbage png":         {withICCP(t, pngOf(t, m), bytes.Repeat([]byte("garbage "), 40)), "colour profile"},
		"png no zlib":         {append(append(append([]byte{}, pngOf(t, m)[:33]...), append([]byte{0, 0, 0, 20}, "iCCPDisplay P3\x00\x00123456781234"...)...), pngOf(t, m)[33:]...), "cannot be unpacked"},
		"5 MB jpeg":           {withICC(jpegOf(t, m, 90), big), "at most"},
		"50 MB png, by claim": {withICCP(t, pngOf(t, m), huge), "52428800 bytes"},
		"50 MB tiff":          {claims, "52428800 bytes"},
		"of inks":             {withICC(jpegOf(t, m, 90), grey), "colour profile"},
	} {
		_, err := Decode(c.file)
		if err == nil || !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a refusal that says %q", name, err, c.want)
		}
	}
}
