package card

import (
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// A chart is found by what it is: a lattice of evenly coloured quadrilaterals. Patches
// are the connected regions without an edge in them; neighbours of like size in two
// directions begin a lattice, which is grown patch by patch; where it lies in the
// chart, and which way up, is read off the colours.

// flatness are the largest differences between the two neighbours of a pixel, 8-bit
// values, at which it belongs to an even region.
var flatness = []uint8{8, 14, 24, 40}

// blob is an even region.
type blob struct {
	x, y, size float64 // middle, and root of the area, px
}

const (
	minBlobPx = 4.0
	maxBlobs  = 3000
)

// blobs lists the even regions of p that may be patches, at all levels of flatness.
func blobs(p cv.RGB) ([]blob, error) {
	edge := edges(p)
	largest := float64(max(p.W, p.H)) / 5
	var out []blob
	mask := cv.NewGray(p.W, p.H)
	for _, level := range flatness {
		for i, e := range edge {
			mask.Pix[i] = 0
			if e < level {
				mask.Pix[i] = 255
			}
		}
		labels, regions, err := cv.Components(mask)
		if err != nil {
			return nil, err
		}
		for _, r := range regions {
			size := math.Sqrt(float64(r.Area))
			if size < minBlobPx || size > largest || float64(r.W) > 2.3*size || float64(r.H) > 2.3*size {
				continue
			}
			var xx, xy, yy float64
			for y := r.Y; y < r.Y+r.H; y++ {
				for x := r.X; x < r.X+r.W; x++ {
					if int(labels[y*p.W+x]) == r.Label {
						dx, dy := float64(x)-r.CX, float64(y)-r.CY
						xx, xy, yy = xx+dx*dx, xy+dx*dy, yy+dy*dy
					}
				}
			}
			n := float64(r.Area)
			xx, xy, yy = xx/n+1.0/12, xy/n, yy/n+1.0/12
			// Of a parallelogram the determinant of the second moments is area^2/144; a
			// region with bays or tails has more. The ratio of the axes is at most 2.
			det, trace := xx*yy-xy*xy, xx+yy
			if compact := 12 * math.Sqrt(det) / n; compact > 1.25 || trace*trace > 6.25*det {
				continue
			}
			b := blob{r.CX, r.CY, size}
			if i := slices.IndexFunc(out, func(o blob) bool { return math.Hypot(o.x-b.x, o.y-b.y) < 0.3*math.Max(o.size, b.size) }); i < 0 {
				out = append(out, b)
			} else if b.size > out[i].size {
				out[i] = b // the same patch, less of its rim lost
			}
			if len(out) >= maxBlobs {
				return out, nil
			}
		}
	}
	return out, nil
}

// edges is at each pixel the largest difference between its two neighbours, across or
// down, in any channel.
func edges(p cv.RGB) []uint8 {
	out := make([]uint8, p.W*p.H)
	for i := range out {
		out[i] = 255
	}
	diff := func(a, b uint8) uint8 { return max(a, b) - min(a, b) }
	row := 3 * p.W
	for y := 1; y < p.H-1; y++ {
		for x := 1; x < p.W-1; x++ {
			k := y*row + 3*x
			var e uint8
			for c := k; c < k+3; c++ {
				e = max(e, diff(p.Pix[c-3], p.Pix[c+3]), diff(p.Pix[c-row], p.Pix[c+row]))
			}
			out[y*p.W+x] = e
		}
	}
	return out
}

// cell is a place in a lattice.
type cell struct{ i, j int }

// lattice is a set of blobs with their places.
type lattice map[cell]blob

// minCells is the least part of a chart that is looked at.
const minCells = 9

// lattices grows lattices in the blobs, the largest first.
func lattices(all []blob) []lattice {
	near := newIndex(all)
	used := make([]bool, len(all))
	var out []lattice
	for s, seed := range all {
		if used[s] {
			continue
		}
		var best lattice
		for _, pair := range near.pairs(seed) {
			if l := near.grow(seed, pair[0], pair[1]); len(l) > len(best) {
				best = l
			}
			if len(best) >= Patches-4 {
				break
			}
		}
		if len(best) < minCells {
			continue
		}
		for k, b := range all {
			for _, o := range best {
				if o == b {
					used[k] = true
				}
			}
		}
		out = append(out, best)
	}
	slices.SortStableFunc(out, func(a, b lattice) int { return len(b) - len(a) })
	return out
}

// index finds blobs by place: they are kept in the squares of a grid.
type index struct {
	side    float64
	squares map[cell][]blob
}

func newIndex(all []blob) *index {
	x := &index{side: 48, squares: map[cell][]blob{}}
	for _, b := range all {
		c := cell{int(b.x / x.side), int(b.y / x.side)}
		x.squares[c] = append(x.squares[c], b)
	}
	return x
}

// within lists the blobs of like size around a place.
func (x *index) within(px, py, radius, size float64) []blob {
	var out []blob
	for j := int(math.Floor((py - radius) / x.side)); j <= int((py+radius)/x.side); j++ {
		for i := int(math.Floor((px - radius) / x.side)); i <= int((px+radius)/x.side); i++ {
			for _, b := range x.squares[cell{i, j}] {
				if math.Hypot(b.x-px, b.y-py) <= radius && b.size < 1.7*size && size < 1.7*b.size {
					out = append(out, b)
				}
			}
		}
	}
	return out
}

// pairs lists pairs of neighbours of a blob in two directions, clockwise.
func (x *index) pairs(s blob) [][2]blob {
	var near []blob
	for _, b := range x.within(s.x, s.y, 2.6*s.size, s.size) {
		if math.Hypot(b.x-s.x, b.y-s.y) > 1.02*s.size {
			near = append(near, b)
		}
	}
	if len(near) > 12 {
		return nil // texture
	}
	var out [][2]blob
	for _, a := range near {
		for _, b := range near {
			ax, ay, bx, by := a.x-s.x, a.y-s.y, b.x-s.x, b.y-s.y
			la, lb := math.Hypot(ax, ay), math.Hypot(bx, by)
			if sine := (ax*by - ay*bx) / (la * lb); sine > 0.8 && la < 1.6*lb && lb < 1.6*la {
				out = append(out, [2]blob{a, b})
			}
		}
	}
	return out
}

// grow extends the lattice of a blob and its neighbours at the right and below.
func (x *index) grow(s, right, below blob) lattice {
	l := lattice{{0, 0}: s, {1, 0}: right, {0, 1}: below}
	queue := []cell{{0, 0}, {1, 0}, {0, 1}}
	steps := [...]cell{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}
	const reach = 8 // cells from the first one: a chart is 6 by 4
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		from := l[at]
		for _, d := range steps {
			to := cell{at.i + d.i, at.j + d.j}
			if _, ok := l[to]; ok || max(to.i, -to.i, to.j, -to.j) > reach {
				continue
			}
			dx, dy := l.step(at, d)
			pitch := math.Hypot(dx, dy)
			var best blob
			off := 0.22 * pitch
			for _, b := range x.within(from.x+dx, from.y+dy, off, from.size) {
				if h := math.Hypot(b.x-from.x-dx, b.y-from.y-dy); h < off {
					off, best = h, b
				}
			}
			if best.size > 0 {
				l[to] = best
				queue = append(queue, to)
			}
		}
	}
	return l
}

// step is the way from a cell to its neighbour in direction d, as the nearest cells
// that are known have it.
func (l lattice) step(at, d cell) (dx, dy float64) {
	n := 0.0
	for r := 0; n == 0; r++ { // the first three cells hold both directions
		for j := -r; j <= r; j++ {
			for i := -r; i <= r; i++ {
				a := cell{at.i + i, at.j + j}
				p, ok1 := l[a]
				q, ok2 := l[cell{a.i + max(d.i, -d.i), a.j + max(d.j, -d.j)}]
				if ok1 && ok2 {
					dx, dy, n = dx+q.x-p.x, dy+q.y-p.y, n+1
				}
			}
		}
	}
	if d.i+d.j < 0 {
		n = -n
	}
	return dx / n, dy / n
}

// fit is the map from lattice places to the picture; cells far off it are taken out.
func (l lattice) fit() (homography, bool) {
	for {
		var from, to [][2]float64
		cells := make([]cell, 0, len(l))
		for c := range l {
			cells = append(cells, c)
		}
		slices.SortFunc(cells, func(a, b cell) int { return 100*(a.j-b.j) + a.i - b.i })
		for _, c := range cells {
			from, to = append(from, [2]float64{float64(c.i), float64(c.j)}), append(to, [2]float64{l[c].x, l[c].y})
		}
		h, err := fitHomography(from, to)
		if err != nil || len(l) < minCells {
			return h, false
		}
		worst, off := cell{}, 0.0
		for k, c := range cells {
			u, v := h.at(from[k][0], from[k][1])
			_, pitch := h.singular(from[k][0], from[k][1])
			if d := math.Hypot(u-to[k][0], v-to[k][1]) / pitch; d > off {
				worst, off = c, d
			}
		}
		if off < 0.12 {
			return h, true
		}
		delete(l, worst)
	}
}

// placements lists the maps from the chart to the picture in which the lattice may be
// part of one: four ways up, and shifts where not all patches were found. Chart
// coordinates are patches from its middle.
func (l lattice) placements() []homography {
	h, ok := l.fit()
	if !ok {
		return nil
	}
	var out []homography
	for _, turn := range [][4]int{{1, 0, 0, 1}, {0, 1, -1, 0}, {-1, 0, 0, -1}, {0, -1, 1, 0}} {
		lo, hi := cell{math.MaxInt, math.MaxInt}, cell{math.MinInt, math.MinInt}
		for c := range l {
			i, j := turn[0]*c.i+turn[1]*c.j, turn[2]*c.i+turn[3]*c.j
			lo, hi = cell{min(lo.i, i), min(lo.j, j)}, cell{max(hi.i, i), max(hi.j, j)}
		}
		for j := min(lo.j, hi.j-Rows+1); j <= max(lo.j, hi.j-Rows+1); j++ {
			for i := min(lo.i, hi.i-Columns+1); i <= max(lo.i, hi.i-Columns+1); i++ {
				// Column c, row r of the chart is (i+c, j+r) turned back.
				x0, y0 := float64(i)+(Columns-1)/2.0, float64(j)+(Rows-1)/2.0
				a, b, c, d := float64(turn[0]), float64(turn[2]), float64(turn[1]), float64(turn[3])
				out = append(out, h.after([6]float64{a, b, a*x0 + b*y0, c, d, c*x0 + d*y0}))
			}
		}
	}
	return out
}
