package card

import (
	"errors"
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

// ErrNoChart is returned where no 24-patch chart is seen.
var ErrNoChart = errors.New("no colour chart is seen")

// Chart is a 24-patch chart as a photo shows it.
type Chart struct {
	Corners [4][2]float64 // of the grid, at the patches dark skin, bluish green, black, white; px
	TiltDeg float64       // between the chart and the plane of the picture, 0 to 90
	PatchPx float64       // distance between patches, px
	Patches [Patches]Patch
}

// Patch is the colour of one patch.
type Patch struct {
	X, Y    float64    // of its middle, px
	U, V    float64    // the same on the chart, in patches from its middle
	RGB     [3]float64 // mean without the extremes, linear light, white 1
	Dropped string     // why it does not count; empty where it does
}

// Limits of a patch.
const (
	sampled    = 0.24 // of the distance between patches: the half-width of what is measured
	minPixels  = 9
	minUsed    = 14   // patches of a chart that count
	maxClipped = 0.02 // share of its pixels at the end of the range
	// maxSpread is the robust spread of a patch, relative to its light (and to a fiftieth
	// of white where it is darker): noise of small photos has up to 0.1; the rim of a
	// reflection or shadow has more.
	maxSpread = 0.25
	tooBright = 250 // of 255
)

// chartSearch are the longer sides of the picture in which charts are searched, in
// this order: most charts are large, small ones take longer to find.
var chartSearch = []int{1100, 2400}

// FindChart finds the chart in a photo and measures its patches. The error is
// ErrNoChart where there is none.
func FindChart(picture cv.RGB) (*Chart, error) {
	if !colourful(picture) {
		return nil, ErrNoChart
	}
	long := max(picture.W, picture.H)
	for i, side := range chartSearch {
		if i > 0 && 2*long < 3*chartSearch[i-1] { // hardly more than was searched
			break
		}
		k := math.Max(1, float64(long)/float64(side))
		small := picture
		if k > 1 {
			var err error
			if small, err = cv.ResizeRGB(picture, max(64, int(float64(picture.W)/k)), max(64, int(float64(picture.H)/k))); err != nil {
				return nil, err
			}
		}
		found, err := blobs(small)
		if err != nil {
			return nil, err
		}
		kx, ky := float64(picture.W)/float64(small.W), float64(picture.H)/float64(small.H)
		var best *Chart
		score := maxScore
		for _, l := range lattices(found) {
			for _, h := range l.placements() {
				c := measure(picture, h.scaled(kx, ky))
				if s := c.score(); s < score {
					best, score = c, s
				}
			}
		}
		if best != nil {
			return best, nil
		}
	}
	return nil, ErrNoChart
}

// What a photo with a chart has of green and of purple, as the logarithm of
// red * blue / green^2, which exposure leaves as it is and the white balance shifts: at
// one end the patches foliage, bluish green, yellow green, green and cyan, at the other
// purple, magenta and reds. Real charts had 1.9 and more on both sides of the middle of
// their photo, of 44 faces on grey the greenest spots 0.6 at most.
const (
	leastGreen  = 0.8
	leastSpread = 1.6
	// leastShare of the photo must lie beyond: that of two patches of a chart that is
	// 3 % as wide as the photo.
	leastShare = 4e-5
)

// colourful tells whether a photo has colours enough for a chart to be in it: a look
// that spares most photos of faces the search.
func colourful(picture cv.RGB) bool {
	const step = 2 // px between those that are looked at: a patch has more
	const bins, perUnit, floor = 512, 32, 0.02
	var log [256]float64
	for v := range log {
		log[v] = perUnit * math.Log(math.Max(float64(photo.Linear[v]), floor))
	}
	var histogram [bins]int
	n := 0
	for y := 0; y < picture.H; y += step {
		row := picture.Pix[3*y*picture.W : 3*(y+1)*picture.W]
		for k := 0; k+2 < len(row); k += 3 * step {
			// Between -8 and 8: of the largest and the least light it is 7.8.
			histogram[int(log[row[k]]+log[row[k+2]]-2*log[row[k+1]]+bins/2)]++
			n++
		}
	}
	at := func(rank int) float64 {
		for k, c := range histogram {
			if rank -= c; rank < 0 {
				return float64(k) / perUnit
			}
		}
		return bins / perUnit
	}
	few := int(leastShare * float64(n))
	green, middle, purple := at(few), at(n/2), at(n-1-few)
	return middle-green >= leastGreen && purple-green >= leastSpread
}

// measure samples the patches of a chart that lies in the picture by the map m.
func measure(picture cv.RGB, m homography) *Chart {
	big, small := m.singular(0, 0)
	c := &Chart{TiltDeg: math.Acos(math.Min(1, small/big)) * 180 / math.Pi, PatchPx: big}
	for k, d := range [][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}} {
		c.Corners[k][0], c.Corners[k][1] = m.at(d[0]*Columns/2, d[1]*Rows/2)
	}
	for k := range c.Patches {
		p := &c.Patches[k]
		p.U, p.V = float64(k%Columns)-(Columns-1)/2.0, float64(k/Columns)-(Rows-1)/2.0
		p.X, p.Y = m.at(p.U, p.V)
		p.sample(picture, m)
	}
	return c
}

// between is the mean of the values from lo to hi. A median would be one of the 256
// levels, up to a per cent off.
func between(v []float32, lo, hi float64) float64 {
	sum, n := 0.0, 0
	for _, x := range v {
		if float64(x) >= lo && float64(x) <= hi {
			sum, n = sum+float64(x), n+1
		}
	}
	return sum / float64(n)
}

// sample takes the colour of the patch's middle and drops the patch where that is not
// one colour within the camera's range.
func (p *Patch) sample(picture cv.RGB, m homography) {
	var channels [3][]float32
	clipped, n := 0, 0
	reach := 0.0
	for _, d := range [][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}} {
		x, y := m.at(p.U+d[0]*sampled, p.V+d[1]*sampled)
		reach = math.Max(reach, math.Max(math.Abs(x-p.X), math.Abs(y-p.Y)))
	}
	back := m.inverse()
	for y := int(math.Ceil(p.Y - reach)); y <= int(p.Y+reach); y++ {
		for x := int(math.Ceil(p.X - reach)); x <= int(p.X+reach); x++ {
			if x < 0 || y < 0 || x >= picture.W || y >= picture.H {
				continue
			}
			u, v := back.at(float64(x), float64(y))
			if math.Abs(u-p.U) > sampled || math.Abs(v-p.V) > sampled {
				continue
			}
			px := picture.Pix[3*(y*picture.W+x):]
			n++
			if max(px[0], px[1], px[2]) >= tooBright {
				clipped++
			}
			for c := range channels {
				channels[c] = append(channels[c], photo.Linear[px[c]])
			}
		}
	}
	if n < minPixels {
		p.Dropped = "too small or outside the photo"
		return
	}
	spread := 0.0
	for c, v := range channels {
		lo, hi := metrics.QuantilePixels(slices.Clone(v), 0.1), metrics.QuantilePixels(slices.Clone(v), 0.9)
		p.RGB[c] = between(v, lo, hi)
		spread = math.Max(spread, (hi-lo)/math.Max(p.RGB[c], 0.02))
	}
	switch {
	case float64(clipped) > maxClipped*float64(n):
		p.Dropped = "overexposed"
	case spread > 2.56*maxSpread:
		p.Dropped = "not even: a reflection, a shadow or dirt"
	}
}

// maxScore is the score of a chart above which it is none: rendered charts had up to
// 0.05, four real ones 0.6 to 0.9 by the contrast of their cameras, and any other place
// or way up 2.5 and more.
const maxScore = 1.5

// score is how far the patches are from those of the classic chart, once each channel
// has its own gain: the median of the summed differences of logarithms. Both editions
// are alike in this.
func (c *Chart) score() float64 {
	const floor = 0.02
	var ratio [3][]float32
	var seen []int
	for k := range c.Patches {
		if p := &c.Patches[k]; p.Dropped == "" {
			seen = append(seen, k)
			ref := Classic2014.Linear(k)
			for i := range ratio {
				ratio[i] = append(ratio[i], float32(math.Log(math.Max(p.RGB[i], floor)/math.Max(ref[i], floor))))
			}
		}
	}
	if len(seen) < minUsed {
		return math.Inf(1)
	}
	sum := make([]float32, len(seen))
	for _, r := range ratio {
		middle := float32(metrics.MedianPixels(slices.Clone(r)))
		for k := range sum {
			sum[k] += max(r[k]-middle, middle-r[k])
		}
	}
	return metrics.MedianPixels(sum)
}
