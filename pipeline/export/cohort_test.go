package export

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

const cohortHead = "zone,metric,unit,contrast,n,estimate,low,high,p,p_adjusted,test,responders,worsened,responders20,reason\n"

func TestCohort(t *testing.T) {
	for _, c := range []struct{ row, want, err string }{
		{"nose,roughness_mid,ODx1000,window:90,2,-1.5,-2,-1,0.03,0.2,signed_rank_exact,1,0,1,", "nose,roughness_mid,ODx1000,window:90,2,-1.5,-2,-1,0.03,0.2,signed_rank_exact,1,0,1", ""},
		{"nose,roughness_mid,ODx1000,arm:A-B@visit:1,2,,,,,,,0,0,0,too few", "arm:A-B@visit:1", ""},
		{"nose,roughness_mid,ODx1000,arm:Jane-B@slope,2,,,,,,,0,0,0,", "arm:arm_", ""},
		{"nose,roughness_mid,ODx1000,covariate:name=Jane@ordered:3,2,,,,,,,0,0,0,", "covariate:arm_", ""},
		{"nose,roughness_mid,ODx1000,covariate:adjunct=prp by Jane@visit:1,2,,,,,,,0,0,0,", "covariate:adjunct=prp@visit:1", ""},
		{"nose,roughness_mid,ODx1000 per 30 d per year,covariate:age@slope,2,,,,,,,0,0,0,", "ODx1000 per 30 d per year,covariate:age@slope", ""},
		{"nose,roughness_mid,ODx1000 per Jane,slope,2,,,,,,,0,0,0,", "roughness_mid,other,slope", ""},
		{"nose,roughness_mid,1,typical_order:3,2,,,,,,,0,0,0,", "roughness_mid,1,typical_order:3", ""},
		{"nose,roughness_mid,ODx1000,Jane,2,,,,,,,0,0,0,", ",other,2", ""},
		{"nose,roughness_mid,ODx1000,slope,3,,,,,,,0,0,0,", "", "cohort again"},
		{"nose,roughness_mid,um,slope,2,,,,,,,0,0,0,", "", "units"},
		{"nose,roughness_mid,ODx1000,slope,2,,,,,,,1,0,2,", "", "below the smallest detectable change"},
		{"nose,roughness_mid,ODx1000,slope,two,,,,,,,1,0,2,", "", "cohort.csv:2: n \"two\""},
	} {
		dir := t.TempDir()
		e, err := Create(dir, testKey(), Options{AsOf: asOf, Formats: []Format{CSV}})
		if err != nil {
			t.Fatal(err)
		}
		err = e.Cohort(strings.NewReader(cohortHead+c.row+"\n"), 2)
		e.Abandon()
		if c.err != "" {
			if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "`dermatrend cohort OUT` again", "cohort again"), c.err) {
				t.Errorf("%s: got %v, want %s", c.row, err, c.err)
			}
			continue
		}
		got := readTree(t, dir)["cohort.csv"]
		if err != nil || !strings.Contains(got, c.want) || strings.Contains(got, "Jane") {
			t.Errorf("%s: got %s, %v", c.row, got, err)
		}
	}
}

// A cohort of more persons than the export has was made of somebody who is not in
// it, also where no row has a value of all of them.
func TestCohortOfOthers(t *testing.T) {
	for missing, leftOut := range map[int]bool{0: false, 1: true} {
		e, err := Create(t.TempDir(), testKey(), Options{AsOf: asOf, Formats: []Format{CSV}})
		if err != nil {
			t.Fatal(err)
		}
		err = e.Cohort(strings.NewReader(fmt.Sprintf("zone,metric,unit,contrast,n,missing\nnose,roughness_mid,ODx1000,visit:1,2,%d\n", missing)), 2)
		e.Abandon()
		if errors.Is(err, ErrCohort) != leftOut || !leftOut && err != nil {
			t.Errorf("2 persons with a value, %d without: %v", missing, err)
		}
	}
}

// The export knows every column that a cohort has.
func TestCohortColumns(t *testing.T) {
	dir := t.TempDir()
	if err := result.WriteCohort(dir, result.Cohort{}); err != nil {
		t.Fatal(err)
	}
	want, _ := table(t, readTree(t, dir)[result.CohortFile])
	var got []string
	for _, c := range cohortTable.Columns {
		got = append(got, c.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("columns\n%q, a cohort has\n%q", got, want)
	}
}
