// Package compare decides what can be compared between a photo and its baseline.
// Each check has a value, a limit and the metric families that it spoils; a gate
// sums them up per family. Limits are relative to the subject's own baseline, so
// that skin tone does not decide who passes.
package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/photo"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Facts are what is known of one photo beside its baseline. NaN is unknown and
// judged neither way, but for the blur, without which fine structure cannot be
// compared, and the light, without which it is with caution.
type Facts struct {
	PxPerMM      float64 // 0: no scale
	ScaleRatio   float64 // photo px per baseline px
	YawDeg       float64 // change against baseline
	PitchDeg     float64
	Perspective  float64 // change of 1/distance, per inter-pupil distance
	ResidualPct  float64 // alignment error, per cent of the inter-pupil distance
	BlurVar      float64 // added variance of the point spread function, baseline px^2
	BlurVarError float64 // half-width of its 95 % interval
	Light        Light
	Clipped      float64 // share of skin pixels at the end of the range, 0..1
	JPEGQuality  float64 // estimated from the quantisation tables; NaN for PNG
	NoColour     string  // why the photo's colours are not known; empty where they are
	DaysSince    *int    // since the last treatment

	// What took the photos, as they say themselves; what one of them does not say is
	// not judged.
	Camera, BaseCamera photo.Camera

	IPDMM    float64 // distance between the pupils; 0 where unknown
	Glare    float64 // share of the skin that mirrors the lamp beyond that at baseline, -1..1
	NoisePct float64 // relative noise of a pixel on the skin beyond that at baseline (root of the difference of squares, with its sign), per cent of the light
	// Natural logs of the change of the skin's detail, blur by the eyes made good: of
	// the finest, and of the finest over the middle.
	Fine, FineOverMiddle float64
	ColourSpread         float64 // natural log of the change of the skin's unevenness of colour
	DatedBefore          float64 // days by which the camera dates the photo before one of an earlier session
}

var (
	colour = []metrics.Family{metrics.Redness, metrics.Pigment}
	fine   = []metrics.Family{metrics.Texture, metrics.Lines, metrics.Pores}
	relief = []metrics.Family{metrics.Texture, metrics.Lines, metrics.Pores, metrics.Scars}
	all    = []metrics.Family{metrics.Redness, metrics.Pigment, metrics.Texture, metrics.Lines, metrics.Pores, metrics.Scars}
)

// Check is one verdict on a pair of photos.
type Check struct {
	Name        string
	Value       float64
	Limit       float64 // of what Status says: refusal, else caution
	Unit        string
	Affects     []metrics.Family
	Status      result.Status
	Explanation string // for a reader, with what to do better; empty where ok
	Zone        string // empty for the whole photo
	Partial     bool   // it concerns only some measures of the families, which refuse by themselves
}

// band turns a value into a status: above caution, above refuse. refuse may be
// +Inf.
func band(name, unit string, value, caution, refuse float64, affects []metrics.Family, explain string) Check {
	c := Check{Name: name, Value: value, Limit: caution, Unit: unit, Affects: affects, Status: result.OK}
	switch v := math.Abs(value); {
	case v > refuse:
		c.Status, c.Limit, c.Explanation = result.Refused, refuse, explain
	case v > caution:
		c.Status, c.Explanation = result.Caution, explain
	}
	return c
}

// AcceptedCheck names the check of a photo that agrees with the baseline so weakly
// that it would be refused, had nobody accepted it.
const AcceptedCheck = "alignment_agreement"

// Accepted is that check: caution for everything. limit is the agreement below which
// photos are refused, explanation says who accepted this one.
func Accepted(agreement, limit float64, explanation string) Check {
	return Check{Name: AcceptedCheck, Value: agreement, Limit: limit, Unit: "correlation", Affects: all, Status: result.Caution, Explanation: explanation}
}

// Checks judges one photo. The order is that of the tables.
func Checks(f Facts) []Check {
	inf := math.Inf(1)
	var cs []Check
	add := func(c Check) {
		if !math.IsNaN(c.Value) {
			cs = append(cs, c)
		}
	}
	if f.PxPerMM > 0 {
		for _, c := range []Check{
			{Name: "resolution_pore_size", Limit: 20, Affects: []metrics.Family{metrics.Pores}, Partial: true, Explanation: "sizes of pores need"},
			{Name: "resolution_pore_count", Limit: 12, Affects: []metrics.Family{metrics.Pores}, Explanation: "counting pores needs"},
		} {
			c.Value, c.Unit, c.Status = f.PxPerMM, "px/mm", result.OK
			if f.PxPerMM < c.Limit {
				c.Status = result.Refused
				c.Explanation += fmt.Sprintf(" %g px/mm, the photo has %.1f: fill the picture with the face, from the same distance, with a longer lens", c.Limit, f.PxPerMM)
			} else {
				c.Explanation = ""
			}
			add(c)
		}
	}
	far := "larger than at baseline: step back, or use the baseline's lens"
	if f.ScaleRatio < 1 {
		far = "smaller than at baseline: step closer, or use the baseline's lens"
	}
	add(band("scale", "percent", 100*(f.ScaleRatio-1), 15, 45, relief, fmt.Sprintf("the face is %.0f %% %s", math.Abs(100*(f.ScaleRatio-1)), far)))
	add(band("yaw", "deg", f.YawDeg, 3, 8, relief, fmt.Sprintf("the head is turned %.0f degrees against the baseline: face the camera as at baseline", math.Abs(f.YawDeg))))
	add(band("pitch", "deg", f.PitchDeg, 4, 10, relief, fmt.Sprintf("the head is tilted %.0f degrees against the baseline: keep the chin at the same height", math.Abs(f.PitchDeg))))
	// Of 60 pairs of rendered skin on which nothing changed, the redness of a cheek went
	// with the yaw (r = 0.9), by 0.05 units a degree: 0.1 up to 3, 0.4 above 5 degrees.
	turned := math.Max(math.Abs(f.YawDeg), math.Abs(f.PitchDeg))
	add(band("pose", "deg", turned, 5, inf, colour, fmt.Sprintf("the head is turned or tilted %.0f degrees against the baseline, so that light and gloss lie otherwise on the skin: face the camera as at baseline", turned)))
	add(band("perspective", "per_ipd", f.Perspective, 0.06, 0.12, all, distance(f)))
	add(band("alignment", "percent_ipd", f.ResidualPct, 1.2, 2.5, relief, "the photos lie on one another too loosely: same pose and expression, please"))
	add(band("exposure", "EV", f.Light.EV, 0.7, 1.5, []metrics.Family{metrics.Pigment}, fmt.Sprintf("exposure differs by %.1f EV: use the same manual exposure", f.Light.EV)))
	add(band("light_gradient", "percent", f.Light.GradientPct, 20, 60, all, fmt.Sprintf("the light comes from another side (it changes by %.0f %% more across the face than at baseline): put lamp and chair where they were", f.Light.GradientPct)))
	if math.IsNaN(f.Light.GradientPct) {
		cs = append(cs, Check{Name: "light_gradient", Value: math.NaN(), Limit: 60, Unit: "percent", Affects: all, Status: result.Caution,
			Explanation: "too little skin is seen in both photos to compare the light: same pose, face uncovered, nothing over- or underexposed"})
	}
	add(band("light_fit_residual", "percent", f.Light.ResidualPct, 9, 18, relief, fmt.Sprintf("light and shadow lie otherwise on the face (by %.0f %% beyond level and slope): same lamps in the same places, no window light", f.Light.ResidualPct)))
	add(band("colour_fit", "percent", f.Light.ColourResidualPct, 8, inf, colour, fmt.Sprintf("the colour of the light differs over the face (by %.0f %%): lamps of one kind only, no coloured walls or clothes nearby", f.Light.ColourResidualPct)))
	add(band("white_balance", "percent", f.Light.ColourPct, 8, inf, []metrics.Family{metrics.Pigment}, fmt.Sprintf("the colour of the light or the white balance differs by %.0f %%: use a fixed white balance", f.Light.ColourPct)))
	add(band("clipping", "percent", 100*f.Clipped, 1, 15, all, fmt.Sprintf("%.0f %% of the skin is over- or underexposed: correct the exposure, soften the light", 100*f.Clipped)))
	add(band("glare", "percentage_points", 100*f.Glare, 2, 6, relief, shine(f.Glare)))
	if !math.IsNaN(f.BlurVar) {
		s := math.Copysign(math.Sqrt(math.Abs(f.BlurVar)), f.BlurVar)
		why := fmt.Sprintf("the photo is softer than the baseline (by %.1f px at the eyes): focus on the eyes", s)
		if s < 0 {
			why = fmt.Sprintf("the baseline is softer than the photo (by %.1f px at the eyes), which cannot be mended any more", -s)
		}
		add(band("sharpness", "px", s, 0.6, 2.2, relief, why))
		// Usually 0.02 to 0.2 on photos of 3 to 14 px/mm; half a square pixel is a sigma
		// of 0.7 px, which no band of pores survives.
		add(band("sharpness_error", "px2", f.BlurVarError, 0.25, 0.5, relief, "the two eyes disagree on the sharpness: eyes open, both in focus"))
	} else {
		cs = append(cs, Check{Name: "sharpness", Value: math.NaN(), Limit: 2.2, Unit: "px", Affects: fine, Status: result.Refused, Explanation: "sharpness cannot be measured at the eyes and brows, so that fine structure cannot be compared"})
	}
	cs = append(cs, pixels(f)...)
	if q := f.JPEGQuality; !math.IsNaN(q) {
		c := Check{Name: "jpeg_quality", Value: q, Limit: 80, Unit: "", Affects: fine, Status: result.OK}
		if q < 80 {
			c.Status, c.Explanation = result.Caution, fmt.Sprintf("strongly compressed JPEG (quality about %.0f): set the camera to fine", q)
		}
		if q < 50 {
			c.Status, c.Limit = result.Refused, 50
		}
		add(c)
	}
	if f.NoColour != "" {
		add(Check{Name: "colour_profile", Value: 1, Limit: 0, Affects: colour, Status: result.Refused, Explanation: f.NoColour})
	}
	cs = append(cs, cameras(f.BaseCamera, f.Camera)...)
	add(band("date_order", "days", f.DatedBefore, 0.999, 0.999, all, fmt.Sprintf("the camera dates this photo %.0f day(s) before one of an earlier session: before and after may be mixed up; correct the dates in the manifest, or the date in the file", f.DatedBefore)))
	return append(cs, recovery(f.DaysSince)...)
}

// recovery is what the days since the last treatment allow: 0 to 7 swelling,
// redness and crusts; to day 20 redness with caution; scars from day 21. Transient
// events of microneedling last up to 7 days (Chu et al. 2021, a review of 85
// articles); new collagen takes weeks (El-Domyati et al. 2015).
func recovery(days *int) []Check {
	if days == nil {
		return nil
	}
	d := float64(*days)
	c := func(limit float64, affects []metrics.Family, s result.Status, why string) Check {
		return Check{Name: "days_since_treatment", Value: d, Limit: limit, Unit: "days", Affects: affects, Status: s, Explanation: why}
	}
	switch {
	case d <= 7:
		return []Check{
			c(7, []metrics.Family{metrics.Pigment, metrics.Texture, metrics.Lines, metrics.Pores}, result.Refused, fmt.Sprintf("day %d after treatment: swelling and crusts (up to day 7) hide pores, texture and pigment", *days)),
			c(7, []metrics.Family{metrics.Redness}, result.Refused, fmt.Sprintf("day %d after treatment: redness up to day 7 is the treatment's, a matter of safety, not of effect", *days)),
			c(20, []metrics.Family{metrics.Scars}, result.Refused, fmt.Sprintf("day %d after treatment: scars are judged from day 21", *days)),
		}
	case d <= 20:
		return []Check{
			c(20, []metrics.Family{metrics.Redness, metrics.Pigment}, result.Caution, fmt.Sprintf("day %d after treatment: redness may still be the treatment's (to day 20)", *days)),
			c(20, []metrics.Family{metrics.Scars}, result.Refused, fmt.Sprintf("day %d after treatment: scars are judged from day 21", *days)),
		}
	}
	return []Check{c(20, all, result.OK, "")}
}

// Judgement is what the checks say of one metric family.
type Judgement struct {
	Status result.Status
	Reason string // joined reasons of the worst status; empty for ok
}

// Gate sums up checks per family: the worst status wins.
func Gate(cs []Check) map[metrics.Family]Judgement {
	gate := map[metrics.Family]Judgement{}
	for _, f := range all {
		gate[f] = judge(cs, func(c Check) bool { return !c.Partial && slices.Contains(c.Affects, f) })
	}
	return gate
}

// Row is the check as a line of comparability.csv.
func (c Check) Row(subject, view, session, photo string) result.Check {
	var names []string
	for _, f := range c.Affects {
		names = append(names, string(f))
	}
	name := c.Name
	if c.Zone != "" {
		name += "_" + c.Zone
	}
	return result.Check{Subject: subject, View: view, Session: session, Photo: photo, Check: name,
		Value: result.Number(c.Value), Limit: result.Number(c.Limit), Unit: c.Unit, Affects: strings.Join(names, ";"), Status: c.Status}
}
