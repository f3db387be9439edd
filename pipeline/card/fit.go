package card

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/metrics"
)

// ErrCard is wrapped by what is wrong with a chart that was found.
var ErrCard = errors.New("the colour chart cannot be used")

// Model of a correction: what the channels are mixed of.
type Model string

// A matrix of three by three, or Finlayson's root-polynomial of degree 2 (Finlayson,
// Mackiewicz and Hurlbert 2015, IEEE Trans Image Process 24:1460), which bends colour
// and is free of exposure as the matrix is.
const (
	Matrix         Model = "matrix"
	RootPolynomial Model = "root-polynomial"
)

// Fit is a correction of colour and how well it does.
type Fit struct {
	Reference string
	Model     Model
	// Residual is the mean colour difference (CIEDE2000) of the patches after it,
	// LeaveOneOut that of each patch when the others alone make the fit, Worst the
	// largest, Neutral the mean chroma that the greys have left beyond their own.
	Residual, LeaveOneOut, Worst, Neutral float64
	// Saturation is how much more colour the reference has than the photo of the chart,
	// as a factor. For one camera in one style it stays, unless the chart fades.
	Saturation float64
	Used       int       // patches
	EV         float64   // stops by which the photo is brightened
	Dropped    []Dropped // patches that do not count

	gain  [3]float64 // white balance
	mixed []float64  // see mixer
}

// Dropped is a patch, 1 to 24, that does not count, and why.
type Dropped struct {
	Patch  int
	Reason string
}

// minNeutrals is the least number of greys that settle the white balance.
const minNeutrals = 2

// Fit finds the correction that takes the patches to a reference with the least mean
// colour difference and keeps white white. With model empty, the root-polynomial is
// taken where it is clearly the better one for patches that it has not seen. The light
// may change steadily over the chart. The error wraps ErrCard.
func (c *Chart) Fit(ref *Reference, model Model) (*Fit, error) {
	f, err := newFitter(c, ref)
	if err != nil {
		return nil, err
	}
	f.level()
	for f.drop() {
		f.level()
	}
	if n := len(f.used); n < minUsed {
		return nil, fmt.Errorf("%w: only %d of %d patches agree with the reference %s: another chart, a faded one, or one in shadow", ErrCard, n, Patches, ref.Name)
	}
	best := f.result(Matrix)
	if model != Matrix {
		// A hair's breadth is no reason for twice the parameters.
		const clearly = 0.85
		if r := f.result(RootPolynomial); model == RootPolynomial || r.LeaveOneOut < clearly*best.LeaveOneOut {
			best = r
		}
	}
	return best, nil
}

// FitBetter fits the two editions of the classic chart and takes the later one unless
// the earlier fits clearly better.
func (c *Chart) FitBetter() (*Fit, error) {
	now, err := c.Fit(&Classic2014, "")
	before, errBefore := c.Fit(&Classic, "")
	if err != nil || errBefore == nil && before.Residual < 0.8*now.Residual && before.LeaveOneOut < 0.9*now.LeaveOneOut {
		return before, errBefore
	}
	return now, nil
}

// Correct is the colour of a pixel, linear light, in the light of the reference.
func (f *Fit) Correct(rgb [3]float64) [3]float64 {
	return mix(f.mixed, f.Model, balanced(rgb, f.gain))
}

func balanced(rgb, gain [3]float64) [3]float64 {
	for i := range rgb {
		rgb[i] *= gain[i]
	}
	return rgb
}

// terms of a model; the first three are the channels.
func (m Model) terms(c [3]float64) []float64 {
	if m == Matrix {
		return c[:]
	}
	root := func(a, b float64) float64 { return math.Sqrt(math.Max(0, a) * math.Max(0, b)) }
	return []float64{c[0], c[1], c[2], root(c[0], c[1]), root(c[1], c[2]), root(c[2], c[0])}
}

func (m Model) size() int {
	if m == Matrix {
		return 7
	}
	return 16
}

// mix applies the parameters: p[0] is the exposure, the others say for each channel how
// much of what each other term has more than the channel is added to it. So equal
// channels stay equal: white is kept.
func mix(p []float64, m Model, c [3]float64) (out [3]float64) {
	t := m.terms(c)
	k := 1
	for i := range out {
		out[i] = p[0] * c[i]
		for j, v := range t {
			if j != i {
				out[i] += p[k] * (v - c[i])
				k++
			}
		}
	}
	return out
}

// fitter holds the patches while a correction is fitted to them.
type fitter struct {
	chart   *Chart
	ref     *Reference
	used    []int // patches that count
	dropped []Dropped
	gain    [3]float64
	rgb     [Patches][3]float64    // measured, balanced, in even light
	linear  [Patches][3]float64    // reference
	lab     [Patches][3]float64    // reference for D65
	metric  [Patches][3][3]float64 // squared colour difference of a small change of linear light
}

func newFitter(c *Chart, ref *Reference) (*fitter, error) {
	f := &fitter{chart: c, ref: ref}
	var ratio [3][]float64
	var weight []float64
	for k, p := range c.Patches {
		f.linear[k] = ref.Linear(k)
		f.lab[k] = labOf(f.linear[k])
		f.metric[k] = metricAt(f.linear[k])
		if p.Dropped != "" {
			f.dropped = append(f.dropped, Dropped{k + 1, p.Dropped})
			continue
		}
		f.used = append(f.used, k)
		// The black patch is too dark to say much of the light.
		if k >= firstNeutral && k < Patches-1 && min(p.RGB[0], p.RGB[1], p.RGB[2]) > 0 {
			for i := range ratio {
				ratio[i] = append(ratio[i], math.Log(f.linear[k][i]/p.RGB[i]))
			}
			// Noise and the steps of 8 bits fall about with the root of the light.
			weight = append(weight, p.RGB[1])
		}
	}
	if len(f.used) < minUsed || len(ratio[0]) < minNeutrals {
		return nil, fmt.Errorf("%w: %d of %d patches can be measured, %d of them grey: overexposed, in a reflection, or too small", ErrCard, len(f.used), Patches, len(ratio[0]))
	}
	f.gain = whiteBalance(ratio, weight)
	for k, p := range c.Patches {
		f.rgb[k] = balanced(p.RGB, f.gain)
	}
	return f, nil
}

// whiteBalance is the gain of each channel from the logs of those that the greys ask
// for. Red and blue are related to green patch by patch, so that light and shadow on the
// greys do not matter, and one grey that disagrees counts little.
func whiteBalance(ratio [3][]float64, weight []float64) (gain [3]float64) {
	const rounds, agree = 5, 0.01
	robust := func(v []float64) float64 {
		mean := 0.0
		for round := range rounds {
			sum, total := 0.0, 0.0
			for k, x := range v {
				w := weight[k]
				if round > 0 {
					w /= math.Max(agree, math.Abs(x-mean))
				}
				sum, total = sum+w*x, total+w
			}
			mean = sum / total
		}
		return mean
	}
	green := robust(ratio[1])
	for i := range gain {
		beside := make([]float64, len(ratio[i]))
		for k := range beside {
			beside[k] = ratio[i][k] - ratio[1][k]
		}
		gain[i] = math.Exp(green + robust(beside))
	}
	return gain
}

func labOf(c [3]float64) [3]float64 {
	l, a, b := metrics.LinearToLab(c[0], c[1], c[2])
	return [3]float64{l, a, b}
}

// metricAt is the quadratic form of the colour difference around a colour.
func metricAt(c [3]float64) (g [3][3]float64) {
	const share = 0.02
	step := share * math.Max(0.02, math.Max(c[0], math.Max(c[1], c[2])))
	at := labOf(c)
	square := func(d [3]float64) float64 {
		up := Difference(at, labOf([3]float64{c[0] + d[0], c[1] + d[1], c[2] + d[2]}))
		down := Difference(at, labOf([3]float64{c[0] - d[0], c[1] - d[1], c[2] - d[2]}))
		return (up*up + down*down) / 2
	}
	var own [3]float64
	for i := range own {
		var d [3]float64
		d[i] = step
		own[i] = square(d)
	}
	for i := range g {
		g[i][i] = own[i] / (step * step)
		for j := range i {
			var d [3]float64
			d[i], d[j] = step, step
			g[i][j] = (square(d) - own[i] - own[j]) / (2 * step * step)
			g[j][i] = g[i][j]
		}
	}
	return g
}

// fit finds the parameters of a model from all patches that count but one (-1: all),
// by least squares in the metric of colour differences, weighted again and again so
// that their mean and not that of their squares is least.
func (f *fitter) fit(m Model, without int) ([]float64, bool) {
	const rounds, least = 8, 0.5
	n := m.size()
	var p []float64
	// The rows of the design: what each parameter adds to each channel of each patch.
	var design [Patches][3][]float64
	for _, k := range f.used {
		t := m.terms(f.rgb[k])
		at := 1
		for i := range 3 {
			row := make([]float64, n)
			row[0] = f.rgb[k][i]
			for j, v := range t {
				if j != i {
					row[at] = v - f.rgb[k][i]
					at++
				}
			}
			design[k][i] = row
		}
	}
	for round := range rounds {
		rows := equations(n)
		for _, k := range f.used {
			if k == without {
				continue
			}
			w := 1.0
			if round > 0 {
				w = 1 / math.Max(least, f.difference(p, m, k))
			}
			for i := range 3 {
				for j := range 3 {
					g := w * f.metric[k][i][j]
					for a, x := range design[k][i] {
						if x == 0 {
							continue
						}
						for b, y := range design[k][j] {
							rows[a][b] += g * x * y
						}
						rows[a][n] += g * x * f.linear[k][j]
					}
				}
			}
		}
		// A little is held back, in units of the largest equation, where patches say nothing.
		for a := 1; a < n; a++ {
			rows[a][a] += 1e-5 * rows[0][0]
		}
		q, ok := solve(rows)
		if !ok {
			return nil, false
		}
		p = q
	}
	return p, true
}

// difference is the colour difference of a patch after a correction.
func (f *fitter) difference(p []float64, m Model, k int) float64 {
	return Difference(f.lab[k], labOf(mix(p, m, f.rgb[k])))
}

// level takes the slope of the light over the chart out of the patches.
func (f *fitter) level() {
	const rounds = 3
	for range rounds {
		p, ok := f.fit(Matrix, -1)
		if !ok {
			return
		}
		rows := equations(3)
		for _, k := range f.used {
			want, have := f.linear[k][1], mix(p, Matrix, f.rgb[k])[1]
			if want < 0.03 || have <= 0 {
				continue
			}
			y := math.Log(want / have)
			w := 1 / math.Max(0.02, math.Abs(y))
			x := [3]float64{1, f.chart.Patches[k].U, f.chart.Patches[k].V}
			for a := range x {
				for b := range x {
					rows[a][b] += w * x[a] * x[b]
				}
				rows[a][3] += w * x[a] * y
			}
		}
		slope, ok := solve(rows)
		if !ok {
			return
		}
		for _, k := range f.used {
			g := math.Exp(slope[1]*f.chart.Patches[k].U + slope[2]*f.chart.Patches[k].V)
			for i := range f.rgb[k] {
				f.rgb[k][i] *= g
			}
		}
	}
}

// drop takes out the patch that differs most, if it differs much more than the others:
// one in a reflection or a shadow. It tells whether there was one.
func (f *fitter) drop() bool {
	const most, much, least = 6, 5.0, 5.0
	p, ok := f.fit(Matrix, -1)
	if !ok || len(f.used) <= minUsed-1 || Patches-len(f.used) >= Patches-minUsed+most {
		return false
	}
	var all []float32
	worst, at := 0.0, -1
	for i, k := range f.used {
		d := f.difference(p, Matrix, k)
		if all = append(all, float32(d)); d > worst {
			worst, at = d, i
		}
	}
	if worst < math.Max(least, much*metrics.MedianPixels(all)) {
		return false
	}
	f.dropped = append(f.dropped, Dropped{f.used[at] + 1, fmt.Sprintf("differs from the reference by %.0f: a reflection, a shadow, dirt, or it has faded", worst)})
	f.used = slices.Delete(f.used, at, at+1)
	return true
}

// result fits a model and says how well it does.
func (f *fitter) result(m Model) *Fit {
	out := &Fit{Reference: f.ref.Name, Model: m, Used: len(f.used), Dropped: f.dropped, gain: f.gain,
		Residual: math.Inf(1), LeaveOneOut: math.Inf(1), Worst: math.Inf(1), Neutral: math.Inf(1)}
	p, ok := f.fit(m, -1)
	if !ok {
		return out
	}
	out.mixed = p
	out.Residual, out.LeaveOneOut, out.Worst, out.Neutral = 0, 0, 0, 0
	neutrals := 0.0
	for _, k := range f.used {
		d := f.difference(p, m, k)
		out.Residual += d / float64(len(f.used))
		out.Worst = math.Max(out.Worst, d)
		if k >= firstNeutral {
			lab := labOf(mix(p, m, f.rgb[k]))
			out.Neutral += math.Hypot(lab[1]-f.lab[k][1], lab[2]-f.lab[k][2])
			neutrals++
		}
		q, ok := f.fit(m, k)
		if !ok {
			out.LeaveOneOut = math.Inf(1)
			continue
		}
		out.LeaveOneOut += f.difference(q, m, k) / float64(len(f.used))
	}
	out.Neutral /= neutrals
	var more []float32
	for _, k := range f.used {
		if seen := labOf(mix(append([]float64{p[0]}, make([]float64, m.size()-1)...), m, f.rgb[k])); k < firstNeutral {
			more = append(more, float32(math.Hypot(f.lab[k][1], f.lab[k][2])/math.Hypot(seen[1], seen[2])))
		}
	}
	out.Saturation = metrics.MedianPixels(more)
	white := out.Correct([3]float64{1, 1, 1})
	out.EV = math.Log2(white[1])
	return out
}

// Limits of a usable fit. Phone cameras leave a mean of 2 to 4 on a good chart, raw
// files 1 to 2; on a rendered chart with noise it is below 1.
const (
	MaxResidual    = 3.0
	MaxLeaveOneOut = 4.0
	MaxNeutral     = 1.5
	MaxTiltDeg     = 35.0 // beyond it the light on the chart is another than that on the face
)

// Usable tells why the fit is not good enough to correct colours with; nil where it is.
func (f *Fit) Usable() error {
	switch {
	case !(f.Residual <= MaxResidual):
		return fmt.Errorf("%w: its patches are %.1f from the reference %s (mean CIEDE2000, at most %g): a faded chart, another edition, or another light than on the face; a chart that was measured is given as card: FILE", ErrCard, f.Residual, f.Reference, MaxResidual)
	case !(f.LeaveOneOut <= MaxLeaveOneOut):
		return fmt.Errorf("%w: patches that it has not seen are %.1f off (mean CIEDE2000, at most %g): too few patches, or faded ones", ErrCard, f.LeaveOneOut, MaxLeaveOneOut)
	case !(f.Neutral <= MaxNeutral):
		return fmt.Errorf("%w: its greys are %.1f from neutral (at most %g): lamps of several colours, or dirt", ErrCard, f.Neutral, MaxNeutral)
	}
	return nil
}
