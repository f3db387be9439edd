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

// A zone that the photo shows and the tool is silent about counts as not comparable;
// one that is hidden does not count. A zone without a true scar has no true contrast.
func TestTruthOfChanges(t *testing.T) {
	point := func(zone string, visible bool) GridPoint { return GridPoint{Zone: zone, Visible: visible} }
	truth := &Truth{
		Grid:   map[string][]GridPoint{"s0": {point("nose", true), point("nose", false), point("chin", true), point("forehead", false), point("", true)}},
		Excess: map[string]map[string]float64{"s0": {"nose": 3, "forehead": 1}, "s1": {"nose": 2, "forehead": 0.9}},
		Scars:  map[string]map[string]float64{"s0": {"nose": 4}},
		Factor: map[string]map[string]float64{"s0": {"relief": 1, "scar_depth": 1, "pore_area": 1}, "s1": {"relief": 0.8, "scar_depth": 0.5, "pore_area": 0.7}},
	}
	s := &result.Series{Trends: []result.Trend{{Zone: "nose", Metric: "erythema_index", LatestSession: "s1"}},
		Measurements: []result.Measurement{{Session: "s0", Zone: "forehead", Value: 1}}}
	f := Findings{Visible: visibleZones(truth), Changes: []Change{{Zone: "nose", Metric: "erythema_index", Role: "primary", Comparable: true}}}
	if len(f.Visible) != 2 || f.Visible[0] != "nose" || f.Visible[1] != "chin" {
		t.Fatalf("visible %v, want nose and chin", f.Visible)
	}
	f.truth(s, truth)
	if len(f.Changes) != 2*len(primary) {
		t.Fatalf("%d rows, want one for each visible zone and primary metric", len(f.Changes))
	}
	for _, c := range f.Changes {
		want := result.None()
		switch c.Zone + " " + c.Metric {
		case "nose erythema_index":
			want = -1 + 0.1 // less what the forehead, its reference, lost
		case "chin erythema_index":
			want = 0.1
		case "nose roughness_mid", "chin roughness_mid":
			want = -20
		case "nose pore_area_fraction", "chin pore_area_fraction":
			want = -30
		case "nose scar_contrast":
			want = -50
		}
		if c.True.Known() != want.Known() || want.Known() && math.Abs(float64(c.True-want)) > 1e-9 {
			t.Errorf("%s %s: true %v, want %v", c.Zone, c.Metric, c.True, want)
		}
		if first := c.Zone == "nose" && c.Metric == "erythema_index"; c.Comparable != first || !first && c.Verdict != result.NotComparable {
			t.Errorf("%s %s: %+v", c.Zone, c.Metric, c)
		}
	}
}
