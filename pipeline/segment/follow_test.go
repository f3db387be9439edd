package segment

import (
	"errors"
	"math"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
)

// Scars that heal to 40 % of their depth: most are no longer found, and all must
// be read at 40 % of their contrast.
func TestFollowScars(t *testing.T) {
	before, _ := scarred(1)
	after, _ := scarred(0.4)
	base := before.patch()
	f := search(t, base, base)
	a, err := On(base).FollowScars(f.ScarMask)
	if err != nil {
		t.Fatal(err)
	}
	b, err := On(after.patch()).FollowScars(f.ScarMask)
	if err != nil {
		t.Fatal(err)
	}
	found := of(f.Objects, metrics.Scar)
	if len(a) != len(found) || len(b) != len(found) {
		t.Fatalf("%d scars followed at baseline, %d later, %d found", len(a), len(b), len(found))
	}
	sumA, sumB := 0.0, 0.0
	for i := range a {
		if math.Abs(a[i].Contrast-found[i].Contrast) > 0.1*found[i].Contrast {
			t.Errorf("scar %d: contrast %.3f when found, %.3f when followed", i, found[i].Contrast, a[i].Contrast)
		}
		sumA, sumB = sumA+a[i].Contrast, sumB+b[i].Contrast
	}
	if r := sumB / sumA; math.Abs(r-0.4) > 0.06 {
		t.Errorf("contrast fell to %.2f, depth to 0.40", r)
	}
}

func TestFollowRefuses(t *testing.T) {
	p := newSkin(20, 20, 3.4, 7).patch()
	p.PxPerMM = 0
	if _, err := On(p).FollowScars(p.Skin); !errors.Is(err, metrics.ErrUndefined) {
		t.Errorf("scars without scale: %v", err)
	}
	if _, err := On(p).FollowScars(metrics.Mask{}); err == nil {
		t.Error("no error for outlines of another size")
	}
}
