package validate

import (
	"image"
	"image/color"
	"image/png"
	"math"
	"math/cmplx"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// What the phantom writes is what is read.
func TestLoadTruth(t *testing.T) {
	if underRace || testing.Short() {
		t.Skip("renders two photos")
	}
	dir := t.TempDir()
	course, _ := fixtures.CourseNamed("better30")
	s := fixtures.Study{Seed: 1, Subjects: 1, Sessions: 2, W: 160, H: 213, Course: course, Tones: []fixtures.Tone{fixtures.Light}}
	if err := fixtures.WriteStudy(filepath.Join(dir, "study"), filepath.Join(dir, "truth"), s); err != nil {
		t.Fatal(err)
	}
	got, err := LoadTruth(filepath.Join(dir, "truth", "P001"))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Photos) != 2 || got.Factor["s1"]["pore_area"] != 0.7 || got.Factor["s0"]["relief"] != 1 {
		t.Errorf("%d photos, factors %v", len(got.Photos), got.Factor)
	}
	if a, b := got.Excess["s0"]["nose"], got.Excess["s1"]["nose"]; math.Abs(b/a-0.7) > 0.01 {
		t.Errorf("excess of redness %v, then %v", a, b)
	}
	if a, b := len(got.Objects["s0"]), len(got.Objects["s1"]); a == 0 || a != b || len(got.Grid["s0"]) != len(got.Grid["s1"]) {
		t.Errorf("%d and %d objects, %d and %d points", a, b, len(got.Grid["s0"]), len(got.Grid["s1"]))
	}
	if d := got.Photos["s0"].PupilDistance() / got.Photos["s0"].PxPerMM; d < 50 || d > 75 {
		t.Errorf("pupils %v mm apart", d)
	}

	name := filepath.Join(dir, "truth", "P001", "zones.csv")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"ei_excess": "other", "nose,": "nose,x", "session,zone": "session"} {
		if err := os.WriteFile(name, []byte(strings.Replace(string(data), from, to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if from == "nose," {
			continue // an area nobody asks for
		}
		if _, err := LoadTruth(filepath.Dir(name)); err == nil || !strings.Contains(err.Error(), "zones.csv") {
			t.Errorf("%s for %s: error %v", to, from, err)
		}
	}
}

// The frame of the pictures lies on the pupils and turns with the photo.
func TestRegions(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "masks"), 0o700); err != nil {
		t.Fatal(err)
	}
	img := image.NewPaletted(image.Rect(0, 0, 260, 350), color.Palette{color.Black, color.White, color.White, color.White})
	img.SetColorIndex(130, 185, 2) // half a pupil distance below the middle between the pupils: the nose
	for _, name := range []string{"front-01-s0.png", "front-02-s1.png"} {
		f, err := os.Create(filepath.Join(dir, "masks", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, img); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := &result.Series{
		Visits: []result.Visit{
			{Session: "s0", Photo: "a", Baseline: true, Pictures: map[string]string{"aligned": "aligned/front-01-s0.jpg"}},
			{Session: "s1", Photo: "b", Pictures: map[string]string{"aligned": "aligned/front-02-s1.jpg"}},
			{Session: "s2", Photo: "c"}},
		Alignments: []result.Alignment{{Session: "s1", Photo: "b", Status: result.OK, Scale: 2, RotationDeg: 90, ShiftXPx: 10, ShiftYPx: 20}},
	}
	truth := &Truth{Photos: map[string]Photo{"s0": {Pupils: [2][2]float64{{1000, 500}, {1200, 500}}}}}
	got, turn, err := regions(dir, s, truth)
	if err != nil {
		t.Fatal(err)
	}
	if turn != 0 {
		t.Errorf("turned by %v though nothing says so", turn)
	}
	if _, ok := got["s2"]; ok {
		t.Error("a photo without a picture has a region")
	}
	if z := got["s0"].zoneAt(1100, 600); z != "nose" {
		t.Errorf("baseline: %q, want nose", z)
	}
	if z := got["s0"].zoneAt(1100, 610); z != "" {
		t.Errorf("baseline, beside it: %q", z)
	}
	// The middle moves to 1110, 520; half a pupil distance down becomes one to the left.
	if z := got["s1"].zoneAt(910, 520); z != "nose" {
		t.Errorf("turned: %q, want nose", z)
	}
	if z := got["s1"].zoneAt(-1e6, 0); z != "" {
		t.Errorf("far away: %q", z)
	}
	if _, _, err := regions(t.TempDir(), s, truth); err == nil {
		t.Error("masks that are not there are not missed")
	}
}

// A tool that sees the pupils a little elsewhere puts its pictures there; what it
// found tells where.
func TestRegionsFollowThePupilsThatWereSeen(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "masks"), 0o700); err != nil {
		t.Fatal(err)
	}
	img := image.NewPaletted(image.Rect(0, 0, 260, 350), color.Palette{color.Black, color.White, color.White})
	seen := region{mask: img}
	const unit = 200
	turn := cmplx.Rect(1, 2*math.Pi/180)
	seen.perStep = turn * complex(unit*2.6/260, 0)
	seen.origin = complex(1100, 500) - turn*complex(1.3*unit, 1.35*unit)
	s := &result.Series{Visits: []result.Visit{{Session: "s0", Photo: "a", Baseline: true, Pictures: map[string]string{"aligned": "aligned/a.jpg"}}}}
	for y := 60; y < 300; y++ {
		for x := 40; x < 220; x++ {
			zone := 1 + (x/30+y/40)%2
			img.SetColorIndex(x, y, uint8(zone))
			if x%3 == 0 && y%3 == 0 {
				p := seen.origin + seen.perStep*complex(float64(x), float64(y))
				s.Objects = append(s.Objects, result.Object{Session: "s0", Photo: "a", Kind: "pore", Zone: []string{"forehead", "nose"}[zone-1], XPx: result.Number(real(p)), YPx: result.Number(imag(p))})
			}
		}
	}
	f, err := os.Create(filepath.Join(dir, "masks", "a.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	truth := &Truth{Photos: map[string]Photo{"s0": {Pupils: [2][2]float64{{1000, 500}, {1200, 500}}}}}
	got, degrees, err := regions(dir, s, truth)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(degrees-2) > 0.25 {
		t.Errorf("turned by %v degrees, want 2", degrees)
	}
	if d := cmplx.Abs(got["s0"].origin - seen.origin); d > 4 {
		t.Errorf("the corner is %.1f px off", d)
	}
	for i := range s.Objects {
		s.Objects[i].Zone = "chin"
	}
	if _, _, err := regions(dir, s, truth); err == nil {
		t.Error("a mask that holds none of the objects is taken")
	}
}
