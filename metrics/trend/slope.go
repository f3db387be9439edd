package trend

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Slope is a least-squares slope tested against a known measurement error.
type Slope struct {
	N         int
	Slope     float64 // units of y per unit of t
	Intercept float64 // at t = 0
	Sxx       float64 // sum of squared deviations of t from its mean
	SE        float64 // SEM/sqrt(Sxx)
	Z         float64 // Slope/SE
	P         float64 // two-sided, normal
	// Detectable is the total change over the span of t that this design would
	// call at 95 %: 1.96*SE*span.
	Detectable float64
	// ResidualSD is the spread about the line with ResidualDF = n-2 degrees of
	// freedom; 0 where n is 2. Where it is clearly above the SEM, the SEM lacks
	// day-to-day biology or lighting, and the larger one must be used.
	ResidualSD float64
	ResidualDF int
	// ExcessP is the chance of a residual SD this large if the SEM were right
	// (chi-squared, one-sided); 1 where n is 2.
	ExcessP float64
}

// KnownSEMSlope fits y over t by least squares and tests the slope with an error
// known from elsewhere, so that three sessions suffice. Least squares is not
// proof against outliers: show [TheilSen] beside it. Errors: ErrTooFew below 2
// values, ErrConstant when all times are equal, ErrInput for SEM <= 0,
// ErrNotFinite.
func KnownSEMSlope(t, y []float64, sem float64) (Slope, error) {
	if err := check(2, t, y); err != nil {
		return Slope{}, fmt.Errorf("slope: %w", err)
	}
	if err := positive("SEM", sem); err != nil {
		return Slope{}, fmt.Errorf("slope: %w", err)
	}
	b, a, sxx, rss, err := leastSquares(t, y)
	if err != nil {
		return Slope{}, fmt.Errorf("slope: %w", err)
	}
	s := Slope{N: len(t), Slope: b, Intercept: a, Sxx: sxx, SE: sem / math.Sqrt(sxx), ResidualDF: len(t) - 2, ExcessP: 1}
	s.Z = s.Slope / s.SE
	s.P = twoSided(s.Z)
	first, last := t[0], t[0]
	for _, v := range t {
		first, last = math.Min(first, v), math.Max(last, v)
	}
	s.Detectable = z95 * s.SE * (last - first)
	if s.ResidualDF > 0 {
		s.ResidualSD = math.Sqrt(rss / float64(s.ResidualDF))
		ratio := s.ResidualSD / sem
		if ratio > 1e6 { // beyond what the distribution function takes
			s.ExcessP = 0
		} else {
			s.ExcessP = distuv.ChiSquared{K: float64(s.ResidualDF)}.Survival(ratio * ratio * float64(s.ResidualDF))
		}
	}
	return settled("slope", s, s.Slope, s.Intercept, s.SE, s.Z, s.P, s.Detectable, s.ResidualSD, s.ExcessP)
}

// leastSquares is the ordinary line through y over t with its sums of squares.
func leastSquares(t, y []float64) (slope, intercept, sxx, rss float64, err error) {
	mt, my := mean(t), mean(y)
	sxy := 0.0
	for i := range t {
		sxx += (t[i] - mt) * (t[i] - mt)
		sxy += (t[i] - mt) * (y[i] - my)
	}
	if negligible(sxx, len(t), maxAbs(t...)) {
		return 0, 0, 0, 0, fmt.Errorf("all times are equal: %w", ErrConstant)
	}
	slope = sxy / sxx
	intercept = my - slope*mt
	for i := range t {
		e := y[i] - my - slope*(t[i]-mt)
		rss += e * e
	}
	return slope, intercept, sxx, rss, finite(slope, intercept, sxx, rss)
}
