package trend

import (
	"fmt"
	"math"
)

// MeanTest is a one-sample t test.
type MeanTest struct {
	N    int
	Mean Estimate // with its 95 % t interval
	SD   float64
	SE   float64
	T    float64
	DF   int
	P    float64 // two-sided
}

// TTest tests whether the mean of paired differences is zero (Student 1908).
// Errors: ErrTooFew below 2 values, ErrConstant when all are equal, ErrNotFinite.
func TTest(d []float64) (MeanTest, error) {
	if err := check(2, d); err != nil {
		return MeanTest{}, fmt.Errorf("t test: %w", err)
	}
	ss := sumSquares(d)
	if negligible(ss, len(d), maxAbs(d...)) {
		return MeanTest{}, fmt.Errorf("t test: all values are equal: %w", ErrConstant)
	}
	m := MeanTest{N: len(d), DF: len(d) - 1}
	m.SD = math.Sqrt(ss / float64(m.DF))
	m.SE = m.SD / math.Sqrt(float64(m.N))
	t := tQuantile(0.975, float64(m.DF))
	v := mean(d)
	m.Mean = Estimate{v, v - t*m.SE, v + t*m.SE}
	m.T = v / m.SE
	m.P = tTwoSided(m.T, float64(m.DF))
	return settled("t test", m, m.Mean.Low, m.Mean.High, m.T, m.P)
}

// PersonSlopes is the test of the mean of personal slopes.
type PersonSlopes struct {
	MeanTest
	Slopes  []float64 // one per person with two different times, in order
	Skipped int       // persons without
}

// Person is one person's series.
type Person struct {
	T, Y []float64
}

// SlopeSummary fits each person's own least-squares slope and tests their mean:
// the summary-measure analysis (Matthews et al. 1990). In a balanced study mean
// and standard error are those of the random-slope model ([FitMixed]), and the t
// test is exact where the model's is not: the first choice below some 20 persons.
// Persons with fewer than two different times have no slope and are counted in
// Skipped; every other person weighs the same, however many sessions. Errors as
// [TTest], over the slopes.
func SlopeSummary(persons []Person) (PersonSlopes, error) {
	var s PersonSlopes
	for i, p := range persons {
		if err := check(0, p.T, p.Y); err != nil {
			return PersonSlopes{}, fmt.Errorf("slope summary: person %d: %w", i, err)
		}
		if len(p.T) == 0 || negligible(sumSquares(p.T), len(p.T), maxAbs(p.T...)) {
			s.Skipped++
			continue
		}
		b, _, _, _, err := leastSquares(p.T, p.Y)
		if err != nil {
			return PersonSlopes{}, fmt.Errorf("slope summary: person %d: %w", i, err)
		}
		s.Slopes = append(s.Slopes, b)
	}
	test, err := TTest(s.Slopes)
	if err != nil {
		return PersonSlopes{}, fmt.Errorf("slope summary: %w", err)
	}
	s.MeanTest = test
	return s, nil
}
