package cohort

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// sample makes persons whose truth is known.
type sample struct {
	zones, metrics []string
	days           []int // of the sessions
	treatedOn      []int // days of treatments; photos of that day are from before
	baseline       func(rng *rand.Rand) float64
	// change from baseline in a zone on a day.
	change func(zone, metric string, day int) float64
	noise  float64
	sdc    float64
	drift  float64 // SD between persons of a person's own slope per 30 days
	gaps   float64 // chance that a visit after baseline did not take place
	native bool    // rows as photographed too
}

func units() map[string]string {
	u := map[string]string{}
	for _, m := range metrics.All() {
		u[m.Name] = m.Unit
	}
	return u
}

func on(day int) string { return study.NewDate(2025, 3, 1+day).String() }

// covers asks for research on the day of options.
func covers(s result.Subject) (bool, string) {
	var all []study.Consent
	for _, c := range s.Consents {
		x := study.Consent{Scope: c.Scope}
		for text, to := range map[string]*study.Date{c.Signed: &x.Signed, c.Expires: &x.Expires, c.Withdrawn: &x.Withdrawn} {
			if text != "" {
				var err error
				if *to, err = study.ParseDate(text); err != nil {
					panic(err)
				}
			}
		}
		all = append(all, x)
	}
	return study.Covers(all, "research", options().AsOf)
}

// person is the i-th of the sample.
func (s sample) person(i int, rng *rand.Rand) result.Subject {
	unit := units()
	p := result.Subject{
		ID: fmt.Sprintf("P%04d", i), Study: "sample", Version: "1.0", OpenCV: "4.6.0", Settings: "abc",
		Consents: []result.Consent{{Scope: []string{"clinical", "research"}, Signed: on(-10)}},
	}
	for k, d := range s.treatedOn {
		p.Treatments = append(p.Treatments, result.Treatment{Session: fmt.Sprintf("s%d", k), Date: on(d)})
	}
	v := result.Series{Subject: p.ID, View: study.ViewFront, ITADeg: result.Number(30 + 10*rng.NormFloat64()), InputSHA256: map[string]string{}}
	var kept []int
	for k, d := range s.days {
		if k > 0 && rng.Float64() < s.gaps {
			continue
		}
		kept = append(kept, k)
		visit := result.Visit{Session: fmt.Sprintf("s%d", k), Date: on(d), Day: d, Baseline: k == 0, Comparable: true, Photo: fmt.Sprintf("%d.jpg", k)}
		for _, t := range s.treatedOn {
			if t < d {
				since := d - t
				visit.DaysSinceTreatment = &since
			}
		}
		v.Visits = append(v.Visits, visit)
		v.InputSHA256[visit.Photo] = "00"
	}
	for _, zone := range s.zones {
		for _, metric := range s.metrics {
			base, slope := 10.0, s.drift*rng.NormFloat64()
			if s.baseline != nil {
				base = s.baseline(rng)
			}
			for n, k := range kept {
				d := s.days[k]
				y := base + slope*float64(d)/30 + s.noise*rng.NormFloat64()
				if s.change != nil {
					y += s.change(zone, metric, d)
				}
				m := result.Measurement{Subject: p.ID, View: v.View, Session: v.Visits[n].Session, Date: on(d), Day: d,
					DaysSinceTreatment: v.Visits[n].DaysSinceTreatment, Photo: v.Visits[n].Photo, Zone: zone, Metric: metric,
					Value: result.Number(y), Unit: unit[metric], Basis: result.BasisSeries, N: 12345, PxPerMM: 14.2, Status: result.OK}
				v.Measurements = append(v.Measurements, m)
				if s.native {
					m.Basis = result.BasisNative
					v.Measurements = append(v.Measurements, m)
				}
			}
			t := result.Trend{Subject: p.ID, View: v.View, Zone: zone, Metric: metric, Unit: unit[metric], SDC: result.Number(s.sdc), SDCSource: "test"}
			if s.sdc == 0 {
				t.SDC = result.None()
			}
			v.Trends = append(v.Trends, t)
		}
	}
	p.Series = []result.Series{v}
	return p
}

func (s sample) persons(n int, seed uint64) []result.Subject {
	rng := rand.New(rand.NewPCG(seed, 1))
	var all []result.Subject
	for i := range n {
		all = append(all, s.person(i, rng))
	}
	return all
}

// options of tests.
func options() Options {
	return Options{Study: "sample", AsOf: study.NewDate(2026, 1, 1), Covers: covers, Key: []byte("key")}
}

// analyse adds persons and computes the figures.
func analyse(t testing.TB, o Options, persons ...result.Subject) result.Cohort {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range persons {
		if err := c.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	all, err := c.Result()
	if err != nil {
		t.Fatal(err)
	}
	sane(t, all)
	return all
}

// sane fails where a figure that is not known has no reason, or counts contradict
// each other.
func sane(t testing.TB, all result.Cohort) {
	t.Helper()
	for i := range all.Rows {
		r := &all.Rows[i]
		for _, n := range []result.Number{r.Estimate, r.Low, r.High, r.P, r.PAdjusted} {
			if math.IsInf(float64(n), 0) || !n.Known() && r.Reason == "" {
				t.Errorf("%s %s %s: an unknown number without a reason: %+v", r.Zone, r.Metric, r.Contrast, *r)
				break
			}
		}
		if r.Estimate.Known() && r.Low.Known() && !(r.Low <= r.Estimate && r.Estimate <= r.High) {
			t.Errorf("%s %s %s: %v outside %v to %v", r.Zone, r.Metric, r.Contrast, r.Estimate, r.Low, r.High)
		}
		if r.Responders > r.Judged || r.Responders20 > r.Responders || r.Responders30 > r.Responders20 || r.Responders50 > r.Responders30 ||
			r.Responders+r.Worsened > r.Judged || r.Judged > r.N || r.Missing < 0 {
			t.Errorf("%s %s %s: counts contradict: %+v", r.Zone, r.Metric, r.Contrast, *r)
		}
		if r.P.Known() && (r.P < 0 || r.P > 1 || r.PAdjusted < r.P-1e-12 || r.Test == "") {
			t.Errorf("%s %s %s: p %v, adjusted %v, test %q", r.Zone, r.Metric, r.Contrast, r.P, r.PAdjusted, r.Test)
		}
	}
}

// rowOf finds a row.
func rowOf(t testing.TB, all result.Cohort, zone, metric, contrast string) result.CohortRow {
	t.Helper()
	for _, r := range all.Rows {
		if r.Zone == zone && r.Metric == metric && r.Contrast == contrast {
			return r
		}
	}
	t.Fatalf("no row %s %s %s", zone, metric, contrast)
	return result.CohortRow{}
}
