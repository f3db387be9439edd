package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Another outcome and another table of smallest detectable changes give the same
// rows from earlier measurements as from the photos.
func TestVerdictsGivenAnewAreThoseOfMeasuringAgain(t *testing.T) {
	s := seriesOf(t, "front", [][]byte{straight(t), again(t)}, func(s *study.Subject) {
		s.Treatment = &study.Treatment{Zones: []string{"cheek_left"}}
	})
	cfg := DefaultConfig()
	cfg.PictureSide, cfg.Zones = 300, []string{"cheek_left", "forehead"}
	quiet := func(string, string) {}
	home := t.TempDir()
	run := func(dir string) result.Series {
		v, err := RunSeries(context.Background(), cfg, s, dir, quiet)
		check(t, err)
		return v
	}
	first := run(home)
	files, err := hashFiles(home)
	check(t, err, result.SaveSubject(home, result.Subject{ID: s.Subject.ID, Series: []result.Series{first}}),
		result.WriteJSON(filepath.Join(home, provenanceFile), provenance{Series: map[string]seal{"front": {Files: files}}}))

	cfg.Primary = &study.Primary{Metric: "roughness_fine", Zone: "cheek_left"}
	cfg.SDC = filepath.Join(t.TempDir(), "sdc.csv")
	check(t, os.WriteFile(cfg.SDC, []byte("metric,sdc,zone,n,df,source\nroughness_fine,90,,40,39,full\n"), 0o600))
	want := run(t.TempDir())
	dir := t.TempDir()
	got, err := JudgeSeries(context.Background(), cfg, s, home, dir, quiet)
	check(t, err)
	if timeless(t, got) != timeless(t, want) {
		t.Error("the verdicts differ from those of measuring again")
	}
	if timeless(t, got) == timeless(t, first) {
		t.Error("nothing changed: this test cannot fail")
	}
	linked, err := hashFiles(dir)
	check(t, err)
	if len(linked) == 0 || len(linked) != len(files) {
		t.Errorf("%d files, want %d", len(linked), len(files))
	}
}

// That a value was measured in the light of a colour chart decides about the
// qualifier and the error of its verdict, and is no column of the tables.
func TestVerdictsGivenAnewKnowOfTheChart(t *testing.T) {
	list := metrics.All()
	k := slices.IndexFunc(list, func(m metrics.Metric) bool { return m.Name == "a_star" })
	session := study.SeriesSession{Session: &study.Session{ID: "s0"}, Photos: []study.Photo{{File: "s0.jpg"}}}
	r := &seriesRun{dir: t.TempDir(), series: study.Series{View: study.ViewFront, Sessions: []study.SeriesSession{session}}}
	r.shots = []*shot{{session: &r.series.Sessions[0], ref: session.Photos[0]}}
	for _, zone := range []string{"nose", "chin"} {
		v := value{zone: zone, metric: &list[k], basis: result.BasisNative, v: 12, card: zone == "nose"}
		r.values = append(r.values, v)
		r.result.Measurements = append(r.result.Measurements, result.Measurement{Photo: "s0.jpg", Zone: zone, Metric: "a_star", Basis: v.basis, Value: 12})
	}
	check(t, rememberJudging(r))
	again := &seriesRun{series: r.series, result: r.result}
	check(t, again.recallJudging(r.dir))
	for i, v := range again.values {
		if v.card != r.values[i].card {
			t.Errorf("%s: in the light of the chart: %v, want %v", v.zone, v.card, r.values[i].card)
		}
	}
}
