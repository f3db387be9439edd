package cohort

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// adjust marks the rows of the outcome that was named beforehand and adjusts the
// p-values: Holm over those rows, Benjamini-Hochberg over each map of zones and
// metrics of one view and one contrast.
func (c *Cohort) adjust(rows []result.CohortRow) error {
	families := map[string][]int{}
	for i := range rows {
		r := &rows[i]
		family := r.View + " " + r.Contrast
		if c.isPrimary(r) {
			r.Role = result.RolePrimary
			family = ""
		}
		if r.P.Known() {
			families[family] = append(families[family], i)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(families)) {
		p := make([]float64, len(families[name]))
		for k, i := range families[name] {
			p[k] = float64(rows[i].P)
		}
		by := trend.BenjaminiHochberg
		if name == "" {
			by = trend.Holm
		}
		adjusted, err := by(p)
		if err != nil {
			return err
		}
		for k, i := range families[name] {
			rows[i].PAdjusted = result.Number(adjusted[k])
		}
	}
	return nil
}

// isPrimary tells whether a row is of the outcome that was named beforehand: its
// metric, zone (any where none is named) and window, against the baseline and in
// the comparisons between zones, sides and arms.
func (c *Cohort) isPrimary(r *result.CohortRow) bool {
	p := c.opts.Primary
	if p == nil || r.Metric != p.Metric {
		return false
	}
	kind, at, between := strings.Cut(r.Contrast, "@")
	if !between {
		at = r.Contrast
	}
	zone := p.Zone == "" || p.Zone == r.Zone ||
		strings.HasPrefix(kind, "side:") && (p.Zone == r.Zone+"_left" || p.Zone == r.Zone+"_right")
	return zone && at == fmt.Sprintf("window:%d", c.primaryDay()) && !strings.HasPrefix(kind, "covariate:")
}

// methods are the settings that were used.
func (c *Cohort) methods() result.CohortMethods {
	m := result.CohortMethods{
		AsOf: c.opts.AsOf.String(), Alpha: c.opts.Alpha, Seed: seed,
		Adjustment: "holm over the rows of the outcome named beforehand; bh (false discovery rate) over the zones and metrics of one view and one contrast for all others",
		SDCSources: slices.Sorted(maps.Keys(c.sources)),
		Corrections: []string{
			"values at the sharpness of the worst comparable session of each person",
			"redness and pigment relative to reference skin of the same photo",
			"thresholds frozen at baseline",
			"photos of day 0 to 7 after a treatment left out",
		},
	}
	if p := c.opts.Primary; p != nil {
		m.Primary = result.CohortPrimary{Named: true, Metric: p.Metric, Zone: p.Zone, WindowDays: c.primaryDay()}
	}
	for _, w := range c.windows {
		m.WindowsDays, m.ToleranceDays = append(m.WindowsDays, w.Days), append(m.ToleranceDays, w.Tolerance)
	}
	return m
}
