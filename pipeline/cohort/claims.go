package cohort

import (
	"fmt"
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Metrics by which photos can speak to what patients are told.
const (
	textureMetric = "roughness_mid"
	toneMetric    = "erythema_index"
	poreMetric    = "pore_area_fraction"
)

// claim is a share that guides for patients name.
type claim struct {
	text      string
	published float64 // per cent
	metrics   []string
	days      int // window after the last treatment; 0: a visit
	sessions  int // treatments before the visit
	counted   string
}

// published claims (dermatologists' advice to patients, 2025).
var published = []claim{
	{"smoother skin within three months", 85, []string{textureMetric}, 90, 0,
		"roughness_mid better beyond the person's own smallest detectable change, at the visit nearest to day 90 (+-21) after the last treatment"},
	{"smoother skin, after three sessions", 85, []string{textureMetric}, 0, 3,
		"roughness_mid better beyond the person's own smallest detectable change, at the first visit after the third treatment"},
	{"better texture and tone after three sessions", 88, []string{textureMetric, toneMetric}, 0, 3,
		"roughness_mid and erythema_index both better beyond the person's own smallest detectable changes, at the first visit after the third treatment"},
	{"smaller pores after five sessions", 92, []string{poreMetric}, 0, 5,
		"pore_area_fraction better beyond the person's own smallest detectable change, at the first visit after the fifth treatment"},
}

const majority = "; in more than half of the zones that could be judged (treated ones where they are recorded) of the front view"

// claims puts the cohort's own shares beside what is published.
func (c *Cohort) claims() []result.Claim {
	var out []result.Claim
	for _, p := range published {
		r := result.Claim{Claim: p.text, Published: result.Number(p.published), Own: result.None(), Low: result.None(), High: result.None(), Counted: p.counted + majority}
		for person := range c.persons {
			yes, judged := true, true
			for _, name := range p.metrics {
				better, ok := c.responded(person, name, p)
				yes, judged = yes && better, judged && ok
			}
			if judged {
				r.N++
				if yes {
					r.Responders++
				}
			}
		}
		if share, err := trend.Proportion(r.Responders, r.N); err == nil {
			r.Own, r.Low, r.High = result.Number(100*share.Value), result.Number(100*share.Low), result.Number(100*share.High)
		} else {
			r.Reason = "nobody has a comparable value at baseline and then, with a smallest detectable change"
			if p.sessions > 0 {
				r.Reason = fmt.Sprintf("%s, or %d treatments are recorded of nobody", r.Reason, p.sessions)
			}
		}
		out = append(out, r)
	}
	return out
}

// responded tells whether a person is better in most zones; ok is false where none
// can be judged.
func (c *Cohort) responded(person int, metric string, p claim) (better, ok bool) {
	up, judged := 0, 0
	for at, l := range c.cells {
		if at.view != study.ViewFront || at.metric != metric || !l.directed() {
			continue
		}
		if c.persons[person].untreatedIn(at.zone) {
			continue
		}
		i, found := slices.BinarySearchFunc(l.members, person, func(m member, id int) int { return m.person - id })
		if !found {
			continue
		}
		m := &l.members[i]
		k := m.claimed(p)
		if k == 0 || math.IsNaN(m.sdc[k]) {
			continue
		}
		judged++
		if d := m.values[k] - m.values[0]; math.Abs(d) >= m.sdc[k] && l.better(d) > 0 {
			up++
		}
	}
	return 2*up > judged, judged > 0
}

// claimed is the visit that a claim is about; 0 for none.
func (m *member) claimed(p claim) int {
	if p.days > 0 {
		w := DefaultWindows()[slices.IndexFunc(DefaultWindows(), func(w Window) bool { return w.Days == p.days })]
		k, _ := m.slot(contrast{window: &w})
		return k
	}
	if m.series.lost != "" || math.IsNaN(m.values[0]) {
		return 0
	}
	for k := 1; k < len(m.values); k++ {
		if s := m.series.slots[k]; s.usable && s.treatments >= p.sessions && !math.IsNaN(m.values[k]) {
			return k
		}
	}
	return 0
}
