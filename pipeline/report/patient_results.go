package report

import (
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// patientSeries is one view of a patient on the page.
type patientSeries struct {
	ID, View      string // View is empty where there is one only
	Worse, Better []patientFinding
	Neutral, Same []patientTopic
	Unknown       []patientUnknown
	Side          []patientSide
	Warning       patientWarning
	Viewer        patientViewer
}

// patientFinding is what got better or worse, with a claim for each verdict.
type patientFinding struct {
	Text, Pair string
	Claims     []patientClaim
}

// patientClaim is one verdict: where, by how much, and with what reservations.
type patientClaim struct{ Zone, Change, Qualifiers string }

// patientTopic is a topic and zones of which one thing is said.
type patientTopic struct {
	Topic string
	Zones []string
}

// patientUnknown is what cannot be said for one reason: topics, or photos.
type patientUnknown struct {
	Why    string
	Photo  string
	Topics []patientTopic
}

// patientSide is a change in measurements beside the judged ones.
type patientSide struct {
	Class, Text, Qualifiers string
	Zones                   []string
}

// patientWarning is what the search for signs of harm came to.
type patientWarning struct {
	None, Found, Unknown bool
	Clear                []patientTopic
}

// series says what the trends of a view came to, each verdict in one place.
func (w patientWords) series(id string, s result.Series, shared []string) patientSeries {
	p := patientSeries{ID: id}
	by := func(keep func(result.Trend) bool) []result.Trend { return sorted(s.Trends, keep) }

	p.Worse = w.findings(s, shared, by(func(t result.Trend) bool {
		return t.Verdict == result.Worsened && (t.Role == rolePrimary || t.Role == roleSafety)
	}))
	p.Better = w.findings(s, shared, by(func(t result.Trend) bool { return t.Verdict == result.Improved && t.Role == rolePrimary }))
	p.Neutral = w.byTopic(by(func(t result.Trend) bool { return t.Verdict == "" && t.Change.Known() }))
	p.Same = w.byTopic(by(func(t result.Trend) bool { return t.Verdict == result.NoDetectableChange && t.Role == rolePrimary }))
	unknown := by(func(t result.Trend) bool {
		return unjudged(t) && (t.Role == rolePrimary || t.Role == roleSafety)
	})
	p.Unknown = append(w.lostPhotos(s), w.unknown(s, unknown)...)
	p.Side = append(
		w.side(shared, by(func(t result.Trend) bool { return t.Verdict == result.Worsened && t.Role == roleSecondary })),
		w.side(shared, by(func(t result.Trend) bool {
			return t.Verdict == result.Improved && (t.Role == roleSecondary || t.Role == roleSafety)
		}))...)

	checks := by(func(t result.Trend) bool { return t.Role == roleSafety })
	p.Warning = patientWarning{
		None:  len(checks) == 0,
		Found: len(by(func(t result.Trend) bool { return t.Role == roleSafety && t.Verdict == result.Worsened })) > 0,
		Clear: w.byTopic(by(func(t result.Trend) bool { return t.Role == roleSafety && t.Verdict == result.NoDetectableChange })),
		// Listed with the rest of what cannot be said.
		Unknown: slices.ContainsFunc(checks, unjudged),
	}
	return p
}

// Empty tells that there is no result at all.
func (p patientSeries) Empty() bool {
	return len(p.Worse)+len(p.Better)+len(p.Neutral)+len(p.Same)+len(p.Unknown)+len(p.Side) == 0
}

// unjudged tells that nothing can be said of a trend.
func unjudged(t result.Trend) bool {
	return t.Verdict == result.NotComparable || t.Verdict == "" && !t.Change.Known()
}

// sorted are the trends to keep in the order of the catalogue, then of the zones.
func sorted(trends []result.Trend, keep func(result.Trend) bool) []result.Trend {
	var names, zones []string
	for _, t := range trends {
		names, zones = append(names, t.Metric), append(zones, t.Zone)
	}
	var list []result.Trend
	for _, metric := range metricOrder(names) {
		for _, zone := range zoneOrder(zones) {
			for _, t := range trends {
				if t.Metric == metric && t.Zone == zone && keep(t) {
					list = append(list, t)
				}
			}
		}
	}
	return list
}

// findings makes a claim of each trend, those of one metric and pair of photos
// together.
func (w patientWords) findings(s result.Series, shared []string, trends []result.Trend) []patientFinding {
	var list []patientFinding
	index := map[[2]string]int{}
	for _, t := range trends {
		key := [2]string{t.Metric, t.LatestSession}
		i, ok := index[key]
		if !ok {
			i = len(list)
			index[key] = i
			list = append(list, patientFinding{Text: w.changed(t.Metric, t.Verdict), Pair: w.pair(s, t)})
		}
		list[i].Claims = append(list[i].Claims, patientClaim{w.name("zone", t.Zone), w.amount(t), w.qualifiers(splitList(t.Qualifier), shared)})
	}
	return list
}

// byTopic gathers zones by topic.
func (w patientWords) byTopic(trends []result.Trend) []patientTopic {
	var list []patientTopic
	zones := map[string][]string{}
	var names []string
	for _, t := range trends {
		topic := w.topic(t.Metric)
		names = append(names, topic)
		zones[topic] = append(zones[topic], t.Zone)
	}
	for _, topic := range order(names, nil) {
		list = append(list, patientTopic{topic, w.zones(zones[topic])})
	}
	return list
}

func (w patientWords) zones(keys []string) []string {
	var words []string
	for _, z := range zoneOrder(keys) {
		words = append(words, w.name("zone", z))
	}
	return words
}

// unknown gathers what cannot be said by its reason.
func (w patientWords) unknown(s result.Series, trends []result.Trend) []patientUnknown {
	byWhy := map[string][]result.Trend{}
	var whys []string
	for _, t := range trends {
		text := w.reasons(why(s, t))
		whys = append(whys, text)
		byWhy[text] = append(byWhy[text], t)
	}
	var list []patientUnknown
	for _, text := range order(whys, nil) {
		list = append(list, patientUnknown{Why: text, Topics: w.byTopic(byWhy[text])})
	}
	return list
}

// lostPhotos are the visits that could not be compared at all.
func (w patientWords) lostPhotos(s result.Series) []patientUnknown {
	var list []patientUnknown
	base := baseline(s.Visits)
	for i, v := range s.Visits {
		if i == base || v.Comparable {
			continue
		}
		label := w.photo(w.later(s.Visits[base], v), v)
		list = append(list, patientUnknown{Why: w.reasons(whyVisit(s, v)), Photo: w.tell("patient.visit_lost", label)})
	}
	return list
}

// side gathers changes beside the judged ones, zones by topic.
func (w patientWords) side(shared []string, trends []result.Trend) []patientSide {
	var texts []string
	zones, quals, class := map[string][]string{}, map[string][]string{}, map[string]string{}
	for _, t := range trends {
		text := w.changed(t.Metric, t.Verdict)
		texts = append(texts, text)
		zones[text], quals[text] = append(zones[text], t.Zone), append(quals[text], splitList(t.Qualifier)...)
		class[text] = string(t.Verdict)
	}
	var list []patientSide
	for _, text := range order(texts, nil) {
		list = append(list, patientSide{class[text], text, w.qualifiers(quals[text], shared), w.zones(zones[text])})
	}
	return list
}
