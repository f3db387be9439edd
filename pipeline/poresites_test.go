package pipeline

import (
	"math"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/segment"
)

// TestPoresAreSharedOutBetweenPhotos: the second photo finds half of the pores of the
// first, because the others lie just below the threshold there; the third is refused.
func TestPoresAreSharedOutBetweenPhotos(t *testing.T) {
	density, area := &metrics.Metric{Name: "pore_density_per_cm2"}, &metrics.Metric{Name: "pore_area_fraction"}
	diameter := &metrics.Metric{Name: "pore_diameter_um_median"}
	r := &seriesRun{cfg: DefaultConfig(), shots: []*shot{{pxPerMM: 1000}}} // so fine that a point is none
	var photos []pored
	add := func(status result.Status, skin float64, sightings []segment.Sighting, values ...float64) {
		p := pored{sightings: sightings, skinMM2: skin, first: len(r.values)}
		for k, m := range []*metrics.Metric{density, area, diameter} {
			r.values = append(r.values, value{metric: m, basis: result.BasisSeries, v: values[k], status: status})
		}
		p.after = len(r.values)
		photos = append(photos, p)
	}
	var first, second []segment.Sighting
	for i := range 40 {
		s := segment.Sighting{X: float64(i), Score: 2, AreaMM2: 0.08, Found: true}
		first = append(first, s)
		s.AreaMM2 = 0.06
		if i%2 == 0 {
			s.Score, s.Found = 0.98, false
		}
		second = append(second, s)
	}
	add(result.OK, 100, first, 40, 3.2, 300)
	add(result.Caution, 100, second, 20, 1.2, 290)
	add(result.Refused, 100, nil, 7, 0.5, 280)
	m := &zoneMeasurer{r: r}
	m.followPores(photos)
	at := func(photo, metric int) float64 { return r.values[3*photo+metric].v }
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"density of the first", at(0, 0), 30},
		{"density of the second", at(1, 0), 30},
		{"mean of the areas", (at(0, 1) + at(1, 1)) / 2, 2.2},
		{"ratio of the areas", at(1, 1) / at(0, 1), 0.75},
		{"diameter of the first, which is not followed", at(0, 2), 300},
		{"density of the refused photo", at(2, 0), 7},
		{"area of the refused photo", at(2, 1), 0.5},
	} {
		if math.Abs(c.got-c.want) > 1e-4*c.want {
			t.Errorf("%s: %g, want %g", c.what, c.got, c.want)
		}
	}
	// Where pores are too small to have a size, areas stay what each photo shows.
	r.shots[0].pxPerMM = 14
	r.values[0].v, r.values[1].v, r.values[3].v, r.values[4].v = 40, 3.2, 20, 1.2
	if m.followPores(photos); math.Abs(at(1, 0)-30) > 1e-3 || at(0, 1) != 3.2 || at(1, 1) != 1.2 {
		t.Errorf("at 14 px/mm: density %g, areas %g and %g, want 30, 3.2 and 1.2", at(1, 0), at(0, 1), at(1, 1))
	}
	r.cfg.Without, r.values[0].v = []string{"follow_pores"}, 40
	if m.followPores(photos); at(0, 0) != 40 {
		t.Errorf("density %g without following, want that of the photo alone", at(0, 0))
	}
}
