package export

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

var asOf = study.NewDate(2031, 5, 6)

// sample is a person with three sessions, replicates, refused values, and a trend
// of each verdict.
func sample(id string) result.Subject {
	s := result.Subject{ID: id, Version: "0.1.0", OpenCV: "4.6.0", Settings: strings.Repeat("ab", 32), Born: 1988,
		Covariates: map[string]string{"arm": "A", "name": "Jane"},
		Treatments: []result.Treatment{
			{Session: "2026-01-10", Date: "2026-01-10", Device: "pen", Adjunct: "PRP of Jane", Passes: 4, DepthMM: map[string]float64{"chin": 1, "nose": 2}},
			{Session: "2026-02-09", Date: "2026-02-09", Passes: 2},
		},
		TreatedZones: []string{"nose", "chin"},
	}
	v := result.Series{Subject: id, View: "front", Scale: "iris", ITADeg: 31.25}
	three := 30
	dates := []string{"2026-01-10", "2026-02-09", "2026-05-10"}
	for i, d := range dates {
		day := []int{0, 30, 120}[i]
		v.Visits = append(v.Visits, result.Visit{Session: d, Date: d, Day: day, Baseline: i == 0})
		for _, photo := range []string{"b.jpg", "a.jpg"} {
			for zi, zone := range []string{"nose", "forehead"} {
				for k, m := range metrics.All() {
					row := result.Measurement{Subject: id, View: "front", Session: d, Date: d, Day: day, Photo: d + photo, Zone: zone, Metric: m.Name, Unit: m.Unit,
						Value: result.Number(10.0/3 + float64(zi+k+i)), Basis: result.BasisNative, N: 1000 + k, PxPerMM: 14.2, Status: result.OK}
					if m.Unit == "1" || m.Unit == "bit" {
						row.Value /= 30 // within their range
					}
					if i > 0 {
						row.DaysSinceTreatment = &three
					}
					if m.Name == "pore_diameter_um_p90" {
						row.Value, row.Status, row.Reason = result.None(), result.Refused, "needs 20 px/mm, the photo has 14.2"
					}
					v.Measurements = append(v.Measurements, row)
					row.Basis, row.Status = result.BasisPair+"2026-05-10", result.Caution
					v.Measurements = append(v.Measurements, row)
				}
			}
			v.Alignments = append(v.Alignments, result.Alignment{Subject: id, View: "front", Session: d, Photo: d + photo, Status: result.OK, Scale: 1.01, Inliers: 40, Overlap: 0.9, ResidualPx: 0.5, ResidualPctIPD: result.None()})
			v.Comparability = append(v.Comparability, result.Check{Subject: id, View: "front", Session: d, Photo: d + photo, Check: "yaw", Value: 2, Limit: 3, Unit: "deg", Affects: "texture;pores", Status: result.OK})
			v.Objects = append(v.Objects, result.Object{Subject: id, View: "front", Session: d, Photo: d + photo, Zone: "nose", Kind: "scar", ID: 7, XPx: 123.5, YPx: 234.5,
				DiameterMM: 1.5, AreaMM2: 1.77, Contrast: 0.1, Type: "boxcar", Track: "S1", Status: result.OK})
		}
	}
	for _, t := range []struct {
		zone        string
		change, sdc result.Number
		verdict     result.Verdict
	}{
		{"nose", -3, 2, result.Improved}, {"chin", -1, 2, result.NoDetectableChange}, {"perioral", 3, 2, result.Worsened},
		{"forehead", result.None(), result.None(), result.NotComparable}, {"cheek_left", 5, 2, ""},
		// A mistake upstream must not become a responder.
		{"cheek_right", -1, 2, result.Improved}, {"periorbital_left", -1, result.None(), result.Improved},
	} {
		v.Trends = append(v.Trends, result.Trend{Subject: id, View: "front", Zone: t.zone, Metric: "roughness_mid", Unit: "ODx1000", Sessions: 3, Baseline: 10, Latest: 10 + t.change,
			Change: t.change, ChangePct: 10 * t.change, SDC: t.sdc, SDCSource: "shipped; widened to the scatter of the sessions", Limit: t.sdc, Role: "primary", Qualifier: "early;provisional", Verdict: t.verdict})
	}
	v.Rejections = []result.Rejection{{Subject: id, View: "front", Session: "2026-03-01", Photo: "jane.jpg", Stage: "align", Reason: "open /home/jane/2026-03-01.jpg: no such file"}}
	s.Series = []result.Series{v}
	return s
}

// write exports persons with a fixed key and returns the folder.
func write(t *testing.T, key *Key, o Options, subjects ...result.Subject) string {
	t.Helper()
	dir := t.TempDir()
	e, err := Create(dir, key, o)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(subjects, func(a, b result.Subject) int { return strings.Compare(key.Code(a.ID), key.Code(b.ID)) })
	for _, s := range subjects {
		if err := e.Add(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func options() Options {
	return Options{AsOf: asOf, Version: "0.1.0", Covariates: []string{"arm", "name"}, ShippedSDC: "shipped",
		Shared:     map[string]map[string]int{"arm": {"A": 2}, "name": {"Jane": 1}},
		Exclusions: map[string]int{"consent for research was withdrawn on 2026-09-01": 1, "consent for research was withdrawn on 2026-09-02": 1, "no consent for research is recorded": 3}}
}

func testKey() *Key {
	k := NewKey()
	for i := range k.secret {
		k.secret[i] = byte(i)
	}
	return k
}

// readTree reads a folder: path below it to content.
func readTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm() != 0o600 {
			return fmt.Errorf("%s: mode %v, want 0600", name, info.Mode())
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		all[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
