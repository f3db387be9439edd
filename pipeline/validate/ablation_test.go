package validate

import (
	"math"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// A case that was not measured without a check counts as it is.
func TestAblation(t *testing.T) {
	of := func(course string, verdict result.Verdict, measured, truth float64) Findings {
		c := mildCase(2, "light", course)
		return Findings{Case: c, Visible: []string{"nose"}, Changes: []Change{change("roughness_mid", measured, truth, verdict)}}
	}
	null, better := of("none", result.NoDetectableChange, 1, 0), of("better30", result.Improved, -27, -30)
	// A zone that can hardly be seen is no change to be called.
	hidden := change("roughness_mid", math.NaN(), -30, result.NoDetectableChange)
	hidden.Zone = "chin"
	better.Changes = append(better.Changes, hidden)
	caught, passed := of("none", result.NotComparable, math.NaN(), 0), of("none", result.Improved, -40, 0)
	caught.Case.Nuisance, passed.Case.Nuisance = tricks[0], tricks[0]
	rows := Ablation([]map[string]Findings{
		{"": caught, "yaw": passed},
		{"": null, "yaw": of("none", result.Improved, -9, 0)},
		{"": better, "equalise": of("better30", result.NotComparable, math.NaN(), -30)},
	})
	got := Switches(rows)
	if len(got) != 3 || got[0].Name != "" || got[1].Name != "equalise" || got[2].Name != "yaw" {
		t.Fatalf("%+v", got)
	}
	for i, want := range []struct{ wrong, comparable, called, bias, rms float64 }{
		{0, 100, 100, 2, math.Sqrt(5)},     // off by 1 and by 3
		{0, 50, math.NaN(), 1, 1},          // the change is lost
		{100, 100, 100, -3, math.Sqrt(45)}, // off by -9 and by 3
	} {
		s := got[i]
		k := -1
		for j, e := range s.Errors {
			if e.Metric == "roughness_mid" {
				k = j
			}
		}
		if tricked := s.Tricked == 1; tricked != (s.Name == "yaw") {
			t.Errorf("%q: tricked in %g series", s.Name, s.Tricked)
		}
		if s.False != want.wrong || s.Comparable != want.comparable || s.Called != want.called && !(math.IsNaN(s.Called) && math.IsNaN(want.called)) ||
			math.Abs(s.Errors[k].Bias-want.bias) > 1e-9 || math.Abs(s.Errors[k].RMS-want.rms) > 1e-9 {
			t.Errorf("%q: %+v, want %+v", s.Name, s, want)
		}
	}
}

func TestAblationPlan(t *testing.T) {
	courses := map[string]int{}
	trick := map[string]int{}
	for _, c := range AblationPlan(1) {
		if c.Trick() {
			trick[c.Nuisance]++
			continue
		}
		if courses[c.Course]++; c.Makes() {
			t.Errorf("%s is of a seed that makes the table", c.Name())
		}
	}
	if courses["none"] != 6 || courses["better30"] != 6 {
		t.Errorf("%v", courses)
	}
	if len(trick) != len(tricks) {
		t.Errorf("%v", trick)
	}
}
