// Package jpeg decodes JPEG with the machine's libjpeg-turbo straight into the
// picture, which OpenCV, using the same library, does by way of two copies in another
// order of colours.
package jpeg

// #cgo pkg-config: libjpeg
// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

// ErrFormat is wrapped by every error.
var ErrFormat = errors.New("JPEG")

// MaxScans is the number of scans above which a file is refused: each passes over the
// whole picture, so that a small file could ask for hours. Encoders make about ten.
const MaxScans = 500

// Decode decodes the first picture of a file, which must have one or three channels
// and w x h pixels, to interleaved RGB. Greyscale gives three equal channels. The
// pixels are those of djpeg: an exact inverse DCT, and colours interpolated where they
// are stored at half the resolution.
func Decode(rgb []byte, w, h int, data []byte) error {
	if len(data) == 0 || w < 1 || h < 1 || len(rgb) != 3*w*h {
		return fmt.Errorf("%w: %d bytes for %d x %d pixels out of %d", ErrFormat, len(rgb), w, h, len(data))
	}
	var message [C.DT_JPEG_MESSAGE]C.char
	ok := C.dt_jpeg_decode((*C.uchar)(&data[0]), C.ulong(len(data)), (*C.uchar)(&rgb[0]), C.uint(w), C.uint(h), MaxScans, &message[0])
	runtime.KeepAlive(data)
	if ok == 0 {
		return fmt.Errorf("%w: %s", ErrFormat, C.GoString((*C.char)(unsafe.Pointer(&message[0]))))
	}
	return nil
}
