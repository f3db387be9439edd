package pipeline

import (
	"errors"
	"fmt"
	"image"
	"math"
	"time"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/face"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// load decodes the photo.
func load(s *shot, r *seriesRun) error {
	if s.ref.Refused != "" {
		return errors.New(s.ref.Refused)
	}
	p, err := photo.Load(r.path(s))
	if err != nil {
		return err
	}
	for file, sum := range r.result.InputSHA256 {
		if sum == p.SHA256 {
			return fmt.Errorf("the same picture as %s, byte for byte; every session needs its own", file)
		}
	}
	r.result.InputSHA256[s.ref.File] = p.SHA256
	s.size = [2]int{p.RGB.W, p.RGB.H}
	s.rgb, s.noColour, s.quality, s.taken, s.camera = p.RGB, p.NoColour, p.Quality, p.Meta.Taken, p.Meta.Camera
	r.record(s, p)
	if days := p.Meta.Taken.Sub(s.session.Date.Time).Hours() / 24; !p.Meta.Taken.IsZero() && !s.session.Date.IsZero() && (days < -1 || days > 2) {
		r.note("%s: the camera dates the photo %s, the session %s", s.ref.File, p.Meta.Taken.Format("2006-01-02"), s.date())
	}
	return nil
}

// record keeps what the file says of the photo for the result.
func (r *seriesRun) record(s *shot, p *photo.Photo) {
	for _, n := range p.Notes {
		r.note("%s: %s", s.ref.File, n)
	}
	if r.result.Sources == nil {
		r.result.Sources = map[string]result.Source{}
	}
	src := result.Source{Format: p.Format, Profile: p.Profile, Camera: p.Meta.Model, Lens: p.Meta.Lens, FocalMM: p.Meta.FocalMM, Focal35MM: p.Meta.Focal35,
		Flash: p.Meta.Flash, ExposureS: p.Meta.Seconds, FNumber: p.Meta.FNumber, ISO: p.Meta.ISO}
	if t := p.Meta.Taken; !t.IsZero() {
		src.Taken = t.Format(time.RFC3339)
	}
	r.result.Sources[s.ref.File] = src
}

// findFace finds the face, its frame and its skin. In views without automatic
// zones the frame comes from the polygons of the manifest and, for later photos,
// from the alignment.
func findFace(s *shot, r *seriesRun) error {
	if r.series.View != study.ViewFront {
		return frameOfPolygons(s, r)
	}
	f, err := r.detector.Find(&photo.Photo{RGB: s.rgb})
	if err != nil {
		return err
	}
	if f.Others > 0 {
		r.note("%s: %d more face(s) in the photo; the larger one near the centre is measured", s.ref.File, f.Others)
	}
	s.frame = f.Frame()
	s.iris[0], s.iris[1] = f.PxPerMM()
	if s.view, err = s.frame.View(s.rgb); err != nil {
		return err
	}
	skin, err := face.FindSkin(s.view)
	if err != nil {
		return err
	}
	s.skin, s.mouth = skin.Mask, skin.Mouth
	if n := count(s.skin); n < len(s.skin.Pix)/20 {
		return errors.New("hardly any skin can be seen in the face: too dark, too bright, or covered")
	}
	return nil
}

func count(m cv.Gray) int {
	n := 0
	for _, v := range m.Pix {
		if v != 0 {
			n++
		}
	}
	return n
}

// alignToBaseline maps the photo to the baseline, or refuses it, and records the
// row of alignment.csv.
func alignToBaseline(s *shot, r *seriesRun) error {
	row := result.Alignment{Subject: r.series.Subject.ID, View: r.series.View, Session: s.session.ID, Photo: s.ref.File, Status: result.OK,
		Scale: 1, Overlap: 1}
	if s.base == nil {
		row.Reason = "baseline"
		row.ResidualPx, row.ResidualPctIPD = result.None(), result.None()
		r.result.Alignments = append(r.result.Alignments, row)
		return nil
	}
	m, err := r.register(s)
	if err != nil {
		none := result.None()
		row.Status, row.Reason = result.Refused, err.Error()
		row.Scale, row.RotationDeg, row.ShiftXPx, row.ShiftYPx, row.Overlap = none, none, none, none, none
		row.ResidualPx, row.ResidualPctIPD, row.YawDeltaDeg, row.PitchDeltaDeg = none, none, none, none
		r.result.Alignments = append(r.result.Alignments, row)
		return err
	}
	s.toShot = m
	if s.accepted != "" {
		row.Status, row.Reason = result.Caution, s.accepted
	}
	q, sim := m.Quality, m.Similarity
	cx, cy := s.base.frame.ToPhoto.At(s.base.frame.Origin[0], s.base.frame.Origin[1])
	tx, ty := sim.At(cx, cy)
	row.Scale = result.Number(math.Hypot(sim.A, sim.D))
	row.RotationDeg = result.Number(math.Atan2(sim.D, sim.A) * 180 / math.Pi)
	row.ShiftXPx, row.ShiftYPx = result.Number(tx-cx), result.Number(ty-cy)
	row.Inliers, row.Overlap = q.Inliers, result.Number(q.Overlap)
	row.ResidualPctIPD = result.Number(100 * q.ResidualUnits)
	row.ResidualPx = result.Number(q.ResidualUnits * s.frame.Unit * s.frame.Scale())
	row.YawDeltaDeg, row.PitchDeltaDeg = result.Number(q.YawDeltaDeg), result.Number(q.PitchDeltaDeg)
	r.result.Alignments = append(r.result.Alignments, row)
	return nil
}

// scaleToBase is photo pixels per baseline pixel.
func (s *shot) scaleToBase() float64 {
	if s.toShot == nil {
		return 1
	}
	return math.Hypot(s.toShot.Similarity.A, s.toShot.Similarity.D)
}

// eyeRegions are the places whose sharpness treatment cannot change: lids, lashes
// and brows. Centre and half-size in inter-pupil distances.
var eyeRegions = [][4]float64{{-0.5, -0.12, 0.34, 0.30}, {0.5, -0.12, 0.34, 0.30}}

// smoothRegions are where pixel noise is estimated: cheeks and forehead.
var smoothRegions = [][4]float64{{-0.55, 0.60, 0.16, 0.16}, {0.55, 0.60, 0.16, 0.16}, {0, -0.75, 0.22, 0.14}}

// measureSharpness compares the sharpness of eyes and brows with the baseline's,
// and estimates the pixel noise on the skin.
func measureSharpness(s *shot, r *seriesRun) error {
	s.blurVar, s.blurErr, s.noise, s.noiseRel = math.NaN(), math.NaN(), math.NaN(), math.NaN()
	if err := measureAppearance(s); err != nil {
		return err
	}
	if r.series.View != study.ViewFront {
		return nil // the eyes are not located in other views
	}
	for i, e := range smoothRegions {
		p, mean, ok := s.window(e)
		if !ok {
			continue
		}
		// The least: what a region has of its own, noise or hair, only adds.
		if n := metrics.NoiseSD(p); !(n > s.noise) {
			s.noise, s.noiseRel = n, n/mean
		}
		for k := range p.Pix {
			p.Pix[k] /= float32(mean)
		}
		if sp, err := metrics.NewSpectrum(p); err == nil {
			s.smooth[i] = sp
		}
	}
	for _, e := range eyeRegions {
		if p, _, ok := s.window(e); ok {
			if sp, err := metrics.NewSpectrum(p); err == nil {
				s.eyes = append(s.eyes, sp)
			}
		}
	}
	if s.base == nil {
		s.blurVar, s.blurErr = 0, 0
		return nil
	}
	if len(s.eyes) != len(eyeRegions) || len(s.base.eyes) != len(eyeRegions) {
		return nil
	}
	// Two eyes, two estimates: their mean, and the larger of their scatter and the
	// error of the fit.
	var v, ci [2]float64
	for i := range eyeRegions {
		var err error
		if v[i], ci[i], err = metrics.RelativeBlur(s.base.eyes[i], s.eyes[i], s.scaleToBase()); err != nil {
			return nil
		}
	}
	s.blurVar = (v[0] + v[1]) / 2
	s.blurErr = math.Max(math.Abs(v[0]-v[1])/2, math.Hypot(ci[0], ci[1])/2)
	return nil
}

// window cuts a region of the face out of the photo at its own resolution, green
// in linear light, upright with the photo, and gives its mean; ok is false where it
// is small, black, or not all in the photo.
func (s *shot) window(e [4]float64) (p metrics.Plane, mean float64, ok bool) {
	u := s.frame.Unit
	x, y := s.frame.ToPhoto.At(s.frame.Origin[0]+e[0]*u, s.frame.Origin[1]+e[1]*u)
	k := s.frame.Scale() * u
	rect := image.Rect(int(x-e[2]*k), int(y-e[3]*k), int(x+e[2]*k), int(y+e[3]*k))
	if rect.Dx() < 32 || rect.Dy() < 32 || !rect.In(image.Rect(0, 0, s.rgb.W, s.rgb.H)) {
		return p, math.NaN(), false
	}
	p = metrics.Plane{W: rect.Dx(), H: rect.Dy(), Pix: make([]float32, rect.Dx()*rect.Dy())}
	for j := range p.H {
		row := s.rgb.Pix[3*((rect.Min.Y+j)*s.rgb.W+rect.Min.X):]
		for i := range p.W {
			v := photo.Linear[row[3*i+1]]
			p.Pix[j*p.W+i] = v
			mean += float64(v)
		}
	}
	mean /= float64(len(p.Pix))
	return p, mean, mean > 0
}

// faceHalfWidth bounds the automatic zones, inter-pupil distances from the midline.
const faceHalfWidth = 1.05

// cropToFace lets go of what lies outside the frame and beside the face, so that a
// long series of large photos fits in memory.
func cropToFace(s *shot, run *seriesRun) error {
	part := image.Rect(0, 0, s.frame.W, s.frame.H)
	base := s
	if s.base != nil {
		base = s.base
	}
	if run.series.View == study.ViewFront && run.drawn(base) == nil && run.series.Subject.ReferenceSkin[run.series.View] == nil {
		half := faceHalfWidth * s.frame.Unit
		part.Min.X, part.Max.X = int(s.frame.Origin[0]-half), int(s.frame.Origin[0]+half)
	}
	r := covering(s.frame.ToPhoto, part)
	r = r.Intersect(image.Rect(0, 0, s.rgb.W, s.rgb.H))
	if r.Empty() {
		return errors.New("the face lies outside the photo")
	}
	crop := cv.NewRGB(r.Dx(), r.Dy())
	for y := range crop.H {
		copy(crop.Pix[3*y*crop.W:3*(y+1)*crop.W], s.rgb.Pix[3*((r.Min.Y+y)*s.rgb.W+r.Min.X):])
	}
	s.rgb, s.offset = crop, [2]int{r.Min.X, r.Min.Y}
	return nil
}
