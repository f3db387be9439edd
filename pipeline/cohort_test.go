package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// cohortFolder is an output folder with n persons, as run leaves it: roughness of
// the chin falls by a little more in each.
func cohortFolder(t *testing.T, n int) string {
	t.Helper()
	out := t.TempDir()
	record := &runRecord{Format: 1, Version: "1.0", OpenCV: "4.6.0", Study: "chins", SettingsSHA256: "abc", Settings: Config{PictureSide: 900, Primary: &study.Primary{Metric: "roughness_mid", Zone: "chin", WindowDays: 90}}, Counts: counts{Verdicts: map[result.Verdict]int{}}}
	for i := range n {
		id := fmt.Sprintf("P%02d", i)
		since := 92
		s := result.Subject{ID: id, Study: "chins", Version: "1.0", OpenCV: "4.6.0", Settings: "abc",
			Consents:   []result.Consent{{Scope: []string{"research"}, Signed: "2026-01-01"}},
			Treatments: []result.Treatment{{Session: "s0", Date: "2026-01-10"}},
			Series: []result.Series{{Subject: id, View: "front",
				Visits: []result.Visit{{Session: "s0", Date: "2026-01-10", Baseline: true, Comparable: true},
					{Session: "s1", Date: "2026-04-12", Day: 92, DaysSinceTreatment: &since, Comparable: true}},
				Trends: []result.Trend{{Subject: id, View: "front", Zone: "chin", Metric: "roughness_mid", Unit: "ODx1000", SDC: 2.5, SDCSource: "test"}}}}}
		for k, v := range []float64{20, 19 - float64(i)} {
			visit := s.Series[0].Visits[k]
			s.Series[0].Measurements = append(s.Series[0].Measurements, result.Measurement{Subject: id, View: "front", Session: visit.Session, Day: visit.Day, Photo: "secret.jpg",
				Zone: "chin", Metric: "roughness_mid", Value: result.Number(v), Unit: "ODx1000", Basis: result.BasisSeries, Status: result.OK})
		}
		if err := os.Mkdir(filepath.Join(out, id), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := result.SaveSubject(filepath.Join(out, id), s); err != nil {
			t.Fatal(err)
		}
		record.add(s)
	}
	if err := result.WriteJSON(filepath.Join(out, runFile), record); err != nil {
		t.Fatal(err)
	}
	return out
}

func asOf(t *testing.T, day string) CohortOptions {
	t.Helper()
	d, err := study.ParseDate(day)
	if err != nil {
		t.Fatal(err)
	}
	return CohortOptions{AsOf: d}
}

// folder reads all files below a folder.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	if err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, want 0600", name, info.Mode())
		}
		data, err2 := os.ReadFile(name)
		all[strings.TrimPrefix(name, dir)] = string(data)
		return errors.Join(err, err2)
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCohortOfAFolder(t *testing.T) {
	out := cohortFolder(t, 8)
	c, err := WriteCohort(t.Context(), out, asOf(t, "2026-06-01"))
	if err != nil {
		t.Fatal(err)
	}
	var primary []result.CohortRow
	for _, r := range c.Rows {
		if r.Role == result.RolePrimary {
			primary = append(primary, r)
		}
	}
	// Changes of -1 to -8: the median of their pairwise means is -4.5; six pass 2.5.
	if len(primary) != 1 || primary[0].Estimate != -4.5 || primary[0].Responders != 6 || primary[0].P != 2/256. {
		t.Errorf("%+v", primary)
	}
	files := folder(t, out)
	for _, name := range []string{"/cohort.csv", "/cohort_flow.csv", "/cohort_claims.csv", "/cohort-key.csv", "/cohort.html"} {
		if files[name] == "" {
			t.Errorf("%s is missing or empty", name)
		}
		for _, secret := range []string{"P0", "secret.jpg", "2026-01-10", "2026-04-12"} {
			if name != "/cohort-key.csv" && strings.Contains(files[name], secret) {
				t.Errorf("%s names %s", name, secret)
			}
		}
	}
	if n := strings.Count(files["/cohort-key.csv"], "\n"); n != 9 {
		t.Errorf("the key has %d lines", n)
	}

	// Again: the same bytes. Then without a person whose consent has ended.
	if _, err := WriteCohort(t.Context(), out, asOf(t, "2026-06-01")); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(folder(t, out), files) {
		t.Error("the same results gave other files")
	}
	c, err = WriteCohort(t.Context(), out, asOf(t, "2025-12-31"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Flow[1].Subjects != 0 || len(c.Rows) != 1 || c.Rows[0].N != 0 || strings.Contains(folder(t, out)["/cohort-key.csv"], "P0") {
		t.Errorf("before their signature: %+v", c.Flow[1])
	}
}

func TestCohortRefuses(t *testing.T) {
	if _, err := WriteCohort(t.Context(), t.TempDir(), asOf(t, "2026-06-01")); !errors.Is(err, ErrUsage) {
		t.Errorf("an empty folder: %v", err)
	}
	out := cohortFolder(t, 3)
	if _, err := WriteCohort(t.Context(), out, CohortOptions{}); !errors.Is(err, ErrUsage) {
		t.Errorf("no day: %v", err)
	}
	// A person of another version.
	s, err := result.LoadSubject(filepath.Join(out, "P01"))
	if err != nil {
		t.Fatal(err)
	}
	s.Version = "0.9"
	name := filepath.Join(out, "P01", result.SubjectFile)
	if err := errors.Join(os.Remove(name), result.SaveSubject(filepath.Dir(name), s)); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteCohort(t.Context(), out, asOf(t, "2026-06-01")); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "dermatrend run STUDY -o OUT") {
		t.Errorf("mixed versions: %v", err)
	}
	// The user's own file.
	out = cohortFolder(t, 3)
	mine := filepath.Join(out, "cohort.csv")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteCohort(t.Context(), out, asOf(t, "2026-06-01")); !errors.Is(err, ErrUsage) {
		t.Errorf("the user's own file: %v", err)
	}
	if data, _ := os.ReadFile(mine); string(data) != "mine" {
		t.Error("the user's own file was changed")
	}
}
