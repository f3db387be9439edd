package face

import (
	"fmt"
	"math"
	"sort"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

// An iris is 11.7 mm wide and pupils are 54 to 74 mm apart (Dodgson 2004), so
// that its radius is 0.079 to 0.108 of the distance between the pupils.
const (
	irisMin = 0.072
	irisMax = 0.115
)

// The side arcs of the limbus, which the lids leave free: the angle from the
// horizontal, degrees.
const (
	arcFrom = -60
	arcTo   = 32 // less above, where the upper lid hangs
)

// circle is an iris candidate in the pixels of a search view.
type circle struct{ x, y, r, score float64 }

// irises finds both iris circles in a face box: first a joint search for the pair
// in a small view, then a fit of each circle at up to full resolution. Boxes can be
// a quarter too small or large; as the range of radii follows from the box, the
// search is repeated where the pupils are farther apart or closer than it says.
func irises(rgb cv.RGB, b box) (*Face, error) {
	pair, err := irisPair(rgb, b)
	if err != nil {
		return nil, err
	}
	apart := func() float64 { return math.Hypot(pair[1].x-pair[0].x, pair[1].y-pair[0].y) }
	if d := apart(); math.Abs(math.Log(d/b.ipd)) > 0.06 {
		again := box{x: (pair[0].x + pair[1].x) / 2, y: (pair[0].y + pair[1].y) / 2, ipd: d}
		if pair, err = irisPair(rgb, again); err != nil {
			return nil, err
		}
	}
	var eyes [2]Eye
	for i, c := range pair {
		if eyes[i], err = refine(rgb, c.x, c.y, c.r, apart()); err != nil {
			return nil, err
		}
	}
	f := &Face{Right: eyes[0], Left: eyes[1]}
	f.IPD = math.Hypot(f.Left.Pupil.X-f.Right.Pupil.X, f.Left.Pupil.Y-f.Right.Pupil.Y)
	return f, nil
}

// irisPair is the best pair of circles in a small view of the box, in photo pixels.
func irisPair(rgb cv.RGB, b box) (best [2]circle, err error) {
	const unit = 110.0 // of the search view, px: an iris of 8 to 13 px
	view := viewAround(b.x, b.y, b.ipd, unit, 2.2, 1.3)
	red, err := redOf(rgb, view)
	if err != nil {
		return best, err
	}
	var cand [2][]circle
	for i, side := range []float64{-0.5, 0.5} {
		cand[i] = candidates(red, view.Origin[0]+side*unit, view.Origin[1], unit)
	}
	top, found := math.Inf(-1), false
	for _, r := range cand[0] {
		for _, l := range cand[1] {
			d, slope := math.Hypot(l.x-r.x, l.y-r.y)/unit, math.Abs(l.y-r.y)/(l.x-r.x)
			if d < 0.7 || d > 1.35 || slope > 0.4 || r.r/d < irisMin*unit*0.95 || r.r/d > irisMax*unit*1.05 {
				continue
			}
			// Eyes are alike in size, and near where the box puts them.
			s := r.score + l.score - 60*math.Abs(math.Log(r.r/l.r)) - 12*math.Abs(d-1) - 6*slope
			if s > top {
				top, best, found = s, [2]circle{r, l}, true
			}
		}
	}
	if !found {
		return best, fmt.Errorf("%w with two open eyes is found; the pupils are needed for scale and zones%s", ErrNoFace, orLight)
	}
	for i := range best {
		c := &best[i]
		c.x, c.y = view.ToPhoto.At(c.x, c.y)
		c.r *= view.Scale()
	}
	return best, nil
}

// viewAround is a frame around a photo position whose unit length (photo px) is
// unit frame pixels; w and h are in units.
func viewAround(x, y, photoUnit, unit, w, h float64) photo.Frame {
	s := photoUnit / unit
	return photo.Frame{W: int(w * unit), H: int(h * unit), Unit: unit, Origin: [2]float64{w * unit / 2, h * unit / 2},
		ToPhoto: cv.Affine{A: s, E: s, C: x - s*w*unit/2, F: y - s*h*unit/2}}
}

// redOf is the red channel of a view. Skin and sclera are bright in it, irises of
// every colour dark.
func redOf(rgb cv.RGB, view photo.Frame) (cv.Plane, error) {
	v, err := view.View(rgb)
	if err != nil {
		return cv.Plane{}, err
	}
	out := cv.NewPlane(v.W, v.H)
	for i := range out.Pix {
		out.Pix[i] = float32(v.Pix[3*i])
	}
	return out, nil
}

// sample is p at (x, y), bilinear, the border repeated.
func sample(p cv.Plane, x, y float64) float64 {
	x, y = max(0, min(x, float64(p.W-1))), max(0, min(y, float64(p.H-1)))
	x0, y0 := min(int(x), p.W-2), min(int(y), p.H-2)
	fx, fy := x-float64(x0), y-float64(y0)
	i := y0*p.W + x0
	return (1-fy)*((1-fx)*float64(p.Pix[i])+fx*float64(p.Pix[i+1])) + fy*((1-fx)*float64(p.Pix[i+p.W])+fx*float64(p.Pix[i+p.W+1]))
}

// ray is a direction from the middle of an iris to one of its two side arcs.
type ray struct {
	side   int
	dx, dy float64
}

// arcs lists the rays of the two side arcs at a step in degrees.
func arcs(stepDeg float64) (rays []ray) {
	for side, mirror := range []float64{-1, 1} {
		for a := float64(arcFrom); a <= arcTo; a += stepDeg {
			s, c := math.Sincos(a * math.Pi / 180)
			rays = append(rays, ray{side, mirror * c, -s}) // positive angles are up
		}
	}
	return rays
}

// candidates scores circles around an expected eye by the step of brightness
// across both side arcs (Daugman's integro-differential idea, restricted to what
// the lids leave free) and by a dark inside, and returns the best distinct ones.
func candidates(p cv.Plane, cx, cy, unit float64) []circle {
	blur, err := cv.Gaussian(p, 1.2)
	if err != nil {
		return nil
	}
	inside, err := cv.Gaussian(p, 0.04*unit)
	if err != nil {
		return nil
	}
	wide, err := cv.Gaussian(p, 0.22*unit)
	if err != nil {
		return nil
	}
	reach := 0.26 * unit
	rays := arcs(12)
	var all []circle
	const pace = 2 // px: the fit at full resolution finds the rest
	for y := cy - reach; y <= cy+reach; y += pace {
		for x := cx - reach; x <= cx+reach; x += pace {
			dark := sample(wide, x, y) - sample(inside, x, y)
			if dark < 4 {
				continue
			}
			var best circle
			for r := irisMin * unit; r <= irisMax*unit; r += 0.6 {
				var step [2]float64
				n := 0.0
				for _, a := range rays {
					g := sample(blur, x+(r+2)*a.dx, y+(r+2)*a.dy) - sample(blur, x+(r-2)*a.dx, y+(r-2)*a.dy)
					step[a.side] += max(-10, min(g, 60))
					n += 0.5
				}
				s := (math.Min(step[0], step[1])*1.4 + math.Max(step[0], step[1])*0.6) / n / 2
				if s > best.score {
					best = circle{x, y, r, s}
				}
			}
			if best.score > 0 {
				// A little pull towards the expected place: brows and lashes are dark too.
				d := math.Hypot(x-cx, y-cy) / reach
				best.score += 0.35*math.Min(dark, 60) - 4*d*d
				all = append(all, best)
			}
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].score > all[j].score })
	var out []circle
	for _, c := range all {
		far := true
		for _, o := range out {
			if math.Hypot(c.x-o.x, c.y-o.y) < 0.04*unit {
				far = false
				break
			}
		}
		if far {
			if out = append(out, c); len(out) == 12 {
				break
			}
		}
	}
	return out
}

// refine fits the iris circle at up to 480 px between the pupils: on each ray of
// the side arcs the steepest brightening near the limbus, then a robust circle.
func refine(rgb cv.RGB, x, y, r, ipd float64) (Eye, error) {
	unit := math.Min(480, math.Max(ipd, 160))
	view := viewAround(x, y, ipd, unit, 0.4, 0.4)
	p, err := redOf(rgb, view)
	if err != nil {
		return Eye{}, err
	}
	blur, err := cv.Gaussian(p, math.Max(0.8, 0.006*unit))
	if err != nil {
		return Eye{}, err
	}
	k := unit / ipd // view px per photo px
	c := circle{view.Origin[0], view.Origin[1], r * k, 0}
	support := 0.0
	rays := arcs(3)
	for range 4 {
		type edge struct{ x, y, w float64 }
		var edges []edge
		total := 0
		h := 0.008 * unit // half the width of the step
		for _, a := range rays {
			total++
			best, at := 3.0, 0.0 // a step of 3 of 255 is noise
			for d := -0.16 * c.r; d <= 0.16*c.r; d += 0.25 {
				q := c.r + d
				g := sample(blur, c.x+(q+h)*a.dx, c.y+(q+h)*a.dy) - sample(blur, c.x+(q-h)*a.dx, c.y+(q-h)*a.dy)
				g *= 1 - 0.5*math.Abs(d)/(0.16*c.r)
				if g > best {
					best, at = g, q
				}
			}
			if at > 0 {
				edges = append(edges, edge{c.x + at*a.dx, c.y + at*a.dy, math.Min(best, 40)})
			}
		}
		if len(edges) < 10 {
			break
		}
		// Robust refit: Gauss-Newton on the radial distance with Tukey weights.
		scale := 0.08 * c.r
		next := c
		for range 8 {
			var n [3][4]float64
			for _, e := range edges {
				dx, dy := e.x-next.x, e.y-next.y
				d := math.Hypot(dx, dy)
				res := d - next.r
				u := res / scale
				if math.Abs(u) >= 1 || d == 0 {
					continue
				}
				w := e.w * (1 - u*u) * (1 - u*u)
				j := [3]float64{dx / d, dy / d, 1}
				for a := range 3 {
					for b := range 3 {
						n[a][b] += w * j[a] * j[b]
					}
					n[a][3] += w * j[a] * res
				}
			}
			for a := range 3 { // a weak prior keeps a half-hidden circle where it was
				n[a][a] += 2
			}
			s, ok := solve3(n)
			if !ok {
				break
			}
			next.x, next.y, next.r = next.x+s[0], next.y+s[1], next.r+s[2]
		}
		if math.Hypot(next.x-c.x, next.y-c.y) > 0.6*c.r || next.r < 0.75*c.r || next.r > 1.3*c.r || next.r < 0.8*irisMin*unit || next.r > 1.15*irisMax*unit {
			break
		}
		good := 0
		for _, e := range edges {
			if math.Abs(math.Hypot(e.x-next.x, e.y-next.y)-next.r) < 0.05*next.r {
				good++
			}
		}
		c, support = next, float64(good)/float64(total)
	}
	px, py := view.ToPhoto.At(c.x, c.y)
	return Eye{Pupil: Point{px, py}, Radius: c.r / k, Support: support}, nil
}

// solve3 solves a 3 x 3 system by elimination; the fourth column is the right
// side.
func solve3(n [3][4]float64) ([3]float64, bool) {
	for i := range 3 {
		p := i
		for j := i + 1; j < 3; j++ {
			if math.Abs(n[j][i]) > math.Abs(n[p][i]) {
				p = j
			}
		}
		n[i], n[p] = n[p], n[i]
		if math.Abs(n[i][i]) < 1e-12 {
			return [3]float64{}, false
		}
		for j := range 3 {
			if j == i {
				continue
			}
			f := n[j][i] / n[i][i]
			for c := i; c < 4; c++ {
				n[j][c] -= f * n[i][c]
			}
		}
	}
	return [3]float64{n[0][3] / n[0][0], n[1][3] / n[1][1], n[2][3] / n[2][2]}, true
}
