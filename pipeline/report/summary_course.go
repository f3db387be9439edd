package report

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// courseView is the treatment record in short: alike treatments in one row, and
// what is to be said about spacing, completeness and maintenance.
type courseView struct {
	Rows  []courseRow
	Cut   string // rows left out
	Lines []courseLine
}

type courseRow struct{ When, Until, Device, Passes, Depth, Adjunct string }

// courseLine is a fact, or where Warn is set something out of the ordinary.
type courseLine struct {
	Text string
	Warn bool
}

// Needling is repeated every 4 to 8 weeks, for pitted scars every 2; three to six
// treatments are a course; after it, maintenance comes every 6 to 12 months, for
// some every 3.
const (
	minSpacing       = 14
	maxSpacing       = 70
	courseLeast      = 3
	maintenanceGap   = 90
	maintenanceDue   = 183
	summaryCourse    = 4 // rows
	summaryIntervals = 2
)

func newCourseView(s result.Series, treatments []result.Treatment) courseView {
	var v courseView
	if len(treatments) == 0 {
		v.Lines = []courseLine{{tell("summary.course_none"), true}}
		return v
	}
	v.Rows = courseRows(treatments)
	if n := len(v.Rows) - summaryCourse; n > 0 {
		v.Rows, v.Cut = v.Rows[n:], tell("summary.more", n)
	}
	days := treatmentDays(treatments)
	v.spacing(days)
	v.completeness(s, days)
	return v
}

// courseRows makes one row of treatments that follow one another and are alike.
func courseRows(treatments []result.Treatment) []courseRow {
	sorted := slices.Clone(treatments)
	slices.SortStableFunc(sorted, func(a, b result.Treatment) int { return strings.Compare(a.Date, b.Date) })
	alike := func(a, b result.Treatment) bool {
		return a.Device == b.Device && a.Adjunct == b.Adjunct && a.Passes == b.Passes && maps.Equal(a.DepthMM, b.DepthMM)
	}
	var rows []courseRow
	for i := 0; i < len(sorted); {
		j := i + 1
		for j < len(sorted) && alike(sorted[i], sorted[j]) {
			j++
		}
		t, n := sorted[i], j-i
		r := courseRow{When: orDash(t.Date), Device: orDash(plain(t.Device, shortRunes)), Adjunct: orDash(plain(t.Adjunct, shortRunes)), Passes: dash, Depth: depths(t.DepthMM)}
		if n > 1 {
			r.Until = tell("summary.course_alike", orDash(sorted[j-1].Date), n)
		}
		if t.Passes > 0 {
			r.Passes = strconv.Itoa(t.Passes)
		}
		rows = append(rows, r)
		i = j
	}
	return rows
}

const shortRunes = 24

// depths names the zones by needle length, the longest first.
func depths(mm map[string]float64) string {
	byDepth := map[float64][]string{}
	for zone, d := range mm {
		byDepth[d] = append(byDepth[d], zone)
	}
	var parts []string
	for _, d := range slices.Backward(slices.Sorted(maps.Keys(byDepth))) {
		zones := slices.Sorted(slices.Values(byDepth[d]))
		parts = append(parts, withUnit(strconv.FormatFloat(d, 'f', -1, 64), "mm")+" "+zoneNames(zones))
	}
	if len(parts) == 0 {
		return dash
	}
	return plain(strings.Join(parts, "; "), summaryRunes)
}

// treatmentDays are the days of the dated treatments, each once, in order.
func treatmentDays(treatments []result.Treatment) []time.Time {
	var days []time.Time
	for _, t := range treatments {
		if d, err := time.Parse(time.DateOnly, t.Date); err == nil {
			days = append(days, d)
		}
	}
	slices.SortFunc(days, time.Time.Compare)
	return slices.Compact(days)
}

func daysBetween(a, b time.Time) int { return int(b.Sub(a).Hours() / 24) }

// spacing says how far the treatments of the course lie apart, and which intervals
// are unusual. A long interval after a course of three is maintenance.
func (v *courseView) spacing(days []time.Time) {
	if len(days) < 2 {
		return
	}
	shortest, longest := 0, 0
	var unusual, maintenance []string
	for i := 1; i < len(days); i++ {
		d := daysBetween(days[i-1], days[i])
		dates := tell("summary.interval", d, days[i-1].Format(time.DateOnly), days[i].Format(time.DateOnly))
		if i >= courseLeast && d >= maintenanceGap {
			maintenance = append(maintenance, dates)
			continue
		}
		if shortest == 0 || d < shortest {
			shortest = d
		}
		longest = max(longest, d)
		if d < minSpacing || d > maxSpacing {
			unusual = append(unusual, dates)
		}
	}
	switch {
	case shortest == longest && shortest > 0:
		v.add(false, tell("summary.spacing_one", len(days), shortest))
	case shortest > 0:
		v.add(false, tell("summary.spacing", len(days), shortest, longest))
	}
	if n := len(unusual); n > 0 {
		v.add(true, tell("summary.spacing_unusual", minSpacing, maxSpacing, firstFew(unusual)))
	}
	if len(maintenance) > 0 {
		v.add(false, tell("summary.maintenance_done", firstFew(maintenance)))
	}
}

// firstFew joins the first texts and counts the others.
func firstFew(list []string) string {
	if n := len(list) - summaryIntervals; n > 0 {
		return joinLines(list[:summaryIntervals]) + "; " + tell("summary.more", n)
	}
	return joinLines(list)
}

// completeness counts the treatments before the compared photo, since a verdict
// rests on those, and says whether the end point and maintenance are due.
func (v *courseView) completeness(s result.Series, days []time.Time) {
	i := visitOfVerdict(s)
	if i < 0 {
		return
	}
	photo, err := time.Parse(time.DateOnly, s.Visits[i].Date)
	if err != nil || len(days) == 0 {
		v.add(true, tell("summary.course_undated"))
		return
	}
	before := 0
	for _, d := range days {
		if d.Before(photo) {
			before++
		}
	}
	// A photo on the day of a treatment may have been taken after it.
	if since := s.Visits[i].DaysSinceTreatment; since != nil && *since == 0 && before < len(days) && days[before].Equal(photo) {
		before++
	}
	if before < courseLeast {
		v.add(true, tell("summary.course_incomplete", before, courseLeast))
	} else {
		v.add(false, tell("summary.course_complete", before))
	}
	last := daysBetween(days[len(days)-1], photo)
	if before >= courseLeast && last >= maintenanceDue {
		v.add(false, tell("summary.maintenance_due", last))
	}
}

func (v *courseView) add(warn bool, text string) { v.Lines = append(v.Lines, courseLine{text, warn}) }
