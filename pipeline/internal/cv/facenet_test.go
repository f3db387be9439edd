package cv

import (
	"bytes"
	"testing"
)

func TestFaceNet(t *testing.T) {
	var n *FaceNet
	n.Close() // closing nil does nothing
	for _, o := range []FaceBox{{X: 0, Y: 0, W: 10, H: 10}} {
		if !overlapsAny([]FaceBox{o}, FaceBox{X: 2, Y: 0, W: 10, H: 10}) {
			t.Error("boxes that share two thirds do not overlap")
		}
		if overlapsAny([]FaceBox{o}, FaceBox{X: 6, Y: 0, W: 10, H: 10}) { // 40 of 160
			t.Error("boxes that share a quarter overlap")
		}
		if overlapsAny([]FaceBox{o}, FaceBox{X: 20, Y: 20, W: 10, H: 10}) {
			t.Error("boxes far apart overlap")
		}
	}
}

// TestCheckONNX: the fields of a protobuf message must fill the file exactly; noise
// that begins like a model does not reach OpenCV, which would end the process.
func TestCheckONNX(t *testing.T) {
	field := func(key byte, content string) string { return string([]byte{key, byte(len(content))}) + content }
	model := "\x08\x08" + field(0x12, "pytorch") + field(0x3a, "graph")
	for name, c := range map[string]struct {
		data string
		ok   bool
	}{
		"a model":        {model, true},
		"cut off":        {model[:len(model)-1], false},
		"without graph":  {"\x08\x08" + field(0x12, "pytorch"), false},
		"nothing":        {"", false},
		"noise":          {"\x08" + string(bytes.Repeat([]byte{0xf7, 3, 0x91}, 1000)), false},
		"length too big": {"\x08\x08\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", false},
	} {
		if err := CheckONNX([]byte(c.data)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
