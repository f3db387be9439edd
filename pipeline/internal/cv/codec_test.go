package cv

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"testing"
)

func TestDecode(t *testing.T) {
	// 8 x 8 blocks of one colour survive JPEG nearly unchanged.
	src := image.NewRGBA(image.Rect(0, 0, 48, 32))
	colours := []color.RGBA{{200, 30, 40, 255}, {30, 180, 60, 255}, {40, 50, 210, 255}}
	for y := range 32 {
		for x := range 48 {
			src.SetRGBA(x, y, colours[x/16])
		}
	}
	var jpg, pn bytes.Buffer
	if err := jpeg.Encode(&jpg, src, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&pn, src); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"jpeg": jpg.Bytes(), "png": pn.Bytes()} {
		got, err := Decode(data)
		if err != nil {
			t.Fatal(name, err)
		}
		if got.W != 48 || got.H != 32 {
			t.Fatalf("%s: %dx%d, want 48x32", name, got.W, got.H)
		}
		for x := 8; x < 48; x += 16 {
			c := colours[x/16]
			for k, want := range []uint8{c.R, c.G, c.B} {
				if v := got.Pix[3*(16*48+x)+k]; math.Abs(float64(v)-float64(want)) > 3 {
					t.Errorf("%s: channel %d at x=%d is %d, want %d", name, k, x, v, want)
				}
			}
		}
	}
	// A cut JPEG gives what is there or an error, never the end of the process.
	for n := range jpg.Len() {
		if got, err := Decode(jpg.Bytes()[:n]); err == nil && (got.W != 48 || got.H != 32 || len(got.Pix) != 48*32*3) {
			t.Errorf("cut at %d: %dx%d with %d values and no error", n, got.W, got.H, len(got.Pix))
		}
	}
	// Garbage behind a good head, too.
	broken := bytes.Clone(jpg.Bytes())
	for i := len(broken) / 2; i < len(broken); i++ {
		broken[i] ^= 0x55
	}
	if got, err := Decode(broken); err == nil && len(got.Pix) != 48*32*3 {
		t.Errorf("broken: %d values", len(got.Pix))
	}
}

func TestEncodeJPEG(t *testing.T) {
	p := NewRGB(32, 16)
	for i := range 32 * 16 {
		p.Pix[3*i], p.Pix[3*i+1], p.Pix[3*i+2] = 210, 140, 60
	}
	data, err := EncodeJPEG(p, 95)
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(data)) // another decoder
	if err != nil {
		t.Fatal(err)
	}
	if img.Bounds() != image.Rect(0, 0, 32, 16) {
		t.Errorf("bounds %v", img.Bounds())
	}
	r, g, b, _ := img.At(10, 8).RGBA()
	for k, v := range []uint32{r >> 8, g >> 8, b >> 8} {
		if want := float64(p.Pix[k]); math.Abs(float64(v)-want) > 3 {
			t.Errorf("channel %d is %d, want %v", k, v, want)
		}
	}
}

// TestOrient writes out the eight cases of EXIF 2.32 (tag 274): which side of the
// stored picture the top row and the left column of the scene are on.
func TestOrient(t *testing.T) {
	// Stored, 3 wide and 2 high:  1 2 3
	//                             4 5 6
	stored := NewRGB(3, 2)
	for i := range 6 {
		stored.Pix[3*i], stored.Pix[3*i+1], stored.Pix[3*i+2] = uint8(i+1), uint8(10*(i+1)), 7
	}
	for exif, want := range map[int][][]uint8{
		1: {{1, 2, 3}, {4, 5, 6}},
		2: {{3, 2, 1}, {6, 5, 4}},   // mirrored
		3: {{6, 5, 4}, {3, 2, 1}},   // upside down
		4: {{4, 5, 6}, {1, 2, 3}},   // mirrored upside down
		5: {{1, 4}, {2, 5}, {3, 6}}, // transposed
		6: {{4, 1}, {5, 2}, {6, 3}}, // turn right
		7: {{6, 3}, {5, 2}, {4, 1}}, // transposed about the other diagonal
		8: {{3, 6}, {2, 5}, {1, 4}}, // turn left
	} {
		got, err := Orient(stored, exif)
		if err != nil {
			t.Fatal(exif, err)
		}
		if got.W != len(want[0]) || got.H != len(want) {
			t.Errorf("%d: %dx%d", exif, got.W, got.H)
			continue
		}
		for y, row := range want {
			for x, v := range row {
				if p := got.Pix[3*(y*got.W+x):]; p[0] != v || p[1] != 10*v || p[2] != 7 {
					t.Errorf("orientation %d at %d, %d: %v, want %d", exif, x, y, p[:3], v)
				}
			}
		}
	}
}
