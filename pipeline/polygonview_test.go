package pipeline

import (
	_ "image/jpeg"
	"math"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// TestPolygonView measures a three-quarter view in the zones that the manifest
// draws, and only there.
func TestPolygonView(t *testing.T) {
	if underRace {
		t.Skip("needs two more photos")
	}
	turned := func(name string, yaw, roll float64) []byte {
		return shoot(t, name, func(s *fixtures.Shot) {
			s.W, s.H, s.PxPerMM = 480, 640, 2.4
			s.Yaw, s.Roll, s.ShiftX = yaw, roll, roll
		})
	}
	// The nose points to the left of the picture: the person's left cheek is seen.
	photos := [][]byte{turned("side base", -38, 0), turned("side again", -37, 3)}
	cheek := study.Polygon{{X: 205, Y: 325}, {X: 265, Y: 310}, {X: 300, Y: 340}, {X: 290, Y: 390}, {X: 240, Y: 400}}
	s := seriesOf(t, "left45", photos, func(s *study.Subject) {
		s.Zones = map[string]map[string]study.Polygon{"left45": {"cheek_left": cheek}}
		for i := range s.Sessions {
			s.Sessions[i].Photos[0].PxPerMM = 2.4
		}
	})
	r := run(t, s, t.TempDir())
	checkReasons(t, r)
	if len(r.Rejections) != 0 {
		t.Fatalf("rejections %+v", r.Rejections)
	}
	zones, known := map[string]bool{}, 0
	for _, m := range r.Measurements {
		zones[m.Zone] = true
		if m.Value.Known() && m.Session == "b" {
			known++
		}
	}
	if len(zones) != 1 || !zones["cheek_left"] || known < 5 {
		t.Errorf("zones %v, %d values in the second session", zones, known)
	}
	if r.Scale != "manifest" || r.PxPerMM != 2.4 {
		t.Errorf("scale %v from %s", r.PxPerMM, r.Scale)
	}
	for _, x := range r.Trends {
		if x.Verdict == result.Improved || x.Verdict == result.Worsened {
			t.Errorf("%s: %s by %v (limit %v) where nothing changed", x.Metric, x.Verdict, x.Change, x.Limit)
		}
	}

	// Without polygons the refusal says how to draw them.
	s.Subject.Zones = nil
	r = run(t, s, t.TempDir())
	if len(r.Rejections) != 2 || !strings.Contains(r.Rejections[0].Reason, "zones: {left45:") {
		t.Errorf("rejections %+v", r.Rejections)
	}
}

// TestAffines: after and inverse undo each other.
func TestAffines(t *testing.T) {
	m, n := pictureFrame{}.toBase, pictureFrame{}.toBase
	m.A, m.B, m.C, m.D, m.E, m.F = 2, -0.5, 10, 0.5, 2, -3
	n.A, n.B, n.C, n.D, n.E, n.F = 0.3, 0.1, 4, -0.1, 0.3, 8
	x, y := after(n, m).At(7, 9)
	mx, my := m.At(7, 9)
	if wx, wy := n.At(mx, my); math.Hypot(x-wx, y-wy) > 1e-12 {
		t.Errorf("%v, %v; want %v, %v", x, y, wx, wy)
	}
	if bx, by := inverse(m).At(mx, my); math.Hypot(bx-7, by-9) > 1e-12 {
		t.Errorf("back to %v, %v", bx, by)
	}
}
