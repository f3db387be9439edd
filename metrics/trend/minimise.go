package trend

import (
	"math"

	"gonum.org/v1/gonum/optimize"
)

const (
	// onBoundary is a spread, relative to the residual, that counts as none.
	onBoundary = 1e-3
	// maxSpread bounds the search for a spread relative to the residual.
	maxSpread = 1e6
)

// minimiseDeviance finds the factor of the random effects with the least
// deviance: the best of a coarse grid, Nelder-Mead from there, and Newton steps
// for the last digits. The deviance does not change with the sign of the factor,
// so a spread of zero lies inside the search and needs no constraint.
func minimiseDeviance(m *mixedModel) []float64 {
	deviance := func(theta []float64) float64 {
		if maxAbs(theta...) > maxSpread {
			return math.Inf(1)
		}
		return m.profile(theta).deviance
	}
	best := start(m.q, deviance)
	for _, size := range []float64{0.5, 0.05} { // a second simplex, in case the first collapsed
		scaled := size * math.Max(0.1, maxAbs(best...))
		got, err := optimize.Minimize(optimize.Problem{Func: deviance}, best, &optimize.Settings{
			Converger:       &optimize.FunctionConverge{Absolute: 1e-8, Iterations: 30},
			MajorIterations: 5000,
		}, &optimize.NelderMead{SimplexSize: scaled})
		// Running out of iterations is an error to gonum; what was found still counts.
		if got != nil && (err == nil || got.Status == optimize.IterationLimit) && got.F <= deviance(best) {
			best = got.X
		}
	}
	newton(best, deviance)
	for i := range best {
		if i == 1 { // a correlation of zero is no boundary
			continue
		}
		if flat := without(best, i); math.Abs(best[i]) < onBoundary && deviance(flat) <= deviance(best)+1e-7 {
			best = flat
		}
	}
	return best
}

// start is the best point of a coarse grid. Steps are decades: nothing else is
// known about the spread of a measure between persons.
func start(q int, deviance func([]float64) float64) []float64 {
	var best []float64
	least := math.Inf(1)
	for _, a := range []float64{0.1, 1, 10, 100} {
		grid := [][]float64{{a}}
		if q == 2 {
			grid = [][]float64{{a, 0, 0.1}, {a, 0, 1}, {a, 0, 10}, {a, 0, 100}}
		}
		for _, theta := range grid {
			if d := deviance(theta); best == nil || d < least {
				best, least = theta, d
			}
		}
	}
	return best
}

// newton improves theta in place with finite differences, as long as it is in a
// bowl and the steps are small.
func newton(theta []float64, deviance func([]float64) float64) {
	n := len(theta)
	at := func(steps ...float64) float64 { // pairs of index and step
		moved := append([]float64(nil), theta...)
		for i := 0; i < len(steps); i += 2 {
			moved[int(steps[i])] += steps[i+1]
		}
		return deviance(moved)
	}
	for range 4 {
		// Error of a second difference: rounding/h^2 against h^2.
		h := 1e-4 * math.Max(0.1, maxAbs(theta...))
		centre := deviance(theta)
		gradient, hessian := make([]float64, n), newFactor(n)
		for i := range n {
			x := float64(i)
			up, down := at(x, h), at(x, -h)
			gradient[i] = (up - down) / (2 * h)
			hessian[i][i] = (up - 2*centre + down) / (h * h)
			for j := range i {
				y := float64(j)
				hessian[i][j] = (at(x, h, y, h) - at(x, h, y, -h) - at(x, -h, y, h) + at(x, -h, y, -h)) / (4 * h * h)
			}
		}
		if finite(gradient...) != nil || !hessian.cholesky() {
			return
		}
		step := hessian.backward(hessian.forward(gradient))
		if finite(step...) != nil || maxAbs(step...) > 1000*h {
			return
		}
		moved := make([]float64, n)
		for i := range moved {
			moved[i] = theta[i] - step[i]
		}
		if deviance(moved) > centre+1e-9 {
			return
		}
		copy(theta, moved)
		if maxAbs(step...) < 1e-4*h {
			return
		}
	}
}

// without is theta with one element zero.
func without(theta []float64, i int) []float64 {
	out := append([]float64(nil), theta...)
	out[i] = 0
	return out
}
