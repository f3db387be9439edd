package segment

import (
	"cmp"
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// poreNeedsPxPerMM is the scale below which pores are not looked for: one of
// 0.25 mm is then less than three pixels wide.
const poreNeedsPxPerMM = 12

// poreDiametersMM are the scales of the search; a blob that is stronger at one of
// guardDiametersMM is a freckle or a scar, not a pore.
var (
	poreDiametersMM  = []float64{0.20, 0.25, 0.32, 0.41, 0.52}
	guardDiametersMM = []float64{0.68, 0.90}
)

const (
	poreMADs        = 3.3   // threshold, in robust SD of the baseline's response
	poreFloorOD     = 0.025 // response below which nothing is called a pore on any skin
	poreNoiseSDs    = 5.0   // and never below this many SD of the pixel noise
	poreSpacingMM   = 0.30  // of two centres
	poreEdgeMM      = 0.30  // from the edge of the skin mask
	poreMinCurve    = 0.28  // smaller over larger curvature; a stroke has none along itself
	poreMaxAxes     = 2.2   // elongation of the half-depth area; pores lengthen with age, hairs are longer
	poreMaxRadiusMM = 0.55  // of the half-depth area
	poreMinMM       = 0.18  // diameter; what is finer is relief, and no expert counts it
	poreRing        = 0.9   // radius of the ring that a pore stands out from, in its diameters
	poreProminence  = 0.6   // depth below the ring, as part of the frozen response of its scale
	poreFalsePerCM2 = 20    // bright blobs that may pass, before their shape is looked at
)

// poreSigmas are the scales in pixels. The blur of the photo widens what a pore
// of a given diameter looks like, so it is added to each.
func poreSigmas(g grid) []float64 {
	var out []float64
	for _, d := range slices.Concat(poreDiametersMM, guardDiametersMM) {
		out = append(out, math.Hypot(d*g.scale/(2*math.Sqrt2), g.blur))
	}
	return out
}

// poreThresholds freezes the response, in OD, from which a blob of each diameter
// counts.
//
// No pore is bright, so the bright blobs of the baseline show how often relief,
// gloss and noise alone would pass: where more than poreFalsePerCM2 do, as on dark
// skin with its strong gloss, the thresholds rise until they do not. (A target-decoy
// search: Elias and Gygi 2007, Nat Methods 4:207.)
func poreThresholds(g grid) ([]float64, error) {
	scales, err := blobScales(g.od[green], poreSigmas(g))
	if err != nil {
		return nil, err
	}
	inner, err := g.inner(poreEdgeMM)
	if err != nil {
		return nil, err
	}
	var out []float64
	for _, s := range scales[:len(poreDiametersMM)] {
		_, sd := spread(s.response, inner)
		if math.IsNaN(sd) {
			return nil, nil
		}
		out = append(out, max(poreMADs*sd, poreFloorOD, poreNoiseSDs*g.noise*noiseGain(s.sigma)))
	}
	for _, s := range scales[:len(out)] {
		for i, v := range s.response.Pix {
			s.response.Pix[i] = -v
		}
	}
	bright := spaced(porePeaks(scales, out, inner, 1), g.w, poreSpacingMM*g.scale)
	area := 0
	for _, m := range inner.Pix {
		area += int(m / 255)
	}
	if n := poreFalsePerCM2 * area / int(100*g.scale*g.scale); n < len(bright) {
		for i := range out {
			out[i] *= bright[n].score
		}
	}
	return out, nil
}

// candidate is a local maximum of the pore response.
type candidate struct {
	at        int // pixel index
	scale     int
	threshold float64 // of that scale
	score     float64 // response over threshold
}

// findPores returns the pores of g outside exclude, by y and x, and what looks like
// one down to faintPore of the thresholds, for comparison with other photos.
func findPores(g grid, thresholds []float64, exclude cv.Gray) ([]metrics.Object, []Sighting, error) {
	scales, err := blobScales(g.od[green], poreSigmas(g))
	if err != nil {
		return nil, nil, err
	}
	inner, err := g.inner(poreEdgeMM)
	if err != nil {
		return nil, nil, err
	}
	for i, m := range exclude.Pix {
		if m != 0 {
			inner.Pix[i] = 0
		}
	}
	peaks := porePeaks(scales, thresholds, inner, faintPore)
	objects := []metrics.Object{}
	found := map[int]bool{} // by pixel
	seen := make([]bool, g.w*g.h)
	clear := slices.DeleteFunc(slices.Clone(peaks), func(c candidate) bool { return c.score <= 1 })
	for _, c := range spaced(clear, g.w, poreSpacingMM*g.scale) {
		if o, ok := measurePore(g, scales, c, seen); ok {
			objects, found[c.at] = append(objects, o), true
		}
	}
	byPlace(objects)
	var sightings []Sighting
	for _, c := range spaced(peaks, g.w, sightingMM*g.scale) {
		x, y := float64(c.at%g.w), float64(c.at/g.w)
		sigma, amplitude := fitGaussian(scales, c.at, c.scale)
		sightings = append(sightings, Sighting{X: x, Y: y, Score: c.score, Found: found[c.at],
			AreaMM2: g.pore(x, y, sigma, amplitude).Area / (g.scale * g.scale)})
	}
	return objects, sightings, nil
}

// porePeaks lists the pixels of mask whose best score over the scales exceeds least
// and that of their eight neighbours.
func porePeaks(scales []blobScale, thresholds []float64, mask cv.Gray, least float32) []candidate {
	w, h := mask.W, mask.H
	score, best := make([]float32, w*h), make([]uint8, w*h)
	for s, t := range thresholds {
		k := float32(1 / t)
		for i, v := range scales[s].response.Pix {
			if v*k > score[i] {
				score[i], best[i] = v*k, uint8(s)
			}
		}
	}
	var out []candidate
	for y := 1; y < h-1; y++ {
		for x := 1; x < w-1; x++ {
			i := y*w + x
			v := score[i]
			if v <= least || mask.Pix[i] == 0 {
				continue
			}
			// Strictly above what comes before in scan order, so that of two
			// equal neighbours one is taken.
			if v > score[i-w-1] && v > score[i-w] && v > score[i-w+1] && v > score[i-1] &&
				v >= score[i+1] && v >= score[i+w-1] && v >= score[i+w] && v >= score[i+w+1] {
				out = append(out, candidate{at: i, scale: int(best[i]), threshold: thresholds[best[i]], score: float64(v)})
			}
		}
	}
	return out
}

// spaced keeps the strongest candidates no closer to each other than distance.
func spaced(all []candidate, w int, distance float64) []candidate {
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.at, b.at))
	})
	cell := max(1, int(math.Ceil(distance)))
	taken := map[[2]int][]candidate{}
	var out []candidate
next:
	for _, c := range all {
		x, y := c.at%w, c.at/w
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				for _, o := range taken[[2]int{x/cell + dx, y/cell + dy}] {
					if math.Hypot(float64(o.at%w-x), float64(o.at/w-y)) < distance {
						continue next
					}
				}
			}
		}
		key := [2]int{x / cell, y / cell}
		taken[key] = append(taken[key], c)
		out = append(out, c)
	}
	return out
}

// measurePore tests the shape of a candidate and sizes it; seen is scratch.
func measurePore(g grid, scales []blobScale, c candidate, seen []bool) (metrics.Object, bool) {
	x, y := c.at%g.w, c.at/g.w
	large, small := curvature(scales[c.scale].smooth, x, y)
	if !(large > 0) || small < poreMinCurve*large {
		return metrics.Object{}, false
	}
	sigma, amplitude := fitGaussian(scales, c.at, c.scale)
	for _, s := range scales[len(poreDiametersMM):] {
		if float64(s.response.Pix[c.at]) > float64(scales[c.scale].response.Pix[c.at]) {
			return metrics.Object{}, false
		}
	}
	// The half-depth area, over the surround that the widest scale sees.
	fine, wide := scales[0].smooth.Pix, scales[len(scales)-1].smooth.Pix
	half := (fine[c.at] - wide[c.at]) / 2
	r := grow(g.w, g.h, c.at, int(math.Ceil(poreMaxRadiusMM*g.scale)), seen, func(i int) bool {
		return fine[i]-wide[i] >= half
	})
	if r.open || r.elongation > poreMaxAxes || half <= 0 {
		return metrics.Object{}, false
	}
	o := g.pore(r.cx, r.cy, sigma, amplitude)
	if o.Diameter < poreMinMM*g.scale || prominence(scales[0].smooth, o.X, o.Y, max(2, poreRing*o.Diameter)) < poreProminence*c.threshold {
		return metrics.Object{}, false
	}
	return o, true
}

// prominence is how far p at (x, y) rises above nine tenths of the ring around it:
// about its whole depth for a pit on its own, little where furrows cross, as they go
// on through the ring. 0 where the ring lies outside.
func prominence(p cv.Plane, x, y, radius float64) float64 {
	const points = 24
	ring := make([]float32, 0, points)
	for k := range points {
		sin, cos := math.Sincos(2 * math.Pi * float64(k) / points)
		u, v := int(math.Round(x+radius*cos)), int(math.Round(y+radius*sin))
		if u < 0 || v < 0 || u >= p.W || v >= p.H {
			return 0
		}
		ring = append(ring, p.Pix[v*p.W+u])
	}
	slices.Sort(ring)
	centre := p.Pix[int(math.Round(y))*p.W+int(math.Round(x))]
	return float64(centre - ring[points*9/10])
}

// discMean is the mean of a Gaussian of amplitude 1 over the disc of diameter
// 2 sqrt(2) sigma, 1 - 1/e.
const discMean = 1 - 1/math.E

// pore is the object of a fitted blob. The blur of the photo is taken out of the
// diameter (d = 2 sqrt(2) sigma), of which a tenth of a millimetre is
// the least that is told from nothing; the contrast is the mean over the disc of
// the blob as it is seen.
func (g grid) pore(x, y, sigma, amplitude float64) metrics.Object {
	d := math.Sqrt(max(8*(sigma*sigma-g.blur*g.blur), math.Pow(0.1*g.scale, 2)))
	return metrics.Object{
		Kind: metrics.Pore, X: x, Y: y, Diameter: d, Area: math.Pi / 4 * d * d,
		Contrast: discMean * amplitude,
	}
}

// fitGaussian fits standard deviation (pixels, blur included) and amplitude (OD)
// of a dark Gaussian blob to the responses at one pixel over the scales up to two
// beyond the best, where neighbours do not yet weigh in.
func fitGaussian(scales []blobScale, at, best int) (sigma, amplitude float64) {
	use := scales[:min(len(scales), best+3)]
	low, high := scales[0].sigma/2, scales[len(scales)-1].sigma
	const steps = 40
	least := math.Inf(1)
	for k := range steps + 1 {
		s := low * math.Pow(high/low, float64(k)/steps)
		var mr, mm, rr float64
		for _, sc := range use {
			m, r := gaussianResponse(s, sc.sigma), float64(sc.response.Pix[at])
			mr += m * r
			mm += m * m
			rr += r * r
		}
		if rest := rr - mr*mr/mm; rest < least {
			least, sigma, amplitude = rest, s, mr/mm
		}
	}
	return sigma, amplitude
}
