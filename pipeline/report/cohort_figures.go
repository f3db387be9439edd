package report

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Bounds of what a figure holds, so that a cohort of any size gives figures that
// can be read and files that can be opened.
const (
	maxPanels  = 12   // zones of a figure
	maxCourses = 150  // lines of a panel; medians are of all
	maxPoints  = 2000 // of a scatter plot
)

// place is a zone as one view sees it.
type place struct{ view, zone string }

// figureKinds are the figures that a metric has, as their files begin.
var figureKinds = []string{"spaghetti", "forest", "waterfall", "bland-altman"}

// cohortFigures are the figures of a cohort: a set for the primary metric and for
// each metric of the catalogue that may carry a verdict, where there are data, and
// the heat map of all metrics.
func cohortFigures(c result.Cohort) []figure {
	d := &cohortData{c, newPlaces(c)}
	var figs []figure
	for _, metric := range shownMetrics(c) {
		for _, draw := range []func(string) (figure, bool){d.spaghetti, d.forest, d.waterfall, d.blandAltman} {
			if f, ok := draw(metric); ok {
				figs = append(figs, f)
			}
		}
	}
	if f, ok := d.heatMap(); ok {
		figs = append(figs, f)
	}
	return figs
}

// cohortData finds what a figure shows.
type cohortData struct {
	result.Cohort
	places places
}

// shownMetrics are those that get a set of figures: the one that was named
// beforehand first, then the primary ones of the catalogue.
func shownMetrics(c result.Cohort) []string {
	var list []string
	if p := c.Methods.Primary; p.Named && catalogue[p.Metric].Name != "" {
		list = append(list, p.Metric)
	}
	for _, m := range metrics.All() {
		if m.Primary && !slices.Contains(list, m.Name) {
			list = append(list, m.Name)
		}
	}
	return list
}

// places are the zones of a cohort in the order of tables; the view is told where
// there are several.
type places struct {
	list    []place
	oneView bool
}

func newPlaces(c result.Cohort) places {
	seen := map[place]bool{}
	for _, r := range c.Rows {
		seen[place{r.View, r.Zone}] = true
	}
	for _, r := range c.Courses {
		seen[place{r.View, r.Zone}] = true
	}
	for _, r := range c.Responses {
		seen[place{r.View, r.Zone}] = true
	}
	for _, r := range c.Replicates {
		seen[place{r.View, r.Zone}] = true
	}
	var views, zones []string
	for p := range seen {
		views, zones = append(views, p.view), append(zones, p.zone)
	}
	slices.Sort(views)
	slices.Sort(zones)
	views, zones = order(views, []string{"front", "left45", "right45", "left90", "right90"}), zoneOrder(zones)
	ps := places{oneView: len(views) < 2}
	for _, view := range views {
		for _, zone := range zones {
			if p := (place{view, zone}); seen[p] {
				ps.list = append(ps.list, p)
			}
		}
	}
	return ps
}

// label is the name of a place in figures and tables.
func (ps places) label(p place) string {
	s := name("zone", p.zone)
	if s == "" {
		s = dash
	}
	if !ps.oneView {
		s += " (" + name("view", p.view) + ")"
	}
	return s
}

// with lists the places for which has is true, at most maxPanels; more tells how
// many did not find room.
func (ps places) with(has func(place) bool) (list []place, more int) {
	for _, p := range ps.list {
		if has(p) {
			list = append(list, p)
		}
	}
	if more = len(list) - maxPanels; more > 0 {
		return list[:maxPanels], more
	}
	return list, 0
}

// contrast is the one that the figures of a metric show: the window that was named
// beforehand, else the window with the most persons, else the last visit with the
// most. Empty where nothing was estimated.
func (d *cohortData) contrast(metric string) string {
	persons := map[string]int{}
	for _, r := range d.Rows {
		if (metric == "" || r.Metric == metric) && r.Estimate.Known() {
			persons[r.Contrast] += r.N
		}
	}
	for _, r := range d.Responses {
		if (metric == "" || r.Metric == metric) && r.Change.Known() {
			persons[r.Contrast]++
		}
	}
	if p := d.Methods.Primary; p.Named && p.WindowDays > 0 {
		if named := "window:" + strconv.Itoa(p.WindowDays); persons[named] > 0 {
			return named
		}
	}
	for _, kind := range []string{"window:", "visit:"} {
		best, bestNumber := "", 0
		for contrast, n := range persons {
			number, ok := contrastNumber(contrast, kind)
			if ok && (best == "" || n > persons[best] || n == persons[best] && number > bestNumber) {
				best, bestNumber = contrast, number
			}
		}
		if best != "" {
			return best
		}
	}
	return ""
}

// contrastNumber is the K of "visit:K" or the D of "window:D".
func contrastNumber(contrast, kind string) (int, bool) {
	text, ok := strings.CutPrefix(contrast, kind)
	n, err := strconv.Atoi(text)
	return n, ok && err == nil
}

// changeOf is a change as figures show it: per cent of baseline where the metric
// is read so, else in its unit. SDC goes the same way.
func changeOf(r result.Response) (change, sdc float64, ok bool) {
	change, sdc = float64(r.Change), float64(r.SDC)
	if isPercent(r.Metric) {
		change = float64(r.ChangePct)
		// The smallest detectable change is in the unit of the change.
		sdc = math.Abs(sdc * float64(r.ChangePct) / float64(r.Change))
	}
	return change, sdc, finite(change)
}

// isPercent tells whether changes of a metric are read as per cent of baseline.
func isPercent(metric string) bool { return catalogue[metric].Percent }

// changeUnit is the unit of what changeOf gives.
func changeUnit(metric, unit string) string {
	if isPercent(metric) {
		return tell("cohort.percent_of_baseline")
	}
	return name("unit", unit)
}

// unitWords is the unit of a row, which may be one per something.
func unitWords(unit string) string {
	what, per, ok := strings.Cut(unit, " per ")
	if !ok {
		return name("unit", unit)
	}
	if per == "30 d" {
		per = tell("cohort.month")
	}
	return strings.TrimSpace(name("unit", what) + " " + tell("cohort.per", plain(per, nameRunes)))
}

// axis is a label with its unit.
func axis(label, unit string) string {
	if unit == "" {
		return label
	}
	return label + " (" + unit + ")"
}

func finite(xs ...float64) bool {
	for _, x := range xs {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// span is the range of values with a margin of a twentieth, zero included.
func span(values []float64) (low, high float64) {
	low, high = math.Min(0, slices.Min(values)), math.Max(0, slices.Max(values))
	if low == high {
		return -1, 1
	}
	margin := (high - low) / 20
	return low - margin, high + margin
}

// figureName is the file of a figure: letters, digits and lines of the names of
// the catalogue only.
func figureName(kind, metric string) string {
	return kind + "-" + strings.ReplaceAll(metric, "_", "-")
}

// contrastWords says a contrast in words.
func contrastWords(contrast string) string {
	head, at, nested := strings.Cut(contrast, "@")
	kind, arg, _ := strings.Cut(head, ":")
	var s string
	a, b, _ := strings.Cut(arg, "-")
	switch n, err := strconv.Atoi(arg); {
	case kind == "visit" && err == nil:
		s = tell("cohort.contrast_visit", n)
	case kind == "window" && err == nil:
		s = tell("cohort.contrast_window", n)
	case kind == "ordered" && err == nil:
		s = tell("cohort.contrast_ordered", n)
	case kind == "typical_order" && err == nil:
		s = tell("cohort.contrast_typical", n)
	case kind == "slope":
		s = tell("cohort.contrast_slope")
	case kind == "treated-untreated":
		s = tell("cohort.contrast_treated")
	case kind == "side":
		s = tell("cohort.contrast_side", plain(a, nameRunes), plain(b, nameRunes))
	case kind == "arm":
		s = tell("cohort.contrast_arm", plain(a, nameRunes), plain(b, nameRunes))
	case kind == "covariate":
		what, level, levels := strings.Cut(arg, "=")
		s = tell("cohort.contrast_covariate", plain(what, nameRunes))
		if levels {
			s = tell("cohort.contrast_level", plain(what, nameRunes), plain(level, nameRunes))
		}
	default:
		return plain(contrast, nameRunes)
	}
	if nested {
		s += ", " + contrastWords(at)
	}
	return s
}

// byCode chooses what a figure shows and sorts it by the codes of the persons, so
// that the bytes do not depend on the order in which they came.
func byCode[T any](all []T, of func(T) (code string, shown bool)) []T {
	var list []T
	for _, one := range all {
		if _, ok := of(one); ok {
			list = append(list, one)
		}
	}
	slices.SortStableFunc(list, func(a, b T) int {
		x, _ := of(a)
		y, _ := of(b)
		return cmp.Compare(x, y)
	})
	return list
}
