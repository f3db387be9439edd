package trend

import (
	"fmt"
	"math"
)

// mixedModel is a mixed model reduced to what its likelihood needs: sums of
// products per person, in orthonormal fixed effects, centred and scaled time,
// and ordinary least-squares residuals scaled to size 1.
type mixedModel struct {
	random  Random
	method  Likelihood
	n, p, q int // visits, fixed effects, random effects
	persons []personSums
	df      []int // by fixed effect

	tCentre, tScale, yScale float64
	r                       [][]float64 // X = Q R
	logDetR                 float64
	ols                     []float64 // Q'y
	yy                      float64   // residual sum of squares, scaled
}

// personSums are one person's Z'Z, Z'Q and Z'e, with Z = (1, u).
type personSums struct {
	zz [2][2]float64
	zq [2][]float64
	ze [2]float64
}

// newMixedModel checks the visits and reduces them.
func newMixedModel(visits []Visit, random Random, method Likelihood) (*mixedModel, error) {
	if len(visits) == 0 {
		return nil, fmt.Errorf("no visits: %w", ErrTooFew)
	}
	m := &mixedModel{random: random, method: method, n: len(visits), p: 2 + len(visits[0].X), q: 1 + int(random)}
	t, y := make([]float64, m.n), make([]float64, m.n)
	columns := make([][]float64, m.p)
	for j := range columns {
		columns[j] = make([]float64, m.n)
	}
	group, of := make([]int, m.n), map[int]int{}
	for i, v := range visits {
		if len(v.X) != m.p-2 {
			return nil, fmt.Errorf("visit %d has %d covariates, visit 0 has %d: %w", i, len(v.X), m.p-2, ErrInput)
		}
		if err := check(0, append([]float64{v.T, v.Y}, v.X...)); err != nil {
			return nil, fmt.Errorf("visit %d: %w", i, err)
		}
		if _, ok := of[v.Person]; !ok {
			of[v.Person] = len(of)
		}
		group[i] = of[v.Person]
		t[i], y[i] = v.T, v.Y
		columns[0][i], columns[1][i] = 1, v.T
		for j, x := range v.X {
			columns[2+j][i] = x
		}
	}
	ss := sumSquares(t)
	if negligible(ss, m.n, maxAbs(t...)) {
		return nil, fmt.Errorf("all times are equal: %w", ErrConstant)
	}
	m.tCentre, m.tScale = mean(t), math.Sqrt(ss/float64(m.n))
	if err := m.freedoms(columns, group, len(of)); err != nil {
		return nil, err
	}
	scale := maxAbs(y...)
	if err := m.orthonormal(columns); err != nil {
		return nil, err
	}
	m.ols = make([]float64, m.p)
	for j, q := range columns {
		m.ols[j] = dot(q, y)
		for i := range y {
			y[i] -= m.ols[j] * q[i]
		}
	}
	rss := dot(y, y)
	if negligible(rss, m.n, scale) {
		return nil, fmt.Errorf("the fixed effects explain everything: %w", ErrConstant)
	}
	m.yScale = math.Sqrt(rss / float64(m.n))
	m.yy = float64(m.n)
	m.persons = make([]personSums, len(of))
	for g := range m.persons {
		m.persons[g].zq = [2][]float64{make([]float64, m.p), make([]float64, m.p)}
	}
	for i, g := range group {
		s := &m.persons[g]
		z := [2]float64{1, (t[i] - m.tCentre) / m.tScale}
		for a := range m.q {
			for b := range m.q {
				s.zz[a][b] += z[a] * z[b]
			}
			for j, q := range columns {
				s.zq[a][j] += z[a] * q[i]
			}
			s.ze[a] += z[a] * y[i] / m.yScale
		}
	}
	return m, nil
}

// freedoms sets the between-within degrees of freedom of every fixed effect and
// refuses data from which the spreads cannot be told apart.
func (m *mixedModel) freedoms(columns [][]float64, group []int, persons int) error {
	first := make([]int, persons) // a visit of each person
	for i := len(group) - 1; i >= 0; i-- {
		first[group[i]] = i
	}
	varies := make([]bool, m.p)
	within := 0
	for j, c := range columns {
		for i, g := range group {
			varies[j] = varies[j] || c[i] != c[first[g]]
		}
		if varies[j] {
			within++
		}
	}
	sloped := make([]bool, persons) // has two different times
	for i, g := range group {
		sloped[g] = sloped[g] || columns[1][i] != columns[1][first[g]]
	}
	slopes := 0
	for _, s := range sloped {
		if s {
			slopes++
		}
	}
	inner, residual := m.n-persons-within, m.n-persons-within
	if m.random == RandomSlope {
		inner, residual = slopes-within, m.n-persons-slopes
	}
	outer := persons - (m.p - within)
	if inner < 1 || outer < 1 || residual < 1 {
		return fmt.Errorf("%d visits of %d persons, %d of them with two times or more: %w", m.n, persons, slopes, ErrTooFew)
	}
	m.df = make([]int, m.p)
	for j := range m.df {
		m.df[j] = outer
		if varies[j] {
			m.df[j] = inner
		}
	}
	return nil
}

// orthonormal replaces the columns X by Q of X = Q R (Gram-Schmidt, done twice
// for full precision).
func (m *mixedModel) orthonormal(columns [][]float64) error {
	m.r = make([][]float64, m.p)
	for j := range m.r {
		m.r[j] = make([]float64, m.p)
	}
	for j, c := range columns {
		size := math.Sqrt(dot(c, c))
		for range 2 {
			for i, q := range columns[:j] {
				d := dot(q, c)
				m.r[i][j] += d
				for v := range c {
					c[v] -= d * q[v]
				}
			}
		}
		left := math.Sqrt(dot(c, c))
		if !(left > 1e-9*size) {
			return fmt.Errorf("fixed effect %d follows from the others: %w", j, ErrInput)
		}
		m.r[j][j] = left
		m.logDetR += math.Log(left)
		for v := range c {
			c[v] /= left
		}
	}
	return finite(m.logDetR)
}

// freedom is the divisor of the residual variance.
func (m *mixedModel) freedom() float64 {
	if m.method == REML {
		return float64(m.n - m.p)
	}
	return float64(m.n)
}

// profile is the likelihood at one value of the random effects' factor.
type profile struct {
	deviance float64 // -2 log likelihood of the scaled problem
	rss      float64 // r'V^-1 r, times sigma^2
	gamma    []float64
	chol     factor // of Q'V^-1 Q, times sigma^2
}

// profile computes the deviance for theta = (a) or (a,b,c), D = sigma^2 L L' with
// L = [a 0; b c]. By Woodbury's identity every person costs one 2 x 2 factor.
func (m *mixedModel) profile(theta []float64) profile {
	a, b, c := theta[0], 0.0, 0.0
	if m.q == 2 {
		b, c = theta[1], theta[2]
	}
	s := newFactor(m.p)
	for j := range m.p {
		s[j][j] = 1 // Q'Q
	}
	right := make([]float64, m.p) // Q'e is zero
	rss, logDet := m.yy, 0.0
	for i := range m.persons {
		p := &m.persons[i]
		// I + L'Z'ZL and its Cholesky factor [f 0; g h].
		z := &p.zz
		m11 := 1 + a*a*z[0][0] + 2*a*b*z[0][1] + b*b*z[1][1]
		m21 := c * (a*z[0][1] + b*z[1][1])
		m22 := 1 + c*c*z[1][1]
		f := math.Sqrt(m11)
		g := m21 / f
		h := math.Sqrt(math.Max(m22-g*g, 1)) // a Schur complement of I + a square
		logDet += 2 * math.Log(f*h)

		e1 := (a*p.ze[0] + b*p.ze[1]) / f
		e2 := (c*p.ze[1] - g*e1) / h
		rss -= e1*e1 + e2*e2
		var w1, w2 [8]float64
		x1, x2 := append(w1[:0], p.zq[0]...), append(w2[:0], p.zq[1]...)
		for j := range x1 {
			u := (a*x1[j] + b*x2[j]) / f
			v := (c*x2[j] - g*u) / h
			x1[j], x2[j] = u, v
			right[j] -= u*e1 + v*e2
			for k := range j + 1 {
				s[j][k] -= u*x1[k] + v*x2[k]
			}
		}
	}
	out := profile{rss: math.NaN(), deviance: math.Inf(1)}
	if !s.cholesky() {
		return out
	}
	half := s.forward(right)
	rss -= dot(half, half)
	if !(rss > 0) {
		return out
	}
	out.rss, out.chol, out.gamma = rss, s, s.backward(half)
	free := m.freedom()
	out.deviance = free*(1+math.Log(2*math.Pi*rss/free)) + logDet
	if m.method == REML {
		out.deviance += s.logDet()
	}
	return out
}

// factor is a small lower triangular matrix.
type factor [][]float64

func newFactor(n int) factor {
	f := make(factor, n)
	cells := make([]float64, n*n)
	for i := range f {
		f[i] = cells[i*n : (i+1)*n]
	}
	return f
}

// cholesky replaces the lower triangle of a symmetric matrix by its factor;
// false when the matrix is not positive definite.
func (f factor) cholesky() bool {
	for i := range f {
		for j := range i + 1 {
			v := f[i][j]
			for k := range j {
				v -= f[i][k] * f[j][k]
			}
			if i > j {
				f[i][j] = v / f[j][j]
				continue
			}
			if !(v > 0) {
				return false
			}
			f[i][i] = math.Sqrt(v)
		}
	}
	return true
}

// forward solves F x = b.
func (f factor) forward(b []float64) []float64 {
	x := make([]float64, len(b))
	for i := range f {
		v := b[i]
		for k := range i {
			v -= f[i][k] * x[k]
		}
		x[i] = v / f[i][i]
	}
	return x
}

// backward solves F' x = b.
func (f factor) backward(b []float64) []float64 {
	x := make([]float64, len(b))
	for i := len(f) - 1; i >= 0; i-- {
		v := b[i]
		for k := i + 1; k < len(f); k++ {
			v -= f[k][i] * x[k]
		}
		x[i] = v / f[i][i]
	}
	return x
}

// logDet is log|F F'|.
func (f factor) logDet() float64 {
	s := 0.0
	for i := range f {
		s += 2 * math.Log(f[i][i])
	}
	return s
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}
