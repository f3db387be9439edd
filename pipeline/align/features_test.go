package align

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

// threeQuarter is a view without usable pupils; its frame is drawn by hand around
// the cheek that is seen, or is nil to be found.
func threeQuarter(yaw float64, s *fixtures.Subject, f *photo.Frame) taken {
	r := shoot(s, func(s *fixtures.Shot) {
		s.Yaw = yaw
		if f == nil {
			s.Roll, s.Nearer, s.ShiftX, s.EV = 4, 1.06, 12, -0.3
		}
	})
	k := taken{truth: r.Truth, photo: cv.RGB{W: r.W, H: r.H, Pix: r.RGB}}
	if f != nil {
		k.Frame = *f
		k.fill()
	}
	return k
}

func TestLocate(t *testing.T) {
	slowUnderRace(t)
	side := photo.Frame{W: 520, H: 520, Unit: unit, Origin: [2]float64{260, 260}, ToPhoto: cv.Affine{A: 0.75, E: 0.75, C: 240 - 195, F: 330 - 195}}
	a := threeQuarter(38, person(), &side)
	b := threeQuarter(36, person(), nil)
	f, err := Locate(a.Frame, a.RGB, a.Skin, b.photo)
	if err != nil {
		t.Fatal(err)
	}
	if f.W != side.W || f.H != side.H || f.Unit != side.Unit || f.Origin != side.Origin {
		t.Errorf("frame %+v, want the size of the baseline's", f)
	}
	var errs []float64
	to := b.truth.Grid(4)
	for i, p := range a.truth.Grid(4) {
		if !p.Visible || !to[i].Visible || p.Zone == fixtures.ZoneNone {
			continue
		}
		u, v := a.Frame.FromPhoto(p.X, p.Y)
		x, y := f.ToPhoto.At(u, v)
		errs = append(errs, math.Hypot(x-to[i].X, y-to[i].Y)/b.truth.PxPerMM)
	}
	t.Logf("%d points by the located frame alone: median %.2f mm, 95th percentile %.2f mm", len(errs), quantile(errs, 0.5), quantile(errs, 0.95))
	if len(errs) < 100 || quantile(errs, 0.5) > 2.5 {
		t.Errorf("median %.2f mm of %d points", quantile(errs, 0.5), len(errs))
	}
	b.Frame = f
	b.fill()
	m, err := Register(a.View, b.View)
	if err != nil {
		t.Fatal(err)
	}
	errs = nil
	for i, p := range a.truth.Grid(4) {
		if x, y, ok := m.ToTarget(p.X, p.Y); ok && p.Visible && to[i].Visible && p.Zone != fixtures.ZoneNone {
			errs = append(errs, math.Hypot(x-to[i].X, y-to[i].Y)/b.truth.PxPerMM)
		}
	}
	t.Logf("%d points aligned: median %.2f mm, 95th percentile %.2f mm; %+v", len(errs), quantile(errs, 0.5), quantile(errs, 0.95), m.Quality)
	if quantile(errs, 0.5) > 0.5 {
		t.Errorf("aligned: median %.2f mm", quantile(errs, 0.5))
	}
	if _, err := Locate(a.Frame, a.RGB, a.Skin, cv.NewRGB(480, 640)); !errors.Is(err, ErrMismatch) {
		t.Errorf("a black photo: %v", err)
	}
	stranger := threeQuarter(38, fixtures.NewSubject(2, fixtures.Light), nil)
	if f, err := Locate(a.Frame, a.RGB, a.Skin, stranger.photo); err == nil {
		// Features alone may agree; the skin must not.
		stranger.Frame = f
		stranger.fill()
		if _, err := Register(a.View, stranger.View); !errors.Is(err, ErrMismatch) {
			t.Errorf("another person: %v", err)
		}
	} else if !errors.Is(err, ErrMismatch) {
		t.Errorf("another person: %v", err)
	}
}

// TestConsensus finds a planted similarity among wrong pairs.
func TestConsensus(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	truth := cv.Affine{A: 0.9, B: -0.3, C: 50, D: 0.3, E: 0.9, F: -20}
	var pairs []featurePair
	for i := range 60 {
		p := featurePair{ax: 500 * r.Float64(), ay: 500 * r.Float64()}
		p.bx, p.by = truth.At(p.ax, p.ay)
		p.bx, p.by = p.bx+r.NormFloat64(), p.by+r.NormFloat64()
		if i%3 != 0 {
			p.bx, p.by = 600*r.Float64(), 600*r.Float64()
		}
		pairs = append(pairs, p)
	}
	m, n := consensus(pairs)
	if n < 18 || n > 26 {
		t.Errorf("%d of 20 good pairs agree", n)
	}
	x, y := m.At(250, 250)
	wx, wy := truth.At(250, 250)
	if math.Hypot(x-wx, y-wy) > 1.5 || m.A != m.E || m.B != -m.D {
		t.Errorf("%+v, want %+v", m, truth)
	}
	if _, n := consensus(nil); n != 0 {
		t.Errorf("%d of no pairs agree", n)
	}
	if _, ok := fit([]featurePair{{1, 1, 2, 2}, {1, 1, 3, 3}}); ok {
		t.Error("two pairs at one place give a similarity")
	}
}
