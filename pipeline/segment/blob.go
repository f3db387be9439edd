package segment

import (
	"cmp"
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// blobScale is one scale of the Laplacian: sigma in pixels, the smoothed plane,
// and the response sigma^2 * (second derivative along x and y), positive for dark
// blobs since planes hold optical density (dark is high) with the sign turned.
type blobScale struct {
	sigma    float64
	smooth   cv.Plane
	response cv.Plane
}

// blobScales smooths p in a cascade, each scale from the one before, which needs
// far smaller kernels. sigmas must rise.
func blobScales(p cv.Plane, sigmas []float64) ([]blobScale, error) {
	out := make([]blobScale, len(sigmas))
	from, at := p, 0.0
	for i, s := range sigmas {
		step := math.Sqrt(s*s - at*at)
		smooth, err := cv.Gaussian(from, step)
		if err != nil {
			return nil, err
		}
		out[i] = blobScale{sigma: s, smooth: smooth, response: laplacian(smooth, s*s)}
		from, at = smooth, s
	}
	return out, nil
}

// laplacian is minus weight times the five-point Laplacian; 0 on the border.
func laplacian(p cv.Plane, weight float64) cv.Plane {
	out := cv.NewPlane(p.W, p.H)
	k := float32(weight)
	for y := 1; y < p.H-1; y++ {
		up, at, down := p.Pix[(y-1)*p.W:y*p.W], p.Pix[y*p.W:(y+1)*p.W], p.Pix[(y+1)*p.W:(y+2)*p.W]
		dst := out.Pix[y*p.W : (y+1)*p.W]
		for x := 1; x < p.W-1; x++ {
			dst[x] = k * (4*at[x] - at[x-1] - at[x+1] - up[x] - down[x])
		}
	}
	return out
}

// curvature returns the eigenvalues of minus the Hessian of p at a pixel, the
// larger first: both positive on a dark blob, the second about 0 on a dark line.
func curvature(p cv.Plane, x, y int) (large, small float64) {
	if x < 1 || y < 1 || x >= p.W-1 || y >= p.H-1 {
		return 0, 0
	}
	at := func(dx, dy int) float64 { return float64(p.Pix[(y+dy)*p.W+x+dx]) }
	xx := 2*at(0, 0) - at(1, 0) - at(-1, 0)
	yy := 2*at(0, 0) - at(0, 1) - at(0, -1)
	xy := -(at(1, 1) + at(-1, -1) - at(1, -1) - at(-1, 1)) / 4
	m, d := (xx+yy)/2, math.Hypot((xx-yy)/2, xy)
	return m + d, m - d
}

// noiseGain is the standard deviation of the response at sigma to white noise of
// standard deviation 1: sigma^2 times the norm of the Laplacian of a Gaussian,
// which is 1/(sqrt(2 pi) sigma^3).
func noiseGain(sigma float64) float64 { return 1 / (math.Sqrt(2*math.Pi) * sigma) }

// gaussianResponse is the response at sigma, in its centre, of a dark Gaussian
// blob of amplitude 1 and standard deviation blob.
func gaussianResponse(blob, sigma float64) float64 {
	b, s := blob*blob, sigma*sigma
	return 2 * b * s / ((b + s) * (b + s))
}

// region is a set of pixels around a seed.
type region struct {
	pixels     []int // indices
	cx, cy     float64
	elongation float64 // ratio of the axes, from second moments; at least 1
	open       bool    // reached the limit of the search
}

// grow collects the 4-connected pixels around seed of which keep is true, no
// further than radius from it. seen must be all false and is left so.
func grow(w, h, seed, radius int, seen []bool, keep func(i int) bool) region {
	r := region{pixels: []int{seed}}
	seen[seed] = true
	sx, sy := seed%w, seed/w
	for k := 0; k < len(r.pixels); k++ {
		i := r.pixels[k]
		x, y := i%w, i/w
		for _, d := range [4][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			nx, ny := x+d[0], y+d[1]
			if nx < 0 || ny < 0 || nx >= w || ny >= h {
				continue
			}
			j := ny*w + nx
			if seen[j] || !keep(j) {
				continue
			}
			if dx, dy := nx-sx, ny-sy; dx*dx+dy*dy > radius*radius {
				r.open = true
				continue
			}
			seen[j] = true
			r.pixels = append(r.pixels, j)
		}
	}
	for _, i := range r.pixels {
		seen[i] = false
	}
	r.shape(w)
	return r
}

// shape fills in centre and elongation. A pixel is a square, hence the 1/12.
func (r *region) shape(w int) {
	n := float64(len(r.pixels))
	for _, i := range r.pixels {
		r.cx += float64(i%w) / n
		r.cy += float64(i/w) / n
	}
	xx, yy, xy := 1.0/12, 1.0/12, 0.0
	for _, i := range r.pixels {
		dx, dy := float64(i%w)-r.cx, float64(i/w)-r.cy
		xx += dx * dx / n
		yy += dy * dy / n
		xy += dx * dy / n
	}
	m, d := (xx+yy)/2, math.Hypot((xx-yy)/2, xy)
	r.elongation = math.Sqrt((m + d) / (m - d))
}

// hull returns the pixels of a picture of width w in the convex hull of pixels
// (monotone chain): a lit wall and a shaded one leave a gap, the outline does not.
func hull(pixels []int, w int) []int {
	if len(pixels) < 3 {
		return slices.Clone(pixels)
	}
	type point struct{ x, y int }
	cross := func(o, a, b point) int { return (a.x-o.x)*(b.y-o.y) - (a.y-o.y)*(b.x-o.x) }
	p := make([]point, len(pixels))
	for k, i := range pixels {
		p[k] = point{i % w, i / w}
	}
	slices.SortFunc(p, func(a, b point) int { return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.y, b.y)) })
	var ring []point
	for range 2 { // lower side, then the upper one
		from := len(ring)
		for _, q := range p {
			for len(ring) >= from+2 && cross(ring[len(ring)-2], ring[len(ring)-1], q) <= 0 {
				ring = ring[:len(ring)-1]
			}
			ring = append(ring, q)
		}
		ring = ring[:len(ring)-1]
		slices.Reverse(p)
	}
	if len(ring) < 3 {
		return slices.Clone(pixels)
	}
	top, bottom := p[0].y, p[0].y
	for _, q := range p {
		top, bottom = min(top, q.y), max(bottom, q.y)
	}
	var out []int
	for y := top; y <= bottom; y++ {
		left, right := math.Inf(1), math.Inf(-1)
		for k, a := range ring {
			b := ring[(k+1)%len(ring)]
			if (a.y <= y && y <= b.y) || (b.y <= y && y <= a.y) {
				if a.y == b.y {
					left, right = min(left, float64(a.x), float64(b.x)), max(right, float64(a.x), float64(b.x))
					continue
				}
				x := float64(a.x) + float64(b.x-a.x)*float64(y-a.y)/float64(b.y-a.y)
				left, right = min(left, x), max(right, x)
			}
		}
		for x := int(math.Ceil(left - 1e-9)); x <= int(math.Floor(right+1e-9)); x++ {
			out = append(out, y*w+x)
		}
	}
	return out
}
