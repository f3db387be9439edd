package cv

// #include "shim.h"
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"

	"gocv.io/x/gocv"
)

// Feature is a SIFT key point with its descriptor.
type Feature struct {
	X, Y, Response float64
	Descriptor     []float32 // 128 values
}

// SIFT finds features of g inside mask (same size).
func SIFT(g, mask Gray) ([]Feature, error) {
	if err := sameSize(g.W, g.H, mask.W, mask.H); err != nil {
		return nil, err
	}
	if g.W < 16 || g.H < 16 {
		return nil, fmt.Errorf("cv: sift: %dx%d is too small: %w", g.W, g.H, ErrInput)
	}
	var f frame
	defer f.close()
	src, err := f.gray(g)
	if err != nil {
		return nil, err
	}
	m, err := f.gray(mask)
	if err != nil {
		return nil, err
	}
	s := gocv.NewSIFT()
	defer s.Close()
	kps, d := s.DetectAndCompute(*src, *m)
	desc := f.own(d)
	if len(kps) == 0 {
		return nil, nil
	}
	all, err := desc.DataPtrFloat32()
	if err != nil {
		return nil, fmt.Errorf("cv: sift: %w", err)
	}
	n := len(all) / len(kps)
	out := make([]Feature, len(kps))
	for i, k := range kps {
		out[i] = Feature{X: k.X, Y: k.Y, Response: k.Response,
			Descriptor: append([]float32(nil), all[i*n:(i+1)*n]...)}
	}
	return out, nil
}

// FlowOptions of [Flow]; see the OpenCV documentation of DISOpticalFlow.
type FlowOptions struct {
	FinestScale int // 0: full resolution
	PatchSize   int
	PatchStride int
	Iterations  int // gradient descent
	Variational int
}

// Flow estimates the dense displacement from a to b (same size): the point (x, y)
// of a is at (x+dx, y+dy) of b. Dense inverse search (Kroeger et al. 2016).
func Flow(a, b Gray, o FlowOptions) (dx, dy Plane, err error) {
	if err := sameSize(a.W, a.H, b.W, b.H); err != nil {
		return Plane{}, Plane{}, err
	}
	if err := check(a.W, a.H, 1, len(a.Pix)); err != nil {
		return Plane{}, Plane{}, err
	}
	if err := check(b.W, b.H, 1, len(b.Pix)); err != nil {
		return Plane{}, Plane{}, err
	}
	if a.W < 64 || a.H < 64 || o.FinestScale < 0 || o.FinestScale > 4 || o.PatchSize < 4 || o.PatchSize > 32 || o.PatchStride < 1 || o.PatchStride > o.PatchSize || o.Iterations < 1 || o.Variational < 0 {
		return Plane{}, Plane{}, fmt.Errorf("cv: flow of %dx%d with %+v: %w", a.W, a.H, o, ErrInput)
	}
	flow := make([]float32, 2*a.W*a.H)
	var pin runtime.Pinner
	defer pin.Unpin()
	for _, p := range []any{&a.Pix[0], &b.Pix[0], &flow[0]} {
		pin.Pin(p)
	}
	rc := C.dt_dis_flow((*C.uchar)(unsafe.Pointer(&a.Pix[0])), (*C.uchar)(unsafe.Pointer(&b.Pix[0])), C.int(a.W), C.int(a.H),
		C.int(o.FinestScale), C.int(o.PatchSize), C.int(o.PatchStride), C.int(o.Iterations), C.int(o.Variational),
		(*C.float)(unsafe.Pointer(&flow[0])))
	if rc != 0 {
		return Plane{}, Plane{}, fmt.Errorf("cv: flow of %dx%d failed", a.W, a.H)
	}
	dx, dy = NewPlane(a.W, a.H), NewPlane(a.W, a.H)
	for i := range dx.Pix {
		dx.Pix[i], dy.Pix[i] = flow[2*i], flow[2*i+1]
	}
	return dx, dy, nil
}

// Match slides templ over img and returns the normalised cross-correlation
// (zero mean, -1..1) at every position: a plane of (img-templ+1) in both sides.
func Match(img, templ Plane) (Plane, error) {
	if templ.W > img.W || templ.H > img.H {
		return Plane{}, fmt.Errorf("cv: match: template %dx%d is larger than %dx%d: %w", templ.W, templ.H, img.W, img.H, ErrInput)
	}
	var f frame
	defer f.close()
	a, err := f.plane(img)
	if err != nil {
		return Plane{}, err
	}
	b, err := f.plane(templ)
	if err != nil {
		return Plane{}, err
	}
	out := NewPlane(img.W-templ.W+1, img.H-templ.H+1)
	dst, err := f.plane(out)
	if err != nil {
		return Plane{}, err
	}
	gocv.MatchTemplate(*a, *b, dst, gocv.TmCcoeffNormed, *f.temp())
	return out, nil
}
