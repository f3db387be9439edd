package metrics

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Spectrum is the radially averaged power of a plane of linear light under a Hann
// window.
type Spectrum struct {
	Freq  []float64 // cycles per pixel of the plane, ascending
	Power []float64 // mean power in the ring
	Count []float64 // number of coefficients in the ring
	Noise float64   // floor: the lowest power among the high frequencies
	Size  float64   // number of pixels of the plane
}

// NewSpectrum computes the spectrum of p, which must be at least 32 px on each
// side. Content that treatment cannot change (eyes, lashes, brows) belongs in
// it, never treated skin.
func NewSpectrum(p Plane) (Spectrum, error) {
	if p.W < 32 || p.H < 32 || len(p.Pix) != p.W*p.H {
		return Spectrum{}, undefined("%dx%d px is too small for a spectrum", p.W, p.H)
	}
	mean := 0.0
	for _, v := range p.Pix {
		mean += float64(v)
	}
	mean /= float64(len(p.Pix))
	hann := func(n int) []float64 {
		w := make([]float64, n)
		for i := range w {
			w[i] = 0.5 - 0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/float64(n))
		}
		return w
	}
	wx, wy := hann(p.W), hann(p.H)
	half := p.W/2 + 1
	rows := make([]complex128, half*p.H)
	transformRow := fourier.NewFFT(p.W)
	line := make([]float64, p.W)
	for y := range p.H {
		for x := range line {
			line[x] = (float64(p.Pix[y*p.W+x]) - mean) * wx[x] * wy[y]
		}
		transformRow.Coefficients(rows[y*half:(y+1)*half], line)
	}
	column, out := make([]complex128, p.H), make([]complex128, p.H)
	transform := fourier.NewCmplxFFT(p.H)
	bins := min(p.W, p.H) / 4 // rings two coefficients wide
	s := Spectrum{Freq: make([]float64, bins), Power: make([]float64, bins), Count: make([]float64, bins), Size: float64(len(p.Pix))}
	for x := range half {
		for y := range p.H {
			column[y] = rows[y*half+x]
		}
		transform.Coefficients(out, column)
		fx := float64(x) / float64(p.W)
		for y, c := range out {
			fy := float64(y) / float64(p.H)
			if fy > 0.5 {
				fy--
			}
			f := math.Hypot(fx, fy)
			if k := int(2 * f * float64(bins)); k < bins {
				m := power(c)
				s.Freq[k] += f
				s.Power[k] += m
				s.Count[k]++
			}
		}
	}
	for k := range s.Freq {
		if s.Count[k] > 0 {
			s.Freq[k] /= s.Count[k]
			s.Power[k] /= s.Count[k]
		}
	}
	s.Noise = math.Inf(1)
	for k := bins / 2; k < bins; k++ {
		s.Noise = math.Min(s.Noise, s.Power[k])
	}
	return s, nil
}

func power(c complex128) float64 { return real(c)*real(c) + imag(c)*imag(c) }

// RelativeBlur compares the spectra of the same content in two photos and returns
// the variance by which b's point spread function is wider than a's, in squared
// pixels of a; negative where a is the blurrier. scale is pixels of b per pixel of
// a. For Gaussian blur the log ratio of the powers falls with the square of the
// frequency, ln(Pb/Pa) = c - (2 pi f)^2 v, which is fitted where both stand well
// above their noise; the constant c takes exposure and contrast. ci is the
// half-width of the fit's 95 % interval of v, a bound of the fit only.
func RelativeBlur(a, b Spectrum, scale float64) (v, ci float64, err error) {
	if !(scale > 0.05 && scale < 20) {
		return math.NaN(), math.NaN(), undefined("scale %v between the photos", scale)
	}
	// Above 6 times the noise the floor that is subtracted does no harm.
	const above = 6
	var sw, sx, sy, sxx, sxy float64
	var xs, ys, ws []float64
	for k, f := range a.Freq {
		if f < 0.015 || a.Count[k] == 0 || a.Power[k] < above*a.Noise {
			continue
		}
		p, ok := b.at(f / scale)
		if !ok || p < above*b.Noise {
			continue
		}
		x := 4 * math.Pi * math.Pi * f * f
		y := math.Log((p - b.Noise) / (a.Power[k] - a.Noise))
		w := math.Sqrt(a.Count[k])
		xs, ys, ws = append(xs, x), append(ys, y), append(ws, w)
		sw, sx, sy, sxx, sxy = sw+w, sx+w*x, sy+w*y, sxx+w*x*x, sxy+w*x*y
	}
	det := sw*sxx - sx*sx
	if len(xs) < 6 || det <= 0 {
		return math.NaN(), math.NaN(), undefined("only %d frequencies stand above the noise in both photos", len(xs))
	}
	slope := (sw*sxy - sx*sy) / det
	icpt := (sy - slope*sx) / sw
	rss := 0.0
	for i := range xs {
		r := ys[i] - icpt - slope*xs[i]
		rss += ws[i] * r * r
	}
	se := math.Sqrt(rss / float64(len(xs)-2) * sw / det)
	if math.IsNaN(slope) || math.IsNaN(se) {
		return math.NaN(), math.NaN(), fmt.Errorf("the spectra cannot be compared: %w", ErrUndefined)
	}
	return -slope, 1.96 * se, nil
}

// at interpolates the power at a frequency.
func (s Spectrum) at(f float64) (float64, bool) {
	for k := 1; k < len(s.Freq); k++ {
		if s.Freq[k-1] <= f && f <= s.Freq[k] && s.Count[k-1] > 0 && s.Count[k] > 0 {
			t := (f - s.Freq[k-1]) / (s.Freq[k] - s.Freq[k-1])
			return s.Power[k-1]*(1-t) + s.Power[k]*t, true
		}
	}
	return 0, false
}

// NoiseSD estimates the standard deviation of the pixel noise of p from its finest
// diagonal detail: (a-b-c+d)/2 over 2 x 2 pixels has the noise's own deviation, and
// next to nothing of what a lens lets through (Donoho & Johnstone 1994: median
// absolute value / 0.6745). Smooth skin belongs in it. NaN below 16 x 16 px.
func NoiseSD(p Plane) float64 {
	if p.W < 16 || p.H < 16 || len(p.Pix) != p.W*p.H {
		return math.NaN()
	}
	v := make([]float32, 0, len(p.Pix)/4)
	for y := 0; y+1 < p.H; y += 2 {
		for x := 0; x+1 < p.W; x += 2 {
			i := y*p.W + x
			d := (p.Pix[i] - p.Pix[i+1] - p.Pix[i+p.W] + p.Pix[i+p.W+1]) / 2
			v = append(v, float32(math.Abs(float64(d))))
		}
	}
	return MedianPixels(v) / 0.6745
}
