package segment

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
)

// everywhere rejects a kind on the whole patch.
func everywhere(p *metrics.Patch, kinds ...metrics.Kind) map[metrics.Kind]metrics.Mask {
	out := map[metrics.Kind]metrics.Mask{}
	for _, k := range kinds {
		m := metrics.Mask{W: p.G.W, H: p.G.H, Pix: make([]uint8, p.G.W*p.G.H)}
		for i := range m.Pix {
			m.Pix[i] = 255
		}
		out[k] = m
	}
	return out
}

// Rejecting every scar gives what finding none gives, for everything else too.
func TestRejectingAllIsFindingNone(t *testing.T) {
	s, _ := scarred(1)
	s.mark(8, 8, 3, 0.06, melanin)
	p := s.patch()
	levels, err := On(p).Freeze()
	if err != nil {
		t.Fatal(err)
	}
	found, err := On(p).Find(levels)
	if err != nil {
		t.Fatal(err)
	}
	none := levels
	none.Scars = &ScarLevels{Steep: math.Inf(1), Gentle: math.Inf(1), Pit: math.Inf(1)}
	want, err := On(p).Find(none)
	if err != nil {
		t.Fatal(err)
	}
	p.Rejected = everywhere(p, metrics.Scar)
	got, err := On(p).Find(levels)
	if err != nil {
		t.Fatal(err)
	}
	scars := of(found.Objects, metrics.Scar)
	if len(scars) == 0 || !reflect.DeepEqual(got.Rejected, scars) {
		t.Errorf("%d scars are rejected of %d", len(got.Rejected), len(scars))
	}
	got.Rejected = nil
	if want.Rejected = nil; !reflect.DeepEqual(got, want) {
		t.Error("rejecting every scar is not the same as finding none")
	}
}

// The footprint of an object rejects that object, and what is found within reach of
// it; nothing else.
func TestFootprint(t *testing.T) {
	s, _ := porous(14, 0.8)
	s.mark(5, 5, 2.5, 0.06, melanin)
	s.mark(14, 5, 2.5, 0.08, blood)
	p := s.patch()
	levels, err := On(p).Freeze()
	if err != nil {
		t.Fatal(err)
	}
	before, err := On(p).Find(levels)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[metrics.Kind]int{}
	for _, o := range before.Objects {
		if kinds[o.Kind]++; kinds[o.Kind] > 3 {
			continue
		}
		mask, err := before.Footprint(o, p.G.W, p.G.H, p.PxPerMM)
		if err != nil {
			t.Fatal(err)
		}
		p.Rejected = map[metrics.Kind]metrics.Mask{o.Kind: mask}
		after, err := On(p).Find(levels)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(after.Rejected, o) {
			t.Errorf("%s at %.0f, %.0f is not rejected by its own footprint", o.Kind, o.X, o.Y)
		}
		for _, x := range after.Rejected {
			if d := math.Hypot(x.X-o.X, x.Y-o.Y); x.Kind != o.Kind || d > o.Diameter/2+(Reach+0.15)*p.PxPerMM {
				t.Errorf("%s at %.0f, %.0f is rejected with %s at %.0f, %.0f", x.Kind, x.X, x.Y, o.Kind, o.X, o.Y)
			}
		}
		if n := len(after.Objects) + len(after.Rejected); n < len(before.Objects) {
			t.Errorf("of %d objects %d are left, listed or rejected", len(before.Objects), n)
		}
	}
	if kinds[metrics.Pore] < 3 || kinds[metrics.BrownMark] == 0 || kinds[metrics.RedSpot] == 0 {
		t.Errorf("objects: %v", kinds)
	}
}
