// Package align maps a photo to the baseline of its series and measures the error
// of the map, or refuses.
//
// flow.go estimates the map, heldout.go and trust.go judge it, map.go carries
// positions and takes it apart, features.go starts views without pupils.
//
// # How
//
// Both photos are brought into frames by their pupils (views without pupils: by
// SIFT features, see features.go). Log luminance without its low frequencies, so
// that light does not matter, is matched by dense inverse search flow (Kroeger et
// al. 2016). What the flow has beside the motion of the face as a whole (a polynomial
// of second degree) is then smoothed over the face with weights that follow the
// local agreement of the two photos, so that skin that agrees carries skin that
// does not.
//
// # The error is measured on skin that did not take part
//
// The flow is estimated a second time with a lattice of squares blanked in both
// photos. In each of them the position that the surroundings predict is compared
// with the one that the skin itself asks for. That gives the residual; the
// correlation at the predicted position tells whether it is the same skin at all.
// Another person's skin can be bent to match where it is seen, but not where it is
// not.
//
// Place by place the map is held against one from the photo to the baseline that was
// estimated on its own; where the two do not lead back to the same skin, it does not
// count as known.
//
// # What the map is for
//
// It carries zones, masks and points between photos. No metric is computed on
// pixels that it warped.
package align

import (
	"errors"
	"fmt"
	"math"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

// ErrMismatch is wrapped where two photos do not show the same skin from about
// the same side. The text says what was found instead.
var ErrMismatch = errors.New("does not match the baseline")

// View is one photo prepared for alignment.
type View struct {
	Frame photo.Frame
	RGB   cv.RGB  // of the frame
	Skin  cv.Gray // of the frame; 255 is skin
}

// Quality is what a registration tells about itself.
type Quality struct {
	Patches        int     // held-out squares on skin common to both photos
	Inliers        int     // of these, the ones whose skin was found again
	Agreement      float64 // median correlation of the held-out skin at the predicted place, -1..1
	ResidualUnits  float64 // median error on the inliers, in units of the frame
	Overlap        float64 // share of the baseline's skin that is skin in the photo
	YawDeltaDeg    float64 // head turned further to its left than at baseline, degrees
	PitchDeltaDeg  float64 // head lowered further than at baseline
	PerspectiveRel float64 // change of 1/distance, in units of 1/(inter-pupil distance)
}

// Map carries positions between the baseline photo and another one.
type Map struct {
	base, target photo.Frame
	// Displacements in frame pixels: a position p of the baseline's frame is at
	// p+forward(p) of the target's frame, and back.
	fx, fy, bx, by cv.Plane
	miss           cv.Plane // see missing; frame px
	Quality        Quality
	// Similarity is the part of the map that moves and turns as a whole: baseline
	// photo -> photo, in photo pixels.
	Similarity cv.Affine

	rigid [7]float64 // see geometry
}

// finest is the scale at which the flow ends: half the frame's resolution, about
// 0.6 mm a pixel. Its smoothing is ten times as wide.
const finest = 1

// Decision limits, on held-out skin; the bench prints how well they separate the
// 22 real pairs from the 462 pairs of different people.
const (
	minPatches   = 12
	minOverlap   = 0.45
	minAgreement = 0.32 // strangers reach 0.25, true pairs 0.52 and more (0.41 with all but skin painted over)
	minFound     = 0.35 // share of the held-out squares whose skin was found again
)

// Register maps target to base. It returns an error wrapping ErrMismatch where the
// photos do not show the same skin.
func Register(base, target View) (*Map, error) { return registered(base, target, minAgreement) }

// RegisterAccepted is Register for a photo in which somebody has seen the skin of the
// baseline: that the two agree weakly does not refuse it. All else does, a photo that
// agrees better when mirrored too.
func RegisterAccepted(base, target View) (*Map, error) {
	return registered(base, target, math.Inf(-1))
}

// Weak tells whether the skin agrees less than Register asks for, and what that is.
func (m *Map) Weak() (limit float64, weak bool) {
	return minAgreement, m.Quality.Agreement < minAgreement
}

// registered maps target to base where they agree by least or more.
func registered(base, target View, least float64) (*Map, error) {
	m, err := register(base, target, least)
	if err != nil {
		return nil, err
	}
	if m.same(minAgreement) {
		return m, nil
	}
	reason, turned := m.describe(), false
	if mirrored, err := mirror(target); err == nil {
		if mm, err := register(base, mirrored, minAgreement); err == nil && mm.same(minAgreement) && mm.Quality.Agreement > m.Quality.Agreement+0.1 {
			reason, turned = "the photo is mirrored", true
		}
	}
	if m.same(least) && !turned {
		return m, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrMismatch, reason)
}

func (m *Map) same(agreement float64) bool {
	q := m.Quality
	return q.Patches >= minPatches && q.Overlap >= minOverlap && q.Agreement >= agreement && float64(q.Inliers) >= minFound*float64(q.Patches)
}

func (m *Map) describe() string {
	q := m.Quality
	switch {
	case q.Overlap < minOverlap:
		return fmt.Sprintf("only %.0f %% of the baseline's skin can be seen (at least %.0f %% is needed): another view, or the face is covered", 100*q.Overlap, 100*minOverlap)
	case q.Patches < minPatches:
		return fmt.Sprintf("only %d places of common skin (at least %d are needed)", q.Patches, minPatches)
	}
	return fmt.Sprintf("the skin differs: correlation %.2f where %.2f is needed, %d of %d places found again; another person, another view, light from another side, or far too blurred", q.Agreement, minAgreement, q.Inliers, q.Patches)
}

// mirror flips a view left to right.
func mirror(v View) (View, error) {
	rgb, err := cv.Orient(v.RGB, 2)
	if err != nil {
		return View{}, err
	}
	skin := cv.NewGray(v.Skin.W, v.Skin.H)
	for y := range skin.H {
		for x := range skin.W {
			skin.Pix[y*skin.W+x] = v.Skin.Pix[y*skin.W+skin.W-1-x]
		}
	}
	return View{Frame: v.Frame, RGB: rgb, Skin: skin}, nil
}

// register maps target to base. The map is only complete where they are the same
// skin, with an agreement of least or more.
func register(base, target View, least float64) (*Map, error) {
	if base.RGB.W != target.RGB.W || base.RGB.H != target.RGB.H || base.Frame.Unit != target.Frame.Unit {
		return nil, fmt.Errorf("align: frames of %dx%d and %dx%d: %w", base.RGB.W, base.RGB.H, target.RGB.W, target.RGB.H, cv.ErrInput)
	}
	a, err := look(base)
	if err != nil {
		return nil, err
	}
	b, err := look(target)
	if err != nil {
		return nil, err
	}
	squares := lattice(base.Frame, base.Skin)
	m := &Map{base: base.Frame, target: target.Frame}
	hx, hy, err := flow(a, b, squares, base.Frame.Unit)
	if err != nil {
		return nil, err
	}
	if m.Quality, err = judge(base, target, hx, hy, squares); err != nil {
		return nil, err
	}
	if !m.same(least) {
		return m, nil
	}
	if m.fx, m.fy, err = flow(a, b, nil, base.Frame.Unit); err != nil {
		return nil, err
	}
	if m.bx, m.by, err = invert(m.fx, m.fy); err != nil {
		return nil, err
	}
	if m.miss, err = missing(a, b, m.fx, m.fy, base.Frame.Unit); err != nil {
		return nil, err
	}
	m.geometry(base)
	return m, nil
}
