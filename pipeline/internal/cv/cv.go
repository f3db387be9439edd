// Package cv is the only package that imports gocv.
//
// # Ownership
//
// No Mat leaves a function of this package. Every picture that crosses its
// border is Go memory ([Plane], [RGB], [Gray]); inside a function a Mat is a
// header over that memory, or a temporary, and is closed before the function
// returns. Arguments are borrowed and not kept; a returned picture belongs to
// the caller and needs no closing. Only [FaceNet] holds C memory across calls
// and has a Close.
//
// # Errors
//
// An OpenCV exception ends the process: gocv v0.31 does not catch it. So every
// precondition (sizes, emptiness, parameter ranges) is checked here in Go before
// C is called, and every function returns an error.
//
// # Threads
//
// OpenCV runs on one thread: the program is parallel over series, serial inside
// one.
package cv

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"gocv.io/x/gocv"
)

// ErrInput is wrapped by every error about an argument.
var ErrInput = errors.New("bad input")

// Plane is one channel of float32 values, row-major, W*H.
type Plane struct {
	W, H int
	Pix  []float32
}

// Gray is one channel of 8-bit values, row-major, W*H. As a mask, 0 is outside.
type Gray struct {
	W, H int
	Pix  []uint8
}

// RGB is an 8-bit colour picture, interleaved R G B, row-major, W*H*3.
type RGB struct {
	W, H int
	Pix  []uint8
}

// NewPlane returns a plane of zeros.
func NewPlane(w, h int) Plane { return Plane{W: w, H: h, Pix: make([]float32, w*h)} }

// NewGray returns a gray picture of zeros.
func NewGray(w, h int) Gray { return Gray{W: w, H: h, Pix: make([]uint8, w*h)} }

// NewRGB returns a black picture.
func NewRGB(w, h int) RGB { return RGB{W: w, H: h, Pix: make([]uint8, w*h*3)} }

// frame lends Go memory to OpenCV for the length of one call.
type frame struct {
	pin  runtime.Pinner
	mats []*gocv.Mat
}

// close frees the headers and temporaries and unpins the memory.
func (f *frame) close() {
	for _, m := range f.mats {
		m.Close()
	}
	f.pin.Unpin()
}

// temp returns an empty Mat that lives as long as the frame.
func (f *frame) temp() *gocv.Mat {
	m := gocv.NewMat()
	f.mats = append(f.mats, &m)
	return &m
}

// own puts a Mat that a gocv call made under the frame.
func (f *frame) own(m gocv.Mat) *gocv.Mat {
	f.mats = append(f.mats, &m)
	return &m
}

// header returns a Mat over the bytes of pix.
func (f *frame) header(pix []byte, w, h int, t gocv.MatType) (*gocv.Mat, error) {
	f.pin.Pin(&pix[0])
	m, err := gocv.NewMatFromBytes(h, w, t, pix)
	if err != nil {
		return nil, fmt.Errorf("cv: %w", err)
	}
	f.mats = append(f.mats, &m)
	return &m, nil
}

func (f *frame) plane(p Plane) (*gocv.Mat, error) {
	if err := check(p.W, p.H, 1, len(p.Pix)); err != nil {
		return nil, err
	}
	return f.header(unsafe.Slice((*byte)(unsafe.Pointer(&p.Pix[0])), len(p.Pix)*4), p.W, p.H, gocv.MatTypeCV32FC1)
}

func (f *frame) gray(g Gray) (*gocv.Mat, error) {
	if err := check(g.W, g.H, 1, len(g.Pix)); err != nil {
		return nil, err
	}
	return f.header(g.Pix, g.W, g.H, gocv.MatTypeCV8UC1)
}

func (f *frame) rgb(p RGB) (*gocv.Mat, error) {
	if err := check(p.W, p.H, 3, len(p.Pix)); err != nil {
		return nil, err
	}
	return f.header(p.Pix, p.W, p.H, gocv.MatTypeCV8UC3)
}

func check(w, h, channels, n int) error {
	if w < 1 || h < 1 {
		return fmt.Errorf("cv: empty picture, %dx%d: %w", w, h, ErrInput)
	}
	if n != w*h*channels {
		return fmt.Errorf("cv: %d values for %dx%dx%d: %w", n, w, h, channels, ErrInput)
	}
	return nil
}

func sameSize(aw, ah, bw, bh int) error {
	if aw != bw || ah != bh {
		return fmt.Errorf("cv: sizes differ, %dx%d and %dx%d: %w", aw, ah, bw, bh, ErrInput)
	}
	return nil
}

func positive(name string, v float64) error {
	if !(v > 0) || v > 1e6 {
		return fmt.Errorf("cv: %s %v: must be positive: %w", name, v, ErrInput)
	}
	return nil
}

// Version names the OpenCV that is linked.
func Version() string { return gocv.OpenCVVersion() }
