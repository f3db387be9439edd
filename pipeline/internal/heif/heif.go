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
	"slices"
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

// install says how to come by libheif and by its decoder, which Ubuntu packs apart.
const install = "Debian 12: apt-get install libheif1; Ubuntu: apt-get install libheif1 libheif-plugin-libde265"

// Decode decodes the primary picture. With ErrSize, the picture has its size only.
func Decode(data []byte, l Limits) (Picture, error) {
	if err := Check(data); err != nil {
		return Picture{}, err
	}
	if version() == 0 {
		return Picture{}, fmt.Errorf("%w needs libheif, which is not installed (%s), or convert the photo to JPEG", ErrFormat, install)
	}
	data = alone(data)
	var out C.dt_heif
	code := C.dt_heif_decode(unsafe.Pointer(&data[0]), C.size_t(len(data)), C.int(l.MinSide), C.int(l.MaxSide), C.size_t(l.MaxPixels), C.size_t(l.MaxICC), &out)
	runtime.KeepAlive(data)
	defer C.dt_heif_free(&out)
	p := Picture{W: int(out.width), H: int(out.height), ICCSize: int(out.icc_size)}
	switch code {
	case 0:
	case 2:
		return p, ErrSize
	case 3:
		return Picture{}, fmt.Errorf("%w: libheif %s has no decoder for it (%s): install one (%s), or convert the photo to JPEG", ErrFormat, Version(), shown(C.GoString(&out.message[0])), install)
	default:
		return Picture{}, fmt.Errorf("%w: the data cannot be decoded by libheif %s (%s): copy the photo from the phone again, or convert it to JPEG", ErrFormat, Version(), shown(C.GoString(&out.message[0])))
	}
	p.Primaries, p.Transfer = int(out.primaries), int(out.transfer)
	row, stride := 3*p.W, int(out.stride)
	p.RGB = make([]byte, row*p.H)
	rows := unsafe.Slice((*byte)(out.rgb), stride*(p.H-1)+row)
	for y := range p.H {
		copy(p.RGB[y*row:(y+1)*row], rows[y*stride:])
	}
	if out.icc != nil {
		p.ICC = C.GoBytes(unsafe.Pointer(out.icc), C.int(out.icc_size))
	}
	return p, nil
}

// alone is a copy of a file in which nothing relates to the primary picture but what
// it is made of. Since iOS 18 phones describe, by one Exif item and one gain map, both
// the photo and an HDR rendering of it (an item of type tmap). That is what the
// standard provides for (ISO/IEC 23008-12, 6.6.2), but libheif before 1.18 allows one
// picture only and refuses the whole file (its issue 1190). The relations that it
// stumbles over are of no use here, so that each gets a type that it does not know;
// sizes and places stay.
func alone(d []byte) []byte {
	d = slices.Clone(d)
	const full = 4 // version and flags, before the boxes inside
	each(d, func(kind, meta []byte) {
		if string(kind) != "meta" || len(meta) < full {
			return
		}
		each(meta[full:], func(kind, iref []byte) {
			if string(kind) != "iref" || len(iref) < full {
				return
			}
			each(iref[full:], func(kind, _ []byte) {
				if string(kind) != "dimg" { // derived image: the tiles of a grid
					copy(kind, "free")
				}
			})
		})
	})
	return d
}

// header is the type of the box at the beginning of the data, the size that it claims,
// and where its content begins (ISO/IEC 14496-12, 4.2). There are 8 bytes at least.
func header(d []byte) (kind []byte, size, content uint64) {
	kind, size, content = d[4:8], uint64(binary.BigEndian.Uint32(d)), 8
	switch {
	case size == 1 && len(d) >= 16:
		size, content = binary.BigEndian.Uint64(d[8:]), 16
	case size == 0: // to the end
		size = uint64(len(d))
	}
	return kind, size, content
}

// each visits the boxes in a row, up to the first that does not fit.
func each(d []byte, visit func(kind, content []byte)) {
	for len(d) >= 8 {
		kind, size, content := header(d)
		if size < content || size > uint64(len(d)) {
			return
		}
		visit(kind, d[content:size])
		d = d[size:]
	}
}

// Check walks the outer boxes as far as the description and the data of the pictures:
// that each lies within the file.
func Check(d []byte) error {
	found := map[string]bool{}
	for at := uint64(0); !(found["meta"] && (found["mdat"] || found["idat"])); {
		left := uint64(len(d)) - at
		if left < 8 {
			break
		}
		kind, n, content := header(d[at:])
		if found[string(kind)] = true; n < content || n > left {
			return fmt.Errorf("%w: box %q at byte %d claims %d bytes, of which there are %d: the file is cut off or damaged; copy it from the phone again", ErrFormat, kind, at, n, left)
		}
		at += n
	}
	if !found["ftyp"] || !found["meta"] {
		return fmt.Errorf("%w: the description of the pictures is missing: the file is cut off or damaged; copy it from the phone again", ErrFormat)
	}
	return nil
}
