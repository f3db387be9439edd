package trend_test

import (
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/dermatrend/dermatrend/metrics/trend"
)

// Why this package has order statistics of its own. When one of these fails,
// gonum has changed and the package comment is out of date.
func TestGonumTraps(t *testing.T) {
	flat, falling := []float64{2, 2, 2, 2}, []float64{3, 3, 2, 1}
	near(t, "stat.Kendall of a constant", stat.Kendall(count(4), flat, nil), 1, 12)
	_, err := trend.MannKendall(count(4), flat)
	is(t, "ours", err, trend.ErrConstant)
	near(t, "stat.Kendall of [3 3 2 1]", stat.Kendall(count(4), falling, nil), -.667, 3)
	near(t, "ours", must(trend.MannKendall(count(4), falling))(t).Tau, -.833, 3)

	ten := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	near(t, "stat.Quantile(0.5, LinInterp)", stat.Quantile(0.5, stat.LinInterp, ten, nil), 5, 12)
	near(t, "stat.Quantile(0.5, Empirical)", stat.Quantile(0.5, stat.Empirical, ten, nil), 5, 12)
	near(t, "ours", must(trend.Median(ten))(t), 5.5, 12)

	// stat.Variance divides by n-1, as the t test here does; PopVariance by n.
	near(t, "stat.Variance", stat.Variance([]float64{1, 3}, nil), 2, 12)
	near(t, "stat.PopVariance", stat.PopVariance([]float64{1, 3}, nil), 1, 12)
	near(t, "ours", must(trend.TTest([]float64{1, 3}))(t).SD*must(trend.TTest([]float64{1, 3}))(t).SD, 2, 12)
}
