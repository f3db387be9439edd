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

// Pores looked for where a registration wrong by up to 0.1 mm puts them.
func TestFollowPores(t *testing.T) {
	mean := func(size, depth float64) float64 {
		s := newSkin(18, 18, 14.6, 5)
		var at []metrics.Object
		for _, q := range s.scatter(90, 0.9, 1, nil) {
			d := 0.25 + 0.3*s.rng.Float64()
			s.pore(q.x, q.y, size*d, depth*(0.05+0.2*d))
			at = append(at, metrics.Object{X: (q.x + 0.1*(2*s.rng.Float64()-1)) * s.scale, Y: q.y * s.scale, Diameter: d * s.scale})
		}
		o, err := On(s.patch()).FollowPores(at)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, q := range o {
			sum += q.Contrast
		}
		return sum / float64(len(o))
	}
	base := mean(1, 1)
	if want := 0.125 * discMean; math.Abs(base-want) > 0.1*want {
		t.Errorf("contrast %.4f OD, drawn %.4f before blur", base, want)
	}
	if r := mean(1, 0.6) / base; math.Abs(r-0.6) > 0.05 {
		t.Errorf("contrast to %.2f, depth to 0.60", r)
	}
	if r := mean(0.5, 1) / base; r < 0.6 || r > 0.85 {
		t.Errorf("contrast to %.2f at half the diameter", r)
	}
}

func TestFollowRefuses(t *testing.T) {
	p := newSkin(20, 20, 3.4, 7).patch()
	if _, err := On(p).FollowPores(nil); !errors.Is(err, metrics.ErrUndefined) {
		t.Errorf("pores at 3.4 px/mm: %v", err)
	}
	p.PxPerMM = 0
	if _, err := On(p).FollowScars(p.Skin); !errors.Is(err, metrics.ErrUndefined) {
		t.Errorf("scars without scale: %v", err)
	}
	if _, err := On(p).FollowScars(metrics.Mask{}); err == nil {
		t.Error("no error for outlines of another size")
	}
	q := newSkin(20, 20, 14.6, 7).patch()
	clear(q.Skin.Pix)
	o, err := On(q).FollowPores([]metrics.Object{{X: 50, Y: 50, Diameter: 4}, {X: -500, Y: 1e9, Diameter: 4}})
	if err != nil || len(o) != 2 || o[0].Kind != "" || o[1].Kind != "" {
		t.Errorf("outside the skin: %v, %v", o, err)
	}
}
