// Package photo is a loaded photograph: pixels the right way up, what the file
// says about itself, and the refusals that come before a pixel is decoded.
package photo

import (
	"errors"
	"fmt"
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
	Format  string  // JPEG, PNG, TIFF, WebP, HEIC or DICOM
	Profile string  // name of the embedded colour profile, which is converted to sRGB; empty: none, taken for sRGB
	Quality float64 // IJG quality of a JPEG, 1 to 100; NaN for other formats
	// NoColour says why redness and pigment cannot be judged from the photo; empty
	// where nothing speaks against it.
	NoColour string
	Notes    []string // what was passed over, as the later frames of an animation
}

// Load reads and decodes a photo. It refuses what is missing, empty, of no format
// that is read, incomplete, or outside the limits above, before any pixel is
// decoded.
func Load(path string) (*Photo, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	return Decode(data)
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

func checkSize(w, h int) error {
	switch {
	case w < MinSide || h < MinSide:
		return refuse("%d x %d pixels; at least %d on each side are needed", w, h, MinSide)
	case w > MaxSide || h > MaxSide || w*h > MaxPixels:
		return refuse("%d x %d pixels; at most %d megapixels and %d on a side are read", w, h, MaxPixels/1_000_000, MaxSide)
	}
	return nil
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
