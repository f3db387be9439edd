package card

import (
	"image"
	_ "image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// paintMarker is a marker on white card with a margin of one and a half cells.
func paintMarker(t *testing.T, id int, side float64) (paint func(x, y float64) [3]float64, size float64) {
	t.Helper()
	cells, err := cv.MarkerCells(id)
	if err != nil {
		t.Fatal(err)
	}
	return func(x, y float64) [3]float64 {
		c, r := int(math.Floor((x/side+0.5)*cv.MarkerSide)), int(math.Floor((y/side+0.5)*cv.MarkerSide))
		if c >= 0 && r >= 0 && c < cv.MarkerSide && r < cv.MarkerSide && !cells[r][c] {
			return [3]float64{0.04, 0.04, 0.04}
		}
		return [3]float64{0.8, 0.8, 0.8}
	}, side * (1 + 3.0/cv.MarkerSide)
}

func rgbOf(p *fixtures.Photo) cv.RGB { return cv.RGB{W: p.W, H: p.H, Pix: p.RGB} }

// A marker in the plane of the cheeks gives the true scale within 1 %, turned and
// tilted, and its tilt is told.
func TestScaleOnPhantom(t *testing.T) {
	who := fixtures.NewSubject(5, fixtures.Light)
	for _, c := range []struct{ side, roll, turn, tilt float64 }{{30, 8, 0, 0}, {20, -25, 20, 10}} {
		shot := fixtures.Portrait(900, 1200)
		shot.Noise, shot.BlurPx, shot.EV, shot.NoiseSeed = 1, 0.8, -0.3, 7
		paint, size := paintMarker(t, int(c.side), c.side)
		shot.Sheet = &fixtures.Sheet{W: size, H: size, X: 78, Y: 115, Z: fixtures.FaceDepth, Roll: c.roll, Turn: c.turn, Tilt: c.tilt, Paint: paint}
		photo := fixtures.Render(who, fixtures.Baseline, shot)
		s, ok, err := FindScale(rgbOf(photo), 0)
		if err != nil || !ok {
			t.Fatalf("marker of %g mm: found %v, %v", c.side, ok, err)
		}
		off := s.PxPerMM/photo.Truth.PxPerMM - 1
		if math.Abs(off) > 0.01 || math.Abs(off) > 2*s.RelSD || s.SideMM != c.side {
			t.Errorf("marker of %g mm: %.4f px/mm (SD %.1f %%), side %g; truth %.4f", c.side, s.PxPerMM, 100*s.RelSD, s.SideMM, photo.Truth.PxPerMM)
		}
		rad := math.Pi / 180
		if want := math.Acos(math.Cos(c.turn*rad)*math.Cos(c.tilt*rad)) / rad; math.Abs(s.TiltDeg-want) > 6 {
			t.Errorf("tilt %.1f degrees, truth %.1f", s.TiltDeg, want)
		}
		for i, q := range [][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}} {
			x, y := shot.Project(shot.Sheet, q[0]*c.side/2, q[1]*c.side/2)
			if d := math.Hypot(s.Corners[i][0]-x, s.Corners[i][1]-y); d > 3*cornerPx {
				t.Errorf("corner %d is %.2f px off", i, d)
			}
		}
	}
}

// No marker is seen in a face without one, nor one of ours in a foreign number,
// unless the study says how large it is.
func TestOtherMarkers(t *testing.T) {
	shot := fixtures.Portrait(600, 800)
	paint, size := paintMarker(t, 400, 25)
	who := fixtures.NewSubject(3, fixtures.Tan)
	if s, ok, err := FindScale(rgbOf(fixtures.Render(who, fixtures.Baseline, shot)), 0); ok || err != nil {
		t.Errorf("a marker %v is seen where there is none (%v)", s, err)
	}
	shot.Sheet = &fixtures.Sheet{W: size, H: size, X: 78, Y: 115, Z: fixtures.FaceDepth, Paint: paint}
	photo := fixtures.Render(who, fixtures.Baseline, shot)
	if _, ok, _ := FindScale(rgbOf(photo), 0); ok {
		t.Error("number 400 is taken for a marker of 400 mm")
	}
	s, ok, err := FindScale(rgbOf(photo), 25)
	if err != nil || !ok || math.Abs(s.PxPerMM/photo.Truth.PxPerMM-1) > 0.015 {
		t.Errorf("foreign marker of 25 mm: %v, %v, %v; truth %.3f", s.PxPerMM, ok, err, photo.Truth.PxPerMM)
	}
}

// A marker that the edge of the photo cuts, or may cut, is no scale, and is told; a whole
// one farther inside is one.
func TestMarkerAtTheEdge(t *testing.T) {
	paint, _ := paintMarker(t, 30, 160) // px
	at := func(x, y float64) cv.RGB {
		p := cv.NewRGB(900, 700)
		for k := range p.W * p.H {
			c := uint8(255 * paint(float64(k%p.W)-x, float64(k/p.W)-y)[0])
			copy(p.Pix[3*k:], []uint8{c, c, c})
		}
		return p
	}
	for _, c := range []struct {
		x, y    float64
		ok, cut bool
	}{{450, 350, true, false}, {900 - 80 - 24, 350, true, false}, {900 - 80 - 5, 350, false, true}, {450, 80 + 6, false, true}} {
		s, ok, err := FindScale(at(c.x, c.y), 0)
		if err != nil || ok != c.ok || s.Cut != c.cut || ok && math.Abs(s.PxPerMM/(160.0/30)-1) > 0.01 {
			t.Errorf("marker at %g, %g: found %v, cut %v, %.3f px/mm (%v)", c.x, c.y, ok, s.Cut, s.PxPerMM, err)
		}
	}
}

// rasterise draws the first page of a PDF at a resolution.
func rasterise(t *testing.T, data []byte, dpi string) cv.RGB {
	t.Helper()
	tool, err := exec.LookPath("pdftoppm")
	if err != nil {
		t.Skip("pdftoppm is not installed (package poppler-utils)")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.pdf"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool, "-r", dpi, "-png", "-singlefile", filepath.Join(dir, "a.pdf"), filepath.Join(dir, "a")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return readPicture(t, filepath.Join(dir, "a.png"))
}

func readPicture(t *testing.T, file string) cv.RGB {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	b := m.Bounds()
	out := cv.NewRGB(b.Dx(), b.Dy())
	for y := range out.H {
		for x := range out.W {
			r, g, bl, _ := m.At(b.Min.X+x, b.Min.Y+y).RGBA()
			copy(out.Pix[3*(y*out.W+x):], []uint8{uint8(r >> 8), uint8(g >> 8), uint8(bl >> 8)})
		}
	}
	return out
}

// The printed marker has the size that its number says, to a third of a per cent of
// what a ruler shows.
func TestMarkerSheetIsTrueSize(t *testing.T) {
	for _, side := range []int{10, 30, 100} {
		data, err := MarkerSheet(side)
		if err != nil {
			t.Fatal(err)
		}
		s, ok, err := FindScale(rasterise(t, data, "254"), 0) // 10 px/mm
		if err != nil || !ok || math.Abs(s.PxPerMM/10-1) > 0.003 || s.SideMM != float64(side) {
			t.Errorf("marker of %d mm at 10 px/mm: found %v, %.4f px/mm, %g mm, %v", side, ok, s.PxPerMM, s.SideMM, err)
		}
	}
	for _, side := range []int{MinMarkerMM - 1, MaxMarkerMM + 1} {
		if _, err := MarkerSheet(side); err == nil {
			t.Errorf("a marker of %d mm is printed", side)
		}
	}
}
