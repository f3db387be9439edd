package align

import (
	"fmt"
	"math"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

// Locate finds the baseline's frame in a photo of a view without pupils: SIFT
// features (Lowe 2004) of both at about the frame's scale, matched by the ratio
// test, and the similarity that most of them agree with. It returns an error
// wrapping ErrMismatch where too few do.
func Locate(base photo.Frame, view cv.RGB, skin cv.Gray, rgb cv.RGB) (photo.Frame, error) {
	// The whole photo, reduced to a side of about the frame's resolution.
	side := float64(max(rgb.W, rgb.H))
	k := math.Max(1, side/1200)
	whole := photo.Frame{W: int(float64(rgb.W) / k), H: int(float64(rgb.H) / k), ToPhoto: cv.Affine{A: k, E: k}}
	small, err := whole.View(rgb)
	if err != nil {
		return photo.Frame{}, err
	}
	a, err := features(view, &skin)
	if err != nil {
		return photo.Frame{}, err
	}
	b, err := features(small, nil)
	if err != nil {
		return photo.Frame{}, err
	}
	pairs := match(a, b)
	m, inliers := consensus(pairs)
	if inliers < minFeatures {
		return photo.Frame{}, fmt.Errorf("%w: only %d features of the baseline are found again (at least %d are needed): another view or person, or far too blurred", ErrMismatch, inliers, minFeatures)
	}
	f := base
	f.ToPhoto = cv.Affine{A: k * m.A, B: k * m.B, C: k * m.C, D: k * m.D, E: k * m.E, F: k * m.F}
	return f, nil
}

// Different people gave at most 10 features that agree on one similarity, true
// pairs 13 and more but for one in 102 (a trial on real pairs); what passes here
// is still judged by its skin.
const minFeatures = 8

// features of a picture's log luminance, stretched so that skin gives some.
func features(rgb cv.RGB, mask *cv.Gray) ([]cv.Feature, error) {
	l, err := logLight(rgb)
	if err != nil {
		return nil, err
	}
	low, err := cv.Gaussian(l, 16)
	if err != nil {
		return nil, err
	}
	g := cv.NewGray(l.W, l.H)
	for i := range g.Pix {
		g.Pix[i] = uint8(math.Max(0, math.Min(255, 128+200*float64(l.Pix[i]-low.Pix[i]))))
	}
	all := cv.NewGray(l.W, l.H)
	for i := range all.Pix {
		all.Pix[i] = 255
	}
	if mask != nil {
		all = *mask
	}
	f, err := cv.SIFT(g, all)
	if err != nil {
		return nil, err
	}
	// The strongest; SIFT lists them in no useful order.
	const most = 3000
	if len(f) > most {
		strong := make([]float64, len(f))
		for i := range f {
			strong[i] = f[i].Response
		}
		limit := quantile(strong, 1-most/float64(len(f)))
		kept := f[:0]
		for _, x := range f {
			if x.Response >= limit {
				kept = append(kept, x)
			}
		}
		f = kept
	}
	return f, nil
}

type featurePair struct{ ax, ay, bx, by float64 }

// match pairs each feature of a with the nearest of b where the second nearest is
// clearly farther (Lowe's ratio).
func match(a, b []cv.Feature) []featurePair {
	const ratio = 0.8
	var out []featurePair
	for _, p := range a {
		best, second, at := math.Inf(1), math.Inf(1), -1
		for j := range b {
			d := 0.0
			for k, v := range p.Descriptor {
				e := float64(v - b[j].Descriptor[k])
				if d += e * e; d > second {
					break
				}
			}
			if d < best {
				best, second, at = d, best, j
			} else if d < second {
				second = d
			}
		}
		if at >= 0 && best < ratio*ratio*second {
			out = append(out, featurePair{p.X, p.Y, b[at].X, b[at].Y})
		}
	}
	return out
}

// consensus is the similarity a -> b that most pairs agree with: every two pairs
// are tried in a fixed order of strides, then the agreeing ones are fitted.
func consensus(pairs []featurePair) (cv.Affine, int) {
	const tolerance = 4.0 // px
	agree := func(m cv.Affine) (in []featurePair) {
		for _, p := range pairs {
			x, y := m.At(p.ax, p.ay)
			if math.Hypot(x-p.bx, y-p.by) < tolerance {
				in = append(in, p)
			}
		}
		return in
	}
	var best []featurePair
	for stride := 1; stride < len(pairs) && stride <= 40; stride++ {
		for i := range pairs {
			j := (i + stride) % len(pairs)
			m, ok := fit([]featurePair{pairs[i], pairs[j]})
			if s := math.Hypot(m.A, m.D); !ok || s < 0.2 || s > 5 {
				continue
			}
			if in := agree(m); len(in) > len(best) {
				best = in
			}
		}
	}
	m, ok := fit(best)
	if !ok {
		return cv.Affine{}, 0
	}
	return m, len(agree(m))
}

// fit is the least-squares similarity of the pairs.
func fit(p []featurePair) (cv.Affine, bool) {
	if len(p) < 2 {
		return cv.Affine{}, false
	}
	var ax, ay, bx, by float64
	n := float64(len(p))
	for _, q := range p {
		ax, ay, bx, by = ax+q.ax/n, ay+q.ay/n, bx+q.bx/n, by+q.by/n
	}
	var c, s, d float64
	for _, q := range p {
		x, y, u, v := q.ax-ax, q.ay-ay, q.bx-bx, q.by-by
		c, s, d = c+x*u+y*v, s+x*v-y*u, d+x*x+y*y
	}
	if d < 100 { // px^2: nearly the same place
		return cv.Affine{}, false
	}
	c, s = c/d, s/d
	return cv.Affine{A: c, B: -s, C: bx - c*ax + s*ay, D: s, E: c, F: by - s*ax - c*ay}, true
}
