package metrics

import "math"

// scarTypes are the suffixes of the scar metrics, all types first.
var scarTypes = [4]string{"", "icepick", "boxcar", "rolling"}

// scarPxPerMM is the scale that types need: an ice pick of 1 mm has 3 px.
const scarPxPerMM = 3.0

// scarContrastPxPerMM is the scale that the contrast of scars needs. Between two
// photos of unchanged skin at 3.4 px/mm it varied by 24 % in the median of 22
// persons; at 14 px/mm by 5 %.
const scarContrastPxPerMM = 6.0

const scarSource = "types by width: Jacob et al. 2001, J Am Acad Dermatol 45:109; photos show shading, not depth"

// scarMetric fills in what the three scar metrics of a type share. Its type is
// empty for all scars, which need no scale of their own: segmentation had one.
func scarMetric(measure, typ string) (m Metric, what string) {
	m = Metric{Name: measure, Family: Scars, Direction: LowerIsBetter, Percent: true, Source: scarSource}
	what = "atrophic scars"
	if typ != "" {
		m.Name += "_" + typ
		m.NeedsPxPerMM = scarPxPerMM
		what = typ + " scars"
	}
	return m, what
}

func scarCount(typ string) Metric {
	m, what := scarMetric("scar_count", typ)
	m.Unit = "count"
	m.Doc = "Number of " + what + " found in the zone."
	m.Measure = func(p *Patch) (float64, error) {
		scars, err := p.scars(typ)
		return float64(len(scars)), err
	}
	return m
}

func scarAreaFraction(typ string) Metric {
	m, what := scarMetric("scar_area_fraction", typ)
	m.Unit = "percent"
	m.Doc = "Area of the " + what + " found as a share of the zone's skin."
	m.Measure = func(p *Patch) (float64, error) {
		if n := p.skin().n; n < minSkinPixels {
			return math.NaN(), undefined("only %d pixels of skin, at least %d are needed", n, minSkinPixels)
		}
		scars, err := p.scars(typ)
		return p.areaShare(scars), err
	}
	return m
}

func scarContrast(typ string) Metric {
	m, what := scarMetric("scar_contrast", typ)
	m.Unit = "ODx1000"
	m.Primary = typ == ""
	m.NeedsPxPerMM = scarContrastPxPerMM
	m.Doc = "Mean over the " + what + " found, weighted by area, of the absolute difference in optical density from " +
		"their surround. Shading contrast under one light, never a depth. Between sessions the baseline's scars are followed, " +
		"found there again or not."
	m.Measure = func(p *Patch) (float64, error) {
		scars, err := p.scars(typ)
		if err != nil {
			return math.NaN(), err
		}
		if len(scars) == 0 {
			return math.NaN(), undefined("no scar found")
		}
		sum, area := 0.0, 0.0
		for _, o := range scars {
			sum += math.Abs(o.Contrast) * o.Area
			area += o.Area
		}
		if !(area > 0) {
			return math.NaN(), undefined("scars without an area")
		}
		return 1000 * sum / area, nil
	}
	return m
}

// scars are those found of a type; of all types if it is empty.
func (p *Patch) scars(typ string) ([]Object, error) {
	if err := p.searched(Scars, p.Objects != nil); err != nil {
		return nil, err
	}
	return p.objects(Scar, typ), nil
}
