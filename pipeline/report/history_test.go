package report

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// The crop shows the place of the object in the baseline photo, whatever frame the
// pictures have: a dark dot drawn there is at the centre of every crop.
func TestCropShowsThePlaceOfTheObject(t *testing.T) {
	const w, h = 400, 500
	// The picture is the baseline photo at half its size, its corner at (60, 100).
	toBase := [6]float64{2, 0, 60, 0, 2, 100}
	bx, by := 360.0, 500.0 // in the picture at (150, 200)
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{200, 160, 140, 255}
			if dx, dy := x-150, y-200; dx*dx+dy*dy < 16 {
				c = color.RGBA{20, 10, 10, 255}
			}
			img.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	g := &gallery{full: map[string]picture{"p": {b.Bytes(), "jpeg", w, h}}}
	visit := result.Visit{Session: "s0", Pictures: map[string]string{aligned: "p"}}
	for _, c := range []struct {
		mmPerPx result.Number
	}{{0.2}, {0}} {
		s := result.Series{PictureToBase: toBase, PictureMMPerPx: c.mmPerPx}
		src, ok := newCropper(s, g).crop(track{at: map[int]result.Object{0: {BaseXPx: result.Number(bx), BaseYPx: result.Number(by)}}}, visit)
		if !ok {
			t.Fatal("no crop")
		}
		data, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(strings.TrimPrefix(string(src), `src="data:image/jpeg;base64,`), `"`))
		if err != nil {
			t.Fatal(err)
		}
		crop, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil || crop.Bounds().Dx() != cropSide || crop.Bounds().Dy() != cropSide {
			t.Fatalf("%v, %v", crop.Bounds(), err)
		}
		sx, sy, n := 0, 0, 0
		for y := range cropSide {
			for x := range cropSide {
				if r, _, _, _ := crop.At(x, y).RGBA(); r>>8 < 110 {
					sx, sy, n = sx+x, sy+y, n+1
				}
			}
		}
		if n == 0 || abs(sx/n-cropSide/2) > 3 || abs(sy/n-cropSide/2) > 3 {
			t.Errorf("scale %v: %d dark pixels about (%d, %d), want about the centre", c.mmPerPx, n, sx/max(n, 1), sy/max(n, 1))
		}
	}
	// Outside the picture, and where the place is not recorded, there is no crop.
	for _, o := range []result.Object{{BaseXPx: 5000, BaseYPx: 10}, {}, {BaseXPx: result.None(), BaseYPx: 3}} {
		if _, ok := newCropper(result.Series{PictureToBase: toBase}, g).crop(track{at: map[int]result.Object{0: o}}, visit); ok {
			t.Errorf("a crop of %+v", o)
		}
	}
}

func abs(n int) int { return max(n, -n) }

func TestTracksAreFollowedAndNotInvented(t *testing.T) {
	object := func(session, track string, area, contrast result.Number, status result.Status) result.Object {
		return result.Object{Session: session, Photo: session + ".jpg", Zone: "nose", Kind: "scar", Track: track, Type: "boxcar", AreaMM2: area, Contrast: contrast, Status: status}
	}
	s := result.Series{
		Visits: []result.Visit{{Session: "a", Photo: "a.jpg", Baseline: true, Comparable: true}, {Session: "b", Photo: "b.jpg", Day: 30, Comparable: true}, {Session: "c", Photo: "c.jpg", Day: 60, Comparable: true}},
		Objects: []result.Object{
			object("a", "S1", 2, 0.1, result.OK), object("c", "S1", 1, 0.05, result.Refused),
			object("a", "S2", 9, 0.2, result.OK), object("b", "S2", 8, 0.2, result.Caution),
			object("b", "S3", 50, 0.9, result.OK), // not at baseline
			{Session: "a", Photo: "replicate.jpg", Zone: "nose", Kind: "scar", Track: "S4"},
			{Session: "a", Photo: "a.jpg", Zone: "nose", Kind: "pore"},
		},
	}
	v := newHistoryView(s, &gallery{})
	if len(v.Kinds) != 1 || len(v.Kinds[0].Tracks) != 3 {
		t.Fatalf("%+v", v)
	}
	tracks := v.Kinds[0].Tracks
	// The larger one first; what came later last and marked.
	if tracks[0].Name != "Scar S2" || tracks[1].Name != "Scar S1" || tracks[2].Name != "Scar S3" || !tracks[2].New || tracks[0].New {
		t.Errorf("%+v", tracks)
	}
	c := tracks[1].Cells
	if c[0].Contrast != "contrast 0.100" || c[0].Area != "2.00\u00a0mm²" || c[1].Note != tell("history.absent") || c[1].Contrast != "" {
		t.Errorf("%+v", c)
	}
	if c[2].Note != tell("history.refused") || c[2].Contrast != "" || c[2].Area != "" {
		t.Errorf("a refused value is shown: %+v", c[2])
	}
	if got := tracks[0].Cells[1].Note; got != tell("history.caution") {
		t.Errorf("caution: %q", got)
	}
}
