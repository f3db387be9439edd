package cv

import (
	"fmt"
	"image"
	"image/color"
	"unsafe"

	"gocv.io/x/gocv"
)

// ToGray returns the luma of p (Rec. 601 weights on the encoded values).
func ToGray(p RGB) (Gray, error) {
	var f frame
	defer f.close()
	src, err := f.rgb(p)
	if err != nil {
		return Gray{}, err
	}
	out := NewGray(p.W, p.H)
	dst, err := f.gray(out)
	if err != nil {
		return Gray{}, err
	}
	gocv.CvtColor(*src, dst, gocv.ColorRGBToGray)
	return out, nil
}

// resizeMode averages when a picture shrinks and interpolates when it grows.
func resizeMode(w, nw int) gocv.InterpolationFlags {
	if nw < w {
		return gocv.InterpolationArea
	}
	return gocv.InterpolationLinear
}

// ResizeGray scales g to w x h.
func ResizeGray(g Gray, w, h int) (Gray, error) {
	var f frame
	defer f.close()
	src, err := f.gray(g)
	if err != nil {
		return Gray{}, err
	}
	out := NewGray(max(w, 0), max(h, 0))
	dst, err := f.gray(out)
	if err != nil {
		return Gray{}, err
	}
	gocv.Resize(*src, dst, image.Pt(w, h), 0, 0, resizeMode(g.W, w))
	return out, nil
}

// ResizeRGB scales p to w x h.
func ResizeRGB(p RGB, w, h int) (RGB, error) {
	var f frame
	defer f.close()
	src, err := f.rgb(p)
	if err != nil {
		return RGB{}, err
	}
	out := NewRGB(max(w, 0), max(h, 0))
	dst, err := f.rgb(out)
	if err != nil {
		return RGB{}, err
	}
	gocv.Resize(*src, dst, image.Pt(w, h), 0, 0, resizeMode(p.W, w))
	return out, nil
}

// ResizePlane scales p to w x h.
func ResizePlane(p Plane, w, h int) (Plane, error) {
	var f frame
	defer f.close()
	src, err := f.plane(p)
	if err != nil {
		return Plane{}, err
	}
	out := NewPlane(max(w, 0), max(h, 0))
	dst, err := f.plane(out)
	if err != nil {
		return Plane{}, err
	}
	gocv.Resize(*src, dst, image.Pt(w, h), 0, 0, resizeMode(p.W, w))
	return out, nil
}

// Gaussian returns p smoothed with standard deviation sigma in pixels; the border
// is mirrored.
func Gaussian(p Plane, sigma float64) (Plane, error) {
	if err := positive("sigma", sigma); err != nil {
		return Plane{}, err
	}
	var f frame
	defer f.close()
	src, err := f.plane(p)
	if err != nil {
		return Plane{}, err
	}
	out := NewPlane(p.W, p.H)
	dst, err := f.plane(out)
	if err != nil {
		return Plane{}, err
	}
	// Reflect101 needs the kernel's half width to stay below the picture's size,
	// which OpenCV ensures by itself for any size of at least one pixel.
	gocv.GaussianBlur(*src, dst, image.Point{}, sigma, sigma, gocv.BorderReflect101)
	return out, nil
}

// MaskedGaussian smooths p over the pixels of mask only (normalised
// convolution): what lies outside has no weight. Where no masked pixel is near,
// the result is 0.
func MaskedGaussian(p Plane, mask Gray, sigma float64) (Plane, error) {
	m, err := NewMasked(mask, sigma)
	if err != nil {
		return Plane{}, err
	}
	return m.Gaussian(p)
}

// Masked is a mask and a Gaussian, for several planes to be smoothed over it: what
// depends on the mask alone is done once.
type Masked struct {
	mask   Gray
	sigma  float64
	weight Plane
}

// NewMasked prepares a mask for a standard deviation in pixels.
func NewMasked(mask Gray, sigma float64) (*Masked, error) {
	if err := check(mask.W, mask.H, 1, len(mask.Pix)); err != nil {
		return nil, err
	}
	ones := NewPlane(mask.W, mask.H)
	for i, m := range mask.Pix {
		if m != 0 {
			ones.Pix[i] = 1
		}
	}
	weight, err := Gaussian(ones, sigma)
	return &Masked{mask, sigma, weight}, err
}

// Gaussian is [MaskedGaussian] of p.
func (m *Masked) Gaussian(p Plane) (Plane, error) {
	if err := sameSize(p.W, p.H, m.mask.W, m.mask.H); err != nil {
		return Plane{}, err
	}
	if err := check(p.W, p.H, 1, len(p.Pix)); err != nil {
		return Plane{}, err
	}
	inside := NewPlane(p.W, p.H)
	for i, v := range m.mask.Pix {
		if v != 0 {
			inside.Pix[i] = p.Pix[i]
		}
	}
	out, err := Gaussian(inside, m.sigma)
	if err != nil {
		return Plane{}, err
	}
	for i, w := range m.weight.Pix {
		if w > 1e-3 {
			out.Pix[i] /= w
		} else {
			out.Pix[i] = 0
		}
	}
	return out, nil
}

// Morphology is an operation with a disc.
type Morphology int

const (
	Erode Morphology = iota
	Dilate
	Open
	Close
)

// Morph applies op with a disc of the given radius in pixels to a mask.
func Morph(g Gray, op Morphology, radius int) (Gray, error) {
	if radius < 1 || radius > 500 {
		return Gray{}, fmt.Errorf("cv: radius %d: must be 1 to 500: %w", radius, ErrInput)
	}
	ops := map[Morphology]gocv.MorphType{Erode: gocv.MorphErode, Dilate: gocv.MorphDilate, Open: gocv.MorphOpen, Close: gocv.MorphClose}
	o, ok := ops[op]
	if !ok {
		return Gray{}, fmt.Errorf("cv: morphology %d: %w", op, ErrInput)
	}
	var f frame
	defer f.close()
	src, err := f.gray(g)
	if err != nil {
		return Gray{}, err
	}
	out := NewGray(g.W, g.H)
	dst, err := f.gray(out)
	if err != nil {
		return Gray{}, err
	}
	k := f.own(gocv.GetStructuringElement(gocv.MorphEllipse, image.Pt(2*radius+1, 2*radius+1)))
	gocv.MorphologyEx(*src, dst, o, *k)
	return out, nil
}

// Component is one connected region of a mask (8-neighbours).
type Component struct {
	Label      int // value in the label picture
	X, Y, W, H int // bounding box
	Area       int // pixels
	CX, CY     float64
}

// Components labels the regions of a mask. labels holds W*H values, 0 for
// outside; regions come in the order of their labels.
func Components(g Gray) (labels []int32, regions []Component, err error) {
	var f frame
	defer f.close()
	src, err := f.gray(g)
	if err != nil {
		return nil, nil, err
	}
	labels = make([]int32, g.W*g.H)
	l, err := f.header(unsafe.Slice((*byte)(unsafe.Pointer(&labels[0])), len(labels)*4), g.W, g.H, gocv.MatTypeCV32SC1)
	if err != nil {
		return nil, nil, err
	}
	stats, cent := f.temp(), f.temp()
	n := gocv.ConnectedComponentsWithStats(*src, l, stats, cent)
	for i := 1; i < n; i++ {
		regions = append(regions, Component{
			Label: i,
			X:     int(stats.GetIntAt(i, 0)), Y: int(stats.GetIntAt(i, 1)),
			W: int(stats.GetIntAt(i, 2)), H: int(stats.GetIntAt(i, 3)),
			Area: int(stats.GetIntAt(i, 4)),
			CX:   cent.GetDoubleAt(i, 0), CY: cent.GetDoubleAt(i, 1),
		})
	}
	return labels, regions, nil
}

// Affine maps (x, y) of the destination to (A*x+B*y+C, D*x+E*y+F) of the source.
type Affine struct{ A, B, C, D, E, F float64 }

// At applies the map.
func (m Affine) At(x, y float64) (float64, float64) {
	return m.A*x + m.B*y + m.C, m.D*x + m.E*y + m.F
}

func (f *frame) affine(m Affine) (*gocv.Mat, error) {
	mat := f.own(gocv.NewMatWithSize(2, 3, gocv.MatTypeCV64F))
	for i, v := range []float64{m.A, m.B, m.C, m.D, m.E, m.F} {
		if v != v || v > 1e9 || v < -1e9 {
			return nil, fmt.Errorf("cv: affine %+v: %w", m, ErrInput)
		}
		mat.SetDoubleAt(i/3, i%3, v)
	}
	return mat, nil
}

// warpInverse is cv::WARP_INVERSE_MAP: the matrix maps destination to source.
const warpInverse gocv.InterpolationFlags = 16

// WarpRGB resamples p into a w x h picture; m maps destination to source. Outside
// is black.
func WarpRGB(p RGB, m Affine, w, h int) (RGB, error) {
	var f frame
	defer f.close()
	src, err := f.rgb(p)
	if err != nil {
		return RGB{}, err
	}
	out := NewRGB(max(w, 0), max(h, 0))
	dst, err := f.rgb(out)
	if err != nil {
		return RGB{}, err
	}
	a, err := f.affine(m)
	if err != nil {
		return RGB{}, err
	}
	gocv.WarpAffineWithParams(*src, dst, *a, image.Pt(w, h), gocv.InterpolationLinear|warpInverse, gocv.BorderConstant, color.RGBA{})
	return out, nil
}

// RemapPlane resamples p at the positions (mx, my), which have the size of the
// result. Outside is the nearest border value.
func RemapPlane(p, mx, my Plane) (Plane, error) {
	if err := sameSize(mx.W, mx.H, my.W, my.H); err != nil {
		return Plane{}, err
	}
	if p.W >= 32767 || p.H >= 32767 || mx.W >= 32767 || mx.H >= 32767 { // a limit of cv::remap
		return Plane{}, fmt.Errorf("cv: remap of %dx%d: sides must be under 32767: %w", p.W, p.H, ErrInput)
	}
	var f frame
	defer f.close()
	src, err := f.plane(p)
	if err != nil {
		return Plane{}, err
	}
	x, err := f.plane(mx)
	if err != nil {
		return Plane{}, err
	}
	y, err := f.plane(my)
	if err != nil {
		return Plane{}, err
	}
	out := NewPlane(mx.W, mx.H)
	dst, err := f.plane(out)
	if err != nil {
		return Plane{}, err
	}
	gocv.Remap(*src, dst, x, y, gocv.InterpolationLinear, gocv.BorderReplicate, color.RGBA{})
	return out, nil
}

// RemapGray is RemapPlane for 8-bit pictures; outside is 0, and with nearest the
// values are not interpolated, as a mask wants it.
func RemapGray(g Gray, mx, my Plane, nearest bool) (Gray, error) {
	if err := sameSize(mx.W, mx.H, my.W, my.H); err != nil {
		return Gray{}, err
	}
	if g.W >= 32767 || g.H >= 32767 || mx.W >= 32767 || mx.H >= 32767 {
		return Gray{}, fmt.Errorf("cv: remap of %dx%d: sides must be under 32767: %w", g.W, g.H, ErrInput)
	}
	var f frame
	defer f.close()
	src, err := f.gray(g)
	if err != nil {
		return Gray{}, err
	}
	x, err := f.plane(mx)
	if err != nil {
		return Gray{}, err
	}
	y, err := f.plane(my)
	if err != nil {
		return Gray{}, err
	}
	out := NewGray(mx.W, mx.H)
	dst, err := f.gray(out)
	if err != nil {
		return Gray{}, err
	}
	mode := gocv.InterpolationLinear
	if nearest {
		mode = gocv.InterpolationNearestNeighbor
	}
	gocv.Remap(*src, dst, x, y, mode, gocv.BorderConstant, color.RGBA{})
	return out, nil
}

// Orient applies an EXIF orientation, 1 to 8, and returns p itself for 1.
func Orient(p RGB, exif int) (RGB, error) {
	if exif == 1 {
		return p, nil
	}
	if exif < 1 || exif > 8 {
		return RGB{}, fmt.Errorf("cv: orientation %d: must be 1 to 8: %w", exif, ErrInput)
	}
	var f frame
	defer f.close()
	src, err := f.rgb(p)
	if err != nil {
		return RGB{}, err
	}
	if exif >= 5 { // the sides swap: transpose first, then flip as 1 to 4
		t := f.temp()
		gocv.Transpose(*src, t)
		src = t
	}
	out := NewRGB(src.Cols(), src.Rows())
	dst, err := f.rgb(out)
	if err != nil {
		return RGB{}, err
	}
	const leftRight, upDown, both = 1, 0, -1 // flip codes of OpenCV
	switch exif {
	case 5:
		src.CopyTo(dst)
	case 2, 6:
		gocv.Flip(*src, dst, leftRight)
	case 3, 7:
		gocv.Flip(*src, dst, both)
	case 4, 8:
		gocv.Flip(*src, dst, upDown)
	}
	return out, nil
}
