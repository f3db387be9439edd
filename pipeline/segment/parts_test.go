package segment

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// The response to a drawn Gaussian blob must be that of the formula, since the
// size and darkness of pores are fitted to it.
func TestGaussianResponse(t *testing.T) {
	const blob = 3.0
	p := cv.NewPlane(81, 81)
	for i := range p.Pix {
		dx, dy := float64(i%81-40), float64(i/81-40)
		p.Pix[i] = float32(math.Exp(-(dx*dx + dy*dy) / (2 * blob * blob)))
	}
	sigmas := []float64{1.5, 2.2, 3, 4.5}
	scales, err := blobScales(p, sigmas)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range sigmas {
		got, want := float64(scales[i].response.Pix[40*81+40]), gaussianResponse(blob, s)
		if math.Abs(got-want) > 0.04*want {
			t.Errorf("sigma %v: response %.4f, formula %.4f", s, got, want)
		}
	}
	if peak := gaussianResponse(blob, blob); math.Abs(peak-0.5) > 1e-12 {
		t.Errorf("response at the scale of the blob %v, want half its amplitude", peak)
	}
	sigma, amplitude := fitGaussian(scales, 40*81+40, 2)
	if math.Abs(sigma-blob) > 0.1 || math.Abs(amplitude-1) > 0.05 {
		t.Errorf("fit: sigma %.2f, amplitude %.2f; drawn 3 and 1", sigma, amplitude)
	}
	large, small := curvature(scales[0].smooth, 40, 40)
	if small < 0.95*large {
		t.Errorf("a round blob has curvatures %v and %v", large, small)
	}
}

func TestNoiseGain(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	p := cv.NewPlane(400, 400)
	for i := range p.Pix {
		p.Pix[i] = float32(rng.NormFloat64())
	}
	scales, err := blobScales(p, []float64{2.5})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, v := range scales[0].response.Pix {
		sum += float64(v) * float64(v)
	}
	got, want := math.Sqrt(sum/160000), noiseGain(2.5)
	if math.Abs(got-want) > 0.06*want {
		t.Errorf("SD of the response to noise %.4f, formula %.4f", got, want)
	}
}

// Frangi et al. 1998: 0 on flat and bright, near 0 on a blob, near 1 on a strong
// line; doubling a weak line quadruples it, as c is a constant.
func TestRidge(t *testing.T) {
	if ridge(0, 0) != 0 || ridge(-1, -1) != 0 {
		t.Error("flat or bright is a ridge")
	}
	if v := ridge(1, 1); v > math.Exp(-2)+1e-9 {
		t.Errorf("a blob has %v", v)
	}
	if v := ridge(10*lineC, 0); v < 0.99 {
		t.Errorf("a strong line has %v", v)
	}
	if a, b := ridge(0.4*lineC, 0), ridge(0.8*lineC, 0); b/a < 3.5 || b/a > 4 {
		t.Errorf("%v and %v at twice the contrast", a, b)
	}
}

func TestHull(t *testing.T) {
	const w = 20
	var c []int // an open square
	for k := range 9 {
		c = append(c, 3*w+3+k, 11*w+3+k, (3+k)*w+3)
	}
	if got := len(hull(c, w)); got != 81 {
		t.Errorf("hull of an open square of 9 has %d pixels", got)
	}
	if got := hull([]int{5, 6, 7}, w); len(got) != 3 {
		t.Errorf("hull of a row: %v", got)
	}
	if got := hull(nil, w); len(got) != 0 {
		t.Errorf("hull of nothing: %v", got)
	}
}

func TestFlatFieldLeavesNoRim(t *testing.T) {
	// A steep plain gradient in a round mask: what is left at the edge of the mask
	// must be far below a pore (0.03 OD and more).
	const n = 400
	p, mask := cv.NewPlane(n, n), cv.NewGray(n, n)
	for i := range p.Pix {
		x, y := i%n, i/n
		p.Pix[i] = float32(0.2 * float64(x) / n)
		if math.Hypot(float64(x-n/2), float64(y-n/2)) < 150 {
			mask.Pix[i] = 255
		}
	}
	s, err := newShader(mask, 14, flatSigmaMM)
	if err != nil {
		t.Fatal(err)
	}
	flat, err := s.shading(p)
	if err != nil {
		t.Fatal(err)
	}
	subtract(p, flat, mask)
	for i, v := range p.Pix {
		if math.Abs(float64(v)) > 0.012 {
			t.Fatalf("%.4f left at %d, %d", v, i%n, i/n)
		}
	}
}

func TestTrack(t *testing.T) {
	scar := func(x, y float64) TrackObject { return TrackObject{Kind: metrics.Scar, X: x, Y: y, AreaMM: 2} }
	mark := func(x, y float64) TrackObject { return TrackObject{Kind: metrics.BrownMark, X: x, Y: y, AreaMM: 2} }
	got := Track([][]TrackObject{
		{scar(0, 0), scar(10, 0), mark(0.5, 0)},
		{scar(10.5, 0), mark(20, 20)},                    // the first scar and mark are missed
		{mark(0, 1), scar(11, 1), scar(1, 1)},            // and come back
		{scar(4.5, 1), {Kind: metrics.Pore}, scar(1, 1)}, // 3.5 mm away: another scar
	})
	want := [][]string{{"S1", "S2", "B1"}, {"S2", "B2"}, {"B1", "S2", "S1"}, {"S3", "", "S1"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// Of two in reach the nearer is taken, whatever the order.
	got = Track([][]TrackObject{{scar(0, 0)}, {scar(2, 0), scar(0.5, 0)}})
	if want := [][]string{{"S1"}, {"S2", "S1"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Track(nil); len(got) != 0 {
		t.Errorf("nothing gave %v", got)
	}
}

// The scene of a photo that is told another blur is that of its pixels.
func TestSceneForAnotherBlur(t *testing.T) {
	s, _ := scarred(1)
	p := s.patch()
	first := On(p)
	th, err := first.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Find(th); err != nil {
		t.Fatal(err)
	}
	q := &metrics.Patch{R: p.R, G: p.G, B: p.B, Skin: p.Skin, PxPerMM: p.PxPerMM, NoiseOD: p.NoiseOD, BlurPx: p.BlurPx + 1.3}
	shared, anew := first.For(q), On(q)
	a, err1 := shared.Freeze()
	b, err2 := anew.Freeze()
	if err1 != nil || err2 != nil || !reflect.DeepEqual(a, b) || reflect.DeepEqual(a, th) {
		t.Fatalf("thresholds %+v of a shared scene, %+v of a new one, %+v at the other blur (%v, %v)", a, b, th, err1, err2)
	}
	f, err1 := shared.Find(a)
	g, err2 := anew.Find(a)
	if err1 != nil || err2 != nil || !reflect.DeepEqual(f, g) {
		t.Errorf("%d objects of a shared scene, %d of a new one (%v, %v)", len(f.Objects), len(g.Objects), err1, err2)
	}
}
