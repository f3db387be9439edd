package validate

import (
	"math"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Four changes against a table: Holm asks for 2.4977/1.96 of the SDC of the largest
// of four (0.05/8), 2.3940 of three, 2.2414 of two, and the SDC of the last.
func TestDecidedByATable(t *testing.T) {
	table := result.SDCTable{Rows: []result.SDCRow{{Metric: "roughness_mid", SDC: 10}, {Metric: "roughness_mid", SDC: 30, Status: result.Caution}, {Metric: "erythema_index", SDC: 1},
		{Metric: "pore_area_fraction", SDC: 10, PxPerMM: 18}}}
	c := func(metric string, base, delta float64, status result.Status) Change {
		return Change{Zone: "nose", Metric: metric, Role: "primary", Status: status, Base: result.Number(base), Delta: result.Number(delta), Verdict: result.NotComparable, SDC: result.None()}
	}
	changes := []Change{
		c("roughness_mid", 20, -2.6, result.OK),                                                                 // 13 % of 10: 1.3, beyond 1.274
		c("roughness_mid", 20, -2.2, result.OK),                                                                 // 11 %: 1.1, within 1.221
		c("roughness_mid", 20, -2.6, result.Caution),                                                            // 13 % of 30
		c("erythema_index", 9, 1.05, result.OK),                                                                 // redder, beyond its own error
		c("pore_area_fraction", 2, -1, result.OK),                                                               // no row at this scale
		c("roughness_mid", math.NaN(), math.NaN(), ""),                                                          // not measured
		{Zone: "nose", Metric: "roughness_fine", Role: "secondary", Verdict: result.Improved, Comparable: true}, // stays
	}
	got := decided(changes, tableSDC(table, 14))
	want := []result.Verdict{result.Improved, result.NoDetectableChange, result.NoDetectableChange, result.Worsened, result.NotComparable, result.NotComparable, result.Improved}
	if len(got) != len(want) {
		t.Fatalf("%d verdicts", len(got))
	}
	for i, v := range want {
		if got[i].Verdict != v || got[i].Comparable != (v != result.NotComparable) {
			t.Errorf("%d: %s, want %s", i, got[i].Verdict, v)
		}
	}
	if math.Abs(float64(got[0].Measured)+13) > 1e-9 || float64(got[3].Measured) != 1.05 || got[4].Measured.Known() || float64(got[2].SDC) != 6 {
		t.Errorf("measured %v and %v, SDC %v", got[0].Measured, got[3].Measured, got[2].SDC)
	}
	// Lighter by as much as redder passes only what Holm asks for.
	changes[3].Delta = -1.05
	if v := decided(changes, tableSDC(table, 14))[3].Verdict; v != result.NoDetectableChange {
		t.Errorf("less red by 1.05: %s", v)
	}
	// At 22 px/mm the table knows pores: half of them are gone.
	if v := decided(changes, tableSDC(table, 22))[4].Verdict; v != result.Improved {
		t.Errorf("pores at 22 px/mm: %s", v)
	}
}

// The tool's own verdicts are found again with the tool's own limits; another
// verdict is noticed.
func TestDisagreements(t *testing.T) {
	f := Findings{Changes: []Change{
		{Metric: "roughness_mid", Role: "primary", Base: 10, Delta: -3, SDC: 2, Verdict: result.Improved},
		{Metric: "roughness_mid", Role: "secondary", Base: 10, Delta: -3, SDC: 2, Verdict: result.NoDetectableChange},
		{Metric: "scar_contrast", Role: "primary", Base: 10, Delta: 1, SDC: 2, Verdict: result.NoDetectableChange}}}
	if differ, n := disagreements([]Findings{f}); differ != 0 || n != 2 {
		t.Errorf("%d of %d", differ, n)
	}
	f.Changes[2].Verdict = result.Worsened
	if differ, _ := disagreements([]Findings{f}); differ != 1 {
		t.Errorf("%d differ, want 1", differ)
	}
}

// With enough odd seeds the figures are those of their table, and the tool's own
// stand beside them.
func TestFiguresOfTheTable(t *testing.T) {
	var all []Findings
	for i := range uint64(10) {
		all = append(all, nullOf(2*i+1, 22, 4, result.OK))
	}
	test := nullOf(2, 22, -30, result.OK) // 30 % against an SDC of 2.228 x 4
	test.Changes = test.Changes[:1]
	test.Changes[0].Verdict, test.Changes[0].SDC = result.NoDetectableChange, 100
	rows := Summarise(append(all, test))
	wants(t, figure(t, rows, "null", "roughness_mid", "", "", "false_verdicts", ""), 100, 1, "")
	wants(t, figure(t, rows, "null as shipped", "roughness_mid", "", "", "false_verdicts", ""), 0, 1, "")
	if len(Summarise(all[:9])) == 0 || decides(all[:9]) {
		t.Error("nine series make a table to decide by")
	}
}

func decides(all []Findings) bool { _, ok := withTable(all); return ok }
