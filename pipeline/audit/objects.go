package audit

import (
	"cmp"
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// nearPx is how far two centres of the same object may lie apart, px, where its size
// is not known or smaller.
const nearPx = 2

func (b *Bridge) countObjects(pair [2]*result.Series) {
	type key struct{ kind, session, photo string }
	found := map[key][2][]result.Object{}
	var order []key
	for which, s := range pair {
		for _, o := range s.Objects {
			k := key{o.Kind, o.Session, o.Photo}
			p, seen := found[k]
			if !seen {
				order = append(order, k)
			}
			p[which] = append(p[which], o)
			found[k] = p
		}
	}
	scale := max(pair[0].PxPerMM, pair[1].PxPerMM)
	if !scale.Known() {
		scale = 0
	}
	for _, k := range order {
		c := b.kind(k.kind)
		x, y := found[k][0], found[k][1]
		both := matched(x, y, float64(scale))
		c.First += len(x)
		c.Second += len(y)
		c.Both += both
		c.Lost += len(x) - both
		c.Gained += len(y) - both
	}
}

// kind is the counter of a kind of object.
func (b *Bridge) kind(kind string) *ObjectChange {
	i, ok := slices.BinarySearchFunc(b.Objects, kind, func(c ObjectChange, k string) int { return cmp.Compare(c.Kind, k) })
	if !ok {
		b.Objects = slices.Insert(b.Objects, i, ObjectChange{Kind: kind})
	}
	return &b.Objects[i]
}

// matched counts the objects of two lists that are the same, nearest pairs first,
// each at most once. The scale is in px/mm, 0 where it is not known.
func matched(x, y []result.Object, scale float64) int {
	type pair struct {
		i, j int
		d    float64
	}
	reach := func(o result.Object) float64 {
		if d := float64(o.DiameterMM) * scale / 2; d > nearPx {
			return d
		}
		return nearPx
	}
	// Sorted by x, only neighbours have to be looked at.
	byX := func(a, b result.Object) int { return cmp.Compare(a.XPx, b.XPx) }
	x, y = slices.SortedStableFunc(slices.Values(x), byX), slices.SortedStableFunc(slices.Values(y), byX)
	widest := 0.0
	for _, o := range slices.Concat(x, y) {
		widest = max(widest, reach(o))
	}
	var pairs []pair
	from := 0
	for i, a := range x {
		for from < len(y) && float64(a.XPx-y[from].XPx) > widest {
			from++
		}
		for j := from; j < len(y) && float64(y[j].XPx-a.XPx) <= widest; j++ {
			d := math.Hypot(float64(a.XPx-y[j].XPx), float64(a.YPx-y[j].YPx))
			if d <= max(reach(a), reach(y[j])) {
				pairs = append(pairs, pair{i, j, d})
			}
		}
	}
	slices.SortFunc(pairs, func(p, q pair) int {
		return cmp.Or(cmp.Compare(p.d, q.d), cmp.Compare(p.i, q.i), cmp.Compare(p.j, q.j))
	})
	usedX, usedY := make([]bool, len(x)), make([]bool, len(y))
	n := 0
	for _, p := range pairs {
		if !usedX[p.i] && !usedY[p.j] {
			usedX[p.i], usedY[p.j] = true, true
			n++
		}
	}
	return n
}
