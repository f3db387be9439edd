package validate

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Sources of a smallest detectable change.
const (
	PhotoErrorOnly = "photo_error_only" // photos of one day: the skin had no other day
	Full           = "full"             // untreated days
)

const tableHead = `# Smallest detectable change (95 %) of one photo against one photo, matched in
# sharpness: 2.77 SEM times the t factor of its degrees of freedom (df). sdc is per cent
# for metrics that are read in per cent, else in the metric's unit. An empty zone is all
# zones together. n: values that it rests on.
`

// sdcTable writes a table below its head. of gives the values of a metric in a zone,
// empty for all, and where they come from.
func sdcTable(head string, of func(m *metrics.Metric, zone string) (repeats, string)) []byte {
	var b bytes.Buffer
	b.WriteString(tableHead + head)
	w := csv.NewWriter(&b)
	// A buffer takes everything.
	_ = w.Write([]string{"metric", "sdc", "zone", "n", "df", "source"})
	for _, m := range metrics.All() {
		for _, zone := range append([]string{""}, study.ZoneNames...) {
			r, source := of(&m, zone)
			_, sdc := r.sem()
			df := r.values - len(r.groups)
			t, err := trend.TFactor(df)
			if err != nil || math.IsNaN(sdc) {
				continue
			}
			_ = w.Write([]string{m.Name, result.Number(t * sdc).Cell(), zone, strconv.Itoa(r.values), strconv.Itoa(df), source})
		}
	}
	w.Flush()
	return b.Bytes()
}

// SDCTable is the table of smallest detectable changes from the null series of odd
// seeds at the mild nuisance: a row for all zones together and one for each zone,
// where a value can be had.
func SDCTable(all []Findings) []byte {
	odd := slices.DeleteFunc(makers(all), func(f Findings) bool { return f.Case.Nuisance != AllNuisances || f.Case.Level != mild })
	var seeds, tones []string
	var last Findings
	for _, f := range odd {
		if s := strconv.FormatUint(f.Case.Seed, 10); !slices.Contains(seeds, s) {
			seeds = append(seeds, s)
		}
		if !slices.Contains(tones, f.Case.Tone) {
			tones = append(tones, f.Case.Tone)
		}
		last = f
	}
	head := fmt.Sprintf("# From rendered faces on which nothing changed. A rendered face has no good and bad days.\n"+
		"# version %s, settings %s\n# seeds %s; tones %s; nuisance level %g; %g px/mm; %d series\n",
		last.Version, last.Settings, strings.Join(seeds, " "), strings.Join(tones, " "), mild, last.Case.PxPerMM, len(odd))
	return sdcTable(head, func(m *metrics.Metric, zone string) (repeats, string) {
		return repeatsOf(odd, m, zone), PhotoErrorOnly
	})
}

// ErrNoReplicates tells that a study has neither several photos of a view in one
// session nor several untreated days.
var ErrNoReplicates = errors.New("no replicates: several photos of a view in one session are needed, or two untreated days at most 14 days apart")

// Untreated days further apart are not of the same skin.
const maxDaysApart = 14

// OwnReplicates is what a study says about the error of its own photos.
type OwnReplicates struct {
	Sessions int // with several photos of a view
	Days     int // series with several untreated days
	Table    []byte
}

// Replicates makes the table of smallest detectable changes from a study's own
// photos. Untreated days, at most 14 days after the first photo and before the first
// treatment, give the full error where a metric has values on two of them; several
// photos of one session give that of photography only. All values are those at the
// sharpness of the whole series. Error: [ErrNoReplicates].
func Replicates(people []result.Subject) (OwnReplicates, error) {
	var out OwnReplicates
	// By zone and metric.
	sessions, days := map[[2]string][][]float64{}, map[[2]string][][]float64{}
	version, settings := "", ""
	for _, p := range people {
		version, settings = p.Version, p.Settings
		for i := range p.Series {
			s, d := ownGroups(&p.Series[i])
			out.Sessions += collect(sessions, s)
			out.Days += collect(days, d)
		}
	}
	if out.Sessions+out.Days == 0 {
		return out, ErrNoReplicates
	}
	head := fmt.Sprintf("# From the study's own photos: %d sessions with several photos, %d series with several untreated days.\n"+
		"# version %s, settings %s\n", out.Sessions, out.Days, version, settings)
	out.Table = sdcTable(head, func(m *metrics.Metric, zone string) (repeats, string) {
		for _, from := range []struct {
			groups map[[2]string][][]float64
			source string
		}{{days, Full}, {sessions, PhotoErrorOnly}} {
			var r repeats
			for _, z := range study.ZoneNames {
				if zone == "" || z == zone {
					for _, g := range from.groups[[2]string{z, m.Name}] {
						r.add(g, m.Percent)
					}
				}
			}
			if len(r.groups) > 0 {
				return r, from.source
			}
		}
		return repeats{}, ""
	})
	return out, nil
}

// place is where the values of one group belong: they should be equal.
type place struct{ zone, metric, session string }

func (a place) compare(b place) int {
	return cmp.Or(strings.Compare(a.zone, b.zone), strings.Compare(a.metric, b.metric), strings.Compare(a.session, b.session))
}

// collect adds the groups of two and more values, and counts the sessions that have
// any.
func collect(into map[[2]string][][]float64, groups map[place][]float64) int {
	sessions := map[string]bool{}
	for _, k := range slices.SortedFunc(maps.Keys(groups), place.compare) {
		if g := groups[k]; len(g) > 1 {
			sessions[k.session] = true
			key := [2]string{k.zone, k.metric}
			into[key] = append(into[key], g)
		}
	}
	return len(sessions)
}

// ownGroups gives the values of a series by session, and those of its untreated days
// (one photo of each), with an empty session.
func ownGroups(s *result.Series) (sessions, days map[place][]float64) {
	sessions, days = map[place][]float64{}, map[place][]float64{}
	seen := map[[3]string]bool{}
	for _, m := range s.Measurements {
		if m.Basis != result.BasisSeries || m.Status == result.Refused || !m.Value.Known() {
			continue
		}
		k := place{m.Zone, m.Metric, m.Session}
		sessions[k] = append(sessions[k], float64(m.Value))
		if m.DaysSinceTreatment != nil || m.Day > maxDaysApart || seen[[3]string{m.Zone, m.Metric, m.Session}] {
			continue
		}
		seen[[3]string{m.Zone, m.Metric, m.Session}] = true
		d := place{m.Zone, m.Metric, ""}
		days[d] = append(days[d], float64(m.Value))
	}
	return sessions, days
}
