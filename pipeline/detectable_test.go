package pipeline

import (
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Six baselines on as many days hold the skin's good and bad days; six sessions of
// one day do not, and say nothing about them.
func TestUntreatedDaysAreDays(t *testing.T) {
	m := &metrics.Metric{Name: "erythema_index"}
	for apart, want := range map[int]bool{0: false, 3: true} {
		r := &seriesRun{}
		for i := range 6 {
			r.series.Sessions = append(r.series.Sessions, study.SeriesSession{Session: &study.Session{Baseline: true}, Day: i * apart})
		}
		for i := range r.series.Sessions {
			r.shots = append(r.shots, &shot{session: &r.series.Sessions[i]})
			r.values = append(r.values, value{shot: i, zone: "nose", metric: m, basis: result.BasisSeries, v: 10 + float64(i%3), status: result.OK})
		}
		d := r.replicated(detectable{change: 1, source: "table"}, "nose", m.Name)
		if d.full != want || strings.HasPrefix(d.source, "untreated days in this study (5 degrees") != want {
			t.Errorf("%d days apart: %+v", apart, d)
		}
	}
}
