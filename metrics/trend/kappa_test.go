package trend

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// ratings turns a table of counts into two raters' categories.
func ratings(table [][]float64) (a, b []int) {
	for i := range table {
		for j, n := range table[i] {
			for range int(n) {
				a, b = append(a, i), append(b, j)
			}
		}
	}
	return a, b
}

// Hout et al. 1987, husbands' and wives' answers, as in Agresti 1990 table 2.10;
// kappa and standard error with equal spacing as R's vcd prints them.
func TestWeightedKappaPublished(t *testing.T) {
	table := [][]float64{{7, 7, 2, 3}, {2, 8, 3, 7}, {1, 5, 4, 9}, {2, 8, 9, 14}}
	a, b := ratings(table)
	k, err := WeightedKappa(a, b, 4, Linear)
	if err != nil {
		t.Fatal(err)
	}
	if k.N != 91 || math.Abs(k.Kappa.Value-0.2374) > 5e-5 || math.Abs(k.SE-0.07832) > 5e-6 {
		t.Errorf("linear: %+v, want 0.2374, SE 0.07832", k)
	}
	if math.Abs(k.Kappa.Low-(0.2374-1.95996*0.07832)) > 1e-4 {
		t.Errorf("interval: %+v", k.Kappa)
	}
	// Two categories: any weights are those of the plain kappa, here of the table's
	// diagonal 0.1293, SE 0.06860 (identity weights).
	identity := make([][]float64, 4)
	for i := range identity {
		identity[i] = make([]float64, 4)
		identity[i][i] = 1
	}
	if k, err = kappaOf(table, identity); err != nil || math.Abs(k.Kappa.Value-0.1293) > 5e-5 || math.Abs(k.SE-0.06860) > 5e-6 {
		t.Errorf("unweighted: %+v %v, want 0.1293, SE 0.06860", k, err)
	}
}

// Cohen 1968: 200 patients, disagreement weights 0, 1, 3, 6; kappa .348.
func TestWeightedKappaCohen(t *testing.T) {
	table := [][]float64{{88, 14, 18}, {10, 40, 10}, {2, 6, 12}}
	disagreement := [][]float64{{0, 1, 3}, {1, 0, 6}, {3, 6, 0}}
	for i := range disagreement {
		for j := range disagreement[i] {
			disagreement[i][j] = 1 - disagreement[i][j]/6
		}
	}
	k, err := kappaOf(table, disagreement)
	if err != nil || math.Abs(k.Kappa.Value-0.348) > 5e-4 {
		t.Errorf("%+v %v, want 0.348", k, err)
	}
}

// With quadratic weights kappa is 2 cov / (var a + var b + (mean a - mean b)^2)
// with moments over n, the concordance of the two raters (Fleiss & Cohen 1973).
func TestQuadraticKappaIsConcordance(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		n := 10 + rnd.IntN(60)
		a, b := make([]int, n), make([]int, n)
		var sa, sb, saa, sbb, sab float64
		for i := range a {
			a[i] = rnd.IntN(5)
			b[i] = min(4, max(0, a[i]+rnd.IntN(3)-1))
			x, y := float64(a[i]), float64(b[i])
			sa, sb, saa, sbb, sab = sa+x, sb+y, saa+x*x, sbb+y*y, sab+x*y
		}
		m := float64(n)
		cov, va, vb := sab/m-sa*sb/m/m, saa/m-sa*sa/m/m, sbb/m-sb*sb/m/m
		want := 2 * cov / (va + vb + (sa-sb)*(sa-sb)/m/m)
		k, err := WeightedKappa(a, b, 5, Quadratic)
		if err != nil || math.Abs(k.Kappa.Value-want) > 1e-12 {
			t.Errorf("n = %d: %v %v, want %v", n, k.Kappa.Value, err, want)
		}
	}
}

// The interval covers: two raters who each see the truth with an error.
func TestKappaCoverage(t *testing.T) {
	table := func(rnd *rand.Rand, n int) (a, b []int) {
		for range n {
			truth := rnd.IntN(4)
			see := func() int { return min(3, max(0, truth+rnd.IntN(3)-1)) }
			a, b = append(a, see()), append(b, see())
		}
		return a, b
	}
	a, b := table(rand.New(rand.NewPCG(1, 1)), 400_000)
	truth, err := WeightedKappa(a, b, 4, Quadratic)
	if err != nil {
		t.Fatal(err)
	}
	covered := 0
	const trials = 1000
	for i := range trials {
		a, b := table(rand.New(rand.NewPCG(2, uint64(i))), 60)
		k, err := WeightedKappa(a, b, 4, Quadratic)
		if err != nil {
			t.Fatal(err)
		}
		if k.Kappa.Low <= truth.Kappa.Value && truth.Kappa.Value <= k.Kappa.High {
			covered++
		}
	}
	if share := float64(covered) / trials; share < 0.92 || share > 0.97 {
		t.Errorf("coverage %.3f", share)
	}
}

func TestKappaOfLittle(t *testing.T) {
	for _, c := range []struct {
		a, b       []int
		categories int
		want       error
	}{
		{[]int{1, 1, 1}, []int{1, 1, 1}, 4, ErrConstant},
		{[]int{1}, []int{1}, 4, ErrTooFew},
		{[]int{1, 2}, []int{1}, 4, ErrInput},
		{[]int{1, 4}, []int{1, 2}, 4, ErrInput},
		{[]int{0, 0}, []int{0, 0}, 1, ErrInput},
	} {
		if _, err := WeightedKappa(c.a, c.b, c.categories, Linear); !errors.Is(err, c.want) {
			t.Errorf("%v %v: %v, want %v", c.a, c.b, err, c.want)
		}
	}
	if k, err := WeightedKappa([]int{0, 1, 2}, []int{0, 1, 2}, 3, Linear); err != nil || k.Kappa.Value != 1 || k.SE != 0 {
		t.Errorf("full agreement: %+v %v", k, err)
	}
}
