package pipeline

import (
	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/segment"
)

// pored is what a photo brought to the sharpness of others shows of pores.
type pored struct {
	sightings    []segment.Sighting // in the baseline, mm
	skinMM2      float64
	first, after int // the photo's values among those of the series
}

// pored keeps what is needed to follow the pores of photo i, whose values begin at
// first.
func (m *zoneMeasurer) pored(i int, p *metrics.Patch, found segment.Found, first int) pored {
	out := pored{first: first, after: len(m.r.values)}
	for _, on := range p.Skin.Pix {
		if on != 0 {
			out.skinMM2 += 1 / (p.PxPerMM * p.PxPerMM)
		}
	}
	for _, s := range found.Sightings {
		s.X, s.Y = m.toBase(i, s.X, s.Y)
		s.X, s.Y = s.X/m.r.shots[0].pxPerMM, s.Y/m.r.shots[0].pxPerMM
		out.sightings = append(out.sightings, s)
	}
	return out
}

// followPores divides density and area of the pores found in the photos of each basis
// anew between them: the mean is that of the photos alone, the ratios are those of the
// pores that the photos have together (see [segment.FollowPores]). A photo that is
// refused has no part in it and keeps its own values.
func (m *zoneMeasurer) followPores(photos []pored) {
	if !m.r.cfg.does("follow_pores") {
		return
	}
	type key struct{ basis, metric string }
	values := map[key][]*value{} // in the order of photos; nil where there is none
	for k, p := range photos {
		for j := p.first; j < p.after; j++ {
			v := &m.r.values[j]
			share, follows := sharePores[v.metric.Name]
			if !follows || v.status == result.Refused || m.r.shots[0].pxPerMM < share.needsPxPerMM {
				continue
			}
			at := key{v.basis, v.metric.Name}
			if values[at] == nil {
				values[at] = make([]*value, len(photos))
			}
			values[at][k] = v
		}
	}
	for at, of := range values {
		var sightings [][]segment.Sighting
		var together []*value
		var skin []float64
		for k, v := range of {
			if v != nil {
				sightings, together, skin = append(sightings, photos[k].sightings), append(together, v), append(skin, photos[k].skinMM2)
			}
		}
		followed, share := segment.FollowPores(sightings, m.r.shots[0].pxPerMM), sharePores[at.metric].of
		found, sum := 0.0, 0.0
		for k, f := range followed {
			found, sum = found+together[k].v, sum+share(f, skin[k])
		}
		if sum == 0 { // no pore is more than a doubt
			continue
		}
		for k, f := range followed {
			together[k].v = found * share(f, skin[k]) / sum
		}
	}
}

// poreShare is what a metric takes of the pores of a photo, from a scale of the
// baseline on.
type poreShare struct {
	needsPxPerMM float64
	of           func(f segment.Followed, skinMM2 float64) float64
}

// sharePores are the metrics that follow pores. All photos are measured on the same
// skin. Where the head has turned, it and its pores look smaller alike, but there are
// as many of them.
//
// Areas are followed where pores are wide enough to have a size. Unchanged rendered
// faces differ in the area (smallest detectable change): at 14 px/mm, where the point
// spread decides the size, by 32 per cent if followed and 25 if not; at 22 px/mm by 13
// and 22. The limit between the two is that of the table of smallest detectable changes.
var sharePores = map[string]poreShare{
	"pore_density_per_cm2": {0, func(f segment.Followed, _ float64) float64 { return f.Count }},
	"pore_area_fraction":   {18, func(f segment.Followed, skinMM2 float64) float64 { return f.AreaMM2 / skinMM2 }},
}
