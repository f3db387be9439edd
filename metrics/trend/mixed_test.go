package trend_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dermatrend/dermatrend/metrics/trend"
)

// Orthodont (Potthoff & Roy 1964): distance from pituitary to fissure in mm at
// ages 8, 10, 12, 14; 16 boys, then 11 girls.
var orthodont = [][]float64{
	{26, 25, 29, 31}, {21.5, 22.5, 23, 26.5}, {23, 22.5, 24, 27.5}, {25.5, 27.5, 26.5, 27}, {20, 23.5, 22.5, 26},
	{24.5, 25.5, 27, 28.5}, {22, 22, 24.5, 26.5}, {24, 21.5, 24.5, 25.5}, {23, 20.5, 31, 26}, {27.5, 28, 31, 31.5},
	{23, 23, 23.5, 25}, {21.5, 23.5, 24, 28}, {17, 24.5, 26, 29.5}, {22.5, 25.5, 25.5, 26}, {23, 24.5, 26, 30}, {22, 21.5, 23.5, 25},
	{21, 20, 21.5, 23}, {21, 21.5, 24, 25.5}, {20.5, 24, 24.5, 26}, {23.5, 24.5, 25, 26.5}, {21.5, 23, 22.5, 23.5},
	{20, 21, 21, 22.5}, {21.5, 22.5, 23, 25}, {23, 23, 23.5, 24}, {20, 21, 22, 21.5}, {16.5, 19, 19, 19.5}, {24.5, 25, 28, 28},
}

var ages = []float64{8, 10, 12, 14}

func orthodontVisits() []trend.Visit {
	var out []trend.Visit
	for i, row := range orthodont {
		for j, y := range row {
			out = append(out, trend.Visit{Person: 100 - i, T: ages[j], Y: y})
		}
	}
	return out
}

func TestFitMixedOrthodont(t *testing.T) {
	// nlme: lme(distance ~ age, random = ~ age | Subject).
	m := must(trend.FitMixed(orthodontVisits(), trend.RandomSlope, trend.REML))(t)
	near(t, "REML logLik", m.LogLik, -221.3183, 4)
	near(t, "intercept", m.Intercept.Value, 16.76111, 5)
	near(t, "its SE", m.Intercept.SE, .775246, 6)
	near(t, "slope", m.Slope.Value, .6601852, 7)
	near(t, "its SE", m.Slope.SE, .0712533, 7)
	near(t, "residual", m.SDResidual, 1.31004, 5)
	near(t, "SD slope", m.SDSlope, .226428, 6)
	near(t, "corr", m.Corr, -.609, 3)
	// nlme stops at 2.32703; the closed form below gives 2.327036.
	near(t, "SD intercept", m.SDIntercept, 2.3270, 4)
	if m.Boundary || m.N != 108 || m.Persons != 27 || m.Slope.DF != 26 {
		t.Errorf("%+v", m)
	}
	near(t, "t of the slope", m.Slope.T, 9.265, 3)

	// A balanced study has a closed form: sigma^2 pools the residuals about
	// personal lines, and D is the covariance of personal coefficients less
	// sigma^2 (Z'Z)^-1.
	v00, v01, v11, sigma2 := personalLines()
	sxx, n := 20.0, 4.0 // of the ages, about their mean 11
	d00 := v00 - sigma2*(1/n+121/sxx)
	d01 := v01 + sigma2*11/sxx
	d11 := v11 - sigma2/sxx
	near(t, "closed SD intercept", m.SDIntercept, math.Sqrt(d00), 6)
	near(t, "closed SD slope", m.SDSlope, math.Sqrt(d11), 7)
	near(t, "closed corr", m.Corr, d01/math.Sqrt(d00*d11), 6)
	near(t, "closed residual", m.SDResidual, math.Sqrt(sigma2), 7)

	m = must(trend.FitMixed(orthodontVisits(), trend.RandomSlope, trend.ML))(t)
	near(t, "ML logLik", m.LogLik, -219.6058, 4)

	m = must(trend.FitMixed(orthodontVisits(), trend.RandomIntercept, trend.REML))(t)
	near(t, "REML logLik, intercept", m.LogLik, -223.5013, 4)
	near(t, "SE intercept", m.Intercept.SE, .802395, 6)
	near(t, "SE slope", m.Slope.SE, .0616059, 7)
	near(t, "SD intercept", m.SDIntercept, 2.114724, 6)
	near(t, "residual", m.SDResidual, 1.431592, 6)
	if m.Slope.DF != 80 || m.SDSlope != 0 || m.Corr != 0 { // nlme: 80 df
		t.Errorf("%+v", m)
	}
	m = must(trend.FitMixed(orthodontVisits(), trend.RandomIntercept, trend.ML))(t)
	near(t, "ML logLik, intercept", m.LogLik, -221.6948, 4)
}

// personalLines returns the covariance of the children's own least-squares
// intercepts and slopes, and the pooled residual variance.
func personalLines() (v00, v01, v11, sigma2 float64) {
	var a, b []float64
	for _, y := range orthodont {
		slope := (-3*y[0] - y[1] + y[2] + 3*y[3]) / 20 // ages less 11: -3 -1 1 3
		level := (y[0] + y[1] + y[2] + y[3]) / 4
		a, b = append(a, level-11*slope), append(b, slope)
		for j, v := range y {
			e := v - level - slope*(ages[j]-11)
			sigma2 += e * e / (27 * 2)
		}
	}
	ma, mb := 0.0, 0.0
	for i := range a {
		ma, mb = ma+a[i]/27, mb+b[i]/27
	}
	for i := range a {
		v00 += (a[i] - ma) * (a[i] - ma) / 26
		v01 += (a[i] - ma) * (b[i] - mb) / 26
		v11 += (b[i] - mb) * (b[i] - mb) / 26
	}
	return
}

func TestFitMixedClosedFormIntercept(t *testing.T) {
	// Balanced random intercept: sigma^2 = MSE, tau^2 = (MSB-MSE)/k.
	n, k, g := 27.0, 4.0, 0.0
	for _, y := range orthodont {
		for _, v := range y {
			g += v / (n * k)
		}
	}
	ssb, ssw, sxy := 0.0, 0.0, 0.0
	for _, y := range orthodont {
		m := (y[0] + y[1] + y[2] + y[3]) / 4
		ssb += k * (m - g) * (m - g)
		for j, v := range y {
			ssw += (v - m) * (v - m)
			sxy += (ages[j] - 11) * v
		}
	}
	ssw -= sxy * sxy / (n * 20)
	msb, mse := ssb/(n-1), ssw/(n*(k-1)-1)
	m := must(trend.FitMixed(orthodontVisits(), trend.RandomIntercept, trend.REML))(t)
	near(t, "residual", m.SDResidual, math.Sqrt(mse), 8)
	near(t, "SD intercept", m.SDIntercept, math.Sqrt((msb-mse)/k), 7)
	near(t, "SE slope", m.Slope.SE, math.Sqrt(mse/(n*20)), 8)
	near(t, "SE intercept", m.Intercept.SE, math.Sqrt(msb/(n*k)+121*mse/(n*20)), 8)
}

func TestSlopeSummary(t *testing.T) {
	var persons []trend.Person
	for _, y := range orthodont {
		persons = append(persons, trend.Person{T: ages, Y: y})
	}
	persons = append(persons, trend.Person{T: []float64{8}, Y: []float64{20}}, trend.Person{})
	s := must(trend.SlopeSummary(persons))(t)
	near(t, "mean", s.Mean.Value, .6601852, 7)
	near(t, "SE", s.SE, .0712533, 7)
	near(t, "t", s.T, 9.265, 3)
	if s.DF != 26 || s.Skipped != 2 || len(s.Slopes) != 27 {
		t.Errorf("df %d, skipped %d, slopes %d", s.DF, s.Skipped, len(s.Slopes))
	}
	_, err := trend.SlopeSummary(persons[26:])
	is(t, "one slope", err, trend.ErrTooFew)
	_, err = trend.SlopeSummary([]trend.Person{{T: ages, Y: ages}, {T: ages, Y: ages}})
	is(t, "equal slopes", err, trend.ErrConstant)
}

// Other units, another origin and another order of the visits give the same
// model in those units.
func TestFitMixedUnits(t *testing.T) {
	for _, random := range []trend.Random{trend.RandomIntercept, trend.RandomSlope} {
		visits := gappy(rand.New(rand.NewPCG(23, 24)), 20)
		m := must(trend.FitMixed(visits, random, trend.REML))(t)
		moved := make([]trend.Visit, len(visits))
		for i, v := range visits {
			moved[len(visits)-1-i] = trend.Visit{Person: -v.Person, T: 30*v.T + 700, Y: 1e-3 * v.Y, X: []float64{1000 * v.X[0]}}
		}
		n := must(trend.FitMixed(moved, random, trend.REML))(t)
		near(t, "slope", n.Slope.Value*30/1e-3, m.Slope.Value, 7)
		near(t, "slope SE", n.Slope.SE*30/1e-3, m.Slope.SE, 6)
		near(t, "SD slope", n.SDSlope*30/1e-3, m.SDSlope, 5)
		near(t, "residual", n.SDResidual/1e-3, m.SDResidual, 6)
		near(t, "covariate", n.Covariates[0].Value*1000/1e-3, m.Covariates[0].Value, 6)
		// REML of the same data: density by (N-p) log(1e-3), design by log 30 and
		// log 1000.
		shift := -float64(m.N-3)*math.Log(1e-3) - math.Log(30) - math.Log(1000)
		near(t, "logLik", n.LogLik, m.LogLik+shift, 5)
	}
}

// gappy simulates persons with 2 to 6 visits, level SD 2, slope SD 0.3 about 0.5,
// residual 1, and a covariate of effect 0.7 that varies between persons.
func gappy(rng *rand.Rand, persons int) []trend.Visit {
	var out []trend.Visit
	for p := range persons {
		level, slope, x := 2*rng.NormFloat64(), 0.5+0.3*rng.NormFloat64(), rng.NormFloat64()
		for v := range 2 + rng.IntN(5) {
			at := float64(v) + 0.3*rng.Float64()
			out = append(out, trend.Visit{Person: p, T: at, X: []float64{x},
				Y: 10 + level + slope*at + 0.7*x + rng.NormFloat64()})
		}
	}
	return out
}

// With enough persons the truth comes back, gaps or not.
func TestFitMixedRecovers(t *testing.T) {
	m := must(trend.FitMixed(gappy(rand.New(rand.NewPCG(25, 26)), 2000), trend.RandomSlope, trend.REML))(t)
	for _, c := range []struct {
		what             string
		got, want, allow float64
	}{
		{"intercept", m.Intercept.Value, 10, 3 * m.Intercept.SE}, {"slope", m.Slope.Value, .5, 3 * m.Slope.SE},
		{"covariate", m.Covariates[0].Value, .7, 3 * m.Covariates[0].SE},
		{"SD intercept", m.SDIntercept, 2, .12}, {"SD slope", m.SDSlope, .3, .04}, {"corr", m.Corr, 0, .15},
		{"residual", m.SDResidual, 1, .04},
	} {
		if math.Abs(c.got-c.want) > c.allow {
			t.Errorf("%s = %.4f, want %.4f +- %.4f", c.what, c.got, c.want, c.allow)
		}
	}
}

// Persons that differ by nothing: the best spread is zero in about half of such
// studies, and the fixed effects are those of least squares then.
func TestFitMixedBoundary(t *testing.T) {
	rng := rand.New(rand.NewPCG(27, 28))
	boundary := 0
	for range 40 {
		var visits []trend.Visit
		for p := range 10 {
			for v := range 4 {
				visits = append(visits, trend.Visit{Person: p, T: float64(v), Y: float64(v) + rng.NormFloat64()})
			}
		}
		m := must(trend.FitMixed(visits, trend.RandomIntercept, trend.REML))(t)
		if m.Boundary {
			boundary++
			near(t, "SD intercept at the boundary", m.SDIntercept, 0, 3)
		}
		s := must(trend.FitMixed(visits, trend.RandomSlope, trend.REML))(t)
		if s.LogLik < m.LogLik-1e-6 {
			t.Errorf("more parameters fit worse: %v < %v", s.LogLik, m.LogLik)
		}
	}
	if boundary < 10 || boundary > 30 {
		t.Errorf("on the boundary in %d of 40", boundary)
	}
}

// False claims about a slope that is not there, twenty persons with gaps.
func TestFitMixedErrorRate(t *testing.T) {
	rng := rand.New(rand.NewPCG(29, 30))
	const runs = 400
	var mixed, summary, covered int
	for range runs {
		var visits []trend.Visit
		var persons []trend.Person
		for p := range 20 {
			level, slope := 2*rng.NormFloat64(), 0.5*rng.NormFloat64()
			var who trend.Person
			for v := range 5 {
				if v > 1 && rng.Float64() < 0.2 {
					continue
				}
				y := level + slope*float64(v) + rng.NormFloat64()
				visits = append(visits, trend.Visit{Person: p, T: float64(v), Y: y})
				who.T, who.Y = append(who.T, float64(v)), append(who.Y, y)
			}
			persons = append(persons, who)
		}
		m := must(trend.FitMixed(visits, trend.RandomSlope, trend.REML))(t)
		s := must(trend.SlopeSummary(persons))(t)
		mixed += below(m.Slope.P)
		summary += below(s.P)
		covered += in(0, m.Slope.Estimate)
	}
	// Two standard errors of 5 % in 400 runs are 2.2 %.
	for what, n := range map[string]int{"mixed": mixed, "summary": summary} {
		if share := float64(n) / runs; share < .028 || share > .072 {
			t.Errorf("%s: false claims %.3f", what, share)
		}
	}
	if covered != runs-mixed {
		t.Errorf("interval and test disagree: %d covered, %d claims", covered, mixed)
	}
}

func TestFitMixedDegenerate(t *testing.T) {
	visit := func(p int, at, y float64, x ...float64) trend.Visit {
		return trend.Visit{Person: p, T: at, Y: y, X: x}
	}
	two := []trend.Visit{visit(1, 0, 1), visit(1, 1, 3), visit(2, 0, 2), visit(2, 1, 3), visit(3, 0, 5), visit(3, 1, 4)}
	_, err := trend.FitMixed(two, trend.RandomSlope, trend.REML)
	is(t, "slopes and residuals are one with two visits each", err, trend.ErrTooFew)
	if _, err := trend.FitMixed(two, trend.RandomIntercept, trend.REML); err != nil {
		t.Errorf("two visits each suffice for levels: %v", err)
	}
	_, err = trend.FitMixed(nil, trend.RandomSlope, trend.REML)
	is(t, "none", err, trend.ErrTooFew)
	_, err = trend.FitMixed(two[:2], trend.RandomIntercept, trend.REML)
	is(t, "one person", err, trend.ErrTooFew)

	more := orthodontVisits()
	more[7].Y = math.NaN()
	_, err = trend.FitMixed(more, trend.RandomSlope, trend.REML)
	is(t, "NaN", err, trend.ErrNotFinite)
	for i := range more {
		more[i].Y = 1 + 2*more[i].T
	}
	_, err = trend.FitMixed(more, trend.RandomSlope, trend.REML)
	is(t, "one line for all", err, trend.ErrConstant)
	for i := range more {
		p := float64(more[i].Person % 7)
		more[i].Y = p + (1+p*p)*more[i].T
	}
	_, err = trend.FitMixed(more, trend.RandomSlope, trend.REML)
	is(t, "an exact line for each", err, trend.ErrConstant)
	for i := range more {
		more[i].X = []float64{3 - more[i].T}
		more[i].Y = float64(i * i % 17)
	}
	_, err = trend.FitMixed(more, trend.RandomSlope, trend.REML)
	is(t, "a covariate that is time", err, trend.ErrInput)
	more[3].X = nil
	_, err = trend.FitMixed(more, trend.RandomSlope, trend.REML)
	is(t, "number of covariates", err, trend.ErrInput)
	for i := range more {
		more[i].X, more[i].T = nil, 5
	}
	_, err = trend.FitMixed(more, trend.RandomSlope, trend.REML)
	is(t, "one time", err, trend.ErrConstant)
}
