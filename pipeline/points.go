package pipeline

import (
	"context"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/engine"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// ViewPoint is a point of the baseline photo of one person's view.
type ViewPoint struct {
	Subject, View string
	Point         study.Point
}

// CarryAll carries points of baseline photos into the photos of all sessions, in
// worker processes. Series come in the order in which points first name them; see
// [CarryPoints] for the rows of one. A point of a series that the study does not
// have is an [ErrUsage].
func CarryAll(ctx context.Context, st *study.Study, points []ViewPoint, opts RunOptions) ([]result.CarriedPoint, error) {
	if err := checkOptions(st, opts); err != nil {
		return nil, err
	}
	var todo []study.Series
	var of [][]study.Point
	for _, p := range points {
		i := slices.IndexFunc(todo, func(s study.Series) bool { return s.Subject.ID == p.Subject && s.View == p.View })
		if i < 0 {
			s, ok := findSeries(st, p.Subject, p.View)
			if !ok {
				return nil, usagef("there is no view %q of a subject %q in the study", p.View, p.Subject)
			}
			i, todo, of = len(todo), append(todo, s), append(of, nil)
		}
		of[i] = append(of[i], p.Point)
	}
	rows := make([][]result.CarriedPoint, len(todo))
	err := dispatch(ctx, opts, todo,
		func(i int) (job, error) {
			return job{Kind: kindCarry, Config: opts.Config, Series: todo[i], Points: of[i]}, nil
		},
		func(i int, answer []result.CarriedPoint, lost *engine.Lost) (refused int, err error) {
			if lost != nil {
				answer = notCarried(todo[i], len(of[i]), lost.Error())
			}
			rows[i] = answer
			for _, r := range answer {
				if r.Reason != "" {
					refused++
				}
			}
			return refused, nil
		})
	return slices.Concat(rows...), err
}

// notCarried are the rows of a series that came to nothing.
func notCarried(s study.Series, points int, reason string) []result.CarriedPoint {
	var rows []result.CarriedPoint
	for _, v := range s.Sessions {
		for range points {
			rows = append(rows, result.CarriedPoint{Subject: s.Subject.ID, View: s.View, Session: v.ID, Photo: v.Photos[0].File,
				X: result.None(), Y: result.None(), Reason: reason})
		}
	}
	return rows
}

func findSeries(st *study.Study, subject, view string) (study.Series, bool) {
	for i := range st.Subjects {
		if st.Subjects[i].ID != subject {
			continue
		}
		for _, s := range st.Subjects[i].Series() {
			if s.View == view {
				return s, true
			}
		}
	}
	return study.Series{}, false
}
