package report

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// verbs are the verbs of a text, each by the argument that it shows.
func verbs(text string) []string {
	var list []string
	for _, m := range regexp.MustCompile(`%(?:\[(\d+)\])?([-+ #0-9.]*[a-zA-Z%])`).FindAllStringSubmatch(text, -1) {
		if m[2] == "%" {
			continue
		}
		n := m[1]
		if n == "" {
			n = fmt.Sprint(len(list) + 1)
		}
		list = append(list, n+m[2])
	}
	slices.Sort(list)
	return list
}

// Every language has every text, with the same verbs.
func TestLanguagesAreComplete(t *testing.T) {
	if !slices.Contains(Languages(), "en") || !slices.Contains(Languages(), "de") {
		t.Fatalf("languages %q", Languages())
	}
	formatted := regexp.MustCompile(`%[-+#0-9.\[\]]*[sdfgvq]`) // what is filled in, not a lone sign of per cent
	for _, lang := range Languages() {
		m := languages[lang]
		if m["lang"] != lang {
			t.Errorf("%s.json says that it is %q", lang, m["lang"])
		}
		for _, key := range slices.Sorted(maps.Keys(english)) {
			text, ok := m[key]
			switch {
			case !ok:
				t.Errorf("%s: no text for %q", lang, key)
			case (text == "") != (english[key] == ""):
				t.Errorf("%s: %q is empty, or should be", lang, key)
			case formatted.MatchString(english[key]) && !slices.Equal(verbs(text), verbs(english[key])):
				t.Errorf("%s: %q has the verbs %v, want %v", lang, key, verbs(text), verbs(english[key]))
			case !formatted.MatchString(english[key]) && formatted.MatchString(text):
				t.Errorf("%s: %q has verbs, the English text has none", lang, key)
			case strings.TrimSpace(text) != text && strings.TrimSpace(english[key]) == english[key]:
				t.Errorf("%s: %q has space round it", lang, key)
			}
		}
		for key := range m {
			if _, ok := english[key]; !ok {
				t.Errorf("%s: %q is no text", lang, key)
			}
		}
	}
}

func TestUnknownLanguageListsThoseThereAre(t *testing.T) {
	if _, err := language("xx"); err == nil || !strings.Contains(err.Error(), `"xx"`) || !strings.Contains(err.Error(), "de, en") {
		t.Error(err)
	}
	for _, code := range []string{"", "en"} {
		if m, err := language(code); err != nil || m["lang"] != "en" {
			t.Errorf("%q: %v, %v", code, m["lang"], err)
		}
	}
}
