package report

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Longest texts that a page shows, in runes: what comes from a manifest may be
// of any length.
const (
	nameRunes   = 80
	reasonRunes = 400
)

// messages are all texts of the pages in one language, by key.
type messages map[string]string

// languages are the texts by language: one file each, named after it.
var languages = func() map[string]messages {
	names, err := fs.Glob(assets, "assets/*.json")
	if err != nil {
		panic(err)
	}
	all := map[string]messages{}
	for _, n := range names {
		var m messages
		if err := json.Unmarshal([]byte(asset(path.Base(n))), &m); err != nil {
			panic(err) // the file is part of the program
		}
		all[strings.TrimSuffix(path.Base(n), ".json")] = m
	}
	return all
}()

var english = languages["en"]

// Languages lists the languages that a page can be written in, by their codes
// (ISO 639-1), in alphabetical order.
func Languages() []string { return slices.Sorted(maps.Keys(languages)) }

// language is the texts of a language; empty is English.
func language(code string) (messages, error) {
	if code == "" {
		return english, nil
	}
	if m, ok := languages[code]; ok {
		return m, nil
	}
	return nil, fmt.Errorf("no language %q; there are %s", plain(code, nameRunes), strings.Join(Languages(), ", "))
}

// say is the text of a key, with its verbs filled in. An unknown key is an
// error, so that no page is written with a hole.
func (m messages) say(key string, args ...any) (string, error) {
	format, ok := m[key]
	if !ok {
		return "", fmt.Errorf("no text for %q", key)
	}
	if len(args) == 0 {
		return format, nil
	}
	return fmt.Sprintf(format, args...), nil
}

// tell is say for keys written out in this package; a test knows them all.
func (m messages) tell(key string, args ...any) string {
	s, err := m.say(key, args...)
	if err != nil {
		panic(err)
	}
	return s
}

// name is the text for a name that comes from data (a metric, a zone), or the
// name itself in readable form where the language has no text for it.
func (m messages) name(kind, key string) string {
	if s, ok := m[kind+"."+key]; ok {
		return s
	}
	return plain(strings.ReplaceAll(key, "_", " "), nameRunes)
}

// tell and name are those of the pages that are in English only.
func tell(key string, args ...any) string { return english.tell(key, args...) }
func name(kind, key string) string        { return english.name(kind, key) }

// plain is a text from outside as a page may show it: one line, without control
// characters and without marks that turn the direction of what follows, at most
// limit runes long.
func plain(s string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r):
			continue
		}
		if n == limit {
			return b.String() + "…"
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}

// reason is the reason for a missing value; there always is one to show.
func reason(s string) string {
	if s = plain(s, reasonRunes); s != "" {
		return s
	}
	return tell("reason.none")
}

// dash stands for a number that is not known.
const dash = "–"

// num is a number as the page shows it: three significant digits, a true minus.
func num(n result.Number) string {
	if !n.Known() {
		return dash
	}
	v := float64(n)
	decimals := 0
	if v != 0 {
		decimals = max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	}
	s := strconv.FormatFloat(v, 'f', min(decimals, 6), 64)
	if strings.Trim(s, "-0.") == "" {
		s = "0"
	}
	return strings.Replace(s, "-", "−", 1)
}

// signed is num with a plus where the number is above zero.
func signed(n result.Number) string {
	s := num(n)
	if n.Known() && n > 0 && s != "0" {
		return "+" + s
	}
	return s
}

// withUnit is a shown number with its unit.
func withUnit(shown, unit string) string {
	if u := name("unit", unit); u != "" {
		return shown + "\u00a0" + u
	}
	return shown
}

// catalogue knows every metric by name.
var catalogue = func() map[string]metrics.Metric {
	m := map[string]metrics.Metric{}
	for _, metric := range metrics.All() {
		m[metric.Name] = metric
	}
	return m
}()

// family of a metric, in words.
func family(metric string) string {
	if m, ok := catalogue[metric]; ok {
		return name("family", string(m.Family))
	}
	return name("metric", metric)
}

// Name is the English word for a name of a kind (metric, zone, verdict, ...), for pages
// that word results as the reports do.
func Name(kind, key string) string { return name(kind, key) }

// Plain is a text from outside on one line, without marks that turn its direction.
func Plain(text string) string { return plain(text, reasonRunes) }

// Number has three significant digits; a dash where there is none.
func Number(v float64) string { return num(result.Number(v)) }

// order sorts names as known says, the others behind in order of appearance.
func order(names, known []string) []string {
	present := map[string]bool{}
	for _, n := range names {
		present[n] = true
	}
	var list []string
	take := func(n string) {
		if present[n] {
			present[n] = false
			list = append(list, n)
		}
	}
	for _, n := range known {
		take(n)
	}
	for _, n := range names {
		take(n)
	}
	return list
}

// zoneOrder and metricOrder are the order of the tables.
func zoneOrder(names []string) []string { return order(names, study.ZoneNames) }

func metricOrder(names []string) []string {
	var known []string
	for _, m := range metrics.All() {
		known = append(known, m.Name)
	}
	return order(names, known)
}
