package validate

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

const tableHead = `# Smallest detectable change (95 %) of one photo against one photo, matched in
# sharpness: t * sqrt 2 * SEM, where t is that of the degrees of freedom (df), or the 95th
# percentile of the changes found where there are 40 and more, or that of one skin tone
# alone, where it is larger. sdc is per cent of baseline for metrics that are read in per
# cent, else in the metric's unit. An empty zone is all zones; a zone has its own row where
# its error is larger, or smaller by many pairs and in each skin tone. n: values that it
# rests on; df counts pairs of photos, since the zones of a photo share its light and
# focus. status: of the pair; empty where one of them has too few. px_per_mm: from this
# scale on.
`

// bands of scale, finest first: from which px/mm a row holds, and which baselines
// make it. A limit lies about half way between the scales of the plan (14 and 8 px/mm:
// 11); the lowest at 5, from which roughness can be measured.
var bands = []float64{18, 11, 5, 0}

// bandOf is the band of a baseline's scale; 0 where it is not known.
func bandOf(pxPerMM result.Number) float64 {
	for _, b := range bands {
		if float64(pxPerMM) >= b {
			return b
		}
	}
	return 0
}

// enoughDF is the number of degrees of freedom from which a status or a zone has a
// row of its own: t is 2.23 at 10, 14 % above its limit.
const enoughDF = 10

// A zone that errs less than the others has a row of its own from lowerDF on, if the
// row is not below the error there of any skin tone, each with lowerToneDF: to take the
// limit of all zones would hide what can be seen there, but a limit that is too low by
// chance, or for the skin that errs most, would let photography pass for skin.
const (
	lowerDF     = 15
	lowerToneDF = 6
)

// sample is the change of one zone and metric on unchanged skin.
type sample struct {
	zone    string
	status  result.Status
	band    float64
	real    bool // of a person, not of a rendered face
	tone    string
	repeats group
}

// samplesOf lists, by metric, what the null series of odd seeds and odd persons say.
func samplesOf(all []Findings) map[string][]sample {
	out := map[string][]sample{}
	for _, f := range makers(all) {
		for _, c := range f.Changes {
			if !c.Delta.Known() || !c.Base.Known() {
				continue
			}
			values := []float64{float64(c.Base), float64(c.Base + c.Delta)}
			if percentRead[c.Metric] {
				if !(c.Base > 0) {
					continue
				}
				values = []float64{100, 100 * float64(1+c.Delta/c.Base)}
			}
			out[c.Metric] = append(out[c.Metric], sample{c.Zone, c.Status, bandOf(f.PxPerMM), f.Case.Nuisance == RealPhotos, f.Case.Tone, group{f.Case.Name(), values}})
		}
	}
	return out
}

// percentRead are the metrics whose change is read in per cent of baseline.
var percentRead = func() map[string]bool {
	out := map[string]bool{}
	for _, m := range metrics.All() {
		out[m.Name] = m.Percent
	}
	return out
}()

// SDCTable is the table of smallest detectable changes from the null series of odd
// seeds, at all levels of the nuisance together: the status of a pair tells them
// apart. Where real photos are among them, the larger of their error and that of
// rendered ones holds. version is the tool's.
func SDCTable(all []Findings) result.SDCTable {
	t := result.SDCTable{Name: "dermatrend validate", Head: headOf(makers(all))}
	if len(all) > 0 {
		t.Name += " " + all[0].Version
	}
	of := samplesOf(all)
	for _, m := range metrics.All() {
		for _, band := range slices.Backward(bands) {
			var rendered, real []sample
			for _, s := range of[m.Name] {
				if s.band != band {
					continue
				}
				if s.real {
					real = append(real, s)
				} else {
					rendered = append(rendered, s)
				}
			}
			rows := tableRows(m.Name, band, rendered)
			if len(real) > 0 {
				rows = larger(rows, tableRows(m.Name, band, real), m.Name, band)
			}
			t.Rows = append(t.Rows, rows...)
		}
	}
	return t
}

// tableRows are the rows of a metric in a band: of all zones for the status ok and
// caution where each has enough, of both together where one has not; and of zones
// whose error is larger, or surely smaller. Caution is never better than ok, and no
// row is below the error of any skin tone that has enough.
func tableRows(metric string, band float64, samples []sample) []result.SDCRow {
	pick := func(zone string, status result.Status, toneDF int) (result.SDCRow, bool) {
		var groups []group
		byTone := map[string][]group{}
		for _, s := range samples {
			if (zone == "" || s.zone == zone) && (status == "" || s.status == status) {
				groups = append(groups, s.repeats)
				byTone[s.tone] = append(byTone[s.tone], s.repeats)
			}
		}
		e, ok := smallest(groups)
		// Dark skin gives less light, and errs more: the limit must hold for each tone.
		for _, one := range byTone {
			if t, enough := smallest(one); enough && t.df >= toneDF {
				e.sdc = max(e.sdc, t.sdc)
			}
		}
		return result.SDCRow{Metric: metric, SDC: e.sdc, Zone: zone, N: e.n, DF: e.df, Source: result.PhotoErrorOnly, Status: status, PxPerMM: band}, ok
	}
	// worstTone is the largest error of a skin tone in a zone, whatever the status: of
	// dark skin few pairs are ok. It is unknown where a tone has too few.
	worstTone := func(zone string) (worst float64, known bool) {
		everywhere, here := map[string][]group{}, map[string][]group{}
		for _, s := range samples {
			everywhere[s.tone] = append(everywhere[s.tone], s.repeats)
			if s.zone == zone {
				here[s.tone] = append(here[s.tone], s.repeats)
			}
		}
		for tone, all := range everywhere {
			if e, ok := smallest(all); !ok || e.df < enoughDF {
				continue
			}
			e, ok := smallest(here[tone])
			if !ok || e.df < lowerToneDF {
				return 0, false
			}
			worst = max(worst, e.sdc)
		}
		return worst, true
	}
	var rows []result.SDCRow
	good := 0.0
	for _, status := range []result.Status{result.OK, result.Caution, ""} {
		r, ok := pick("", status, enoughDF)
		if !ok || status != "" && r.DF < enoughDF || len(rows) == 2 {
			continue
		}
		r.SDC = max(r.SDC, good)
		if status == result.OK {
			good = r.SDC
		}
		rows = append(rows, r)
	}
	for _, zone := range study.ZoneNames {
		good := 0.0
		for _, whole := range rows[:len(rows):len(rows)] {
			if whole.Zone != "" {
				break
			}
			r, ok := pick(zone, whole.Status, enoughDF)
			if !ok || r.DF < enoughDF {
				r, ok = pick(zone, "", enoughDF)
			}
			ok = ok && r.DF >= enoughDF
			if r.SDC = max(r.SDC, good); ok && r.SDC < whole.SDC {
				r, ok = pick(zone, whole.Status, lowerToneDF)
				least, known := worstTone(zone)
				r.SDC = max(r.SDC, good, least)
				ok = ok && known && r.DF >= lowerDF && r.SDC < whole.SDC
			}
			if r.Status = whole.Status; ok && r.SDC != whole.SDC {
				rows = append(rows, r)
			} else {
				r.SDC = whole.SDC
			}
			if r.Status == result.OK {
				good = r.SDC
			}
		}
	}
	return rows
}

// larger joins the rows of two origins: for every zone and status the larger of
// what they say.
func larger(a, b []result.SDCRow, metric string, band float64) []result.SDCRow {
	find := func(zone string, status result.Status) (best result.SDCRow, ok bool) {
		for _, rows := range [][]result.SDCRow{a, b} {
			if r, has := (result.SDCTable{Rows: rows}).Find(metric, zone, status, band); has && r.SDC > best.SDC {
				best, ok = r, true
			}
		}
		best.Zone, best.Status = zone, status
		return best, ok
	}
	good, hasGood := find("", result.OK)
	bad, ok := find("", result.Caution)
	if !ok {
		return nil
	}
	whole := []result.SDCRow{good, bad}
	if !hasGood || good.SDC == bad.SDC {
		bad.Status = ""
		whole = []result.SDCRow{bad}
	}
	rows := slices.Clone(whole)
	for _, zone := range study.ZoneNames {
		for _, w := range whole {
			if r, ok := find(zone, cmp.Or(w.Status, result.Caution)); ok && r.SDC != w.SDC {
				r.Status = w.Status
				rows = append(rows, r)
			}
		}
	}
	return rows
}

// headOf says what a table was measured on.
func headOf(makers []Findings) []string {
	seeds, tones, levels, scales := map[uint64]bool{}, map[string]bool{}, map[float64]bool{}, map[float64]bool{}
	rendered, real := 0, 0
	var last Findings
	for _, f := range makers {
		last = f
		if f.Case.Nuisance == RealPhotos {
			real++
			continue
		}
		rendered++
		seeds[f.Case.Seed], tones[f.Case.Tone], levels[f.Case.Level], scales[f.Case.PxPerMM] = true, true, true, true
	}
	head := []string{
		"From rendered faces on which nothing changed, as dermatrend phantom makes them. A",
		"rendered face has no good and bad days: the error of photography only.",
		fmt.Sprintf("version %s, settings %s, OpenCV %s", last.Version, last.Settings, last.OpenCV),
		fmt.Sprintf("%d rendered series: seeds %s; tones %s; levels of nuisance %s; px/mm %s", rendered, list(seeds), list(tones), list(levels), list(scales)),
	}
	if real > 0 {
		head = append(head, fmt.Sprintf("%d pairs of real photos minutes apart, of every other person; the larger of both errors holds", real))
	}
	return head
}

// list joins what a set holds, in order.
func list[T cmp.Ordered](set map[T]bool) string {
	var out []string
	for _, v := range slices.Sorted(maps.Keys(set)) {
		out = append(out, fmt.Sprint(v))
	}
	return strings.Join(out, " ")
}

// WriteSDC writes a table in the form that [result.ParseSDC] reads.
func WriteSDC(t result.SDCTable) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# name: %s\n", t.Name)
	for _, line := range t.Head {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	b.WriteString(tableHead)
	w := csv.NewWriter(&b)
	// A buffer takes everything.
	_ = w.Write(result.SDCHead)
	for _, r := range t.Rows {
		_ = w.Write([]string{r.Metric, result.Number(r.SDC).Cell(), r.Zone, strconv.Itoa(r.N), strconv.Itoa(r.DF), r.Source, string(r.Status), format(r.PxPerMM)})
	}
	w.Flush()
	return b.Bytes()
}

// ErrNoReplicates tells that a study has neither several photos of a view in one
// session nor several untreated days.
var ErrNoReplicates = errors.New("no replicates: several photos of a view in one session are needed, or two untreated days at most 14 days apart")

// Untreated days further apart are not of the same skin.
const maxDaysApart = 14

// fewestDays is the number of degrees of freedom from which untreated days are an
// error of their own: below, their t factor (3.2 at 3) would hide what skin does.
const fewestDays = 4

// OwnReplicates is what a study says about the error of its own photos.
type OwnReplicates struct {
	Sessions int // with several photos of a view
	Days     int // series with several untreated days
	Table    result.SDCTable
}

// Replicates makes the table of smallest detectable changes from a study's own
// photos. Untreated days, at most 14 days after the first photo and before the first
// treatment, give the full error from four degrees of freedom on, or where photos of
// one session have no more; several
// photos of one session give that of photography only. All values are those at the
// sharpness of the whole series, whatever their status, so that rows hold for any
// status and any scale of the study. A zone has a row of its own, from one degree of
// freedom on, where its error is larger. Error: [ErrNoReplicates].
func Replicates(people []result.Subject) (OwnReplicates, error) {
	var out OwnReplicates
	// By zone and metric.
	sessions, days := map[[2]string][]group{}, map[[2]string][]group{}
	var last result.Subject
	for _, p := range people {
		last = p
		for i := range p.Series {
			// Where a treatment is recorded without its days, no later day is known to be
			// untreated but those that the manifest calls baselines.
			s, d := ownGroups(&p.Series[i], p.TreatedZones == nil || len(p.Treatments) > 0)
			out.Sessions += collect(sessions, s)
			out.Days += collect(days, d)
		}
	}
	if out.Sessions+out.Days == 0 {
		return out, ErrNoReplicates
	}
	out.Table = result.SDCTable{Name: fmt.Sprintf("own replicates, dermatrend validate %s", last.Version), Head: []string{
		fmt.Sprintf("From the study's own photos: %d sessions with several photos, %d series with several untreated days.", out.Sessions, out.Days),
		fmt.Sprintf("version %s, settings %s, OpenCV %s", last.Version, last.Settings, last.OpenCV)}}
	for _, m := range metrics.All() {
		of := func(from map[[2]string][]group, zone, source string) (result.SDCRow, bool) {
			var groups []group
			for _, z := range study.ZoneNames {
				if zone == "" || z == zone {
					groups = append(groups, from[[2]string{z, m.Name}]...)
				}
			}
			e, ok := smallest(groups)
			return result.SDCRow{Metric: m.Name, SDC: e.sdc, Zone: zone, N: e.n, DF: e.df, Source: source}, ok
		}
		pick := func(zone string) (result.SDCRow, bool) {
			full, days := of(days, zone, result.FullError)
			photos, ok := of(sessions, zone, result.PhotoErrorOnly)
			if days && (full.DF >= fewestDays || !ok || full.DF >= photos.DF) {
				return full, true
			}
			return photos, ok
		}
		whole, ok := pick("")
		if !ok {
			continue
		}
		out.Table.Rows = append(out.Table.Rows, whole)
		for _, z := range study.ZoneNames {
			if r, ok := pick(z); ok && (r.SDC > whole.SDC || r.Source != whole.Source) {
				out.Table.Rows = append(out.Table.Rows, r)
			}
		}
	}
	return out, nil
}

// place is where the values of one group belong: they should be equal.
type place struct{ zone, metric, session string }

func (a place) compare(b place) int {
	return cmp.Or(strings.Compare(a.zone, b.zone), strings.Compare(a.metric, b.metric), strings.Compare(a.session, b.session))
}

// collect adds the groups of two and more values, those of metrics in per cent in
// per cent of their mean, and counts the sessions that have any. A mean of 0 says
// nothing.
func collect(into map[[2]string][]group, from map[place]group) int {
	sessions := map[string]bool{}
	for _, k := range slices.SortedFunc(maps.Keys(from), place.compare) {
		g := from[k]
		if len(g.values) < 2 {
			continue
		}
		sessions[k.session] = true
		if percentRead[k.metric] {
			mean := average(g.values)
			if mean == 0 {
				continue
			}
			g.values = slices.Clone(g.values)
			for i := range g.values {
				g.values[i] *= 100 / mean
			}
		}
		key := [2]string{k.zone, k.metric}
		into[key] = append(into[key], g)
	}
	return len(sessions)
}

// ownGroups gives the values of a series by session, and those of its untreated days
// (one photo of each, of however many sessions), with an empty session.
func ownGroups(s *result.Series, dated bool) (sessions, days map[place]group) {
	sessions, days = map[place]group{}, map[place]group{}
	type onDay struct {
		zone, metric string
		day          int
	}
	seen, baselines := map[onDay]bool{}, map[string]bool{}
	for _, v := range s.Visits {
		baselines[v.Session] = v.Baseline
	}
	who := s.Subject + " " + s.View
	add := func(to map[place]group, k place, v float64) {
		to[k] = group{who + " " + k.session, append(to[k].values, v)}
	}
	for _, m := range s.Measurements {
		if m.Basis != result.BasisSeries || m.Status == result.Refused || !m.Value.Known() {
			continue
		}
		add(sessions, place{m.Zone, m.Metric, m.Session}, float64(m.Value))
		at := onDay{m.Zone, m.Metric, m.Day}
		if m.DaysSinceTreatment != nil || !dated && !baselines[m.Session] || m.Day > maxDaysApart || seen[at] {
			continue
		}
		seen[at] = true
		add(days, place{m.Zone, m.Metric, ""}, float64(m.Value))
	}
	return sessions, days
}
