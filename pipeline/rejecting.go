package pipeline

import (
	"fmt"
	"math"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// rejection is an object of the baseline that somebody rejected.
type rejection struct {
	kind metrics.Kind
	at   study.Point // its centre in the baseline photo
	who  string
}

// rejectObjects prepares the zones for measuring, without what edits reject: an
// object of the baseline's photo as it is, the one of its kind nearest to the place of
// the edit, if that lies within the object's radius. Of several edits on one object the
// last holds.
//
// What is rejected is not the object alone but its footprint: finds of its kind there
// count in no session. Whether an object is found again hangs on light and focus; to
// reject it only where it is would make it a new one where it is found a little
// beside the place.
func (r *seriesRun) rejectObjects(zones []*zoneMeasurer) error {
	for _, m := range zones {
		if err := m.begin(); err != nil {
			return err
		}
	}
	type object struct{ zone, index int }
	out := map[object]*edit{}
	base := r.shots[0]
	for _, e := range r.editsIn(base) {
		if e.Object == nil {
			continue
		}
		hit, nearest := object{zone: -1}, math.Inf(1)
		for zi, m := range zones {
			if !m.usable(0) {
				continue
			}
			rect := base.zones[m.zone].rect
			for k, o := range m.native.found.Objects {
				d := math.Hypot(float64(rect.Min.X)+o.X-e.Object.At.X, float64(rect.Min.Y)+o.Y-e.Object.At.Y)
				// A place is seldom better than a pixel.
				if string(o.Kind) == e.Object.Kind && d < nearest && d <= max(o.Diameter/2, math.Sqrt(o.Area/math.Pi), 1) {
					hit, nearest = object{zi, k}, d
				}
			}
		}
		switch {
		case hit.zone < 0:
			e.void = fmt.Sprintf("no %s is found at this place", e.Object.Kind)
		case e.Object.Accept:
			delete(out, hit)
		default:
			out[hit] = e
		}
	}
	for zi, m := range zones {
		any := false
		for k, o := range m.native.found.Objects {
			e := out[object{zi, k}]
			if e == nil {
				continue
			}
			any = true
			if err := m.reject(o); err != nil {
				return err
			}
			rect := base.zones[m.zone].rect
			r.rejected = append(r.rejected, rejection{kind: o.Kind, who: fmt.Sprintf("rejected by %s on %s", e.By, e.Date()),
				at: study.Point{X: float64(rect.Min.X) + o.X, Y: float64(rect.Min.Y) + o.Y}})
		}
		if !any {
			continue
		}
		if err := m.begin(); err != nil { // again, without it
			return err
		}
	}
	return nil
}

// reject adds the footprint of an object of the baseline to what does not count.
func (m *zoneMeasurer) reject(o metrics.Object) error {
	base := m.r.shots[0]
	rect := base.zones[m.zone].rect
	mask, err := m.native.found.Footprint(o, rect.Dx(), rect.Dy(), base.pxPerMM)
	if err != nil {
		return err
	}
	if m.rejected == nil {
		m.rejected, m.carried = map[metrics.Kind]metrics.Mask{}, map[int]map[metrics.Kind]metrics.Mask{}
	}
	if all, ok := m.rejected[o.Kind]; ok {
		for i, v := range all.Pix {
			mask.Pix[i] |= v
		}
	}
	m.rejected[o.Kind] = mask
	return nil
}

// rejectedIn is what does not count in photo i; nil for nothing.
func (m *zoneMeasurer) rejectedIn(i int, p *metrics.Patch) map[metrics.Kind]metrics.Mask {
	if len(m.rejected) == 0 {
		return nil
	}
	if m.carried[i] == nil {
		m.carried[i] = map[metrics.Kind]metrics.Mask{}
		for kind, mask := range m.rejected {
			m.carried[i][kind] = m.carry(i, p, mask)
		}
	}
	return m.carried[i]
}

// whoRejected says who rejected an object found at a place of the baseline photo: its
// footprint is that of the nearest one that was.
func (r *seriesRun) whoRejected(kind metrics.Kind, x, y float64) string {
	who, nearest := "", math.Inf(1)
	for _, j := range r.rejected {
		if d := math.Hypot(j.at.X-x, j.at.Y-y); j.kind == kind && d < nearest {
			who, nearest = j.who, d
		}
	}
	return who
}
