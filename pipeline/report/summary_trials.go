package report

import (
	"time"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// trial is what a published trial found at about this point of a course, with its
// source. It is context beside the verdicts and enters none.
type trial struct{ About, Text, Source string }

// trialFigure is one figure with the time that it speaks of.
type trialFigure struct {
	family            metrics.Family
	text              string // key
	source            string
	fromDay, untilDay int // days since the first treatment; until excluded, 0 for ever
	least             int // treatments before
}

// trialFigures are those of controlled or counted studies that a photo can be held
// against. Scores of trials are points of a clinical scale, depths of replicas or
// volumes, not the units of this report.
var trialFigures = []trialFigure{
	{family: metrics.Scars, text: "scars_early", source: "Alam 2014, JAMA Dermatol; El-Domyati 2015", untilDay: 75},
	{family: metrics.Scars, text: "scars_3", source: "Alam 2014, JAMA Dermatol", fromDay: 75, untilDay: 135},
	{family: metrics.Scars, text: "scars_6", source: "Alam 2014, JAMA Dermatol", fromDay: 135},
	{family: metrics.Texture, text: "texture_early", source: "Fabbrocini", untilDay: 75},
	{family: metrics.Texture, text: "texture", source: "Fabbrocini", fromDay: 75, least: courseLeast},
	{family: metrics.Pores, text: "pores", source: "Lasers Surg Med, lsm.23681"},
	{family: metrics.Redness, text: "redness", source: "Chu 2021"},
	{family: metrics.Pigment, text: "pigment", source: "Dogra 2014"},
}

// trialsAt chooses the figures for the metrics that were judged, at the day of the
// compared photo.
func trialsAt(s result.Series, treatments []result.Treatment) []trial {
	days := treatmentDays(treatments)
	i := visitOfVerdict(s)
	if i < 0 || len(days) == 0 {
		return nil
	}
	photo, err := time.Parse(time.DateOnly, s.Visits[i].Date)
	if err != nil {
		return nil
	}
	day, before := daysBetween(days[0], photo), 0
	for _, d := range days {
		if d.Before(photo) {
			before++
		}
	}
	if before == 0 {
		return nil
	}
	judged := map[metrics.Family]bool{}
	for _, t := range s.Trends {
		if t.Role == rolePrimary || t.Role == roleSafety {
			judged[catalogue[t.Metric].Family] = true
		}
	}
	var list []trial
	for _, f := range trialFigures {
		if judged[f.family] && day >= f.fromDay && (f.untilDay == 0 || day < f.untilDay) && before >= f.least {
			list = append(list, trial{name("family", string(f.family)), name("trial", f.text), f.source})
		}
	}
	return list
}
