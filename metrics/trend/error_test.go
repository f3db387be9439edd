package trend_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dermatrend/dermatrend/metrics/trend"
)

func TestReliableChange(t *testing.T) {
	// Jacobson & Truax 1991: s = 7.5, r = .80, from 32.5 to 47.5.
	sem := 7.5 * math.Sqrt(1-.80)
	near(t, "SEM", sem, 3.354, 3)
	c := must(trend.ReliableChange(32.5, 47.5, sem, sem))(t)
	near(t, "Sdiff", c.SD, 4.743, 3)
	near(t, "RCI", c.Index, 3.16, 2)
	near(t, "p", c.P, 0.001565, 6) // 2*Phi(-3.1623)
	_, err := trend.ReliableChange(1, 2, 0, 1)
	is(t, "SEM 0", err, trend.ErrInput)
	_, err = trend.ReliableChange(math.NaN(), 2, 1, 1)
	is(t, "NaN", err, trend.ErrNotFinite)
}

func TestSDC(t *testing.T) {
	near(t, "1.96*sqrt2", must(trend.SDC(1, 1))(t), 2.772, 3)
	for k, want := range map[int]float64{1: 2.77, 2: 1.96, 3: 1.60, 4: 1.39} {
		near(t, "SDC/SEM by shots", must(trend.SDC(1, k))(t), want, 2)
	}
	_, err := trend.SDC(-1, 1)
	is(t, "negative", err, trend.ErrInput)
	_, err = trend.SDC(1, 0)
	is(t, "no shots", err, trend.ErrInput)

	// exp(+-2.772*s_w)-1 in per cent, by coefficient of variation in per cent.
	for _, c := range []struct{ wcv, high, low float64 }{
		{5, 14.9, -12.9}, {3.4, 9.9, -9.0}, {6, 18.1, -15.3}, {9, 28.3, -22.1},
	} {
		low, high, err := trend.SDCLog(c.wcv/100, 1)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "SDC% up", 100*high, c.high, 1)
		near(t, "SDC% down", 100*low, c.low, 1)
	}
	_, _, err = trend.SDCLog(0, 1)
	is(t, "log SD 0", err, trend.ErrInput)
}

func TestSEMFactors(t *testing.T) {
	// sqrt(df/chi2) from chi-squared tables. 10 df: sqrt(10/3.24697) = 1.75494,
	// which becomes 1.76 when rounded by way of 1.755.
	near(t, "df 10", math.Sqrt(10/3.24697), 1.755, 3)
	for _, c := range []struct {
		df        int
		low, high float64
	}{{10, .70, 1.75}, {20, .77, 1.44}, {30, .80, 1.34}, {50, .84, 1.24}, {100, .88, 1.16}} {
		low, high, err := trend.SEMFactors(c.df)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "low", low, c.low, 2)
		near(t, "high", high, c.high, 2)
	}
	_, _, err := trend.SEMFactors(0)
	is(t, "df 0", err, trend.ErrTooFew)
}

func TestTFactor(t *testing.T) {
	// t tables: 12.706, 2.776, 2.228 at 0.975 for 1, 4 and 10 df, over 1.95996.
	near(t, "df 1", must(trend.TFactor(1))(t), 12.706/1.95996, 3)
	near(t, "df 4", must(trend.TFactor(4))(t), 2.776/1.95996, 3)
	near(t, "df 10", must(trend.TFactor(10))(t), 2.228/1.95996, 3)
	near(t, "df 100000", must(trend.TFactor(100000))(t), 1, 4)
	_, err := trend.TFactor(0)
	is(t, "df 0", err, trend.ErrTooFew)
}

// PEFR by the Wright meter, first and second reading (Bland & Altman 1986).
var (
	wright1 = []float64{494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427}
	wright2 = []float64{490, 397, 512, 401, 470, 611, 415, 431, 638, 429, 420, 633, 275, 492, 165, 372, 421}
	mini1   = []float64{512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451}
)

func pairs(a, b []float64) [][]float64 {
	out := make([][]float64, len(a))
	for i := range a {
		out[i] = []float64{a[i], b[i]}
	}
	return out
}

func TestSEMFromReplicates(t *testing.T) {
	s := must(trend.SEMFromReplicates(pairs(wright1, wright2)))(t)
	near(t, "s_w", s.Value, 15.307, 3)
	if s.DF != 17 {
		t.Errorf("df = %d, want 17", s.DF)
	}
	near(t, "2*sqrt2*s_w", 2*math.Sqrt2*s.Value, 43.29, 2)
	near(t, "SDC", must(trend.SDC(s.Value, 1))(t), 42.43, 2)

	// Unequal groups: SS 2 + 0.5 over 2 + 1 df; a single shot adds nothing.
	s = must(trend.SEMFromReplicates([][]float64{{1, 2, 3}, {7}, {4, 5}, nil}))(t)
	near(t, "pooled", s.Value, math.Sqrt(2.5/3), 12)
	_, err := trend.SEMFromReplicates([][]float64{{1}, {2}})
	is(t, "singles", err, trend.ErrTooFew)
	_, err = trend.SEMFromReplicates([][]float64{{.1, .1, .1}, {.7, .7, .7}})
	is(t, "same file twice", err, trend.ErrConstant)
	_, err = trend.SEMFromReplicates([][]float64{{1, math.NaN()}})
	is(t, "NaN", err, trend.ErrNotFinite)
}

// The interval covers the true SEM as often as it says.
func TestSEMCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	covered, runs := 0, 2000
	for range runs {
		groups := make([][]float64, 6)
		for i := range groups {
			centre := 100 * rng.NormFloat64()
			groups[i] = []float64{centre + 3*rng.NormFloat64(), centre + 3*rng.NormFloat64()}
		}
		if s := must(trend.SEMFromReplicates(groups))(t); s.Low <= 3 && 3 <= s.High {
			covered++
		}
	}
	if share := float64(covered) / float64(runs); math.Abs(share-0.95) > 0.015 {
		t.Errorf("the 95 %% interval covers %.3f", share)
	}
}

func TestICC(t *testing.T) {
	// Shrout & Fleiss 1979, table 2; values as printed by psych::ICC.
	table := [][]float64{{9, 2, 5, 8}, {6, 1, 3, 2}, {8, 4, 6, 8}, {7, 1, 2, 6}, {10, 5, 6, 9}, {6, 2, 4, 7}}
	a := must(trend.ICC(table))(t)
	for _, c := range []struct {
		what      string
		got, want float64
		decimals  int
	}{
		{"MSB", a.MSB, 11.2417, 4}, {"MSW", a.MSW, 6.2639, 4}, {"MSJ", a.MSJ, 32.4861, 4}, {"MSE", a.MSE, 1.0194, 4},
		{"ICC1", a.ICC1.Value, .1657, 4}, {"ICC2", a.ICC2.Value, .2898, 4}, {"ICC3", a.ICC3.Value, .7148, 4},
		{"ICC1k", a.ICC1K.Value, .4428, 4}, {"ICC2k", a.ICC2K.Value, .6201, 4}, {"ICC3k", a.ICC3K.Value, .9093, 4},
		{"ICC1 low", a.ICC1.Low, -.133, 3}, {"ICC1 high", a.ICC1.High, .723, 3},
		{"ICC2 low", a.ICC2.Low, .0188, 4}, {"ICC2 high", a.ICC2.High, .7611, 4},
		{"ICC3 low", a.ICC3.Low, .3425, 4}, {"ICC3 high", a.ICC3.High, .9459, 4},
		{"SEM agreement", a.SEMAgreement, 2.503, 3}, {"SEM consistency", a.SEMConsistency, 1.010, 3},
		{"SDC agreement", must(trend.SDC(a.SEMAgreement, 1))(t), 6.94, 2},
		{"SDC consistency", must(trend.SDC(a.SEMConsistency, 1))(t), 2.80, 2},
		// The averages follow from the single ones by Spearman-Brown.
		{"ICC1k low", a.ICC1K.Low, 4 * a.ICC1.Low / (1 + 3*a.ICC1.Low), 9},
		{"ICC3k high", a.ICC3K.High, 4 * a.ICC3.High / (1 + 3*a.ICC3.High), 9},
		{"ICC2k high", a.ICC2K.High, 4 * a.ICC2.High / (1 + 3*a.ICC2.High), 9},
	} {
		near(t, c.what, c.got, c.want, c.decimals)
	}
	near(t, "ICC(2,1) of PEFR repeats", must(trend.ICC(pairs(wright1, wright2)))(t).ICC2.Value, .98316, 5)

	_, err := trend.ICC([][]float64{{1, 2}, {3}})
	is(t, "ragged", err, trend.ErrInput)
	_, err = trend.ICC([][]float64{{1, 2}})
	is(t, "one target", err, trend.ErrTooFew)
	_, err = trend.ICC([][]float64{{.1, .3}, {.1, .3}, {.1, .3}})
	is(t, "equal targets", err, trend.ErrConstant)
	_, err = trend.ICC([][]float64{{.1, .4}, {.2, .5}, {.7, 1}})
	is(t, "a shift only", err, trend.ErrConstant)
}

// A true correlation lies in the intervals about as often as promised.
func TestICCCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	const runs = 1000
	var one, two, three int
	for range runs {
		table := make([][]float64, 12)
		shift := []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
		plain := make([][]float64, len(table))
		for i := range table {
			person := 2 * rng.NormFloat64()
			table[i], plain[i] = make([]float64, 5), make([]float64, 5)
			for j := range table[i] {
				plain[i][j] = person + rng.NormFloat64()
				table[i][j] = plain[i][j] + shift[j]
			}
		}
		a, p := must(trend.ICC(table))(t), must(trend.ICC(plain))(t)
		one += in(4./5, p.ICC1)   // 2^2/(2^2+1)
		two += in(4./6, a.ICC2)   // columns add 1
		three += in(4./5, a.ICC3) // columns forgiven
	}
	for what, n := range map[string]int{"ICC1": one, "ICC2": two, "ICC3": three} {
		if share := float64(n) / runs; share < 0.93 || share > 0.97 {
			t.Errorf("%s: coverage %.3f", what, share)
		}
	}
}

func in(truth float64, e trend.Estimate) int {
	if e.Low <= truth && truth <= e.High {
		return 1
	}
	return 0
}

func TestBlandAltman(t *testing.T) {
	l := must(trend.BlandAltman(wright1, mini1))(t)
	near(t, "bias", l.Bias.Value, -2.1176, 4)
	near(t, "SD", l.SD, 38.7651, 4)
	near(t, "lower, 2 SD", l.Bias.Value-2*l.SD, -79.65, 2)
	near(t, "upper, 2 SD", l.Bias.Value+2*l.SD, 75.41, 2)
	near(t, "lower", l.Lower.Value, -78.10, 2)
	near(t, "upper", l.Upper.Value, 73.86, 2)
	// The paper: bias -2.1, SD 38.8, standard errors 9.4 and 16.3,
	// intervals -22.0 to 17.8 and (of the 2 SD limits) about +-34.5.
	near(t, "SE of the bias", l.SEBias, 9.4, 1)
	near(t, "SE of a limit", l.SELimit, 16.3, 1)
	near(t, "bias low", l.Bias.Low, -22.0, 1)
	near(t, "bias high", l.Bias.High, 17.8, 1)
	near(t, "half width of a limit", l.Upper.High-l.Upper.Value, 34.5, 0)
	_, err := trend.BlandAltman([]float64{1, 2, 3}, []float64{1.1, 2.1, 3.1})
	is(t, "a shift only", err, trend.ErrConstant)
	_, err = trend.BlandAltman([]float64{1, 2}, []float64{1, 3})
	is(t, "two pairs", err, trend.ErrTooFew)
}
