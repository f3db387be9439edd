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
	"github.com/dermatrend/dermatrend/pipeline/result"
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

// outlines lists the zones of the series: those of the manifest, then the
// automatic ones of the front view that it does not draw.
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
		out = append(out, zoneOutline{name: name, mask: m})
	}
	inFrame := func(p study.Polygon) []face.Point {
		var poly []face.Point
		for _, q := range p {
			x, y := base.frame.FromPhoto(q.X, q.Y)
			poly = append(poly, face.Point{X: x, Y: y})
		}
		return poly
	}
	drawn, reference := r.series.Subject.Zones[r.series.View], r.series.Subject.ReferenceSkin[r.series.View]
	if first := r.series.Sessions[0]; (drawn != nil || reference != nil) && base.ref.File != first.Photos[0].File {
		r.note("%s, in which zones and reference skin are drawn, cannot be used, so they are not either", first.Photos[0].File)
		drawn, reference = nil, nil
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
			add(name, inFrame(p))
		} else if p, ok := auto[name]; ok {
			add(name, p)
		}
	}
	if reference != nil {
		add(referenceZone, inFrame(reference))
	}
	return out
}

// A zone is left out of a photo where less than this share of the baseline's skin
// can be seen, or where its skin moved against the head by more than this many
// inter-pupil distances.
const (
	minZoneCover   = 0.55
	maxExpression  = 0.045
	someExpression = 0.025
)

// commonSkin fixes the skin that is measured: for each zone the part that is skin
// in every photo compared, so that all are measured on the same skin. It carries
// that mask into each photo and leaves out glare and clipped pixels there.
func commonSkin(r *seriesRun) error {
	r.zones = r.outlines()
	for _, s := range r.shots {
		s.zones = map[string]*zone{}
		if s.toShot != nil {
			var err error
			if s.skinAtBase, err = s.toShot.MaskToBase(s.skin); err != nil {
				return err
			}
			for i, known := range s.toShot.Known().Pix {
				if known == 0 { // it may be the skin beside it
					s.skinAtBase.Pix[i] = 0
				}
			}
		}
	}
	for i := range r.zones {
		z := &r.zones[i]
		whole := count(z.mask)
		if whole < 60 { // frame pixels, about 6 mm^2
			for _, s := range r.shots {
				s.zones[z.name] = &zone{name: z.name, refused: "hardly any skin of the zone can be seen at baseline"}
			}
			continue
		}
		common := cv.Gray{W: z.mask.W, H: z.mask.H, Pix: slices.Clone(z.mask.Pix)}
		for _, s := range r.shots {
			s.zones[z.name] = &zone{name: z.name}
			if s.toShot == nil {
				continue
			}
			if ok, _ := r.comparable(s); ok { // others must not cost the rest their skin
				r.shareZone(s, z, common, whole)
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

// shareZone takes the part of a zone that the photo does not show out of common,
// or refuses the zone in this photo.
func (r *seriesRun) shareZone(s *shot, z *zoneOutline, common cv.Gray, whole int) {
	zs, seen := s.zones[z.name], s.skinAtBase
	cover := 0
	for i, v := range z.mask.Pix {
		if v != 0 && seen.Pix[i] != 0 {
			cover++
		}
	}
	moved := s.toShot.Expression(z.mask)
	if z.name != referenceZone {
		row := result.Check{Subject: r.series.Subject.ID, View: r.series.View, Session: s.session.ID, Photo: s.ref.File,
			Check: "expression_" + z.name, Value: result.Number(100 * moved), Limit: 100 * someExpression, Unit: "percent_ipd",
			Affects: "redness;pigment;texture;lines;pores;scars", Status: result.OK}
		switch {
		case moved > maxExpression:
			row.Status, row.Limit = result.Refused, 100*maxExpression
			zs.refused = fmt.Sprintf("another expression: the skin moved by %.1f %% of the pupils' distance against the head (limit %.1f %%); keep a neutral face", 100*moved, 100*maxExpression)
		case moved > someExpression:
			row.Status = result.Caution
			zs.caution = "the expression differs a little from the baseline"
		}
		r.result.Comparability = append(r.result.Comparability, row)
	}
	if share := float64(cover) / float64(whole); share < minZoneCover {
		zs.refused = fmt.Sprintf("only %.0f %% of the zone's skin can be seen and found again (at least %.0f %% is needed): hair, shadow, glare, turned away, or another expression", 100*share, 100*minZoneCover)
	}
	if zs.refused == "" {
		for i := range common.Pix {
			if seen.Pix[i] == 0 {
				common.Pix[i] = 0
			}
		}
	}
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
