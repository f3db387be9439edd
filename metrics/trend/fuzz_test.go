package trend_test

import (
	"encoding/binary"
	"math"
	"reflect"
	"testing"

	"github.com/dermatrend/dermatrend/metrics/trend"
)

// numbers reads the fuzzer's bytes as floats: any bit pattern in eights, or
// small whole numbers with many ties when the first byte is odd.
func numbers(data []byte, most int) []float64 {
	var out []float64
	if len(data) > 0 && data[0]&1 == 1 {
		for _, b := range data[1:] {
			out = append(out, float64(int8(b))/4)
		}
	} else {
		for i := 1; i+8 <= len(data); i += 8 {
			out = append(out, math.Float64frombits(binary.LittleEndian.Uint64(data[i:])))
		}
	}
	return out[:min(len(out), most)]
}

// rows cuts xs into rows of k.
func rows(xs []float64, k int) [][]float64 {
	var out [][]float64
	for ; len(xs) >= k; xs = xs[k:] {
		out = append(out, xs[:k])
	}
	return out
}

// sound fails unless every number in result is finite and every field named P,
// or like a p-value, lies in [0,1]; with an error, the error must wrap a
// sentinel and the result be empty.
func sound(t *testing.T, what string, result any, err error) {
	t.Helper()
	v := reflect.ValueOf(result)
	if err != nil {
		sentinel(t, err)
		if v.IsValid() && !v.IsZero() {
			t.Errorf("%s: error %v beside %+v", what, err, result)
		}
		return
	}
	walk(t, what, v)
}

func walk(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Float64:
		x := v.Float()
		if math.IsNaN(x) || math.IsInf(x, 0) {
			t.Errorf("%s is %v without an error", path, x)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			walk(t, path+"."+name, v.Field(i))
			switch name {
			case "P", "Greater", "Less", "Rise", "Fall", "ExactP", "ExcessP", "Coverage":
				if p := v.Field(i).Float(); p < 0 || p > 1 {
					t.Errorf("%s.%s = %v", path, name, p)
				}
			}
		}
		if v.Type() == reflect.TypeFor[trend.Estimate]() {
			if e := v.Interface().(trend.Estimate); e.Low > e.High {
				t.Errorf("%s: %v above %v", path, e.Low, e.High)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(t, path+"[]", v.Index(i))
		}
	}
}

func seeds(f *testing.F) {
	f.Helper()
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Add([]byte("0000000\xb9?0000000000000000000000000+0000\xb9?00000000")) // the limits of ICC(2,1) meet
	f.Add([]byte{1, 9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7})
	f.Add([]byte{1, 4, 4, 4, 4, 252, 252, 252, 252, 0, 128, 127, 127, 128, 1, 255, 3})
	for _, xs := range [][]float64{
		{1e50, -1e50, 1e49, 3, 1e50, -7e49, 2, 1e50},
		{5e-324, 1e-320, 0, -5e-324, 1e-310, 2e-310, 3e-310, 5e-324},
		{1e-170, 2e-170, -3e-170, 5e-170, 7e-170, 1e-169, 2e-169, 4e-169},
		{.1, .1, .1, .1, .1, .1, .1, .30000000000000004, .3},
		{math.NaN(), 1, 2}, {math.Inf(1), 1, 2, 3}, {math.MaxFloat64, -math.MaxFloat64, 1, 2},
		{1e16, 1e16 + 2, 1e16 + 4, 1e16, 1e16 + 2, 1e16 + 8},
	} {
		data := []byte{0}
		for _, x := range xs {
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(x))
		}
		f.Add(data)
	}
}

func FuzzSeries(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		xs := numbers(data, 40)
		half := len(xs) / 2
		a, b := xs[:half], xs[half:2*half]
		for _, at := range [][]float64{a, count(half)} {
			kendall, err := trend.MannKendall(at, b)
			sound(t, "MannKendall", kendall, err)
			line, err := trend.TheilSen(at, b)
			sound(t, "TheilSen", line, err)
			for _, sem := range []float64{1, 1e-30, 1e30} {
				slope, err := trend.KnownSEMSlope(at, b, sem)
				sound(t, "KnownSEMSlope", slope, err)
			}
		}
		median, err := trend.Median(xs)
		sound(t, "Median", median, err)
		limits, err := trend.BlandAltman(a, b)
		sound(t, "BlandAltman", limits, err)
		holm, err := trend.HolmLimits(a, b)
		sound(t, "HolmLimits", holm, err)
		adjusted, err := trend.Holm(xs)
		sound(t, "Holm", adjusted, err)
		adjusted, err = trend.BenjaminiHochberg(xs)
		sound(t, "BenjaminiHochberg", adjusted, err)
		for k := 2; k <= 4; k++ {
			icc, err := trend.ICC(rows(xs, k))
			sound(t, "ICC", icc, err)
			sem, err := trend.SEMFromReplicates(rows(xs, k))
			sound(t, "SEMFromReplicates", sem, err)
		}
		if len(xs) >= 4 {
			change, err := trend.ReliableChange(xs[0], xs[1], xs[2], xs[3])
			sound(t, "ReliableChange", change, err)
			sdc, err := trend.SDC(xs[0], half)
			sound(t, "SDC", sdc, err)
			low, high, err := trend.SDCLog(xs[0], half)
			sound(t, "SDCLog", trend.Estimate{Low: low, High: high}, err)
		}
	})
}

func FuzzCohort(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		xs := numbers(data, 60)
		rank, err := trend.SignedRank(xs)
		sound(t, "SignedRank", rank, err)
		flip, err := trend.SignFlip(xs[:min(len(xs), 16)])
		sound(t, "SignFlip", flip, err)
		test, err := trend.TTest(xs)
		sound(t, "TTest", test, err)
		for k := 2; k <= 4; k++ {
			friedman, err := trend.Friedman(rows(xs, k))
			sound(t, "Friedman", friedman, err)
			page, err := trend.Page(rows(xs, k))
			sound(t, "Page", page, err)
		}
		few := xs[:min(len(xs), 9)]
		boot, err := trend.BCa(len(few), meanOf(few), 200, 1)
		sound(t, "BCa", boot, err)

		var visits []trend.Visit
		var persons []trend.Person
		for i, row := range rows(xs, 2) {
			if i%4 == 0 {
				persons = append(persons, trend.Person{})
			}
			p := &persons[len(persons)-1]
			p.T, p.Y = append(p.T, row[0]), append(p.Y, row[1])
			visits = append(visits, trend.Visit{Person: i / 4, T: row[0], Y: row[1]},
				trend.Visit{Person: i / 4, T: float64(i % 3), Y: row[0]})
		}
		slopes, err := trend.SlopeSummary(persons)
		sound(t, "SlopeSummary", slopes, err)
		for _, random := range []trend.Random{trend.RandomIntercept, trend.RandomSlope} {
			for _, method := range []trend.Likelihood{trend.REML, trend.ML} {
				mixed, err := trend.FitMixed(visits, random, method)
				sound(t, "FitMixed", mixed, err)
			}
		}
	})
}
