package card

import (
	"errors"
	"math"
)

// homography maps a plane to the picture, by rows; the last entry is 1.
type homography [9]float64

func (h homography) at(x, y float64) (u, v float64) {
	w := h[6]*x + h[7]*y + h[8]
	return (h[0]*x + h[1]*y + h[2]) / w, (h[3]*x + h[4]*y + h[5]) / w
}

// singular values of the Jacobian at a place, the larger first.
func (h homography) singular(x, y float64) (big, small float64) {
	w := h[6]*x + h[7]*y + h[8]
	u, v := h.at(x, y)
	a, b := (h[0]-u*h[6])/w, (h[1]-u*h[7])/w
	c, d := (h[3]-v*h[6])/w, (h[4]-v*h[7])/w
	s1, s2 := a*a+b*b+c*c+d*d, math.Hypot(a*a+b*b-c*c-d*d, 2*(a*c+b*d))
	return math.Sqrt((s1 + s2) / 2), math.Sqrt(math.Max(0, (s1-s2)/2))
}

// inverse maps the picture to the plane.
func (h homography) inverse() homography {
	return homography{
		h[4]*h[8] - h[5]*h[7], h[2]*h[7] - h[1]*h[8], h[1]*h[5] - h[2]*h[4],
		h[5]*h[6] - h[3]*h[8], h[0]*h[8] - h[2]*h[6], h[2]*h[3] - h[0]*h[5],
		h[3]*h[7] - h[4]*h[6], h[1]*h[6] - h[0]*h[7], h[0]*h[4] - h[1]*h[3],
	}
}

var errDegenerate = errors.New("points in a line")

// fitHomography is the map from plane points to picture points, by least squares of
// the linear equations; at least four points.
func fitHomography(from, to [][2]float64) (homography, error) {
	if len(from) < 4 || len(from) != len(to) {
		return homography{}, errDegenerate
	}
	// Both sides are brought to the unit square, without which the equations are ill
	// conditioned (Hartley 1997).
	f, g := normalising(from), normalising(to)
	n := equations(8)
	for i := range from {
		x, y := f.apply(from[i])
		u, v := g.apply(to[i])
		for _, row := range [][9]float64{{x, y, 1, 0, 0, 0, -u * x, -u * y, u}, {0, 0, 0, x, y, 1, -v * x, -v * y, v}} {
			for a := range 8 {
				for b := range 9 {
					n[a][b] += row[a] * row[b]
				}
			}
		}
	}
	p, ok := solve(n)
	if !ok {
		return homography{}, errDegenerate
	}
	var h homography
	copy(h[:], p)
	h[8] = 1
	// Undo: u = (g(h(f(x)))) with f, g scalings and shifts.
	h = homography{
		h[0] / f.k, h[1] / f.k, h[2] - (h[0]*f.x+h[1]*f.y)/f.k,
		h[3] / f.k, h[4] / f.k, h[5] - (h[3]*f.x+h[4]*f.y)/f.k,
		h[6] / f.k, h[7] / f.k, 1 - (h[6]*f.x+h[7]*f.y)/f.k,
	}
	for c := range 3 {
		h[c] = g.k*h[c] + g.x*h[6+c]
		h[3+c] = g.k*h[3+c] + g.y*h[6+c]
	}
	if h[8] == 0 {
		return homography{}, errDegenerate
	}
	for c := range h {
		h[c] /= h[8]
		if math.IsNaN(h[c]) || math.IsInf(h[c], 0) {
			return homography{}, errDegenerate
		}
	}
	return h, nil
}

// normal brings points to the middle 0 and the mean distance 1.
type normal struct{ x, y, k float64 }

func (n normal) apply(p [2]float64) (float64, float64) { return (p[0] - n.x) / n.k, (p[1] - n.y) / n.k }

func normalising(p [][2]float64) normal {
	var n normal
	for _, q := range p {
		n.x += q[0] / float64(len(p))
		n.y += q[1] / float64(len(p))
	}
	for _, q := range p {
		n.k += math.Hypot(q[0]-n.x, q[1]-n.y) / float64(len(p))
	}
	return n
}

// solve is Gauss's elimination with pivots on n rows of n+1; ok is false where they do
// not determine the unknowns. It overwrites the rows.
func solve(rows [][]float64) (x []float64, ok bool) {
	n := len(rows)
	for i := range n {
		p := i
		for j := i + 1; j < n; j++ {
			if math.Abs(rows[j][i]) > math.Abs(rows[p][i]) {
				p = j
			}
		}
		rows[i], rows[p] = rows[p], rows[i]
		if !(math.Abs(rows[i][i]) > 1e-12) {
			return nil, false
		}
		for j := range n {
			if j == i {
				continue
			}
			k := rows[j][i] / rows[i][i]
			for c := i; c <= n; c++ {
				rows[j][c] -= k * rows[i][c]
			}
		}
	}
	x = make([]float64, n)
	for i := range n {
		x[i] = rows[i][n] / rows[i][i]
	}
	return x, true
}

// equations are n rows of n+1 zeros.
func equations(n int) [][]float64 {
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, n+1)
	}
	return rows
}

// after is the map that first applies the affine m, by rows.
func (h homography) after(m [6]float64) homography {
	var out homography
	for r := range 3 {
		out[3*r] = h[3*r]*m[0] + h[3*r+1]*m[3]
		out[3*r+1] = h[3*r]*m[1] + h[3*r+1]*m[4]
		out[3*r+2] = h[3*r]*m[2] + h[3*r+1]*m[5] + h[3*r+2]
	}
	return out
}

// scaled is the map into a picture of another size, pixel centres at whole numbers.
func (h homography) scaled(kx, ky float64) homography {
	for c := range 3 {
		h[c] = kx*h[c] + (kx-1)/2*h[6+c]
		h[3+c] = ky*h[3+c] + (ky-1)/2*h[6+c]
	}
	return h
}
