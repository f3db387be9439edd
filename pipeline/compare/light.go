package compare

import (
	"math"
	"sort"
)

// Light is how the light on the face differs from the baseline's.
type Light struct {
	EV          float64 // exposure, in stops of linear light
	GradientPct float64 // change of the slope of brightness over a face width, per cent
	ColourPct   float64 // largest change of a channel's gain against green, per cent
	// What is left after level and slope, robust standard deviation over the face, per
	// cent: of the light, and of red against green.
	ResidualPct       float64
	ColourResidualPct float64
}

// Sample is one place of common skin in both photos, linear light, above 0.
type Sample struct {
	U, V         float64 // place on the face in inter-pupil distances
	Base, Target [3]float64
}

// MeasureLight fits the log ratio of the two photos over the face with a plane:
// its level is exposure, its slope the change of the light's direction. The fit is
// robust (Tukey's weights), so that hair, glare and what changed in the skin have
// little say. NaN where there are fewer than 50 samples.
func MeasureLight(s []Sample) Light {
	if len(s) < 50 {
		n := math.NaN()
		return Light{n, n, n, n, n}
	}
	ratio := func(c int) []float64 {
		r := make([]float64, len(s))
		for i, x := range s {
			r[i] = math.Log(x.Target[c] / x.Base[c])
		}
		return r
	}
	red, green, blue := ratio(0), ratio(1), ratio(2)
	gain := func(c []float64) float64 {
		d := make([]float64, len(c))
		for i := range c {
			d[i] = c[i] - green[i]
		}
		return 100 * math.Expm1(math.Abs(median(d)))
	}
	redness := make([]float64, len(s))
	for i := range s {
		redness[i] = red[i] - green[i]
	}
	_, gu, gv, left := plane(s, green)
	_, _, _, cast := plane(s, redness)
	const width = 2 // of a face, inter-pupil distances
	return Light{
		EV:          median(green) / math.Ln2,
		GradientPct: 100 * math.Expm1(width*math.Hypot(gu, gv)),
		ColourPct:   math.Max(gain(red), gain(blue)),

		ResidualPct:       100 * math.Expm1(left),
		ColourResidualPct: 100 * math.Expm1(cast),
	}
}

func median(v []float64) float64 {
	s := append([]float64(nil), v...)
	sort.Float64s(s)
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// plane fits y = c + a*U + b*V by iterated least squares with Tukey's weights. sd is
// the robust standard deviation of what is left.
func plane(s []Sample, y []float64) (c, a, b, sd float64) {
	c = median(y)
	dev := make([]float64, len(s))
	away := func() float64 {
		for i, x := range s {
			dev[i] = math.Abs(y[i] - c - a*x.U - b*x.V)
		}
		return 1.4826 * median(dev)
	}
	for range 15 {
		scale := math.Max(4.685*away(), 0.01)
		var n [3][4]float64
		for i, x := range s {
			u := dev[i] / scale
			if u >= 1 {
				continue
			}
			w := (1 - u*u) * (1 - u*u)
			j := [4]float64{1, x.U, x.V, y[i]}
			for p := range 3 {
				for q := range 4 {
					n[p][q] += w * j[p] * j[q]
				}
			}
		}
		det := det3(n, 0, 1, 2)
		if math.Abs(det) < 1e-12 {
			break
		}
		c, a, b = det3(n, 3, 1, 2)/det, det3(n, 0, 3, 2)/det, det3(n, 0, 1, 3)/det
	}
	return c, a, b, away()
}

// det3 is the determinant of three columns of n (Cramer's rule).
func det3(n [3][4]float64, i, j, k int) float64 {
	return n[0][i]*(n[1][j]*n[2][k]-n[1][k]*n[2][j]) - n[0][j]*(n[1][i]*n[2][k]-n[1][k]*n[2][i]) + n[0][k]*(n[1][i]*n[2][j]-n[1][j]*n[2][i])
}
