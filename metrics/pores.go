package metrics

import "math"

// Limits for pores. A pore of 0.25 mm, the least that experts count (Flament et
// al. 2015, CCID 8:85), spans 3 px at 12 px/mm, where it is found but looks 1.4
// times too wide, and 5 px at 20 px/mm. Both presume a point spread of 1.2 px,
// that is so much of a millimetre.
const (
	poreCountPxPerMM = 12.0
	poreSizePxPerMM  = 20.0
	porePSFPx        = 1.2
	poreMinSkinMM2   = 25.0
	minPoresMedian   = 5
	minPoresP90      = 10
)

const poreSource = "visible pores: Flament et al. 2015, Clin Cosmet Investig Dermatol 8:85"

// followedPores is what becomes of a measure when sessions are compared.
const followedPores = " Between sessions the ratio is that of the pores found in any of them, looked for in all, " +
	"found there again or not."

var poreCount = Metric{
	Name: "pore_count", Unit: "count", Family: Pores, Direction: LowerIsBetter, NeedsPxPerMM: poreCountPxPerMM, Percent: true,
	Doc: "Pores found in the zone. Grows with the skin that the photo shows: compare the density.", Source: poreSource,
	Measure: func(p *Patch) (float64, error) {
		pores, err := p.pores(poreCountPxPerMM)
		return float64(len(pores)), err
	},
}

var poreDensity = Metric{
	Name: "pore_density_per_cm2", Unit: "per_cm2", Family: Pores, Direction: LowerIsBetter, NeedsPxPerMM: poreCountPxPerMM, Percent: true,
	Doc: "Pores found per square centimetre of the zone's skin." + followedPores, Source: poreSource,
	Measure: func(p *Patch) (float64, error) {
		pores, err := p.poresOnSkin()
		return 100 * float64(len(pores)) / p.skinMM2(), err
	},
}

var poreDiameterMedian = Metric{
	Name: "pore_diameter_um_median", Unit: "um", Family: Pores, Direction: LowerIsBetter, NeedsPxPerMM: poreSizePxPerMM, Percent: true,
	Doc: "Median diameter of the pores found, each as the circle of equal area corrected for blur; of 5 or more.", Source: poreSource,
	Measure: func(p *Patch) (float64, error) { return p.poreDiameter(0.5, minPoresMedian) },
}

var poreDiameterP90 = Metric{
	Name: "pore_diameter_um_p90", Unit: "um", Family: Pores, Direction: LowerIsBetter, NeedsPxPerMM: poreSizePxPerMM, Percent: true,
	Doc: "90th percentile of the diameters of the pores found (type 7); of 10 or more.", Source: poreSource,
	Measure: func(p *Patch) (float64, error) { return p.poreDiameter(0.9, minPoresP90) },
}

var poreAreaFraction = Metric{
	Name: "pore_area_fraction", Unit: "percent", Family: Pores, Direction: LowerIsBetter, NeedsPxPerMM: poreCountPxPerMM,
	Primary: true, Percent: true,
	Doc: "Area of the pores found as a share of the zone's skin." + followedPores + " Below 18 px/mm each session is for itself.", Source: poreSource,
	Measure: func(p *Patch) (float64, error) {
		pores, err := p.poresOnSkin()
		return p.areaShare(pores), err
	},
}

// objects are the finds of one kind, and of one type unless it is empty.
func (p *Patch) objects(k Kind, typ string) []Object {
	var out []Object
	for _, o := range p.Objects {
		if o.Kind == k && (typ == "" || o.Type == typ) {
			out = append(out, o)
		}
	}
	return out
}

// searched refuses a patch in which segmentation has not looked for a family.
func (p *Patch) searched(f Family, done bool) error {
	why, missing := p.Missing[f]
	switch {
	case missing && why != "":
		return undefined("%s", why)
	case missing || !done:
		return undefined("%s were not searched", f)
	}
	return nil
}

// pores are those found, if the optics of the photo can show them: scale is the
// one at which the point spread may have porePSFPx pixels.
func (p *Patch) pores(scale float64) ([]Object, error) {
	if limit := porePSFPx / scale * p.PxPerMM; p.BlurPx > limit {
		return nil, undefined("needs a blur of %.2f px at most, the photo has %.2f", limit, p.BlurPx)
	}
	if err := p.searched(Pores, p.Objects != nil); err != nil {
		return nil, err
	}
	return p.objects(Pore, ""), nil
}

// poresOnSkin also asks for skin to relate them to.
func (p *Patch) poresOnSkin() ([]Object, error) {
	if a := p.skinMM2(); a < poreMinSkinMM2 {
		return nil, undefined("only %.3g mm2 of skin, %.3g are needed", a, poreMinSkinMM2)
	}
	return p.pores(poreCountPxPerMM)
}

func (p *Patch) poreDiameter(quantile float64, least int) (float64, error) {
	pores, err := p.pores(poreSizePxPerMM)
	if err != nil {
		return math.NaN(), err
	}
	if len(pores) < least {
		return math.NaN(), undefined("%d pores found, at least %d are needed", len(pores), least)
	}
	d := make([]float32, len(pores))
	for i, o := range pores {
		if !(o.Diameter >= 0) || math.IsInf(o.Diameter, 0) {
			return math.NaN(), undefined("a pore without a diameter")
		}
		d[i] = float32(o.Diameter / p.PxPerMM * 1000)
	}
	return QuantilePixels(d, quantile), nil
}

// areaShare is the area of objects in per cent of the skin, 100 at most.
func (p *Patch) areaShare(objects []Object) float64 {
	sum := 0.0
	for _, o := range objects {
		sum += o.Area
	}
	return min(100*sum/float64(p.skin().n), 100)
}
