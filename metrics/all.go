package metrics

import (
	"fmt"
	"math"
)

// All lists every metric in report order. A new metric is one file, its test,
// one line here and one row in testdata/baseline.csv.
//
// Every Measure of the list, given any patch, returns a finite number, or NaN
// with an error that wraps [ErrUndefined]; it never panics.
func All() []Metric {
	list := []Metric{
		erythemaIndex, erythemaIndexAbsolute, aStar, redAreaFraction,
		melaninIndex, itaDeg, brownAreaFraction,
		roughnessFine, roughnessMid, roughnessCoarse,
		glcmContrast, glcmHomogeneity, glcmEntropy, glcmCorrelation,
		poreCount, poreDensity, poreDiameterMedian, poreDiameterP90, poreAreaFraction,
	}
	for _, kind := range scarTypes {
		list = append(list, scarCount(kind), scarAreaFraction(kind), scarContrast(kind))
	}
	list = append(list, lineDensity)
	for i := range list {
		list[i].Measure = guarded(list[i])
	}
	return list
}

// guarded adds what all measures share: a patch whose planes fit together, the
// scale that the metric asks for, and no number that is not finite.
func guarded(m Metric) func(*Patch) (float64, error) {
	return func(p *Patch) (float64, error) {
		if err := p.check(m.NeedsPxPerMM); err != nil {
			return math.NaN(), err
		}
		v, err := m.Measure(p)
		if err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
			err = undefined("the result is not a finite number")
		}
		if err != nil {
			return math.NaN(), err
		}
		return v, nil
	}
}

// undefined is an error that wraps ErrUndefined and starts with the reason.
func undefined(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrUndefined)
}

// check refuses a patch whose planes do not fit together, and one whose scale is
// unknown or below need (0: no scale needed).
func (p *Patch) check(need float64) error {
	if p == nil || p.R.W <= 0 || p.R.H <= 0 {
		return undefined("no pixels")
	}
	w, h := p.R.W, p.R.H
	for _, q := range []Plane{p.R, p.G, p.B} {
		if q.W != w || q.H != h || len(q.Pix) != w*h {
			return undefined("colour planes differ in size")
		}
	}
	if p.Skin.W != w || p.Skin.H != h || len(p.Skin.Pix) != w*h {
		return undefined("skin mask differs in size from the colour planes")
	}
	for _, m := range p.Rejected {
		if m.W != w || m.H != h || len(m.Pix) != w*h {
			return undefined("mask of what was rejected differs in size from the colour planes")
		}
	}
	for _, v := range []float64{p.BlurPx, p.NoiseOD, p.NoiseBlurPx} {
		if !(v >= 0) || math.IsInf(v, 0) {
			return undefined("blur or noise of the photo is not a number")
		}
	}
	if p.NoiseBlurPx > float64(max(w, h)) {
		return undefined("blurred by more than its size")
	}
	if need > 0 {
		return p.needScale(need)
	}
	return nil
}

// needScale refuses an unknown scale and one below need.
func (p *Patch) needScale(need float64) error {
	switch {
	case !p.scaled():
		return undefined("no scale")
	case p.PxPerMM < need:
		// Rounded so that what is printed as present is below what is needed.
		return undefined("needs %.4g px/mm, the photo has %.4g",
			math.Ceil(need*10-1e-9)/10, math.Floor(p.PxPerMM*10)/10)
	}
	return nil
}

// scaled tells whether the patch has a scale that can be one: a pixel of 0.1 um
// is below what light resolves.
func (p *Patch) scaled() bool { return p.PxPerMM > 0 && p.PxPerMM <= 1e4 }

// Support is the number that a value of the family rests on: objects for pores
// and scars, skin pixels for the others.
func (p *Patch) Support(f Family) int {
	switch f {
	case Pores:
		return len(p.objects(Pore, ""))
	case Scars:
		return len(p.objects(Scar, ""))
	}
	if p.check(0) != nil {
		return 0
	}
	return p.skin().n
}
