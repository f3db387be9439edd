package align

import (
	"math"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// disc is a mask of the frame.
func disc(w, h int, cx, cy, r float64) cv.Gray {
	m := cv.NewGray(w, h)
	for i := range m.Pix {
		if math.Hypot(float64(i%w)-cx, float64(i/w)-cy) <= r {
			m.Pix[i] = 255
		}
	}
	return m
}

// TestZoneStretch swells one cheek of a photo by a known field and asks for the
// stretch of both cheeks.
func TestZoneStretch(t *testing.T) {
	a := baseline()
	b := a.View
	const cx, cy, sigma, amount = 155.0, 390.0, 40.0, 0.10
	// The target shows at p what the baseline shows at p - swell(p).
	swell := func(x, y float64) (dx, dy float64) {
		g := amount * math.Exp(-((x-cx)*(x-cx)+(y-cy)*(y-cy))/(2*sigma*sigma))
		return g * (x - cx), g * (y - cy)
	}
	mx, my := cv.NewPlane(b.RGB.W, b.RGB.H), cv.NewPlane(b.RGB.W, b.RGB.H)
	for i := range mx.Pix {
		x, y := float64(i%mx.W), float64(i/mx.W)
		dx, dy := swell(x, y)
		mx.Pix[i], my.Pix[i] = float32(x-dx), float32(y-dy)
	}
	b.RGB = cv.NewRGB(a.RGB.W, a.RGB.H)
	for c := range 3 {
		p := cv.NewPlane(a.RGB.W, a.RGB.H)
		for i := range p.Pix {
			p.Pix[i] = float32(a.RGB.Pix[3*i+c])
		}
		p, err := cv.RemapPlane(p, mx, my)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range p.Pix {
			b.RGB.Pix[3*i+c] = uint8(math.Round(math.Max(0, math.Min(255, float64(v)))))
		}
	}
	m, err := Register(a.View, b)
	if err != nil {
		t.Fatal(err)
	}
	swollen, other := disc(a.Frame.W, a.Frame.H, cx, cy, 30), disc(a.Frame.W, a.Frame.H, 520-cx, cy, 30)
	// The truth: 1 / the area change of the field from target to baseline, at the
	// place that a position of the baseline has moved to.
	var want []float64
	m.eachIn(swollen, func(x, y int) {
		u, v := float64(x), float64(y)
		for range 20 {
			dx, dy := swell(u, v)
			u, v = float64(x)+dx, float64(y)+dy
		}
		r2 := ((u-cx)*(u-cx) + (v-cy)*(v-cy)) / (sigma * sigma)
		g := amount * math.Exp(-r2/2)
		want = append(want, math.Abs(1/((1-g)*(1-g*(1-r2)))-1))
	})
	truth := 100 * 1.4826 * quantile(want, 0.5)
	got, rest := m.ZoneStretch(swollen), m.ZoneStretch(other)
	t.Logf("stretch of the swollen cheek %.1f %% (true %.1f %%), of the other one %.2f %%", got, truth, rest)
	if math.Abs(got/truth-1) > 0.25 {
		t.Errorf("stretch %.2f %%, want %.2f %%", got, truth)
	}
	if !(rest < 2) {
		t.Errorf("stretch of the cheek that did not change: %.2f %%", rest)
	}
	for name, mask := range map[string]cv.Gray{"empty": cv.NewGray(a.Frame.W, a.Frame.H), "of another size": disc(300, 300, 150, 150, 20)} {
		if s := m.ZoneStretch(mask); !math.IsNaN(s) {
			t.Errorf("a zone that is %s: stretch %v; want NaN", name, s)
		}
	}
}

// TestKnown: where the target's skin says nothing any more, the map does not claim to
// know.
func TestKnown(t *testing.T) {
	a := baseline()
	b := a
	if !underRace {
		b = reshot()
	}
	v := b.View
	v.RGB = cv.RGB{W: b.RGB.W, H: b.RGB.H, Pix: append([]uint8(nil), b.RGB.Pix...)}
	const x0, y0, x1, y1 = 320, 340, 440, 460 // about the left cheek
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			copy(v.RGB.Pix[3*(y*v.RGB.W+x):], []uint8{170, 130, 115})
		}
	}
	m, err := Register(a.View, v)
	if err != nil {
		t.Fatal(err)
	}
	known := m.Known()
	share := func(x, y, r float64) float64 {
		in, all := 0.0, 0.0
		m.eachIn(disc(a.Frame.W, a.Frame.H, x, y, r), func(x, y int) {
			all++
			if known.Pix[y*known.W+x] != 0 {
				in++
			}
		})
		return in / all
	}
	if s := share(140, 400, 40); s < 0.98 {
		t.Errorf("the map is known on %.2f of a cheek that is seen", s)
	}
	if s := share(380, 400, 40); s > 0.5 {
		t.Errorf("the map is known on %.2f of a cheek that is painted over", s)
	}
}
