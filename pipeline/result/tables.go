package result

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Order is the order of rows in the tables, where it is not that of the
// alphabet or of time. Names that it does not list come after those that it
// does, by the alphabet.
type Order struct{ Views, Zones, Metrics []string }

// A table is one CSV file: its columns, and the rows of one person in order.
type table struct {
	file string
	head string
	rows func(Subject, Order) [][]string
}

// tables lists the files and their columns, which are a contract with readers
// of the files: columns are added at the end, and none is renamed or removed.
var tables = []table{
	{"measurements.csv", "subject,view,session,date,day,days_since_treatment,photo,zone,metric,value,unit,basis,n,px_per_mm,status,reason", measurementRows},
	{"trends.csv", "subject,view,zone,metric,unit,sessions,baseline,latest,change,change_pct,sdc,sdc_source,slope_per_30d,slope_low,slope_high,limit,role,qualifier,verdict,reason", trendRows},
	{"alignment.csv", "subject,view,session,photo,status,scale,rotation_deg,shift_x_px,shift_y_px,inliers,overlap,residual_px,residual_pct_ipd,yaw_delta_deg,pitch_delta_deg,reason", alignmentRows},
	{"comparability.csv", "subject,view,session,photo,check,value,limit,unit,affects,status", checkRows},
	{"objects.csv", "subject,view,session,photo,zone,kind,id,x_px,y_px,diameter_mm,area_mm2,contrast,type,track,status,reason", objectRows},
	{"rejections.csv", "subject,view,session,photo,stage,reason", rejectionRows},
}

// TableFiles names the files that [Tables] writes.
func TableFiles() []string {
	var names []string
	for _, t := range tables {
		names = append(names, t.file)
	}
	return names
}

func measurementRows(s Subject, o Order) [][]string {
	return collect(s, o, func(v Series) []Measurement { return v.Measurements },
		func(at place, a, b Measurement) int {
			return cmp.Or(
				at.photo(a.Session, a.Photo, b.Session, b.Photo),
				at.zone.compare(a.Zone, b.Zone),
				at.metric.compare(a.Metric, b.Metric),
				bases.compare(a.Basis, b.Basis))
		},
		func(m Measurement) []string {
			since := ""
			if m.DaysSinceTreatment != nil {
				since = strconv.Itoa(*m.DaysSinceTreatment)
			}
			return []string{m.Subject, m.View, m.Session, m.Date, strconv.Itoa(m.Day), since, m.Photo,
				m.Zone, m.Metric, m.Value.Cell(), m.Unit, m.Basis, strconv.Itoa(m.N), scaleCell(m.PxPerMM),
				string(m.Status), m.Reason}
		})
}

func trendRows(s Subject, o Order) [][]string {
	return collect(s, o, func(v Series) []Trend { return v.Trends },
		func(at place, a, b Trend) int {
			return cmp.Or(at.zone.compare(a.Zone, b.Zone), at.metric.compare(a.Metric, b.Metric))
		},
		func(t Trend) []string {
			return []string{t.Subject, t.View, t.Zone, t.Metric, t.Unit, strconv.Itoa(t.Sessions),
				t.Baseline.Cell(), t.Latest.Cell(), t.Change.Cell(), t.ChangePct.Cell(), t.SDC.Cell(), t.SDCSource,
				t.SlopePer30d.Cell(), t.SlopeLow.Cell(), t.SlopeHigh.Cell(), t.Limit.Cell(),
				t.Role, t.Qualifier, string(t.Verdict), t.Reason}
		})
}

func alignmentRows(s Subject, o Order) [][]string {
	return collect(s, o, func(v Series) []Alignment { return v.Alignments },
		func(at place, a, b Alignment) int { return at.photo(a.Session, a.Photo, b.Session, b.Photo) },
		func(a Alignment) []string {
			return []string{a.Subject, a.View, a.Session, a.Photo, string(a.Status),
				scaleCell(a.Scale), a.RotationDeg.Cell(), a.ShiftXPx.Cell(), a.ShiftYPx.Cell(), strconv.Itoa(a.Inliers),
				a.Overlap.Cell(), a.ResidualPx.Cell(), a.ResidualPctIPD.Cell(), a.YawDeltaDeg.Cell(), a.PitchDeltaDeg.Cell(),
				a.Reason}
		})
}

// Checks of a photo stay in the order in which they were made.
func checkRows(s Subject, o Order) [][]string {
	return collect(s, o, func(v Series) []Check { return v.Comparability },
		func(at place, a, b Check) int { return at.photo(a.Session, a.Photo, b.Session, b.Photo) },
		func(c Check) []string {
			return []string{c.Subject, c.View, c.Session, c.Photo, c.Check, c.Value.Cell(), c.Limit.Cell(),
				c.Unit, c.Affects, string(c.Status)}
		})
}

func objectRows(s Subject, o Order) [][]string {
	return collect(s, o, func(v Series) []Object { return v.Objects },
		func(at place, a, b Object) int {
			return cmp.Or(
				at.photo(a.Session, a.Photo, b.Session, b.Photo),
				at.zone.compare(a.Zone, b.Zone),
				kinds.compare(a.Kind, b.Kind),
				cmp.Compare(a.ID, b.ID))
		},
		func(b Object) []string {
			return []string{b.Subject, b.View, b.Session, b.Photo, b.Zone, b.Kind, strconv.Itoa(b.ID),
				b.XPx.Cell(), b.YPx.Cell(), b.DiameterMM.Cell(), b.AreaMM2.Cell(), b.Contrast.Cell(),
				b.Type, b.Track, string(b.Status), b.Reason}
		})
}

func rejectionRows(s Subject, o Order) [][]string {
	return collect(s, o, func(v Series) []Rejection { return v.Rejections },
		func(at place, a, b Rejection) int {
			return cmp.Or(at.photo(a.Session, a.Photo, b.Session, b.Photo), cmp.Compare(a.Stage, b.Stage))
		},
		func(r Rejection) []string {
			return []string{r.Subject, r.View, r.Session, r.Photo, r.Stage, r.Reason}
		})
}

// collect sorts the items of each series, the series by view, and makes rows.
// Items that compare equal keep their order.
func collect[T any](s Subject, o Order, items func(Series) []T, compare func(place, T, T) int, row func(T) []string) [][]string {
	views := newRanks(o.Views)
	series := slices.Clone(s.Series)
	slices.SortStableFunc(series, func(a, b Series) int { return views.compare(a.View, b.View) })
	var rows [][]string
	for _, v := range series {
		at := place{zone: newRanks(o.Zones), metric: newRanks(o.Metrics), session: newRanks(nil)}
		for i, visit := range v.Visits {
			if _, seen := at.session[visit.Session]; !seen {
				at.session[visit.Session] = i
			}
		}
		sorted := slices.Clone(items(v))
		slices.SortStableFunc(sorted, func(a, b T) int { return compare(at, a, b) })
		for _, item := range sorted {
			rows = append(rows, row(item))
		}
	}
	return rows
}

// place knows where names stand in one series: sessions in time, zones and
// metrics as in the Order.
type place struct{ session, zone, metric ranks }

func (p place) photo(sessionA, photoA, sessionB, photoB string) int {
	return cmp.Or(p.session.compare(sessionA, sessionB), strings.Compare(photoA, photoB))
}

// ranks gives names their place in a list.
type ranks map[string]int

var (
	bases = newRanks([]string{BasisNative, BasisSeries})
	kinds = newRanks([]string{"pore", "scar", "red_spot", "brown_mark"})
)

func newRanks(names []string) ranks {
	r := ranks{}
	for i, n := range names {
		r[n] = i
	}
	return r
}

func (r ranks) compare(a, b string) int {
	ia, oka := r[a]
	ib, okb := r[b]
	switch {
	case oka && okb:
		return cmp.Compare(ia, ib)
	case oka:
		return -1
	case okb:
		return 1
	}
	return strings.Compare(a, b)
}

// scaleCell is the cell of a scale, where 0 means that there is none.
func scaleCell(n Number) string {
	if n == 0 {
		return ""
	}
	return n.Cell()
}
