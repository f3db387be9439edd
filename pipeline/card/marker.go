// Package card reads what is photographed beside the face: the scale marker, the
// colour chart and the code of the subject; and draws the sheets that carry them.
package card

import (
	"fmt"
	"math"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// Sizes of the markers that are printed, mm. The number of a marker is the side of
// its black square in millimetres, so that a photo of it needs no further entry.
const (
	MinMarkerMM     = 10
	MaxMarkerMM     = 100
	DefaultMarkerMM = 30
)

// Scale is what a marker says of px/mm.
type Scale struct {
	PxPerMM float64 // across the line of sight, at the middle of the marker
	RelSD   float64 // 1 SD of it: corners, print, and depth beside the face
	TiltDeg float64 // between the marker and the plane of the picture, 0 to 90
	SideMM  float64
	Corners [4][2]float64 // px
	Cut     bool          // a marker that the edge of the photo may cut: it is no scale
}

// Sources of error of a scale by marker, 1 SD.
const (
	cornerPx = 0.35  // of a corner, px; 0.1 to 0.3 on rendered photos
	printing = 0.003 // of the printed size, once it has been checked with a ruler
	depth    = 0.008 // of the scale: the marker is some 8 mm before or behind the cheeks, at 1 m
)

// FindScale finds the markers in a photo and reads the scale off the largest. ok is
// false where there is none, or only one that is cut. sideMM is the side of foreign markers, whatever their
// number; 0 for our own, which say it themselves.
func FindScale(photo cv.RGB, sideMM float64) (s Scale, ok bool, err error) {
	gray, err := cv.ToGray(photo)
	if err != nil {
		return s, false, err
	}
	markers, err := cv.Markers(gray)
	if err != nil {
		return s, false, err
	}
	for _, m := range markers {
		side := sideMM
		if side == 0 {
			if side = float64(m.ID); m.ID < MinMarkerMM || m.ID > MaxMarkerMM {
				continue
			}
		}
		t, err := scaleOf(m.Corners, side)
		switch {
		case err != nil:
		case t.atEdge(photo.W, photo.H):
			s.Cut = !ok
		case !ok || t.area() > s.area():
			s, ok = t, true
		}
	}
	return s, ok, nil
}

// atEdge tells that a corner lies within half a cell of the edge of the photo. Of a
// marker that is cut there three corners are right and the fourth is guessed: on a
// rendered photo the scale was 8 % off.
func (s Scale) atEdge(w, h int) bool {
	rim := math.Sqrt(s.area()) / cv.MarkerSide / 2
	for _, c := range s.Corners {
		if c[0] < rim || c[1] < rim || c[0] > float64(w-1)-rim || c[1] > float64(h-1)-rim {
			return true
		}
	}
	return false
}

// area of the marker in the picture, px^2.
func (s Scale) area() float64 {
	a := 0.0
	for i, p := range s.Corners {
		q := s.Corners[(i+1)%4]
		a += (p[0]*q[1] - q[0]*p[1]) / 2
	}
	return math.Abs(a)
}

// scaleOf measures a marker by the map from its plane to the picture, at its middle:
// seen from afar, the larger singular value of the Jacobian is the scale, and the
// smaller one is shortened by the cosine of the tilt.
func scaleOf(c [4][2]float64, side float64) (Scale, error) {
	h, err := fitHomography([][2]float64{{-side / 2, -side / 2}, {side / 2, -side / 2}, {side / 2, side / 2}, {-side / 2, side / 2}}, c[:])
	if err != nil {
		return Scale{}, fmt.Errorf("marker: %w", err)
	}
	big, small := h.singular(0, 0)
	s := Scale{PxPerMM: big, TiltDeg: math.Acos(math.Min(1, small/big)) * 180 / math.Pi, SideMM: side, Corners: c}
	// Two opposite sides, each with two corners.
	px := math.Sqrt(s.area())
	s.RelSD = math.Sqrt(cornerPx*cornerPx/(px*px) + printing*printing + depth*depth)
	return s, nil
}
