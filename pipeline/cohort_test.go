package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// cohortFolder is an output folder with n persons, as run leaves it: roughness of
// the chin falls by a little more in each.
func cohortFolder(t *testing.T, n int) string {
	t.Helper()
	out := t.TempDir()
	record, err := createRecord(filepath.Join(out, runFile), runRecord{Format: 1, Version: "1.0", OpenCV: "4.6.0", Study: "chins", SettingsSHA256: "abc", Settings: Config{PictureSide: 900, Primary: &study.Primary{Metric: "roughness_mid", Zone: "chin", WindowDays: 90}}})
	check(t, err)
	for i := range n {
		id := fmt.Sprintf("P%02d", i)
		since := 92
		s := result.Subject{ID: id, Study: "chins", Version: "1.0", OpenCV: "4.6.0", Settings: "abc",
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
		check(t, record.add(s, filepath.Join(out, id)))
	}
	check(t, record.close())
	return out
}

// cohortStudy is the study of cohortFolder: everybody signed for research.
func cohortStudy(t *testing.T, n int) *study.Study {
	t.Helper()
	st := &study.Study{Name: "chins", Root: t.TempDir()}
	for i := range n {
		st.Subjects = append(st.Subjects, study.Subject{ID: fmt.Sprintf("P%02d", i), Consent: []study.Consent{{Scope: []string{"research"}, Signed: date(t, "2026-01-01")}}})
	}
	return st
}

func asOf(t *testing.T, st *study.Study, day string) CohortOptions {
	t.Helper()
	return CohortOptions{AsOf: date(t, day), Study: st}
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
	out, st := cohortFolder(t, 8), cohortStudy(t, 8)
	c, err := WriteCohort(t.Context(), out, asOf(t, st, "2026-06-01"))
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

	// All but the key is in the ledger, whose head is told.
	l, err := consent.Existing(st.Root)
	check(t, err)
	defer l.Close()
	entries, err := l.Entries(t.Context())
	check(t, err)
	if len(entries) != 1 || entries[0].Hash != c.Head || len(entries[0].Subjects) != 8 || len(entries[0].Artefacts) < 5 ||
		slices.ContainsFunc(entries[0].Artefacts, func(a consent.Artefact) bool { return strings.HasSuffix(a.Path, result.CohortKeyFile) }) {
		t.Errorf("%s: %+v", c.Head, entries)
	}

	// Again: the same bytes. Where nobody is covered, they stay.
	if _, err := WriteCohort(t.Context(), out, asOf(t, st, "2026-06-01")); err != nil {
		t.Fatal(err)
	}
	if c, err = WriteCohort(t.Context(), out, asOf(t, st, "2025-12-31")); !errors.Is(err, ErrUsage) || len(c.Excluded) != 8 {
		t.Errorf("before their signature: %+v, %v", c.Excluded, err)
	}
	if !reflect.DeepEqual(folder(t, out), files) {
		t.Error("the same results gave other files, or nobody's consent changed them")
	}
	// Then without a person whose consent has ended.
	if _, err := consent.Withdraw(t.Context(), st, "P03", "research", date(t, "2026-05-31"), ""); err != nil {
		t.Fatal(err)
	}
	c, err = WriteCohort(t.Context(), out, asOf(t, st, "2026-06-01"))
	if err != nil || c.Flow[1].Subjects != 7 || len(c.Excluded) != 1 || c.Excluded[0].Subject != "P03" || strings.Contains(folder(t, out)["/cohort-key.csv"], "P03") {
		t.Errorf("without P03: %+v, %v", c.Excluded, err)
	}
}

func TestCohortRefuses(t *testing.T) {
	st := cohortStudy(t, 3)
	if _, err := WriteCohort(t.Context(), t.TempDir(), asOf(t, st, "2026-06-01")); !errors.Is(err, ErrUsage) {
		t.Errorf("an empty folder: %v", err)
	}
	out := cohortFolder(t, 3)
	if _, err := WriteCohort(t.Context(), out, CohortOptions{Study: st}); !errors.Is(err, ErrUsage) {
		t.Errorf("no day: %v", err)
	}
	for name, other := range map[string]*study.Study{"--study STUDY": nil, "of one study": {Name: "cheeks", Root: t.TempDir()}} {
		if _, err := WriteCohort(t.Context(), out, asOf(t, other, "2026-06-01")); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
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
	if _, err := WriteCohort(t.Context(), out, asOf(t, st, "2026-06-01")); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "dermatrend run STUDY -o OUT") {
		t.Errorf("mixed versions: %v", err)
	}
	// The user's own file.
	out = cohortFolder(t, 3)
	mine := filepath.Join(out, "cohort.csv")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteCohort(t.Context(), out, asOf(t, st, "2026-06-01")); !errors.Is(err, ErrUsage) {
		t.Errorf("the user's own file: %v", err)
	}
	if data, _ := os.ReadFile(mine); string(data) != "mine" {
		t.Error("the user's own file was changed")
	}
}
