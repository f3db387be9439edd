package export

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// replicate is the cell of a photo's number.
func replicate(photo string) any {
	n, err := strconv.Atoi(photo)
	if err != nil {
		return nil
	}
	return n
}

func subjectRows(p *person) [][]any {
	var depth, passes []float64
	var adjuncts []string
	for _, t := range p.Treatments {
		for _, d := range t.DepthMM {
			depth = append(depth, d)
		}
		if t.Passes > 0 {
			passes = append(passes, float64(t.Passes))
		}
		if t.Adjunct != "" && !slices.Contains(adjuncts, t.Adjunct) {
			adjuncts = append(adjuncts, t.Adjunct)
		}
	}
	slices.Sort(adjuncts)
	ita := result.None()
	for _, v := range p.Series {
		if v.ITADeg.Known() {
			ita = v.ITADeg
			break
		}
	}
	treated := strings.Join(p.TreatedZones, ";")
	if p.TreatedZones != nil && treated == "" {
		treated = "none"
	}
	settings := ""
	if hexForm.MatchString(p.Settings) {
		settings = p.Settings[:8]
	}
	row := []any{p.code, p.ageBand, number(ita), p.visits, whole(p.last), len(p.Treatments), whole(p.lastTreatment),
		mean(depth), mean(passes), strings.Join(adjuncts, ";"), treated, p.Version, p.OpenCV, settings}
	for _, c := range p.covariates {
		row = append(row, c)
	}
	return [][]any{row}
}

// mean is the cell of a mean; it does not depend on the order of the values.
func mean(values []float64) any {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return number(result.Number(sum / float64(len(values))))
}

// rowsOf makes the rows of all series of a person.
func rowsOf[T any](p *person, items func(*result.Series) []T, row func(*T) []any) [][]any {
	var rows [][]any
	for i := range p.Series {
		list := items(&p.Series[i])
		for k := range list {
			rows = append(rows, row(&list[k]))
		}
	}
	return rows
}

func measurementRows(p *person) [][]any {
	return rowsOf(p, func(v *result.Series) []result.Measurement { return v.Measurements }, func(m *result.Measurement) []any {
		return []any{m.Subject, m.View, m.Session, m.Day, whole(m.DaysSinceTreatment), replicate(m.Photo), m.Zone, m.Metric,
			number(m.Value), m.Unit, m.Basis, m.N, scale(m.PxPerMM), string(m.Status), m.Reason}
	})
}

func trendRows(p *person) [][]any {
	return rowsOf(p, func(v *result.Series) []result.Trend { return v.Trends }, func(t *result.Trend) []any {
		return []any{t.Subject, t.View, t.Zone, t.Metric, t.Unit, t.Sessions, number(t.Baseline), number(t.Latest),
			number(t.Change), number(t.ChangePct), number(t.SDC), t.SDCSource, number(t.SlopePer30d), number(t.SlopeLow), number(t.SlopeHigh),
			number(t.Limit), t.Role, t.Qualifier, string(t.Verdict), responder(t), t.Reason}
	})
}

// responder is 1 for a verdict of improved whose change is at least the smallest
// detectable one, 0 for any other verdict, and nothing where there is none.
func responder(t *result.Trend) any {
	switch t.Verdict {
	case result.Improved:
		if t.Change.Known() && t.SDC.Known() && math.Abs(float64(t.Change)) >= float64(t.SDC) {
			return 1
		}
		return 0
	case result.Worsened, result.NoDetectableChange:
		return 0
	}
	return nil
}

func alignmentRows(p *person) [][]any {
	return rowsOf(p, func(v *result.Series) []result.Alignment { return v.Alignments }, func(a *result.Alignment) []any {
		return []any{a.Subject, a.View, a.Session, replicate(a.Photo), string(a.Status), scale(a.Scale), number(a.RotationDeg),
			number(a.ShiftXPx), number(a.ShiftYPx), a.Inliers, number(a.Overlap), number(a.ResidualPx), number(a.ResidualPctIPD),
			number(a.YawDeltaDeg), number(a.PitchDeltaDeg), a.Reason}
	})
}

func checkRows(p *person) [][]any {
	return rowsOf(p, func(v *result.Series) []result.Check { return v.Comparability }, func(c *result.Check) []any {
		return []any{c.Subject, c.View, c.Session, replicate(c.Photo), c.Check, number(c.Value), number(c.Limit), c.Unit, c.Affects, string(c.Status)}
	})
}

func objectRows(p *person) [][]any {
	return rowsOf(p, func(v *result.Series) []result.Object { return v.Objects }, func(b *result.Object) []any {
		return []any{b.Subject, b.View, b.Session, replicate(b.Photo), b.Zone, b.Kind, b.ID, number(b.DiameterMM), number(b.AreaMM2),
			number(b.Contrast), b.Type, b.Track, string(b.Status)}
	})
}

func rejectionRows(p *person) [][]any {
	return rowsOf(p, func(v *result.Series) []result.Rejection { return v.Rejections }, func(r *result.Rejection) []any {
		return []any{r.Subject, r.View, r.Session, replicate(r.Photo), r.Stage, r.Reason}
	})
}
