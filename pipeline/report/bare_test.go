package report

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"
)

// What is put into a picture besides its pixels goes, byte for byte, and the picture
// stays as it was.
func TestBareIsThePictureAndNoMore(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 37, 23))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * 131 >> 2)
	}
	var jpg, pn bytes.Buffer
	if err := jpeg.Encode(&jpg, img, nil); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&pn, img); err != nil {
		t.Fatal(err)
	}
	paletted := image.NewPaletted(img.Rect, color.Palette{color.NRGBA{1, 2, 3, 40}, color.White})
	var pal bytes.Buffer
	if err := png.Encode(&pal, paletted); err != nil {
		t.Fatal(err)
	}
	segment := func(mark byte, words string) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{0xff, mark}, uint16(2+len(words))), words...)
	}
	chunk := func(name, words string) []byte {
		b := append(binary.BigEndian.AppendUint32(nil, uint32(len(words))), name+words...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	}
	insert := func(b []byte, at int, parts ...[]byte) []byte {
		all := append([]byte{}, b[:at]...)
		for _, p := range parts {
			all = append(all, p...)
		}
		return append(all, b[at:]...)
	}
	note := "Jane Roe \xff\xd9 51.5 N"
	for _, c := range []struct {
		name, format string
		clean, with  []byte
	}{
		{"JPEG", "jpeg", jpg.Bytes(), append(insert(jpg.Bytes(), 2, segment(0xe0, note), []byte{0xff}, segment(0xe1, note), segment(0xed, note), segment(0xfe, note)), note...)},
		{"PNG", "png", pn.Bytes(), append(insert(pn.Bytes(), 33, chunk("tEXt", note), chunk("eXIf", note), chunk("iTXt", note), chunk("tIME", note)), note...)},
		{"PNG with a palette", "png", pal.Bytes(), insert(pal.Bytes(), pal.Len()-12, chunk("zTXt", note))},
	} {
		for name, b := range map[string][]byte{"clean": c.clean, "with notes": c.with} {
			got, err := bare(b, c.format)
			if err != nil || !bytes.Equal(got, c.clean) {
				t.Errorf("%s %s: %d bytes of %d became %d, %v", c.name, name, len(c.clean), len(b), len(got), err)
			}
		}
		for n := range len(c.clean) { // cut anywhere, it is refused
			if _, err := bare(c.clean[:n], c.format); err == nil {
				t.Errorf("%s: %d of %d bytes are taken for a picture", c.name, n, len(c.clean))
			}
		}
	}
}

func FuzzBare(f *testing.F) {
	var jpg, pn bytes.Buffer
	if jpeg.Encode(&jpg, image.NewGray(image.Rect(0, 0, 9, 9)), nil) == nil && png.Encode(&pn, image.NewGray(image.Rect(0, 0, 9, 9))) == nil {
		f.Add(jpg.Bytes(), true)
		f.Add(pn.Bytes(), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, isJPEG bool) {
		format := "png"
		if isJPEG {
			format = "jpeg"
		}
		once, err := bare(data, format)
		if err != nil {
			return
		}
		if again, err := bare(once, format); err != nil || !bytes.Equal(once, again) {
			t.Errorf("twice: %d bytes, then %d, %v", len(once), len(again), err)
		}
	})
}
