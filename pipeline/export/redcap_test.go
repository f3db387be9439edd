package export

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
)

// What REDCap asks of a data dictionary and of an import, by its help texts.
func TestREDCapRules(t *testing.T) {
	all := readTree(t, write(t, testKey(), options(), sample("P1"), sample("P2")))
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
