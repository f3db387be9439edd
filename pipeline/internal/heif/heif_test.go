package heif

import (
	"errors"
	"strings"
	"testing"
)

// TestAdvice: who lacks libheif, or has one too old, reads what to install.
func TestAdvice(t *testing.T) {
	for v, want := range map[uint]string{0: "is not installed", 0x010f0100: "too old for photos of iOS 18", 0x01110600: "bookworm-backports", 0x01130700: "from the phone again"} {
		if got := advice(v); !strings.Contains(got, want) || !strings.Contains(got, "JPEG") {
			t.Errorf("%08x: %q, want %q", v, got, want)
		}
	}
	if strings.Contains(advice(0x01120000), "too old") {
		t.Error("1.18.0 is called too old")
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
		if err := Check(data); err != nil && !errors.Is(err, ErrFormat) {
			t.Error(err)
		}
	})
}
