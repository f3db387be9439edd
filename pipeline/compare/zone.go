package compare

import (
	"fmt"
	"math"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// ZoneFacts are what is known of one zone of a photo beside the baseline. NaN is
// unknown and judged neither way.
type ZoneFacts struct {
	Zone       string
	MovedPct   float64 // of the skin against the head, per cent of the inter-pupil distance
	StretchPct float64 // change of its area from place to place, per cent
	Hidden     float64 // share of the baseline's skin that is not skin in the photo, 0..1
	Lost       float64 // share of the skin seen in both whose place is not known, 0..1
}

// ZoneChecks judges one zone of a photo: they spoil all that is measured there.
// What honest pairs reach but for the chin, which hair and collars touch, and what a
// smile does to the cheeks of 22 real persons (its median and largest):
//
//   - expression: phantom and rendered head at half nuisance up to 1.2, at full 2.7 %;
//     smile 4.8, 10; noses and foreheads then up to 1.7.
//   - stretch: at half nuisance up to 7.5, at full 8 %; smile 11, 35; noses 5, 17.
//   - occlusion: up to 7 %, around the mouth 10.
//   - zone_alignment: cheeks, nose and forehead up to 10 % of the skin; smile 8, 93.
func ZoneChecks(f ZoneFacts) []Check {
	where := strings.ReplaceAll(f.Zone, "_", " ")
	var cs []Check
	for _, c := range []Check{
		band("expression", "percent_ipd", f.MovedPct, 1.8, 3.5, all, fmt.Sprintf("another expression: the skin (%s) moved by %.1f %% of the pupils' distance against the head; keep a neutral face", where, f.MovedPct)),
		band("stretch", "percent", f.StretchPct, 8, 20, all, fmt.Sprintf("another expression: the skin (%s) is stretched or squeezed by %.0f %%; keep a neutral face", where, f.StretchPct)),
		band("occlusion", "percent", 100*f.Hidden, 25, 45, all, fmt.Sprintf("%.0f %% of the skin (%s) is covered or cannot be seen: hair back, glasses and mask off, hands away, no shadow, no glare", 100*f.Hidden, where)),
		band("zone_alignment", "percent", 100*f.Lost, 25, 45, all, fmt.Sprintf("%.0f %% of the skin (%s) cannot be found again to half a millimetre: same pose and expression, sharp photos", 100*f.Lost, where)),
	} {
		if !math.IsNaN(c.Value) {
			c.Zone = f.Zone
			cs = append(cs, c)
		}
	}
	return cs
}

// Worst sums up checks of a zone.
func Worst(cs []Check) Judgement { return judge(cs, func(Check) bool { return true }) }

// ranks of the statuses.
var ranks = map[result.Status]int{result.OK: 0, result.Caution: 1, result.Refused: 2}

// judge sums up the checks that count: the worst status wins, with its reasons.
func judge(cs []Check, counts func(Check) bool) Judgement {
	j := Judgement{Status: result.OK}
	var why []string
	for _, c := range cs {
		if !counts(c) || ranks[c.Status] == 0 || ranks[c.Status] < ranks[j.Status] {
			continue
		}
		if ranks[c.Status] > ranks[j.Status] {
			j.Status, why = c.Status, nil
		}
		why = append(why, c.Explanation)
	}
	j.Reason = strings.Join(why, "; ")
	return j
}
