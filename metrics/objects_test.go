package metrics

import (
	"math"
	"testing"
)

// TestPores: counts, areas and diameters of a list worked by hand: 24 pores of
// 200, 210 ... 430 um on 400 x 300 px at 20 px/mm, less 30 holes in the mask.
func TestPores(t *testing.T) {
	p := skinPatch(400, 300, 20)
	skin := float64(p.skin().n) / 400 // mm^2
	area := 0.0
	for i := range 24 {
		d := 0.2 + 0.01*float64(i)
		area += math.Pi / 4 * d * d
	}
	near(t, "count", measure(t, "pore_count", p), 24, 0)
	near(t, "density", measure(t, "pore_density_per_cm2", p), 24/(skin/100), 1e-9)
	near(t, "area", measure(t, "pore_area_fraction", p), 100*area/skin, 1e-9)
	near(t, "median", measure(t, "pore_diameter_um_median", p), 315, 1e-3)
	near(t, "p90", measure(t, "pore_diameter_um_p90", p), 407, 1e-3) // 23*0.9 = 20.7 from the smallest
	if n := p.Support(Pores); n != 24 {
		t.Errorf("support: %d, want 24", n)
	}
}

// TestScaleOfPores: the same picture at half the pixels per millimetre is of
// four times the skin: a quarter of the density, twice the diameter, the same
// share of area.
func TestScaleOfPores(t *testing.T) {
	p := skinPatch(240, 240, 40)
	q := fresh(p)
	q.PxPerMM = 20
	near(t, "density", measure(t, "pore_density_per_cm2", q), measure(t, "pore_density_per_cm2", p)/4, 1e-9)
	near(t, "diameter", measure(t, "pore_diameter_um_median", q), 2*measure(t, "pore_diameter_um_median", p), 1e-3)
	near(t, "share", measure(t, "pore_area_fraction", q), measure(t, "pore_area_fraction", p), 1e-12)
	near(t, "line density", measure(t, "line_density_mm_per_cm2", q), measure(t, "line_density_mm_per_cm2", p)/2, 1e-9)
}

func TestUndefinedPores(t *testing.T) {
	p := skinPatch(150, 150, 14.6)
	measure(t, "pore_count", p)
	wantUndefined(t, "pore_diameter_um_median", p, "needs 20 px/mm, the photo has 14.6")
	wantUndefined(t, "pore_density_per_cm2", skinPatch(100, 100, 3.4), "needs 12 px/mm, the photo has 3.4")

	soft := skinPatch(150, 150, 24)
	soft.BlurPx = 2
	measure(t, "pore_count", soft)
	wantUndefined(t, "pore_diameter_um_p90", soft, "needs a blur of 1.44 px at most, the photo has 2.00")
	soft.BlurPx = 2.5
	wantUndefined(t, "pore_area_fraction", soft, "needs a blur of 2.40 px")

	none := skinPatch(150, 150, 20)
	none.Objects = []Object{}
	near(t, "no pore", measure(t, "pore_count", none), 0, 0)
	near(t, "no pore", measure(t, "pore_density_per_cm2", none), 0, 0)
	wantUndefined(t, "pore_diameter_um_median", none, "0 pores found")
	none.Objects = nil
	wantUndefined(t, "pore_count", none, "pores were not searched")
	none.Missing = map[Family]string{Pores: "swelling hides pores"}
	wantUndefined(t, "pore_area_fraction", none, "swelling hides pores")
	wantUndefined(t, "pore_density_per_cm2", skinPatch(90, 90, 20), "20.")
}

// TestScars: worked by hand from areas 1, 2, 3, 4 mm^2 and contrasts 20, 40, 60,
// 80: all (1*20+2*40+3*60+4*80)/10 = 60, boxcar (2*40+3*60)/5 = 52.
func TestScars(t *testing.T) {
	p := skinPatch(300, 300, 10)
	p.Objects[len(p.Objects)-1].Contrast *= -1 // a bright scar is as visible as a dark one
	near(t, "all", measure(t, "scar_contrast", p), 60, 1e-9)
	near(t, "boxcar", measure(t, "scar_contrast_boxcar", p), 52, 1e-9)
	near(t, "count", measure(t, "scar_count", p), 4, 0)
	near(t, "boxcar count", measure(t, "scar_count_boxcar", p), 2, 0)
	near(t, "area", measure(t, "scar_area_fraction", p), 100*10*100/float64(p.skin().n), 1e-9)
	types := 0.0
	for _, typ := range []string{"icepick", "boxcar", "rolling"} {
		types += measure(t, "scar_area_fraction_"+typ, p)
	}
	near(t, "types together", types, measure(t, "scar_area_fraction", p), 1e-9)
	unscaled := &Patch{R: p.R, G: p.G, B: p.B, Skin: p.Skin, Objects: p.Objects}
	near(t, "count without a scale", measure(t, "scar_count", unscaled), 4, 0)
	wantUndefined(t, "scar_contrast", unscaled, "no scale")

	clear := fresh(p)
	clear.Objects = []Object{}
	near(t, "skin without scars", measure(t, "scar_count", clear), 0, 0)
	near(t, "skin without scars", measure(t, "scar_area_fraction_rolling", clear), 0, 0)
	wantUndefined(t, "scar_contrast", clear, "no scar found")
	clear.Missing = map[Family]string{Scars: "light from another side"}
	wantUndefined(t, "scar_count", clear, "light from another side")
	wantUndefined(t, "scar_count_rolling", skinPatch(100, 100, 2), "needs 3 px/mm")
}

func TestLines(t *testing.T) {
	p := skinPatch(300, 300, 15) // 400 mm^2 less the holes, 30 mm of lines
	near(t, "density", measure(t, "line_density_mm_per_cm2", p), 30/(float64(p.skin().n)/225/100), 1e-9)
	p.Lines = nil
	wantUndefined(t, "line_density_mm_per_cm2", p, "lines were not searched")
}
