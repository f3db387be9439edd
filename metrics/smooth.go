package metrics

import "math"

// field is a masked picture for normalised convolution (Knutsson and Westin
// 1993): num is value times weight, den the weight. Both are smoothed alike, and
// num/den is the weighted mean, in which pixels outside the mask, and outside
// the picture, have no say.
type field struct {
	w, h     int
	num, den []float32
}

func newField(w, h int) field {
	return field{w, h, make([]float32, w*h), make([]float32, w*h)}
}

// masked makes a field of the values on the mask.
func masked(x []float32, mask []uint8, w, h int) field {
	f := newField(w, h)
	for i, m := range mask {
		if m != 0 {
			f.num[i], f.den[i] = x[i], 1
		}
	}
	return f
}

// smooth convolves with a Gaussian of the given sigma in pixels.
func (f field) smooth(sigma float64) field {
	k := gaussian(sigma)
	g := newField(f.w, f.h)
	tmp := make([]float32, f.w*f.h)
	pad := make([]float32, f.w+2*(len(k)-1))
	convolve(g.num, tmp, f.num, f.w, f.h, k, pad)
	convolve(g.den, tmp, f.den, f.w, f.h, k, pad)
	return g
}

// halve keeps every second pixel of every second row. The caller has smoothed by
// at least 2 px, which leaves 0.7 % of amplitude at the new Nyquist frequency.
func (f field) halve() field {
	g := newField((f.w+1)/2, (f.h+1)/2)
	for y := range g.h {
		for x := range g.w {
			i, j := y*g.w+x, 2*y*f.w+2*x
			g.num[i], g.den[i] = f.num[j], f.den[j]
		}
	}
	return g
}

// gaussian is one half of a sampled Gaussian kernel, centre first, cut at 3.5
// sigma, with k[0] + 2*(k[1]+...) = 1.
func gaussian(sigma float64) []float32 {
	r := int(math.Ceil(3.5 * sigma))
	k := make([]float64, r+1)
	sum := 0.0
	for i := range k {
		k[i] = math.Exp(-0.5 * float64(i*i) / max(sigma*sigma, 1e-12))
		sum += 2 * k[i]
	}
	sum -= k[0]
	out := make([]float32, r+1)
	for i := range k {
		out[i] = float32(k[i] / sum)
	}
	return out
}

// convolve filters src with the symmetric kernel k along rows, then along
// columns, into dst; beyond the edges is 0. tmp has the size of src, pad that of
// a row and the kernel's reach on both sides, its margins 0.
func convolve(dst, tmp, src []float32, w, h int, k, pad []float32) {
	r := len(k) - 1
	for y := range h {
		copy(pad[r:r+w], src[y*w:(y+1)*w])
		row := tmp[y*w : (y+1)*w]
		scale(row, pad[r:r+w], k[0])
		i := 1
		for ; i+1 <= r; i += 2 {
			addTwo(row, pad[r-i:], pad[r+i:], k[i], pad[r-i-1:], pad[r+i+1:], k[i+1])
		}
		if i <= r {
			addOne(row, pad[r-i:], pad[r+i:], k[i])
		}
	}
	for y := range h {
		out := dst[y*w : (y+1)*w]
		scale(out, tmp[y*w:(y+1)*w], k[0])
		i := 1
		for ; i+1 <= r && y-i-1 >= 0 && y+i+1 < h; i += 2 {
			addTwo(out, tmp[(y-i)*w:], tmp[(y+i)*w:], k[i], tmp[(y-i-1)*w:], tmp[(y+i+1)*w:], k[i+1])
		}
		for ; i <= r; i++ {
			if y-i >= 0 {
				addRow(out, tmp[(y-i)*w:], k[i])
			}
			if y+i < h {
				addRow(out, tmp[(y+i)*w:], k[i])
			}
		}
	}
}

func scale(dst, a []float32, k float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = k * a[i]
	}
}

func addRow(dst, a []float32, k float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] += k * a[i]
	}
}

func addOne(dst, a, b []float32, k float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] += k * (a[i] + b[i])
	}
}

func addTwo(dst, a, b []float32, k float32, c, d []float32, l float32) {
	a, b, c, d = a[:len(dst)], b[:len(dst)], c[:len(dst)], d[:len(dst)]
	for i := range dst {
		dst[i] += k*(a[i]+b[i]) + l*(c[i]+d[i])
	}
}

// surround smooths pictures on one mask with one Gaussian, and shares the
// weights between them. From 4 px of sigma on it works on the means of blocks of k
// by k pixels, between whose centres it interpolates: wide Gaussians stay cheap.
type surround struct {
	mask          []uint8
	width, height int // of the picture
	k             int // block side, px
	kernel        []float32
	w, h          int // in blocks
	weight        []float32
}

// newSurround prepares a Gaussian of sigma pixels. On blocks it is narrowed by
// what the block mean and the linear interpolation smooth already: their
// variances are (k^2-1)/12 and k^2/6.
func newSurround(mask []uint8, width, height int, sigma float64) *surround {
	k := max(1, int(sigma/2))
	if k > 1 {
		kk := float64(k * k)
		sigma = math.Sqrt(sigma*sigma/kk - (1-1/kk)/12 - 1.0/6)
	}
	s := &surround{mask: mask, width: width, height: height, k: k, kernel: gaussian(sigma),
		w: (width + k - 1) / k, h: (height + k - 1) / k}
	ones := make([]float32, len(mask))
	for i, m := range mask {
		if m != 0 {
			ones[i] = 1
		}
	}
	s.weight = s.smooth(ones)
	return s
}

// smooth gives the smoothed block sums of x as a share of the block area.
func (s *surround) smooth(x []float32) []float32 {
	sums := x
	if s.k > 1 {
		sums = make([]float32, s.w*s.h)
		share := 1 / float32(s.k*s.k)
		for y := range s.height {
			line, out := x[y*s.width:][:s.width], sums[y/s.k*s.w:][:s.w]
			for b := range out {
				sum := float32(0)
				for _, v := range line[b*s.k : min(b*s.k+s.k, s.width)] {
					sum += v
				}
				out[b] += sum * share
			}
		}
	}
	out, tmp := make([]float32, len(sums)), make([]float32, len(sums))
	convolve(out, tmp, sums, s.w, s.h, s.kernel, make([]float32, s.w+2*(len(s.kernel)-1)))
	return out
}

// mean is x smoothed, at the pixels of the mask; 0 elsewhere. x must be 0 off the
// mask, as the planes of a patch are.
func (s *surround) mean(x []float32) []float32 {
	m := s.smooth(x)
	for i, w := range s.weight {
		if w > 0 { // else too far from the mask to be asked for
			m[i] /= w
		}
	}
	return s.between(m)
}

// inside marks the pixels of the mask around which at least the given share of
// the Gaussian lies on the mask.
func (s *surround) inside(least float32) []uint8 {
	in := make([]uint8, len(s.mask))
	for i, w := range s.between(s.weight) {
		if w >= least {
			in[i] = 1
		}
	}
	return in
}

// between interpolates block values linearly, at the pixels of the mask; 0
// elsewhere.
func (s *surround) between(blocks []float32) []float32 {
	col, frac := s.nodes(s.width, s.w)
	rowAt, rowFrac := s.nodes(s.height, s.h)
	row := make([]float32, s.w+1) // one more, which is read with weight 0
	out := make([]float32, s.width*s.height)
	for y := range s.height {
		a, f := blocks[rowAt[y]*s.w:][:s.w], rowFrac[y]
		copy(row, a)
		if f > 0 {
			for x, v := range blocks[(rowAt[y]+1)*s.w:][:s.w] {
				row[x] += f * (v - a[x])
			}
		}
		on, line := s.mask[y*s.width:][:s.width], out[y*s.width:][:s.width]
		for x, m := range on {
			if m != 0 {
				c := col[x]
				line[x] = row[c] + frac[x]*(row[c+1]-row[c])
			}
		}
	}
	return out
}

// nodes gives for each of n pixels the block node at or before it and the
// fraction of the way to the next; at the edges it stays on the last node.
func (s *surround) nodes(n, blocks int) ([]int, []float32) {
	at, frac := make([]int, n), make([]float32, n)
	for i := range n {
		t := (float64(i) - float64(s.k-1)/2) / float64(s.k)
		t = min(max(t, 0), float64(blocks-1))
		at[i] = int(t)
		frac[i] = float32(t - float64(at[i]))
	}
	return at, frac
}
