package segment

import (
	"math"
	"math/rand/v2"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// skin draws a patch of skin whose contents are known.
type skin struct {
	w, h  int
	scale float64     // px/mm
	psf   float64     // sigma, px
	od    [3]cv.Plane // objects and texture
	tone  [3]float64  // of bare skin, OD
	noise float64     // OD of green
	grain *rand.Rand  // of texture and noise, which depend on the size
	rng   *rand.Rand  // of everything placed, which does not
}

// newSkin is bare skin with micro-relief and uneven light.
func newSkin(wMM, hMM, scale float64, seed uint64) *skin {
	s := &skin{
		w: int(wMM * scale), h: int(hMM * scale), scale: scale, psf: 0.6,
		tone: [3]float64{0.22, 0.45, 0.60}, noise: 0.004,
		grain: rand.New(rand.NewPCG(seed, 18)),
		rng:   rand.New(rand.NewPCG(seed, 17)),
	}
	fine, mid := s.noisePlane(0.10, 0.012), s.noisePlane(0.5, 0.008)
	for c, k := range [3]float64{0.6, 1, 1.1} {
		s.od[c] = cv.NewPlane(s.w, s.h)
		for y := range s.h {
			for x := range s.w {
				i := y*s.w + x
				light := 0.1*float64(x)/float64(s.w) + 0.05*math.Pow(float64(y)/float64(s.h), 2)
				s.od[c].Pix[i] = float32(light) + float32(k)*(fine.Pix[i]+mid.Pix[i])
			}
		}
	}
	return s
}

// noisePlane is smooth noise of a given standard deviation.
func (s *skin) noisePlane(sigmaMM, sd float64) cv.Plane {
	p := cv.NewPlane(s.w, s.h)
	for i := range p.Pix {
		p.Pix[i] = float32(s.grain.NormFloat64())
	}
	p, err := cv.Gaussian(p, sigmaMM*s.scale)
	if err != nil {
		panic(err)
	}
	sum := 0.0
	for _, v := range p.Pix {
		sum += float64(v) * float64(v)
	}
	k := float32(sd / math.Sqrt(sum/float64(len(p.Pix))))
	for i := range p.Pix {
		p.Pix[i] *= k
	}
	return p
}

// add puts f, in OD, into the three channels with weights rgb; f gets millimetres
// from (x, y), which is in millimetres as well, up to reach away.
func (s *skin) add(x, y, reach float64, rgb [3]float64, f func(dx, dy float64) float64) {
	for v := max(0, int((y-reach)*s.scale)); v < min(s.h, int((y+reach)*s.scale)+1); v++ {
		for u := max(0, int((x-reach)*s.scale)); u < min(s.w, int((x+reach)*s.scale)+1); u++ {
			d := f(float64(u)/s.scale-x, float64(v)/s.scale-y)
			for c, k := range rgb {
				s.od[c].Pix[v*s.w+u] += float32(k * d)
			}
		}
	}
}

// Colours of what is added, in R, G, B.
var (
	shadow  = [3]float64{0.6, 1, 1.1} // in skin red light spreads and fills shadows
	melanin = [3]float64{1, 1.5, 2.56}
	blood   = [3]float64{0.1, 1, 0.8}
)

// pore is a dark Gaussian of diameter 2 sqrt(2) sigma.
func (s *skin) pore(x, y, diameter, depth float64) {
	v := 2 * diameter * diameter / 8
	s.add(x, y, 1.5*diameter, shadow, func(dx, dy float64) float64 { return depth * math.Exp(-(dx*dx+dy*dy)/v) })
}

// mark is a disc with a soft edge.
func (s *skin) mark(x, y, diameter, od float64, rgb [3]float64) {
	s.add(x, y, diameter, rgb, func(dx, dy float64) float64 {
		return od / (1 + math.Exp((math.Hypot(dx, dy)-diameter/2)/0.12))
	})
}

// stroke is a hair: a thin dark line from (x, y).
func (s *skin) stroke(x, y, length, angle, sigma, depth float64) {
	c, n := math.Cos(angle), math.Sin(angle)
	s.add(x, y, length+4*sigma, shadow, func(dx, dy float64) float64 {
		along, across := dx*c+dy*n, -dx*n+dy*c
		beyond := math.Max(0, math.Max(-along, along-length))
		return depth * math.Exp(-(across*across+beyond*beyond)/(2*sigma*sigma))
	})
}

// scar is a depression of the given outline diameter with a floor, whose wall is
// wall mm wide, lit from 40 degrees above the left: what is seen is its slope
// towards the light (Lambert), dark on the near and bright on the far flank. The
// pit darkens its floor, as light does not reach down into a narrow scar.
func (s *skin) scar(x, y, diameter, depth, wall, pit float64) {
	height := func(dx, dy float64) float64 {
		r := math.Hypot(dx, dy*0.8)
		return -depth / (1 + math.Exp((r-diameter/2+wall/2)/(wall/5)))
	}
	const cot = 1.19 // of 40 degrees
	s.add(x, y, diameter, shadow, func(dx, dy float64) float64 {
		const e = 0.02
		slope := (height(dx+e, dy) - height(dx-e, dy)) / (2 * e)
		return -math.Log10(math.Max(0.3, 1+cot*slope)) - pit*height(dx, dy)/depth
	})
}

// patch photographs the skin: point spread, noise, linear light.
func (s *skin) patch() *metrics.Patch {
	p := &metrics.Patch{PxPerMM: s.scale, BlurPx: s.psf, NoiseOD: s.noise}
	for c, dst := range []*metrics.Plane{&p.R, &p.G, &p.B} {
		light := cv.NewPlane(s.w, s.h)
		for i, v := range s.od[c].Pix {
			light.Pix[i] = float32(math.Pow(10, -s.tone[c]-float64(v)))
		}
		light, err := cv.Gaussian(light, s.psf)
		if err != nil {
			panic(err)
		}
		for i := range light.Pix {
			light.Pix[i] *= float32(1 + math.Ln10*s.noise*s.grain.NormFloat64())
		}
		*dst = metrics.Plane(light)
	}
	p.Skin = metrics.Mask{W: s.w, H: s.h, Pix: make([]uint8, s.w*s.h)}
	for i := range p.Skin.Pix {
		p.Skin.Pix[i] = 255
	}
	return p
}

// scaled multiplies everything on the skin, the light included, by k.
func (s *skin) scaled(k float32) {
	for c := range s.od {
		for i := range s.od[c].Pix {
			s.od[c].Pix[i] *= k
		}
	}
}

// place is where something was put, in mm.
type place struct{ x, y, d float64 }

// scatter draws n places at least gap apart and margin from the border.
func (s *skin) scatter(n int, gap, margin float64, taken []place) []place {
	var out []place
	wMM, hMM := float64(s.w)/s.scale, float64(s.h)/s.scale
next:
	for tries := 0; len(out) < n && tries < 100*n; tries++ {
		p := place{x: margin + s.rng.Float64()*(wMM-2*margin), y: margin + s.rng.Float64()*(hMM-2*margin)}
		for _, list := range [][]place{taken, out} {
			for _, q := range list {
				if math.Hypot(p.x-q.x, p.y-q.y) < gap+q.d/2 {
					continue next
				}
			}
		}
		out = append(out, p)
	}
	return out
}

// score matches objects to places within tolerance mm, nearest first.
func score(objects []metrics.Object, places []place, scale, tolerance float64) (precision, recall float64, pairs [][2]int) {
	usedO, usedP := make([]bool, len(objects)), make([]bool, len(places))
	for {
		best, bi, bj := tolerance, -1, -1
		for i, o := range objects {
			for j, p := range places {
				if d := math.Hypot(o.X/scale-p.x, o.Y/scale-p.y); !usedO[i] && !usedP[j] && d <= best {
					best, bi, bj = d, i, j
				}
			}
		}
		if bi < 0 {
			break
		}
		usedO[bi], usedP[bj] = true, true
		pairs = append(pairs, [2]int{bi, bj})
	}
	return float64(len(pairs)) / math.Max(1, float64(len(objects))), float64(len(pairs)) / math.Max(1, float64(len(places))), pairs
}

// of returns the objects of one kind.
func of(objects []metrics.Object, k metrics.Kind) []metrics.Object {
	var out []metrics.Object
	for _, o := range objects {
		if o.Kind == k {
			out = append(out, o)
		}
	}
	return out
}
