package heif

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// TestAlone: what a picture is made of stays, every other relation goes, and no byte
// moves. Broken boxes end the search.
func TestAlone(t *testing.T) {
	box := func(kind, content string) string {
		return string(binary.BigEndian.AppendUint32(nil, uint32(8+len(content)))) + kind + content
	}
	iref := func(a, b string) string {
		return box("iref", "\x00\x00\x00\x00"+box(a, "\x00\x05\x00\x02\x00\x01\x00\x02")+box("dimg", "\x00\x05\x00\x01\x00\x01")+box(b, "\x00\x08\x00\x02\x00\x05\x00\x07"))
	}
	file := func(a, b string) string {
		return box("ftyp", "heic") + box("meta", "\x00\x00\x00\x00"+box("cdsc", "not a relation")+iref(a, b)) + iref("auxl", "thmb") + box("mdat", "cdsc")
	}
	in := []byte(file("auxl", "cdsc"))
	if got := string(alone(in)); got != file("free", "free") {
		t.Errorf("%q, want %q", got, file("free", "free"))
	}
	if string(in) != file("auxl", "cdsc") {
		t.Error("the file that was given has changed")
	}
	for i := range in {
		if got := alone(in[:i]); len(got) != i {
			t.Errorf("%d bytes of %d", len(got), i)
		}
	}
}

func TestCheck(t *testing.T) {
	good := "\x00\x00\x00\x10ftypheicmif1\x00\x00\x00\x0cmeta\x00\x00\x00\x00"
	for data, want := range map[string]string{
		good + "\x00\x00\x00\x08mdat": "", good + "\x00\x00\x00\x00mdatxxx": "", good + "\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x12xx": "",
		good + "\x00\x00\x00\x08mdat" + "a film behind it": "",
		"": "missing", good[:16]: "missing", "\x7f\xff\xff\xfeftypheic": "claims 2147483646", good + "\x00\x00\x00\x07mdat": "claims 7",
		good + "\x00\x00\x00\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff": "claims 18446744073709551615",
	} {
		err := Check([]byte(data))
		if (err == nil) != (want == "") || err != nil && (!errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", data, err, want)
		}
	}
}

// FuzzCheck: no panic and no endless loop on broken boxes.
func FuzzCheck(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x10ftypheicmif1\x00\x00\x00\x0cmeta\x00\x00\x00\x00\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x12xx"))
	f.Add([]byte("\x00\x00\x00\x00meta"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(alone(data)) != len(data) {
			t.Error("the size has changed")
		}
		if err := Check(data); err != nil && !errors.Is(err, ErrFormat) {
			t.Error(err)
		}
	})
}
