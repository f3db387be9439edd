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
			Clipped: clipped(s), JPEGQuality: s.quality, NoColour: s.noColour, Camera: s.camera, BaseCamera: r.shots[0].camera, DaysSince: days}
		base := r.shots[0]
		f.IPDMM = ipdMM(base)
		f.Glare, f.ColourSpread = s.glare-base.glare, math.Log(s.spread/base.spread)
		f.NoisePct = 100 * quadrature(s.noiseRel, base.noiseRel)
		f.Fine, f.FineOverMiddle = s.detail()
		f.DatedBefore = r.datedBefore(s)
		if s.toShot != nil {
			q := s.toShot.Quality
			f.YawDeg, f.PitchDeg, f.Perspective, f.ResidualPct = q.YawDeltaDeg, q.PitchDeltaDeg, q.PerspectiveRel, 100*q.ResidualUnits
			f.Light = compare.MeasureLight(commonLight(base, s))
		}
		checks := append(compare.Checks(f), s.chartChecks...)
		if c, ok := r.scaleCheck(s); ok {
			checks = append(checks, c)
			if c.Status != result.OK {
				r.note("%s: %s", s.ref.File, c.Explanation)
			}
		}
		s.checks = slices.DeleteFunc(checks, func(c compare.Check) bool { return !r.cfg.does(c.Name) })
		if s.accepted != "" {
			limit, _ := s.toShot.Weak()
			s.checks = append(s.checks, compare.Accepted(s.toShot.Quality.Agreement, limit, s.accepted))
		}
		s.gate = compare.Gate(s.checks)
	}
	if err := r.judgeZones(); err != nil {
		return err
	}
	for _, s := range r.shots {
		for _, c := range s.checks {
			r.result.Comparability = append(r.result.Comparability, c.Row(r.series.Subject.ID, r.series.View, s.session.ID, s.ref.File))
		}
	}
	return nil
}

// judgeZones outlines the zones at baseline and judges each of them in each photo.
func (r *seriesRun) judgeZones() error {
	r.zones = r.outlines()
	for _, s := range r.shots {
		s.zones = map[string]*zone{}
		if s.toShot != nil {
			var err error
			if s.skinAtBase, err = s.toShot.MaskToBase(s.skin); err != nil {
				return err
			}
		}
		for i := range r.zones {
			s.zones[r.zones[i].name] = r.judgeZone(s, &r.zones[i])
		}
		if s.toShot != nil {
			for i, known := range s.toShot.Known().Pix {
				if known == 0 { // it may be the skin beside it
					s.skinAtBase.Pix[i] = 0
				}
			}
		}
	}
	return nil
}

// judgeZone adds the checks of a zone to those of the photo.
func (r *seriesRun) judgeZone(s *shot, z *zoneOutline) *zone {
	out := &zone{name: z.name}
	whole := count(z.mask)
	switch {
	case whole < 60: // frame pixels, about 6 mm^2
		out.refused = "hardly any skin of the zone can be seen at baseline"
		return out
	case s.toShot == nil:
		return out
	}
	seen, lost := 0, 0
	known := s.toShot.Known()
	for i, v := range z.mask.Pix {
		if v != 0 && s.skinAtBase.Pix[i] != 0 {
			seen++
			if known.Pix[i] == 0 {
				lost++
			}
		}
	}
	checks := compare.ZoneChecks(compare.ZoneFacts{Zone: z.name, MovedPct: 100 * s.toShot.Expression(z.mask), StretchPct: s.toShot.ZoneStretch(z.mask),
		Hidden: 1 - float64(seen)/float64(whole), Lost: float64(lost) / float64(seen)})
	checks = slices.DeleteFunc(checks, func(c compare.Check) bool { return !r.cfg.does(c.Name) })
	switch j := compare.Worst(checks); j.Status {
	case result.Refused:
		out.refused = j.Reason
	case result.Caution:
		out.caution = j.Reason
	}
	if z.name != referenceZone {
		s.checks = append(s.checks, checks...)
	}
	return out
}

// ipdMM is the distance between the pupils of a photo; 0 without pupils or scale.
func ipdMM(s *shot) float64 {
	if s.iris[0] == 0 || s.pxPerMM == 0 {
		return 0
	}
	return s.frame.Scale() * s.frame.Unit / s.pxPerMM
}

// quadrature is the root of the difference of two squares, negative where b is the
// larger.
func quadrature(a, b float64) float64 {
	return math.Copysign(math.Sqrt(math.Abs(a*a-b*b)), a-b)
}

// datedBefore is the number of days by which the camera dates a photo before one of
// an earlier session, 0 where the order is right; NaN where the camera says nothing.
func (r *seriesRun) datedBefore(s *shot) float64 {
	most := math.NaN()
	for _, o := range r.shots {
		if o == s || o.session == s.session {
			break
		}
		if !o.taken.IsZero() && !s.taken.IsZero() {
			if d := math.Max(0, o.taken.Sub(s.taken).Hours()/24); !(d <= most) {
				most = d
			}
		}
	}
	return most
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
			if okB && okT && base.chart != nil && s.chart != nil {
				b, t = base.chart.Correct(b), s.chart.Correct(t)
				okB, okT = min(b[0], b[1], b[2]) > 0, min(t[0], t[1], t[2]) > 0
			}
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
