package metrics

import "math"

// DetailChange compares the amplitude of detail of the same skin in two photos, a
// and b, at frequencies from lo to hi, in cycles per pixel of a: the natural log of
// b's over a's, 0 where nothing changed. The spectra are those of planes divided by
// their mean, so that exposure does not matter; scale is pixels of b per pixel of
// a; blur is the variance by which b's point spread function is wider, in squared
// pixels of a (RelativeBlur), whose loss is made good. Noise is not subtracted. NaN
// where a spectrum has no such frequencies.
func DetailChange(a, b Spectrum, scale, blur, lo, hi float64) float64 {
	pa, f2 := a.mean(lo, hi)
	pb, _ := b.mean(lo/scale, hi/scale)
	// The same detail on scale^2 as many pixels has scale^4 the power in each
	// coefficient, were the windows the same part of the face.
	ratio := pb / b.Size / (pa / a.Size) / (scale * scale)
	return 0.5*math.Log(ratio) + 2*math.Pi*math.Pi*f2*blur
}

// mean is the mean power of the coefficients from lo to hi cycles per pixel and
// their mean squared frequency.
func (s Spectrum) mean(lo, hi float64) (p, f2 float64) {
	n := 0.0
	for k, f := range s.Freq {
		if f >= lo && f < hi {
			p, f2, n = p+s.Power[k]*s.Count[k], f2+f*f*s.Count[k], n+s.Count[k]
		}
	}
	return p / n, f2 / n
}
