// Package heif decodes the HEIC photos of phones with the libheif of the machine.
package heif

// #cgo LDFLAGS: -ldl
// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"unicode"
	"unsafe"
)

// Errors of files.
var (
	// ErrFormat is wrapped by every error about a file.
	ErrFormat = errors.New("HEIC")
	// ErrSize: the picture or its profile is above a limit; Picture tells.
	ErrSize = fmt.Errorf("%w: above a limit", ErrFormat)
)

// Limits of what is decoded; sides in pixels, ICC in bytes.
type Limits struct{ MinSide, MaxSide, MaxPixels, MaxICC int }

// Picture is the primary picture of a file, upright: libheif has turned and mirrored
// it as the file says (irot, imir), so that the orientation in its EXIF is not to be
// applied again.
type Picture struct {
	W, H    int
	RGB     []byte // interleaved
	ICC     []byte // nil: none
	ICCSize int
	// Without an ICC profile, the code of the primaries and of the transfer function
	// (ISO/IEC 23091-2, 8.1 and 8.2); 0 where there are none.
	Primaries, Transfer int
}

// Version is that of libheif, empty where there is none.
func Version() string {
	v := version()
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d", v>>24, v>>16&0xff, v>>8&0xff)
}

// firstForIOS18 is the libheif that reads what phones write since iOS 18, whose
// auxiliary pictures earlier ones take for a mistake (libheif issue 1190).
const firstForIOS18 = 0x01_12_00_00

var mutex sync.Mutex // loading is not safe for several at once

func version() uint {
	mutex.Lock()
	defer mutex.Unlock()
	return uint(C.dt_heif_version())
}

// shown is a message of the library on one line: it may quote what is in the file.
func shown(message string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(message, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
}

// advice says what to install for HEIC, by the version that there is.
func advice(v uint) string {
	const install = "Debian 12: apt-get install -t bookworm-backports libheif1 libheif-plugin-libde265"
	switch {
	case v == 0:
		return "HEIC needs libheif, which is not installed (" + install + "; Ubuntu: libheif1 libheif-plugin-libde265), or convert the photo to JPEG"
	case v < firstForIOS18:
		return "libheif " + Version() + " is too old for photos of iOS 18 and later: install 1.18 or newer (" + install + "), or convert the photo to JPEG"
	}
	return "copy the photo from the phone again, or convert it to JPEG"
}

// Decode decodes the primary picture. With ErrSize, the picture has its size only.
func Decode(data []byte, l Limits) (Picture, error) {
	if err := Check(data); err != nil {
		return Picture{}, err
	}
	v := version()
	if v == 0 {
		return Picture{}, fmt.Errorf("%w: %s", ErrFormat, advice(v))
	}
	var out C.dt_heif
	code := C.dt_heif_decode(unsafe.Pointer(&data[0]), C.size_t(len(data)), C.int(l.MinSide), C.int(l.MaxSide), C.size_t(l.MaxPixels), C.size_t(l.MaxICC), &out)
	runtime.KeepAlive(data)
	defer C.free(unsafe.Pointer(out.rgb))
	defer C.free(unsafe.Pointer(out.icc))
	p := Picture{W: int(out.width), H: int(out.height), ICCSize: int(out.icc_size)}
	switch code {
	case 0:
	case 2:
		return p, ErrSize
	default:
		return Picture{}, fmt.Errorf("%w: the data cannot be decoded (%s): %s", ErrFormat, shown(C.GoString(&out.message[0])), advice(v))
	}
	p.Primaries, p.Transfer = int(out.primaries), int(out.transfer)
	p.RGB = make([]byte, 3*p.W*p.H)
	copy(p.RGB, unsafe.Slice((*byte)(out.rgb), len(p.RGB)))
	if out.icc != nil {
		p.ICC = C.GoBytes(unsafe.Pointer(out.icc), C.int(out.icc_size))
	}
	return p, nil
}

// Check walks the outer boxes (ISO/IEC 14496-12, 4.2) as far as the description and
// the data of the pictures: that each lies within the file.
func Check(d []byte) error {
	found := map[string]bool{}
	for at := uint64(0); !(found["meta"] && (found["mdat"] || found["idat"])); {
		left := uint64(len(d)) - at
		if left < 8 {
			break
		}
		n, head := uint64(binary.BigEndian.Uint32(d[at:])), uint64(8)
		switch kind := string(d[at+4 : at+8]); {
		case n == 1 && left >= 16:
			n, head = binary.BigEndian.Uint64(d[at+8:]), 16
			found[kind] = true
		case n == 0: // to the end
			n = left
			found[kind] = true
		default:
			found[kind] = true
		}
		if n < head || n > left {
			return fmt.Errorf("%w: box %q at byte %d claims %d bytes, of which there are %d: the file is cut off or damaged; copy it from the phone again", ErrFormat, d[at+4:at+8], at, n, left)
		}
		at += n
	}
	if !found["ftyp"] || !found["meta"] {
		return fmt.Errorf("%w: the description of the pictures is missing: the file is cut off or damaged; copy it from the phone again", ErrFormat)
	}
	return nil
}
