package metrics

import "math"

var melaninIndex = Metric{
	Name: "melanin_index", Unit: "log10x100", Family: Pigment, Direction: NoDirection,
	Doc: "Median of 100*log10(1/R) over the skin of the zone in linear light. Moves with exposure; tanning and " +
		"treatment cannot be told apart, so its change is never called better or worse.",
	Source:  "Yamamoto et al. 2008, Skin Res Technol 14:26",
	Measure: (*Patch).melanin,
}

var itaDeg = Metric{
	Name: "ita_deg", Unit: "deg", Family: Pigment, Direction: NoDirection,
	Doc: "Median individual typology angle atan2(L*-50, b*) over the skin of the zone (D65): above 55 very light, " +
		"below -30 dark.",
	Source: "Chardon et al. 1991, Int J Cosmet Sci 13:191; Del Bino & Bernerd 2013, Br J Dermatol 169:33",
	Measure: func(p *Patch) (float64, error) {
		s, err := p.labMedians()
		return s.ita, err
	},
}

var brownAreaFraction = Metric{
	Name: "brown_area_fraction", Unit: "percent", Family: Pigment, Direction: LowerIsBetter, NeedsPxPerMM: 2,
	Doc: "Share of the zone's skin whose optical density of red, smoothed by 0.3 mm, exceeds the mean of its " +
		"surround (Gaussian of sigma 3 mm) by more than the level frozen at baseline, and that of blue by twice as much, " +
		"which tells pigment from shadow and hair.",
	Source: "melanin absorbs as the wavelength to the power -3.33: Jacques 2013, Phys Med Biol 58:R37; level: see Freeze",
	Measure: func(p *Patch) (float64, error) {
		if p.Frozen == nil || math.IsNaN(p.Frozen.BrownLevel) {
			return math.NaN(), undefined("no level of brown was frozen at baseline")
		}
		return p.shareAbove(p.brownness(), p.Frozen.BrownLevel, p.Rejected[BrownMark])
	},
}

// melanin is the median of 100*log10(1/R).
func (p *Patch) melanin() (float64, error) {
	r := p.odRed()
	return p.medianOf(func(i int) float32 { return 100 * r[i] })
}

// brownness is the smoothed optical density above its surround in red, as far as
// blue exceeds it by as much again: the lesser of the excess of red and of blue
// less red. Melanin absorbs about 2.5 times as much blue as red, shadow and hair
// the same of all, blood hardly any red; so neither counts as brown.
func (p *Patch) brownness() []float32 {
	return p.cache.brown.get(func() []float32 {
		red := p.excess(p.odRed())
		blue := p.excess(opticalDensity(p.B.Pix, p.skin().on))
		for i, r := range red {
			red[i] = min(r, blue[i]-r)
		}
		return red
	})
}

// excess is the smoothed optical density on skin above that of its surround.
func (p *Patch) excess(od []float32) []float32 {
	out := p.spot().mean(od)
	for i, mean := range p.wide().mean(od) {
		out[i] -= mean
	}
	return out
}
