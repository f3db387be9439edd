package segment

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/dermatrend/dermatrend/metrics"
)

// TrackObject is a scar or mark of one session in the common coordinates of the
// baseline, in millimetres.
type TrackObject struct {
	Kind   metrics.Kind
	X, Y   float64 // mm
	AreaMM float64 // mm2; of two equally near the larger is taken
}

// Tolerances in millimetres between two sightings of one object: three
// dermatologists were matched at 3 mm for scars (Kang et al. 2016); marks are smaller.
const (
	scarTrackMM = 3
	markTrackMM = 2
)

// Track gives every scar, red spot and brown mark an id that it keeps through the
// sessions: S1, R1, B1 and so on in the order of first sighting. Objects are
// matched to the last sighting of each track, nearest pairs first, each at most
// once and within the tolerance of its kind; one that is missed in a session and
// seen in a later one keeps its id. Pores are not followed: their id is empty.
//
// The result has the shape of sessions.
func Track(sessions [][]TrackObject) [][]string {
	t := tracker{counts: map[metrics.Kind]int{}}
	out := make([][]string, len(sessions))
	for i, s := range sessions {
		out[i] = t.session(s)
	}
	return out
}

type track struct {
	id   string
	last TrackObject
}

type tracker struct {
	tracks []track
	counts map[metrics.Kind]int
}

// pair is a possible match.
type pair struct {
	object, track int
	d2, area      float64
}

func (t *tracker) session(objects []TrackObject) []string {
	ids := make([]string, len(objects))
	var pairs []pair
	for i, o := range objects {
		for j, tr := range t.tracks {
			if limit, _ := following(o.Kind); o.Kind == tr.last.Kind {
				dx, dy := o.X-tr.last.X, o.Y-tr.last.Y
				if d2 := dx*dx + dy*dy; d2 <= limit*limit {
					pairs = append(pairs, pair{i, j, d2, o.AreaMM})
				}
			}
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.d2, b.d2), cmp.Compare(b.area, a.area), cmp.Compare(a.track, b.track), cmp.Compare(a.object, b.object))
	})
	taken := make([]bool, len(t.tracks))
	for _, p := range pairs {
		if ids[p.object] == "" && !taken[p.track] {
			ids[p.object], taken[p.track] = t.tracks[p.track].id, true
			t.tracks[p.track].last = objects[p.object]
		}
	}
	for i, o := range objects {
		if _, letter := following(o.Kind); ids[i] == "" && letter != "" {
			t.counts[o.Kind]++
			ids[i] = fmt.Sprintf("%s%d", letter, t.counts[o.Kind])
			t.tracks = append(t.tracks, track{ids[i], o})
		}
	}
	return ids
}

// following returns how far, in mm, an object of a kind may move between sessions
// and the letter of its ids; no letter for what is not followed.
func following(k metrics.Kind) (toleranceMM float64, letter string) {
	switch k {
	case metrics.Scar:
		return scarTrackMM, "S"
	case metrics.RedSpot:
		return markTrackMM, "R"
	case metrics.BrownMark:
		return markTrackMM, "B"
	}
	return 0, ""
}
