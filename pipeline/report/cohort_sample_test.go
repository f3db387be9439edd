package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// sampleCohort is a study of n persons with five visits, all zones and metrics:
// most get better by about an eighth, noses hardly, and some visits are missing.
// Names that a page must escape are in it. Only the metrics that are named are, if
// any is.
func sampleCohort(n int, names ...string) result.Cohort {
	rnd := rand.New(rand.NewPCG(1, 2))
	c := result.Cohort{
		Study: "Needling <b>& PRP</b>", Version: "1.2.3", OpenCV: "4.6.0", Settings: "0123456789abcdef0123456789abcdef",
		Methods: result.CohortMethods{
			AsOf: "2026-06-01", Primary: result.CohortPrimary{Named: true, Metric: "roughness_mid", Zone: "cheek_left", WindowDays: 90},
			WindowsDays: []int{28, 90}, ToleranceDays: []int{10, 21}, Alpha: 0.05, Draws: 2000, Seed: 7,
			Adjustment: "holm within zones of a metric", SDCSources: []string{"replicates of this study", `table "<shipped>"`},
			Corrections: []string{"colour fit on reference skin", "blur matched in pairs"},
		},
		Flow: []result.FlowStep{
			{Step: "entered", Subjects: n + 5, Sessions: 5 * (n + 5), Photos: 15 * (n + 5)},
			{Step: "consent_research", Subjects: n + 1, Sessions: 5 * (n + 1), Photos: 15 * (n + 1), Excluded: 4, Reason: "no consent for research is recorded"},
			{Step: "comparable", Subjects: n, Sessions: 5 * n, Photos: 14 * n, Excluded: 1, Reason: "light from another side <script>alert(1)</script>"},
		},
		Claims: []result.Claim{
			{Claim: "smoother skin within three months", Published: 85, Own: 62.5, Low: 46, High: 77, Responders: 25, N: n, Counted: "roughness_mid of the cheeks better at all, 90 days after the first treatment"},
			{Claim: "smaller pores after five sessions", Published: 92, Own: result.None(), Low: result.None(), High: result.None(), Counted: "pore_area_fraction", Reason: "nobody had five treatments"},
		},
	}
	for _, m := range metrics.All() {
		zones := study.ZoneNames
		if len(names) > 0 {
			if !slices.Contains(names, m.Name) {
				continue
			}
			zones = zones[1:3]
		}
		for _, zone := range zones {
			sampleZone(&c, rnd, m, zone, n)
		}
	}
	return c
}

func sampleZone(c *result.Cohort, rnd *rand.Rand, m metrics.Metric, zone string, n int) {
	gain := -0.12
	if zone == "nose" {
		gain = -0.02
	}
	var changes []float64
	const sdc = 1.1
	responders, worsened := 0, 0
	for i := range n {
		code := fmt.Sprintf("C%03d", (i*37)%1000)
		base := 8 + 2*rnd.Float64()
		course := result.Course{Code: code, View: "front", Zone: zone, Metric: m.Name, Unit: m.Unit}
		for k := range 5 {
			day := 0
			v := base
			if k > 0 {
				day = 30*k + rnd.IntN(9)
				v = base*(1+gain*float64(k)/4) + 0.5*rnd.NormFloat64()
			}
			value := result.Number(v)
			if k > 0 && rnd.Float64() < 0.1 {
				value = result.None()
			}
			course.Days, course.Values = append(course.Days, day), append(course.Values, value)
		}
		c.Courses = append(c.Courses, course)
		last := course.Values[4]
		if !last.Known() {
			continue
		}
		change := float64(last) - base
		verdict := result.NoDetectableChange
		switch {
		case change < -sdc:
			verdict, responders = result.Improved, responders+1
		case change > sdc:
			verdict, worsened = result.Worsened, worsened+1
		}
		changes = append(changes, change)
		c.Responses = append(c.Responses, result.Response{Code: code, View: "front", Zone: zone, Metric: m.Name, Unit: m.Unit, Contrast: "window:90",
			Change: result.Number(change), ChangePct: result.Number(100 * change / base), SDC: result.Number(sdc), Verdict: verdict})
		second := base + 0.3*rnd.NormFloat64()
		c.Replicates = append(c.Replicates, result.Replicates{Code: code, View: "front", Zone: zone, Metric: m.Name, Unit: m.Unit, First: result.Number(base), Second: result.Number(second)})
	}
	test, err := trend.TTest(changes)
	if err != nil {
		panic(err)
	}
	role := result.RoleExploratory
	if m.Name == "roughness_mid" && zone == "cheek_left" {
		role = result.RolePrimary
	}
	variance := 0.0
	for _, x := range changes {
		variance += (x - test.Mean.Value) * (x - test.Mean.Value) / float64(len(changes)-1)
	}
	for _, contrast := range []string{"window:90", "visit:4", "treated-untreated@window:90"} {
		r := result.CohortRow{Zone: zone, Metric: m.Name, Unit: m.Unit, Contrast: contrast, N: len(changes),
			Estimate: result.Number(test.Mean.Value), Low: result.Number(test.Mean.Low), High: result.Number(test.Mean.High),
			P: result.Number(test.P), PAdjusted: result.Number(math.Min(1, 8*test.P)), Test: "signed_rank_exact", Responders: responders, Worsened: worsened,
			Responders20: responders / 2, Responders30: responders / 4, Responders50: 0, Missing: n - len(changes), SD: result.Number(math.Sqrt(variance)), View: "front", Role: role,
			EstimatePct: result.None(), LowPct: result.None(), HighPct: result.None(), Directed: m.Direction != metrics.NoDirection, InPercent: m.Percent, Judged: len(changes)}
		if m.Percent {
			r.EstimatePct, r.LowPct, r.HighPct = 10*r.Estimate, 10*r.Low, 10*r.High
		}
		if contrast != "window:90" {
			r.Role, r.Directed = result.RoleExploratory, contrast == "visit:4"
		}
		if contrast == "treated-untreated@window:90" && !slices.Contains([]string{"cheek_left", "cheek_right"}, zone) {
			continue
		}
		c.Rows = append(c.Rows, r)
	}
	c.Rows = append(c.Rows, result.CohortRow{Zone: zone, Metric: m.Name, Unit: m.Unit, Contrast: "window:" + strconv.Itoa(180), N: 0, Missing: n,
		EstimatePct: result.None(), LowPct: result.None(), HighPct: result.None(), Estimate: result.None(), Low: result.None(), High: result.None(), P: result.None(), PAdjusted: result.None(), SD: result.None(), View: "front",
		Role: result.RoleExploratory, Reason: "nobody came <i>that</i> late"})
}
