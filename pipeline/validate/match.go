package validate

import (
	"cmp"
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

const (
	poreToleranceMM = 0.25
	scarToleranceMM = 3.0
	poreMinMM       = 0.25 // true pores below are neither right nor wrong
)

// Tally counts the objects of one kind in one zone of one photo.
type Tally struct {
	Kind, Zone string
	Hits       int       // true ones that were found
	False      int       // found ones that are not there
	FalseSmall int       // of False, pores found below the size that counts
	Missed     int       // true ones that were not found
	Found      int       // found ones of the size that counts, right or not
	Diameter   []float64 `json:",omitempty"` // found over true, of the hits
	AreaFound  float64   // of the hits, mm2
	AreaTrue   float64
	TypeRight  int // hits of the right type
	// Types has, by the type of true scars, how many were found and how many there
	// are.
	Types map[string][2]int `json:",omitempty"`
}

// True is the number of true objects.
func (t Tally) True() int { return t.Hits + t.Missed }

// match pairs found with true objects within a distance in px, nearest first, each
// at most once. It gives for each found one the index of its true one, or -1.
func match(found []result.Object, truth []Object, tolerance float64) []int {
	type pair struct {
		i, j int
		d    float64
	}
	var pairs []pair
	for i, f := range found {
		for j, t := range truth {
			dx, dy := float64(f.XPx)-t.X, float64(f.YPx)-t.Y
			if math.Abs(dx) > tolerance || math.Abs(dy) > tolerance {
				continue
			}
			if d := math.Hypot(dx, dy); d <= tolerance {
				pairs = append(pairs, pair{i, j, d})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(a.d, b.d) })
	of := slices.Repeat([]int{-1}, len(found))
	taken := make([]bool, len(truth))
	for _, p := range pairs {
		if of[p.i] < 0 && !taken[p.j] {
			of[p.i], taken[p.j] = p.j, true
		}
	}
	return of
}

// near tells whether a found object lies within a distance of any true one.
func near(f result.Object, truth []Object, tolerance float64) bool {
	return slices.ContainsFunc(truth, func(t Object) bool {
		return math.Hypot(float64(f.XPx)-t.X, float64(f.YPx)-t.Y) <= tolerance
	})
}

// tally counts the objects of one kind in a photo, by zone in the order of the
// zones. zoneAt names the measured zone at a place, empty where none was measured.
func tally(kind string, found []result.Object, truth []Object, pxPerMM float64, zones []string, zoneAt func(x, y float64) string) []Tally {
	tolerance := scarToleranceMM * pxPerMM
	if kind == "pore" {
		tolerance = poreToleranceMM * pxPerMM
	}
	var counted, small []Object
	for _, t := range truth {
		switch {
		case t.Kind != kind || !t.Visible:
		case kind == "pore" && t.DiameterMM < poreMinMM:
			small = append(small, t)
		default:
			counted = append(counted, t)
		}
	}
	found = slices.DeleteFunc(slices.Clone(found), func(o result.Object) bool { return o.Kind != kind })
	by := map[string]*Tally{}
	out := make([]Tally, len(zones))
	for i, z := range zones {
		out[i] = Tally{Kind: kind, Zone: z}
		by[z] = &out[i]
	}
	hit := make([]bool, len(counted))
	for i, j := range match(found, counted, tolerance) {
		f := found[i]
		t := by[f.Zone]
		if t == nil {
			continue
		}
		if kind != "pore" || float64(f.DiameterMM) >= poreMinMM {
			t.Found++
		}
		switch {
		case j < 0 && near(f, small, tolerance):
			continue
		case j < 0:
			t.False++
			if kind == "pore" && float64(f.DiameterMM) < poreMinMM {
				t.FalseSmall++
			}
			continue
		}
		zone := by[zoneAt(counted[j].X, counted[j].Y)]
		hit[j] = true
		if zone == nil {
			continue // what it meets lies outside
		}
		zone.Hits++
		zone.see(counted[j].Type, 1)
		if f.DiameterMM.Known() && counted[j].DiameterMM > 0 {
			zone.Diameter = append(zone.Diameter, float64(f.DiameterMM)/counted[j].DiameterMM)
		}
		if f.AreaMM2.Known() {
			zone.AreaFound += float64(f.AreaMM2)
			zone.AreaTrue += counted[j].AreaMM2
		}
		if f.Type == counted[j].Type {
			zone.TypeRight++
		}
	}
	for j, t := range counted {
		if zone := by[zoneAt(t.X, t.Y)]; zone != nil && !hit[j] {
			zone.Missed++
			zone.see(t.Type, 0)
		}
	}
	return out
}

// see counts one true object of a type.
func (t *Tally) see(name string, hits int) {
	if name == "" {
		return
	}
	if t.Types == nil {
		t.Types = map[string][2]int{}
	}
	n := t.Types[name]
	t.Types[name] = [2]int{n[0] + hits, n[1] + 1}
}
