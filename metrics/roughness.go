package metrics

import "math"

// Bands of texture are what lies between two Gaussian filters of ISO 16610-21,
// whose cut-off wavelength passes half of the amplitude: of a wave of length L
// the band from a to b passes 2^-(a/L)^2 - 2^-(b/L)^2 of the amplitude. The bands
// share their filters, so that together they are the band from 0.3 to 6 mm.
var cutoffsMM = [4]float64{0.3, 0.8, 2, 6}

// sigmaPerCutoff is the sigma of the filter for a cut-off wavelength of 1:
// sqrt(ln(2)/2)/pi.
const sigmaPerCutoff = 0.18739062

// Limits of resolution.
const (
	// minPxPerCutoff is the least length in pixels of the shortest wave of a band.
	minPxPerCutoff = 4.0
	// maxBlur is the largest sigma of the point spread, as a share of the wave in
	// the middle of the band (geometric mean). At 1/8 of it exp(-(2 pi/8)^2) = 54 %
	// of the power is left, and an error of 0.1 px in the blur to be matched moves
	// the result by 7 % at most where the wave has 7 px. The filter
	// itself takes more than that from the shortest wave, so that the middle, and
	// not the edge, is where the band lives.
	maxBlur = 1.0 / 8
	// minBandArea is the least interior, in squares of the longest wave: some 30
	// independent bumps of half the middle wave, which fix an RMS to about 13 %.
	minBandArea = 3.0
)

var roughnessFine = roughness("fine", 0, "pores and the finest relief", false)
var roughnessMid = roughness("mid", 1, "texture that is seen as rough skin", true)
var roughnessCoarse = roughness("coarse", 2, "scars and coarse relief", false)

func roughness(name string, band int, what string, primary bool) Metric {
	return Metric{
		Name: "roughness_" + name, Unit: "ODx1000", Family: Texture, Direction: LowerIsBetter,
		Primary: primary, Percent: true,
		NeedsPxPerMM: minPxPerCutoff / cutoffsMM[band],
		Doc: "Robust RMS (median absolute deviation x 1.4826, so that a few moles, hairs or scars do not decide) of the optical " +
			"density of green, free of shading (Gaussian of 3 mm), in the band of wavelengths " +
			[3]string{"0.3-0.8", "0.8-2", "2-6"}[band] + " mm, less the power of the noise: " + what + ". Of shading, not a height.",
		Source: "form of Sq in ISO 25178-2, filters of ISO 16610-21; robust scale: Hampel 1974, J Am Stat Assoc 69:383",
		Measure: func(p *Patch) (float64, error) {
			r := p.roughness()[band]
			return 1000 * r.rms, r.err
		},
	}
}

// bandResult is the robust RMS of one band in OD, or why it has none.
type bandResult struct {
	rms float64
	err error
}

// roughness measures all bands that the photo resolves in one walk from fine to
// coarse: each filter continues the one before, and once a filter leaves nothing
// above half the sampling rate, every second pixel is dropped.
func (p *Patch) roughness() [3]bandResult {
	return p.cache.rough.get(func() (out [3]bandResult) {
		first, last := len(out), -1
		for b := range out {
			if out[b].err = p.resolves(b); out[b].err == nil {
				first, last = min(first, b), b
			}
		}
		if last < 0 {
			return out
		}
		f := masked(p.flatGreen(), p.skin().on, p.R.W, p.R.H)
		step := 1 // pixels of the photo per pixel of f
		sigma := sigmaPerCutoff * cutoffsMM[first] * p.PxPerMM
		f = f.smooth(sigma)
		for b := first; b <= last; b++ {
			for sigma >= 2*float64(step) {
				f, step = f.halve(), 2*step
			}
			next := sigmaPerCutoff * cutoffsMM[b+1] * p.PxPerMM
			g := f.smooth(math.Sqrt(next*next-sigma*sigma) / float64(step))
			if out[b].err == nil {
				out[b] = p.band(b, f, g, step, sigma, next)
			}
			f, sigma = g, next
		}
		return out
	})
}

// resolves tells why a band is not resolved; nil if it is.
func (p *Patch) resolves(band int) error {
	short, long := cutoffsMM[band], cutoffsMM[band+1]
	if err := p.needScale(minPxPerCutoff / short); err != nil {
		return err
	}
	limit := maxBlur * math.Sqrt(short*long) * p.PxPerMM
	if p.BlurPx > limit {
		return undefined("needs a blur of %.2f px at most, the photo has %.2f", limit, p.BlurPx)
	}
	return enoughSkin(band, p.skinMM2())
}

// enoughSkin refuses an area too small for a band.
func enoughSkin(band int, mm2 float64) error {
	if need := minBandArea * cutoffsMM[band+1] * cutoffsMM[band+1]; mm2 < need {
		return undefined("only %.3g mm2 of skin inside its border, %.3g are needed", mm2, need)
	}
	return nil
}

// band is the robust RMS of the difference of two smoothed fields over the
// interior. An RMS proper is made by the few largest values: one mole, freckles or
// single hairs, which do not change, then outweigh the texture that does. The
// median absolute deviation is that of the texture between them; where this is
// normal, as a sum of many waves is, it gives the RMS, and powers add.
func (p *Patch) band(band int, f, g field, step int, sigma, next float64) bandResult {
	in := p.interior()
	var d []float32
	for y := range f.h {
		inside := in[y*step*p.R.W:]
		for x := range f.w {
			i := y*f.w + x
			if inside[x*step] == 0 || g.den[i] < minSupport {
				continue
			}
			d = append(d, f.num[i]/f.den[i]-g.num[i]/g.den[i])
		}
	}
	mm := float64(step) / p.PxPerMM
	if err := enoughSkin(band, float64(len(d))*mm*mm); err != nil {
		return bandResult{math.NaN(), err}
	}
	_, spread := MADPixels(d)
	power := spread * spread
	noise := p.NoiseOD * p.NoiseOD * noiseGain(sigma, next, p.NoiseBlurPx)
	if noise > power {
		return bandResult{math.NaN(), undefined("lost in noise: OD %.2g of noise in the band, %.2g in all", math.Sqrt(noise), math.Sqrt(power))}
	}
	return bandResult{math.Sqrt(power - noise), nil}
}

// noiseGain is the share of the power of white noise that passes the difference
// of two Gaussians, both after a Gaussian of sigma pre; all in pixels. Since a
// two-dimensional Gaussian is a product, so is the overlap of two of them, and
// the sum over the plane is the square of the sum along a line.
func noiseGain(a, b, pre float64) float64 {
	ka, kb := gaussian(math.Hypot(a, pre)), gaussian(math.Hypot(b, pre))
	overlap := func(k, l []float32) float64 {
		sum := float64(k[0]) * float64(l[0])
		for i := 1; i < min(len(k), len(l)); i++ {
			sum += 2 * float64(k[i]) * float64(l[i])
		}
		return sum * sum
	}
	return overlap(ka, ka) - 2*overlap(ka, kb) + overlap(kb, kb)
}
