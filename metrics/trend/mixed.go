package trend

import (
	"fmt"
	"math"
)

// Random says which coefficients vary between persons.
type Random int

const (
	// RandomIntercept gives every person an own level and all the same slope.
	// Where slopes do differ its p-value of the slope is far too small: choose
	// RandomSlope unless there are too few visits for it.
	RandomIntercept Random = iota
	// RandomSlope gives every person an own slope too, correlated with the level.
	RandomSlope
)

// Likelihood says what a mixed model maximises.
type Likelihood int

const (
	REML Likelihood = iota // for estimates and their errors
	ML                     // for likelihood ratio tests of fixed effects
)

// Visit is one person's value at one time.
type Visit struct {
	Person int // any number that is the person's own
	T, Y   float64
	X      []float64 // covariates, as many in every visit: ITA, season, arm, arm*T, ...
}

// Coefficient is a fixed effect.
type Coefficient struct {
	Estimate         // with its 95 % t interval
	SE       float64 // from the model
	T        float64
	DF       int
	P        float64 // two-sided
}

// Mixed is a fitted linear mixed model.
type Mixed struct {
	N, Persons int
	Intercept  Coefficient   // at T = 0 and all covariates 0
	Slope      Coefficient   // per unit of T
	Covariates []Coefficient // in the order of Visit.X
	// Spread between persons, of the intercept at T = 0 and of the slope, with
	// their correlation; the last two are 0 without a random slope.
	SDIntercept, SDSlope, Corr float64
	SDResidual                 float64
	LogLik                     float64 // restricted for REML
	// Boundary tells that the best fit has no spread in one direction: a variance
	// of zero or a correlation of +-1. Usual with few persons; the fixed effects
	// stand, the spreads are not to be interpreted.
	Boundary bool
}

// FitMixed fits
//
//	y = (b0+u0) + (b1+u1) t + x'g + e,   (u0,u1) ~ N(0,D),   e ~ N(0,sigma^2)
//
// with u per person (Laird & Ware 1982), by REML or ML, where visits may be
// missing at random and times may differ between persons. The likelihood is
// profiled over fixed effects and sigma and minimised over the Cholesky factor
// of D/sigma^2 (Bates et al. 2015), in which a singular D is an ordinary point.
// It is computed in centred and scaled time, so units and origin do not matter.
//
// Intervals and p-values use t with between-within degrees of freedom (Schluchter
// & Elashoff 1990): with a random slope an effect that varies within persons is
// only as good as the number of persons whose slope is known. In a balanced
// study that is the exact t test of [SlopeSummary]; else it is approximate, and
// below some 20 persons [SlopeSummary] comes first.
//
// Errors: ErrTooFew with too few persons or visits to tell the spreads apart,
// ErrConstant when all times are equal or the fit (even of each person alone)
// leaves no residual, ErrInput for covariates that are redundant or differ in number, ErrNotFinite.
func FitMixed(visits []Visit, random Random, method Likelihood) (Mixed, error) {
	m, err := newMixedModel(visits, random, method)
	if err != nil {
		return Mixed{}, fmt.Errorf("mixed model: %w", err)
	}
	theta := minimiseDeviance(m)
	if maxAbs(theta...) > maxSpread/100 {
		return Mixed{}, fmt.Errorf("mixed model: nothing is left beside the persons' own lines: %w", ErrConstant)
	}
	fit, err := m.result(theta)
	if err != nil {
		return Mixed{}, fmt.Errorf("mixed model: %w", err)
	}
	return fit, nil
}

// result turns the best factor into estimates in the units of the data.
func (m *mixedModel) result(theta []float64) (Mixed, error) {
	p := m.profile(theta)
	if !(p.rss > 0) {
		return Mixed{}, fmt.Errorf("no residual is left: %w", ErrConstant)
	}
	sigma := math.Sqrt(p.rss/m.freedom()) * m.yScale
	out := Mixed{N: m.n, Persons: len(m.persons), SDResidual: sigma}
	out.LogLik = -p.deviance/2 - m.freedom()*math.Log(m.yScale)
	if m.method == REML {
		out.LogLik -= m.logDetR
	}

	// Random effects: D = sigma^2 L L' in centred, scaled time u = (t-c)/s; the
	// level at t = 0 is that at u = -c/s.
	a, b, c := theta[0], 0.0, 0.0
	if m.random == RandomSlope {
		b, c = theta[1], theta[2]
	}
	at := -m.tCentre / m.tScale
	level := [2]float64{a + at*b, at * c} // rows of the factor in the units of t
	slope := [2]float64{b / m.tScale, c / m.tScale}
	out.SDIntercept = sigma * math.Hypot(level[0], level[1])
	out.SDSlope = sigma * math.Hypot(slope[0], slope[1])
	if cov := sigma * sigma * (level[0]*slope[0] + level[1]*slope[1]); out.SDIntercept*out.SDSlope > 0 {
		out.Corr = clamp1(cov / out.SDIntercept / out.SDSlope)
	}
	out.Boundary = math.Abs(a) < onBoundary || m.random == RandomSlope && math.Abs(c) < onBoundary

	// Fixed effects: beta = R^-1 gamma, and the variances with it.
	numbers := []float64{out.LogLik, out.SDIntercept, out.SDSlope, out.SDResidual}
	coefficients := make([]Coefficient, m.p)
	beta, se := m.fixed(p, sigma)
	for j := range coefficients {
		df := m.df[j]
		t := tQuantile(0.975, float64(df))
		k := Coefficient{SE: se[j], DF: df, T: beta[j] / se[j]}
		k.Estimate = Estimate{beta[j], beta[j] - t*se[j], beta[j] + t*se[j]}
		k.P = tTwoSided(k.T, float64(df))
		coefficients[j] = k
		numbers = append(numbers, k.Low, k.High, k.T, k.P)
	}
	out.Intercept, out.Slope, out.Covariates = coefficients[0], coefficients[1], coefficients[2:]
	return settled("result", out, numbers...)
}

// fixed returns the fixed effects and their standard errors in the units of the
// data.
func (m *mixedModel) fixed(p profile, sigma float64) (beta, se []float64) {
	// Rows of R^-1, by back substitution on the unit vectors.
	inverse := make([][]float64, m.p)
	for i := range inverse {
		inverse[i] = make([]float64, m.p)
	}
	for col := range m.p {
		for i := col; i >= 0; i-- {
			v := 0.0
			if i == col {
				v = 1
			}
			for j := i + 1; j <= col; j++ {
				v -= m.r[i][j] * inverse[j][col]
			}
			inverse[i][col] = v / m.r[i][i]
		}
	}
	beta, se = make([]float64, m.p), make([]float64, m.p)
	for i, row := range inverse {
		for j, v := range row {
			beta[i] += v * (m.ols[j] + m.yScale*p.gamma[j])
		}
		// Var = row S^-1 row' sigma^2, S = C C': the squared length of C^-1 row'.
		for _, v := range p.chol.forward(row) {
			se[i] += v * v
		}
		se[i] = sigma * math.Sqrt(se[i])
	}
	return beta, se
}
