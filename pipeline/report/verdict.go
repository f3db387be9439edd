package report

import (
	"maps"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Roles of a trend.
const (
	rolePrimary   = "primary"
	roleSecondary = "secondary"
	roleSafety    = "safety"
)

// verdicts in the order of the page: what needs a look comes first.
var verdicts = []result.Verdict{result.Worsened, result.Improved, result.NoDetectableChange, result.NotComparable}

// verdictView answers the question of the page: what changed beyond error.
type verdictView struct {
	Flags      []string // raised safety flags
	MoreFlags  []string // those that the first sheet has no room for
	FlagsCut   string   // how many these are
	Safety     string   // what the safety checks came to
	Unjudged   string   // which of them could not be judged, and why
	Tiles      []tile
	Metrics    []string
	Rows       []verdictRow
	Qualifiers []fact // what the qualifiers that occur mean
	Secondary  []string
	Beside     []string // where the study names the outcome: what else got worse or better
	Compared   string   // which sessions the verdicts compare
	Empty      string   // why there is no verdict at all
}

// tile is one of the four verdicts with the metrics and zones that have it. The
// rest of its lines are not on the first sheet, which says how many they are.
type tile struct {
	Verdict, Word, Mark string
	N                   int
	Lines, Rest         []tileLine
	Cut                 string
}

// tileLine names zones of one metric, with what qualifies their verdicts; or, of
// what is not comparable, metrics and zones with one reason.
type tileLine struct{ Metric, Zones, Qualifiers, Why string }

type verdictRow struct {
	Zone  string
	Cells []verdictCell
}

// verdictCell is the verdict on one metric in one zone. It has no verdict where
// the metric was not judged there, or changed without a better or worse: then Why
// says so.
type verdictCell struct {
	Verdict, Word, Mark string
	Change, Detail      string
	Qualifiers          string
	Why                 string
}

// qualifierOrder is the order in which qualifiers are explained.
var qualifierOrder = []string{"early", "provisional", "photo_error_only", "relative"}

// marks tell the verdicts apart without colour.
var marks = map[result.Verdict]string{
	result.Improved: "+", result.Worsened: "!", result.NoDetectableChange: "≈", result.NotComparable: "×",
}

// verdictWords are the verdicts with their words and marks, for the key of a map.
func verdictWords() []tile {
	var list []tile
	for _, v := range verdicts {
		list = append(list, tile{Verdict: string(v), Word: name("verdict", string(v)), Mark: marks[v]})
	}
	return list
}

func newVerdictView(s result.Series) verdictView {
	var v verdictView
	var primary, safety []result.Trend
	var zones []string
	for _, t := range s.Trends {
		switch t.Role {
		case rolePrimary:
			primary = append(primary, t)
			v.Metrics = append(v.Metrics, t.Metric)
			zones = append(zones, t.Zone)
		case roleSafety:
			safety = append(safety, t)
		}
	}
	v.safety(safety)
	named := slices.ContainsFunc(s.Trends, besideOutcome)
	for _, verdict := range verdicts[:2] {
		if list := secondary(s.Trends, verdict, len(s.Trends)); list != "" {
			v.Secondary = append(v.Secondary, tell("secondary."+string(verdict), list))
		}
		if list := secondary(s.Trends, verdict, summaryBeside); list != "" && named {
			v.Beside = append(v.Beside, tell("beside."+string(verdict), list))
		}
	}
	if named && len(v.Beside) == 0 {
		v.Beside = []string{tell("beside.none")}
	}
	v.Qualifiers = qualifiers(s.Trends)
	if len(primary) == 0 {
		v.Empty = tell("verdict.none")
		if len(s.Visits) < 2 {
			v.Empty = tell("verdict.one_session")
		}
		return v
	}
	v.Metrics = metricOrder(v.Metrics)
	for _, verdict := range verdicts {
		v.Tiles = append(v.Tiles, newTile(verdict, v.Metrics, primary))
	}
	for _, zone := range zoneOrder(zones) {
		row := verdictRow{Zone: name("zone", zone)}
		for _, metric := range v.Metrics {
			row.Cells = append(row.Cells, cell(find(primary, metric, zone)))
		}
		v.Rows = append(v.Rows, row)
	}
	for i, metric := range v.Metrics {
		v.Metrics[i] = name("metric", metric)
	}
	v.Compared = comparedSessions(s.Visits, primary)
	return v
}

// safety names the raised flags and, in one sentence each, what the checks came to
// and which could not be judged.
func (v *verdictView) safety(trends []result.Trend) {
	var unjudged []result.Trend
	for _, t := range trends {
		where := name("metric", t.Metric) + ", " + name("zone", t.Zone)
		switch t.Verdict {
		case result.Worsened:
			flag := where
			if c := change(t); c != "" {
				flag += " (" + c + ")"
			}
			if why := reason(t.Reason); t.Reason != "" && !strings.EqualFold(why, tell("safety.raised")) {
				flag += ": " + why
			}
			v.Flags = append(v.Flags, flag)
		case result.NotComparable, "":
			unjudged = append(unjudged, t)
		}
	}
	raised := len(v.Flags)
	if n := raised - summaryFlags; n > 0 {
		v.Flags, v.MoreFlags, v.FlagsCut = v.Flags[:summaryFlags], v.Flags[summaryFlags:], tell("summary.more", n)
	}
	switch {
	case len(trends) == 0:
		v.Safety = tell("safety.none")
	case raised == 0 && len(unjudged) == 0:
		v.Safety = tell("safety.clear", len(trends))
	default:
		v.Safety = tell("safety.summary", len(trends), raised, len(unjudged))
	}
	if len(unjudged) > 0 {
		v.Unjudged = tell("safety.unjudged", strings.Join(byReason(unjudged), "; "))
	}
}

// byReason makes one line of all trends with the same reason.
func byReason(trends []result.Trend) []string {
	zones := map[[2]string][]string{} // by reason and metric
	metrics := map[string][]string{}  // by reason
	var whys []string
	for _, t := range trends {
		why := reason(t.Reason)
		whys = append(whys, why)
		metrics[why] = append(metrics[why], t.Metric)
		zones[[2]string{why, t.Metric}] = append(zones[[2]string{why, t.Metric}], t.Zone)
	}
	var lines []string
	for _, why := range order(whys, nil) {
		var parts []string
		for _, m := range metricOrder(metrics[why]) {
			parts = append(parts, name("metric", m)+" ("+zoneNames(zones[[2]string{why, m}])+")")
		}
		lines = append(lines, strings.Join(parts, ", ")+": "+why)
	}
	return lines
}

func newTile(verdict result.Verdict, metrics []string, trends []result.Trend) tile {
	t := tile{Verdict: string(verdict), Word: name("verdict", string(verdict)), Mark: marks[verdict]}
	byWhy := map[string][]string{}
	var whys []string
	for _, metric := range metrics {
		zones := map[string][]string{}
		var quals []string
		for _, tr := range trends {
			if tr.Metric != metric || tr.Verdict != verdict {
				continue
			}
			t.N++
			why := ""
			if verdict == result.NotComparable {
				why = reason(tr.Reason)
				whys = append(whys, why)
			}
			zones[why] = append(zones[why], tr.Zone)
			quals = append(quals, splitList(tr.Qualifier)...)
		}
		for _, why := range slices.Sorted(maps.Keys(zones)) {
			if why == "" {
				q := qualifierNames(strings.Join(order(quals, qualifierOrder), ";"))
				t.Lines = append(t.Lines, tileLine{Metric: name("metric", metric), Zones: zoneNames(zones[why]), Qualifiers: q})
				continue
			}
			byWhy[why] = append(byWhy[why], name("metric", metric)+" ("+zoneNames(zones[why])+")")
		}
	}
	for _, why := range order(whys, nil) {
		t.Lines = append(t.Lines, tileLine{Zones: strings.Join(byWhy[why], "; "), Why: why})
	}
	if n := len(t.Lines) - summaryTileRows; n > 0 {
		t.Lines, t.Rest, t.Cut = t.Lines[:summaryTileRows], t.Lines[summaryTileRows:], tell("summary.more", n)
	}
	return t
}

func zoneNames(zones []string) string {
	var list []string
	for _, z := range zoneOrder(zones) {
		list = append(list, name("zone", z))
	}
	return strings.Join(list, ", ")
}

// find is the trend of a metric in a zone, nil where there is none.
func find(trends []result.Trend, metric, zone string) *result.Trend {
	for i, t := range trends {
		if t.Metric == metric && t.Zone == zone {
			return &trends[i]
		}
	}
	return nil
}

func cell(t *result.Trend) verdictCell {
	if t == nil {
		return verdictCell{Why: tell("map.not_judged")}
	}
	c := verdictCell{
		Verdict: string(t.Verdict), Word: name("verdict", string(t.Verdict)), Mark: marks[t.Verdict],
		Change: change(*t), Detail: detail(*t), Qualifiers: qualifierNames(t.Qualifier),
	}
	if t.Verdict == result.NotComparable || t.Verdict == "" {
		c.Why = reason(t.Reason)
	}
	return c
}

// change is the change as it may be read: per cent where the metric allows it,
// else in units; empty where it is not known.
func change(t result.Trend) string {
	switch {
	case t.ChangePct.Known():
		return withUnit(signed(t.ChangePct), "percent")
	case t.Change.Known():
		// A difference of two shares is in percentage points, not per cent of baseline.
		if t.Unit == "percent" {
			return withUnit(signed(t.Change), "percentage_points")
		}
		return withUnit(signed(t.Change), t.Unit)
	}
	return ""
}

// detail is where a change comes from: both values and the change asked for, all
// in the unit of the metric; empty where nothing was compared.
func detail(t result.Trend) string {
	if !t.Baseline.Known() || !t.Latest.Known() {
		return ""
	}
	text := num(t.Baseline) + " → " + num(t.Latest)
	if t.Limit.Known() {
		text += ", " + tell("verdict.limit", num(t.Limit))
	}
	return withUnit(text, t.Unit)
}

func qualifierNames(q string) string {
	var list []string
	for _, k := range splitList(q) {
		list = append(list, name("qualifier", k))
	}
	return strings.Join(list, ", ")
}

// qualifiers explains those that occur.
func qualifiers(trends []result.Trend) []fact {
	var keys []string
	for _, t := range trends {
		keys = append(keys, splitList(t.Qualifier)...)
	}
	var list []fact
	for _, k := range order(keys, qualifierOrder) {
		list = append(list, fact{name("qualifier", k), name("qualifier_doc", k)})
	}
	return list
}

// splitList splits what a column joins by semicolons.
func splitList(s string) []string {
	var list []string
	for _, k := range strings.Split(s, ";") {
		if k = strings.TrimSpace(k); k != "" {
			list = append(list, k)
		}
	}
	return list
}

// besideOutcome tells whether a trend would carry a verdict of its own, had the study
// not named another outcome.
func besideOutcome(t result.Trend) bool {
	return t.Role == roleSecondary && catalogue[t.Metric].Primary
}

// secondary lists the secondary metrics with a verdict and their zones, at most so
// many: first those that would carry verdicts had the study named no outcome.
func secondary(trends []result.Trend, verdict result.Verdict, most int) string {
	zones := map[string][]string{}
	var metrics []string
	for _, t := range trends {
		if t.Role == roleSecondary && t.Verdict == verdict {
			metrics = append(metrics, t.Metric)
			zones[t.Metric] = append(zones[t.Metric], t.Zone)
		}
	}
	var parts []string
	for _, m := range first(metricOrder(metrics), func(m string) bool { return catalogue[m].Primary }) {
		parts = append(parts, name("metric", m)+" ("+zoneNames(zones[m])+")")
	}
	if n := len(parts) - most; n > 0 {
		parts = append(parts[:most], tell("summary.more", n))
	}
	return strings.Join(parts, "; ")
}

// first brings those that are to come first there; the order of each kind stays.
func first(list []string, is func(string) bool) []string {
	var front, rest []string
	for _, m := range list {
		if is(m) {
			front = append(front, m)
		} else {
			rest = append(rest, m)
		}
	}
	return append(front, rest...)
}

// comparedSessions says which visits the primary verdicts compare.
func comparedSessions(visits []result.Visit, trends []result.Trend) string {
	base := baseline(visits)
	if base < 0 {
		return ""
	}
	var labels []string
	for _, v := range visits {
		used := slices.ContainsFunc(trends, func(t result.Trend) bool { return t.LatestSession == v.Session })
		if used && v.Session != visits[base].Session {
			labels = append(labels, visitLabel(v))
		}
	}
	if len(labels) == 0 {
		return ""
	}
	return tell("verdict.compared", visitLabel(visits[base]), strings.Join(labels, "; "))
}
