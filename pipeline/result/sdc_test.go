package result

import (
	"strings"
	"testing"
)

const sdcSample = `# name: sample 1
# seeds 1 3
metric,sdc,zone,n,df,source,status,px_per_mm
roughness_mid,15,,20,10,photo_error_only,,
roughness_mid,5,,40,30,photo_error_only,ok,18
roughness_mid,9,,40,30,photo_error_only,caution,18
roughness_mid,7,chin,40,30,photo_error_only,ok,18
erythema_index,0.6,,40,30,full,,
`

// TestFindSDC: the finest scale that the photo reaches, then the pair's status,
// then the zone; a pair with caution may have the row of an ok one only where there
// is no other.
func TestFindSDC(t *testing.T) {
	table, err := ParseSDC([]byte(sdcSample), "x.csv")
	if err != nil {
		t.Fatal(err)
	}
	if table.Name != "sample 1" || len(table.Head) != 2 {
		t.Errorf("name %q, head %q", table.Name, table.Head)
	}
	for _, c := range []struct {
		metric, zone string
		status       Status
		px           float64
		want         float64 // 0: none
	}{
		{"roughness_mid", "nose", OK, 22, 5},
		{"roughness_mid", "nose", Caution, 22, 9},
		{"roughness_mid", "chin", OK, 18, 7},
		{"roughness_mid", "chin", Caution, 18, 9},
		{"roughness_mid", "chin", OK, 17.9, 15},
		{"roughness_mid", "chin", Caution, 0, 15},
		{"erythema_index", "chin", Caution, 22, 0.6},
		{"a_star", "chin", OK, 22, 0},
	} {
		row, ok := table.Find(c.metric, c.zone, c.status, c.px)
		if ok != (c.want > 0) || row.SDC != c.want {
			t.Errorf("%+v: %+v, %t", c, row, ok)
		}
	}
}

// TestParseSDCErrors: every wrong row is named with its line and what was expected.
func TestParseSDCErrors(t *testing.T) {
	head := "metric,sdc,zone,n,df,source\n"
	for text, want := range map[string][]string{
		"":                               {"no table"},
		"a,b\n1,2\n":                     {`expected "metric,sdc,zone`},
		head:                             {"has no rows"},
		head + "m,-1,,1,1,full\n":        {"x.csv:2", "above 0"},
		head + "m,NaN,,1,1,full\n":       {"above 0"},
		head + "m,Inf,,1,1,full\n":       {"above 0"},
		head + "m,1,,1.5,1,full\n":       {"n \"1.5\"", "whole number"},
		head + "m,1,,1,1,half\n":         {"photo_error_only"},
		head + "m,1,,1\nm,0,,1,1,full\n": {"x.csv:2: 4 columns, expected 6", "x.csv:3"},
		strings.Replace(sdcSample, ",ok,18", ",fine,18", 1): {"x.csv:5", `status "fine"`},
		strings.Replace(sdcSample, ",ok,18", ",ok,-1", 1):   {`px_per_mm "-1"`},
	} {
		_, err := ParseSDC([]byte(text), "x.csv")
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %v, want %q", text, err, w)
			}
		}
	}
}

func FuzzParseSDC(f *testing.F) {
	f.Add([]byte(sdcSample))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := ParseSDC(data, "x.csv")
		if err != nil {
			return
		}
		for _, r := range table.Rows {
			if !(r.SDC > 0) || r.N < 0 || r.DF < 0 {
				t.Errorf("%+v", r)
			}
		}
	})
}
