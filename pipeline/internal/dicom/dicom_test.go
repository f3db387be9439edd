package dicom

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"
)

// object is a small photograph with a sequence, of which an item holds another tag
// twice.
func object() []Element {
	return []Element{
		{SOPClassUID, "UI", VLPhotographic}, {SOPInstanceUID, "UI", UID("a test")}, {PatientID, "LO", "P001"},
		{AcquisitionDateTime, "DT", "20260314092653.5+0530"}, {StudyDate, "DA", "20200101"},
		{AnatomicRegion, "SQ", [][]Element{{{CodeValue, "SH", "89545001"}, {PatientID, "LO", "somebody else"}}}},
		{Rows, "US", 2}, {Columns, "US", 3}, {NumberOfFrames, "IS", 1}, {PixelData, "OB", []byte("123456789012345678")},
	}
}

func TestWriteRead(t *testing.T) {
	data, err := Write(ExplicitLE, object())
	if err != nil {
		t.Fatal(err)
	}
	f, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	if f.Syntax != ExplicitLE || f.Text(PatientID) != "P001" || f.Short(Rows) != 2 || f.Integer(NumberOfFrames, 7) != 1 || f.Short(BitsStored) != -1 ||
		len(f.Pixels) != 1 || string(f.Pixels[0]) != "123456789012345678" {
		t.Errorf("%+v", f)
	}
	if got := f.Taken().Format(time.RFC3339); got != "2026-03-14T09:26:53+05:30" {
		t.Errorf("taken %s", got)
	}
	// The picture does not matter to who asks for the head only.
	if f, err := ReadHead(data[:len(data)-30]); err != nil || f.Text(PatientID) != "P001" {
		t.Errorf("head: %v", err)
	}
	packed, err := Write(JPEGBaseline, append(object()[:len(object())-1], Element{PixelData, "OB", Fragments{[]byte("odd"), []byte("even")}}))
	if err != nil {
		t.Fatal(err)
	}
	if f, err = Read(packed); err != nil || len(f.Pixels) != 2 || string(f.Pixels[0]) != "odd\x00" || string(f.Pixels[1]) != "even" {
		t.Errorf("fragments: %v, %q", err, f.Pixels)
	}
	if len(data)%2 != 0 || len(packed)%2 != 0 {
		t.Error("odd lengths")
	}
	if _, err := Write(ExplicitLE, append(object(), Element{Rows, "US", 3})); err == nil {
		t.Error("an attribute that is there twice is no error")
	}
}

// implicit is the object in implicit encoding, its sequence without lengths.
func implicit() []byte {
	b := make([]byte, 128)
	b = append(b, "DICM"...)
	meta, err := encode([]Element{{TransferSyntaxUID, "UI", ImplicitLE}})
	if err != nil {
		panic(err)
	}
	b = append(b, meta...)
	add := func(t Tag, v string) {
		b = binary.LittleEndian.AppendUint32(append(b, tagBytes(t)...), uint32(len(v)))
		b = append(b, v...)
	}
	open := func(t Tag) { b = append(append(b, tagBytes(t)...), 0xff, 0xff, 0xff, 0xff) }
	open(AnatomicRegion)
	open(item)
	open(AnatomicRegion)
	open(item)
	add(PatientID, "else")
	add(itemEnd, "")
	add(sequenceEnd, "")
	add(itemEnd, "")
	add(item, "whatever")
	add(sequenceEnd, "")
	add(PatientID, "P002")
	add(Rows, "\x02\x00")
	add(PixelData, "abcdef")
	return b
}

func TestImplicit(t *testing.T) {
	f, err := Read(implicit())
	if err != nil || f.Text(PatientID) != "P002" || f.Short(Rows) != 2 || string(f.Pixels[0]) != "abcdef" {
		t.Errorf("%v, %+v", err, f)
	}
}

func TestTaken(t *testing.T) {
	for want, e := range map[string][]Element{
		"2026-03-14T00:00:00Z":      {{AcquisitionDateTime, "DT", "20260314"}},
		"2026-03-14T09:26:00Z":      {{ContentDate, "DA", "20260314"}, {ContentTime, "TM", "0926"}, {StudyDate, "DA", "20260101"}},
		"2026-03-14T09:26:53-03:00": {{AcquisitionDate, "DA", "20260314"}, {AcquisitionTime, "TM", "092653.12"}, {TimezoneOffsetFromUTC, "SH", "-0300"}},
		"2026-01-01T00:00:00Z":      {{StudyDate, "DA", "20260101"}, {StudyTime, "TM", "nonsense"}, {AcquisitionDateTime, "DT", "2026"}},
		"0001-01-01T00:00:00Z":      {{StudyDate, "DA", "20261301"}},
	} {
		data, err := Write(ExplicitLE, append(e, Element{SOPClassUID, "UI", VLPhotographic}))
		if err != nil {
			t.Fatal(err)
		}
		f, err := Read(data)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Taken().Format(time.RFC3339); got != want {
			t.Errorf("%v: %s, want %s", e, got, want)
		}
	}
}

func TestBroken(t *testing.T) {
	good, err := Write(ExplicitLE, object())
	if err != nil {
		t.Fatal(err)
	}
	long := append([]byte{}, good...)
	i := bytes.Index(long, []byte("P001")) - 2
	long[i], long[i+1] = 0xff, 0xff
	deep := implicit()[:bytes.Index(implicit(), append(tagBytes(AnatomicRegion), 0xff))]
	for range 100 {
		deep = append(append(deep, tagBytes(AnatomicRegion)...), 0xff, 0xff, 0xff, 0xff)
		deep = append(append(deep, tagBytes(item)...), 0xff, 0xff, 0xff, 0xff)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty": {nil, "DICM"}, "cut off": {good[:len(good)-5], "cut off"}, "a length": {long, "claims 65535 bytes"}, "deep": {deep, "deep"},
		"big endian": {bytes.Replace(good, []byte(ExplicitLE), []byte("1.2.840.10008.1.2.2"), 1), "big endian"},
	} {
		if f, err := Read(c.data); f != nil || !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want %q", name, f, err, c.want)
		}
	}
}

// TestUID: below the root of UUIDs, at most 64 characters, and always the same.
func TestUID(t *testing.T) {
	a, b := UID("study", "P1"), UID("study", "P2")
	if a == b || a != UID("study", "P1") || !strings.HasPrefix(a, "2.25.") || len(a) > 64 || strings.Trim(a, "0123456789.") != "" {
		t.Error(a, b)
	}
	if UID("a", "bc") == UID("ab", "c") {
		t.Error("parts run into one another")
	}
}

// FuzzRead reads broken files: no panic, no endless loop, parts only of what is there.
func FuzzRead(f *testing.F) {
	good, err := Write(JPEGBaseline, append(object()[:9], Element{PixelData, "OB", Fragments{[]byte("jpeg")}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(implicit())
	f.Fuzz(func(t *testing.T, data []byte) {
		ReadHead(data)
		d, err := Read(data)
		if err != nil {
			if d != nil || !errors.Is(err, ErrFormat) {
				t.Errorf("%v, %v", d, err)
			}
			return
		}
		n := 0
		for _, p := range d.Pixels {
			n += len(p)
		}
		if n > len(data) {
			t.Errorf("%d bytes of pixels in a file of %d", n, len(data))
		}
		d.Taken()
	})
}
