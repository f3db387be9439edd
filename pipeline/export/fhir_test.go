package export

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
)

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
	all := readTree(t, write(t, key, options(), sample("P1"), sample("P2")))
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
	content := readTree(t, write(t, key, options(), sample("P1")))["fhir/"+key.Code("P1")+".json"]
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
