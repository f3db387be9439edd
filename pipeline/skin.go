package pipeline

import (
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/face"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// referenceZone is the internal name of the manifest's reference skin, which is
// measured against but not reported.
const referenceZone = "reference_skin"

// zoneOutline is a zone in the baseline's frame.
type zoneOutline struct {
	name string
	mask cv.Gray
}

// zone is a zone as one photo shows it, in the photo's own pixels.
type zone struct {
	name    string
	rect    image.Rectangle // of the photo
	skin    []uint8         // of rect, row-major: 255 is skin that counts
	n       int             // its pixels
	refused string          // why the zone cannot be compared in this photo; empty: it can
	caution string
}

// outlines lists the zones of the series: those that the manifest or an edit draws,
// and the automatic ones of the front view that neither does; without the areas that
// edits exclude.
func (r *seriesRun) outlines() []zoneOutline {
	base := r.shots[0]
	var out []zoneOutline
	add := func(name string, poly []face.Point) {
		m := face.Fill(poly, base.frame.W, base.frame.H)
		for i, v := range base.skin.Pix {
			if v == 0 {
				m.Pix[i] = 0
			}
		}
		r.leaveOut(base, m)
		out = append(out, zoneOutline{name: name, mask: m})
	}
	drawn, reference := r.drawn(base), r.series.Subject.ReferenceSkin[r.series.View]
	if first := r.series.Sessions[0]; (r.series.Subject.Zones[r.series.View] != nil || reference != nil) && base.ref.File != first.Photos[0].File {
		r.note("%s, in which zones and reference skin are drawn, cannot be used, so they are not either", first.Photos[0].File)
		reference = nil
	}
	var auto map[string][]face.Point
	if r.series.View == study.ViewFront {
		auto = face.Zones(base.mouth)
	}
	for _, name := range study.ZoneNames {
		if r.cfg.Zones != nil && !slices.Contains(r.cfg.Zones, name) {
			continue
		}
		if p, ok := drawn[name]; ok {
			add(name, base.inFrame(p))
		} else if p, ok := auto[name]; ok {
			add(name, p)
		}
	}
	if reference != nil {
		add(referenceZone, base.inFrame(reference))
	}
	return out
}

// commonSkin fixes the skin that is measured: for each zone the part that is skin
// in every photo compared, so that all are measured on the same skin. It carries
// that mask into each photo and leaves out glare and clipped pixels there.
func commonSkin(r *seriesRun) error {
	for i := range r.zones {
		z := &r.zones[i]
		common := cv.Gray{W: z.mask.W, H: z.mask.H, Pix: slices.Clone(z.mask.Pix)}
		for _, s := range r.shots {
			// Photos that are not comparable must not cost the rest their skin.
			if ok, _ := r.comparable(s); !ok || s.toShot == nil || s.zones[z.name].refused != "" || !r.cfg.does("common_skin") {
				continue
			}
			for k := range common.Pix {
				if s.skinAtBase.Pix[k] == 0 {
					common.Pix[k] = 0
				}
			}
		}
		for _, s := range r.shots {
			if zs := s.zones[z.name]; zs.refused == "" {
				if err := r.cut(s, zs, common); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// cut carries a mask of the baseline's frame into the photo and takes glare and
// clipped pixels out.
func (r *seriesRun) cut(s *shot, z *zone, common cv.Gray) error {
	mask := common
	if s.toShot != nil {
		var err error
		if mask, err = s.toShot.MaskToTarget(common); err != nil {
			return err
		}
	}
	if ok, _ := r.comparable(s); !ok { // its skin is not in the common mask
		for i, v := range s.skin.Pix {
			if v == 0 {
				mask.Pix[i] = 0
			}
		}
	}
	box := image.Rectangle{}
	for y := range mask.H {
		for x := range mask.W {
			if mask.Pix[y*mask.W+x] != 0 {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if box.Empty() {
		z.refused = "no skin of the zone is seen in all photos"
		return nil
	}
	rect := covering(s.frame.ToPhoto, box).Inset(-4)
	rect = rect.Intersect(image.Rect(s.offset[0], s.offset[1], s.offset[0]+s.rgb.W, s.offset[1]+s.rgb.H))
	if rect.Dx() < 8 || rect.Dy() < 8 {
		z.refused = "the zone is cut off by the edge of the photo"
		return nil
	}
	z.rect = rect
	z.skin = make([]uint8, rect.Dx()*rect.Dy())
	// The frame position of neighbouring pixels differs by a constant step.
	u0, v0 := s.frame.FromPhoto(0, 0)
	ux, vx := s.frame.FromPhoto(1, 0)
	uy, vy := s.frame.FromPhoto(0, 1)
	ux, vx, uy, vy = ux-u0, vx-v0, uy-u0, vy-v0
	for y := rect.Min.Y; y < rect.Max.Y; y++ {
		for x := rect.Min.X; x < rect.Max.X; x++ {
			u := int(math.Round(u0 + float64(x)*ux + float64(y)*uy))
			v := int(math.Round(v0 + float64(x)*vx + float64(y)*vy))
			if u >= 0 && v >= 0 && u < mask.W && v < mask.H && mask.Pix[v*mask.W+u] != 0 {
				z.skin[(y-rect.Min.Y)*rect.Dx()+x-rect.Min.X] = 255
			}
		}
	}
	s.leaveOutGlare(z)
	for _, m := range z.skin {
		if m != 0 {
			z.n++
		}
	}
	if z.n < 150 {
		z.refused = fmt.Sprintf("only %d pixels of common skin", z.n)
	}
	return nil
}

// pixel is the encoded colour of the photo at (x, y), which must lie in the crop.
func (s *shot) pixel(x, y int) []uint8 {
	i := 3 * ((y-s.offset[1])*s.rgb.W + x - s.offset[0])
	return s.rgb.Pix[i : i+3]
}

// leaveOutGlare clears pixels that are clipped, or much brighter and paler than the
// zone's skin: a mirror-like reflection shows the lamp, not the skin.
func (s *shot) leaveOutGlare(z *zone) {
	w := z.rect.Dx()
	var light, pale []float32
	at := func(i int) (l, p float32, clip bool) {
		c := s.pixel(z.rect.Min.X+i%w, z.rect.Min.Y+i/w)
		r, g, b := photo.Linear[c[0]], photo.Linear[c[1]], photo.Linear[c[2]]
		clip = max(c[0], c[1], c[2]) >= tooBright || min(c[0], c[1], c[2]) <= tooDark
		return 0.2126*r + 0.7152*g + 0.0722*b, min(r, g, b) / max(r, g, b, 1e-4), clip
	}
	for i, m := range z.skin {
		if m == 0 {
			continue
		}
		l, p, _ := at(i)
		light, pale = append(light, l), append(pale, p)
	}
	if len(light) == 0 {
		return
	}
	midLight, midPale := float32(metrics.MedianPixels(light)), float32(metrics.MedianPixels(pale))
	for i, m := range z.skin {
		if m == 0 {
			continue
		}
		l, p, clip := at(i)
		if clip || l > 1.7*midLight && p > midPale+0.35*(1-midPale) {
			z.skin[i] = 0
		}
	}
}

// patch is the zone in linear light.
func (s *shot) patch(z *zone) *metrics.Patch {
	w, h := z.rect.Dx(), z.rect.Dy()
	plane := func() metrics.Plane { return metrics.Plane{W: w, H: h, Pix: make([]float32, w*h)} }
	p := &metrics.Patch{R: plane(), G: plane(), B: plane(), Skin: metrics.Mask{W: w, H: h, Pix: z.skin}, PxPerMM: s.pxPerMM}
	for y := range h {
		for x := range w {
			c := s.pixel(z.rect.Min.X+x, z.rect.Min.Y+y)
			i := y*w + x
			p.R.Pix[i], p.G.Pix[i], p.B.Pix[i] = photo.Linear[c[0]], photo.Linear[c[1]], photo.Linear[c[2]]
		}
	}
	return p
}
