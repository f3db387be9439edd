package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/compare"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// judgingDir is the folder among a person's pictures that holds, for each view, what
// the stage trend looks at beside the measurements. With it, verdicts are given anew
// in milliseconds when only the outcome of the study or the table of smallest
// detectable changes has changed, and photos are not opened.
const judgingDir = "judging"

// judging is the content of such a file.
type judging struct {
	Zones []string      // of the series, in order
	Tone  result.Number // see seriesRun
	Shots []judgedShot
}

type judgedShot struct {
	Session, Photo string
	PxPerMM        float64
	Refused        map[string]string                    // by zone; every zone that the photo shows has an entry
	Gate           map[metrics.Family]compare.Judgement `json:",omitempty"`
	Card           []string                             `json:",omitempty"` // values measured in the light of the colour chart, see inRow
}

// inRow names a value among those of its photo.
func inRow(zone, metric, basis string) string { return zone + " " + metric + " " + basis }

// rememberJudging writes what the stage trend needs to know.
func rememberJudging(r *seriesRun) error {
	j := judging{Tone: result.Number(r.tone)}
	for _, z := range r.zones {
		j.Zones = append(j.Zones, z.name)
	}
	for _, s := range r.shots {
		x := judgedShot{Session: s.session.ID, Photo: s.ref.File, PxPerMM: s.pxPerMM, Refused: map[string]string{}, Gate: s.gate}
		for name, z := range s.zones {
			x.Refused[name] = z.refused
		}
		j.Shots = append(j.Shots, x)
	}
	for _, v := range r.values {
		if v.card {
			x := &j.Shots[v.shot]
			x.Card = append(x.Card, inRow(v.zone, v.metric.Name, v.basis))
		}
	}
	if err := os.MkdirAll(filepath.Join(r.dir, judgingDir), 0o700); err != nil {
		return err
	}
	data, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.dir, judgingFile(r.series.View)), data, 0o600)
}

// judgingFile is the path of a view's file in the person's folder.
func judgingFile(view string) string {
	return filepath.Join(judgingDir, url.PathEscape(view)+".json")
}

// JudgeSeries gives the verdicts of a series anew: from, the results of its person,
// holds the rest. It links the pictures into dir.
func JudgeSeries(_ context.Context, cfg Config, s study.Series, from, dir string, progress func(session, stage string)) (result.Series, error) {
	progress("", "trend")
	var old earlierResults
	v, sealed, err := old.series(from, s.View, "")
	if err != nil {
		return result.Series{}, err
	}
	r := &seriesRun{cfg: cfg, series: s, dir: dir, progress: progress, result: v}
	if err := r.recallJudging(from); err != nil {
		return result.Series{}, err
	}
	if r.sdc, err = readSDC(cfg.SDC); err != nil {
		return result.Series{}, err
	}
	r.result.Trends = nil
	if err := trends(r); err != nil {
		return result.Series{}, err
	}
	return r.result, take(from, dir, sealed.Files)
}

// recallJudging brings a series into the state in which the stage trend begins.
func (r *seriesRun) recallJudging(from string) error {
	name := filepath.Join(from, judgingFile(r.series.View))
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var j judging
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.tone = float64(j.Tone)
	for _, z := range j.Zones {
		r.zones = append(r.zones, zoneOutline{name: z})
	}
	for _, x := range j.Shots {
		i := slices.IndexFunc(r.series.Sessions, func(s study.SeriesSession) bool { return s.ID == x.Session })
		if i < 0 {
			return fmt.Errorf("%s: there is no session %q", name, x.Session)
		}
		s := &shot{session: &r.series.Sessions[i], pxPerMM: x.PxPerMM, gate: x.Gate, zones: map[string]*zone{}}
		s.ref.File = x.Photo
		for zoneName, refused := range x.Refused {
			s.zones[zoneName] = &zone{name: zoneName, refused: refused}
		}
		r.shots = append(r.shots, s)
	}
	byCard := make([]map[string]bool, len(j.Shots))
	for i, x := range j.Shots {
		byCard[i] = map[string]bool{}
		for _, name := range x.Card {
			byCard[i][name] = true
		}
	}
	list := metrics.All()
	for _, m := range r.result.Measurements {
		i := slices.IndexFunc(r.shots, func(s *shot) bool { return s.ref.File == m.Photo })
		k := slices.IndexFunc(list, func(x metrics.Metric) bool { return x.Name == m.Metric })
		if i < 0 || k < 0 {
			return fmt.Errorf("%s: nothing is known of %s in %s", name, m.Metric, m.Photo)
		}
		r.values = append(r.values, value{shot: i, zone: m.Zone, metric: &list[k], basis: m.Basis, v: float64(m.Value), n: m.N, status: m.Status, reason: m.Reason,
			card: byCard[i][inRow(m.Zone, m.Metric, m.Basis)]})
	}
	return nil
}
