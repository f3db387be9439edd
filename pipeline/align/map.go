package align

import (
	"math"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// ToTarget carries a position of the baseline photo into the photo; ok is false
// outside the frame that was aligned.
func (m *Map) ToTarget(x, y float64) (tx, ty float64, ok bool) {
	u, v := m.base.FromPhoto(x, y)
	dx, dy, ok := at(m.fx, m.fy, u, v)
	tx, ty = m.target.ToPhoto.At(u+dx, v+dy)
	return tx, ty, ok
}

// ToBase carries a position of the photo back into the baseline photo.
func (m *Map) ToBase(x, y float64) (bx, by float64, ok bool) {
	u, v := m.target.FromPhoto(x, y)
	dx, dy, ok := at(m.bx, m.by, u, v)
	bx, by = m.base.ToPhoto.At(u+dx, v+dy)
	return bx, by, ok
}

// MaskToTarget carries a mask of the baseline's frame into the target's frame.
func (m *Map) MaskToTarget(mask cv.Gray) (cv.Gray, error) { return carry(mask, m.bx, m.by) }

// MaskToBase carries a mask of the target's frame into the baseline's frame.
func (m *Map) MaskToBase(mask cv.Gray) (cv.Gray, error) { return carry(mask, m.fx, m.fy) }

func carry(mask cv.Gray, dx, dy cv.Plane) (cv.Gray, error) {
	mx, my := positions(dx, dy)
	return cv.RemapGray(mask, mx, my, true)
}

// positions adds a displacement to each pixel's own place.
func positions(dx, dy cv.Plane) (mx, my cv.Plane) {
	mx, my = cv.NewPlane(dx.W, dx.H), cv.NewPlane(dx.W, dx.H)
	for y := range dx.H {
		for x := range dx.W {
			i := y*dx.W + x
			mx.Pix[i], my.Pix[i] = float32(x)+dx.Pix[i], float32(y)+dy.Pix[i]
		}
	}
	return mx, my
}

// at is a displacement at (u, v), bilinear.
func at(dx, dy cv.Plane, u, v float64) (x, y float64, ok bool) {
	if !(u >= 0 && v >= 0 && u <= float64(dx.W-1) && v <= float64(dx.H-1)) {
		return 0, 0, false
	}
	i, j := min(int(u), dx.W-2), min(int(v), dx.H-2)
	fu, fv := u-float64(i), v-float64(j)
	k := j*dx.W + i
	mix := func(p cv.Plane) float64 {
		return (1-fv)*((1-fu)*float64(p.Pix[k])+fu*float64(p.Pix[k+1])) + fv*((1-fu)*float64(p.Pix[k+p.W])+fu*float64(p.Pix[k+p.W+1]))
	}
	return mix(dx), mix(dy), true
}

// invert finds the displacement back by fixed-point iteration, which converges
// because neighbouring skin never moves apart as fast as it lies apart.
func invert(fx, fy cv.Plane) (bx, by cv.Plane, err error) {
	bx, by = negative(fx), negative(fy)
	// A displacement changes by a tenth of a pixel a pixel at most where a face moves,
	// and each round leaves that share of the error.
	for range 4 {
		mx, my := positions(bx, by)
		if bx, err = cv.RemapPlane(fx, mx, my); err != nil {
			return bx, by, err
		}
		if by, err = cv.RemapPlane(fy, mx, my); err != nil {
			return bx, by, err
		}
		bx, by = negative(bx), negative(by)
	}
	return bx, by, nil
}

func negative(p cv.Plane) cv.Plane {
	out := cv.NewPlane(p.W, p.H)
	for i, v := range p.Pix {
		out.Pix[i] = -v
	}
	return out
}

// geometry splits the flow over the baseline's skin into a similarity and what a
// turned head or another camera distance adds: points that stand out from the face
// by z move sideways by z times the turn (radians), and outwards by z times the
// change of 1/distance. Iterated least squares with Tukey's weights.
func (m *Map) geometry(base View) {
	f := base.Frame
	type row struct{ x, y, z, dx, dy float64 }
	var rows []row
	const step = 8
	for y := step; y < f.H-step; y += step {
		for x := step; x < f.W-step; x += step {
			i := y*f.W + x
			if base.Skin.Pix[i] == 0 {
				continue
			}
			u, v := (float64(x)-f.Origin[0])/f.Unit, (float64(y)-f.Origin[1])/f.Unit
			if v < -1.1 || v > 1.0 { // the jaw moves by itself
				continue
			}
			rows = append(rows, row{u, v, relief(u, v), float64(m.fx.Pix[i]) / f.Unit, float64(m.fy.Pix[i]) / f.Unit})
		}
	}
	var p [7]float64
	for range 10 {
		n := make([][]float64, 7)
		for k := range n {
			n[k] = make([]float64, 8)
		}
		for _, r := range rows {
			jx, jy := rigidTerms(r.x, r.y, r.z)
			ex, ey := r.dx, r.dy
			for k := range p {
				ex -= jx[k] * p[k]
				ey -= jy[k] * p[k]
			}
			w := 0.0
			if u := math.Hypot(ex, ey) / 0.06; u < 1 {
				w = (1 - u*u) * (1 - u*u)
			}
			for a := range p {
				for b := range p {
					n[a][b] += w * (jx[a]*jx[b] + jy[a]*jy[b])
				}
				n[a][7] += w * (jx[a]*r.dx + jy[a]*r.dy)
			}
		}
		for a := range p {
			n[a][a] += 1e-6
		}
		if !solve(n) {
			break
		}
		for k := range p {
			p[k] = n[k][7]
		}
	}
	m.rigid = p
	m.Quality.YawDeltaDeg = math.Atan(p[4]) * 180 / math.Pi
	m.Quality.PitchDeltaDeg = math.Atan(p[5]) * 180 / math.Pi
	m.Quality.PerspectiveRel = p[6]
	// Base photo -> base frame -> moved frame -> target photo.
	corner := func(x, y float64) (float64, float64) {
		u, v := m.base.FromPhoto(x, y)
		u, v = (u-f.Origin[0])/f.Unit, (v-f.Origin[1])/f.Unit
		du, dv := p[0]+p[2]*u-p[3]*v, p[1]+p[2]*v+p[3]*u
		return m.target.ToPhoto.At((u+du)*f.Unit+f.Origin[0], (v+dv)*f.Unit+f.Origin[1])
	}
	x0, y0 := corner(0, 0)
	x1, y1 := corner(1, 0)
	m.Similarity = cv.Affine{A: x1 - x0, B: -(y1 - y0), C: x0, D: y1 - y0, E: x1 - x0, F: y0}
}

// rigidTerms are the derivatives of a displacement (x, then y) at the place (u, v)
// that stands out by z, by the unknowns of a rigid head: shift x, shift y, a and b
// of the similarity, yaw, pitch, perspective.
func rigidTerms(u, v, z float64) (jx, jy [7]float64) {
	return [7]float64{1, 0, u, -v, z, 0, z * u}, [7]float64{0, 1, v, u, 0, z, z * v}
}

// Expression is the median distance, in units of the frame, by which the skin under
// mask (of the baseline's frame) moved in another way than the head: raised cheeks,
// lifted brows, an open mouth. NaN for an empty mask.
func (m *Map) Expression(mask cv.Gray) float64 {
	f := m.base
	var d []float64
	const step = 5
	for y := 0; y < f.H; y += step {
		for x := 0; x < f.W; x += step {
			i := y*f.W + x
			if mask.Pix[i] == 0 {
				continue
			}
			rx, ry := m.rigidAt(float64(x), float64(y))
			ex, ey := (float64(m.fx.Pix[i])-rx)/f.Unit, (float64(m.fy.Pix[i])-ry)/f.Unit
			d = append(d, math.Hypot(ex, ey))
		}
	}
	return quantile(d, 0.5)
}

// InFrame carries a position of the baseline's frame into the photo's frame.
func (m *Map) InFrame(u, v float64) (x, y float64, ok bool) {
	dx, dy, ok := at(m.fx, m.fy, u, v)
	return u + dx, v + dy, ok
}

// relief is how far a place of an average face stands out towards the camera, in
// inter-pupil distances: a paraboloid and a nose. The outer rim of the orbit, 0.8
// units from the midline, lies about 0.4 units behind the forehead. Heads differ: on
// the rendered ones of TestPose, whose cheeks and jaw recede more, turns come out 1.1
// times too large; on a face with the flatter cheeks of common average meshes (0.28
// units at 0.7 from the midline) they would come out about 0.9 times.
func relief(u, v float64) float64 {
	z := -0.65*u*u - 0.10*(v-0.3)*(v-0.3)
	if v > -0.15 && v < 0.85 {
		height := 0.38 * math.Max(0, math.Min(1, (v+0.15)/0.75))
		if v > 0.62 {
			height *= (0.85 - v) / 0.23
		}
		z += height * math.Exp(-u*u/(2*0.13*0.13))
	}
	return z
}

// solve does Gaussian elimination in place: n are the rows of a square system, each
// followed by its right sides, which become the solutions. False if it is singular.
func solve(n [][]float64) bool {
	for i := range n {
		k := i
		for j := i + 1; j < len(n); j++ {
			if math.Abs(n[j][i]) > math.Abs(n[k][i]) {
				k = j
			}
		}
		n[i], n[k] = n[k], n[i]
		if math.Abs(n[i][i]) < 1e-12 {
			return false
		}
		for j := range n {
			g := n[j][i] / n[i][i]
			if j == i {
				continue
			}
			for c := i; c < len(n[j]); c++ {
				n[j][c] -= g * n[i][c]
			}
		}
	}
	for i, row := range n {
		for c := len(n); c < len(row); c++ {
			row[c] /= row[i]
		}
	}
	return true
}
