package export

import (
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// table reads a CSV file: its head and its rows.
func table(t *testing.T, content string) ([]string, [][]string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(content)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[0], rows[1:]
}

func TestResponderFollowsTheVerdict(t *testing.T) {
	head, rows := table(t, readTree(t, write(t, testKey(), options(), sample("P1")))["trends.csv"])
	zone, cell := slices.Index(head, "zone"), slices.Index(head, "responder")
	want := map[string]string{"nose": "1", "chin": "0", "perioral": "0", "forehead": "", "cheek_left": "", "cheek_right": "0", "periorbital_left": "0"}
	for _, r := range rows {
		if r[cell] != want[r[zone]] {
			t.Errorf("%s: responder %q, want %q", r[zone], r[cell], want[r[zone]])
		}
	}
	if len(rows) != len(want) {
		t.Errorf("%d rows", len(rows))
	}
}

// Every column, metric and reason that an export holds is in its codebook.
func TestCodebookIsComplete(t *testing.T) {
	all := readTree(t, write(t, testKey(), options(), sample("P1")))
	_, rows := table(t, all["codebook.csv"])
	in := map[string]bool{}
	for _, r := range rows {
		in[r[0]+" "+r[1]+" "+r[2]] = true
		if r[10] == "" || r[0] == "column" && (r[3] == "" || r[7] == "") || r[0] == "metric" && (r[4] == "" || r[5] == "" || r[6] == "" || r[11] == "") {
			t.Errorf("codebook: %q lacks something", r)
		}
	}
	tables := 0
	for name, content := range all {
		base, isCSV := strings.CutSuffix(name, ".csv")
		if !isCSV || base == "codebook" || strings.Contains(name, "/") {
			continue
		}
		tables++
		head, rows := table(t, content)
		for i, c := range head {
			if !in["column "+base+" "+c] || !strings.Contains(all["codebook.md"], "`"+c+"`") {
				t.Errorf("the codebook lacks %s of %s", c, name)
			}
			if c == "reason" && base != "exclusions" {
				for _, r := range rows {
					for code := range strings.SplitSeq(r[i], ";") {
						if code != "" && !in["reason  "+code] {
							t.Errorf("the codebook lacks the reason %s", code)
						}
					}
				}
			}
		}
	}
	if tables != 8 {
		t.Errorf("%d tables, want 8", tables)
	}
	for _, m := range metrics.All() {
		if !in["metric  "+m.Name] {
			t.Errorf("the codebook lacks the metric %s", m.Name)
		}
	}
}

// A number whose unit is not that of this version is refused, with what to do.
func TestMixedUnits(t *testing.T) {
	for _, change := range []func(*result.Series){
		func(v *result.Series) { v.Measurements[0].Unit = "percent" },
		func(v *result.Series) { v.Measurements[0].Metric = "wrinkle_depth" },
		func(v *result.Series) { v.Trends[0].Unit = "um" },
	} {
		s := sample("P1")
		change(&s.Series[0])
		e, err := Create(t.TempDir(), testKey(), options())
		if err != nil {
			t.Fatal(err)
		}
		err = e.Add(s)
		e.Abandon()
		if !errors.Is(err, ErrUnits) || !strings.Contains(err.Error(), "--subject P1") {
			t.Errorf("got %v", err)
		}
	}
}

func parquetRows(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := parquet.NewGenericReader[any](f)
	defer r.Close()
	var rows [][]string
	buf := make([]parquet.Row, 64)
	for {
		n, err := r.ReadRows(buf)
		for _, row := range buf[:n] {
			var cells []string
			for _, v := range row {
				switch {
				case v.IsNull():
					cells = append(cells, "")
				case v.Kind() == parquet.Double:
					cells = append(cells, result.Number(v.Double()).Cell())
				default:
					cells = append(cells, v.String())
				}
			}
			rows = append(rows, cells)
		}
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestParquetHoldsWhatCSVHolds(t *testing.T) {
	dir := write(t, testKey(), options(), sample("P1"), sample("P2"))
	for _, tab := range personTables(options().Covariates) {
		data, err := os.ReadFile(filepath.Join(dir, tab.Name+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		_, want := table(t, string(data))
		if got := parquetRows(t, filepath.Join(dir, tab.Name+".parquet")); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: Parquet and CSV differ", tab.Name)
		}
	}
}

// Rows go to the disk as they come: the heap after 10^6 rows is that after 10^5.
func TestMemoryDoesNotGrowWithRows(t *testing.T) {
	if underRace {
		t.Skip("ten times slower with the race detector, and one goroutine")
	}
	p := &person{code: "d0"}
	for i := range 1000 {
		p.Series = append(p.Series, result.Series{})
		for k := range 10 {
			p.Series[i].Measurements = append(p.Series[i].Measurements, result.Measurement{Subject: "d0", View: "front", Session: sessionCode(k), Zone: "nose", Metric: "a_star",
				Value: result.Number(i*10 + k), Unit: "CIELAB", Basis: "native", N: i, Status: result.OK})
		}
	}
	rows := measurementRows(p)
	dir := t.TempDir()
	s, err := newParquet(dir, measurementTable, "0")
	if err != nil {
		t.Fatal(err)
	}
	heap := func(n int) float64 {
		for range n {
			if err := s.write(rows); err != nil {
				t.Fatal(err)
			}
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // pools keep what they hold over the first
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / (1 << 20)
	}
	early, late := heap(10), heap(90)
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if late > early+30 {
		t.Errorf("heap of %.0f MiB after 10^5 rows, %.0f after 10^6", early, late)
	}
}

func TestCovariates(t *testing.T) {
	e := &Writer{opts: Options{Shared: map[string]map[string]int{"c": {"placebo": 2, "Jane": 1, "19880307": 9, "3": 1}}}}
	for value, want := range map[string]string{
		"placebo": "placebo", "Jane": "", "A": "A", "yes": "yes", " no ": "no", "3": "3", "12.5": "12.5", "19880307": "", "1988": "",
		"2026-01-10": "", "0171 5551234": "", "jane@example.org": "", "": "", "=1+1": "",
	} {
		if got := e.covariate("c", value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
	for _, bad := range [][]string{{""}, {"name of the patient, long"}, {"a-b", "a_b"}, {"1"}} {
		if _, err := Create(t.TempDir(), testKey(), Options{Covariates: bad}); !errors.Is(err, ErrCovariates) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A folder may be replaced only where all that lies in it was exported: whoever works
// with an export may keep notes beside it.
func TestIsExport(t *testing.T) {
	dir := write(t, testKey(), options(), sample("P1"))
	if !IsExport(dir) {
		t.Fatal("a whole export is none")
	}
	for _, name := range []string{"notes.txt", "trends.R", "measurements.xlsx", "fhir/notes.json", "redcap/import.xlsx", "fhir/more/a.json"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		if IsExport(dir) {
			t.Errorf("with %s in it the folder would be replaced", name)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, "fhir", "more")), os.Remove(filepath.Join(dir, File))); err != nil || IsExport(dir) {
		t.Errorf("a folder without a record is an export (%v)", err)
	}
}

// Of the name of a check no zone of the user's own leaves.
func TestChecksOfOwnZones(t *testing.T) {
	e := &Writer{key: testKey()}
	for name, want := range map[string]string{"yaw": "yaw", "stretch_nose": "stretch_nose", "zone_alignment_cheek_left": "zone_alignment_cheek_left"} {
		if got := e.check(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, name := range []string{"expression", "stretch", "occlusion", "zone_alignment"} {
		if got := e.check(name + "_jane_doe"); strings.Contains(got, "jane") || !strings.HasPrefix(got, name+"_zone_") {
			t.Errorf("%s: %s", name, got)
		}
	}
}
