package face

import (
	"math"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// Outlines of the zones in inter-pupil distances from the point between the
// pupils, x towards the person's left. Heights below the eyes stretch with the
// mouth, which stands at mouthAt in these drawings. The right side mirrors the
// left.
const mouthAt = 1.07

type outline [][2]float64

var midline = map[string]outline{
	"forehead": {{-0.60, -0.47}, {-0.74, -0.62}, {-0.72, -0.90}, {-0.5, -1.10}, {0, -1.20}, {0.5, -1.10}, {0.72, -0.90}, {0.74, -0.62}, {0.60, -0.47}, {0.25, -0.50}, {0, -0.40}, {-0.25, -0.50}},
	"nose":     {{-0.09, 0}, {0.09, 0}, {0.13, 0.28}, {0.22, 0.42}, {0.27, 0.56}, {0.20, 0.64}, {0, 0.67}, {-0.20, 0.64}, {-0.27, 0.56}, {-0.22, 0.42}, {-0.13, 0.28}},
	"perioral": {{-0.30, 0.76}, {0.30, 0.76}, {0.52, 0.95}, {0.54, 1.20}, {0.38, 1.40}, {-0.38, 1.40}, {-0.54, 1.20}, {-0.52, 0.95}},
	"chin":     {{-0.36, 1.42}, {0.36, 1.42}, {0.34, 1.66}, {0.20, 1.84}, {0, 1.88}, {-0.20, 1.84}, {-0.34, 1.66}},
}

var lateral = map[string]outline{
	"cheek":       {{0.36, 0.36}, {0.62, 0.31}, {0.82, 0.25}, {0.86, 0.55}, {0.81, 0.90}, {0.70, 1.06}, {0.60, 1.02}, {0.52, 0.80}, {0.38, 0.58}},
	"periorbital": {{0.20, 0.18}, {0.36, 0.20}, {0.56, 0.20}, {0.74, 0.11}, {0.81, -0.08}, {0.90, -0.09}, {0.88, 0.15}, {0.64, 0.28}, {0.36, 0.32}, {0.20, 0.28}},
}

// Zones maps the name of each automatic zone to its outline in the pixels of
// f.Frame(). mouth is the height of the mouth below the pupils, in inter-pupil
// distances; see Skin.
func Zones(mouth float64) map[string][]Point {
	place := func(o outline, side float64) []Point {
		f := (&Face{}).Frame()
		var out []Point
		for _, p := range o {
			y := p[1]
			if y > 0.3 {
				y = 0.3 + (y-0.3)*(mouth-0.3)/(mouthAt-0.3)
			}
			out = append(out, Point{f.Origin[0] + side*p[0]*Unit, f.Origin[1] + y*Unit})
		}
		return out
	}
	zones := map[string][]Point{}
	for name, o := range midline {
		zones[name] = place(o, 1)
	}
	for name, o := range lateral {
		zones[name+"_left"] = place(o, 1)
		zones[name+"_right"] = place(o, -1)
	}
	return zones
}

// Fill draws a polygon into a mask of w x h by the even-odd rule; a pixel counts
// where its centre is inside.
func Fill(poly []Point, w, h int) cv.Gray {
	out := cv.NewGray(w, h)
	if len(poly) < 3 {
		return out
	}
	var xs []float64
	for y := range h {
		xs = xs[:0]
		fy := float64(y)
		for i, a := range poly {
			b := poly[(i+1)%len(poly)]
			if (a.Y <= fy) != (b.Y <= fy) {
				xs = append(xs, a.X+(fy-a.Y)*(b.X-a.X)/(b.Y-a.Y))
			}
		}
		// Insertion sort: a row crosses a zone a few times only.
		for i := 1; i < len(xs); i++ {
			for j := i; j > 0 && xs[j] < xs[j-1]; j-- {
				xs[j], xs[j-1] = xs[j-1], xs[j]
			}
		}
		for i := 0; i+1 < len(xs); i += 2 {
			from, to := max(int(math.Ceil(xs[i])), 0), min(int(math.Ceil(xs[i+1])), w)
			for x := from; x < to; x++ {
				out.Pix[y*w+x] = 255
			}
		}
	}
	return out
}
