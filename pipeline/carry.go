package pipeline

import (
	"context"
	"fmt"

	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// CarryPoints carries points of the baseline photo into every session's photo: for
// each session one row a point, in the order given, without coordinates and with
// the reason where a point cannot be carried. Of replicates the first usable photo
// serves. An error is for ctx only.
func CarryPoints(ctx context.Context, cfg Config, s study.Series, points []study.Point, progress func(session, stage string)) ([]result.CarriedPoint, error) {
	r := &seriesRun{cfg: cfg, series: s, progress: progress}
	r.result = result.Series{Subject: s.Subject.ID, View: s.View, InputSHA256: map[string]string{}}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	// Points are places in the photo that the baseline names, and in no other.
	lost := ""
	if named, why := r.photoOf(&s.Sessions[0]); named == nil {
		lost = "the baseline photo cannot be used: " + why
	} else if named.ref.File != s.Sessions[0].Photos[0].File {
		lost = fmt.Sprintf("the baseline photo %s cannot be used", s.Sessions[0].Photos[0].File)
	}
	var rows []result.CarriedPoint
	for i := range s.Sessions {
		session := &s.Sessions[i]
		shot, why := r.photoOf(session)
		if lost != "" {
			shot, why = nil, lost
		}
		for _, p := range points {
			row := result.CarriedPoint{Subject: s.Subject.ID, View: s.View, Session: session.ID, X: result.None(), Y: result.None(), Reason: why}
			if len(session.Photos) > 0 {
				row.Photo = session.Photos[0].File
			}
			if shot != nil {
				row.Photo = shot.ref.File
				x, y, ok := p.X, p.Y, true
				if shot.toShot != nil {
					x, y, ok = shot.toShot.ToTarget(p.X, p.Y)
				}
				switch {
				case !ok:
					row.Reason = "the point lies outside the face that was aligned"
				case x < 0 || y < 0 || x > float64(shot.size[0]-1) || y > float64(shot.size[1]-1):
					row.Reason = "the point lies outside the photo"
				default:
					row.X, row.Y, row.Reason = result.Number(x), result.Number(y), ""
				}
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// photoOf is the first photo of a session that passed, or why there is none.
func (r *seriesRun) photoOf(session *study.SeriesSession) (*shot, string) {
	for _, s := range r.shots {
		if s.session == session {
			return s, ""
		}
	}
	for _, x := range r.result.Rejections {
		if x.Session == session.ID {
			return nil, x.Reason
		}
	}
	return nil, "no photo of this view"
}
