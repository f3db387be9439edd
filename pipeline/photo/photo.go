// Package photo is a loaded photograph: pixels the right way up, what the file
// says about itself, and the refusals that come before a pixel is decoded.
package photo

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // header only
	_ "image/png"  // header only
	"io"
	"io/fs"
	"math"
	"os"
	"syscall"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// Limits of what is decoded. 24 megapixels is a large phone photo, 102 the
// largest medium-format camera.
const (
	MaxBytes  = 256 << 20
	MaxPixels = 110_000_000
	MaxSide   = 32_000 // below the 32767 that OpenCV's remap can address
	MinSide   = 240    // a face in less has no skin to measure
)

// ErrRefused is wrapped by every error about a file that is not a usable photo.
// Its text says what is wrong and what was expected, without the file's name.
var ErrRefused = errors.New("refused")

// refusal is an error whose text needs no prefix.
type refusal struct{ text string }

func (r refusal) Error() string        { return r.text }
func (r refusal) Is(target error) bool { return target == ErrRefused }

func refuse(format string, a ...any) error { return refusal{fmt.Sprintf(format, a...)} }

// Photo is a photograph after EXIF orientation.
type Photo struct {
	RGB     cv.RGB // sRGB-encoded, 8 bit
	SHA256  string // of the file's bytes
	Meta    Meta
	Bytes   int
	Profile string  // name of the embedded colour profile; empty: none, taken for sRGB
	Quality float64 // IJG quality of a JPEG, 1 to 100; NaN for a PNG
}

// Load reads and decodes a photo. It refuses what is missing, empty, not a JPEG
// or PNG, incomplete, or outside the limits above, before any pixel is decoded.
func Load(path string) (*Photo, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	return Decode(data)
}

// Decode is Load for a file's content.
func Decode(data []byte) (*Photo, error) {
	kind, err := sniff(data)
	if err != nil {
		return nil, err
	}
	cfg, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, refuse("the %s header cannot be read (%v)", kind, err)
	}
	if err := checkSize(cfg.Width, cfg.Height); err != nil {
		return nil, err
	}
	if kind == "JPEG" && !completeJPEG(data) || kind == "PNG" && !completePNG(data) {
		return nil, refuse("the %s file is cut off before its end (%d bytes); copy it again from the camera", kind, len(data))
	}
	rgb, err := cv.Decode(data)
	if err != nil {
		return nil, refuse("the %s data cannot be decoded", kind)
	}
	sum := sha256.Sum256(data)
	p := &Photo{SHA256: hex.EncodeToString(sum[:]), Bytes: len(data), Meta: readMeta(data, kind), Profile: profileName(data, kind), Quality: JPEGQuality(data)}
	if p.RGB, err = cv.Orient(rgb, p.Meta.Orientation); err != nil {
		return nil, err
	}
	return p, nil
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, refuse("the file is missing")
	case err != nil:
		return nil, refuse("the file cannot be opened (%v)", errors.Unwrap(err))
	case !info.Mode().IsRegular():
		return nil, refuse("not a regular file")
	case info.Size() == 0:
		return nil, refuse("the file is empty")
	case info.Size() > MaxBytes:
		return nil, refuse("the file has %d MiB; at most %d MiB are read", info.Size()>>20, MaxBytes>>20)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, refuse("the file cannot be opened (%v)", errors.Unwrap(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, refuse("the file cannot be read (%v)", err)
	}
	return data, nil
}

// sniff names the format by the first bytes.
func sniff(data []byte) (string, error) {
	has := func(at int, s string) bool { return len(data) >= at+len(s) && string(data[at:at+len(s)]) == s }
	switch {
	case len(data) == 0:
		return "", refuse("the file is empty")
	case has(0, "\xff\xd8\xff"):
		return "JPEG", nil
	case has(0, "\x89PNG\r\n\x1a\n"):
		return "PNG", nil
	}
	for _, f := range []struct {
		at          int
		magic, name string
	}{
		{4, "ftypheic", "HEIC"}, {4, "ftypheix", "HEIC"}, {4, "ftypmif1", "HEIC"}, {4, "ftypheim", "HEIC"},
		{0, "II*\x00", "TIFF"}, {0, "MM\x00*", "TIFF"}, {128, "DICM", "DICOM"}, {8, "WEBP", "WebP"}, {0, "GIF8", "GIF"}, {0, "BM", "BMP"},
	} {
		if has(f.at, f.magic) {
			return "", refuse("a %s file; JPEG and PNG are read so far, convert it", f.name)
		}
	}
	return "", refuse("not a JPEG or PNG, whatever its name says")
}

func checkSize(w, h int) error {
	switch {
	case w < MinSide || h < MinSide:
		return refuse("%d x %d pixels; at least %d on each side are needed", w, h, MinSide)
	case w > MaxSide || h > MaxSide || w*h > MaxPixels:
		return refuse("%d x %d pixels; at most %d megapixels and %d on a side are read", w, h, MaxPixels/1_000_000, MaxSide)
	}
	return nil
}

// completeJPEG walks the segments to the end-of-image marker. What follows it
// (previews, motion photos) does not matter.
func completeJPEG(d []byte) bool {
	for i := 2; i+1 < len(d); {
		if d[i] != 0xff {
			return false
		}
		m := d[i+1]
		switch {
		case m == 0xff: // fill byte
			i++
			continue
		case m == 0xd9:
			return true
		case m == 0x01 || m >= 0xd0 && m <= 0xd8:
			i += 2
			continue
		}
		if i+3 >= len(d) {
			return false
		}
		i += 2 + int(d[i+2])<<8 + int(d[i+3])
		if m != 0xda {
			continue
		}
		// Entropy-coded data: up to the next marker that is not a stuffed zero or a
		// restart.
		for i+1 < len(d) && (d[i] != 0xff || d[i+1] == 0 || d[i+1] >= 0xd0 && d[i+1] <= 0xd7) {
			i++
		}
	}
	return false
}

// completePNG walks the chunks to IEND.
func completePNG(d []byte) bool {
	for i := 8; i+12 <= len(d); {
		n := int(d[i])<<24 | int(d[i+1])<<16 | int(d[i+2])<<8 | int(d[i+3])
		if n < 0 || n > len(d) {
			return false
		}
		if string(d[i+4:i+8]) == "IEND" {
			return true
		}
		i += 12 + n
	}
	return false
}

// Linear is the sRGB decoding (IEC 61966-2-1) of each 8-bit value to linear light,
// 0 to 1.
var Linear = func() (t [256]float32) {
	for i := range t {
		v := float64(i) / 255
		if v <= 0.04045 {
			t[i] = float32(v / 12.92)
		} else {
			t[i] = float32(math.Pow((v+0.055)/1.055, 2.4))
		}
	}
	return t
}()
