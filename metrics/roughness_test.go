package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
)

// wavy is uniform skin with one wave of the given length and amplitude in OD.
func wavy(size int, pxPerMM, lengthMM, amplitude, angle float64) *Patch {
	p := newPatch(size, size, 0.6, 0.34, 0.24)
	p.PxPerMM = pxPerMM
	k := 2 * math.Pi / (lengthMM * pxPerMM)
	addOD(p.G, func(x, y int) float64 {
		return amplitude * math.Sin(k*(float64(x)*math.Cos(angle)+float64(y)*math.Sin(angle)))
	})
	return p
}

// grainy is uniform skin with two dozen waves of about one length in all directions, so
// that the sum is close to normal.
func grainy(size int, pxPerMM, lengthMM, amplitude float64) *Patch {
	p := newPatch(size, size, 0.6, 0.34, 0.24)
	p.PxPerMM = pxPerMM
	rng := rand.New(rand.NewPCG(3, 4))
	type wave struct{ kx, ky, phase float64 }
	waves := make([]wave, 24)
	for i := range waves {
		sin, cos := math.Sincos(2 * math.Pi * rng.Float64())
		k := 2 * math.Pi / (lengthMM * pxPerMM)
		waves[i] = wave{k * cos, k * sin, 2 * math.Pi * rng.Float64()}
	}
	each := amplitude / math.Sqrt(float64(len(waves)))
	addOD(p.G, func(x, y int) float64 {
		od := 0.0
		for _, w := range waves {
			od += each * math.Sin(w.kx*float64(x)+w.ky*float64(y)+w.phase)
		}
		return od
	})
	return p
}

// bandRMS is derived by hand: a wave of length l and amplitude 1 passes a Gaussian
// of cut-off c with 2^-(c/l)^2, the flattening of sigma 3 mm with
// 1-exp(-2 pi^2 9/l^2), and has RMS 1/sqrt(2).
func bandRMS(short, long, l float64) float64 {
	pass := func(c float64) float64 { return math.Exp2(-(c / l) * (c / l)) }
	flat := 1 - math.Exp(-2*math.Pi*math.Pi*9/(l*l))
	return (pass(short) - pass(long)) * flat / math.Sqrt2
}

// TestRoughnessOfAWave: waves in and between the bands, at several scales and
// directions, give the derived RMS in all bands, times 1.4826: half of the time
// |sin| is below sin 45 degrees, which is its RMS as well.
func TestRoughnessOfAWave(t *testing.T) {
	const amplitude = 0.01
	for _, c := range []struct{ pxPerMM, length, angle float64 }{
		{20, 0.5, 0.15}, {20, 0.8, 0.7}, {14.6, 0.5, 1.1}, {14.6, 1.26, 0.3}, {20, 2, 1.5}, {14.6, 3.5, 0.5}, {30, 0.4, 0.2},
	} {
		p := wavy(int(14*c.pxPerMM), c.pxPerMM, c.length, amplitude, c.angle)
		for b, name := range []string{"roughness_fine", "roughness_mid", "roughness_coarse"} {
			want := madToSD * 1000 * amplitude * bandRMS(cutoffsMM[b], cutoffsMM[b+1], c.length)
			got := measure(t, name, p)
			if math.Abs(got-want) > 0.03*want+0.02 {
				t.Errorf("%s of a wave of %v mm at %v px/mm: %.3f, want %.3f", name, c.length, c.pxPerMM, got, want)
			}
		}
	}
}

// TestRoughnessOfTexture: of many waves at once, as skin has them, it is the RMS.
func TestRoughnessOfTexture(t *testing.T) {
	const amplitude, length = 0.01, 1.26
	want := 1000 * amplitude * bandRMS(cutoffsMM[1], cutoffsMM[2], length)
	near(t, "texture", measure(t, "roughness_mid", grainy(400, 14.6, length, amplitude)), want, 0.06*want)
}

// TestMolesAreNotRoughness: moles and hairs, which never change, neither make skin
// rough nor hide that its texture fell by 30 %.
func TestMolesAreNotRoughness(t *testing.T) {
	const px, size = 14.6, 500
	marked := func(amplitude float64) *Patch {
		p := grainy(size, px, 1.26, amplitude)
		addOD(p.G, func(x, y int) float64 {
			od := 0.0
			for _, m := range [][3]float64{{9, 9, 1}, {25, 14, 1.4}, {15, 26, 0.8}} {
				dx, dy := float64(x)/px-m[0], float64(y)/px-m[1]
				od += 0.5 / (1 + math.Exp((math.Hypot(dx, dy)-m[2])/0.1))
			}
			if along := float64(y) / px; math.Abs(float64(x)/px-20-0.1*along) < 0.08 && along > 12 && along < 20 {
				od += 0.3
			}
			return od
		})
		return p
	}
	bare := measure(t, "roughness_mid", grainy(size, px, 1.26, 0.01))
	before, after := measure(t, "roughness_mid", marked(0.01)), measure(t, "roughness_mid", marked(0.007))
	near(t, "with moles and a hair", before/bare, 1, 0.08)
	near(t, "texture less by 30 %", after/before, 0.7, 0.03)
}

// TestRoughnessIsLinearInAmplitude and free of exposure, of skin colour and of
// a gradient of the light.
func TestRoughnessIsLinearInAmplitude(t *testing.T) {
	p := wavy(300, 15, 1.2, 0.005, 0.4)
	q := wavy(300, 15, 1.2, 0.010, 0.4)
	addOD(q.G, func(x, y int) float64 { return 0.3 + 0.0005*float64(x) - 0.0003*float64(y) })
	near(t, "twice the amplitude in other light", measure(t, "roughness_mid", q)/measure(t, "roughness_mid", p), 2, 0.02)
}

// TestBorderDoesNotLeak: skin without texture has none beside a black hole in the
// mask, at the border of the mask or under a gradient.
func TestBorderDoesNotLeak(t *testing.T) {
	p := newPatch(400, 400, 0.6, 0.34, 0.24)
	p.PxPerMM = 15
	addOD(p.G, func(x, y int) float64 { return 0.001 * float64(x) }) // 0.4 OD across the zone
	for i := range p.Skin.Pix {
		x, y := i%400, i/400
		if (x-200)*(x-200)+(y-150)*(y-150) < 900 || x+y < 150 || x > 370 {
			p.Skin.Pix[i], p.G.Pix[i] = 0, 0.001
		}
	}
	for _, name := range []string{"roughness_fine", "roughness_mid", "roughness_coarse"} {
		if got := measure(t, name, p); got > 1 {
			t.Errorf("%s: %.2f of leakage, want 1 at most", name, got)
		}
	}
}

// TestNoiseIsSubtracted: white noise added to a texture leaves the roughness that
// the texture has alone, native and in a copy that was blurred after the noise.
func TestNoiseIsSubtracted(t *testing.T) {
	const sd, match = 0.006, 0.8
	clean := grainy(300, 15, 0.6, 0.004)
	noisy := fresh(clean)
	rng := rand.New(rand.NewPCG(21, 22))
	addOD(noisy.G, func(x, y int) float64 { return sd * rng.NormFloat64() })

	blurred := func(p *Patch) *Patch {
		q := fresh(p)
		od := opticalDensity(q.G.Pix, q.skin().on)
		f := masked(od, q.skin().on, q.R.W, q.R.H).smooth(match)
		for i := range q.G.Pix {
			q.G.Pix[i] = float32(math.Pow(10, -float64(f.num[i]/f.den[i])))
		}
		q.cache = cache{}
		q.NoiseBlurPx = match
		return q
	}
	for _, name := range []string{"roughness_fine", "roughness_mid"} {
		for what, pair := range map[string][2]*Patch{"native": {clean, noisy}, "matched": {blurred(clean), blurred(noisy)}} {
			want, raw := measure(t, name, pair[0]), measure(t, name, pair[1])
			corrected := fresh(pair[1])
			corrected.NoiseOD = sd
			got := measure(t, name, corrected)
			near(t, name+" "+what, got, want, 0.03*want)
			if what == "native" && name == "roughness_fine" && raw < 1.3*want {
				t.Errorf("the noise adds only %.2f to %.2f: the test shows nothing", raw, want)
			}
		}
	}
	lost := fresh(noisy)
	lost.NoiseOD = 2 * sd
	wantUndefined(t, "roughness_fine", lost, "lost in noise")
}

// TestNoiseGain: the share of white noise in a difference of two Gaussians is
// 1/(4 pi a^2) - 1/(pi (a^2+b^2)) + 1/(4 pi b^2), the integral of its transfer.
func TestNoiseGain(t *testing.T) {
	for _, c := range [][3]float64{{2, 5, 0}, {1, 2.5, 0}, {1.5, 4, 1}, {4, 12, 3}} {
		a, b := c[0]*c[0]+c[2]*c[2], c[1]*c[1]+c[2]*c[2]
		want := (1/(4*a) - 1/(a+b) + 1/(4*b)) / math.Pi
		near(t, "gain", noiseGain(c[0], c[1], c[2]), want, 0.01*want)
	}
}

// TestUnresolvedBands: a band is refused with what it would need.
func TestUnresolvedBands(t *testing.T) {
	london := skinPatch(100, 100, 3.4)
	wantUndefined(t, "roughness_fine", london, "needs 13.4 px/mm, the photo has 3.4")
	wantUndefined(t, "roughness_mid", london, "needs 5 px/mm, the photo has 3.4")
	measure(t, "roughness_coarse", london)

	soft := skinPatch(400, 400, 20)
	soft.BlurPx = 1.5
	wantUndefined(t, "roughness_fine", soft, "needs a blur of 1.22 px at most, the photo has 1.50")
	measure(t, "roughness_mid", soft)

	wantUndefined(t, "roughness_coarse", skinPatch(150, 150, 20), "mm2 of skin")
}
