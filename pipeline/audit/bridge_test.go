package audit

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// person has one series with a value of a metric for each of the numbers.
func person(id string, values ...float64) result.Subject {
	s := result.Series{Subject: id, View: "front", PxPerMM: 10, InputSHA256: map[string]string{"a.jpg": "1", "b.jpg": "2"},
		Trends: []result.Trend{{Subject: id, View: "front", Zone: "nose", Metric: "redness", SDC: 2, Change: -3, Limit: 2, Role: "primary", Sessions: 2, LatestSession: "s1", Verdict: result.Improved}}}
	for i, v := range values {
		s.Measurements = append(s.Measurements, result.Measurement{Subject: id, View: "front", Session: "s" + string(rune('0'+i)), Photo: "a.jpg",
			Zone: "nose", Metric: "redness", Unit: "u", Basis: result.BasisNative, Value: result.Number(v)})
	}
	return result.Subject{ID: id, Series: []result.Series{s}}
}

// Worked by hand: the differences are +1 +1 +1 -3 0, so that the median is 1, those
// without a sign 0 1 1 1 3: median 1, and at 95 % between 1 and 3 at h = 3.8: 2.6.
// The smallest detectable change is 2: 0.5 and 1.3.
func TestBridgingTable(t *testing.T) {
	var b Bridge
	b.Add(person("P1", 10, 20, 30, 40, 50, 60, math.NaN(), math.NaN()), person("P1", 11, 21, 31, 37, 50, math.NaN(), 70, math.NaN()))
	got := b.Metrics()
	want := MetricChange{"redness", "u", 5, 4, 1, 1, 1, 1, 2.6, 0.5, 1.3}
	if len(got) != 1 {
		t.Fatalf("got %+v", got)
	}
	for _, p := range []struct{ got, want *result.Number }{{&got[0].P95Abs, &want.P95Abs}, {&got[0].P95SDC, &want.P95SDC}} {
		if math.Abs(float64(*p.got-*p.want)) < 1e-12 { // but for rounding
			*p.got = *p.want
		}
	}
	if got[0] != want {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
	if b.Same != 1 || len(b.Verdicts)+len(b.Photos)+len(b.LeftOut) != 0 {
		t.Errorf("differences that are none: %+v", b)
	}
	// Below the digits of the table nothing has changed.
	b = Bridge{}
	b.Add(person("P1", 10), person("P1", 10+1e-9))
	if m := b.Metrics()[0]; m.Changed != 0 || m.Values != 1 {
		t.Errorf("%+v", m)
	}
}

func TestVerdictsSayWhy(t *testing.T) {
	x, y := person("P1", 1), person("P1", 1)
	trend := &y.Series[0].Trends[0]
	trend.Change, trend.Limit, trend.Verdict = -1.5, 2, result.NoDetectableChange
	var b Bridge
	b.Add(x, y)
	if len(b.Verdicts) != 1 || b.Verdicts[0].Why != "change -3 -> -1.5" || b.Verdicts[0].First != result.Improved || b.Verdicts[0].Second != result.NoDetectableChange {
		t.Fatalf("%+v", b.Verdicts)
	}
	trend.Change, trend.SDC, trend.LatestSession, trend.Reason = -3, 4, "s0", "blurred"
	b = Bridge{}
	b.Add(x, y)
	if want := "sdc 2 -> 4; judged session s1 -> s0; reason none -> blurred"; b.Verdicts[0].Why != want {
		t.Errorf("got %q, want %q", b.Verdicts[0].Why, want)
	}
	y.Series[0].Trends = nil
	b = Bridge{}
	b.Add(x, y)
	if b.Verdicts[0].Second != "" || b.Verdicts[0].Why != "the second has no such trend" {
		t.Errorf("%+v", b.Verdicts)
	}
}

func TestPhotosJudgedDifferently(t *testing.T) {
	x, y := person("P1", 1), person("P1", 1)
	for _, s := range []*result.Series{&x.Series[0], &y.Series[0]} {
		s.Visits = []result.Visit{{Session: "s0", Photo: "a.jpg", Comparable: true}, {Session: "s1", Photo: "b.jpg", Comparable: true}}
		s.Alignments = []result.Alignment{{Session: "s1", Photo: "b.jpg", Status: result.OK}, {Session: "s1", Photo: "c.jpg", Status: result.Refused, Reason: "mirrored"}}
	}
	y.Series[0].Visits[1].Comparable, y.Series[0].Visits[1].Reason = false, "yaw 12 deg"
	y.Series[0].Alignments[1].Reason = "another person"
	x.Series[0].Rejections = []result.Rejection{{Session: "s2", Photo: "d.jpg", Stage: "load", Reason: "truncated"}}
	var b Bridge
	b.Add(x, y)
	want := []PhotoChange{
		{"P1", "front", "s1", "b.jpg", "accepted", "not compared: yaw 12 deg"},
	}
	if !slices.Equal(b.Photos, want) { // neither the two refusals, nor a photo that neither has accepted
		t.Errorf("got %+v, want %+v", b.Photos, want)
	}
}

// Of 4 and 4 pores, one has moved by less than its radius, one by more, one is where
// two were: 2 are the same and 2 each are not.
func TestObjectsAreMatched(t *testing.T) {
	pore := func(x, y, mm float64) result.Object {
		return result.Object{Session: "s0", Photo: "a.jpg", Kind: "pore", XPx: result.Number(x), YPx: result.Number(y), DiameterMM: result.Number(mm)}
	}
	x, y := person("P1", 1), person("P1", 1)
	x.Series[0].Objects = []result.Object{pore(100, 100, 1), pore(200, 100, 1), pore(300, 100, 0.1), pore(301, 100, 0.1)}
	y.Series[0].Objects = []result.Object{pore(400, 100, 1), pore(104, 102, 1), pore(200, 106, 1), pore(300.4, 100, 0.1)}
	var b Bridge
	b.Add(x, y)
	if want := []ObjectChange{{"pore", 4, 4, 2, 2, 2}}; !slices.Equal(b.Objects, want) {
		t.Errorf("got %+v, want %+v", b.Objects, want)
	}
	// Without a scale no object is larger than a few pixels.
	x.Series[0].PxPerMM, y.Series[0].PxPerMM = 0, 0
	b = Bridge{}
	b.Add(x, y)
	if b.Objects[0].Both != 1 {
		t.Errorf("got %+v", b.Objects)
	}
}

// What another photo under the same name changes is not the program's doing.
func TestOtherPhotosAreLeftOut(t *testing.T) {
	x, y := person("P1", 1), person("P1", 2)
	y.Series[0].InputSHA256 = map[string]string{"a.jpg": "1", "b.jpg": "3"}
	var b Bridge
	b.Add(x, y)
	b.Add(person("P2", 1), result.Subject{ID: "P2"})
	if len(b.Metrics()) != 0 || len(b.LeftOut) != 2 || b.LeftOut[0].Reason != "other photos under the same names: b.jpg" || b.LeftOut[1].Reason != "the second has no such series" {
		t.Errorf("%+v", b)
	}
	// A new session is no reason: the photos that both have are the same.
	b = Bridge{}
	y.Series[0].InputSHA256 = map[string]string{"a.jpg": "1", "b.jpg": "2", "c.jpg": "4"}
	b.Add(x, y)
	if len(b.LeftOut) != 0 {
		t.Errorf("%+v", b.LeftOut)
	}
	b.Alone(1, "P3")
	var text, table strings.Builder
	if err := b.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := b.WriteCSV(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"redness", "in the second only: P3", "verdicts: 1 the same, 0 changed"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	for _, want := range []string{"metric,,,,,,redness,u,1,1,0,0,1,1,1,0.5,0.5,,,\n", "person,P3,"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("no %q in\n%s", want, table.String())
		}
	}
}
