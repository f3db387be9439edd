package validate

import (
	"math"

	"github.com/dermatrend/dermatrend/metrics/trend"
)

// group holds repeated values of one zone in the same skin.
type group struct {
	of     string // the photos that they were measured in: the zones of a photo share its light and focus
	values []float64
}

// manyChanges is the number of changes from which their 95th percentile is known
// well enough to stand beside that of a normal distribution.
const manyChanges = 40

// detectable is a smallest detectable change and what it rests on.
type detectable struct {
	sdc   float64
	n, df int // values; independent differences
}

// smallest is the smallest detectable change (95 %) that groups of repeated values
// make: t sqrt 2 SEM, and no less than the 95th percentile of the absolute changes
// where there are many, since errors may have heavier tails than a normal
// distribution. Degrees of freedom are those of the photos, of whatever number of
// zones. ok is false where no group has two values or none differ.
func smallest(groups []group) (d detectable, ok bool) {
	df := map[string]int{}
	var values [][]float64
	var changes []float64
	for _, g := range groups {
		if len(g.values) < 2 {
			continue
		}
		values, d.n = append(values, g.values), d.n+len(g.values)
		df[g.of] = max(df[g.of], len(g.values)-1)
		for i, a := range g.values {
			for _, b := range g.values[:i] {
				changes = append(changes, math.Abs(a-b))
			}
		}
	}
	for _, k := range df {
		d.df += k
	}
	sem, err := trend.SEMFromReplicates(values)
	if err != nil {
		return detectable{}, false
	}
	normal, err1 := trend.SDC(sem.Value, 1)
	t, err2 := trend.TFactor(d.df)
	if err1 != nil || err2 != nil {
		return detectable{}, false
	}
	if d.sdc = t * normal; len(changes) >= manyChanges {
		d.sdc = math.Max(d.sdc, quantile(changes, 0.95))
	}
	return d, true
}
