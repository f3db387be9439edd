package report

import (
	"html/template"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// refusalView says what was not used and why, in few lines.
type refusalView struct {
	Visits     []refusalGroup // sessions not comparable
	Rejections []refusalGroup // photos without values
	Checks     []refusalGroup // comparability checks that refused
	Measures   []refusalGroup // values refused
	Cautions   []refusalGroup // checks and values to be read with caution
}

// refusalGroup is one reason with what it cost, and for a check the baseline and
// the first photo that did not pass.
type refusalGroup struct {
	What, Why, Where string
	Evidence         []evidence
}

// evidence is a small picture of a problem.
type evidence struct {
	Src        template.HTMLAttr
	Alt, Label string
	W, H       int
}

// Checks that are seen in the lashes and brows, at full size, and not in the face
// as a whole.
var seenAtEye = []string{"sharpness", "sharpness_error", "noise", "jpeg_quality", "over_smoothing", "resampled"}

// Empty tells that nothing was refused.
func (v refusalView) Empty() bool {
	return len(v.Visits)+len(v.Rejections)+len(v.Checks)+len(v.Measures) == 0
}

func newRefusalView(s result.Series, g *gallery) refusalView {
	v := refusalView{
		Rejections: groupRejections(uniqueRejections(s.Rejections), false),
		Checks:     groupChecks(s, result.Refused, g),
		Cautions:   groupChecks(s, result.Caution, g),
	}
	for i, visit := range s.Visits {
		if !visit.Comparable && i != baseline(s.Visits) {
			v.Visits = append(v.Visits, refusalGroup{What: visitLabel(visit), Why: reason(visit.Reason)})
		}
	}
	var refused, caution []result.Measurement
	for _, m := range s.Measurements {
		switch {
		case m.Status == result.Refused || !m.Value.Known():
			refused = append(refused, m)
		case m.Status == result.Caution:
			caution = append(caution, m)
		}
	}
	v.Measures = groupMeasurements(refused)
	v.Cautions = append(v.Cautions, groupMeasurements(caution)...)
	return v
}

// groupMeasurements makes one line of all values of a family with the same
// reason, numbers in the reason aside.
func groupMeasurements(list []result.Measurement) []refusalGroup {
	type key struct{ family, reason string }
	type group struct {
		why                     ranges
		metrics, zones, session []string
		values                  map[string]bool
	}
	groups := map[key]*group{}
	var keys []key
	for _, m := range list {
		r := parseReason(reason(m.Reason))
		k := key{family(m.Metric), r.pattern}
		g := groups[k]
		if g == nil {
			g = &group{why: r, values: map[string]bool{}}
			groups[k] = g
			keys = append(keys, k)
		}
		g.why.widen(r)
		g.metrics = append(g.metrics, m.Metric)
		g.zones = append(g.zones, m.Zone)
		g.session = append(g.session, orDash(m.Session))
		g.values[strings.Join([]string{m.Session, m.Photo, m.Zone, m.Metric}, "\x00")] = true
	}
	slices.SortStableFunc(keys, func(a, b key) int { return strings.Compare(a.family, b.family) })
	var out []refusalGroup
	for _, k := range keys {
		g := groups[k]
		sessions := order(g.session, nil)
		out = append(out, refusalGroup{
			What: k.family, Why: g.why.String(),
			Where: tell("refused.values", len(g.values), len(order(g.metrics, nil)), zoneNames(order(g.zones, nil)), strings.Join(sessions, ", ")),
		})
	}
	return out
}

// groupChecks makes one line of a check for all sessions where it has a status.
func groupChecks(s result.Series, status result.Status, g *gallery) []refusalGroup {
	type key struct{ check, affects string }
	where := map[key][]string{}
	first := map[key]string{} // session
	var keys []key
	for _, c := range s.Comparability {
		if c.Status != status {
			continue
		}
		k := key{c.Check, c.Affects}
		if where[k] == nil {
			keys = append(keys, k)
			first[k] = c.Session
		}
		text := orDash(c.Session)
		if c.Value.Known() {
			text += " (" + withUnit(num(c.Value), c.Unit)
			if c.Limit.Known() {
				text += ", " + tell("refused.limit", num(c.Limit))
			}
			text += ")"
		}
		where[k] = append(where[k], text)
	}
	var out []refusalGroup
	for _, k := range keys {
		out = append(out, refusalGroup{
			What: name("check", k.check), Why: tell("refused.affects", affects(k.affects)),
			Where:    strings.Join(order(where[k], nil), "; "),
			Evidence: g.evidence(s.Visits, k.check, first[k]),
		})
	}
	return out
}

// evidence shows a check's problem: the baseline and a session beside one another.
// Nothing where one of the two has no picture, or they are the same.
func (g *gallery) evidence(visits []result.Visit, check, session string) []evidence {
	kind, pictures, scale := aligned, g.thumbs, 2
	if slices.Contains(seenAtEye, check) {
		kind, pictures, scale = eye, g.eyes, 1
	}
	var out []evidence
	show := func(v result.Visit) {
		if p, ok := pictures[v.Pictures[kind]]; ok {
			w := p.w
			if kind == aligned {
				w = thumbWidth
			}
			out = append(out, evidence{Src: p.src(), Alt: tell("alt.evidence", name("check", check), visitLabel(v)), Label: orDash(v.Session),
				W: w / scale, H: max(1, w/scale*p.h/p.w)})
		}
	}
	base := baseline(visits)
	for i, v := range visits {
		if i == base && v.Session != session {
			show(v)
		}
	}
	for _, v := range visits {
		if v.Session == session {
			show(v)
		}
	}
	if len(out) != 2 {
		return nil
	}
	return out
}

// affects is a list of families in words.
func affects(list string) string {
	var words []string
	for _, f := range splitList(list) {
		words = append(words, name("family", f))
	}
	if len(words) == 0 {
		return dash
	}
	return strings.Join(words, ", ")
}

// groupRejections makes one line of all photos with the same stage and reason.
func groupRejections(list []result.Rejection, withSubject bool) []refusalGroup {
	type key struct{ stage, reason string }
	where := map[key][]string{}
	why := map[key]*ranges{}
	var keys []key
	for _, r := range list {
		text := parseReason(reason(r.Reason))
		k := key{r.Stage, text.pattern}
		if why[k] == nil {
			why[k] = &text
			keys = append(keys, k)
		}
		why[k].widen(text)
		var parts []string
		if withSubject {
			parts = append(parts, plain(r.Subject, nameRunes))
		}
		for _, p := range []string{r.View, r.Session, r.Photo} {
			if p != "" {
				parts = append(parts, plain(p, nameRunes))
			}
		}
		where[k] = append(where[k], strings.Join(parts, " · "))
	}
	var out []refusalGroup
	for _, k := range keys {
		out = append(out, refusalGroup{What: name("stage", k.stage), Why: why[k].String(), Where: strings.Join(where[k], "; ")})
	}
	return out
}

// ranges is a reason whose numbers may differ from row to row: "needs 20 px/mm,
// the photo has 3.4" and "... has 3.6" read as "... has 3.4–3.6".
type ranges struct {
	pattern string // the words with the numbers left out
	words   []rangeWord
}

type rangeWord struct {
	before, after string  // round the number
	low, high     float64 // the smallest and largest, as printed in lowText, highText
	lowText       string
	highText      string
	number        bool
}

func parseReason(s string) ranges {
	var r ranges
	var pattern []string
	for _, w := range strings.Fields(s) {
		body := strings.TrimLeft(w, "(<>=≤≥~±")
		before := w[:len(w)-len(body)]
		digits := strings.TrimRight(body, "),;:.%°")
		after := body[len(digits):]
		if v, err := strconv.ParseFloat(digits, 64); err == nil && strings.ContainsAny(digits, "0123456789") {
			r.words = append(r.words, rangeWord{before, after, v, v, digits, digits, true})
			pattern = append(pattern, before+"#"+after)
			continue
		}
		r.words = append(r.words, rangeWord{before: w})
		pattern = append(pattern, w)
	}
	r.pattern = strings.Join(pattern, " ")
	return r
}

// widen takes in the numbers of a reason with the same pattern.
func (r *ranges) widen(o ranges) {
	for i, w := range o.words {
		if mine := &r.words[i]; w.number {
			if w.low < mine.low {
				mine.low, mine.lowText = w.low, w.lowText
			}
			if w.high > mine.high {
				mine.high, mine.highText = w.high, w.highText
			}
		}
	}
}

func (r ranges) String() string {
	var words []string
	for _, w := range r.words {
		n := w.lowText
		if w.low != w.high {
			n += "–" + w.highText
		}
		words = append(words, w.before+n+w.after)
	}
	return strings.Join(words, " ")
}
