package pipeline

import (
	"slices"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/compare"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/segment"
)

// keep stores what was found in a zone of the photo as it is.
func (s *shot) keep(zone string, f segment.Found) {
	if s.found == nil {
		s.found = map[string]segment.Found{}
	}
	f.Sightings = nil // many, and of no use any more
	s.found[zone] = f
}

// objectRows lists every object in the photo's own pixels, with the same track for
// the same scar or mark in every session. Rejected ones have none.
func (r *seriesRun) objectRows() error {
	perMM := r.shots[0].pxPerMM
	unit := perMM
	if !(unit > 0) { // without a scale an average face serves to match tracks only
		unit = r.shots[0].frame.Scale() * r.shots[0].frame.Unit / 63
	}
	rows, rejected := make([][]result.Object, len(r.shots)), make([][]result.Object, len(r.shots))
	places := make([][]segment.TrackObject, len(r.shots))
	for i, s := range r.shots {
		for _, z := range r.zones {
			f, ok := s.found[z.name]
			if !ok {
				continue
			}
			zs := s.zones[z.name]
			for k, o := range slices.Concat(f.Objects, f.Rejected) {
				x, y := float64(zs.rect.Min.X)+o.X, float64(zs.rect.Min.Y)+o.Y
				row := result.Object{Subject: r.series.Subject.ID, View: r.series.View, Session: s.session.ID, Photo: s.ref.File,
					Zone: z.name, Kind: string(o.Kind), ID: len(rows[i]) + len(rejected[i]) + 1, XPx: result.Number(x), YPx: result.Number(y),
					DiameterMM: result.None(), AreaMM2: result.None(), Contrast: result.Number(o.Contrast), Type: o.Type, Status: s.gate[familyOf[o.Kind]].Status}
				if s.pxPerMM > 0 {
					row.DiameterMM, row.AreaMM2 = result.Number(o.Diameter/s.pxPerMM), result.Number(o.Area/(s.pxPerMM*s.pxPerMM))
				}
				bx, by := x, y
				if s.toShot != nil {
					bx, by, _ = s.toShot.ToBase(x, y)
				}
				row.BaseXPx, row.BaseYPx = result.Number(bx), result.Number(by)
				if k >= len(f.Objects) {
					row.Status, row.Reason = result.Refused, r.whoRejected(o.Kind, bx, by)
					rejected[i] = append(rejected[i], row)
					continue
				}
				scale := unit * s.scaleToBase()
				places[i] = append(places[i], segment.TrackObject{Kind: o.Kind, X: bx / unit, Y: by / unit, AreaMM: o.Area / (scale * scale)})
				rows[i] = append(rows[i], row)
			}
		}
	}
	for i, ids := range segment.Track(places) {
		for k, id := range ids {
			rows[i][k].Track = id
		}
		r.result.Objects = append(append(r.result.Objects, rows[i]...), rejected[i]...)
	}
	return nil
}

var familyOf = map[metrics.Kind]metrics.Family{metrics.Pore: metrics.Pores, metrics.Scar: metrics.Scars, metrics.RedSpot: metrics.Redness, metrics.BrownMark: metrics.Pigment}

// visits describes the sessions for the report, those without a usable photo too.
func (r *seriesRun) visits() {
	for i := range r.series.Sessions {
		session := &r.series.Sessions[i]
		v := result.Visit{Session: session.ID, Date: session.Date.String(), Day: session.Day, DaysSinceTreatment: session.DaysSinceTreatment}
		if len(session.Photos) > 0 {
			v.Photo = session.Photos[0].File
		}
		found := false
		for _, s := range r.shots {
			if s.session != session || found {
				continue
			}
			found = true
			v.Photo, v.Baseline, v.Pictures = s.ref.File, s == r.shots[0], s.pictures
			v.Comparable, v.Reason = r.comparable(s)
		}
		if !found {
			for _, x := range r.result.Rejections {
				if x.Session == session.ID {
					v.Reason = x.Reason
				}
			}
		}
		r.result.Visits = append(r.result.Visits, v)
	}
	r.result.ITADeg = r.skinTone()
	r.result.Protocol = r.protocol()
}

// protocol lists what the photographs did worse than the baseline, the newest
// session first, each piece of advice once: for the zone where it is worst.
func (r *seriesRun) protocol() []string {
	var lines []string
	seen := map[string]bool{}
	for i := len(r.shots) - 1; i >= 0; i-- {
		s := r.shots[i]
		for k, c := range s.checks {
			// Recovery is not photography, nor is somebody's word, and what the newest
			// photo did is said once.
			if c.Explanation == "" || c.Name == "days_since_treatment" || c.Name == compare.AcceptedCheck || seen[c.Name] {
				continue
			}
			seen[c.Name] = true
			for _, o := range s.checks[k:] {
				if o.Name == c.Name && o.Zone != "" && o.Value > c.Value {
					c = o
				}
			}
			lines = append(lines, s.session.ID+": "+c.Explanation)
		}
	}
	return lines
}

// comparable tells whether any metric family of a photo can be compared, and what
// to mind.
func (r *seriesRun) comparable(s *shot) (bool, string) {
	ok, why := false, ""
	for _, c := range s.checks {
		if c.Explanation != "" && !c.Partial && why == "" {
			why = c.Explanation
		}
	}
	for _, j := range s.gate {
		ok = ok || j.Status != result.Refused
	}
	if s.base == nil {
		ok = true
	}
	return ok, why
}
