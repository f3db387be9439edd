package metrics

import "math"

// lineMinSkinMM2 is the least skin for a density: a fine line counts from 3 mm.
const lineMinSkinMM2 = 25.0

var lineDensity = Metric{
	Name: "line_density_mm_per_cm2", Unit: "mm_per_cm2", Family: Lines, Direction: LowerIsBetter, Percent: true,
	// The narrowest fine line has sigma 0.15 mm, which is a pixel at this scale.
	NeedsPxPerMM: 1 / 0.15,
	Doc:          "Length of the centre lines of fine lines and wrinkles per square centimetre of the zone's skin.",
	Source:       "ridges of the Hessian: Frangi et al. 1998, MICCAI; for wrinkles Ng et al. 2015, IEEE Access 3:1079",
	Measure: func(p *Patch) (float64, error) {
		if err := p.searched(Lines, p.Lines != nil); err != nil {
			return math.NaN(), err
		}
		area := p.skinMM2()
		if area < lineMinSkinMM2 {
			return math.NaN(), undefined("only %.3g mm2 of skin, %.3g are needed", area, lineMinSkinMM2)
		}
		return p.Lines.LengthPx / p.PxPerMM / (area / 100), nil
	},
}
