package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
)

// haralickExample is the 4 x 4 picture of Haralick 1973, its gray levels put in
// the middle of bins.
func haralickExample() relief {
	r := relief{4, 4, nil}
	for _, level := range []int{0, 0, 1, 1, 0, 0, 1, 1, 0, 2, 2, 2, 2, 2, 3, 3} {
		r.z = append(r.z, float32((float64(level-glcmBins/2)+0.5)*glcmBinOD))
	}
	return r
}

// TestHaralickExample asks for the matrix of the paper and for its features in
// four directions.
func TestHaralickExample(t *testing.T) {
	m := cooccurrence(haralickExample(), 1, 0)
	want := [4][4]int{{4, 2, 1, 0}, {2, 4, 0, 0}, {1, 0, 6, 1}, {0, 0, 1, 2}}
	for i := range 4 {
		for j := range 4 {
			if m.count[i][j] != want[i][j] {
				t.Errorf("p(%d,%d): %d, want %d", i, j, m.count[i][j], want[i][j])
			}
		}
	}
	h := m.features()
	near(t, "contrast", h.contrast, 0.58333, 5e-6)
	near(t, "homogeneity", h.homogeneity, 0.80833, 5e-6)
	near(t, "entropy", h.entropy, 3.02206, 5e-6)
	near(t, "correlation", h.correlation, 0.71953, 5e-6)
	for _, c := range []struct{ dx, dy, contrast float64 }{{0, 1, 1}, {1, -1, 0.44444}, {1, 1, 1.77778}} {
		near(t, "contrast in another direction", cooccurrence(haralickExample(), c.dx, c.dy).features().contrast, c.contrast, 5e-6)
	}
}

// TestCooccurrenceBetweenPixels: on a ramp the value at any fraction of a pixel
// is known, so the difference is the distance exactly.
func TestCooccurrenceBetweenPixels(t *testing.T) {
	r := relief{20, 20, make([]float32, 400)}
	for i := range r.z {
		r.z[i] = float32(glcmBinOD * (0.37*float64(i%20) + 0.21*float64(i/20) - 6 + 0.001))
	}
	for _, d := range [][2]float64{{2.828, -2.828}, {2.828, 2.828}, {3.5, 0}, {0, 2.25}} {
		m := cooccurrence(r, d[0], d[1])
		shift, n := 0.0, 0
		for i := range m.count {
			for j, c := range m.count[i] {
				shift += math.Abs(float64(j-i)) * float64(c)
				n += c
			}
		}
		near(t, "mean difference in bins", shift/float64(n), math.Abs(0.37*d[0]+0.21*d[1]), 0.1)
		if wantPairs := (20 - int(math.Ceil(d[0]))) * (20 - int(math.Ceil(math.Abs(d[1])))); m.pairs != wantPairs {
			t.Errorf("%v: %d pairs, want %d", d, m.pairs, wantPairs)
		}
	}
}

// texture is random relief that is the same skin at every scale: a fixed set of
// waves of 0.5 to 3 mm, blurred by an optical sigma in mm.
func texture(mm, pxPerMM, blurMM float64) *Patch {
	size := int(mm * pxPerMM)
	p := newPatch(size, size, 0.6, 0.34, 0.24)
	p.PxPerMM, p.BlurPx = pxPerMM, blurMM*pxPerMM
	rng := rand.New(rand.NewPCG(31, 32))
	type component struct{ kx, ky, phase, od float64 }
	var waves []component
	for range 40 {
		k, a := 2*math.Pi/(0.5+2.5*rng.Float64()), 2*math.Pi*rng.Float64()
		od := 0.006 * math.Exp(-0.5*k*k*blurMM*blurMM)
		waves = append(waves, component{k * math.Cos(a) / pxPerMM, k * math.Sin(a) / pxPerMM, 7 * rng.Float64(), od})
	}
	addOD(p.G, func(x, y int) float64 {
		sum := 0.0
		for _, w := range waves {
			sum += w.od * math.Sin(w.kx*float64(x)+w.ky*float64(y)+w.phase)
		}
		return sum
	})
	return p
}

// TestGLCMIsOfTheSkin: the same skin photographed at other scales and sharpness
// has the same features, since they are taken at one canonical resolution.
func TestGLCMIsOfTheSkin(t *testing.T) {
	reference := texture(15, 20, 0.03)
	for _, other := range []*Patch{texture(15, 9, 0.04), texture(15, 14.6, 0.1), texture(15, 14.6, 0.03), texture(15, 6.1, 0.06)} {
		for _, name := range []string{"glcm_contrast", "glcm_homogeneity", "glcm_entropy", "glcm_correlation"} {
			want := measure(t, name, reference)
			near(t, name, measure(t, name, other), want, 0.04*math.Abs(want))
		}
	}
}

// TestContrastOfAWave: two points of a wave a distance d apart along it differ
// with a mean square of 2 a^2 sin^2(k d/2). The distance along the wave is 0.6 mm
// in one direction, its 0.71-fold in two and 0 in one, whichever way the wave runs; the canonical blur of
// 0.15 mm damps the wave, and rounding to bins adds 1/6.
func TestContrastOfAWave(t *testing.T) {
	const amplitude, length = 0.06, 1.7 // +-7.5 bins: rounding is no longer tied to the wave
	k := 2 * math.Pi / length
	a := amplitude / glcmBinOD * math.Exp(-0.5*k*k*glcmSigmaMM*glcmSigmaMM)
	a *= 1 - math.Exp(-0.5*k*k*flatSigmaMM*flatSigmaMM)
	square := func(d float64) float64 { return 2*a*a*math.Pow(math.Sin(k*d/2), 2) + 1./6 }
	want := (square(glcmDistMM) + 2*square(glcmDistMM/math.Sqrt2) + 0) / 4
	for _, angle := range []float64{0, math.Pi / 4, math.Pi / 2, 3 * math.Pi / 4} {
		near(t, "contrast", measure(t, "glcm_contrast", wavy(300, 15, length, amplitude, angle)), want, 0.03*want)
	}
}

// TestGLCMIgnoresTheLight: an exposure and a linear gradient move nothing, half
// the relief has about a quarter of the contrast and is more homogeneous.
func TestGLCMIgnoresTheLight(t *testing.T) {
	p := texture(15, 12, 0.05)
	lit := fresh(p)
	addOD(lit.G, func(x, y int) float64 { return 0.2 + 0.0004*float64(x) })
	contrast := measure(t, "glcm_contrast", p)
	near(t, "contrast in other light", measure(t, "glcm_contrast", lit), contrast, 0.02*contrast)

	half := fresh(p)
	for i, v := range half.G.Pix {
		half.G.Pix[i] = 0.34 * float32(math.Sqrt(float64(v/0.34)))
	}
	// Binning adds 1/6 of a squared bin to the squared difference of two values.
	near(t, "contrast of half the relief", measure(t, "glcm_contrast", half)-1./6, (contrast-1./6)/4, 0.05*contrast)
	if a, b := measure(t, "glcm_homogeneity", half), measure(t, "glcm_homogeneity", p); a <= b {
		t.Errorf("homogeneity of half the relief: %v, want more than %v", a, b)
	}
	if a, b := measure(t, "glcm_entropy", half), measure(t, "glcm_entropy", p); a >= b {
		t.Errorf("entropy of half the relief: %v, want less than %v", a, b)
	}
}

func TestUndefinedGLCM(t *testing.T) {
	wantUndefined(t, "glcm_contrast", skinPatch(100, 100, 3.4), "needs 6 px/mm, the photo has 3.4")
	soft := skinPatch(200, 200, 6.8)
	soft.BlurPx = 1
	wantUndefined(t, "glcm_contrast", soft, "blurred by 1.00 px, which needs 7.2 px/mm, the photo has 6.8")
	soft = fresh(soft)
	soft.BlurPx = 0
	measure(t, "glcm_contrast", soft)
	wantUndefined(t, "glcm_entropy", skinPatch(90, 90, 20), "pairs of points")
	uniform := newPatch(200, 200, 0.6, 0.34, 0.24)
	uniform.PxPerMM = 14
	for i := range uniform.G.Pix {
		uniform.G.Pix[i] = 1 // OD exactly 0
	}
	wantUndefined(t, "glcm_correlation", uniform, "uniform")
	near(t, "contrast of uniform skin", measure(t, "glcm_contrast", uniform), 0, 0)
	near(t, "homogeneity of uniform skin", measure(t, "glcm_homogeneity", uniform), 1, 0)
	near(t, "entropy of uniform skin", measure(t, "glcm_entropy", uniform), 0, 0)
}
