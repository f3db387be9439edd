// Package icc converts pictures from the colour space that their ICC profile
// describes to sRGB, with Little CMS 2.
package icc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
)

// MaxBytes is the size of a profile above which it is not read: matrices have less
// than 10 kB, the tables of printers up to about 3 MiB.
const MaxBytes = 4 << 20

// ErrProfile is wrapped by every error about a profile.
var ErrProfile = errors.New("colour profile")

func bad(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrProfile, fmt.Sprintf(format, a...))
}

// Space is the kind of values that a profile takes.
type Space int

// The spaces of photographs. The value is the number of channels.
const (
	Grey Space = 1
	RGB  Space = 3
	CMYK Space = 4
)

// CheckSize refuses a profile by the size that its container declares, before it is
// read.
func CheckSize(n int) error {
	if n > MaxBytes {
		return bad("%d bytes; at most %d are read", n, MaxBytes)
	}
	return nil
}

// header checks what Little CMS is not asked to find out: ICC.1:2022, 7.2 (header)
// and 7.3 (tag table).
func header(p []byte) (Space, error) {
	if err := CheckSize(len(p)); err != nil {
		return 0, err
	}
	const head = 128
	if len(p) < head+4 || string(p[36:40]) != "acsp" {
		return 0, bad("this is none (%d bytes)", len(p))
	}
	if n := binary.BigEndian.Uint32(p); uint64(n) > uint64(len(p)) {
		return 0, bad("cut off: %d of %d bytes", len(p), n)
	}
	switch class := string(p[12:16]); class {
	case "mntr", "scnr", "spac", "prtr":
	default:
		return 0, bad("class %q is not that of a picture", class)
	}
	tags := binary.BigEndian.Uint32(p[head:])
	if tags > 200 || head+4+12*int(tags) > len(p) {
		return 0, bad("%d tags in %d bytes", tags, len(p))
	}
	for i := range int(tags) {
		tag := p[head+4+12*i:]
		if off, n := binary.BigEndian.Uint32(tag[4:]), binary.BigEndian.Uint32(tag[8:]); uint64(off)+uint64(n) > uint64(len(p)) {
			return 0, bad("tag %q lies outside", tag[:4])
		}
	}
	switch space := string(p[16:20]); space {
	case "RGB ":
		return RGB, nil
	case "GRAY":
		return Grey, nil
	case "CMYK":
		return CMYK, nil
	default:
		return 0, bad("values of kind %q are not those of a photo", space)
	}
}

// Name is the description that a profile gives of itself (tag desc), "unnamed"
// where it has none.
func Name(p []byte) string {
	const unnamed = "unnamed"
	if len(p) < 132 {
		return unnamed
	}
	count := binary.BigEndian.Uint32(p[128:])
	for i := range min(int(count), 100) {
		at := 132 + 12*i
		if at+12 > len(p) {
			break
		}
		if string(p[at:at+4]) != "desc" {
			continue
		}
		off, size := int(binary.BigEndian.Uint32(p[at+4:])), int(binary.BigEndian.Uint32(p[at+8:]))
		if size < 12 || off+size > len(p) {
			break
		}
		tag := p[off : off+size]
		switch string(tag[:4]) {
		case "desc": // version 2: length, then ASCII
			n := int(binary.BigEndian.Uint32(tag[8:]))
			if n > 0 && 12+n <= len(tag) {
				return strings.TrimRight(string(tag[12:12+n]), "\x00")
			}
		case "mluc": // version 4: records of UTF-16
			if len(tag) < 28 {
				break
			}
			n, o := int(binary.BigEndian.Uint32(tag[20:])), int(binary.BigEndian.Uint32(tag[24:]))
			if n > 0 && n < 512 && o+n <= len(tag) {
				var u []uint16
				for j := o; j+1 < o+n; j += 2 {
					u = append(u, binary.BigEndian.Uint16(tag[j:]))
				}
				return strings.TrimRight(string(utf16.Decode(u)), "\x00")
			}
		}
	}
	return unnamed
}
