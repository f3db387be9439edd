package export

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
)

// The tests here open an export with software that others wrote. scripts/test gets
// it where it can be had; what is not there is skipped with a message.

// node runs a script of testdata with a package of npm.
func node(t *testing.T, needs, script string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not here")
	}
	if err := exec.Command("node", "-e", "require('"+needs+"')").Run(); err != nil {
		t.Skipf("the npm package %s is not in NODE_PATH; scripts/test puts it there where npm is present", needs)
	}
	return output(t, "node", append([]string{filepath.Join("testdata", script)}, args...)...)
}

func output(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return out
}

func decode[T any](t *testing.T, data []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v in %.200s", err, data)
	}
	return v
}

// A validator finds nothing wrong with the bundles but that it does not know our
// code systems; and it does find what is planted.
func TestValidatorTakesBundles(t *testing.T) {
	key := testKey()
	dir := filepath.Join(write(t, key, options(), sample("P1")), "fhir")
	good := filepath.Join(dir, key.Code("P1")+".json")
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	wrong := map[string]string{
		"status":     strings.Replace(string(data), `"status":"final"`, `"status":"finished"`, 1),
		"unexpected": strings.Replace(string(data), `"status":"final"`, `"status":"final","skin":"good"`, 1),
		"missing":    strings.Replace(string(data), `"recorded":"2031-05-06T00:00:00Z",`, "", 1),
	}
	files := []string{good, filepath.Join(dir, "batch.json")}
	for name, content := range wrong {
		if content == string(data) {
			t.Fatalf("%s: nothing was planted", name)
		}
		name = filepath.Join(dir, name+".json")
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	got := decode[map[string]struct {
		Valid    bool
		Messages []string
	}](t, node(t, "fhir", "fhir.js", files...))
	for i, name := range files {
		r := got[name]
		if r.Valid != (i < 2) {
			t.Errorf("%s: valid %v: %q", name, r.Valid, r.Messages)
		}
		for _, m := range r.Messages {
			// It looks for better (B) and worse (W) at the top of their code system only,
			// which has them one level down.
			if i < 2 && !strings.Contains(m, "("+fhirBase+"CodeSystem/") && !strings.Contains(m, "/v3-ObservationInterpretation)") {
				t.Errorf("%s: %s", name, m)
			}
		}
	}
}

// DuckDB finds the same rows in Parquet and CSV, the types, and the meaning of each
// column.
func TestDuckDBReadsParquet(t *testing.T) {
	dir := write(t, testKey(), options(), sample("P1"), sample("P2"))
	var paths []string
	tables := personTables(options().Covariates)
	for _, tab := range tables {
		paths = append(paths, filepath.Join(dir, tab.Name))
	}
	got := decode[map[string]struct {
		Columns              [][2]string
		Metadata             map[string]string
		Compression          []string
		Rows                 int
		OnlyParquet, OnlyCSV int
	}](t, node(t, "@duckdb/node-api", "duckdb.js", paths...))
	types := map[Type]string{Text: "VARCHAR", Integer: "BIGINT", Float: "DOUBLE"}
	for i, tab := range tables {
		r := got[paths[i]]
		if r.OnlyParquet != 0 || r.OnlyCSV != 0 || r.Rows < 2 || !slices.Equal(r.Compression, []string{"ZSTD"}) {
			t.Errorf("%s: %d rows, %d only in Parquet, %d only in CSV, compression %q", tab.Name, r.Rows, r.OnlyParquet, r.OnlyCSV, r.Compression)
		}
		var want [][2]string
		for _, c := range tab.Columns {
			want = append(want, [2]string{c.Name, types[c.Type]})
			if r.Metadata[c.Name+".meaning"] != c.Meaning || r.Metadata[c.Name+".unit"] != c.Unit || r.Metadata[c.Name+".range"] != c.Range {
				t.Errorf("%s.%s: metadata %q", tab.Name, c.Name, r.Metadata)
			}
		}
		if !reflect.DeepEqual(r.Columns, want) {
			t.Errorf("%s: columns %q, want %q", tab.Name, r.Columns, want)
		}
	}
}

// Every UCUM code that an export can hold is one.
func TestUCUMIsValid(t *testing.T) {
	var codes []string
	for _, c := range ucum {
		codes = append(codes, c)
	}
	for _, m := range metrics.All() {
		codes = append(codes, UCUM(m.Unit))
	}
	if bad := decode[[]string](t, node(t, "@lhncbc/ucum-lhc", "ucum.js", append(codes, "m{OD", "px")...)); !slices.Equal(bad, []string{"m{OD", "px"}) {
		t.Errorf("not valid: %q, want the two that were planted", bad)
	}
}

// column is what a reader found in a CSV file.
type column struct {
	name, kind string
	values     int
}

// checkTables compares what a reader found with what was written: numbers are
// numbers, and missing values are missing, without a line of cleaning.
func checkTables(t *testing.T, dir string, got map[string][]column, rows map[string]int) {
	t.Helper()
	for _, tab := range Tables(options().Covariates) {
		path := filepath.Join(dir, tab.Name+".csv")
		data, err := os.ReadFile(path)
		if err != nil {
			continue // no cohort
		}
		head, cells := table(t, string(data))
		if rows[path] != len(cells) || len(got[path]) != len(head) {
			t.Errorf("%s: %d rows and %d columns, want %d and %d", tab.Name, rows[path], len(got[path]), len(cells), len(head))
			continue
		}
		for i, c := range got[path] {
			values := 0
			for _, r := range cells {
				if r[i] != "" {
					values++
				}
			}
			if c.name != head[i] || c.values != values || values > 0 && (c.kind == "f") != (tab.Columns[i].Type != Text) {
				t.Errorf("%s.%s: read as %q, kind %s, %d values; %d were written", tab.Name, head[i], c.name, c.kind, c.values, values)
			}
		}
	}
}

func csvPaths(dir string) []string {
	paths, _ := filepath.Glob(filepath.Join(dir, "*.csv"))
	return slices.DeleteFunc(paths, func(p string) bool { return filepath.Base(p) == "codebook.csv" })
}

func TestPandasReadsCSV(t *testing.T) {
	python := "/usr/bin/python3" // that of the package manager has its pandas
	if err := exec.Command(python, "-c", "import pandas").Run(); err != nil {
		python = "python3"
		if err := exec.Command(python, "-c", "import pandas").Run(); err != nil {
			t.Skip("pandas is not here (package python3-pandas)")
		}
	}
	dir := write(t, testKey(), options(), sample("P1"), sample("P2"))
	found := decode[map[string]struct {
		Rows    int
		Columns [][3]any
	}](t, output(t, python, append([]string{"testdata/tables.py"}, csvPaths(dir)...)...))
	got, rows := map[string][]column{}, map[string]int{}
	for path, r := range found {
		rows[path] = r.Rows
		for _, c := range r.Columns {
			got[path] = append(got[path], column{c[0].(string), c[1].(string), int(c[2].(float64))})
		}
	}
	checkTables(t, dir, got, rows)
}

func TestRReadsCSV(t *testing.T) {
	if _, err := exec.LookPath("Rscript"); err != nil {
		t.Skip("R is not here (package r-base-core)")
	}
	dir := write(t, testKey(), options(), sample("P1"), sample("P2"))
	got, rows := map[string][]column{}, map[string]int{}
	path := ""
	for line := range strings.Lines(string(output(t, "Rscript", append([]string{"--vanilla", "testdata/tables.R"}, csvPaths(dir)...)...))) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		n, err := strconv.Atoi(f[len(f)-1])
		if err != nil {
			t.Fatalf("%q", line)
		}
		if f[0] != "" {
			path = f[0]
			rows[path] = n
			continue
		}
		got[path] = append(got[path], column{f[1], f[2], n})
	}
	checkTables(t, dir, got, rows)
}
