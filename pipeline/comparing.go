package pipeline

import (
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/compare"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// comparePhotos settles the scale of the series and judges every photo against
// the baseline.
func comparePhotos(r *seriesRun) error {
	r.settleScale()
	for _, s := range r.shots {
		days := s.session.DaysSinceTreatment
		f := compare.Facts{PxPerMM: s.pxPerMM, ScaleRatio: s.scaleToBase(), BlurVar: s.blurVar, BlurVarError: s.blurErr,
			Clipped: clipped(s), JPEGQuality: s.quality, SRGB: s.srgb, SameProfile: s.profile == r.shots[0].profile, DaysSince: days}
		if s.toShot != nil {
			q := s.toShot.Quality
			f.YawDeg, f.PitchDeg, f.Perspective, f.ResidualPct = q.YawDeltaDeg, q.PitchDeltaDeg, q.PerspectiveRel, 100*q.ResidualUnits
			f.Light = compare.MeasureLight(commonLight(r.shots[0], s))
		}
		s.checks = slices.DeleteFunc(compare.Checks(f), func(c compare.Check) bool { return !r.cfg.does(c.Name) })
		s.gate = compare.Gate(s.checks)
		for _, c := range s.checks {
			r.result.Comparability = append(r.result.Comparability, c.Row(r.series.Subject.ID, r.series.View, s.session.ID, s.ref.File))
		}
	}
	return nil
}

// settleScale takes px/mm of the baseline from a ruler, the manifest or the iris, and that
// of the other photos from the alignment, which knows ratios better than any iris.
func (r *seriesRun) settleScale() {
	base := r.shots[0]
	source := r.cfg.Scale
	wants := func(kind string) bool { return source == "" || source == "auto" || source == kind }
	switch {
	case base.ref.Ruler != nil && wants("manifest"):
		base.pxPerMM, r.scale = base.ref.Ruler.PxPerMM(), "ruler"
	case base.ref.PxPerMM > 0 && wants("manifest"):
		base.pxPerMM, r.scale = base.ref.PxPerMM, "manifest"
	case base.iris[0] > 0 && wants("iris"):
		base.pxPerMM, r.relSD, r.scale = base.iris[0], base.iris[1], "iris"
	default:
		r.scale = "none"
	}
	for _, s := range r.shots[1:] {
		s.pxPerMM = base.pxPerMM * s.scaleToBase()
		if m := s.ref.PxPerMM; m > 0 && base.ref.PxPerMM > 0 && math.Abs(m/s.pxPerMM-1) > 0.05 {
			r.note("%s: px_per_mm %.3g in the manifest, %.3g by alignment to the baseline, which is used", s.ref.File, m, s.pxPerMM)
		}
	}
	r.result.Scale, r.result.PxPerMM, r.result.PxPerMMRelSD = r.scale, result.Number(base.pxPerMM), result.Number(r.relSD)
}

// The ends of the 8-bit range: beyond them a camera clips.
const (
	tooDark   = 5
	tooBright = 250
)

// clipped is the share of the skin in the frame with a channel at the end of its
// range.
func clipped(s *shot) float64 {
	n, bad := 0, 0
	for i, v := range s.skin.Pix {
		if v == 0 {
			continue
		}
		n++
		for _, c := range s.view.Pix[3*i : 3*i+3] {
			if c <= tooDark || c >= tooBright {
				bad++
				break
			}
		}
	}
	if n == 0 {
		return 1
	}
	return float64(bad) / float64(n)
}

// commonLight samples the light on the skin that both photos show, on a grid over
// the upper face, where expression moves least.
func commonLight(base, s *shot) []compare.Sample {
	const step, half = 8, 3
	f := base.frame
	var out []compare.Sample
	for y := step; y < f.H-step; y += step {
		for x := step; x < f.W-step; x += step {
			if base.skin.Pix[y*f.W+x] == 0 || float64(y)-f.Origin[1] > f.Unit {
				continue
			}
			tx, ty, ok := s.toShot.InFrame(float64(x), float64(y))
			if !ok {
				continue
			}
			b, okB := meanLight(base, x, y, half)
			t, okT := meanLight(s, int(math.Round(tx)), int(math.Round(ty)), half)
			if okB && okT {
				out = append(out, compare.Sample{U: (float64(x) - f.Origin[0]) / f.Unit, V: (float64(y) - f.Origin[1]) / f.Unit, Base: b, Target: t})
			}
		}
	}
	return out
}

// meanLight averages linear light over a small square of a frame; ok is false
// where it is not all skin, or dark or clipped.
func meanLight(s *shot, x, y, half int) (rgb [3]float64, ok bool) {
	if x < half || y < half || x >= s.view.W-half || y >= s.view.H-half {
		return rgb, false
	}
	n := 0.0
	for j := y - half; j <= y+half; j++ {
		for i := x - half; i <= x+half; i++ {
			k := j*s.view.W + i
			if s.skin.Pix[k] == 0 {
				return rgb, false
			}
			for c := range 3 {
				v := s.view.Pix[3*k+c]
				if v >= tooBright {
					return rgb, false
				}
				rgb[c] += float64(photo.Linear[v])
			}
			n++
		}
	}
	for c := range rgb {
		if rgb[c] /= n; rgb[c] < 1e-4 {
			return rgb, false
		}
	}
	return rgb, true
}

// inverse is the affine map back.
func inverse(m cv.Affine) cv.Affine {
	det := m.A*m.E - m.B*m.D
	return cv.Affine{
		A: m.E / det, B: -m.B / det, C: (m.B*m.F - m.E*m.C) / det,
		D: -m.D / det, E: m.A / det, F: (m.D*m.C - m.A*m.F) / det,
	}
}

// after is the map that applies first m, then n.
func after(n, m cv.Affine) cv.Affine {
	return cv.Affine{
		A: n.A*m.A + n.B*m.D, B: n.A*m.B + n.B*m.E, C: n.A*m.C + n.B*m.F + n.C,
		D: n.D*m.A + n.E*m.D, E: n.D*m.B + n.E*m.E, F: n.D*m.C + n.E*m.F + n.F,
	}
}
