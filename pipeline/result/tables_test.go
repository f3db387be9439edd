package result

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func example() Subject {
	day := 0
	m := func(session, photo, zone, metric, basis string, v Number) Measurement {
		return Measurement{Subject: "P1", View: "front", Session: session, Photo: photo, Date: "2026-01-10",
			Zone: zone, Metric: metric, Basis: basis, Value: v, Unit: "percent", Status: OK}
	}
	since := m("s10", "c.jpg", "nose", "a", BasisNative, 1)
	since.DaysSinceTreatment = &day
	since.PxPerMM = 14.25
	since.N = 1200
	refused := m("s2", "a.jpg", "nose", "a", BasisNative, None())
	refused.Status, refused.Reason = Refused, `too few pixels, "glare"`
	return Subject{ID: "P1", Series: []Series{
		{Subject: "P1", View: "right45", Visits: []Visit{{Session: "s2"}}, Rejections: []Rejection{{Subject: "P1", View: "right45"}}},
		{Subject: "P1", View: "front",
			// By date, s2 was before s10; s1 was refused and is no visit.
			Visits: []Visit{{Session: "s2"}, {Session: "s10"}},
			Measurements: []Measurement{
				since,
				m("s2", "b.jpg", "chin", "a", "pair:s10", 2),
				m("s2", "b.jpg", "chin", "a", BasisSeries, 3),
				m("s2", "b.jpg", "chin", "a", BasisNative, 4),
				m("s2", "b.jpg", "chin", "z", BasisNative, 5),
				m("s2", "b.jpg", "forehead", "a", BasisNative, 6),
				m("s2", "b.jpg", "ear", "a", BasisNative, 7),
				refused,
			},
			Rejections: []Rejection{{Subject: "P1", View: "front", Session: "s1"}, {Subject: "P1", View: "front", Session: "s10"}},
		},
	}}
}

var exampleOrder = Order{Views: []string{"front", "left45"}, Zones: []string{"forehead", "nose", "chin"}, Metrics: []string{"z", "a"}}

func writeExample(t *testing.T, subjects ...Subject) map[string][][]string {
	t.Helper()
	dir := t.TempDir()
	w, err := CreateTables(dir, exampleOrder)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range subjects {
		if err := w.Add(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := map[string][][]string{}
	for _, name := range TableFiles() {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "\r") {
			t.Errorf("%s: has carriage returns", name)
		}
		// The reader checks that each row has as many cells as the header.
		if got[name], err = csv.NewReader(strings.NewReader(string(data))).ReadAll(); err != nil {
			t.Fatal(err)
		}
		if info, _ := os.Stat(filepath.Join(dir, name)); info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, want 0600", name, info.Mode())
		}
	}
	return got
}

func TestRowsAreInOrder(t *testing.T) {
	rows := writeExample(t, example())["measurements.csv"]
	// session, photo, zone, metric, basis
	want := []string{
		"s2 a.jpg nose a native",
		"s2 b.jpg forehead a native",
		"s2 b.jpg chin z native",
		"s2 b.jpg chin a native",
		"s2 b.jpg chin a series",
		"s2 b.jpg chin a pair:s10",
		"s2 b.jpg ear a native", // a zone of the user's own comes after those of the list
		"s10 c.jpg nose a native",
	}
	var got []string
	for _, r := range rows[1:] {
		got = append(got, strings.Join([]string{r[2], r[6], r[7], r[8], r[11]}, " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var views []string
	for _, r := range writeExample(t, example())["rejections.csv"][1:] {
		views = append(views, r[1]+" "+r[2])
	}
	if want := []string{"front s10", "front s1", "right45 "}; !slices.Equal(views, want) {
		t.Errorf("rejections: got %q, want %q", views, want)
	}
}

// Rows do not depend on the order in which the work was done.
func TestRowsDoNotDependOnOrderOfWork(t *testing.T) {
	want := writeExample(t, example())
	s := example()
	slices.Reverse(s.Series)
	slices.Reverse(s.Series[0].Measurements)
	if got := writeExample(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUnknownIsEmptyAndZeroIsNot(t *testing.T) {
	rows := writeExample(t, example())["measurements.csv"]
	cell := func(row int, column string) string { return rows[row][slices.Index(rows[0], column)] }
	for _, c := range []struct {
		row          int
		column, want string
	}{
		{1, "value", ""}, {1, "reason", `too few pixels, "glare"`}, {1, "days_since_treatment", ""}, {1, "px_per_mm", ""}, {1, "day", "0"},
		{8, "value", "1"}, {8, "days_since_treatment", "0"}, {8, "px_per_mm", "14.25"}, {8, "n", "1200"},
	} {
		if got := cell(c.row, c.column); got != c.want {
			t.Errorf("row %d, %s: got %q, want %q", c.row, c.column, got, c.want)
		}
	}
}

// Every field of a row that a reader needs is in its table: a row whose fields
// all differ must give cells that all differ, and as many as there are columns.
func TestEveryFieldHasItsColumn(t *testing.T) {
	var s Series
	n := 0
	fill := func(row any) {
		v := reflect.ValueOf(row).Elem()
		for i := range v.NumField() {
			n++
			switch f := v.Field(i); f.Kind() {
			case reflect.String:
				f.SetString("text" + strings.Repeat("x", n))
			case reflect.Int:
				f.SetInt(int64(1000 + n))
			case reflect.Float64:
				f.SetFloat(float64(n) + 0.5)
			case reflect.Pointer:
				f.Set(reflect.ValueOf(&[]int{2000 + n}[0]))
			}
		}
	}
	s.Measurements, s.Trends, s.Alignments = make([]Measurement, 1), make([]Trend, 1), make([]Alignment, 1)
	s.Comparability, s.Objects, s.Rejections = make([]Check, 1), make([]Object, 1), make([]Rejection, 1)
	fill(&s.Measurements[0])
	fill(&s.Trends[0])
	fill(&s.Alignments[0])
	fill(&s.Comparability[0])
	fill(&s.Objects[0])
	fill(&s.Rejections[0])
	for name, rows := range writeExample(t, Subject{Series: []Series{s}}) {
		seen := map[string]string{}
		for i, c := range rows[1] {
			if other, twice := seen[c]; twice || c == "" {
				t.Errorf("%s: column %s holds %q, as does %q", name, rows[0][i], c, other)
			}
			seen[c] = rows[0][i]
		}
	}
}

func TestSubjectSurvivesSaving(t *testing.T) {
	dir := t.TempDir()
	want := example()
	want.Series[0].Trends = []Trend{{Change: -1.0 / 3, SDC: None(), SlopeLow: Number(math.Inf(-1))}}
	if err := SaveSubject(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := LoadSubject(dir)
	if err != nil {
		t.Fatal(err)
	}
	tr := got.Series[0].Trends[0]
	if tr.Change != -1.0/3 || tr.SDC.Known() || tr.SlopeLow.Known() {
		t.Errorf("got %+v", tr)
	}
	if d := got.Series[1].Measurements[0].DaysSinceTreatment; d == nil || *d != 0 {
		t.Errorf("day 0 after the treatment became %v", d)
	}
	if !reflect.DeepEqual(writeExample(t, got), writeExample(t, want)) {
		t.Error("tables of the loaded subject differ")
	}
	if err := SaveSubject(dir, want); err == nil {
		t.Error("an existing result was overwritten")
	}
}

func TestHeaders(t *testing.T) {
	// The columns that were released: a reader may rely on their place.
	want := map[string]string{
		"measurements.csv":  "subject,view,session,date,day,days_since_treatment,photo,zone,metric,value,unit,basis,n,px_per_mm,status,reason",
		"trends.csv":        "subject,view,zone,metric,unit,sessions,baseline,latest,change,change_pct,sdc,sdc_source,slope_per_30d,slope_low,slope_high,limit,role,qualifier,verdict,reason",
		"alignment.csv":     "subject,view,session,photo,status,scale,rotation_deg,shift_x_px,shift_y_px,inliers,overlap,residual_px,residual_pct_ipd,yaw_delta_deg,pitch_delta_deg,reason",
		"comparability.csv": "subject,view,session,photo,check,value,limit,unit,affects,status",
		"objects.csv":       "subject,view,session,photo,zone,kind,id,x_px,y_px,diameter_mm,area_mm2,contrast,type,track,status,reason",
		"rejections.csv":    "subject,view,session,photo,stage,reason",
	}
	for name, rows := range writeExample(t) {
		if got := strings.Join(rows[0], ","); !strings.HasPrefix(got, want[name]) || want[name] == "" {
			t.Errorf("%s: got %s, want %s and perhaps more after it", name, got, want[name])
		}
	}
}
