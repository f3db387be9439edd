package trend

import (
	"errors"
	"math"
	"testing"
)

// Hollander & Wolfe 1973, p. 187: colour and quality of tuna. Spearman's rho is 0.6
// and the exact p 0.0968, as R's cor.test gives them.
func TestSpearmanExact(t *testing.T) {
	x := []float64{44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7, 45.2, 60.1}
	y := []float64{2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2, 2.8, 3.8}
	c, err := Spearman(x, y)
	if err != nil || !c.Exact || math.Abs(c.Rho.Value-0.6) > 1e-12 || math.Abs(c.P-0.0968) > 5e-5 {
		t.Errorf("%+v %v", c, err)
	}
	// Fisher's z of 0.6 is ln 2; its variance here is (1 + 0.18)/6.
	half := 1.959964 * math.Sqrt(1.18/6)
	if !c.HasInterval || math.Abs(c.Rho.Low-math.Tanh(math.Ln2-half)) > 1e-6 || math.Abs(c.Rho.High-math.Tanh(math.Ln2+half)) > 1e-6 {
		t.Errorf("interval %+v", c.Rho)
	}
}

// A textbook example of ten: rho = -29/165, t = -0.505 with 8 degrees of freedom,
// p = 0.627188.
func TestSpearmanStudent(t *testing.T) {
	x := []float64{86, 97, 99, 100, 101, 103, 106, 110, 112, 113}
	y := []float64{2, 20, 28, 27, 50, 29, 7, 17, 6, 12}
	c, err := Spearman(x, y)
	if err != nil || c.Exact || math.Abs(c.Rho.Value+29.0/165) > 1e-12 || math.Abs(c.P-0.627188) > 5e-7 {
		t.Errorf("%+v %v", c, err)
	}
}

// Of three pairs each order has one sixth: rho 1 and -1 both count.
func TestSpearmanOfLittle(t *testing.T) {
	c, err := Spearman([]float64{1, 2, 3}, []float64{10, 20, 30})
	if err != nil || c.Rho.Value != 1 || c.HasInterval || math.Abs(c.P-2.0/6) > 1e-12 {
		t.Errorf("%+v %v", c, err)
	}
	if _, err := Spearman([]float64{1, 1, 1}, []float64{1, 2, 3}); !errors.Is(err, ErrConstant) {
		t.Errorf("constant: %v", err)
	}
	if _, err := Spearman([]float64{1, 2}, []float64{1, 2}); !errors.Is(err, ErrTooFew) {
		t.Errorf("two pairs: %v", err)
	}
	if _, err := Spearman([]float64{1, math.NaN(), 3}, []float64{1, 2, 3}); !errors.Is(err, ErrNotFinite) {
		t.Errorf("not a number: %v", err)
	}
}
