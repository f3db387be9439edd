package metrics

import "math"

// cache holds the derived planes of a patch, each made on first use.
type cache struct {
	skin       once[skin]
	odR, odG   once[[]float32]
	lab        once[labSamples]
	spot, wide once[*surround]
	flat       once[[]float32]
	interior   once[[]uint8]
	red, brown once[[]float32]
	rough      once[[3]bandResult]
	glcm       once[glcmResult]
}

// once keeps the first result of a computation.
type once[T any] struct {
	done  bool
	value T
}

func (o *once[T]) get(make func() T) T {
	if !o.done {
		o.value, o.done = make(), true
	}
	return o.value
}

// Derive takes over what was derived from another patch with the same pixels and
// skin, which differs in its BlurPx and in what was found on it only, as far as BlurPx
// has no part in it.
func (p *Patch) Derive(from *Patch) {
	p.cache = from.cache
	p.cache.rough, p.cache.glcm = once[[3]bandResult]{}, once[glcmResult]{}
}

// skin is where the patch can be measured.
type skin struct {
	on []uint8 // 1 where the mask is set and all channels are positive and finite
	n  int
}

// skin drops pixels without an optical density from the mask.
func (p *Patch) skin() skin {
	return p.cache.skin.get(func() skin {
		s := skin{on: make([]uint8, len(p.Skin.Pix))}
		r, g, b := p.R.Pix, p.G.Pix, p.B.Pix
		for i, m := range p.Skin.Pix {
			if m != 0 && positive(r[i]) && positive(g[i]) && positive(b[i]) {
				s.on[i] = 1
				s.n++
			}
		}
		return s
	})
}

// positive also refuses NaN and +Inf, and what is so small that it is no light.
func positive(v float32) bool { return v > 1e-9 && v < 1e9 }

// odRed is the optical density of red on skin, 0 elsewhere.
func (p *Patch) odRed() []float32 {
	return p.cache.odR.get(func() []float32 { return opticalDensity(p.R.Pix, p.skin().on) })
}

// odGreen is the optical density of green on skin, 0 elsewhere.
func (p *Patch) odGreen() []float32 {
	return p.cache.odG.get(func() []float32 { return opticalDensity(p.G.Pix, p.skin().on) })
}

func opticalDensity(pix []float32, on []uint8) []float32 {
	od := make([]float32, len(pix))
	for i, v := range pix {
		if on[i] != 0 {
			od[i] = -log10(v)
		}
	}
	return od
}

// log10 is the decadic logarithm of a positive, normal number, to the precision
// of float32 in half the time of math.Log10: ln(m) = 2 atanh((m-1)/(m+1)) for the
// mantissa m, brought to [2/3, 4/3), and its series.
func log10(v float32) float32 {
	const exponent = 23
	bits := math.Float32bits(v)
	e := (bits - 0x3f2aaaab) >> exponent << exponent // of 2/3
	m := float64(math.Float32frombits(bits - e))
	s := (m - 1) / (m + 1)
	s2 := s * s
	ln := 2 * s * (1 + s2*(1.0/3+s2*(1.0/5+s2*(1.0/7+s2*(1.0/9)))))
	return float32((float64(int32(e)>>exponent)*math.Ln2 + ln) * math.Log10E)
}

// flatSigmaMM is the Gaussian that stands for shading and for the local
// surround: half of its weight lies within a circle of 7.1 mm diameter.
const flatSigmaMM = 3.0

// wide smooths with the Gaussian of the surround. The patch has a scale.
func (p *Patch) wide() *surround {
	return p.cache.wide.get(func() *surround {
		return newSurround(p.skin().on, p.R.W, p.R.H, flatSigmaMM*p.PxPerMM)
	})
}

// flatGreen is the optical density of green on skin less its local mean, so that
// lighting gradients and skin colour are gone; 0 off skin. The patch has a scale.
func (p *Patch) flatGreen() []float32 {
	return p.cache.flat.get(func() []float32 {
		od := p.odGreen()
		flat := p.wide().mean(od)
		for i, mean := range flat {
			flat[i] = od[i] - mean
		}
		return flat
	})
}

// minSupport is the share of a Gaussian neighbourhood that must be skin for its
// centre to count as interior. It is reached 1.28 sigma inside a straight border.
const minSupport = 0.9

// borderMM is how far the border of the mask is kept out of texture: masks are
// not better than that, and a single hair in them outweighs all pores.
const borderMM = 1.0

// interior marks the skin at least 1 mm inside the border. It asks for support
// and not for distance, so that a glint inside the zone does not cost a disc.
func (p *Patch) interior() []uint8 {
	return p.cache.interior.get(func() []uint8 {
		const sigma = borderMM / 1.2816 // Phi(1.2816) = minSupport
		return newSurround(p.skin().on, p.R.W, p.R.H, sigma*p.PxPerMM).inside(minSupport)
	})
}

// maxSamples bounds the pixels that enter a median: of more skin pixels every
// k-th in reading order is taken. The median of 65,536 pixels has a standard
// error of 0.5 % of their spread.
const maxSamples = 1 << 16

// minSkinPixels is the least skin for which a median or a share is given.
const minSkinPixels = 100

// samples gives the indices of the skin pixels that enter medians.
func (p *Patch) samples() ([]int, error) {
	s := p.skin()
	if s.n < minSkinPixels {
		return nil, undefined("only %d pixels of skin, at least %d are needed", s.n, minSkinPixels)
	}
	step := (s.n + maxSamples - 1) / maxSamples
	at := make([]int, 0, s.n/step+1)
	k := 0
	for i, m := range s.on {
		if m == 0 {
			continue
		}
		if k%step == 0 {
			at = append(at, i)
		}
		k++
	}
	return at, nil
}

// medianOf is the median over skin of a value computed per pixel.
func (p *Patch) medianOf(value func(i int) float32) (float64, error) {
	at, err := p.samples()
	if err != nil {
		return math.NaN(), err
	}
	x := make([]float32, len(at))
	for k, i := range at {
		x[k] = value(i)
	}
	return MedianPixels(x), nil
}

// skinMM2 is the measured skin area in mm^2; the patch has a scale.
func (p *Patch) skinMM2() float64 { return float64(p.skin().n) / (p.PxPerMM * p.PxPerMM) }
