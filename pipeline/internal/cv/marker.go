package cv

// #include "printed.h"
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"unsafe"
)

// Marker is a printed square of the family AprilTag 36h11 (Olson 2011): black on
// white, 8 cells a side with its black rim.
type Marker struct {
	ID      int           // 0 to 586
	Corners [4][2]float64 // of the black square, px: as printed top left, top right, bottom right, bottom left
}

// MarkerSide is the side of a marker in cells.
const MarkerSide = 8

// markerSearch is the longer side of the picture in which markers are searched; the
// corners are then found in the photo itself.
const markerSearch = 1800

// Markers finds markers in g, by the order of their ids. A marker takes at least
// about 20 px a side, and 1 % of the longer side of g.
func Markers(g Gray) ([]Marker, error) {
	if err := check(g.W, g.H, 1, len(g.Pix)); err != nil {
		return nil, err
	}
	if g.W < 32 || g.H < 32 {
		return nil, fmt.Errorf("cv: markers in %dx%d: %w", g.W, g.H, ErrInput)
	}
	small, k := g, 1.0
	if long := max(g.W, g.H); long > markerSearch {
		k = float64(long) / markerSearch
		var err error
		if small, err = ResizeGray(g, max(32, int(float64(g.W)/k)), max(32, int(float64(g.H)/k))); err != nil {
			return nil, err
		}
	}
	const most = 32
	var ids [most]C.int
	var corners [8 * most]C.float
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&small.Pix[0])
	n := int(C.dt_markers((*C.uchar)(unsafe.Pointer(&small.Pix[0])), C.int(small.W), C.int(small.H), most, &ids[0], &corners[0]))
	if n < 0 {
		return nil, fmt.Errorf("cv: markers in %dx%d failed", g.W, g.H)
	}
	kx, ky := float64(g.W)/float64(small.W), float64(g.H)/float64(small.H)
	var out []Marker
	for i := range n {
		m := Marker{ID: int(ids[i])}
		for c := range m.Corners {
			m.Corners[c] = [2]float64{(float64(corners[8*i+2*c])+0.5)*kx - 0.5, (float64(corners[8*i+2*c+1])+0.5)*ky - 0.5}
		}
		if err := refine(g, &m); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// refine moves the corners of a marker to where the photo shows them. The window is
// smaller than a cell, so that it holds one corner only.
func refine(g Gray, m *Marker) error {
	side := math.Inf(1)
	for i, a := range m.Corners {
		b := m.Corners[(i+1)%4]
		side = math.Min(side, math.Hypot(b[0]-a[0], b[1]-a[1]))
	}
	half := min(int(0.4*side/MarkerSide), 12)
	if half < 2 {
		return nil
	}
	var points [8]C.float
	for i, c := range m.Corners {
		if c[0] < float64(half+2) || c[1] < float64(half+2) || c[0] > float64(g.W-half-3) || c[1] > float64(g.H-half-3) {
			return nil
		}
		points[2*i], points[2*i+1] = C.float(c[0]), C.float(c[1])
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&g.Pix[0])
	if C.dt_corners((*C.uchar)(unsafe.Pointer(&g.Pix[0])), C.int(g.W), C.int(g.H), 4, C.int(half), &points[0]) != 0 {
		return fmt.Errorf("cv: corners of a marker failed")
	}
	for i := range m.Corners {
		m.Corners[i] = [2]float64{float64(points[2*i]), float64(points[2*i+1])}
	}
	return nil
}

// MarkerCells is what is printed of a marker, by rows: true is white. The rim is
// black; around it white of at least one cell is wanted.
func MarkerCells(id int) ([MarkerSide][MarkerSide]bool, error) {
	var out [MarkerSide][MarkerSide]bool
	var cells [MarkerSide * MarkerSide]C.uchar
	if C.dt_marker_cells(C.int(id), &cells[0]) != 0 {
		return out, fmt.Errorf("cv: there is no marker %d: %w", id, ErrInput)
	}
	for i, c := range cells {
		out[i/MarkerSide][i%MarkerSide] = c != 0
	}
	return out, nil
}
