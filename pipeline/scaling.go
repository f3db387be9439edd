package pipeline

import (
	"fmt"
	"math"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/card"
	"github.com/dermatrend/dermatrend/pipeline/compare"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// maxMarkerTilt is the tilt, degrees, from which a marker is told not to lie in the
// plane of the face.
const maxMarkerTilt = 20

// findMarker looks for a scale marker beside the face.
func (s *shot) findMarker(r *seriesRun) error {
	found, ok, err := card.FindScale(s.rgb, r.cfg.MarkerMM)
	if err != nil || !ok {
		if found.Cut {
			r.note("%s: the scale marker is cut by the edge of the photo, or too near to it, and is not used; keep it whole in the picture", s.ref.File)
		}
		return err
	}
	s.marker = found
	if found.TiltDeg > maxMarkerTilt {
		r.note("%s: the scale marker is tilted by %.0f degrees against the picture; hold it flat beside the cheek, in the plane of the face", s.ref.File, found.TiltDeg)
	}
	return nil
}

// scaleSource is one way to know px/mm of a photo.
type scaleSource struct {
	name    string
	kind    string // as study.yaml calls it
	pxPerMM float64
	relSD   float64 // 1 SD
}

// By how much an entry in the manifest may be wrong, 1 SD: a ruler is read to about a
// twentieth at worst.
const enteredSD = 0.02

// scaleSources lists what the photo and its entry say of the scale, the best first.
func (s *shot) scaleSources() []scaleSource {
	var out []scaleSource
	if s.marker.PxPerMM > 0 {
		out = append(out, scaleSource{"marker", "marker", s.marker.PxPerMM, s.marker.RelSD})
	}
	switch {
	case s.ref.Ruler != nil:
		out = append(out, scaleSource{"ruler", "manifest", s.ref.Ruler.PxPerMM(), enteredSD})
	case s.ref.PxPerMM > 0:
		out = append(out, scaleSource{"manifest", "manifest", s.ref.PxPerMM, enteredSD})
	}
	if s.iris[0] > 0 {
		out = append(out, scaleSource{"iris", "iris", s.iris[0], s.iris[1]})
	}
	return out
}

// settleScale takes px/mm of the baseline from a marker, a ruler, the manifest or the
// iris, and that of the other photos from the alignment, which knows ratios better
// than any of them.
func (r *seriesRun) settleScale() {
	base := r.shots[0]
	r.scale = "none"
	for _, q := range base.scaleSources() {
		if r.cfg.Scale == "" || r.cfg.Scale == "auto" || r.cfg.Scale == q.kind {
			base.pxPerMM, r.scale = q.pxPerMM, q.name
			if q.kind != "manifest" { // what the user states is taken as it is
				r.relSD = q.relSD
			}
			break
		}
	}
	for _, s := range r.shots[1:] {
		s.pxPerMM = base.pxPerMM * s.scaleToBase()
		if m := s.ref.PxPerMM; m > 0 && base.ref.PxPerMM > 0 && math.Abs(m/s.pxPerMM-1) > 0.05 {
			r.note("%s: px_per_mm %.3g in the manifest, %.3g by alignment to the baseline, which is used", s.ref.File, m, s.pxPerMM)
		}
	}
	r.result.Scale, r.result.PxPerMM, r.result.PxPerMMRelSD = r.scale, result.Number(base.pxPerMM), result.Number(r.relSD)
}

// scaleCheck holds the sources of a photo's scale against each other: at baseline all
// that there are, in later photos a marker against the scale that came with the
// alignment. ok is false where there are no two.
func (r *seriesRun) scaleCheck(s *shot) (c compare.Check, ok bool) {
	sources := s.scaleSources()
	if s != r.shots[0] {
		if s.marker.PxPerMM == 0 || s.pxPerMM == 0 {
			return c, false
		}
		sources = []scaleSource{{name: "alignment to the baseline", pxPerMM: s.pxPerMM, relSD: math.Max(r.relSD, 0.01)}, sources[0]}
	}
	worst := -1.0
	for i, a := range sources {
		for _, b := range sources[:i] {
			apart, limit := 100*(a.pxPerMM/b.pxPerMM-1), 196*math.Hypot(a.relSD, b.relSD)
			if z := math.Abs(apart) / limit; z > worst {
				worst = z
				c = compare.Check{Name: "scale_sources", Value: apart, Limit: limit, Unit: "percent", Status: result.OK,
					Affects: []metrics.Family{metrics.Texture, metrics.Lines, metrics.Pores, metrics.Scars}}
				if z > 1 {
					c.Status = result.Caution
					c.Explanation = fmt.Sprintf("the scale is %.4g px/mm by %s and %.4g by %s, which differ by more than their errors: hold the marker beside the cheek, print it in true size, check px_per_mm", a.pxPerMM, a.name, b.pxPerMM, b.name)
				}
			}
		}
	}
	return c, worst >= 0
}
