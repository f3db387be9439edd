package card

import (
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/fixtures"
)

// The pairs that Sharma, Wu and Dalal (2005, Color Res Appl 30:21, table 1) publish to
// test implementations with.
func TestDifference(t *testing.T) {
	for _, c := range [][7]float64{
		{50, 2.6772, -79.7751, 50, 0, -82.7485, 2.0425}, {50, 3.1571, -77.2803, 50, 0, -82.7485, 2.8615},
		{50, 2.8361, -74.0200, 50, 0, -82.7485, 3.4412}, {50, -1.3802, -84.2814, 50, 0, -82.7485, 1.0000},
		{50, -1.1848, -84.8006, 50, 0, -82.7485, 1.0000}, {50, -0.9009, -85.5211, 50, 0, -82.7485, 1.0000},
		{50, 0, 0, 50, -1, 2, 2.3669}, {50, -1, 2, 50, 0, 0, 2.3669},
		{50, 2.49, -0.001, 50, -2.49, 0.0009, 7.1792}, {50, 2.49, -0.001, 50, -2.49, 0.0010, 7.1792},
		{50, 2.49, -0.001, 50, -2.49, 0.0011, 7.2195}, {50, 2.49, -0.001, 50, -2.49, 0.0012, 7.2195},
		{50, -0.001, 2.49, 50, 0.0009, -2.49, 4.8045}, {50, -0.001, 2.49, 50, 0.0010, -2.49, 4.8045},
		{50, -0.001, 2.49, 50, 0.0011, -2.49, 4.7461}, {50, 2.5, 0, 50, 0, -2.5, 4.3065},
		{50, 2.5, 0, 73, 25, -18, 27.1492}, {50, 2.5, 0, 61, -5, 29, 22.8977},
		{50, 2.5, 0, 56, -27, -3, 31.9030}, {50, 2.5, 0, 58, 24, 15, 19.4535},
		{50, 2.5, 0, 50, 3.1736, 0.5854, 1.0000}, {50, 2.5, 0, 50, 3.2972, 0, 1.0000},
		{50, 2.5, 0, 50, 1.8634, 0.5757, 1.0000}, {50, 2.5, 0, 50, 3.2592, 0.3350, 1.0000},
		{60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644}, {63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630},
		{61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731}, {35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645},
		{22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373}, {36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146},
		{90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441}, {90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381},
		{6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377}, {2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082},
	} {
		p, q := [3]float64{c[0], c[1], c[2]}, [3]float64{c[3], c[4], c[5]}
		if d, back := Difference(p, q), Difference(q, p); math.Abs(d-c[6]) > 5e-5 || math.Abs(d-back) > 1e-9 {
			t.Errorf("%v to %v: %.4f and back %.4f, published %.4f", p, q, d, back, c[6])
		}
	}
}

// A grey of L* 50 has 18.42 % of the light of white in any white; the adapted colours
// of dark and light skin are close to the sRGB that is published for them.
func TestReferenceInLinearLight(t *testing.T) {
	grey := Reference{Lab: [Patches][3]float64{{50, 0, 0}}}
	for _, v := range grey.Linear(0) {
		if math.Abs(v-0.18419) > 1e-4 {
			t.Errorf("L* 50: %.5f of white, want 0.18419", v)
		}
	}
	encode := func(v float64) float64 { return 255 * (1.055*math.Pow(v, 1/2.4) - 0.055) }
	for k, want := range map[int][3]float64{0: {115, 82, 68}, 1: {194, 150, 130}, 21: {122, 122, 121}} {
		got := Classic.Linear(k)
		for i := range want {
			if math.Abs(encode(got[i])-want[i]) > 5 {
				t.Errorf("patch %d, channel %d: %.0f, published %.0f", k+1, i, encode(got[i]), want[i])
			}
		}
	}
}

// asSeen is a chart of known colours through a camera: matrix, gains, a slope of the
// light, and noise, relative.
func asSeen(ref *Reference, camera [3][3]float64, gain [3]float64, slope, noise float64) *Chart {
	r := rand.New(rand.NewPCG(1, 2))
	c := &Chart{PatchPx: 40}
	for k := range c.Patches {
		p := &c.Patches[k]
		p.U, p.V = float64(k%Columns)-2.5, float64(k/Columns)-1.5
		p.RGB = mul(camera, ref.Linear(k))
		for i := range p.RGB {
			p.RGB[i] = math.Max(0, p.RGB[i]*gain[i]*math.Exp(slope*p.U-slope/2*p.V)*(1+noise*r.NormFloat64()))
		}
	}
	return c
}

// inverse3 is the inverse matrix.
func inverse3(m [3][3]float64) (out [3][3]float64) {
	h := homography{m[0][0], m[0][1], m[0][2], m[1][0], m[1][1], m[1][2], m[2][0], m[2][1], m[2][2]}.inverse()
	var det float64
	for i := range 3 {
		det += m[0][i] * h[3*i]
	}
	for i := range out {
		for j := range out[i] {
			out[i][j] = h[3*i+j] / det
		}
	}
	return out
}

var (
	camera = [3][3]float64{{0.78, 0.20, 0.02}, {0.10, 0.84, 0.06}, {0.03, 0.17, 0.80}}
	skin   = [3]float64{0.55, 0.35, 0.26}
	plain  = [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	ones   = [3]float64{1, 1, 1}
)

// A camera that mixes its channels, unbalanced and under uneven light, is undone: what
// remains is small, white stays white, and skin, which is no patch, comes back.
func TestFitUndoesACamera(t *testing.T) {
	for name, gain := range map[string][3]float64{"warm": {0.8, 0.6, 0.45}, "cold and dark": {0.25, 0.33, 0.4}} {
		f, err := asSeen(&Classic2014, camera, gain, 0.03, 0.004).Fit(&Classic2014, "")
		if err != nil {
			t.Fatal(err)
		}
		if f.Residual > 0.5 || f.Neutral > 0.6 || f.LeaveOneOut > 0.8 || f.Used < Patches-2 || f.Model != Matrix {
			t.Errorf("%s: residual %.2f, neutral %.2f, leave one out %.2f of %d patches by %s", name, f.Residual, f.Neutral, f.LeaveOneOut, f.Used, f.Model)
		}
		seen := mul(camera, skin)
		got := f.Correct(balanced(seen, gain))
		if d := Difference(labOf(skin), labOf(got)); d > 0.8 {
			t.Errorf("%s: skin comes back %.2f off, as %v", name, d, got)
		}
	}
}

// The exact inverse exists here, so the fit must find it; its rows keep white.
func TestFitFindsTheMatrix(t *testing.T) {
	bounded := Classic2014
	for k := range bounded.Lab { // within the gamut of the camera nothing is cut off
		bounded.Lab[k][1] *= 0.6
		bounded.Lab[k][2] *= 0.6
	}
	f, err := asSeen(&bounded, camera, ones, 0, 0).Fit(&bounded, Matrix)
	if err != nil {
		t.Fatal(err)
	}
	back := inverse3(camera)
	for j := range 3 {
		var unit [3]float64
		unit[j] = 1
		got := f.Correct(unit)
		for i := range got {
			if math.Abs(got[i]-back[i][j]) > 0.015 {
				t.Errorf("row %d, column %d: %.4f, want %.4f", i, j, got[i], back[i][j])
			}
		}
	}
}

// A sensor whose channels bend colour, as the roots of products do, is fitted by the
// root-polynomial; an ordinary one is not.
func TestModelIsChosenByWhatItHasNotSeen(t *testing.T) {
	c := asSeen(&Classic2014, plain, ones, 0, 0.002)
	for k := range c.Patches {
		v := c.Patches[k].RGB
		r, g, b := v[0], v[1], v[2]
		c.Patches[k].RGB = [3]float64{0.6*r + 0.4*math.Sqrt(r*g), 0.7*g + 0.3*math.Sqrt(g*b), 0.6*b + 0.4*math.Sqrt(b*r)}
	}
	f, err := c.Fit(&Classic2014, "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Fit(&Classic2014, Matrix)
	if err != nil {
		t.Fatal(err)
	}
	if f.Model != RootPolynomial || f.LeaveOneOut > 0.85*m.LeaveOneOut {
		t.Errorf("%s with %.2f left out, the matrix has %.2f", f.Model, f.LeaveOneOut, m.LeaveOneOut)
	}
	// Exposure must not change colour: twice the light is twice the light.
	one, two := f.Correct(skin), f.Correct([3]float64{2 * skin[0], 2 * skin[1], 2 * skin[2]})
	for i := range one {
		if math.Abs(two[i]/one[i]-2) > 1e-9 {
			t.Errorf("channel %d: twice the light gives %.6f times", i, two[i]/one[i])
		}
	}
}

// Each edition is told from the other, and a reflection on two patches costs these.
func TestEditionsAndReflections(t *testing.T) {
	for _, ref := range []*Reference{&Classic, &Classic2014} {
		f, err := asSeen(ref, camera, [3]float64{0.7, 0.6, 0.6}, 0.01, 0.003).FitBetter()
		if err != nil || f.Reference != ref.Name {
			t.Errorf("chart %s is taken for %v (%v)", ref.Name, f, err)
		}
	}
	c := asSeen(&Classic2014, plain, [3]float64{0.6, 0.6, 0.6}, 0, 0.003)
	for _, k := range []int{4, 13} {
		for i := range 3 {
			c.Patches[k].RGB[i] += 0.25
		}
	}
	f, err := c.Fit(&Classic2014, "")
	if err != nil || f.Residual > 0.6 || len(f.Dropped) != 2 || f.Dropped[0].Patch+f.Dropped[1].Patch != 5+14 {
		t.Errorf("reflections on the patches 5 and 14: %+v, %v", f, err)
	}
}

// A chart that is no classic one, a faded one, and one of which little is seen are
// refused or fit badly, never quietly.
func TestOtherCharts(t *testing.T) {
	other := Classic2014
	for k := range 18 {
		other.Lab[k] = Classic2014.Lab[(k+7)%18]
	}
	faded := Classic2014
	for k := range 18 {
		fade := 0.3 + 0.14*float64(k%6) // dyes differ
		faded.Lab[k] = [3]float64{Classic2014.Lab[k][0] + 6, fade * Classic2014.Lab[k][1], fade * Classic2014.Lab[k][2]}
	}
	for name, ref := range map[string]*Reference{"other": &other, "faded": &faded} {
		f, err := asSeen(ref, plain, [3]float64{0.7, 0.7, 0.7}, 0, 0.003).FitBetter()
		if err == nil && f.Usable() == nil {
			t.Errorf("%s chart: residual %.2f, left out %.2f, and nothing is said", name, f.Residual, f.LeaveOneOut)
		}
		if err != nil && !errors.Is(err, ErrCard) {
			t.Error(err)
		}
	}
	// All colours alike by a fifth is what another camera may do; between two photos of
	// one camera it shows.
	pale := Classic2014
	for k := range 18 {
		pale.Lab[k][1] *= 0.8
		pale.Lab[k][2] *= 0.8
	}
	fresh, err1 := asSeen(&Classic2014, camera, [3]float64{0.7, 0.7, 0.7}, 0, 0.003).Fit(&Classic2014, Matrix)
	old, err2 := asSeen(&pale, camera, [3]float64{0.5, 0.6, 0.7}, 0, 0.003).Fit(&Classic2014, Matrix)
	if err1 != nil || err2 != nil || old.Saturation < 1.1*fresh.Saturation {
		t.Errorf("the chart has lost a fifth of its colour: %+v, before %+v (%v, %v)", old, fresh, err1, err2)
	}
	c := asSeen(&Classic2014, plain, ones, 0, 0)
	for k := range 12 {
		c.Patches[k].Dropped = "overexposed"
	}
	if _, err := c.Fit(&Classic2014, ""); err == nil || !strings.Contains(err.Error(), "12 of 24 patches") {
		t.Errorf("half a chart: %v", err)
	}
}

// The user's own table is read whatever the order, and told with its line where wrong.
func TestReadReference(t *testing.T) {
	var b strings.Builder
	b.WriteString("patch, L, a, b\n")
	for k := Patches - 1; k >= 0; k-- {
		v := Classic.Lab[k]
		b.WriteString(strings.Join([]string{itoa(k + 1), ftoa(v[0]), ftoa(v[1]), ftoa(v[2])}, ",") + "\n")
	}
	good := b.String()
	ref, err := ReadReference("own.csv", []byte(good))
	if err != nil || ref.Lab != Classic.Lab {
		t.Fatalf("%v", err)
	}
	for want, text := range map[string]string{
		"own.csv:1: no table":               "",
		"own.csv:1: no column a":            strings.Replace(good, " a,", " x,", 1),
		"own.csv:2: patch \"25\"":           strings.Replace(good, "24,", "25,", 1),
		"own.csv:3: patch 24 is there twic": strings.Replace(good, "23,", "24,", 1),
		"own.csv:2: L \"twenty\"":           strings.Replace(good, "24,20.461", "24,twenty", 1),
		"patch 1 is missing":                good[:strings.LastIndex(strings.TrimSpace(good), "\n")+1],
		"are not neutral from white":        strings.Replace(good, "19,96.539", "19,6.539", 1),
	} {
		if _, err := ReadReference("own.csv", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func itoa(k int) string     { return strconv.Itoa(k) }
func ftoa(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// The look at colours before the search passes a chart as wide as 3 % of the photo, in
// any light, and spares a face alone the search.
func TestColourful(t *testing.T) {
	who := fixtures.NewSubject(4, fixtures.Light)
	for _, gain := range []float64{0.8, 1.25} {
		shot := fixtures.Portrait(600, 800)
		shot.Noise, shot.EV, shot.RedGain, shot.BlueGain = 1, -0.8, gain, 1/gain
		if colourful(rgbOf(fixtures.Render(who, fixtures.Baseline, shot))) {
			t.Errorf("gain %g: a chart is searched in a face", gain)
		}
		shot.Sheet = fixtures.Chart(Classic2014.AllLinear(), 0.03*600/shot.PxPerMM, 0.75).At(78, 118, 20)
		shot.Sheet.Z = fixtures.FaceDepth
		if !colourful(rgbOf(fixtures.Render(who, fixtures.Baseline, shot))) {
			t.Errorf("gain %g: a small chart is not even searched", gain)
		}
	}
}
