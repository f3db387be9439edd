package segment

import (
	"math"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

const (
	// lineNeedsPxPerMM is the scale below which the finest ridge that is looked
	// for, sigma 0.15 mm, is narrower than a pixel.
	lineNeedsPxPerMM = 7
	linePxPerMM      = 10
	lineEdgeMM       = 0.7
	lineMinMM        = 3.0 // length
	lineBeta         = 0.5 // b of Frangi et al. 1998: blob against line
	// lineC is c of Frangi et al. in OD, a constant: the usual half of the
	// largest norm in the picture normalises every visit by itself and hides the
	// change. A dark Gaussian line of amplitude A has a norm of 0.35 A at its scale.
	lineC = 0.02
	// A line starts where the ridge measure exceeds lineHigh and goes on above
	// lineLow, unless the noise of the baseline asks for more.
	lineHigh, lineLow = 0.50, 0.20
	lineMean          = 0.40 // of the measure along a line: a row of pores falls below between them
	lineNoiseSDs      = 6.0
	lineStraight      = 0.80 // diagonal of the box over length: less is stubble or a tangle
)

// lineSigmasMM are the scales of the fine lines.
var lineSigmasMM = []float64{0.15, 0.24, 0.38, 0.60}

// LineLevels are the frozen thresholds of the ridge measure, 0 to 1.
type LineLevels struct{ High, Low float64 }

// ridges is the ridge measure of every pixel, largest over the scales, and the
// unit vector across the ridge.
type ridges struct {
	grid
	value  cv.Plane
	nx, ny []float32
	inner  cv.Gray
}

// newRidges computes Frangi's measure for dark lines.
func newRidges(full grid) (ridges, error) {
	g, err := full.coarser(linePxPerMM)
	if err != nil {
		return ridges{}, err
	}
	r := ridges{grid: g, value: cv.NewPlane(g.w, g.h), nx: make([]float32, g.w*g.h), ny: make([]float32, g.w*g.h)}
	from, at := g.od[green], 0.0
	for _, mm := range lineSigmasMM {
		sigma := math.Hypot(mm*g.scale, g.blur)
		if from, err = cv.Gaussian(from, math.Sqrt(sigma*sigma-at*at)); err != nil {
			return ridges{}, err
		}
		at = sigma
		r.add(from, sigma*sigma)
	}
	r.inner, err = g.inner(lineEdgeMM)
	return r, err
}

// add takes one scale in: p smoothed, weight sigma^2.
func (r *ridges) add(p cv.Plane, weight float64) {
	w := p.W
	k := float32(weight)
	for y := 1; y < p.H-1; y++ {
		for x := 1; x < w-1; x++ {
			i := y*w + x
			c := 2 * p.Pix[i]
			xx, yy := k*(c-p.Pix[i-1]-p.Pix[i+1]), k*(c-p.Pix[i-w]-p.Pix[i+w])
			if xx+yy <= 0 { // bright
				continue
			}
			xy := k * (p.Pix[i-w+1] + p.Pix[i+w-1] - p.Pix[i-w-1] - p.Pix[i+w+1]) / 4
			m, h := (xx+yy)/2, (xx-yy)/2
			d := float32(math.Sqrt(float64(h*h + xy*xy)))
			large, small := m+d, m-d
			v := ridge(float64(large), float64(small))
			if float32(v) > r.value.Pix[i] {
				r.value.Pix[i] = float32(v)
				nx, ny := xy, large-xx
				if math.Abs(float64(large-yy)) > math.Abs(float64(ny)) {
					nx, ny = large-yy, xy
				}
				n := float32(math.Hypot(float64(nx), float64(ny)))
				if n > 0 {
					r.nx[i], r.ny[i] = nx/n, ny/n
				}
			}
		}
	}
}

// ridge is Frangi's measure for a dark line from the eigenvalues of minus the
// Hessian in OD, the larger first: exp(-Rb^2/2b^2) (1 - exp(-S^2/2c^2)).
func ridge(large, small float64) float64 {
	s2 := large*large + small*small
	if large <= 0 || s2 < 0.1*lineC*lineC { // below 0.05, never part of a line
		return 0
	}
	rb := small / large
	return math.Exp(-rb*rb/(2*lineBeta*lineBeta)) * (1 - math.Exp(-s2/(2*lineC*lineC)))
}

// lineThresholds freezes what counts as a line.
func lineThresholds(full grid) (*LineLevels, error) {
	r, err := newRidges(full)
	if err != nil {
		return nil, err
	}
	if _, sd := spread(r.value, r.inner); math.IsNaN(sd) {
		return nil, nil
	}
	// The noise of the finest scale, through the same measure.
	sigma := math.Hypot(lineSigmasMM[0]*r.scale, r.blur)
	noise := ridge(lineNoiseSDs*r.noise*noiseGain(sigma), 0)
	high := max(lineHigh, noise)
	return &LineLevels{High: high, Low: max(lineLow, high*lineLow/lineHigh)}, nil
}

// findLines traces centre lines outside exclude. It returns their total length in
// pixels of full and their mask.
func findLines(full grid, t LineLevels, exclude cv.Gray) (lengthPx float64, mask cv.Gray, err error) {
	r, err := newRidges(full)
	if err != nil {
		return 0, cv.Gray{}, err
	}
	off, err := cv.ResizeGray(exclude, r.w, r.h)
	if err != nil {
		return 0, cv.Gray{}, err
	}
	crest := r.crests(t.Low, off)
	thin(crest)
	labels, regions, err := cv.Components(crest)
	if err != nil {
		return 0, cv.Gray{}, err
	}
	kept := cv.NewGray(r.w, r.h)
	length := 0.0
	for _, c := range regions {
		box := math.Hypot(float64(c.W), float64(c.H))
		if box < lineStraight*lineMinMM*r.scale {
			continue
		}
		pixels := within(labels, r.w, c)
		peak, sum := 0.0, 0.0
		for _, i := range pixels {
			peak = max(peak, float64(r.value.Pix[i]))
			sum += float64(r.value.Pix[i])
		}
		l := chainLength(pixels, labels, r.w, r.h)
		if l < lineMinMM*r.scale || box < lineStraight*l || peak < t.High || sum < lineMean*float64(len(pixels)) {
			continue
		}
		length += l
		fill(kept, pixels)
	}
	k := full.scale / r.scale
	wide, err := cv.Morph(kept, cv.Dilate, 1) // so that a reduced mask shows
	if err != nil {
		return 0, cv.Gray{}, err
	}
	mask, err = enlarge(wide, full.w, full.h)
	return length * k, mask, err
}

// crests marks the pixels above low that are no lower than their neighbours
// across the ridge: the centre lines, about one pixel wide.
func (r ridges) crests(low float64, off cv.Gray) cv.Gray {
	out := cv.NewGray(r.w, r.h)
	for y := 1; y < r.h-1; y++ {
		for x := 1; x < r.w-1; x++ {
			i := y*r.w + x
			v := r.value.Pix[i]
			if float64(v) < low || r.inner.Pix[i] == 0 || off.Pix[i] >= 128 {
				continue
			}
			// The neighbour nearest to the direction across.
			dx, dy := int(math.Round(float64(r.nx[i])*1.2)), int(math.Round(float64(r.ny[i])*1.2))
			dx, dy = max(-1, min(1, dx)), max(-1, min(1, dy))
			if step := dy*r.w + dx; v > r.value.Pix[i-step] && v >= r.value.Pix[i+step] {
				out.Pix[i] = 255
			}
		}
	}
	return out
}

// thin takes the corners out of staircases, which would count as two steps for a
// diagonal: a pixel with exactly two neighbours along the axes, at right angles,
// and nothing behind it.
func thin(m cv.Gray) {
	for y := 1; y < m.H-1; y++ {
		for x := 1; x < m.W-1; x++ {
			i := y*m.W + x
			if m.Pix[i] == 0 {
				continue
			}
			on := func(dx, dy int) bool { return m.Pix[i+dy*m.W+dx] != 0 }
			for _, d := range [4][2]int{{1, 1}, {1, -1}, {-1, 1}, {-1, -1}} {
				if on(d[0], 0) && on(0, d[1]) && !on(-d[0], 0) && !on(0, -d[1]) && !on(-d[0], -d[1]) {
					m.Pix[i] = 0
					break
				}
			}
		}
	}
}

// chainLength is the length of a thin component: 1 for each pair of neighbours
// along an axis and sqrt 2 for each along a diagonal that no axis step replaces.
func chainLength(pixels []int, labels []int32, w, h int) float64 {
	length := 0.0
	for _, i := range pixels {
		l, x, y := labels[i], i%w, i/w
		on := func(dx, dy int) bool {
			u, v := x+dx, y+dy
			return u >= 0 && u < w && v >= 0 && v < h && labels[v*w+u] == l
		}
		if on(1, 0) {
			length++
		}
		if on(0, 1) {
			length++
		}
		if on(1, 1) && !on(1, 0) && !on(0, 1) {
			length += math.Sqrt2
		}
		if on(-1, 1) && !on(-1, 0) && !on(0, 1) {
			length += math.Sqrt2
		}
	}
	return length
}
