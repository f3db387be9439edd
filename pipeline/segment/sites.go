package segment

import (
	"cmp"
	"math"
	"slices"
)

// Sighting is a place where a photo shows a pore, or something fainter that may be
// one.
type Sighting struct {
	X, Y    float64 // centre: pixels of the patch; millimetres of the baseline for [FollowPores]
	Score   float64 // response over the frozen threshold
	AreaMM2 float64 // as for a pore
	Found   bool    // it counts as a pore
}

const (
	// faintPore is the part of the threshold from which a sighting is kept.
	faintPore = 0.25
	// sightingMM is between two sightings of a photo.
	sightingMM = 0.15
	// siteMM is how far off the same pore may seem to be in another photo: half of them
	// are within 0.04 mm, on nose and mouth within 0.1. Pores are further apart.
	siteMM = 0.25
)

// A site weighs nothing below the first and fully from the second of these scores, the
// root of the mean fourth power over the photos. That is near the score of the photo
// that shows it best; what one photo of two just finds, and the other does not show at
// all, weighs a third.
const (
	siteNone = 0.6
	siteFull = 1.2
)

// A photo shows nothing of a pore below the first of these scores, and all of it from
// the second.
const (
	poreGone  = 0.2
	poreThere = 0.5
)

// What is fitted to a pore is wider than it by the point spread of the photo, of which
// [metrics.Patch] knows only what the sharpest photo of the series does not have. Of
// that one it is taken to be this sigma, in pixels, about the least that a lens and a
// sensor in focus have; left in, it would hide a tenth of a change.
const pointPx = 0.8

// Followed is what one photo of several shows of the pores that they have together.
type Followed struct {
	Count   float64 // of pores, with parts of those that are in doubt
	AreaMM2 float64 // Count times the mean size
}

// FollowPores compares photos of the same skin pore by pore. Their sightings lie in
// one system of coordinates, millimetres; pxPerMM is the scale of the baseline. The
// result has the order of the photos.
//
// Whether a faint pore is found again hangs on light and noise, so that the number
// found in two photos minutes apart differs by 20 %, and their area by more. Therefore
// a pore is what is found in any photo; all photos are then looked at in its place,
// far below the threshold, and there presence has no edge at which it could flicker.
// The size is the geometric mean over the pores that all photos show, so that it is
// compared on the same ones; where there are none, over all.
//
// No photo is special: another order of the photos gives the same values in that
// order. Were the places taken from the baseline alone, its noise would have chosen
// them, and the next photo would always seem to have fewer (regression to the mean).
// For the same reason the weight of a site is its strength in all photos.
func FollowPores(photos [][]Sighting, pxPerMM float64) []Followed {
	out := make([]Followed, len(photos))
	size, common := make([]float64, len(photos)), 0.0
	anySize, anyone := 0.0, 0.0
	for _, s := range poreSites(photos) {
		fourth := 0.0
		for _, x := range s {
			fourth += math.Pow(x.Score, 4)
		}
		weight := smoothStep(math.Pow(fourth/float64(len(photos)), 0.25), siteNone, siteFull)
		if weight == 0 {
			continue
		}
		all := 1.0
		for k, x := range s {
			there := smoothStep(x.Score, poreGone, poreThere)
			out[k].Count += weight * there
			all *= there
			if there > 0 {
				anySize += weight * there * math.Log(x.AreaMM2)
				anyone += weight * there
			}
		}
		if all == 0 {
			continue
		}
		all = weight * math.Pow(all, 1/float64(len(photos)))
		common += all
		for k, x := range s {
			size[k] += all * math.Log(x.AreaMM2)
		}
	}
	for k := range out {
		switch {
		case common > 0:
			out[k].AreaMM2 = out[k].Count * withoutPoint(math.Exp(size[k]/common), pxPerMM)
		case anyone > 0:
			out[k].AreaMM2 = out[k].Count * withoutPoint(math.Exp(anySize/anyone), pxPerMM)
		}
	}
	return out
}

// withoutPoint takes the point spread out of an area, of which a circle of a tenth of a
// millimetre is left at least.
func withoutPoint(areaMM2, pxPerMM float64) float64 {
	point := pointPx / pxPerMM
	return max(areaMM2-2*math.Pi*point*point, math.Pi/4*0.1*0.1)
}

// poreSites lists the places where any photo has a pore: what each photo shows there,
// a zero Sighting where it shows nothing. The strongest pore is the first to take the
// strongest sighting near it of each other photo.
func poreSites(photos [][]Sighting) [][]Sighting {
	type index struct{ photo, at int }
	type cell struct{ photo, x, y int }
	cellOf := func(photo int, s Sighting) cell {
		return cell{photo, int(math.Floor(s.X / siteMM)), int(math.Floor(s.Y / siteMM))}
	}
	var pores []index
	cells := map[cell][]int{}
	used := make([][]bool, len(photos))
	for p, all := range photos {
		used[p] = make([]bool, len(all))
		for i, s := range all {
			c := cellOf(p, s)
			cells[c] = append(cells[c], i)
			if s.Found {
				pores = append(pores, index{p, i})
			}
		}
	}
	at := func(i index) Sighting { return photos[i.photo][i.at] }
	slices.SortStableFunc(pores, func(a, b index) int {
		return cmp.Or(cmp.Compare(at(b).Score, at(a).Score), cmp.Compare(at(a).Y, at(b).Y), cmp.Compare(at(a).X, at(b).X))
	})
	var sites [][]Sighting
	for _, p := range pores {
		if used[p.photo][p.at] {
			continue
		}
		site := make([]Sighting, len(photos))
		for k := range photos {
			best, most := -1, 0.0
			if k == p.photo {
				best = p.at
			} else {
				c := cellOf(k, at(p))
				for dy := -1; dy <= 1; dy++ {
					for dx := -1; dx <= 1; dx++ {
						for _, i := range cells[cell{k, c.x + dx, c.y + dy}] {
							o := photos[k][i]
							d := math.Hypot(o.X-at(p).X, o.Y-at(p).Y) / siteMM
							if fit := o.Score * (1 - d*d); fit > most && !used[k][i] {
								best, most = i, fit
							}
						}
					}
				}
			}
			if best >= 0 {
				site[k], used[k][best] = photos[k][best], true
			}
		}
		sites = append(sites, site)
	}
	return sites
}

// smoothStep rises from 0 at low to 1 at high, level at both ends.
func smoothStep(x, low, high float64) float64 {
	t := min(max((x-low)/(high-low), 0), 1)
	return t * t * (3 - 2*t)
}
