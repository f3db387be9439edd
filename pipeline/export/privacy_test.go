package export

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

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
	all := readTree(t, dir)
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
	all := readTree(t, write(t, key, options(), sample("Jane Roe"), sample("Mary Major")))
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
	a := readTree(t, write(t, key, options(), sample("P1"), sample("P2")))
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
	if b := readTree(t, write(t, again, options(), sample("P2"), sample("P1"))); !reflect.DeepEqual(a, b) {
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

// The codebook says of each table which columns name a row, and they do.
func TestKeysNameRows(t *testing.T) {
	all := readTree(t, write(t, testKey(), options(), sample("P1"), sample("P2")))
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
