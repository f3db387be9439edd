package icc

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
)

var (
	sRGB = Colours{[2]float64{0.3127, 0.3290}, [2]float64{0.64, 0.33}, [2]float64{0.30, 0.60}, [2]float64{0.15, 0.06}, 0}
	// ROMM RGB (ISO 22028-2), white D50.
	proPhoto = Colours{[2]float64{0.3457, 0.3585}, [2]float64{0.7347, 0.2653}, [2]float64{0.1596, 0.8404}, [2]float64{0.0366, 0.0001}, 1.8}
)

type matrix [3][3]float64

func (m matrix) of(v [3]float64) (out [3]float64) {
	for i := range 3 {
		for j := range 3 {
			out[i] += m[i][j] * v[j]
		}
	}
	return out
}

func (m matrix) times(n matrix) (out matrix) {
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				out[i][j] += m[i][k] * n[k][j]
			}
		}
	}
	return out
}

func (m matrix) inverse() (out matrix) {
	det := 0.0
	for i := range 3 {
		det += m[0][i] * (m[1][(i+1)%3]*m[2][(i+2)%3] - m[1][(i+2)%3]*m[2][(i+1)%3])
	}
	for i := range 3 {
		for j := range 3 {
			out[j][i] = (m[(i+1)%3][(j+1)%3]*m[(i+2)%3][(j+2)%3] - m[(i+1)%3][(j+2)%3]*m[(i+2)%3][(j+1)%3]) / det
		}
	}
	return out
}

// toXYZ is the matrix of an RGB space (Lindbloom, "RGB/XYZ matrices"), brought to
// D50 by Bradford's transform.
func toXYZ(c Colours) matrix {
	xyz := func(xy [2]float64) [3]float64 { return [3]float64{xy[0] / xy[1], 1, (1 - xy[0] - xy[1]) / xy[1]} }
	var m matrix
	for j, p := range [][2]float64{c.Red, c.Green, c.Blue} {
		for i, v := range xyz(p) {
			m[i][j] = v
		}
	}
	s := m.inverse().of(xyz(c.White))
	for i := range 3 {
		for j := range 3 {
			m[i][j] *= s[j]
		}
	}
	bradford := matrix{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}
	from, to := bradford.of(xyz(c.White)), bradford.of([3]float64{0.9642, 1, 0.8249})
	return bradford.inverse().times(matrix{{to[0] / from[0]}, {0, to[1] / from[1]}, {0, 0, to[2] / from[2]}}).times(bradford).times(m)
}

func decode(v, gamma float64) float64 {
	switch {
	case gamma > 0:
		return math.Pow(v, gamma)
	case v <= 0.04045:
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func encode(v float64) float64 {
	v = min(max(v, 0), 1)
	if v <= 0.0031308 {
		return 12.92 * v
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

// TestToSRGB holds Little CMS, with the profiles that it makes of published
// primaries, against the matrices worked out here.
func TestToSRGB(t *testing.T) {
	for name, c := range map[string]Colours{"Display P3": DisplayP3, "Adobe RGB": AdobeRGB, "ProPhoto": proPhoto} {
		data, err := Make(c)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Open(data)
		if err != nil {
			t.Fatal(name, err)
		}
		defer p.Close()
		if p.IsSRGB() {
			t.Errorf("%s is taken for sRGB", name)
		}
		m := toXYZ(sRGB).inverse().times(toXYZ(c))
		var src []byte
		var deep []uint16
		for r := 20; r < 256; r += 29 {
			for g := 20; g < 256; g += 29 {
				for b := 20; b < 256; b += 29 {
					src = append(src, byte(r), byte(g), byte(b))
					deep = append(deep, uint16(257*r), uint16(257*g), uint16(257*b))
				}
			}
		}
		dst, dst16 := make([]byte, len(src)), make([]byte, len(src))
		if err := p.ToSRGB(dst, src); err != nil {
			t.Fatal(err)
		}
		if err := p.ToSRGB16(dst16, deep); err != nil {
			t.Fatal(err)
		}
		worst, worst16 := 0.0, 0.0
		for i := 0; i < len(src); i += 3 {
			var lin [3]float64
			for k := range 3 {
				lin[k] = decode(float64(src[i+k])/255, c.Gamma)
			}
			out := m.of(lin)
			for k := range 3 {
				want := 255 * encode(out[k])
				if want < 12 { // the toe is steep: a step of the matrix's fixed point is several values
					continue
				}
				worst = math.Max(worst, math.Abs(want-float64(dst[i+k])))
				worst16 = math.Max(worst16, math.Abs(want-float64(dst16[i+k])))
			}
		}
		t.Logf("%s: off by up to %.2f (8 bit), %.2f (16 bit) of 255", name, worst, worst16)
		if worst > 1 || worst16 > 1 {
			t.Errorf("%s: off by %.2f (8 bit), %.2f (16 bit) of 255, want 1 at most", name, worst, worst16)
		}
	}
	data, err := Make(sRGB)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(data)
	if err != nil || !p.IsSRGB() {
		t.Errorf("sRGB is not known by its primaries: %v", err)
	}
	p.Close()
	again, err := Make(sRGB)
	if err != nil || string(again) != string(data) {
		t.Error("two profiles of the same colours differ")
	}
}

func TestGarbage(t *testing.T) {
	good, err := Make(DisplayP3)
	if err != nil {
		t.Fatal(err)
	}
	change := func(at int, s string) []byte {
		b := append([]byte{}, good...)
		copy(b[at:], s)
		return b
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "text": []byte("not a profile"), "zeros": make([]byte, 500), "cut off": good[:len(good)-9],
		"link": change(12, "link"), "named colours": change(12, "nmcl"), "Lab": change(16, "Lab "),
		"a tag outside": change(128+4+4, "\xff\xff\xff\xf0"), "tags without end": change(128, "\xff\xff\xff\xff"),
		"no tags": change(128, "\x00\x00\x00\x00"), "50 MB": append(binary.BigEndian.AppendUint32(nil, 50<<20), make([]byte, 50<<20)...),
	} {
		if p, err := Open(b); err == nil || p != nil || !errors.Is(err, ErrProfile) {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	p, err := Open(good)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, n := range [][2]int{{0, 0}, {3, 4}, {4, 4}, {6, 3}} {
		if p.ToSRGB(make([]byte, n[0]), make([]byte, n[1])) == nil {
			t.Errorf("%d bytes from %d are no error", n[0], n[1])
		}
	}
}

// tagged is a profile with one tag between two others.
func tagged(tag string) string {
	b := make([]byte, 128)
	b = binary.BigEndian.AppendUint32(b, 2)
	const body = 128 + 4 + 2*12
	b = append(b, "wtpt"...)
	b = binary.BigEndian.AppendUint32(b, body)
	b = binary.BigEndian.AppendUint32(b, 20)
	b = append(b, "desc"...)
	b = binary.BigEndian.AppendUint32(b, body+20)
	b = binary.BigEndian.AppendUint32(b, uint32(len(tag)))
	b = append(b, make([]byte, 20)...)
	return string(b) + tag
}

func descV2(name string) string {
	b := []byte("desc\x00\x00\x00\x00")
	b = binary.BigEndian.AppendUint32(b, uint32(len(name)+1))
	return string(b) + name + "\x00" + strings.Repeat("\x00", 78)
}

func descV4(name string) string {
	b := []byte("mluc\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x0cenUS")
	b = binary.BigEndian.AppendUint32(b, uint32(2*len(name)))
	b = binary.BigEndian.AppendUint32(b, 28)
	for _, c := range name {
		b = binary.BigEndian.AppendUint16(b, uint16(c))
	}
	return string(b)
}

// TestName reads descriptions of both versions, and gets over broken ones.
func TestName(t *testing.T) {
	for want, p := range map[string]string{
		"sRGB IEC61966-2.1": tagged(descV2("sRGB IEC61966-2.1")),
		"Display P3":        tagged(descV4("Display P3")),
		"Long profile":      tagged(descV2("Long profile") + strings.Repeat("x", 500)),
	} {
		if got := Name([]byte(p)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, p := range []string{"", strings.Repeat("\x00", 140), tagged("desc\x00\x00\x00\x00\xff\xff\xff\xffxx"), tagged(descV4("P3"))[:170]} {
		if got := Name([]byte(p)); got != "unnamed" {
			t.Errorf("%d bytes are named %q", len(p), got)
		}
	}
}

// FuzzOpen opens broken profiles and, where that works, converts with them.
func FuzzOpen(f *testing.F) {
	for _, c := range []Colours{sRGB, DisplayP3, proPhoto} {
		p, err := Make(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p)
		f.Add(p[:len(p)/2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		Name(data)
		p, err := Open(data)
		if err != nil {
			if p != nil || !errors.Is(err, ErrProfile) {
				t.Errorf("%v, %v", p, err)
			}
			return
		}
		defer p.Close()
		dst := make([]byte, 6)
		if err := p.ToSRGB(dst, make([]byte, 2*int(p.Space))); err != nil {
			t.Error(err)
		}
		p.IsSRGB()
	})
}
