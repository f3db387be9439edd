package pipeline

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/segment"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// pictureFrame is the part of the baseline photo that all pictures of a series
// show, at one size.
type pictureFrame struct {
	w, h   int
	toBase cv.Affine // picture -> baseline photo
}

// takePicture resamples the photo into the frame of the pictures, moved and turned
// as a whole only: what is looked at is not bent.
func takePicture(s *shot, r *seriesRun) error {
	if s.base == nil {
		f := s.frame
		k := float64(f.W) / float64(r.cfg.PictureSide) // frame px per picture px
		r.pictures = pictureFrame{w: r.cfg.PictureSide, h: int(float64(f.H) / k),
			toBase: after(f.ToPhoto, cv.Affine{A: k, E: k})}
	}
	var err error
	s.picture, err = photo.Frame{W: r.pictures.w, H: r.pictures.h, ToPhoto: r.toPhoto(s)}.View(s.rgb)
	return err
}

// toPhoto maps a picture position to the photo.
func (r *seriesRun) toPhoto(s *shot) cv.Affine {
	if s.toShot == nil {
		return r.pictures.toBase
	}
	return after(s.toShot.Similarity, r.pictures.toBase)
}

// Overlays are drawn in colours that remain distinct in the common forms of colour
// blindness (Okabe & Ito 2008).
var (
	blue      = color.NRGBA{0, 114, 178, 255}
	orange    = color.NRGBA{230, 159, 0, 255}
	vermilion = color.NRGBA{213, 94, 0, 150}
	purple    = color.NRGBA{204, 121, 167, 255}
	brown     = color.NRGBA{94, 60, 20, 170}
	green     = color.NRGBA{0, 158, 115, 255}
)

// layers are the overlays of a photo: its name, its colour, and how it is drawn.
var layers = []struct {
	name   string
	colour color.NRGBA
	draw   func(c *canvas)
}{
	{"zones", blue, func(c *canvas) {
		for _, z := range c.run.zones {
			if zs := c.shot.zones[z.name]; z.name != referenceZone && zs.refused == "" {
				c.outline(zs, metrics.Mask{W: zs.rect.Dx(), H: zs.rect.Dy(), Pix: zs.skin})
			}
		}
	}},
	{"scars", orange, func(c *canvas) {
		c.masks(func(f segment.Found) metrics.Mask { return f.ScarMask }, true)
		c.crossOut(metrics.Scar)
	}},
	{"pores", green, func(c *canvas) {
		for _, z := range c.run.zones {
			for _, o := range c.shot.found[z.name].Objects {
				if o.Kind == metrics.Pore {
					c.ring(c.shot.zones[z.name], o)
				}
			}
		}
		c.crossOut(metrics.Pore)
	}},
	{"redness", vermilion, func(c *canvas) {
		c.masks(func(f segment.Found) metrics.Mask { return f.RedMask }, false)
		c.crossOut(metrics.RedSpot)
	}},
	{"brown", brown, func(c *canvas) {
		c.masks(func(f segment.Found) metrics.Mask { return f.BrownMask }, false)
		c.crossOut(metrics.BrownMark)
	}},
	{"lines", purple, func(c *canvas) {
		c.masks(func(f segment.Found) metrics.Mask { return f.LineMask }, false)
	}},
}

// canvas is a picture of one photo's findings in one colour: 0 is transparent, 1
// is drawn.
type canvas struct {
	run  *seriesRun
	shot *shot
	back cv.Affine // photo -> picture
	img  *image.Paletted
	any  bool
}

func (c *canvas) set(z *zone, x, y float64) {
	u, v := c.back.At(float64(z.rect.Min.X)+x, float64(z.rect.Min.Y)+y)
	p := image.Pt(int(math.Round(u)), int(math.Round(v)))
	if p.In(c.img.Rect) {
		c.img.Pix[p.Y*c.img.Stride+p.X] = 1
		c.any = true
	}
}

// masks draws one mask of every zone, as outlines or filled.
func (c *canvas) masks(of func(segment.Found) metrics.Mask, outlines bool) {
	for _, z := range c.run.zones {
		f, ok := c.shot.found[z.name]
		if !ok {
			continue
		}
		zs, m := c.shot.zones[z.name], of(f)
		if outlines {
			c.outline(zs, m)
			continue
		}
		for i, v := range m.Pix {
			if v != 0 {
				c.set(zs, float64(i%m.W), float64(i/m.W))
			}
		}
	}
}

// outline draws the inner edge of a mask.
func (c *canvas) outline(z *zone, m metrics.Mask) {
	at := func(x, y int) bool { return x >= 0 && y >= 0 && x < m.W && y < m.H && m.Pix[y*m.W+x] != 0 }
	for i, v := range m.Pix {
		x, y := i%m.W, i/m.W
		if v != 0 && !(at(x-1, y) && at(x+1, y) && at(x, y-1) && at(x, y+1)) {
			c.set(z, float64(x), float64(y))
		}
	}
}

// ring draws a circle around an object, a little larger than it.
func (c *canvas) ring(z *zone, o metrics.Object) {
	r := o.Diameter/2 + 1/math.Hypot(c.back.A, c.back.D)
	for k := range 24 {
		s, co := math.Sincos(float64(k) * math.Pi / 12)
		c.set(z, o.X+r*co, o.Y+r*s)
	}
}

// crossOut draws a cross over every rejected object of a kind, as large as it and
// never smaller than can be seen.
func (c *canvas) crossOut(kind metrics.Kind) {
	perPixel := math.Hypot(c.back.A, c.back.D) // picture px per photo px
	for _, z := range c.run.zones {
		for _, o := range c.shot.found[z.name].Rejected {
			if o.Kind != kind {
				continue
			}
			arm := math.Max(o.Diameter/2*perPixel, 4)
			for k := -arm; k <= arm; k += 0.5 {
				for _, side := range []float64{-1, 1} {
					c.set(c.shot.zones[z.name], o.X+k/perPixel, o.Y+side*k/perPixel)
				}
			}
		}
	}
}

// drawPictures writes aligned pictures, overlays and masks of the first photo of
// each session, all in one frame.
func drawPictures(r *seriesRun) error {
	for _, d := range []string{"aligned", "overlays", "masks"} {
		if err := os.MkdirAll(filepath.Join(r.dir, d), 0o700); err != nil {
			return err
		}
	}
	b := r.pictures.toBase
	r.result.PictureToBase = [6]float64{b.A, b.B, b.C, b.D, b.E, b.F}
	if mm := r.shots[0].pxPerMM; mm > 0 {
		r.result.PictureMMPerPx = result.Number(math.Hypot(b.A, b.D) / mm)
	}
	for i, s := range r.shots {
		if !r.first(s) {
			continue
		}
		r.progress(s.session.ID, "pictures")
		name := fmt.Sprintf("%s-%02d-%s", url.PathEscape(r.series.View), i+1, url.PathEscape(s.session.ID))
		if err := r.drawShot(s, name); err != nil {
			return err
		}
	}
	return nil
}

// first tells whether a photo is its session's first that passed.
func (r *seriesRun) first(s *shot) bool {
	for _, o := range r.shots {
		if o.session == s.session {
			return o == s
		}
	}
	return false
}

func (r *seriesRun) drawShot(s *shot, name string) error {
	s.pictures = map[string]string{}
	put := func(kind, file string, data []byte) error {
		s.pictures[kind] = filepath.ToSlash(file)
		return os.WriteFile(filepath.Join(r.dir, file), data, 0o600)
	}
	jpg, err := cv.EncodeJPEG(s.picture, 90)
	if err != nil {
		return err
	}
	if err := put("aligned", filepath.Join("aligned", name+".jpg"), jpg); err != nil {
		return err
	}
	if e, ok := s.eyeCrop(); ok {
		jpg, err := cv.EncodeJPEG(e, 90)
		if err != nil {
			return err
		}
		if err := put("eye", filepath.Join("aligned", name+"-eye.jpg"), jpg); err != nil {
			return err
		}
	}
	back := inverse(r.toPhoto(s))
	for _, l := range layers {
		c := &canvas{run: r, shot: s, back: back,
			img: image.NewPaletted(image.Rect(0, 0, r.pictures.w, r.pictures.h), color.Palette{color.NRGBA{}, l.colour})}
		l.draw(c)
		if !c.any {
			continue
		}
		data, err := encodePNG(c.img)
		if err != nil {
			return err
		}
		if err := put(l.name, filepath.Join("overlays", name+"-"+l.name+".png"), data); err != nil {
			return err
		}
	}
	data, err := encodePNG(r.zoneMask(s))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.dir, "masks", name+".png"), data, 0o600)
}

// Size of the crop round an eye, px: what a report shows of sharpness and noise.
const eyeCropW, eyeCropH = 300, 200

// eyeCrop is the brow, lid and lashes of the person's right eye, pixel for pixel;
// false in views without located eyes.
func (s *shot) eyeCrop() (cv.RGB, bool) {
	if len(s.eyes) == 0 {
		return cv.RGB{}, false
	}
	e, u := eyeRegions[0], s.frame.Unit
	x, y := s.frame.ToPhoto.At(s.frame.Origin[0]+e[0]*u, s.frame.Origin[1]+e[1]*u)
	photo := image.Rect(0, 0, s.rgb.W, s.rgb.H)
	box := image.Rect(0, 0, eyeCropW, eyeCropH).Add(image.Pt(int(x)-eyeCropW/2-s.offset[0], int(y)-eyeCropH/2-s.offset[1])).Intersect(photo)
	if box.Dx() < eyeCropW/2 || box.Dy() < eyeCropH/2 {
		return cv.RGB{}, false
	}
	crop := cv.NewRGB(box.Dx(), box.Dy())
	for j := range crop.H {
		copy(crop.Pix[3*j*crop.W:3*(j+1)*crop.W], s.rgb.Pix[3*((box.Min.Y+j)*s.rgb.W+box.Min.X):])
	}
	return crop, true
}

// zoneMask is the skin that was measured, as a picture of indices: 0 for none, else
// the place of the zone in study.ZoneNames, from 1.
func (r *seriesRun) zoneMask(s *shot) *image.Paletted {
	palette := color.Palette{color.NRGBA{}, blue, orange, green, purple, brown, vermilion, color.NRGBA{86, 180, 233, 255}, color.NRGBA{240, 228, 66, 255}}
	img := image.NewPaletted(image.Rect(0, 0, r.pictures.w, r.pictures.h), palette)
	m := r.toPhoto(s)
	back := inverse(m)
	for _, z := range r.zones {
		zs := s.zones[z.name]
		if z.name == referenceZone || zs.refused != "" {
			continue
		}
		index := uint8(slices.Index(study.ZoneNames, z.name) + 1)
		box := covering(back, zs.rect).Intersect(img.Rect)
		for v := box.Min.Y; v < box.Max.Y; v++ {
			for u := box.Min.X; u < box.Max.X; u++ {
				x, y := m.At(float64(u), float64(v))
				p := image.Pt(int(math.Round(x)), int(math.Round(y)))
				if p.In(zs.rect) && zs.skin[(p.Y-zs.rect.Min.Y)*zs.rect.Dx()+p.X-zs.rect.Min.X] != 0 {
					img.Pix[v*img.Stride+u] = index
				}
			}
		}
	}
	return img
}

// covering is the box around a rectangle after an affine map.
func covering(m cv.Affine, r image.Rectangle) image.Rectangle {
	var box image.Rectangle
	for k, c := range []image.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}} {
		x, y := m.At(float64(c.X), float64(c.Y))
		p := image.Rect(int(math.Floor(x)), int(math.Floor(y)), int(math.Floor(x))+2, int(math.Floor(y))+2)
		if k == 0 {
			box = p
		} else {
			box = box.Union(p)
		}
	}
	return box
}

// encodePNG writes a picture of few colours with a byte a pixel: Go packs those of 16
// and fewer bit by bit, which takes longer than the rest of the picture.
func encodePNG(img *image.Paletted) ([]byte, error) {
	wide := *img
	wide.Palette = append(color.Palette(nil), img.Palette...)
	for len(wide.Palette) <= 16 {
		wide.Palette = append(wide.Palette, color.NRGBA{})
	}
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	err := enc.Encode(&b, &wide)
	return b.Bytes(), err
}
