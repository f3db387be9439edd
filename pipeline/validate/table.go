package validate

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Row is one figure of validation.csv.
type Row struct {
	Section  string // registration, objects, change, null, power, repeatability; with the course behind a blank where it is one
	Metric   string
	Zone     string // empty: all
	Tone     string // empty: all
	Nuisance string
	Level    float64
	Stat     string
	Value    result.Number
	Unit     string
	N        int
	Target   Target
}

// Target is what a figure should reach. The zero value is none.
type Target struct {
	Kind  string // "<=", ">=" or "+-" (no further from 0)
	Limit float64
}

func (t Target) String() string {
	switch t.Kind {
	case "":
		return ""
	case "+-":
		return "within " + format(t.Limit)
	}
	return t.Kind + " " + format(t.Limit)
}

// Met is met, MISSED, "no value", or empty without a target.
func (r Row) Met() string {
	v, t := float64(r.Value), r.Target
	switch {
	case t.Kind == "":
		return ""
	case !r.Value.Known():
		return "no value"
	case t.Kind == "<=" && v <= t.Limit, t.Kind == ">=" && v >= t.Limit, t.Kind == "+-" && math.Abs(v) <= t.Limit:
		return "met"
	}
	return "MISSED"
}

func format(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// CSV writes rows as a table.
func CSV(rows []Row) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	// A buffer takes everything.
	_ = w.Write(strings.Split("section,metric,zone,tone,nuisance,level,statistic,value,unit,n,target,met", ","))
	for _, r := range rows {
		_ = w.Write([]string{r.Section, r.Metric, r.Zone, r.Tone, r.Nuisance, format(r.Level), r.Stat, r.Value.Cell(), r.Unit, strconv.Itoa(r.N), r.Target.String(), r.Met()})
	}
	w.Flush()
	return b.Bytes()
}

// group is a part of the cases that is looked at on its own.
type group struct {
	tone, nuisance string
	level          float64
}

// mild is the nuisance at which the targets hold.
const mild = 0.5

func (g group) holds(c Case) bool {
	return (g.tone == "" || g.tone == c.Tone) && g.nuisance == c.Nuisance && g.level == c.Level
}

// targets tells whether the targets of all tones apply.
func (g group) targets() bool { return g.whole() && g.tone == "" }

func (g group) whole() bool { return g.nuisance == AllNuisances && g.level == mild }

// groups lists the parts: the mild nuisance, each tone of it, then the other
// nuisances and levels, of all tones and of each where there are several.
func groups(all []Findings) []group {
	seen := map[group]bool{}
	var out []group
	add := func(g group) {
		if !seen[g] {
			seen[g], out = true, append(out, g)
		}
	}
	for _, f := range all {
		add(group{"", f.Case.Nuisance, f.Case.Level})
		if f.Case.Nuisance == AllNuisances {
			add(group{f.Case.Tone, f.Case.Nuisance, f.Case.Level})
		}
	}
	tone := func(g group) int { return slices.Index(Tones, g.tone) }
	slices.SortStableFunc(out, func(a, b group) int {
		part := func(g group) int {
			if g.whole() {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(part(a), part(b)), cmp.Compare(a.level, b.level), cmp.Compare(a.nuisance, b.nuisance), cmp.Compare(tone(a), tone(b)))
	})
	return out
}

// writer collects the rows of one section and group.
type writer struct {
	rows    []Row
	section string
	group   group
}

func (w *writer) add(metric, zone, stat string, v float64, unit string, n int, t Target) {
	w.rows = append(w.rows, Row{Section: w.section, Metric: metric, Zone: zone, Tone: w.group.tone, Nuisance: w.group.nuisance, Level: w.group.level,
		Stat: stat, Value: result.Number(v), Unit: unit, N: n, Target: t})
}

// Summarise makes all rows.
func Summarise(all []Findings) []Row {
	var rows []Row
	for _, section := range []func(*writer, []Findings){registration, found, recovered, nullSeries, power, repeatability} {
		for _, g := range groups(all) {
			var part []Findings
			for _, f := range all {
				if g.holds(f.Case) {
					part = append(part, f)
				}
			}
			w := &writer{group: g}
			section(w, part)
			rows = append(rows, w.rows...)
		}
	}
	return rows
}

// Targets are the rows that have one.
func Targets(rows []Row) []Row {
	return slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Target.Kind == "" })
}

// Describe says in one line what a row is about.
func (r Row) Describe() string {
	parts := []string{r.Section}
	for _, s := range []string{r.Metric, r.Zone, r.Tone} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return fmt.Sprintf("%s: %s", strings.Join(parts, " "), r.Stat)
}
