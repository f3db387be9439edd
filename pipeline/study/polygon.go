package study

import (
	"fmt"
	"math"
)

// minPolygonArea is that of a zone of 10 x 10 pixels; less is a slip.
const minPolygonArea = 100

// polygons reads a mapping of names to polygons and refuses those that enclose
// nothing or cross themselves.
func (r *reader) polygons(n *node, what string) map[string]Polygon {
	var ps map[string]Polygon
	for _, e := range n.mapped() {
		p, ok := polygon(e.value)
		if !ok {
			continue // the schema has reported it
		}
		if len(p) < 3 {
			r.bad(e.value, fmt.Sprintf("polygon %s of %s has %d different points", e.key, what, len(p)), "3 or more", "")
		} else if i, j, crosses := p.crossing(); crosses {
			r.bad(e.value, fmt.Sprintf("polygon %s of %s crosses itself: the sides from %v and %v", e.key, what, p[i], p[j]),
				"an outline that does not cross itself", "list the points in order around the outline")
		} else if a := math.Abs(p.Area()); a < minPolygonArea {
			r.bad(e.value, fmt.Sprintf("polygon %s of %s encloses %.4g square pixels", e.key, what, a), "100 or more", "")
		}
		if ps == nil {
			ps = map[string]Polygon{}
		}
		ps[e.key] = p
	}
	return ps
}

func point(n *node) (Point, bool) {
	l := n.list()
	if len(l) != 2 {
		return Point{}, false
	}
	x, ok1 := l[0].num()
	y, ok2 := l[1].num()
	return Point{X: x, Y: y}, ok1 && ok2
}

// polygon reads a list of points; false where the schema has refused it. A point
// that repeats the one before, or at the end the first, is dropped: drawing tools
// write these.
func polygon(n *node) (Polygon, bool) {
	// The upper limit is the schema's; more points would take long to check.
	if len(n.list()) < 3 || len(n.list()) > 1000 {
		return nil, false
	}
	var p Polygon
	for _, v := range n.list() {
		q, ok := point(v)
		if !ok {
			return nil, false
		}
		if len(p) == 0 || p[len(p)-1] != q {
			p = append(p, q)
		}
	}
	if len(p) > 1 && p[0] == p[len(p)-1] {
		p = p[:len(p)-1]
	}
	return p, true
}

// Area is the signed area in square pixels (the shoelace formula), positive
// where the points go clockwise on the screen.
func (p Polygon) Area() float64 {
	var sum float64
	for i, a := range p {
		b := p[(i+1)%len(p)]
		sum += a.X*b.Y - b.X*a.Y
	}
	return sum / 2
}

// crossing finds two sides that meet other than as neighbours at their common
// corner. Side i goes from point i to the next.
func (p Polygon) crossing() (i, j int, crosses bool) {
	n := len(p)
	for i := range n {
		a, b := p[i], p[(i+1)%n]
		for j := i + 1; j < n; j++ {
			c, d := p[j], p[(j+1)%n]
			switch {
			case j == i+1: // they share b
				if side(a, b, d) == 0 && within(d, a, b) || side(c, d, a) == 0 && within(a, c, d) {
					return i, j, true
				}
			case (j+1)%n == i: // they share a
				if side(a, b, c) == 0 && within(c, a, b) || side(c, d, b) == 0 && within(b, c, d) {
					return i, j, true
				}
			case meet(a, b, c, d):
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

// meet tells whether the segments ab and cd have a point in common.
func meet(a, b, c, d Point) bool {
	s1, s2 := side(a, b, c), side(a, b, d)
	s3, s4 := side(c, d, a), side(c, d, b)
	if (s1 > 0) != (s2 > 0) && (s3 > 0) != (s4 > 0) && s1 != 0 && s2 != 0 && s3 != 0 && s4 != 0 {
		return true
	}
	return s1 == 0 && within(c, a, b) || s2 == 0 && within(d, a, b) ||
		s3 == 0 && within(a, c, d) || s4 == 0 && within(b, c, d)
}

// side is positive where c lies to one side of the line ab, negative on the
// other, 0 on it.
func side(a, b, c Point) float64 { return (b.X-a.X)*(c.Y-a.Y) - (b.Y-a.Y)*(c.X-a.X) }

// within tells whether a point of the line ab lies between a and b.
func within(p, a, b Point) bool {
	return min(a.X, b.X) <= p.X && p.X <= max(a.X, b.X) && min(a.Y, b.Y) <= p.Y && p.Y <= max(a.Y, b.Y)
}
