package report

import (
	"encoding/binary"
	"errors"
	"slices"
)

// errSegments is returned for a picture whose parts cannot be told from one another.
var errSegments = errors.New("is cut or damaged")

// bare is a picture without what does not change its pixels: where, when, by whom and
// with what it was made, notes, thumbnails, and whatever follows its end. The results
// hold no such thing, but somebody may have had a program go over them.
func bare(b []byte, format string) ([]byte, error) {
	if format == "png" {
		return barePNG(b)
	}
	return bareJPEG(b)
}

// Markers of JPEG, ITU-T T.81 table B.1.
const (
	markSOI   = 0xd8
	markEOI   = 0xd9
	markSOS   = 0xda
	markAPP0  = 0xe0
	markAPP14 = 0xee // of Adobe: how its channels are to be read
	markAPP15 = 0xef
	markCOM   = 0xfe
)

func bareJPEG(b []byte) ([]byte, error) {
	if len(b) < 2 || b[1] != markSOI {
		return nil, errSegments
	}
	out := slices.Clone(b[:2])
	for at := 2; ; {
		for at+1 < len(b) && b[at] == 0xff && b[at+1] == 0xff { // padding
			at++
		}
		if at+1 < len(b) && b[at] == 0xff && b[at+1] == markEOI {
			return append(out, 0xff, markEOI), nil
		}
		if at+4 > len(b) || b[at] != 0xff {
			return nil, errSegments
		}
		mark, end := b[at+1], at+2+int(binary.BigEndian.Uint16(b[at+2:]))
		if end > len(b) {
			return nil, errSegments
		}
		if mark == markSOS { // what it begins lasts until a marker that does not restart it
			for end+1 < len(b) && (b[end] != 0xff || b[end+1] == 0 || b[end+1] >= 0xd0 && b[end+1] <= 0xd7) {
				end++
			}
		}
		if mark != markCOM && (mark < markAPP0 || mark > markAPP15 || mark == markAPP14) {
			out = append(out, b[at:end]...)
		}
		at = end
	}
}

// shownChunks are those of a PNG that its pixels need, ISO 15948 section 5.6.
var shownChunks = []string{"IHDR", "PLTE", "tRNS", "IDAT", "IEND"}

func barePNG(b []byte) ([]byte, error) {
	const signature, around = 8, 12 // bytes: of the file, and of a chunk besides its data
	if len(b) < signature {
		return nil, errSegments
	}
	out := slices.Clone(b[:signature])
	for at := signature; ; {
		if at+around > len(b) {
			return nil, errSegments
		}
		end := at + around + int(binary.BigEndian.Uint32(b[at:]))
		if end > len(b) {
			return nil, errSegments
		}
		name := string(b[at+4 : at+8])
		if slices.Contains(shownChunks, name) {
			out = append(out, b[at:end]...)
		}
		if name == "IEND" {
			return out, nil
		}
		at = end
	}
}
