package metrics

import "math"

var erythemaIndex = Metric{
	Name: "erythema_index", Unit: "log10x100", Family: Redness, Direction: LowerIsBetter, Primary: true,
	Doc: "Mean of 100*log10(R/G) over the skin of the zone, without the lowest and highest 1 %, less that of the reference " +
		"skin of the same photo, in linear light. Exposure and white balance cancel exactly.",
	Source: "Yamamoto et al. 2008, Skin Res Technol 14:26 (index); difference to adjacent skin after Takiwaki 1998, J Med Invest 44:121",
	Measure: func(p *Patch) (float64, error) {
		if err := p.needReference(); err != nil {
			return math.NaN(), err
		}
		ei, err := p.erythema()
		return ei - p.Ref.ErythemaIndex, err
	},
}

var erythemaIndexAbsolute = Metric{
	Name: "erythema_index_absolute", Unit: "log10x100", Family: Redness, Direction: LowerIsBetter,
	Doc: "Mean of 100*log10(R/G) over the skin of the zone, without the lowest and highest 1 %, in linear light. Free of " +
		"exposure, but a gain of 2 % in one channel moves it by 0.9: compare only under one colour calibration.",
	Source:  "Yamamoto et al. 2008, Skin Res Technol 14:26",
	Measure: (*Patch).erythema,
}

var aStar = Metric{
	Name: "a_star", Unit: "CIELAB", Family: Redness, Direction: LowerIsBetter,
	Doc: "Median CIELAB a* (D65) over the skin of the zone, sRGB primaries. Depends on exposure, white balance " +
		"and melanin.",
	Source: "CIE 015:2018; in rosacea Logger et al. 2020, Skin Res Technol 26:804",
	Measure: func(p *Patch) (float64, error) {
		s, err := p.labMedians()
		return s.a, err
	},
}

var redAreaFraction = Metric{
	Name: "red_area_fraction", Unit: "percent", Family: Redness, Direction: LowerIsBetter,
	Doc: "Share of the zone's skin whose erythema index, smoothed by 0.3 mm, exceeds that of the reference skin by " +
		"more than the level frozen at baseline.",
	Source: "level: mean of the reference + 2 robust SD at baseline, then fixed for the series; see Freeze",
	Measure: func(p *Patch) (float64, error) {
		if err := p.needReference(); err != nil {
			return math.NaN(), err
		}
		if p.Frozen == nil || math.IsNaN(p.Frozen.RedLevel) {
			return math.NaN(), undefined("no level of redness was frozen at baseline")
		}
		return p.shareAbove(p.redness(), p.Ref.ErythemaIndex+p.Frozen.RedLevel, p.Rejected[RedSpot])
	},
}

// needReference refuses a patch without reference skin.
func (p *Patch) needReference() error {
	if p.Ref.Source == "" {
		return undefined("no reference skin in the photo")
	}
	return nil
}

// erythema is the trimmed mean of 100*log10(R/G). Optical density is proportional to
// the amount of blood, so its mean over the zone is the mean amount, whether that is
// spread evenly or in patches and spots, of which a median hardly knows.
func (p *Patch) erythema() (float64, error) {
	at, err := p.samples()
	if err != nil {
		return math.NaN(), err
	}
	r, g := p.odRed(), p.odGreen()
	x := make([]float32, len(at))
	for k, i := range at {
		x[k] = 100 * (g[i] - r[i])
	}
	return trimmedMean(x, erythemaTrim), nil
}

// erythemaTrim is the share of the pixels left out at either end of the erythema
// index: what is left of hairs, glints and the rim of a mask.
const erythemaTrim = 0.01

// spotSigmaMM smooths colour before it is compared with a level, so that pixel
// noise and the halved chroma of JPEG do not count as spots. Without a scale it is
// spotSigmaPx.
const (
	spotSigmaMM = 0.3
	spotSigmaPx = 1.5
)

func (p *Patch) spot() *surround {
	return p.cache.spot.get(func() *surround {
		sigma := spotSigmaPx
		if p.scaled() {
			sigma = spotSigmaMM * p.PxPerMM
		}
		return newSurround(p.skin().on, p.R.W, p.R.H, sigma)
	})
}

// redness is the smoothed erythema index on skin.
func (p *Patch) redness() []float32 {
	return p.cache.red.get(func() []float32 {
		r, g := p.odRed(), p.odGreen()
		ei := make([]float32, len(r))
		for i := range ei {
			ei[i] = 100 * (g[i] - r[i])
		}
		return p.spot().mean(ei)
	})
}

// shareAbove is the share of skin, in per cent, where x exceeds the level and was not
// rejected.
func (p *Patch) shareAbove(x []float32, level float64, rejected Mask) (float64, error) {
	s := p.skin()
	if s.n < minSkinPixels {
		return math.NaN(), undefined("only %d pixels of skin, at least %d are needed", s.n, minSkinPixels)
	}
	above := 0
	for i, m := range s.on {
		if m != 0 && float64(x[i]) > level && !rejected.has(i) {
			above++
		}
	}
	return 100 * float64(above) / float64(s.n), nil
}

// labSamples are the medians of what is derived from CIELAB.
type labSamples struct {
	a, ita float64
	err    error
}

// labMedians gives the median a* and ITA of the skin. Medians are taken of the
// pixels' own values, which a few glints or hairs cannot move.
func (p *Patch) labMedians() (labSamples, error) {
	s := p.cache.lab.get(func() labSamples {
		at, err := p.samples()
		if err != nil {
			return labSamples{math.NaN(), math.NaN(), err}
		}
		as, itas := make([]float32, len(at)), make([]float32, len(at))
		for k, i := range at {
			l, a, b := LinearToLab(float64(p.R.Pix[i]), float64(p.G.Pix[i]), float64(p.B.Pix[i]))
			as[k], itas[k] = float32(a), float32(ITA(l, b))
		}
		return labSamples{MedianPixels(as), MedianPixels(itas), nil}
	})
	return s, s.err
}
