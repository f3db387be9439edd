package dicom

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of what is read; photographs have some hundred attributes.
const (
	maxElements = 20_000
	maxDepth    = 16
	undefined   = math.MaxUint32
)

// File is one object. Values are parts of the data that it was read from.
type File struct {
	Syntax string // transfer syntax
	values map[Tag][]byte
	// Pixels is the picture: one part of plain values, or the parts of one that is
	// packed. nil where the file was read up to it only, or has none.
	Pixels [][]byte
}

// Read reads a file. Sequences are passed over.
func Read(data []byte) (*File, error) { return read(data, false) }

// ReadHead reads what stands before the picture, of the beginning of a file.
func ReadHead(data []byte) (*File, error) { return read(data, true) }

func read(data []byte, head bool) (*File, error) {
	if len(data) < 132 || string(data[128:132]) != "DICM" {
		return nil, bad("the mark DICM is missing")
	}
	f := &File{values: map[Tag][]byte{}}
	p := parser{data: data, at: 132, file: f, explicit: true, head: head}
	// The file's own group is in explicit little endian, whatever follows.
	for p.at+8 <= len(data) && binary.LittleEndian.Uint16(data[p.at:]) == 2 {
		if _, err := p.element(0); err != nil {
			return nil, err
		}
	}
	f.Syntax = f.Text(TransferSyntaxUID)
	switch f.Syntax {
	case ImplicitLE:
		p.explicit = false
	case "":
		return nil, bad("the transfer syntax is missing")
	case "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99":
		return nil, bad("the encoding (%s) is not read; expected little endian", SyntaxName(f.Syntax))
	}
	for p.at < len(data) {
		done, err := p.element(0)
		if err != nil {
			return nil, err
		}
		if done {
			break
		}
	}
	return f, nil
}

type parser struct {
	data     []byte
	at       int
	file     *File
	explicit bool
	head     bool // stop before the picture
	count    int
}

// longVR have a length of 32 bits in explicit encoding (PS3.5, 7.1.2).
var longVR = []string{"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}

// next reads tag and length of an element.
func (p *parser) next() (t Tag, vr string, n uint32, err error) {
	d := p.data[p.at:]
	if len(d) < 8 {
		return 0, "", 0, bad("cut off at byte %d", p.at)
	}
	if p.count++; p.count > maxElements {
		return 0, "", 0, bad("more than %d attributes", maxElements)
	}
	le := binary.LittleEndian
	t = Tag(le.Uint16(d))<<16 | Tag(le.Uint16(d[2:]))
	if !p.explicit || t>>16 == 0xfffe {
		p.at += 8
		return t, "", le.Uint32(d[4:]), nil
	}
	vr = string(d[4:6])
	if vr[0] < 'A' || vr[0] > 'Z' || vr[1] < 'A' || vr[1] > 'Z' {
		return 0, "", 0, bad("%v has no type at byte %d", t, p.at)
	}
	if !slices.Contains(longVR, vr) {
		p.at += 8
		return t, vr, uint32(le.Uint16(d[6:])), nil
	}
	if len(d) < 12 {
		return 0, "", 0, bad("cut off at byte %d", p.at)
	}
	p.at += 12
	return t, vr, le.Uint32(d[8:]), nil
}

const (
	item          Tag = 0xfffee000
	itemEnd       Tag = 0xfffee00d
	sequenceEnd   Tag = 0xfffee0dd
	depthOfObject     = 0
)

// element reads one element; done tells that the picture was met, or the end of an
// item or of a sequence.
func (p *parser) element(depth int) (done bool, err error) {
	if depth > maxDepth {
		return false, bad("sequences lie more than %d deep in one another", maxDepth)
	}
	start := p.at
	t, vr, n, err := p.next()
	switch {
	case err != nil:
		return false, err
	case t == itemEnd, t == sequenceEnd:
		return true, nil
	case t == PixelData && depth == depthOfObject:
		if p.head {
			return true, nil
		}
		return true, p.pixels(n)
	case n == undefined:
		was := p.explicit
		p.explicit = p.explicit && vr != "UN" // PS3.5, 6.2.2: such are in implicit encoding
		err := p.sequence(depth + 1)
		p.explicit = was
		return false, err
	case int64(n) > int64(len(p.data)-p.at):
		if p.head {
			p.at = len(p.data)
			return true, nil
		}
		return false, bad("%v at byte %d claims %d bytes, of which there are %d", t, start, n, len(p.data)-p.at)
	}
	if _, twice := p.file.values[t]; depth == depthOfObject && !twice {
		p.file.values[t] = p.data[p.at : p.at+int(n)]
	}
	p.at += int(n)
	return false, nil
}

// sequence passes over a sequence without a length.
func (p *parser) sequence(depth int) error {
	for {
		t, _, n, err := p.next()
		switch {
		case err != nil:
			return err
		case t == sequenceEnd:
			return nil
		case t != item:
			return bad("%v inside of a sequence at byte %d", t, p.at)
		case n != undefined:
			if int64(n) > int64(len(p.data)-p.at) {
				return bad("an item at byte %d claims %d bytes", p.at, n)
			}
			p.at += int(n)
			continue
		}
		for {
			done, err := p.element(depth)
			if err != nil {
				return err
			}
			if done {
				break
			}
			if p.at >= len(p.data) {
				return bad("cut off inside of a sequence")
			}
		}
	}
}

// pixels reads the picture: plain, or the fragments behind an offset table.
func (p *parser) pixels(n uint32) error {
	if n != undefined {
		if int64(n) > int64(len(p.data)-p.at) {
			return bad("cut off: the picture claims %d bytes, of which there are %d", n, len(p.data)-p.at)
		}
		p.file.Pixels = [][]byte{p.data[p.at : p.at+int(n)]}
		return nil
	}
	for first := true; ; first = false {
		t, _, n, err := p.next()
		switch {
		case err != nil:
			return err
		case t == sequenceEnd:
			if len(p.file.Pixels) == 0 {
				return bad("the picture is missing")
			}
			return nil
		case t != item || int64(n) > int64(len(p.data)-p.at):
			return bad("cut off inside of the picture at byte %d", p.at)
		}
		if !first {
			p.file.Pixels = append(p.file.Pixels, p.data[p.at:p.at+int(n)])
		}
		p.at += int(n)
	}
}

// Text is an attribute's value without its padding; empty where it is missing.
func (f *File) Text(t Tag) string { return strings.Trim(string(f.values[t]), " \x00") }

// Bytes is an attribute's value as stored.
func (f *File) Bytes(t Tag) []byte { return f.values[t] }

// Short is a number of 16 bits (US); -1 where it is missing.
func (f *File) Short(t Tag) int {
	if b := f.values[t]; len(b) >= 2 {
		return int(binary.LittleEndian.Uint16(b))
	}
	return -1
}

// Integer is a number written as text (IS); or where there is none.
func (f *File) Integer(t Tag, or int) int {
	if n, err := strconv.Atoi(f.Text(t)); err == nil {
		return n
	}
	return or
}

// Taken is when the picture was taken, as far as the file says: by its acquisition,
// its content, its study, in this order. In UTC where the offset is not recorded; zero
// where there is no date.
func (f *File) Taken() time.Time {
	if t := moment(f.Text(AcquisitionDateTime), f.Text(TimezoneOffsetFromUTC)); !t.IsZero() {
		return t
	}
	for _, tags := range [][2]Tag{{AcquisitionDate, AcquisitionTime}, {ContentDate, ContentTime}, {StudyDate, StudyTime}} {
		if day := f.Text(tags[0]); len(day) == 8 {
			if t := moment(day+f.Text(tags[1]), f.Text(TimezoneOffsetFromUTC)); !t.IsZero() {
				return t
			}
		}
	}
	return time.Time{}
}

// moment reads YYYYMMDDHHMMSS.FFFFFF&ZZXX (PS3.5, 6.2, DT), of which all behind the
// day may be missing.
func moment(s, zone string) time.Time {
	if i := strings.IndexAny(s, "+-"); i >= 0 {
		s, zone = s[:i], s[i:]
	}
	s, _, _ = strings.Cut(s, ".")
	if len(s) < 8 {
		return time.Time{}
	}
	layout := "20060102150405"
	s = s[:min(len(s), len(layout))]
	t, err := time.Parse(layout[:len(s)], s)
	if err != nil {
		if t, err = time.Parse(layout[:8], s[:8]); err != nil {
			return time.Time{}
		}
	}
	if z, err := time.Parse("-0700", zone); err == nil {
		_, offset := z.Zone()
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.FixedZone("", offset))
	}
	return t
}
