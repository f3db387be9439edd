package compare

import (
	"fmt"
	"math"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/photo"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// cameras compares what took two photos. Cameras differ in colour, in sharpening and
// smoothing, which no later correction undoes; how much of that reaches the skin is
// for the other checks to find, so that a difference alone asks for caution.
func cameras(base, this photo.Camera) []Check {
	var cs []Check
	differs := func(name, was, is string, affects []metrics.Family, what, advice string) {
		if was == "" || is == "" {
			return
		}
		c := Check{Name: name, Affects: affects, Status: result.OK}
		if was != is {
			c.Value, c.Status, c.Explanation = 1, result.Caution, fmt.Sprintf("%s (%s, at baseline %s): %s", what, is, was, advice)
		}
		cs = append(cs, c)
	}
	differs("camera_model", base.Model, this.Model, all, "another camera than at baseline", "cameras differ in colour and in how they sharpen and smooth; use the baseline's")
	differs("lens", base.Lens, this.Lens, relief, "another lens than at baseline", "use the baseline's, and of a phone the same camera")
	was, is := base.Focal35, this.Focal35
	if (was == 0 || is == 0) && base.Model == this.Model {
		was, is = base.FocalMM, this.FocalMM
	}
	if was > 0 && is > 0 {
		pct := 100 * (is/was - 1)
		cs = append(cs, band("focal_length", "percent", pct, 10, math.Inf(1), relief,
			fmt.Sprintf("the focal length is %.0f mm, at baseline %.0f mm: another one asks for another distance, which changes the face's shape; do not zoom", is, was)))
	}
	differs("flash", base.Flash, this.Flash, all, "the flash is not used as at baseline", "flash at every session or at none")
	if was, is := light(base), light(this); !math.IsNaN(was) && !math.IsNaN(is) {
		cs = append(cs, band("light_level", "stops", is-was, 2, math.Inf(1), relief,
			fmt.Sprintf("by the camera's settings the light was %.1f times that at baseline: the same lamps, at the same distance, no daylight", math.Exp2(is-was))))
	}
	if base.ISO > 0 && this.ISO > 0 {
		cs = append(cs, band("iso", "stops", math.Log2(this.ISO/base.ISO), 2, math.Inf(1), fine,
			fmt.Sprintf("the sensitivity is ISO %.0f, at baseline ISO %.0f: at a high one cameras smooth the skin; more light, and a fixed ISO", this.ISO, base.ISO)))
	}
	return cs
}

// light is the level of light that a camera was set for, in stops: the exposure value
// at ISO 100, log2(N^2/t) - log2(ISO/100) (ISO 2720:1974); NaN where it is not known.
func light(c photo.Camera) float64 {
	if c.FNumber <= 0 || c.Seconds <= 0 || c.ISO <= 0 {
		return math.NaN()
	}
	return math.Log2(c.FNumber*c.FNumber/c.Seconds) - math.Log2(c.ISO/100)
}
