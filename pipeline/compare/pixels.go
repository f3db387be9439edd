package compare

import (
	"fmt"
	"math"
)

// pixels are the checks of what was done to the picture after the exposure, and of
// its noise. What honest pairs reach, and what tricks do:
//
//   - noise: phantom up to 2.1, rendered head 1.5, real pairs (twice the noise in one
//     photo of each) 0.2 to 6.1 % of the light.
//   - smoothing: phantom at half nuisance up to 9, at full 20, with all relief halved
//     21; rendered head 3, with its true change by half 3; real pairs at 3.4 px/mm
//     two of 22 over 28, both where the camera stood elsewhere. A median filter of 5 px 31, a bilateral one 40
//     to 60.
//   - fine_detail: phantom up to 22, with all relief halved 25; rendered head 12, with
//     its true change by half 42; real pairs 25. A filter that cuts detail to a third:
//     67 where it reaches far below the middle detail.
//   - colour_evenness: phantom up to 13, with the true change by half 9; real pairs up
//     to 23. Colour dulled as by make-up, over 30, was called less red: beyond that
//     colour is refused.
//
// The noise floor of smooth skin is no measure of filtering: JPEG of quality 94
// instead of 95 alone takes it from 1.8 to 0.1 % on dark skin.
func pixels(f Facts) []Check {
	var cs []Check
	add := func(c Check) {
		if !math.IsNaN(c.Value) {
			cs = append(cs, c)
		}
	}
	add(band("noise", "percent", f.NoisePct, 3, 8, fine, fmt.Sprintf("the noise of the pixels differs from the baseline's by %.1f %% of the light: more light, the lowest ISO, as at baseline", math.Abs(f.NoisePct))))
	add(band("smoothing", "percent", lost(f.FineOverMiddle), 20, 28, relief, smoothed(f.FineOverMiddle)))
	add(band("fine_detail", "percent", lost(f.Fine), 45, 58, relief, washed(f.Fine)))
	add(band("colour_evenness", "percent", lost(f.ColourSpread), 24, 30, colour, evened(f.ColourSpread)))
	return cs
}

// lost is a change of amplitude given as a natural log, in per cent lost: by the
// photo, or negative, by the baseline.
func lost(log float64) float64 {
	return math.Copysign(100*-math.Expm1(-math.Abs(log)), -log)
}

func smoothed(log float64) string {
	which := "the photo"
	if log > 0 {
		which = "the baseline"
	}
	return fmt.Sprintf("in %s the finest detail of the skin is %.0f %% weaker than its middle detail suggests, though eyes and brows are sharp: smoothed by a beauty filter, noise reduction or make-up; switch such modes off", which, math.Abs(lost(log)))
}

func washed(log float64) string {
	which := "the photo"
	if log > 0 {
		which = "the baseline"
	}
	return fmt.Sprintf("%s has lost %.0f %% of the skin's finest detail, more than a treatment takes away, though eyes and brows are sharp: smoothed by a filter, make-up, or another light", which, math.Abs(lost(log)))
}

func evened(log float64) string {
	which := "than at baseline: make-up? Photograph clean, bare skin"
	if log > 0 {
		which = "at baseline than in the photo: was there make-up at baseline?"
	}
	return fmt.Sprintf("the colour of the skin is %.0f %% more even %s", math.Abs(lost(log)), which)
}

func shine(glare float64) string {
	if glare > 0 {
		return fmt.Sprintf("%.0f %% more of the skin shines than at baseline: dab it dry, soften the light", 100*glare)
	}
	return fmt.Sprintf("%.0f %% less of the skin shines than at baseline: same lamps, and skin dabbed dry at every visit", -100*glare)
}

// meanIPD is the distance between the pupils of adults, mm (Dodgson 2004).
const meanIPD = 63

// distance says to which side the camera moved, and from the sizes of the face, as
// far as the lens was the same, from where.
func distance(f Facts) string {
	text := "the camera stood farther from the face than at baseline%s, which changes its form: step closer"
	if f.Perspective > 0 {
		text = "the camera stood closer to the face than at baseline%s, which changes its form: step back"
	}
	about := ""
	ipd := f.IPDMM
	if !(ipd > 0) {
		ipd = meanIPD
	}
	// One lens: scale = d0/d1 and perspective = ipd/d1 - ipd/d0.
	if d0 := ipd * (f.ScaleRatio - 1) / f.Perspective; d0 > 100 && d0 < 5000 && math.Abs(f.ScaleRatio-1) > 0.1 {
		about = fmt.Sprintf(" (by about %.0f cm, if the lens was the same)", math.Abs(d0-d0/f.ScaleRatio)/10)
	}
	return fmt.Sprintf(text, about)
}
