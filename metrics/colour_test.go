package metrics

import (
	"math"
	"testing"
)

// skinColours are recomputed independently of this package, sRGB and D65.
var skinColours = []struct {
	rgb                   [3]float64
	l, a, b, ita, ei, mel float64
}{
	{[3]float64{210, 160, 135}, 69.89, 15.17, 20.21, 44.5, 26.32, 19.08},
	{[3]float64{141, 85, 60}, 41.98, 20.58, 24.32, -18.3, 46.72, math.NaN()},
}

func uniform(rgb [3]float64) *Patch {
	c := func(v float64) float32 { return float32(SRGBToLinear(v / 255)) }
	return newPatch(20, 20, c(rgb[0]), c(rgb[1]), c(rgb[2]))
}

// TestSkinColours asks for the published check values from uniform patches.
func TestSkinColours(t *testing.T) {
	for _, c := range skinColours {
		p := uniform(c.rgb)
		near(t, "a*", measure(t, "a_star", p), c.a, 0.006)
		near(t, "ITA", measure(t, "ita_deg", p), c.ita, 0.06)
		near(t, "EI", measure(t, "erythema_index_absolute", p), c.ei, 0.006)
		if !math.IsNaN(c.mel) {
			near(t, "MI", measure(t, "melanin_index", p), c.mel, 0.006)
		}
		l, _, b := LinearToLab(float64(p.R.Pix[0]), float64(p.G.Pix[0]), float64(p.B.Pix[0]))
		near(t, "L*", l, c.l, 0.006)
		near(t, "b*", b, c.b, 0.006)
	}
}

// TestColourSensitivity holds published figures of what a change of exposure or
// of the red gain does to skin (210, 160, 135).
func TestColourSensitivity(t *testing.T) {
	for _, c := range []struct{ all, red, aStar, ei float64 }{
		{0.8, 1, 14.08, 26.32}, {1.25, 1, 16.34, 26.32},
		{1, 1.02, 15.17 + 0.73, 26.32 + 0.86}, {1, 1.05, 15.17 + 1.81, 26.32 + 2.12},
	} {
		p := uniform(skinColours[0].rgb)
		for i := range p.R.Pix {
			p.R.Pix[i] *= float32(c.all * c.red)
			p.G.Pix[i] *= float32(c.all)
			p.B.Pix[i] *= float32(c.all)
		}
		near(t, "a*", measure(t, "a_star", p), c.aStar, 0.02)
		near(t, "EI", measure(t, "erythema_index_absolute", p), c.ei, 0.011)
	}
}

func TestWhiteAndGrayHaveNoColour(t *testing.T) {
	for _, v := range []float64{1, 0.5, 0.18, 0.001} {
		_, a, b := LinearToLab(v, v, v)
		near(t, "a* of gray", a, 0, 1e-9)
		near(t, "b* of gray", b, 0, 1e-9)
	}
	l, _, _ := LinearToLab(1, 1, 1)
	near(t, "L* of white", l, 100, 1e-12)
}

// TestSRGB: middle gray of the standard, the joint of its two pieces, and the
// round trip over all byte values.
func TestSRGB(t *testing.T) {
	near(t, "0.5", SRGBToLinear(0.5), 0.2140411, 1e-7)
	near(t, "joint", SRGBToLinear(0.04045+1e-12), 0.04045/12.92, 1e-7)
	for i := range 256 {
		v := float64(i) / 255
		near(t, "round trip", LinearToSRGB(SRGBToLinear(v)), v, 1e-7)
	}
}

// TestITAClasses: on the line b* = 20 the class limits of Chardon and Del Bino
// are where trigonometry puts them.
func TestITAClasses(t *testing.T) {
	for _, limit := range []float64{55, 41, 28, 10, -30} {
		near(t, "ITA", ITA(50+20*math.Tan(limit*math.Pi/180), 20), limit, 1e-9)
	}
}
