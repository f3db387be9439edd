package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
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

// poison sets every text of a value to one that holds words of its own, and
// remembers them. Texts that a reason is recognised by stand around them.
func poison(v reflect.Value, words *[]string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			poison(v.Field(i), words)
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i), words)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem(), words)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			if v.Type().Elem().Kind() == reflect.String {
				n := strconv.Itoa(len(*words))
				*words = append(*words, "Doe"+n)
				v.SetMapIndex(k, reflect.ValueOf("Doe"+n))
			}
		}
	case reflect.String:
		n := strconv.Itoa(len(*words))
		w := "Doe" + n
		*words = append(*words, w)
		v.SetString(`no scar found in "` + w + `", 1957-03-21; widened, ` + w + ".jpg\n=HYPERLINK(" + w + ")")
	}
}

// Whatever text a result holds in whatever field, none of it is in any file of the
// export, packed or not.
func TestHostileTextStaysInside(t *testing.T) {
	s := sample("P1")
	for i := range s.Series {
		v := &s.Series[i]
		v.InputSHA256 = map[string]string{"a.jpg": "x"}
		v.Notes, v.Protocol = []string{"x"}, []string{"x"}
		v.Comparability[0].Check = "expression_x"
	}
	s.Notes, s.Clinic, s.Study, s.RetainUntil = []string{"x"}, "x", "x", "x"
	s.Consents = []result.Consent{{Scope: []string{"x"}}}
	var words []string
	id := s.ID
	poison(reflect.ValueOf(&s).Elem(), &words)
	s.ID = id
	known := metrics.All()
	for i := range s.Series {
		v := &s.Series[i]
		for k := range v.Measurements {
			m := known[k%len(known)]
			v.Measurements[k].Metric, v.Measurements[k].Unit = m.Name, m.Unit
		}
		for k := range v.Trends {
			v.Trends[k].Metric, v.Trends[k].Unit = known[0].Name, known[0].Unit
		}
	}
	if len(words) < 500 {
		t.Fatalf("%d words only", len(words))
	}
	key := testKey()
	o := options()
	o.Shared = map[string]map[string]int{"arm": {s.Covariates["arm"]: 1}}
	dir := write(t, key, o, s)
	all := files(t, dir)
	// Parquet packs its texts: what a reader gets of them is looked at too.
	for name := range all {
		if strings.HasSuffix(name, ".parquet") {
			for _, row := range parquetRows(t, filepath.Join(dir, name)) {
				all[name] += strings.Join(row, "\n")
			}
		}
	}
	leak := regexp.MustCompile(`Doe\d|1957|HYPERLINK|\.jpg|P1\b`)
	for name, content := range all {
		if found := leak.FindString(content); found != "" {
			t.Errorf("%s holds %q", name, found)
		}
	}
	if len(all) < 20 {
		t.Errorf("%d files only", len(all))
	}
}

func TestDeidentified(t *testing.T) {
	key := testKey()
	all := files(t, write(t, key, options(), sample("Jane Roe"), sample("Mary Major")))
	leak := regexp.MustCompile(`Jane|Roe|Mary|jane|\b2026\b|\.jpg|123\.5|abab{9}`)
	for name, content := range all {
		if found := leak.FindString(content); found != "" {
			t.Errorf("%s holds %q", name, found)
		}
	}
	head, rows := table(t, all["measurements.csv"])
	at := func(c string) int { return slices.Index(head, c) }
	if got := []string{rows[0][at("session")], rows[0][at("day")], rows[0][at("replicate")], rows[0][at("days_since_treatment")]}; !slices.Equal(got, []string{"S00", "0", "1", ""}) {
		t.Errorf("first row: %q", got)
	}
	last := rows[len(rows)/2-1]
	if got := []string{last[at("session")], last[at("day")], last[at("replicate")], last[at("basis")]}; !slices.Equal(got, []string{"S03", "120", "2", "pair:S03"}) &&
		!slices.Equal(got, []string{"S02", "120", "2", "pair:S02"}) {
		t.Errorf("last row: %q", got)
	}
	// 2026-03-01 has no photo that was used, so that its day is not known: last.
	_, rows = table(t, all["rejections.csv"])
	if want := []string{"front", "S03", "1", "align", "unreadable"}; !slices.Equal(rows[0][1:], want) {
		t.Errorf("rejection: %q, want %q", rows[0][1:], want)
	}
	_, rows = table(t, all["subjects.csv"])
	want := []string{"35-39", "31.25", "3", "120", "2", "30", "1.5", "3", "prp", "nose;chin", "0.1.0", "4.6.0", "abababab", "A", ""}
	if !slices.Equal(rows[0][1:], want) {
		t.Errorf("person: %q, want %q", rows[0][1:], want)
	}
	if _, rows = table(t, all["exclusions.csv"]); !reflect.DeepEqual(rows, [][]string{{"not_recorded", "3"}, {"withdrawn", "2"}}) {
		t.Errorf("exclusions: %q", rows)
	}
}

// The same key gives the same bytes; another one other codes, and nothing else.
func TestSameKeySameBytes(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key.csv")
	if _, err := LoadKey(name); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("without a key: %v", err)
	}
	key := NewKey()
	a := files(t, write(t, key, options(), sample("P1"), sample("P2")))
	if err := key.Save(name); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(name); info.Mode().Perm() != 0o600 {
		t.Errorf("key: mode %v", info.Mode())
	}
	again, err := LoadKey(name)
	if err != nil {
		t.Fatal(err)
	}
	if b := files(t, write(t, again, options(), sample("P2"), sample("P1"))); !reflect.DeepEqual(a, b) {
		t.Error("the same key gave other bytes")
	}
	if other := NewKey(); other.Code("P1") == key.Code("P1") || other.Code("P1") == other.Code("P2") {
		t.Error("codes are the same")
	}
	data, _ := os.ReadFile(name)
	if err := os.WriteFile(name, bytes.Replace(data, []byte("subject,P1,"), []byte("subject,P3,"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKey(name); err == nil {
		t.Error("a key file whose codes are not its own was read")
	}
}

func TestResponderFollowsTheVerdict(t *testing.T) {
	head, rows := table(t, files(t, write(t, testKey(), options(), sample("P1")))["trends.csv"])
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
	all := files(t, write(t, testKey(), options(), sample("P1")))
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

func TestAgeBand(t *testing.T) {
	for _, c := range []struct {
		born int
		want string
	}{{0, ""}, {2010, "<18"}, {2009, "<18"}, {2008, "18-19"}, {2006, "20-24"}, {1937, "85-89"}, {1936, "90+"}, {1910, "90+"}, {1800, ""}, {2030, ""}} {
		if got := ageBand(c.born, study.NewDate(2026, 1, 1), true); got != c.want {
			t.Errorf("born %d: %q, want %q", c.born, got, c.want)
		}
	}
	if got := ageBand(1990, study.Date{}, false); got != "" {
		t.Errorf("without a day: %q", got)
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
		got := files(t, dir)["cohort.csv"]
		if err != nil || !strings.Contains(got, c.want) || strings.Contains(got, "Jane") {
			t.Errorf("%s: got %s, %v", c.row, got, err)
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
	want, _ := table(t, files(t, dir)[result.CohortFile])
	var got []string
	for _, c := range cohortTable.Columns {
		got = append(got, c.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("columns\n%q, a cohort has\n%q", got, want)
	}
}

// Every unit of the tables and of the catalogue has a UCUM code.
func TestUnitsHaveUCUM(t *testing.T) {
	for _, m := range metrics.All() {
		if UCUM(m.Unit) == "" {
			t.Errorf("%s: no UCUM for %q", m.Name, m.Unit)
		}
	}
	for _, tab := range Tables(nil) {
		for _, c := range tab.Columns {
			if c.Unit != "" && UCUM(c.Unit) == "" {
				t.Errorf("%s.%s: no UCUM for %q", tab.Name, c.Name, c.Unit)
			}
		}
	}
	for _, u := range checkUnits {
		if UCUM(u) == "" {
			t.Errorf("no UCUM for %q", u)
		}
	}
}

// The codebook says of each table which columns name a row, and they do.
func TestKeysNameRows(t *testing.T) {
	all := files(t, write(t, testKey(), options(), sample("P1"), sample("P2")))
	for _, tab := range Tables(options().Covariates) {
		if all[tab.Name+".csv"] == "" {
			continue
		}
		head, rows := table(t, all[tab.Name+".csv"])
		seen := map[string]bool{}
		for _, r := range rows {
			var key []string
			for _, k := range tab.Key {
				key = append(key, r[slices.Index(head, k)])
			}
			if k := strings.Join(key, "|"); seen[k] {
				t.Errorf("%s: two rows are %s", tab.Name, k)
			} else {
				seen[k] = true
			}
		}
	}
}

func TestBundles(t *testing.T) {
	type bundle struct {
		ResourceType, Type string
		Entry              []struct {
			FullURL  string `json:"fullUrl"`
			Resource map[string]any
			Request  struct{ Method, URL string }
		}
	}
	key := testKey()
	all := files(t, write(t, key, options(), sample("P1"), sample("P2")))
	idForm := regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)
	total := 0
	for _, name := range []string{key.Code("P1") + ".json", key.Code("P2") + ".json", "batch.json"} {
		var b bundle
		if err := json.Unmarshal([]byte(all["fhir/"+name]), &b); err != nil {
			t.Fatal(err)
		}
		has, kinds := map[string]bool{}, map[string]int{}
		for _, e := range b.Entry {
			url := e.Resource["resourceType"].(string) + "/" + e.Resource["id"].(string)
			if has[url] || e.Request.URL != url || e.Request.Method != "PUT" || !strings.HasSuffix(e.FullURL, "/"+url) || !idForm.MatchString(e.Resource["id"].(string)) {
				t.Errorf("%s: entry %s is wrong or twice", name, url)
			}
			has[url] = true
			kinds[e.Resource["resourceType"].(string)]++
		}
		for ref := range strings.SplitSeq(all["fhir/"+name], `"reference":"`) {
			if url, _, ok := strings.Cut(ref, `"`); ok && strings.Contains(url, "/") && !strings.HasPrefix(url, "{") && !has[url] {
				t.Errorf("%s: nothing is %s", name, url)
			}
		}
		n := 1
		if name == "batch.json" {
			n = 2
			if len(b.Entry) != total-1 { // the device is the same
				t.Errorf("the batch has %d entries, the others %d", len(b.Entry), total)
			}
		}
		total += len(b.Entry)
		// One for each metric, zone and photo, and one for each trend.
		if want := n * (len(metrics.All())*2*6 + 7); kinds["Observation"] != want || kinds["Patient"] != n || kinds["Media"] != 6*n || kinds["Provenance"] != n || kinds["Device"] != 1 {
			t.Errorf("%s: %v, want %d observations", name, kinds, want)
		}
	}
}

// A value that could not be measured has a reason and no number.
func TestObservationWithoutValue(t *testing.T) {
	key := testKey()
	content := files(t, write(t, key, options(), sample("P1")))["fhir/"+key.Code("P1")+".json"]
	for line := range strings.Lines(content) {
		if strings.Contains(line, `"code":"pore_diameter_um_p90"`) {
			if !strings.Contains(line, "dataAbsentReason") || !strings.Contains(line, "refused: resolution") || strings.Contains(line, `"code":"um"`) {
				t.Errorf("got %s", line)
			}
			return
		}
	}
	t.Error("no observation of it")
}

// What REDCap asks of a data dictionary and of an import, by its help texts.
func TestREDCapRules(t *testing.T) {
	all := files(t, write(t, testKey(), options(), sample("P1"), sample("P2")))
	head, rows := table(t, all["redcap/dictionary.csv"])
	if len(head) != 18 || head[0] != "Variable / Field Name" || rows[0][0] != "record_id" {
		t.Fatalf("head %q, first field %q", head, rows[0][0])
	}
	name, form := regexp.MustCompile(`^[a-z][a-z0-9_]{0,25}$`), regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	type rule struct {
		form    string
		choices []string
		valid   *regexp.Regexp
		min     *float64
		max     *float64
	}
	numbers := map[string]*regexp.Regexp{"integer": regexp.MustCompile(`^-?\d+$`), "number": regexp.MustCompile(`^-?\d*\.?\d+$`), "": regexp.MustCompile(`(?s)^.*$`)}
	bound := func(s string) *float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil
		}
		return &v
	}
	rules := map[string]rule{}
	var forms []string
	for _, r := range rows {
		if _, twice := rules[r[0]]; twice || !name.MatchString(r[0]) || strings.HasSuffix(r[0], "_complete") || strings.HasPrefix(r[0], "redcap_") || strings.Contains(r[0], "__") {
			t.Errorf("field %q", r[0])
		}
		if !form.MatchString(r[1]) || slices.Contains(forms, r[1]) && forms[len(forms)-1] != r[1] {
			t.Errorf("%s: form %q is not in one piece", r[0], r[1])
		}
		if len(forms) == 0 || forms[len(forms)-1] != r[1] {
			forms = append(forms, r[1])
		}
		if r[4] == "" || r[11] != "" || (r[3] != "text" && r[3] != "dropdown") || (r[3] == "dropdown") != (r[5] != "") || numbers[r[7]] == nil || r[7] == "" && r[8]+r[9] != "" {
			t.Errorf("%s: type %q, choices %q, validation %q", r[0], r[3], r[5], r[7])
		}
		x := rule{r[1], nil, numbers[r[7]], bound(r[8]), bound(r[9])}
		for c := range strings.SplitSeq(r[5], " | ") {
			if raw, _, ok := strings.Cut(c, ", "); ok {
				x.choices = append(x.choices, raw)
			}
		}
		rules[r[0]] = x
	}
	for _, m := range metrics.All() {
		if rules[m.Name].form != formMeasures {
			t.Errorf("no field of its own for %s", m.Name)
		}
	}
	head, rows = table(t, all["redcap/import.csv"])
	seen, filled := map[string]bool{}, map[string]int{}
	for _, r := range rows {
		at := strings.Join(r[:3], "|")
		if seen[at] || (r[1] == "") != (r[2] == "") {
			t.Errorf("record %s", at)
		}
		seen[at] = true
		instrument := r[1]
		if instrument == "" {
			instrument = formSubject
		}
		for i, cell := range r[3:] {
			field := head[3+i]
			if cell == "" {
				continue
			}
			filled[field]++
			if f, ok := strings.CutSuffix(field, "_complete"); ok && slices.Contains(forms, f) {
				if cell != "2" || f != instrument {
					t.Errorf("%s: %s is %q", at, field, cell)
				}
				continue
			}
			x, ok := rules[field]
			v, err := strconv.ParseFloat(cell, 64)
			if !ok || x.form != instrument || !x.valid.MatchString(cell) || x.choices != nil && !slices.Contains(x.choices, cell) ||
				x.min != nil && (err != nil || v < *x.min) || x.max != nil && (err != nil || v > *x.max) {
				t.Errorf("%s: %s is %q", at, field, cell)
			}
		}
	}
	// Two persons, two zones of six photos at two sharpnesses, seven trends.
	if want := 2 * (1 + 2*6*2 + 7); len(rows) != want || filled["roughness_mid"] != 2*2*6*2 || filled["pore_diameter_um_p90"] != 0 {
		t.Errorf("%d lines, want %d; %d of roughness_mid", len(rows), want, filled["roughness_mid"])
	}
}

func TestPersonsComeByCode(t *testing.T) {
	key := testKey()
	e, err := Create(t.TempDir(), key, options())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Abandon()
	ids := []string{"P1", "P2"}
	slices.SortFunc(ids, func(a, b string) int { return strings.Compare(key.Code(b), key.Code(a)) })
	if err := e.Add(sample(ids[0])); err != nil {
		t.Fatal(err)
	}
	if err := e.Add(sample(ids[1])); err == nil {
		t.Error("persons in another order were taken")
	}
	if err := e.Add(sample(ids[0])); err == nil {
		t.Error("a person was taken twice")
	}
}
