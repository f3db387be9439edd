package segment

import (
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// rejectedOn is a mask of rejected places on a grid; empty where there is none.
func rejectedOn(g grid, m metrics.Mask) (cv.Gray, error) {
	if len(m.Pix) == 0 {
		return cv.NewGray(g.w, g.h), nil
	}
	return cv.ResizeGray(cv.Gray(m), g.w, g.h)
}

// takeRegions takes the regions of mask of which more than half lies in places out of
// it, and returns them.
func takeRegions(mask, places cv.Gray) (cv.Gray, error) {
	out := cv.NewGray(mask.W, mask.H)
	labels, regions, err := cv.Components(mask)
	if err != nil {
		return out, err
	}
	for _, c := range regions {
		r := region{pixels: within(labels, mask.W, c)}
		if part(r, places) <= 0.5 {
			continue
		}
		fill(out, r.pixels)
		for _, i := range r.pixels {
			mask.Pix[i] = 0
		}
	}
	return out, nil
}

// withoutPores takes the pores whose centre was rejected out of a list.
func withoutPores(all []metrics.Object, places metrics.Mask) (kept, rejected []metrics.Object) {
	if len(places.Pix) == 0 {
		return all, nil
	}
	kept = []metrics.Object{}
	for _, o := range all {
		if marked(places, o.X, o.Y) {
			rejected = append(rejected, o)
		} else {
			kept = append(kept, o)
		}
	}
	return kept, rejected
}

// withoutSightings takes the sightings whose centre was rejected out of a list.
func withoutSightings(all []Sighting, places metrics.Mask) []Sighting {
	if len(places.Pix) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(s Sighting) bool { return marked(places, s.X, s.Y) })
}

// marked tells whether a mask marks the pixel at a position.
func marked(m metrics.Mask, x, y float64) bool {
	u, v := int(math.Round(x)), int(math.Round(y))
	return u >= 0 && v >= 0 && u < m.W && v < m.H && m.Pix[v*m.W+u] != 0
}

// Reach is how far around a rejected object, mm, finds of its kind do not count
// either: the map between two photos is good to about this, and a session in which
// the object lay just beside the place would count it.
const Reach = 0.5

// Footprint marks in the baseline photo what is rejected with an object found there:
// its own pixels and the skin within [Reach]. The mask has the size of the patch in
// which it was found.
func (f Found) Footprint(o metrics.Object, w, h int, pxPerMM float64) (metrics.Mask, error) {
	out, radius := cv.NewGray(w, h), math.Max(o.Diameter/2, math.Sqrt(o.Area/math.Pi))
	var own metrics.Mask
	switch o.Kind {
	case metrics.Scar:
		own = f.ScarMask
	case metrics.RedSpot:
		own = f.RedMask
	case metrics.BrownMark:
		own = f.BrownMask
	}
	// Scars are apart in their mask. Spots may touch, and the longest has axes of 4 to
	// 1, which reach twice the radius from its centre.
	reach := int(math.Ceil(2 * radius))
	if o.Kind == metrics.Scar {
		reach = w + h
	}
	seed, nearest := -1, math.Inf(1) // a bent scar has its centre beside it
	for v := max(0, int(o.Y-radius)); v <= min(h-1, int(o.Y+radius+1)); v++ {
		for u := max(0, int(o.X-radius)); u <= min(w-1, int(o.X+radius+1)); u++ {
			i, d := v*w+u, math.Hypot(float64(u)-o.X, float64(v)-o.Y)
			if d <= math.Max(radius, 1) {
				out.Pix[i] = 255
			}
			if d < nearest && len(own.Pix) == w*h && own.Pix[i] != 0 {
				seed, nearest = i, d
			}
		}
	}
	if seed >= 0 {
		fill(out, grow(w, h, seed, reach, make([]bool, w*h), func(i int) bool { return own.Pix[i] != 0 }).pixels)
	}
	wide, err := cv.Morph(out, cv.Dilate, max(1, int(math.Round(Reach*pxPerMM))))
	return metrics.Mask(wide), err
}
