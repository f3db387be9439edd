package consent

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/study"
)

// covering is what hides a part of a picture: the grey that reflects 18 %, beside
// which skin looks neither lighter nor redder than it is.
var covering = color.NRGBA{118, 118, 118, 255}

const (
	leastSkin    = 1000 // px that a crop has to show
	specksAcross = 260  // gaps in the skin up to the square of this part of the width are filled
)

// A Crop is what de-identified pictures of one zone show: the skin that was measured
// in all of them, in one box.
type Crop struct {
	Box  image.Rectangle // in the whole pictures
	keep []bool          // by pixel of the box
}

// CropZone finds what can be shown of a zone from the masks of the pictures, whose
// pixels hold the place of their zone in study.ZoneNames, from 1.
//
// Nothing outside the measured skin is added but specks that it encloses (hairs,
// glints, up to about half a square millimetre): moles and what was excluded stay
// covered. Of the forehead only the largest upright rectangle is shown, because the
// edge of its skin is the hairline. It is an error where hardly any skin is left.
func CropZone(zone string, masks ...*image.Paletted) (Crop, error) {
	index := slices.Index(study.ZoneNames, zone) + 1
	if index == 0 || len(masks) == 0 {
		return Crop{}, fmt.Errorf("no masks of a zone %q", zone)
	}
	frame := masks[0].Rect
	keep := make([]bool, frame.Dx()*frame.Dy())
	for i, m := range masks {
		if m.Rect != frame {
			return Crop{}, errors.New("the masks differ in size")
		}
		for j := range keep {
			same := m.Pix[j/frame.Dx()*m.Stride+j%frame.Dx()] == uint8(index)
			keep[j] = same && (i == 0 || keep[j])
		}
	}
	speck := frame.Dx() / specksAcross
	fillGaps(keep, frame.Dx(), speck*speck)
	if zone == "forehead" {
		whole := slices.Clone(keep)
		fillGaps(whole, frame.Dx(), len(whole))
		window := largestRectangle(whole, frame.Dx())
		for i := range keep {
			keep[i] = keep[i] && image.Pt(i%frame.Dx(), i/frame.Dx()).In(window)
		}
	}
	var c Crop
	n := 0
	for i, k := range keep {
		if k {
			n++
			p := image.Pt(i%frame.Dx(), i/frame.Dx())
			c.Box = c.Box.Union(image.Rectangle{p, p.Add(image.Pt(1, 1))})
		}
	}
	if n < leastSkin {
		return Crop{}, fmt.Errorf("hardly any skin of the zone was measured in all pictures (%d pixels)", n)
	}
	for y := c.Box.Min.Y; y < c.Box.Max.Y; y++ {
		c.keep = append(c.keep, keep[y*frame.Dx()+c.Box.Min.X:y*frame.Dx()+c.Box.Max.X]...)
	}
	c.Box = c.Box.Add(frame.Min)
	return c, nil
}

// Of is the crop of a picture: what is shown has the very values that the picture
// has, all else is covered.
func (c Crop) Of(img image.Image) (*image.NRGBA, error) {
	if !c.Box.In(img.Bounds()) {
		return nil, errors.New("picture and mask differ in size")
	}
	out := image.NewNRGBA(image.Rect(0, 0, c.Box.Dx(), c.Box.Dy()))
	draw.Draw(out, out.Rect, img, c.Box.Min, draw.Src)
	for i, k := range c.keep {
		if !k {
			out.SetNRGBA(i%c.Box.Dx(), i/c.Box.Dx(), covering)
		}
	}
	return out, nil
}

// Cover is a picture without the parts that the rectangles hide.
func Cover(img image.Image, parts ...image.Rectangle) *image.NRGBA {
	out := image.NewNRGBA(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Src)
	for _, r := range parts {
		draw.Draw(out, r, image.NewUniform(covering), image.Point{}, draw.Src)
	}
	return out
}

// EncodePNG writes a picture without loss and with nothing beside its pixels: no
// names, dates, places, profiles, thumbnails.
func EncodePNG(img *image.NRGBA) ([]byte, error) {
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}

// fillGaps adds to a mask of a width the gaps that it encloses, of most pixels at
// most: neighbours share a side.
func fillGaps(mask []bool, w, most int) {
	seen := slices.Clone(mask)
	var gap []int
	for start := range mask {
		if seen[start] {
			continue
		}
		gap, seen[start] = append(gap[:0], start), true
		enclosed := true
		for k := 0; k < len(gap); k++ {
			i := gap[k]
			x, y := i%w, i/w
			if x == 0 || y == 0 || x == w-1 || y == len(mask)/w-1 {
				enclosed = false
			}
			for _, n := range [4]struct {
				at int
				in bool
			}{{i - 1, x > 0}, {i + 1, x < w-1}, {i - w, y > 0}, {i + w, i+w < len(mask)}} {
				if n.in && !seen[n.at] {
					seen[n.at] = true
					gap = append(gap, n.at)
				}
			}
		}
		if enclosed && len(gap) <= most {
			for _, i := range gap {
				mask[i] = true
			}
		}
	}
}

// largestRectangle is the upright rectangle of most pixels that a mask of a width
// holds, found row by row over the heights of the columns that end there.
func largestRectangle(mask []bool, w int) image.Rectangle {
	var best image.Rectangle
	heights := make([]int, w+1) // a last one of 0 ends every rectangle
	var stack []int             // columns of rising height
	for y := range len(mask) / w {
		stack = stack[:0]
		for x := range heights {
			if x < w {
				heights[x]++
				if !mask[y*w+x] {
					heights[x] = 0
				}
			}
			for len(stack) > 0 && heights[stack[len(stack)-1]] >= heights[x] {
				h := heights[stack[len(stack)-1]]
				stack = stack[:len(stack)-1]
				left := 0
				if len(stack) > 0 {
					left = stack[len(stack)-1] + 1
				}
				if h*(x-left) > best.Dx()*best.Dy() {
					best = image.Rect(left, y+1-h, x, y+1)
				}
			}
			stack = append(stack, x)
		}
	}
	return best
}
