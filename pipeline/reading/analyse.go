package reading

import (
	"fmt"
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/metrics/trend"
)

// Figure is one number of the analysis, with its 95 % interval; NaN where it has
// none, with the reason.
type Figure struct {
	What            string // intra, inter, sham, change
	Reader, Measure string // Reader: one, two joined by "-", or all
	N               int
	Value           float64
	Low, High       float64
	Reason          string
}

// MetricAgreement is how a metric's change goes with the readers' mean.
type MetricAgreement struct {
	Zone, Metric, Unit string
	N                  int
	Rho, RhoLow        float64 // Spearman, towards the better of both; of metrics without a better, of the bare change
	RhoHigh, P         float64
	Same, Of           int // pairs that both see go the same way; those that both see go any
	Share              float64
	ShareLow           float64
	ShareHigh          float64
	Reason             string
}

// Analysis is what an unblinding comes to.
type Analysis struct {
	Scale   Scale
	Sheets  []Sheet
	Pairs   []KeyPair
	Figures []Figure
	Metrics []MetricAgreement
}

// Analyse compares the sheets with the key and with the metrics. Sheets must be of
// different readers.
func Analyse(k Key, sheets []Sheet, changes []PairChange) (Analysis, error) {
	if len(sheets) == 0 {
		return Analysis{}, fmt.Errorf("no scoring sheet")
	}
	for i, s := range sheets {
		if slices.ContainsFunc(sheets[:i], func(o Sheet) bool { return o.Reader == s.Reader }) {
			return Analysis{}, fmt.Errorf("two sheets of the reader %q: a reader is called as the file", s.Reader)
		}
	}
	a := Analysis{Scale: k.Scale, Sheets: sheets, Pairs: k.Pairs}
	for _, s := range sheets {
		a.intra(k, s)
	}
	a.inter(k)
	for _, s := range sheets {
		a.shams(k, s)
	}
	a.metrics(k, changes)
	return a, nil
}

// scores are what a reader gave a pair: of the photos before and after, or one.
func (k Key) scores(s Sheet, p KeyPair) []float64 {
	if k.Scale.Paired {
		return []float64{s.of(p.Code, wholePair)}
	}
	return []float64{s.of(p.Code, p.beforePhoto), s.of(p.Code, p.afterPhoto)}
}

// improvement is the change that a reader saw, above 0 for the better; NaN where a
// score is missing.
func (k Key) improvement(s Sheet, p KeyPair) float64 {
	v := k.scores(s, p)
	d := v[len(v)-1]
	if !k.Scale.Paired {
		d -= v[0]
	}
	if !k.Scale.HigherIsBetter {
		d = -d
	}
	return d
}

// intra compares the first and the second showing of the same pairs.
func (a *Analysis) intra(k Key, s Sheet) {
	byCode := map[string]KeyPair{}
	for _, p := range k.Pairs {
		byCode[p.Code] = p
	}
	var rows [][]float64
	for _, p := range k.Pairs {
		if p.Kind != Repeat {
			continue
		}
		first, again := k.scores(s, byCode[p.Of]), k.scores(s, p)
		for i := range first {
			rows = append(rows, []float64{first[i], again[i]})
		}
	}
	a.agree("intra", s.Reader, complete(rows))
}

// inter compares the readers over all pairs that are no repeats.
func (a *Analysis) inter(k Key) {
	if len(a.Sheets) < 2 {
		a.Figures = append(a.Figures, none("inter", "all", "icc_2_1", 0, "one reader"))
		return
	}
	var rows, changes [][]float64
	for _, p := range k.Pairs {
		if p.Kind != True {
			continue
		}
		var perReader [][]float64
		var change []float64
		for _, s := range a.Sheets {
			perReader = append(perReader, k.scores(s, p))
			change = append(change, k.improvement(s, p))
		}
		for i := range perReader[0] {
			var row []float64
			for _, v := range perReader {
				row = append(row, v[i])
			}
			rows = append(rows, row)
		}
		changes = append(changes, change)
	}
	rows = complete(rows)
	a.icc("inter", "all", "icc_2_1", rows)
	if !k.Scale.Paired {
		a.icc("inter", "all", "icc_2_1_of_change", complete(changes))
	}
	for i := range a.Sheets {
		for j := i + 1; j < len(a.Sheets); j++ {
			var two [][]float64
			for _, r := range rows {
				two = append(two, []float64{r[i], r[j]})
			}
			a.kappas("inter", a.Sheets[i].Reader+"-"+a.Sheets[j].Reader, two)
		}
	}
}

// complete are the rows without a missing score.
func complete(rows [][]float64) [][]float64 {
	var out [][]float64
	for _, r := range rows {
		if !slices.ContainsFunc(r, math.IsNaN) {
			out = append(out, r)
		}
	}
	return out
}

func (a *Analysis) agree(what, reader string, rows [][]float64) {
	a.icc(what, reader, "icc_2_1", rows)
	a.kappas(what, reader, rows)
}

// icc adds the intraclass correlation of absolute agreement and the standard error
// of measurement, without which it must not be read.
func (a *Analysis) icc(what, reader, measure string, rows [][]float64) {
	if identical(rows) {
		a.Figures = append(a.Figures, Figure{what, reader, measure, len(rows), 1, math.NaN(), math.NaN(), "all scores agree: no interval"})
		return
	}
	r, err := trend.ICC(rows)
	if err != nil {
		a.Figures = append(a.Figures, none(what, reader, measure, len(rows), err.Error()))
		return
	}
	a.Figures = append(a.Figures,
		Figure{what, reader, measure, len(rows), r.ICC2.Value, r.ICC2.Low, r.ICC2.High, ""},
		Figure{what, reader, "sem_of_" + measure, len(rows), r.SEMAgreement, math.NaN(), math.NaN(), ""})
}

// identical tells whether all columns agree in every row while rows differ, where
// the correlation is 1 without any error to compute an interval from.
func identical(rows [][]float64) bool {
	differ := false
	for _, r := range rows {
		for _, v := range r {
			if v != r[0] {
				return false
			}
		}
		differ = differ || r[0] != rows[0][0]
	}
	return differ
}

// kappas adds the weighted kappas of two raters of grades.
func (a *Analysis) kappas(what, reader string, rows [][]float64) {
	if a.Scale.Grades == 0 {
		return
	}
	var x, y []int
	for _, r := range rows {
		x, y = append(x, a.Scale.grade(r[0])), append(y, a.Scale.grade(r[1]))
	}
	for _, w := range []struct {
		name string
		w    trend.Weighting
	}{{"kappa_quadratic", trend.Quadratic}, {"kappa_linear", trend.Linear}} {
		r, err := trend.WeightedKappa(x, y, a.Scale.Grades, w.w)
		if err != nil {
			a.Figures = append(a.Figures, none(what, reader, w.name, len(rows), err.Error()))
			continue
		}
		a.Figures = append(a.Figures, Figure{what, reader, w.name, r.N, r.Kappa.Value, r.Kappa.Low, r.Kappa.High, ""})
	}
}

func none(what, reader, measure string, n int, reason string) Figure {
	return Figure{what, reader, measure, n, math.NaN(), math.NaN(), math.NaN(), reason}
}

// shams counts how often a reader saw a change by a step or more where there was no
// treatment, and beside it where there was.
func (a *Analysis) shams(k Key, s Sheet) {
	for _, group := range []struct {
		what string
		in   func(Kind) bool
	}{
		{"sham", Kind.sham},
		{"sham_untreated", func(k Kind) bool { return k == ShamUntreated }},
		{"sham_same", func(k Kind) bool { return k == ShamSame }},
		{"change", func(k Kind) bool { return k == True }},
	} {
		n, better, worse := 0, 0, 0
		for _, p := range k.Pairs {
			d := k.improvement(s, p)
			if !group.in(p.Kind) || math.IsNaN(d) {
				continue
			}
			n++
			if d >= k.Scale.Step {
				better++
			}
			if d <= -k.Scale.Step {
				worse++
			}
		}
		for _, m := range []struct {
			name string
			k    int
		}{{"improvement_rate", better}, {"worsening_rate", worse}} {
			name := m.name
			if group.what != "change" {
				name = "false_" + name
			}
			share, err := trend.Proportion(m.k, n)
			if err != nil {
				a.Figures = append(a.Figures, none(group.what, s.Reader, name, n, "no such pair has a score"))
				continue
			}
			a.Figures = append(a.Figures, Figure{group.what, s.Reader, name, n, share.Value, share.Low, share.High, ""})
		}
	}
}

// metrics compares each metric's change with the readers' mean improvement.
func (a *Analysis) metrics(k Key, changes []PairChange) {
	mean := map[string]float64{}
	for _, p := range k.Pairs {
		sum, n := 0.0, 0
		for _, s := range a.Sheets {
			if d := k.improvement(s, p); !math.IsNaN(d) {
				sum, n = sum+d, n+1
			}
		}
		if p.Kind == True && n > 0 {
			mean[p.Code] = sum / float64(n)
		}
	}
	type kind struct{ zone, metric, unit string }
	var order []kind
	readers, metric := map[kind][]float64{}, map[kind][]float64{}
	for _, c := range changes {
		m, ok := mean[c.Pair]
		if !ok {
			continue
		}
		at := kind{c.Zone, c.Metric, c.Unit}
		if readers[at] == nil {
			order = append(order, at)
		}
		readers[at], metric[at] = append(readers[at], m), append(metric[at], c.Value)
	}
	for _, at := range order {
		a.Metrics = append(a.Metrics, compare(at.zone, at.metric, at.unit, readers[at], metric[at]))
	}
}

// compare correlates the readers' improvement with a metric's.
func compare(zone, metric, unit string, readers, changes []float64) MetricAgreement {
	nan := math.NaN()
	m := MetricAgreement{Zone: zone, Metric: metric, Unit: unit, N: len(readers), Rho: nan, RhoLow: nan, RhoHigh: nan, P: nan, Share: nan, ShareLow: nan, ShareHigh: nan}
	side, directed := 1.0, false
	for _, known := range metrics.All() {
		if known.Name == metric {
			directed = known.Direction != metrics.NoDirection
			if known.Direction == metrics.LowerIsBetter {
				side = -1
			}
		}
	}
	better := make([]float64, len(changes))
	for i, c := range changes {
		better[i] = side * c
		if directed && better[i] != 0 && readers[i] != 0 {
			m.Of++
			if better[i] > 0 == (readers[i] > 0) {
				m.Same++
			}
		}
	}
	if r, err := trend.Spearman(readers, better); err != nil {
		m.Reason = err.Error()
	} else {
		m.Rho, m.P = r.Rho.Value, r.P
		if r.HasInterval {
			m.RhoLow, m.RhoHigh = r.Rho.Low, r.Rho.High
		}
	}
	if share, err := trend.Proportion(m.Same, m.Of); err == nil {
		m.Share, m.ShareLow, m.ShareHigh = share.Value, share.Low, share.High
	}
	return m
}
