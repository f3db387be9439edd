package cohort

import (
	"fmt"
	"math"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

const (
	// acuteDays after a treatment a photo shows redness and swelling.
	acuteDays = 7
	// Below this individual typology angle, degrees, redness is under-detected in
	// photographs.
	tooDarkForRedness = -30
)

// series is one person's visits in one view.
type series struct {
	lost      string         // why nothing can be compared with the baseline; else empty
	year      int            // of the baseline
	ita       float64        // NaN unknown
	session   map[string]int // index of a session that counts
	sessions  []int          // slot of each session that counts
	slots     []slot         // 0 is the baseline, k the k-th visit after it
	treated   bool           // a treatment is recorded
	acute     int            // sessions that do not count
	afterLast bool           // a visit after the last treatment exists
}

// slot is a visit: one day, or all untreated days of the baseline.
type slot struct {
	day        float64 // since the first session
	usable     bool    // not only acute photos
	treatments int     // days with a treatment before it
	afterLast  bool    // later than the last treatment
	sinceLast  int     // days since the last treatment of all, where afterLast
}

// newSeries finds the visits of a series.
func newSeries(v *result.Series, treatments []result.Treatment) (*series, error) {
	s := &series{ita: math.NaN(), session: map[string]int{}, treated: len(treatments) > 0}
	if v.ITADeg.Known() {
		s.ita = float64(v.ITADeg)
	}
	if len(v.Visits) == 0 {
		s.lost = "no session"
		return s, nil
	}
	var days []study.Date
	for _, t := range treatments {
		d, err := study.ParseDate(t.Date)
		if err != nil {
			return nil, fmt.Errorf("treatment of session %q: %w", t.Session, err)
		}
		days = append(days, d)
	}
	slices.SortFunc(days, func(a, b study.Date) int { return a.Compare(b.Time) })
	days = slices.CompactFunc(days, func(a, b study.Date) bool { return a.Equal(b.Time) })
	if !v.Visits[0].Baseline {
		s.lost = "the baseline has no usable photo"
	}
	var total []float64 // of the days of each slot
	var count []float64
	last := 0 // day of the session before
	for i, visit := range v.Visits {
		date, err := study.ParseDate(visit.Date)
		if err != nil {
			return nil, fmt.Errorf("session %q: %w", visit.Session, err)
		}
		if i == 0 {
			s.year = date.Year()
		}
		since := visit.DaysSinceTreatment
		untreated := s.treated && since == nil
		if i == 0 || visit.Day != last && !(untreated && len(s.slots) == 1) {
			s.slots = append(s.slots, slot{})
			total, count = append(total, 0), append(count, 0)
		}
		last = visit.Day
		k := len(s.slots) - 1
		if since != nil && *since <= acuteDays {
			s.acute++
			continue
		}
		at := &s.slots[k]
		at.usable = true
		total[k], count[k] = total[k]+float64(visit.Day), count[k]+1
		at.treatments = 0
		for _, d := range days {
			if d.Before(date) {
				at.treatments++
			}
		}
		if n := len(days); n > 0 && days[n-1].Before(date) {
			at.afterLast, at.sinceLast = true, date.DaysSince(days[n-1])
			s.afterLast = true
		}
		if _, twice := s.session[visit.Session]; twice {
			return nil, fmt.Errorf("the session %q is there twice", visit.Session)
		}
		s.session[visit.Session] = len(s.sessions)
		s.sessions = append(s.sessions, k)
	}
	for k := range s.slots {
		if count[k] > 0 {
			s.slots[k].day = total[k] / count[k]
		}
	}
	return s, nil
}

// means are the values of the slots: the mean over sessions of the mean over
// photos.
func (s *series) means(row []acc) []float64 {
	sum, n := make([]float64, len(s.slots)), make([]float64, len(s.slots))
	for i, a := range row {
		if a.n > 0 {
			sum[s.sessions[i]] += a.sum / float64(a.n)
			n[s.sessions[i]]++
		}
	}
	for k := range sum {
		sum[k] /= n[k] // 0/0 is NaN: no value
	}
	return sum
}

// detectable is what a change to each slot has to pass. The smallest detectable change
// of the verdict's pair holds for its session, and for those that carry no caution;
// what others would have to pass is not known. t may be nil.
func (s *series) detectable(row []acc, t *result.Trend) []float64 {
	sdc := make([]float64, len(s.slots))
	for k := range sdc {
		sdc[k] = math.NaN()
		if t != nil {
			sdc[k] = float64(t.SDC)
		}
	}
	for i, a := range row {
		if latest, ok := s.session[latestOf(t)]; a.caution && !(ok && latest == i) {
			sdc[s.sessions[i]] = math.NaN()
		}
	}
	return sdc
}

// latestOf is the session that a verdict is about; empty without one.
func latestOf(t *result.Trend) string {
	if t == nil {
		return ""
	}
	return t.LatestSession
}

// Why a person has no value for a contrast.
type cause string

const (
	noView      cause = "no photos of this view or zone"
	noBaseline  cause = "no value at baseline"
	noVisit     cause = "no such visit"
	noTreatment cause = "no treatment is recorded"
	notInWindow cause = "no visit with a value in the window"
	noValue     cause = "not measured or refused at that visit"
	oneVisit    cause = "fewer than two visits"
	incomplete  cause = "a visit is missing"
)

// contrast is a comparison with the baseline: a visit, or a window.
type contrast struct {
	name   string
	visit  int     // 0 for a window
	window *Window // nil for a visit
}

// slot is the visit that a contrast uses; 0 with the cause where there is none.
func (m *member) slot(c contrast) (int, cause) {
	s := m.series
	if s.lost != "" || math.IsNaN(m.values[0]) {
		return 0, noBaseline
	}
	if c.window == nil {
		switch {
		case c.visit >= len(s.slots) || !s.slots[c.visit].usable:
			return 0, noVisit
		case math.IsNaN(m.values[c.visit]):
			return 0, noValue
		}
		return c.visit, ""
	}
	if !s.treated {
		return 0, noTreatment
	}
	best, off := 0, 0
	for k := 1; k < len(s.slots); k++ {
		at := s.slots[k]
		if !at.usable || !at.afterLast || math.IsNaN(m.values[k]) {
			continue
		}
		d := at.sinceLast - c.window.Days
		if d < 0 {
			d = -d
		}
		if d <= c.window.Tolerance && (best == 0 || d <= off) { // of two as near, the later
			best, off = k, d
		}
	}
	if best == 0 {
		return 0, notInWindow
	}
	return best, ""
}

// course is the days and values of a member, baseline first.
func (m *member) course() (days, values []float64) {
	if m.series.lost != "" {
		return nil, nil
	}
	for k, v := range m.values {
		if !math.IsNaN(v) {
			days, values = append(days, m.series.slots[k].day), append(values, v)
		}
	}
	return days, values
}
