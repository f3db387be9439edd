package pipeline

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/align"
	"github.com/dermatrend/dermatrend/pipeline/face"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// frameOfPolygons makes the frame of a view without automatic zones: around the
// polygons drawn in the baseline photo, and by features of the skin and
// face in the others.
func frameOfPolygons(s *shot, r *seriesRun) error {
	base := s
	if s.base != nil {
		base = s.base
	}
	zones := r.drawn(base)
	if len(zones) == 0 && len(r.series.Subject.Zones[r.series.View]) == 0 {
		return fmt.Errorf("the view %s has no automatic zones; draw them in series.yaml under zones: {%s: {cheek_left: [[x, y], ...]}}, in pixels of the baseline photo", r.series.View, r.series.View)
	}
	if first := r.series.Sessions[0].Photos[0]; s.base == nil && s.ref.File != first.File {
		return fmt.Errorf("the zones are drawn in %s, which cannot be used", first.File)
	}
	var err error
	if s.base != nil {
		s.frame, err = align.Locate(s.base.frame, s.base.view, s.base.skin, s.rgb)
	} else {
		s.frame, err = around(append(slices.Collect(maps.Values(zones)), r.series.Subject.ReferenceSkin[r.series.View]), s.rgb.W, s.rgb.H)
	}
	if err != nil {
		return err
	}
	if s.view, err = s.frame.View(s.rgb); err != nil {
		return err
	}
	// Skin is modelled on the drawn zones of the baseline; the other photos share
	// their frame, so that the same places serve them.
	seed := cv.NewGray(s.frame.W, s.frame.H)
	for _, poly := range zones {
		for i, v := range face.Fill(base.inFrame(poly), base.frame.W, base.frame.H).Pix {
			seed.Pix[i] |= v
		}
	}
	s.skin, err = face.SkinLike(s.view, seed)
	return err
}

// around is a frame that holds all polygons with half their size on each side,
// about 520 px wide. Its unit, 200 px, stands in for the distance between the pupils.
func around(drawn []study.Polygon, w, h int) (photo.Frame, error) {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, poly := range drawn {
		for _, q := range poly {
			x0, y0 = math.Min(x0, q.X), math.Min(y0, q.Y)
			x1, y1 = math.Max(x1, q.X), math.Max(y1, q.Y)
		}
	}
	if x0 < 0 || y0 < 0 || x1 > float64(w) || y1 > float64(h) {
		return photo.Frame{}, fmt.Errorf("the zones reach to %.0f, %.0f, outside the baseline photo of %d x %d pixels", x1, y1, w, h)
	}
	if x1-x0 < 40 || y1-y0 < 40 {
		return photo.Frame{}, errors.New("the zones are smaller than 40 pixels")
	}
	const side = 2.6 // of the frame, units
	size := 2 * math.Max(x1-x0, y1-y0)
	k := size / (side * face.Unit) // photo px per frame px
	n := int(side * face.Unit)
	cx, cy := (x0+x1)/2, (y0+y1)/2
	return photo.Frame{W: n, H: n, Unit: face.Unit, Origin: [2]float64{float64(n) / 2, float64(n) / 2},
		ToPhoto: cv.Affine{A: k, E: k, C: cx - k*float64(n)/2, F: cy - k*float64(n)/2}}, nil
}
