// Package face finds the face in a photo: where it is, its pupils and iris
// circles, its zones, and the skin that counts.
package face

import (
	_ "embed"
	"errors"
	"fmt"
	"math"
	"sort"

	pigo "github.com/esimov/pigo/core"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

// ErrNoFace is wrapped where no frontal face, or no pupils in it, can be found.
var ErrNoFace = errors.New("no face")

// orLight is what else may be the reason where the face is plain to see: the half in
// shadow is missing.
const orLight = "; where it is there, light from one side may hide half of it: light it evenly from the front"

// The cascade is part of github.com/esimov/pigo, MIT licence, see
// cascade/LICENSE-pigo.
//
//go:embed cascade/facefinder
var facefinder []byte

// Point is a position in the photo, in pixels.
type Point struct{ X, Y float64 }

// Face is what was found in a photo. Right and Left are the person's: in an
// unmirrored photo the right eye is on the left.
type Face struct {
	Right, Left Eye
	// IPD is the distance between the pupils, px.
	IPD float64
	// Others is the number of further faces, smaller or farther from the centre.
	Others int
}

// Eye is one iris.
type Eye struct {
	Pupil  Point   // centre of the iris circle
	Radius float64 // of the iris, px
	// Support is the share of the two side arcs of the limbus that the circle fits,
	// 0 to 1.
	Support float64
}

// box is a detected face, in photo pixels: where the point between the pupils and
// their distance are expected, and the size of the whole.
type box struct{ x, y, ipd, size, score float64 }

// Detector finds faces. It is read-only after New and may be shared.
type Detector struct {
	cascade *pigo.Pigo
	net     *cv.FaceNet // optional
}

// New makes a detector; model is the content of a YuNet ONNX file, or nil. The
// caller closes it.
func New(model []byte) (*Detector, error) {
	c, err := pigo.NewPigo().Unpack(facefinder)
	if err != nil {
		return nil, fmt.Errorf("face cascade: %w", err)
	}
	d := &Detector{cascade: c}
	if model != nil {
		if d.net, err = cv.NewFaceNet(model); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Close frees the face model.
func (d *Detector) Close() { d.net.Close() }

// Find looks for the main face: the larger one near the centre. It returns an
// error wrapping ErrNoFace where there is none or its pupils cannot be seen.
func (d *Detector) Find(p *photo.Photo) (*Face, error) {
	boxes, err := d.boxes(p.RGB)
	if err != nil {
		return nil, err
	}
	if len(boxes) == 0 {
		return nil, fmt.Errorf("%w is found; a frontal face with both eyes open is expected%s", ErrNoFace, orLight)
	}
	var failed error
	for i, b := range boxes[:min(len(boxes), 3)] {
		f, err := irises(p.RGB, b)
		if err == nil {
			err = plausible(p.RGB, f)
		}
		if err != nil {
			failed = err
			continue
		}
		for j, o := range boxes {
			apart := math.Hypot(o.x-b.x, o.y-b.y) > 0.5*b.size // closer, it is this face again
			if j != i && apart && o.size > 0.5*b.size && o.score > 0.3*b.score {
				f.Others++
			}
		}
		return f, nil
	}
	return nil, failed
}

// detectSide is the longer side of the picture in which faces are searched; a
// face of a twelfth of it is still found.
const detectSide = 480

// boxes lists the faces, the most prominent first.
func (d *Detector) boxes(rgb cv.RGB) ([]box, error) {
	if d.net != nil {
		found, err := d.net.Detect(rgb)
		if err != nil {
			return nil, err
		}
		var out []box
		for _, f := range found {
			r, l := f.Points[0], f.Points[1]
			out = append(out, box{(r[0] + l[0]) / 2, (r[1] + l[1]) / 2, math.Hypot(l[0]-r[0], l[1]-r[1]), (f.W + f.H) / 2, 20 * f.Score})
		}
		return prominent(out, rgb.W, rgb.H), nil
	}
	s := math.Min(1, detectSide/float64(max(rgb.W, rgb.H)))
	small, err := cv.ResizeRGB(rgb, max(int(float64(rgb.W)*s), 1), max(int(float64(rgb.H)*s), 1))
	if err != nil {
		return nil, err
	}
	gray, err := cv.ToGray(small)
	if err != nil {
		return nil, err
	}
	smallest := max(gray.W, gray.H) / 12
	gray, margin := padded(gray)
	params := pigo.CascadeParams{
		MinSize: smallest, MaxSize: max(gray.W, gray.H), ShiftFactor: 0.1, ScaleFactor: 1.1,
		ImageParams: pigo.ImageParams{Pixels: gray.Pix, Rows: gray.H, Cols: gray.W, Dim: gray.W},
	}
	// A quality of 5 and more is a face; see the package's own examples. Heads
	// tilted by up to 18 degrees are tried where no upright one is seen (the angle
	// is a share of a turn).
	for _, angle := range []float64{0, 0.05, 0.95} {
		var out []box
		for _, f := range d.cascade.ClusterDetections(d.cascade.RunCascade(params, angle), 0.2) {
			if f.Q >= 5 {
				size := float64(f.Scale) / s
				col, row := float64(f.Col-margin[0]), float64(f.Row-margin[1])
				out = append(out, box{(col+0.5)/s - 0.5, (row+0.5)/s - 0.5 - eyesAbove*size, pupilsApart * size, size, float64(f.Q)})
			}
		}
		if len(out) > 0 {
			return prominent(out, rgb.W, rgb.H), nil
		}
	}
	return nil, nil
}

// padded repeats the border of a picture outwards, so that the box around a face
// that fills the photo, or is cut by its edges, still fits into the picture: the
// cascade looks at whole boxes only, and one of a face 140 mm wide is 180 mm wide.
// margin is how much was added at the left and at the top.
func padded(g cv.Gray) (out cv.Gray, margin [2]int) {
	const most = 1.5 // times the shorter side
	side := int(most * float64(min(g.W, g.H)))
	out = cv.NewGray(max(g.W, side), max(g.H, side))
	margin = [2]int{(out.W - g.W) / 2, (out.H - g.H) / 2}
	for y := range out.H {
		row := g.Pix[min(max(y-margin[1], 0), g.H-1)*g.W:][:g.W]
		for x := range out.W {
			out.Pix[y*out.W+x] = row[min(max(x-margin[0], 0), g.W-1)]
		}
	}
	return out, margin
}

// Where the pupils are in a box of the cascade, as shares of its size.
const (
	pupilsApart = 0.35
	eyesAbove   = 0.075
)

// prominent sorts faces by size, discounted with the distance from the centre.
func prominent(b []box, w, h int) []box {
	weight := func(b box) float64 {
		d := math.Hypot(b.x-float64(w)/2, b.y-float64(h)/2) / math.Hypot(float64(w)/2, float64(h)/2)
		return b.size * (1 - 0.5*d) * math.Min(1, b.score/20)
	}
	sort.SliceStable(b, func(i, j int) bool { return weight(b[i]) > weight(b[j]) })
	return b
}

// Unit is the inter-pupil distance in frame pixels; about 3.2 px per mm of skin,
// enough for zones, hair and the large features of the skin.
const Unit = 200

// Frame is the upright view of the face that zones, skin and alignment share:
// 2.6 units wide and 3.5 high, with the point between the pupils at 1.3, 1.35.
func (f *Face) Frame() photo.Frame {
	const w, h, ox, oy = 2.6, 3.5, 1.3, 1.35
	// Frame x runs from the person's right eye to the left one.
	dx, dy := (f.Left.Pupil.X-f.Right.Pupil.X)/Unit, (f.Left.Pupil.Y-f.Right.Pupil.Y)/Unit
	mx, my := (f.Left.Pupil.X+f.Right.Pupil.X)/2, (f.Left.Pupil.Y+f.Right.Pupil.Y)/2
	m := cv.Affine{A: dx, B: -dy, D: dy, E: dx}
	m.C = mx - m.A*ox*Unit - m.B*oy*Unit
	m.F = my - m.D*ox*Unit - m.E*oy*Unit
	return photo.Frame{W: int(w * Unit), H: int(h * Unit), Unit: Unit, Origin: [2]float64{ox * Unit, oy * Unit}, ToPhoto: m}
}

// Iris diameter of adults, visible (white to white): 11.71 mm, SD 0.42 between
// people (Rufer et al. 2005, Cornea 24:259).
const (
	IrisMM   = 11.71
	IrisSDMM = 0.42
)

// PxPerMM is the scale at the face from the iris, and its relative standard
// deviation: that of people, which is constant within a person, and the
// difference between the two eyes.
func (f *Face) PxPerMM() (scale, relSD float64) {
	r := (f.Right.Radius + f.Left.Radius) / 2
	d := (f.Right.Radius - f.Left.Radius) / (f.Right.Radius + f.Left.Radius)
	return 2 * r / IrisMM, math.Hypot(IrisSDMM/IrisMM, d/math.Sqrt2)
}
