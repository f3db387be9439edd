package cohort

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// maxLevels of a covariate in words; more is a remark, not a group.
const maxLevels = 6

// between adds the comparisons between zones, sides and persons for one contrast
// of a metric in a view. at holds the changes by zone; covariates are looked at
// where asked for.
func (a *analysis) between(cells []*cell, name string, at [][]change, covariates bool) {
	unit := cells[0].unit
	if name == "slope" {
		unit += " per 30 d"
	}
	add := func(l *cell, contrast string, o outcome) *result.CohortRow {
		row := a.row(l, contrast+"@"+name, o)
		row.Unit = unit
		a.rows = append(a.rows, row)
		return &a.rows[len(a.rows)-1]
	}
	for z, l := range cells {
		if d, recorded := a.untreated(cells, at, z); recorded {
			add(l, "treated-untreated", within(d))
		}
	}
	for z, l := range cells {
		zone, left := strings.CutSuffix(l.zone, "_left")
		if !left {
			continue
		}
		right := slices.IndexFunc(cells, func(o *cell) bool { return o.zone == zone+"_right" })
		if right < 0 {
			continue
		}
		if d, recorded := a.sides(at[z], at[right]); recorded {
			add(l, "side:treated-untreated", within(d)).Zone = zone
		}
	}
	arms := a.levels(func(p *person) string { return p.arm })
	for z, l := range cells {
		for i, first := range arms {
			for _, second := range arms[i+1:] {
				var g [2][]float64
				for _, c := range at[z] {
					switch a.persons[c.person].arm {
					case first:
						g[0] = append(g[0], c.d)
					case second:
						g[1] = append(g[1], c.d)
					}
				}
				add(l, "arm:"+first+"-"+second, twoSamples(g[0], g[1]))
			}
		}
	}
	if !covariates {
		return
	}
	for z, l := range cells {
		for _, v := range a.covariates(l) {
			switch {
			case v.number != nil:
				var x, y []float64
				for _, c := range at[z] {
					if n := v.number[c.person]; !math.IsNaN(n) {
						x, y = append(x, n), append(y, c.d)
					}
				}
				row := add(l, "covariate:"+v.name, effect(x, y))
				row.Unit += " per " + v.unit
			default:
				for _, level := range v.levels {
					var with, without []float64
					for _, c := range at[z] {
						switch v.word[c.person] {
						case "":
						case level:
							with = append(with, c.d)
						default:
							without = append(without, c.d)
						}
					}
					add(l, "covariate:"+v.name+"="+level, twoSamples(with, without))
				}
			}
		}
	}
}

// untreatedIn tells whether a zone is recorded as untreated: not among the treated
// zones, or on the other side of a split face.
func (p *person) untreatedIn(zone string) bool {
	return p.treatedKnown && !p.treated[zone] ||
		p.side == "left" && strings.HasSuffix(zone, "_right") || p.side == "right" && strings.HasSuffix(zone, "_left")
}

// within is a difference in differences of the same persons.
func within(d []float64) outcome {
	o := oneSample(d)
	if len(d) == 0 {
		o.reason = "nobody has a value on both sides of the comparison"
	}
	return o
}

// untreated compares zone z of the persons in whom it was treated with the mean
// of their own untreated zones; recorded tells whether anybody's treated zones
// are.
func (a *analysis) untreated(cells []*cell, at [][]change, z int) (d []float64, recorded bool) {
	sum, n := map[int]float64{}, map[int]float64{}
	for i, l := range cells {
		for _, c := range at[i] {
			if p := &a.persons[c.person]; p.treatedKnown && !p.treated[l.zone] {
				sum[c.person] += c.d
				n[c.person]++
			}
		}
	}
	for i := range a.persons {
		recorded = recorded || a.persons[i].treatedKnown && a.persons[i].treated[cells[z].zone]
	}
	for _, c := range at[z] {
		if p := &a.persons[c.person]; p.treatedKnown && p.treated[cells[z].zone] && n[c.person] > 0 {
			d = append(d, c.d-sum[c.person]/n[c.person])
		}
	}
	return d, recorded
}

// sides compares the treated with the other side of a split face.
func (a *analysis) sides(left, right []change) (d []float64, recorded bool) {
	for i := range a.persons {
		recorded = recorded || a.persons[i].side == "left" || a.persons[i].side == "right"
	}
	if !recorded {
		return nil, false
	}
	other := map[int]float64{}
	for _, c := range right {
		other[c.person] = c.d
	}
	for _, c := range left {
		r, ok := other[c.person]
		if !ok {
			continue
		}
		switch a.persons[c.person].side {
		case "left":
			d = append(d, c.d-r)
		case "right":
			d = append(d, r-c.d)
		}
	}
	return d, true
}

// levels lists the words that persons have, each once.
func (a *analysis) levels(of func(*person) string) []string {
	seen := map[string]bool{}
	for i := range a.persons {
		if v := of(&a.persons[i]); v != "" {
			seen[v] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// covariate is one property of the persons: a number, or a word with the levels
// to compare with all others.
type covariate struct {
	name, unit string
	number     []float64 // by person; NaN unknown
	word       []string  // by person; empty unknown
	levels     []string
}

// covariates are those of a cell that anybody has: skin tone, age, needle depth,
// passes and adjuncts of the treatments, then what the manifests give, concurrent
// treatments among it.
func (a *analysis) covariates(l *cell) []covariate {
	n := len(a.persons)
	number := func(name, unit string, of func(*person) float64) covariate {
		v := covariate{name: name, unit: unit, number: make([]float64, n)}
		for i := range v.number {
			v.number[i] = of(&a.persons[i])
		}
		return v
	}
	all := []covariate{
		number("ita_deg", "deg", func(p *person) float64 {
			if s := p.series[l.view]; s != nil {
				return s.ita
			}
			return math.NaN()
		}),
		number("age", "year", func(p *person) float64 { return p.age }),
		number("depth_mm", "mm", func(p *person) float64 { return p.depth(l.zone) }),
		number("passes", "pass", func(p *person) float64 { return p.passes() }),
		a.words("adjunct", func(p *person) string { return p.adjunct() }),
	}
	names := map[string]bool{}
	for i := range a.persons {
		for k := range a.persons[i].covariates {
			names[k] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		all = append(all, a.given(name))
	}
	return slices.DeleteFunc(all, func(v covariate) bool {
		if v.number != nil {
			return !slices.ContainsFunc(v.number, func(x float64) bool { return !math.IsNaN(x) })
		}
		return len(v.levels) < 1
	})
}

// given is a covariate of the manifests: a number where every entry is one.
func (a *analysis) given(name string) covariate {
	v := covariate{name: name, unit: "1", number: make([]float64, len(a.persons))}
	for i := range a.persons {
		v.number[i] = math.NaN()
		text, ok := a.persons[i].covariates[name]
		if !ok || text == "" {
			continue
		}
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return a.words(name, func(p *person) string { return p.covariates[name] })
		}
		v.number[i] = x
	}
	return v
}

// words is a covariate in words. Of two levels one comparison says all; with more
// each is compared with all others. A level that fewer persons have than a test needs
// is not named: it may be a remark on one person.
func (a *analysis) words(name string, of func(*person) string) covariate {
	v := covariate{name: name, word: make([]string, len(a.persons)), levels: a.levels(of)}
	count := map[string]int{}
	for i := range v.word {
		v.word[i] = of(&a.persons[i])
		count[v.word[i]]++
	}
	switch {
	case len(v.levels) == 2:
		v.levels = v.levels[1:]
	case len(v.levels) < 2, len(v.levels) > maxLevels:
		v.levels = nil
	}
	v.levels = slices.DeleteFunc(v.levels, func(level string) bool { return count[level] < fewest })
	return v
}

// depth is the mean needle depth in a zone, mm; NaN unknown.
func (p *person) depth(zone string) float64 {
	sum, n := 0.0, 0.0
	for _, t := range p.treatments {
		if d, ok := t.DepthMM[zone]; ok {
			sum, n = sum+d, n+1
		}
	}
	return sum / n // 0/0 is NaN
}

// passes is the mean number of passes; NaN unknown.
func (p *person) passes() float64 {
	sum, n := 0.0, 0.0
	for _, t := range p.treatments {
		if t.Passes > 0 {
			sum, n = sum+float64(t.Passes), n+1
		}
	}
	return sum / n
}

// adjunct names all adjuncts that were given; "none" where treatments are recorded
// without any, empty where none is recorded.
func (p *person) adjunct() string {
	if len(p.treatments) == 0 {
		return ""
	}
	var all []string
	for _, t := range p.treatments {
		if t.Adjunct != "" && !slices.Contains(all, t.Adjunct) {
			all = append(all, t.Adjunct)
		}
	}
	if len(all) == 0 {
		return "none"
	}
	slices.Sort(all)
	return strings.Join(all, "+")
}
