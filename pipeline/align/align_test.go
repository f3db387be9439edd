package align

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

const unit = 200 // inter-pupil distance in frames, px

// taken is a rendered photo as alignment gets it, with its truth. Frame and skin
// come from the truth; finding them is tested elsewhere.
type taken struct {
	View
	truth *fixtures.Truth
	photo cv.RGB
}

// frontal makes the view of a photo. The pupils are moved by jitter, px, as an
// imperfect search for them would.
func frontal(r *fixtures.Photo, jitter [2]float64) taken {
	k := taken{truth: r.Truth, photo: cv.RGB{W: r.W, H: r.H, Pix: r.RGB}}
	e := r.Truth.Eyes
	ax, ay := e[0].X+jitter[0], e[0].Y+jitter[1]
	bx, by := e[1].X-jitter[1], e[1].Y+jitter[0]
	m := cv.Affine{A: (bx - ax) / unit, D: (by - ay) / unit}
	m.B, m.E = -m.D, m.A
	const ox, oy = 1.3 * unit, 1.35 * unit
	m.C = (ax+bx)/2 - m.A*ox - m.B*oy
	m.F = (ay+by)/2 - m.D*ox - m.E*oy
	k.Frame = photo.Frame{W: 2.6 * unit, H: 3.5 * unit, Unit: unit, Origin: [2]float64{ox, oy}, ToPhoto: m}
	k.fill()
	return k
}

// fill resamples the frame and marks its skin.
func (k *taken) fill() {
	var err error
	if k.RGB, err = k.Frame.View(k.photo); err != nil {
		panic(err)
	}
	k.Skin = cv.NewGray(k.Frame.W, k.Frame.H)
	for i := range k.Skin.Pix {
		x, y := k.Frame.ToPhoto.At(float64(i%k.Frame.W), float64(i/k.Frame.W))
		u, v := int(math.Round(x)), int(math.Round(y))
		if u >= 0 && v >= 0 && u < k.truth.W && v < k.truth.H && k.truth.Material[v*k.truth.W+u] == fixtures.BareSkin {
			k.Skin.Pix[i] = 255
		}
	}
}

// person is the one that most tests look at.
var person = sync.OnceValue(func() *fixtures.Subject { return fixtures.NewSubject(1, fixtures.Light) })

func straight() fixtures.Shot {
	s := fixtures.Portrait(480, 640)
	s.Noise, s.NoiseSeed = 1, 3
	return s
}

func shoot(s *fixtures.Subject, change func(*fixtures.Shot)) *fixtures.Photo {
	shot := straight()
	shot.NoiseSeed = 4
	change(&shot)
	return fixtures.Render(s, fixtures.Baseline, shot)
}

var baseline = sync.OnceValue(func() taken {
	return frontal(fixtures.Render(person(), fixtures.Baseline, straight()), [2]float64{})
})

// reshot is the same person with another pose, distance, light and focus.
var reshot = sync.OnceValue(func() taken {
	return frontal(shoot(person(), func(s *fixtures.Shot) {
		s.Yaw, s.Pitch, s.Roll, s.Nearer, s.ShiftX = 3, -2, 6, 1.08, 9
		s.EV, s.RedGain, s.BlueGain, s.Gradient, s.GradientAngle, s.BlurPx = -0.4, 1.08, 0.94, 0.2, 200, 0.5
	}), [2]float64{0.8, -0.6})
})

func slowUnderRace(t *testing.T) {
	t.Helper()
	if underRace {
		t.Skip("needs more rendered photos than the race detector has time for; run without -race")
	}
}

// TestCarriedPoints holds the map to 0.5 mm on surface points whose places in both
// photos are known.
func TestCarriedPoints(t *testing.T) {
	slowUnderRace(t)
	a, b := baseline(), reshot()
	m, err := Register(a.View, b.View)
	if err != nil {
		t.Fatal(err)
	}
	from, to := a.truth.Grid(3), b.truth.Grid(3)
	var errs, sure, around []float64
	known := m.Known()
	for i, p := range from {
		if !p.Visible || !to[i].Visible || p.Zone == fixtures.ZoneNone {
			continue
		}
		x, y, ok := m.ToTarget(p.X, p.Y)
		if !ok {
			t.Errorf("the point %.0f, %.0f is outside the frame", p.X, p.Y)
			continue
		}
		errs = append(errs, math.Hypot(x-to[i].X, y-to[i].Y)/b.truth.PxPerMM)
		u, v := a.Frame.FromPhoto(p.X, p.Y)
		if known.Pix[int(math.Round(v))*known.W+int(math.Round(u))] != 0 {
			sure = append(sure, errs[len(errs)-1])
		}
		bx, by, ok := m.ToBase(x, y)
		if !ok {
			t.Errorf("the point %.0f, %.0f does not come back", x, y)
			continue
		}
		around = append(around, math.Hypot(bx-p.X, by-p.Y)/a.Frame.Scale())
	}
	t.Logf("%d points: median %.3f mm, 95th percentile %.3f mm, largest %.3f mm; there and back: 95th percentile %.3f frame px, largest %.3f; %+v",
		len(errs), quantile(errs, 0.5), quantile(errs, 0.95), quantile(errs, 1), quantile(around, 0.95), quantile(around, 1), m.Quality)
	if len(errs) < 500 {
		t.Fatalf("only %d points", len(errs))
	}
	if p := quantile(errs, 0.95); p > 0.5 {
		t.Errorf("95th percentile %.3f mm, want at most 0.5", p)
	}
	if p := quantile(sure, 0.99); p > 0.5 || len(sure) < len(errs)*9/10 {
		t.Errorf("%d points are known, of them the 99th percentile %.3f mm, want at most 0.5", len(sure), p)
	}
	if p := quantile(around, 1); p > 0.3 {
		t.Errorf("there and back misses by up to %.3f frame px, want at most 0.3", p)
	}
	q := m.Quality
	if q.Patches < minPatches || q.Inliers > q.Patches || q.Agreement < 0.6 || q.Overlap < 0.85 || q.Overlap > 1 {
		t.Errorf("quality of a good pair: %+v", q)
	}
	// The residual that is reported is no better than the truth, nor far worse.
	if mm := q.ResidualUnits * 63; mm < 0.3*quantile(errs, 0.5) || mm > 0.6 {
		t.Errorf("reported residual %.3f mm, true median %.3f mm", mm, quantile(errs, 0.5))
	}
	if e := m.Expression(a.Skin); !(e < 0.02) {
		t.Errorf("expression of an unchanged face: %.4f", e)
	}
	if e := m.Expression(cv.NewGray(a.Skin.W, a.Skin.H)); !math.IsNaN(e) {
		t.Errorf("expression under no mask: %v", e)
	}
	testMasks(t, m, a, b)
}

// testMasks carries a disc on a cheek there and back.
func testMasks(t *testing.T, m *Map, a, b taken) {
	t.Helper()
	const cx, cy, r = 150, 390, 24
	disc := cv.NewGray(a.Frame.W, a.Frame.H)
	for i := range disc.Pix {
		if math.Hypot(float64(i%disc.W-cx), float64(i/disc.W-cy)) <= r {
			disc.Pix[i] = 255
		}
	}
	there, err := m.MaskToTarget(disc)
	if err != nil {
		t.Fatal(err)
	}
	centre := func(g cv.Gray) (x, y, n float64) {
		for i, v := range g.Pix {
			if v != 0 {
				x, y, n = x+float64(i%g.W), y+float64(i/g.W), n+1
			}
		}
		return x / n, y / n, n
	}
	x, y, n := centre(there)
	wx, wy, ok := m.InFrame(cx, cy)
	if !ok || math.Hypot(x-wx, y-wy) > 1 {
		t.Errorf("the disc is carried to %.1f, %.1f; its centre to %.1f, %.1f", x, y, wx, wy)
	}
	if _, _, n0 := centre(disc); math.Abs(n/n0-1) > 0.15 {
		t.Errorf("the disc of %v pixels has %v in the target", n0, n)
	}
	back, err := m.MaskToBase(there)
	if err != nil {
		t.Fatal(err)
	}
	if x, y, _ := centre(back); math.Hypot(x-cx, y-cy) > 0.5 {
		t.Errorf("the disc comes back to %.2f, %.2f", x, y)
	}
	// Photo and frame coordinates agree.
	px, py := a.Frame.ToPhoto.At(cx, cy)
	tx, ty, _ := m.ToTarget(px, py)
	vx, vy := b.Frame.ToPhoto.At(wx, wy)
	if math.Hypot(tx-vx, ty-vy) > 1e-6 {
		t.Errorf("ToTarget gives %v, %v, InFrame %v, %v", tx, ty, vx, vy)
	}
	if _, _, ok := m.ToTarget(-1e5, 0); ok {
		t.Error("a point far outside is carried")
	}
	if _, _, ok := m.ToBase(math.NaN(), 0); ok {
		t.Error("NaN is carried")
	}
}

// TestSimilarity turns, scales and moves the very same photo.
func TestSimilarity(t *testing.T) {
	a := baseline()
	const deg, scale, dx, dy = 7.0, 1.12, 40.0, -25.0
	sin, cos := math.Sincos(deg * math.Pi / 180)
	truth := cv.Affine{A: scale * cos, B: -scale * sin, C: dx, D: scale * sin, E: scale * cos, F: dy} // base -> target
	f := photo.Frame{ToPhoto: truth}
	ux, uy := f.FromPhoto(0, 0)
	vx, vy := f.FromPhoto(1, 0)
	back := cv.Affine{A: vx - ux, B: -(vy - uy), C: ux, D: vy - uy, E: vx - ux, F: uy}
	rgb, err := cv.WarpRGB(a.photo, back, 560, 760)
	if err != nil {
		t.Fatal(err)
	}
	// The target's frame follows its pupils, which are found 2 px beside the truth.
	b := a.View
	b.Frame.ToPhoto = cv.Affine{A: truth.A*a.Frame.ToPhoto.A + truth.B*a.Frame.ToPhoto.D, B: truth.A*a.Frame.ToPhoto.B + truth.B*a.Frame.ToPhoto.E,
		D: truth.D*a.Frame.ToPhoto.A + truth.E*a.Frame.ToPhoto.D, E: truth.D*a.Frame.ToPhoto.B + truth.E*a.Frame.ToPhoto.E}
	cx, cy := truth.At(a.Frame.ToPhoto.C, a.Frame.ToPhoto.F)
	b.Frame.ToPhoto.C, b.Frame.ToPhoto.F = cx+2, cy-1.5
	if b.RGB, err = b.Frame.View(rgb); err != nil {
		t.Fatal(err)
	}
	m, err := Register(a.View, b)
	if err != nil {
		t.Fatal(err)
	}
	s := m.Similarity
	if got := math.Hypot(s.A, s.D); math.Abs(got/scale-1) > 0.003 {
		t.Errorf("scale %.4f, want %.4f", got, scale)
	}
	if got := math.Atan2(s.D, s.A) * 180 / math.Pi; math.Abs(got-deg) > 0.15 {
		t.Errorf("rotation %.3f, want %v", got, deg)
	}
	if s.A != s.E || s.B != -s.D {
		t.Errorf("%+v is no similarity", s)
	}
	px, py := a.Frame.ToPhoto.At(a.Frame.Origin[0], a.Frame.Origin[1]+60)
	gx, gy := s.At(px, py)
	wx, wy := truth.At(px, py)
	if math.Hypot(gx-wx, gy-wy) > 0.5 {
		t.Errorf("the nose is carried to %.2f, %.2f; want %.2f, %.2f", gx, gy, wx, wy)
	}
	q := m.Quality
	t.Logf("%+v", q)
	if math.Abs(q.YawDeltaDeg) > 0.5 || math.Abs(q.PitchDeltaDeg) > 0.5 || math.Abs(q.PerspectiveRel) > 0.02 {
		t.Errorf("a picture that was turned as a whole: yaw %.2f, pitch %.2f, perspective %.3f", q.YawDeltaDeg, q.PitchDeltaDeg, q.PerspectiveRel)
	}
	if q.Agreement < 0.9 || q.ResidualUnits > 0.004 || q.Overlap < 0.95 {
		t.Errorf("%+v", q)
	}
}

func TestMirroredRefused(t *testing.T) {
	a, b := baseline(), baseline()
	if !underRace {
		b = reshot()
	}
	flipped, err := mirror(b.View)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Register(a.View, flipped); !errors.Is(err, ErrMismatch) || !strings.Contains(err.Error(), "mirrored") {
		t.Errorf("%v, want a refusal that says mirrored", err)
	}
	twice, err := mirror(flipped)
	if err != nil {
		t.Fatal(err)
	}
	for i := range twice.Skin.Pix {
		if twice.Skin.Pix[i] != b.Skin.Pix[i] || twice.RGB.Pix[3*i] != b.RGB.Pix[3*i] {
			t.Fatal("mirrored twice is another picture")
		}
	}
}

func TestStrangerRefused(t *testing.T) {
	slowUnderRace(t)
	for _, s := range []*fixtures.Subject{fixtures.NewSubject(2, fixtures.Light), fixtures.NewSubject(3, fixtures.Tan)} {
		b := frontal(shoot(s, func(*fixtures.Shot) {}), [2]float64{})
		m, err := Register(baseline().View, b.View)
		if !errors.Is(err, ErrMismatch) || m != nil {
			t.Errorf("another person is taken for the first: %+v, %v", m, err)
			continue
		}
		if strings.Contains(err.Error(), "mirrored") {
			t.Errorf("another person is taken for the mirrored first: %v", err)
		}
		t.Log(err)
	}
}

// TestCovered: a target of whose skin little can be seen says so.
func TestCovered(t *testing.T) {
	a := baseline()
	b := a.View
	b.Skin = cv.NewGray(b.Skin.W, b.Skin.H)
	copy(b.Skin.Pix[:b.Skin.W*250], a.Skin.Pix[:b.Skin.W*250]) // the forehead only
	if _, err := Register(a.View, b); !errors.Is(err, ErrMismatch) || !strings.Contains(err.Error(), "skin can be seen") {
		t.Errorf("%v, want a refusal that tells how much skin can be seen", err)
	}
	b.Skin = cv.NewGray(b.Skin.W, b.Skin.H)
	if _, err := Register(b, a.View); !errors.Is(err, ErrMismatch) {
		t.Errorf("a baseline without skin: %v", err)
	}
	noise := a.View
	noise.RGB = cv.NewRGB(a.RGB.W, a.RGB.H)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range noise.RGB.Pix {
		noise.RGB.Pix[i] = uint8(r.IntN(256))
	}
	if _, err := Register(a.View, noise); !errors.Is(err, ErrMismatch) {
		t.Errorf("noise: %v", err)
	}
	black := a.View
	black.RGB = cv.NewRGB(a.RGB.W, a.RGB.H)
	if _, err := Register(a.View, black); !errors.Is(err, ErrMismatch) {
		t.Errorf("a black picture: %v", err)
	}
}

func TestSizesRefused(t *testing.T) {
	a := baseline()
	other := View{Frame: a.Frame, RGB: cv.NewRGB(520, 699), Skin: cv.NewGray(520, 699)}
	if _, err := Register(a.View, other); !errors.Is(err, cv.ErrInput) {
		t.Errorf("%v", err)
	}
	scaled := a.View
	scaled.Frame.Unit = 100
	if _, err := Register(a.View, scaled); !errors.Is(err, cv.ErrInput) {
		t.Errorf("%v", err)
	}
}

// TestPose turns and tilts the head by known angles and steps closer by a known
// distance. What is reported must have the right sign, grow with the truth, and be
// about as large. The phantom's cheeks recede more than those of an average face.
func TestPose(t *testing.T) {
	slowUnderRace(t)
	const ipd = 63.0 // mm
	for _, c := range []struct {
		name  string
		truth []float64
		set   func(*fixtures.Shot, float64)
		get   func(Quality) float64
	}{
		{"yaw", []float64{-5, -2, 4}, func(s *fixtures.Shot, v float64) { s.Yaw = v }, func(q Quality) float64 { return q.YawDeltaDeg }},
		{"pitch", []float64{-4, 2, 5}, func(s *fixtures.Shot, v float64) { s.Pitch = -v }, func(q Quality) float64 { return q.PitchDeltaDeg }}, // the phantom counts upwards
		{"perspective", []float64{-0.02, 0.05}, func(s *fixtures.Shot, v float64) { s.DistanceMM = ipd / (ipd/1200 + v) }, func(q Quality) float64 { return q.PerspectiveRel }},
	} {
		var got []float64
		sxy, sxx := 0.0, 0.0
		for _, v := range c.truth {
			b := frontal(shoot(person(), func(s *fixtures.Shot) { c.set(s, v) }), [2]float64{})
			m, err := Register(baseline().View, b.View)
			if err != nil {
				t.Fatalf("%s %v: %v", c.name, v, err)
			}
			g := c.get(m.Quality)
			got = append(got, g)
			sxy, sxx = sxy+g*v, sxx+v*v
			if g*v <= 0 {
				t.Errorf("%s of %v is estimated as %v", c.name, v, g)
			}
		}
		slope := sxy / sxx
		t.Logf("%s of %v is estimated as %.3f: %.2f of the truth", c.name, c.truth, got, slope)
		for i := 1; i < len(got); i++ {
			if got[i] <= got[i-1] {
				t.Errorf("%s: %v does not grow with %v", c.name, got, c.truth)
			}
		}
		if slope < 0.75 || slope > 1.25 {
			t.Errorf("%s is estimated at %.2f of the truth", c.name, slope)
		}
	}
}

func TestQuantile(t *testing.T) {
	v := []float64{5, 1, 4, 2, 3}
	for q, want := range map[float64]float64{0: 1, 0.5: 3, 0.95: 5, 1: 5} {
		if got := quantile(v, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if !math.IsNaN(quantile(nil, 0.5)) || v[0] != 5 {
		t.Error("an empty list has a quantile, or the argument was sorted")
	}
}
