package cv

import (
	"encoding/binary"
	"fmt"
	"image"
	"math"
	"sort"

	"gocv.io/x/gocv"
)

// FaceBox is a face found by a [FaceNet], in the pixels of the picture. Points are
// the eyes (image-left first), the tip of the nose and the mouth corners.
type FaceBox struct {
	X, Y, W, H, Score float64
	Points            [5][2]float64
}

// FaceNet is a YuNet face detector. Its owner calls Close; it serves one
// goroutine at a time.
type FaceNet struct{ net gocv.Net }

// NewFaceNet reads a YuNet ONNX model with an input of 640 x 640. Bytes that are
// no such model can end the process inside OpenCV, so the head of the file is
// checked first.
func NewFaceNet(onnx []byte) (*FaceNet, error) {
	if err := CheckONNX(onnx); err != nil {
		return nil, err
	}
	net, err := gocv.ReadNetFromONNXBytes(onnx)
	if err != nil {
		return nil, fmt.Errorf("face model: %w", err)
	}
	if net.Empty() {
		return nil, fmt.Errorf("face model: OpenCV cannot read it: %w", ErrInput)
	}
	return &FaceNet{net: net}, nil
}

// CheckONNX tells whether the bytes have the form of an ONNX model: a protobuf
// message whose top-level fields fill the file exactly and hold a version (1) and a
// graph (7). What is in the graph only OpenCV can tell.
func CheckONNX(b []byte) error {
	bad := fmt.Errorf("face model: not an ONNX file: %w", ErrInput)
	seen := map[uint64]bool{}
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		if n <= 0 {
			return bad
		}
		b = b[n:]
		v, n := binary.Uvarint(b)
		switch {
		case n <= 0:
			return bad
		case key&7 == 0: // a number
			b = b[n:]
		case key&7 == 2 && v <= uint64(len(b)-n): // so many bytes
			b = b[n+int(v):]
		default:
			return bad
		}
		seen[key>>3] = true
	}
	const version, graph = 1, 7
	if !seen[version] || !seen[graph] {
		return bad
	}
	return nil
}

// Close frees the network. Closing nil does nothing.
func (n *FaceNet) Close() {
	if n != nil {
		n.net.Close()
	}
}

const netSide = 640

// Detect lists the faces with a score of at least 0.6, best first. The picture is
// scaled into a square of 640 px, padded at the right and bottom.
func (n *FaceNet) Detect(p RGB) ([]FaceBox, error) {
	s := netSide / float64(max(p.W, p.H))
	w, h := max(int(float64(p.W)*s), 1), max(int(float64(p.H)*s), 1)
	small, err := ResizeRGB(p, w, h)
	if err != nil {
		return nil, err
	}
	square := NewRGB(netSide, netSide)
	for y := range h {
		copy(square.Pix[y*netSide*3:], small.Pix[y*w*3:(y+1)*w*3])
	}
	var f frame
	defer f.close()
	src, err := f.rgb(square)
	if err != nil {
		return nil, err
	}
	blob := f.own(gocv.BlobFromImage(*src, 1, image.Pt(netSide, netSide), gocv.NewScalar(0, 0, 0, 0), true, false))
	n.net.SetInput(*blob, "")
	var names []string
	for _, k := range []string{"cls", "obj", "bbox", "kps"} {
		for _, stride := range []int{8, 16, 32} {
			names = append(names, fmt.Sprintf("%s_%d", k, stride))
		}
	}
	outs := n.net.ForwardLayers(names)
	for i := range outs {
		f.own(outs[i])
	}
	if len(outs) != len(names) {
		return nil, fmt.Errorf("face model: %d outputs, want %d: %w", len(outs), len(names), ErrInput)
	}
	var found []FaceBox
	for k, stride := range []int{8, 16, 32} {
		var v [4][]float32
		side := netSide / stride
		for j, width := range []int{1, 1, 4, 10} {
			if v[j], err = outs[3*j+k].DataPtrFloat32(); err != nil || len(v[j]) != side*side*width {
				return nil, fmt.Errorf("face model: output %s is not of a YuNet for %d x %d: %w", names[3*j+k], netSide, netSide, ErrInput)
			}
		}
		st := float64(stride)
		for i := range side * side {
			score := math.Sqrt(math.Max(0, float64(v[0][i])) * math.Max(0, float64(v[1][i])))
			if score < 0.6 {
				continue
			}
			col, row := float64(i%side), float64(i/side)
			cx, cy := (col+float64(v[2][4*i]))*st, (row+float64(v[2][4*i+1]))*st
			bw, bh := math.Exp(float64(v[2][4*i+2]))*st, math.Exp(float64(v[2][4*i+3]))*st
			b := FaceBox{X: (cx - bw/2) / s, Y: (cy - bh/2) / s, W: bw / s, H: bh / s, Score: score}
			for q := range 5 {
				b.Points[q] = [2]float64{(float64(v[3][10*i+2*q]) + col) * st / s, (float64(v[3][10*i+2*q+1]) + row) * st / s}
			}
			found = append(found, b)
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].Score > found[j].Score })
	var out []FaceBox
	for _, b := range found {
		if !overlapsAny(out, b) {
			out = append(out, b)
		}
	}
	return out, nil
}

// overlapsAny is non-maximum suppression at an intersection over union of 0.3.
func overlapsAny(kept []FaceBox, b FaceBox) bool {
	for _, o := range kept {
		w := math.Min(o.X+o.W, b.X+b.W) - math.Max(o.X, b.X)
		h := math.Min(o.Y+o.H, b.Y+b.H) - math.Max(o.Y, b.Y)
		if w > 0 && h > 0 && w*h > 0.3*(o.W*o.H+b.W*b.H-w*h) {
			return true
		}
	}
	return false
}
