package photo

import (
	"bytes"
	"errors"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/image/tiff"

	"github.com/dermatrend/dermatrend/pipeline/internal/dicom"
	"github.com/dermatrend/dermatrend/pipeline/internal/icc"
)

// enough is what the fuzzer may have decoded, so that it looks at more files.
const enough = 1 << 20

// FuzzDecode gives OpenCV, in which a mistake ends the process, what comes through
// the checks in front of it.
func FuzzDecode(f *testing.F) {
	m := scene()
	j := jpegOf(f, m, 80)
	p3, err := icc.Make(icc.DisplayP3)
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"ios18.heic", "lossy.webp", "lossless.webp"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	deep := image.NewNRGBA64(m.Bounds())
	for _, data := range [][]byte{ // whole, turned, with a profile, cut off, too large
		j, pngOf(f, m), j[:len(j)/2], jpegOf(f, m, 5),
		withSegment(j, 0xe1, exif(6, "camera")), withSegment(j, 0xe1, exif(9, "")), withSegment(j, 0xe1, "Exif\x00\x00II*\x00\xff\xff\xff\xff"),
		withICC(j, p3), withICC(j, p3[:200]), tiffOf(f, m, tiff.Deflate), withTIFFICC(tiffOf(f, m, tiff.Uncompressed), p3),
		dicomOf(f, dicom.JPEGBaseline, dicom.Fragments{j}, kind("YBR_FULL_422"), short(dicom.Rows, 240)), heicBoxes(),
		pngOf(f, deep), withICCP(f, pngOf(f, deep), p3), tiffOf(f, deep, tiff.Deflate), dicomOf(f, dicom.ExplicitLE, deep.Pix[:320*250*3]),
		pngHeader(60000, 60000), jpegHeader(65535, 65535),
	} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, _, err := image.DecodeConfig(bytes.NewReader(data))
		if err == nil && cfg.Width*cfg.Height > enough && checkSize(cfg.Width, cfg.Height) == nil {
			return
		}
		p, err := Decode(data)
		if err != nil {
			if !errors.Is(err, ErrRefused) {
				t.Errorf("not refused: %v", err)
			}
			if text := err.Error(); !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
				t.Errorf("not to be shown: %q", text)
			}
			return
		}
		if w, h := p.RGB.W, p.RGB.H; checkSize(w, h) != nil || cfg.Width > 0 && !(w == cfg.Width && h == cfg.Height || w == cfg.Height && h == cfg.Width) {
			t.Errorf("%d x %d pixels of a header that says %d x %d", w, h, cfg.Width, cfg.Height)
		}
	})
}
