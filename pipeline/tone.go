package pipeline

import (
	"math"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/face"
	"github.com/dermatrend/dermatrend/pipeline/photo"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Where the white of an eye is looked for: beside the iris, from its rim to about
// the corner of the eye, and mostly below the middle, where the upper lid casts no
// shadow; in radii of the iris.
const (
	whiteFrom  = 1.2
	whiteTo    = 2.1
	whiteAbove = 0.25
	whiteBelow = 0.55
)

const (
	// whiteShare of that region, the palest, may be white; the brighter half of it is
	// taken for the white without lashes and shadow.
	whiteShare = 0.4
	// minWhitePixels is the least white of one side of an iris.
	minWhitePixels = 12
	// minPaler is by how much the erythema index of white is below that of the
	// forehead: in 43 photos of open eyes it was 4 to 24 units; of a closed lid it is
	// that of skin.
	minPaler = 3.0
	// whiteY is the luminance of the white of an eye that the lids shade little: L* 75.
	whiteY = 0.483
)

// luminance of linear sRGB.
func luminance(c [3]float64) float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] }

// eyeWhite is the luminance of the white of the eyes, linear light: of the four
// sides of two irises the brightest that is clearly paler than the skin, which the
// lids shade least. ok is false without an iris, or where no side of an eye shows
// white.
func (s *shot) eyeWhite(skin [3]float64) (y float64, ok bool) {
	if !(s.iris[0] > 0) {
		return 0, false
	}
	for _, eye := range []float64{-0.5, 0.5} {
		for _, side := range []float64{-1, 1} {
			c, found := s.whiteBeside(eye, side)
			if found && 100*math.Log10(skin[0]*c[1]/(skin[1]*c[0])) > minPaler {
				y, ok = math.Max(y, luminance(c)), true
			}
		}
	}
	return y, ok
}

// whiteBeside is the colour of the white on one side of an iris, linear light. eye
// is its place along the line of the pupils in inter-pupil distances, side the
// direction.
func (s *shot) whiteBeside(eye, side float64) (rgb [3]float64, ok bool) {
	radius := s.iris[0] * face.IrisMM / 2
	cx, cy := s.frame.ToPhoto.At(s.frame.Origin[0]+eye*s.frame.Unit, s.frame.Origin[1])
	k := s.frame.Scale()
	ux, uy := s.frame.ToPhoto.A/k, s.frame.ToPhoto.D/k // along the line of the pupils
	var pixels [][3]float32
	var red []float32
	reach := int(math.Ceil((whiteTo + whiteBelow) * radius))
	for y := int(cy) - reach; y <= int(cy)+reach; y++ {
		for x := int(cx) - reach; x <= int(cx)+reach; x++ {
			dx, dy := float64(x)-cx, float64(y)-cy
			u, v := side*(dx*ux+dy*uy)/radius, (dy*ux-dx*uy)/radius
			if u < whiteFrom || u > whiteTo || v < -whiteAbove || v > whiteBelow ||
				x < s.offset[0] || y < s.offset[1] || x >= s.offset[0]+s.rgb.W || y >= s.offset[1]+s.rgb.H {
				continue
			}
			c := s.pixel(x, y)
			if max(c[0], c[1], c[2]) >= tooBright || min(c[0], c[1], c[2]) <= tooDark {
				continue
			}
			p := [3]float32{photo.Linear[c[0]], photo.Linear[c[1]], photo.Linear[c[2]]}
			pixels, red = append(pixels, p), append(red, p[0]/p[1])
		}
	}
	palest := float32(metrics.QuantilePixels(slices.Clone(red), whiteShare))
	var pale [][3]float32
	var light []float32
	for i, p := range pixels {
		if red[i] <= palest {
			pale, light = append(pale, p), append(light, p[1])
		}
	}
	bright := float32(metrics.MedianPixels(slices.Clone(light)))
	var planes [3][]float32
	for i, p := range pale {
		if light[i] >= bright {
			for c := range planes {
				planes[c] = append(planes[c], p[c])
			}
		}
	}
	if len(planes[0]) < minWhitePixels {
		return rgb, false
	}
	for c := range planes {
		rgb[c] = metrics.MedianPixels(planes[c])
	}
	return rgb, true
}

// tone is the individual typology angle of a zone's skin in one photo, degrees, in
// the exposure in which the white of the eyes has L* 75: an uncalibrated photo's own
// exposure moves it by some 25 degrees a stop. byEyes is false where no white is seen,
// so that it is the angle as photographed. NaN without such skin.
func (s *shot) tone(zone string) (ita float64, byEyes bool) {
	if s.zones[zone] == nil {
		return math.NaN(), false
	}
	skin := s.reference(zone)
	if !skin.ok {
		return math.NaN(), false
	}
	gain := 1.0
	if y, ok := s.eyeWhite(skin.rgb); ok {
		gain, byEyes = whiteY/y, true
	}
	l, _, b := metrics.LinearToLab(gain*skin.rgb[0], gain*skin.rgb[1], gain*skin.rgb[2])
	return metrics.ITA(l, b), byEyes
}

// skinTone is the tone of the forehead at baseline, else of the first zone that has
// one; none before zones are known.
func (r *seriesRun) skinTone() result.Number {
	if len(r.shots) == 0 {
		return result.None()
	}
	zones := []string{"forehead"}
	for _, z := range r.zones {
		zones = append(zones, z.name)
	}
	for _, z := range zones {
		if ita, _ := r.shots[0].tone(z); !math.IsNaN(ita) {
			return result.Number(ita)
		}
	}
	return result.None()
}

// maxToneMoved is about the smallest detectable change of the tone by the eyes,
// degrees: two photos of the same skin, neutral and smiling, differed by 4 at the
// median and by more than 10 in two of 22 pairs; neutral ones by 6 at most.
const maxToneMoved = 10.0

// compareTones holds the tone of each zone that serves as reference against the
// baseline's: skin that has tanned or paled makes the others look redder or paler.
// It is a caution on what is measured relative to it.
func (r *seriesRun) compareTones() {
	var references []string
	for _, z := range r.zones {
		if ref := r.referenceFor(z.name); ref != "" && z.name != referenceZone && !slices.Contains(references, ref) {
			references = append(references, ref)
		}
	}
	for _, s := range r.shots[1:] {
		worst, seen := 0.0, false
		for _, ref := range references {
			before, a := r.shots[0].tone(ref)
			now, b := s.tone(ref)
			if !a || !b { // as photographed it says more of the exposure than of the skin
				continue
			}
			if d := now - before; !seen || math.Abs(d) > math.Abs(worst) {
				worst, seen = d, true
			}
			if d := now - before; math.Abs(d) > maxToneMoved {
				s.toneMoved = append(s.toneMoved, ref)
			}
		}
		if !seen {
			continue
		}
		row := result.Check{Subject: r.series.Subject.ID, View: r.series.View, Session: s.session.ID, Photo: s.ref.File,
			Check: "reference_ita", Value: result.Number(worst), Limit: maxToneMoved, Unit: "deg",
			Affects: strings.Join([]string{string(metrics.Redness), string(metrics.Pigment)}, ";"), Status: result.OK}
		if len(s.toneMoved) > 0 {
			row.Status = result.Caution
		}
		r.result.Comparability = append(r.result.Comparability, row)
	}
}
