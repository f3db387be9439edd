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
	Section  string // registration, objects, change, null, power, repeatability, checks, verdicts; with the course behind a blank where it is one, and "as shipped" for the tool's own verdicts
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
	PxPerMM  float64 // of the rendered photos; 0 of real ones
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
	_ = w.Write(strings.Split("section,metric,zone,tone,nuisance,level,statistic,value,unit,n,target,met,px_per_mm", ","))
	for _, r := range rows {
		_ = w.Write([]string{r.Section, r.Metric, r.Zone, r.Tone, r.Nuisance, format(r.Level), r.Stat, r.Value.Cell(), r.Unit, strconv.Itoa(r.N), r.Target.String(), r.Met(), format(r.PxPerMM)})
	}
	w.Flush()
	return b.Bytes()
}

// part is a part of the cases that is looked at on its own.
type part struct {
	tone, nuisance string
	level, pxPerMM float64
	finest         bool // the scale at which the targets hold
}

// The levels of nuisance that have targets.
const (
	mild = 0.5
	full = 1.0
)

func (g part) holds(c Case) bool {
	return (g.tone == "" || g.tone == c.Tone) && g.nuisance == c.Nuisance && g.level == c.Level && g.pxPerMM == c.PxPerMM
}

// targets tells whether the targets of all tones apply.
func (g part) targets() bool { return g.whole() && g.tone == "" }

// whole tells that a part is the mild nuisance at the scale of the targets.
func (g part) whole() bool { return g.nuisance == AllNuisances && g.level == mild && g.finest }

// rough is whole at the full nuisance.
func (g part) rough() bool { return g.nuisance == AllNuisances && g.level == full && g.finest }

// parts lists the mild nuisance at the finest scale, each tone of it, then the other
// nuisances, levels and scales, of all tones and of each where there are several.
func parts(all []Findings) []part {
	finest := finestOf(all)
	seen := map[part]bool{}
	var out []part
	add := func(tone string, c Case) {
		if g := (part{tone, c.Nuisance, c.Level, c.PxPerMM, c.PxPerMM == finest}); !seen[g] {
			seen[g], out = true, append(out, g)
		}
	}
	for _, f := range all {
		add("", f.Case)
		if f.Case.Nuisance == AllNuisances {
			add(f.Case.Tone, f.Case)
		}
	}
	first := func(is bool) int {
		if is {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(out, func(a, b part) int {
		return cmp.Or(cmp.Compare(first(a.whole()), first(b.whole())), cmp.Compare(first(a.rough()), first(b.rough())),
			cmp.Compare(b.pxPerMM, a.pxPerMM), cmp.Compare(a.level, b.level), cmp.Compare(a.nuisance, b.nuisance),
			cmp.Compare(slices.Index(Tones, a.tone), slices.Index(Tones, b.tone)))
	})
	return out
}

// finestOf is the finest scale of the cases.
func finestOf(all []Findings) float64 {
	finest := 0.0
	for _, f := range all {
		finest = max(finest, f.Case.PxPerMM)
	}
	return finest
}

// writer collects the rows of one section and group.
type writer struct {
	rows    []Row
	section string
	part    part
}

func (w *writer) add(metric, zone, stat string, v float64, unit string, n int, t Target) {
	w.rows = append(w.rows, Row{Section: w.section, Metric: metric, Zone: zone, Tone: w.part.tone, Nuisance: w.part.nuisance, Level: w.part.level,
		Stat: stat, Value: result.Number(v), Unit: unit, N: n, Target: t, PxPerMM: w.part.pxPerMM})
}

// Summarise makes all rows. Verdicts are those of the table that the odd seeds make
// and, as shipped, the tool's own; only the latter where odd seeds are too few.
func Summarise(all []Findings) []Row {
	decided, ok := withTable(all)
	if !ok {
		decided = all
	}
	rows := sections(all, registration, found, checks, agreementWithTool)
	rows = append(rows, sections(decided, recovered, nullSeries, power)...)
	if ok {
		for _, r := range sections(all, nullSeries, power) {
			if r.Section += " as shipped"; r.Tone != "" || slices.Contains(tricks, r.Nuisance) {
				r.Target = Target{}
			}
			rows = append(rows, r)
		}
	}
	return append(rows, sections(all, repeatability)...)
}

// sections makes the rows of each section for every part of the cases.
func sections(all []Findings, list ...func(*writer, []Findings)) []Row {
	var rows []Row
	for _, section := range list {
		for _, g := range parts(all) {
			var in []Findings
			for _, f := range all {
				if g.holds(f.Case) {
					in = append(in, f)
				}
			}
			w := &writer{part: g}
			section(w, in)
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
	text := []string{r.Section}
	for _, s := range []string{r.Metric, r.Zone, r.Tone} {
		if s != "" {
			text = append(text, s)
		}
	}
	line := fmt.Sprintf("%s: %s", strings.Join(text, " "), r.Stat)
	switch {
	case r.Nuisance == RealPhotos:
		line += ", real photos"
	case r.Nuisance != AllNuisances:
		line += ", " + r.Nuisance
	case r.Level == full:
		line += ", full nuisance"
	}
	return line
}
