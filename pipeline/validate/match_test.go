package validate

import (
	"math"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

func at(kind, zone string, x, y, mm float64) result.Object {
	return result.Object{Kind: kind, Zone: zone, XPx: result.Number(x), YPx: result.Number(y), DiameterMM: result.Number(mm), AreaMM2: result.Number(mm * mm)}
}

// left of x = 500 is the nose; nothing was measured elsewhere.
func noseOnly(x, _ float64) string {
	if x < 500 {
		return "nose"
	}
	return ""
}

func TestTallyOfPores(t *testing.T) {
	truth := []Object{
		{Kind: "pore", X: 100, Y: 100, DiameterMM: 0.30, Visible: true}, // found
		{Kind: "pore", X: 200, Y: 100, DiameterMM: 0.40, Visible: true}, // missed
		{Kind: "pore", X: 300, Y: 100, DiameterMM: 0.15, Visible: true}, // too small to count
		{Kind: "pore", X: 520, Y: 100, DiameterMM: 0.30, Visible: true}, // not measured there
		{Kind: "pore", X: 400, Y: 100, DiameterMM: 0.30},                // hidden
		{Kind: "mole", X: 450, Y: 100, DiameterMM: 0.30, Visible: true},
	}
	found := []result.Object{
		at("pore", "nose", 101, 101, 0.33), // right
		at("pore", "nose", 103, 100, 0.30), // a second one on the same: wrong
		at("pore", "nose", 301, 100, 0.20), // on the small one: neither
		at("pore", "nose", 519, 100, 0.30), // on the one outside: neither
		at("pore", "nose", 450, 100, 0.30), // a mole is no pore: wrong
		at("pore", "nose", 206, 100, 0.30), // 0.3 mm off: wrong
		at("pore", "nose", 350, 300, 0.20), // nothing there: wrong, and small
		at("scar", "nose", 200, 100, 0.30), // no pore
	}
	got := tally("pore", found, truth, 20, []string{"nose", "chin"}, noseOnly)
	nose, chin := got[0], got[1]
	if nose.Hits != 1 || nose.False != 4 || nose.FalseSmall != 1 || nose.Missed != 1 || nose.True() != 2 {
		t.Errorf("nose %+v, want 1 hit, 4 false with 1 small, 1 missed", nose)
	}
	if nose.Found != 5 { // of 0.25 mm and more
		t.Errorf("%d found, want 5", nose.Found)
	}
	if len(nose.Diameter) != 1 || math.Abs(nose.Diameter[0]-1.1) > 1e-9 {
		t.Errorf("diameters %v, want 1.1", nose.Diameter)
	}
	if chin.Hits+chin.False+chin.Missed != 0 {
		t.Errorf("chin %+v, want nothing", chin)
	}
}

// The nearest pair goes first, or the order of the rows would decide.
func TestMatchTakesTheNearest(t *testing.T) {
	truth := []Object{{X: 0}, {X: 10}}
	found := []result.Object{at("scar", "", 6, 0, 1), at("scar", "", 9, 0, 1)}
	if got := match(found, truth, 7); got[0] != 0 || got[1] != 1 {
		t.Errorf("matched %v, want [0 1]", got)
	}
}

func TestTallyOfScars(t *testing.T) {
	truth := []Object{
		{Kind: "scar", Type: "boxcar", X: 100, Y: 100, DiameterMM: 2, AreaMM2: 4, Visible: true},
		{Kind: "scar", Type: "rolling", X: 300, Y: 100, DiameterMM: 3, AreaMM2: 6, Visible: true},
	}
	a, b := at("scar", "nose", 120, 100, 2), at("scar", "nose", 300, 129, 2)
	a.Type, a.AreaMM2 = "boxcar", 5
	b.Type, b.AreaMM2 = "boxcar", 7
	got := tally("scar", []result.Object{a, b}, truth, 10, []string{"nose"}, noseOnly)[0]
	if got.Hits != 2 || got.TypeRight != 1 || got.AreaFound != 12 || got.AreaTrue != 10 {
		t.Errorf("%+v, want 2 hits, 1 of the right type, 12 of 10 mm2", got)
	}
	if got.Types["boxcar"] != [2]int{1, 1} || got.Types["rolling"] != [2]int{1, 1} {
		t.Errorf("by type %v", got.Types)
	}
	if got := tally("scar", []result.Object{b}, truth, 9, []string{"nose"}, noseOnly)[0]; got.Hits != 0 || got.False != 1 || got.Missed != 2 {
		t.Errorf("%+v: 29 px are more than 3 mm at 9 px/mm", got)
	}
}
