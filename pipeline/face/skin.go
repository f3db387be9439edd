package face

import (
	"fmt"
	"math"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

// Skin is what counts as skin in the frame of a face.
type Skin struct {
	Mask  cv.Gray // frame size; 255 is skin
	Mouth float64 // height of the mouth below the pupils, inter-pupil distances
}

// The mouth lies this far below the pupils in adults at rest and smiling.
const (
	mouthMin = 0.86
	mouthMax = 1.34
)

// FindSkin separates the skin in a view of f.Frame() from hair, brows, eyes, lips,
// nostrils, clothes and background. Its model of skin comes from the cheeks, nose
// and forehead of this very photo, so that no skin tone is preferred: what differs
// in colour, is far darker, or is as rough as hair is left out. Small dark spots
// stay, since moles and marks are skin.
func FindSkin(view cv.RGB) (*Skin, error) {
	w, h := view.W, view.H
	frame := (&Face{}).Frame()
	if w != frame.W || h != frame.H {
		return nil, fmt.Errorf("skin: view of %dx%d, want %dx%d", w, h, frame.W, frame.H)
	}
	seed := cv.NewGray(w, h)
	zones := Zones(mouthAt)
	for _, name := range []string{"cheek_left", "cheek_right", "nose"} {
		for i, v := range Fill(zones[name], w, h).Pix {
			seed.Pix[i] |= v
		}
	}
	p, err := planesOf(view)
	if err != nil {
		return nil, err
	}
	mask, err := skinLike(p, seed)
	if err != nil {
		return nil, err
	}
	mouth := findMouth(p.redness, p.light, seed, frame)
	clearFeatures(mask, frame, mouth)
	// The forehead is often cut off from the rest by brows that meet.
	home := Fill(zones["forehead"], w, h)
	for i, v := range seed.Pix {
		home.Pix[i] |= v
	}
	if mask, err = connected(mask, home); err != nil {
		return nil, err
	}
	return &Skin{Mask: mask, Mouth: mouth.y}, nil
}

// SkinLike marks the pixels of a view that look like the skin under seed (same
// size), with small dark spots and without hair, connected to it.
func SkinLike(view cv.RGB, seed cv.Gray) (cv.Gray, error) {
	if view.W != seed.W || view.H != seed.H {
		return cv.Gray{}, fmt.Errorf("skin: view of %dx%d, seed of %dx%d: %w", view.W, view.H, seed.W, seed.H, cv.ErrInput)
	}
	p, err := planesOf(view)
	if err != nil {
		return cv.Gray{}, err
	}
	mask, err := skinLike(p, seed)
	if err != nil {
		return cv.Gray{}, err
	}
	return connected(mask, seed)
}

// planes are the natural logarithms that the model of skin looks at.
type planes struct{ redness, blueness, light, rough cv.Plane }

func planesOf(view cv.RGB) (p planes, err error) {
	w, h := view.W, view.H
	p.redness, p.blueness, p.light = cv.NewPlane(w, h), cv.NewPlane(w, h), cv.NewPlane(w, h)
	for i := range p.light.Pix {
		r, g, b := logLinear[view.Pix[3*i]], logLinear[view.Pix[3*i+1]], logLinear[view.Pix[3*i+2]]
		p.redness.Pix[i], p.blueness.Pix[i], p.light.Pix[i] = r-g, g-b, g
	}
	for _, c := range []*cv.Plane{&p.redness, &p.blueness} {
		if *c, err = cv.Gaussian(*c, 1.5); err != nil { // JPEG halves the resolution of colour
			return p, err
		}
	}
	p.rough, err = roughness(p.light)
	return p, err
}

func skinLike(p planes, seed cv.Gray) (cv.Gray, error) {
	redMid, redSpread := centre(p.redness, seed)
	blueMid, blueSpread := centre(p.blueness, seed)
	lightMid, lightSpread := centre(p.light, seed)
	roughMid, _ := centre(p.rough, seed)
	// The floors are the spread of even, well-lit skin; natural log units.
	redTol := max(0.16, 4*redSpread)
	blueTol := max(0.30, 4.5*blueSpread)
	darkTol := min(max(0.75, 4*lightSpread), 1.3)
	roughMax := max(0.045, 3.2*roughMid)

	mask := cv.NewGray(seed.W, seed.H)
	for i := range mask.Pix {
		dr, db := p.redness.Pix[i]-redMid, p.blueness.Pix[i]-blueMid
		if dr > -redTol && dr < 1.6*redTol && db > -blueTol && db < 1.4*blueTol &&
			p.light.Pix[i] > lightMid-darkTol && p.light.Pix[i] < lightMid+1.2 && p.rough.Pix[i] < roughMax {
			mask.Pix[i] = 255
		}
	}
	mask, err := cv.Morph(mask, cv.Open, 2)
	if err != nil {
		return cv.Gray{}, err
	}
	return mask, fillHoles(mask, 320) // about 6 mm across: a mole of 2.5 mm and the rough edge around it
}

var logLinear = func() (t [256]float32) {
	for i := range t {
		t[i] = float32(math.Log(float64(max(photo.Linear[i], photo.Linear[1]))))
	}
	return t
}()

// roughness is the local mean size of fine detail: low on skin, high in hair.
func roughness(light cv.Plane) (cv.Plane, error) {
	smooth, err := cv.Gaussian(light, 2.5)
	if err != nil {
		return cv.Plane{}, err
	}
	for i := range smooth.Pix {
		smooth.Pix[i] = float32(math.Abs(float64(light.Pix[i] - smooth.Pix[i])))
	}
	return cv.Gaussian(smooth, 4)
}

// centre is the median of p over the mask and its median absolute deviation scaled
// to a standard deviation.
func centre(p cv.Plane, mask cv.Gray) (mid, spread float32) {
	var v []float32
	for i, m := range mask.Pix {
		if m != 0 {
			v = append(v, p.Pix[i])
		}
	}
	if len(v) == 0 {
		return 0, 0
	}
	m, sd := metrics.MADPixels(v)
	return float32(m), float32(sd)
}

// fillHoles sets the holes of a mask that are smaller than area, px^2.
func fillHoles(mask cv.Gray, area int) error {
	inverse := cv.NewGray(mask.W, mask.H)
	for i, m := range mask.Pix {
		if m == 0 {
			inverse.Pix[i] = 255
		}
	}
	labels, regions, err := cv.Components(inverse)
	if err != nil {
		return err
	}
	for i, l := range labels {
		if l > 0 && regions[l-1].Area < area {
			mask.Pix[i] = 255
		}
	}
	return nil
}

// connected keeps the regions of mask that hold a good part of home, or of which
// home is a good part, so that hands, hair above the forehead and background go.
func connected(mask, home cv.Gray) (cv.Gray, error) {
	labels, regions, err := cv.Components(mask)
	if err != nil {
		return cv.Gray{}, err
	}
	hits := make([]int, len(regions)+1)
	for i, l := range labels {
		if home.Pix[i] != 0 {
			hits[l]++
		}
	}
	out := cv.NewGray(mask.W, mask.H)
	for i, l := range labels {
		if l > 0 && (hits[l] > 3000 || hits[l] > 300 && 4*hits[l] > regions[l-1].Area) {
			out.Pix[i] = 255
		}
	}
	return out, nil
}

// mouth is an ellipse in units of the inter-pupil distance.
type mouth struct{ y, halfW, halfH float64 }

// findMouth looks for the lips as the band, below the nose, that is redder or
// darker than the skin around it.
func findMouth(redness, light cv.Plane, seed cv.Gray, f photo.Frame) mouth {
	redMid, redSpread := centre(redness, seed)
	lightMid, _ := centre(light, seed)
	strength := func(i int) float64 {
		red := float64(redness.Pix[i]-redMid) / math.Max(float64(redSpread), 0.04)
		dark := float64(lightMid-light.Pix[i]) / 0.5
		return math.Max(0, math.Min(red, 6)) + math.Max(0, math.Min(dark, 3))
	}
	row := func(v float64) int { return int(f.Origin[1] + v*f.Unit) }
	x0, x1 := int(f.Origin[0]-0.26*f.Unit), int(f.Origin[0]+0.26*f.Unit)
	half := int(0.09 * f.Unit) // half the height of a mouth at rest
	best, at := -1.0, mouthAt
	var rows []float64
	for y := row(mouthMin) - half; y <= row(mouthMax)+half; y++ {
		sum := 0.0
		for x := x0; x <= x1; x++ {
			sum += strength(y*f.W + x)
		}
		rows = append(rows, sum/float64(x1-x0+1))
	}
	for k := half; k+half < len(rows); k++ {
		v := (float64(k-half)/f.Unit + mouthMin)
		sum := 0.0
		for j := k - half; j <= k+half; j++ {
			sum += rows[j]
		}
		sum /= float64(2*half + 1)
		sum -= 2 * (v - mouthAt) * (v - mouthAt) * sum
		if sum > best {
			best, at = sum, v
		}
	}
	return mouth{y: at, halfW: 0.50, halfH: 0.24}
}

// clearFeatures takes eyes, brows, lips and nostrils out of a mask.
func clearFeatures(mask cv.Gray, f photo.Frame, m mouth) {
	ellipse := func(cx, cy, rx, ry float64) {
		for y := max(int((cy-ry)*f.Unit+f.Origin[1]), 0); y <= min(int((cy+ry)*f.Unit+f.Origin[1]), f.H-1); y++ {
			for x := max(int((cx-rx)*f.Unit+f.Origin[0]), 0); x <= min(int((cx+rx)*f.Unit+f.Origin[0]), f.W-1); x++ {
				u, v := ((float64(x)-f.Origin[0])/f.Unit-cx)/rx, ((float64(y)-f.Origin[1])/f.Unit-cy)/ry
				if u*u+v*v <= 1 {
					mask.Pix[y*f.W+x] = 0
				}
			}
		}
	}
	for _, side := range []float64{-1, 1} {
		ellipse(side*0.5, -0.01, 0.31, 0.16)  // eye and lids
		ellipse(side*0.50, -0.31, 0.42, 0.13) // brow
		ellipse(side*0.13, 0.68*(m.y/mouthAt), 0.11, 0.06)
	}
	ellipse(0, m.y, m.halfW, m.halfH)
}
