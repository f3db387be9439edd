package cohort

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// faces are persons whose changes by zone are given: cheek_left, cheek_right,
// chin, forehead; every person has an own level.
func faces(n int, set func(i int, p *result.Subject) (changes [4]float64)) []result.Subject {
	zones := []string{"cheek_left", "cheek_right", "chin", "forehead"}
	s := sample{zones: zones, metrics: []string{"roughness_mid"}, days: []int{0, 30, 120}, treatedOn: []int{0, 30}}
	all := s.persons(n, 5)
	for i := range all {
		p := &all[i]
		changes := set(i, p)
		for k := range p.Series[0].Measurements {
			m := &p.Series[0].Measurements[k]
			for z, zone := range zones {
				if m.Zone == zone {
					m.Value = result.Number(20 + float64(i) + changes[z]*float64(m.Day)/120)
				}
			}
		}
	}
	return all
}

const roughness, day90 = "roughness_mid", "window:90"

// Treated cheeks change by -5, everything by -2: the treatment's part is -3.
func TestTreatedAgainstUntreatedZones(t *testing.T) {
	all := analyse(t, options(), faces(8, func(i int, p *result.Subject) [4]float64 {
		if i < 7 { // the eighth has no record
			p.TreatedZones = []string{"cheek_left", "cheek_right"}
		}
		e := float64(i) / 100
		return [4]float64{-5, -5 - e, -2 - e, -2 + e}
	})...)
	r := rowOf(t, all, "cheek_left", roughness, "treated-untreated@"+day90)
	near(t, "difference in differences", r.Estimate, -3)
	near(t, "p", r.P, 2/128.)
	if r.N != 7 || r.Missing != 1 {
		t.Errorf("%+v", r)
	}
	near(t, "slope", rowOf(t, all, "cheek_left", roughness, "treated-untreated@slope").Estimate, -.75)
	for _, r := range all.Rows {
		if r.Zone == "chin" && strings.HasPrefix(r.Contrast, "treated") || strings.HasPrefix(r.Contrast, "side") || strings.HasPrefix(r.Contrast, "arm") {
			t.Errorf("nobody asked for %s of %s", r.Contrast, r.Zone)
		}
	}
	// No zone left untreated: that is said.
	r = rowOf(t, analyse(t, options(), faces(6, func(_ int, p *result.Subject) [4]float64 {
		p.TreatedZones = []string{"cheek_left", "cheek_right", "chin", "forehead"}
		return [4]float64{-1, -1, -1, -1}
	})...), "chin", roughness, "treated-untreated@"+day90)
	if r.N != 0 || r.Reason == "" {
		t.Errorf("%+v", r)
	}
}

// The treated side changes by 4 more, whichever side that is.
func TestSplitFace(t *testing.T) {
	all := analyse(t, options(), faces(9, func(i int, p *result.Subject) [4]float64 {
		switch {
		case i == 8:
			return [4]float64{-100, 100, 0, 0} // no side is recorded
		case i%2 == 0:
			p.Covariates = map[string]string{"side": "left"}
			return [4]float64{-6, -2, 0, 0}
		}
		p.Covariates = map[string]string{"side": "right"}
		return [4]float64{-1, -5, 0, 0}
	})...)
	r := rowOf(t, all, "cheek", roughness, "side:treated-untreated@"+day90)
	near(t, "treated side", r.Estimate, -4)
	if r.N != 8 || !(r.P < .01) {
		t.Errorf("%+v", r)
	}
	// The plain change of a cheek mixes treated and untreated ones, and says so.
	if r := rowOf(t, all, "cheek_left", roughness, day90); !strings.Contains(r.Reason, "4 of 9 not treated in this zone") {
		t.Errorf("%+v", r)
	}
}

func TestArms(t *testing.T) {
	all := analyse(t, options(), faces(10, func(i int, p *result.Subject) [4]float64 {
		p.Covariates = map[string]string{"arm": []string{"PRP", "saline"}[i%2]}
		e := float64(i/2) / 10
		return [4]float64{-1 - e - 5*float64((i+1)%2), -1, 0, 0}
	})...)
	r := rowOf(t, all, "cheek_left", roughness, "arm:PRP-saline@"+day90)
	near(t, "shift", r.Estimate, -5)
	near(t, "p", r.P, 2/252.) // 5 against 5, apart
	if r.N != 10 || r.Test != "mann_whitney_exact" || !(r.High < 0) {
		t.Errorf("%+v", r)
	}
	if r := rowOf(t, all, "chin", roughness, "arm:PRP-saline@"+day90); r.P.Known() || r.Estimate != 0 || r.Reason == "" {
		t.Errorf("nobody's chin changed: %+v", r)
	}
	few := analyse(t, options(), faces(6, func(i int, p *result.Subject) [4]float64 {
		p.Covariates = map[string]string{"arm": []string{"A", "B", "B", "B", "B", "B"}[i]}
		return [4]float64{}
	})...)
	if r := rowOf(t, few, "chin", roughness, "arm:A-B@"+day90); r.Estimate.Known() || !strings.Contains(r.Reason, "1 and 5 persons, at least 3") {
		t.Errorf("%+v", r)
	}
}

func TestCovariates(t *testing.T) {
	all := analyse(t, options(), faces(12, func(i int, p *result.Subject) [4]float64 {
		p.Born = 1995 - 2*i // the change grows by .5 a year
		p.Covariates = map[string]string{"smoker": []string{"no", "yes"}[i%2], "retinoid": "no", "units": fmt.Sprint(i % 5)}
		for k := range p.Treatments {
			p.Treatments[k].DepthMM = map[string]float64{"chin": 1}
			p.Treatments[k].Passes = 2 + i%3
			if i%4 == 0 {
				p.Treatments[k].Adjunct = "PRP"
			}
		}
		noise := float64(i%3-1) / 10
		return [4]float64{float64(i) + noise, -3*float64(i%2) - noise - float64(i)/1000, 0, 2*float64(i%3) + float64(i)/1000}
	})...)
	r := rowOf(t, all, "cheek_left", roughness, "covariate:age@"+day90)
	if math.Abs(float64(r.Estimate)-.5) > .02 || r.Unit != "ODx1000 per year" || !(r.P < .001) || r.N != 12 {
		t.Errorf("age: %+v", r)
	}
	r = rowOf(t, all, "cheek_right", roughness, "covariate:smoker=yes@"+day90)
	if math.Abs(float64(r.Estimate)+3) > .2 || !(r.P < .01) {
		t.Errorf("smoker: %+v", r)
	}
	r = rowOf(t, all, "forehead", roughness, "covariate:passes@"+day90)
	if math.Abs(float64(r.Estimate)-2) > .01 || !(r.P < .001) {
		t.Errorf("passes: %+v", r)
	}
	if r = rowOf(t, all, "forehead", roughness, "covariate:adjunct=none@"+day90); r.N != 12 {
		t.Errorf("adjunct: %+v", r)
	}
	if r = rowOf(t, all, "chin", roughness, "covariate:depth_mm@"+day90); r.Estimate.Known() || !strings.Contains(r.Reason, "no variation") {
		t.Errorf("one depth only: %+v", r)
	}
	for _, r := range all.Rows {
		if strings.HasPrefix(r.Contrast, "covariate:retinoid") {
			t.Error("a covariate that is the same in all was compared")
		}
		if r.Zone == "cheek_left" && r.Contrast == "covariate:depth_mm@"+day90 && (r.N != 0 || r.Reason == "") {
			t.Errorf("no depth is recorded of the cheek: %+v", r)
		}
	}
}

// What fewer than three persons have may be a remark on one of them, and no test
// could be made of it: a cohort of six would show it whole.
func TestRareLevelsAreNotNamed(t *testing.T) {
	all := analyse(t, options(), faces(6, func(i int, p *result.Subject) [4]float64 {
		p.Covariates = map[string]string{"remark": fmt.Sprint("Jane ", i), "job": []string{"actor", "baker"}[i/5], "skin": []string{"dry", "oily", "sore"}[min(i/2, 1)+i/5]}
		return [4]float64{float64(i), 0, 0, 0}
	})...)
	named := map[string]bool{}
	for _, r := range all.Rows {
		if what, _, ok := strings.Cut(r.Contrast, "@"); ok && strings.HasPrefix(what, "covariate:") {
			named[what] = true
		}
	}
	for what := range named {
		if strings.Contains(what, "Jane") || strings.Contains(what, "baker") || strings.Contains(what, "sore") {
			t.Errorf("%s is named", what)
		}
	}
	if !named["covariate:skin=oily"] {
		t.Errorf("a level of three persons is missing: %v", named)
	}
}

func TestClaims(t *testing.T) {
	var all []result.Subject
	for i := range 10 {
		// Baseline, after the first, the second, the third treatment, and 92 days later.
		v := []float64{10, 10, 10, 10, 10}
		if i < 4 { // smoother after three sessions, and still
			v[3], v[4] = 5, 5
		}
		if i == 4 { // only later
			v[4] = 5
		}
		if i == 5 { // better, but within error
			v[3], v[4] = 9.5, 9.5
		}
		p := course(fmt.Sprint("P", i), roughness, []int{0, 28, 56, 84, 148}, []int{0, 28, 56}, v...)
		p.Series[0].Trends[0].SDC = 1
		all = append(all, p)
	}
	claims := analyse(t, options(), all...).Claims
	if len(claims) != 4 {
		t.Fatalf("%d claims", len(claims))
	}
	for i, want := range []int{5, 4} {
		c := claims[i]
		if c.Responders != want || c.N != 10 || float64(c.Own) != float64(10*want) || c.Reason != "" || c.Counted == "" {
			t.Errorf("%+v", c)
		}
	}
	near(t, "published", claims[0].Published, 85)
	// Clopper and Pearson for 5 of 10: 18.7 to 81.3.
	if math.Abs(float64(claims[0].Low)-18.7) > .05 || math.Abs(float64(claims[0].High)-81.3) > .05 {
		t.Errorf("%+v", claims[0])
	}
	for _, c := range claims[2:] { // no redness, no pores, no five treatments
		if c.N != 0 || c.Own.Known() || c.Reason == "" {
			t.Errorf("%+v", c)
		}
	}
}

func TestFlow(t *testing.T) {
	s := sample{zones: []string{"chin"}, metrics: []string{roughness}, days: []int{0, 30, 60, 150}, treatedOn: []int{0, 30, 60}, noise: 1, sdc: 1}
	people := s.persons(5, 1)
	// P1 did not come back after the second visit, P2's baseline photo was refused,
	// P3's treatments are not recorded.
	cut := &people[1].Series[0]
	cut.Visits, cut.Measurements = cut.Visits[:2], cut.Measurements[:2]
	delete(cut.InputSHA256, "2.jpg")
	delete(cut.InputSHA256, "3.jpg")
	lost := &people[2].Series[0]
	lost.Visits[0].Baseline, lost.Visits[0].Comparable = false, false
	lost.Measurements = lost.Measurements[1:]
	lost.Rejections = []result.Rejection{{Subject: "P0002", Session: "s0", Photo: "0.jpg", Stage: "face", Reason: "no face was found in 0.jpg"}}
	people[3].Treatments = nil
	people[4].Consents = nil
	got := map[string]result.FlowStep{}
	for _, f := range analyse(t, options(), people...).Flow {
		got[f.Step] = f
	}
	for _, want := range []result.FlowStep{
		{Step: "entered", Subjects: 5, Sessions: 18, Photos: 18},
		{Step: "consent_research", Subjects: 4, Sessions: 14, Photos: 14, Excluded: 1, Reason: "1 no consent for research is recorded"},
		{Step: "photos_usable", Subjects: 4, Sessions: 13, Photos: 13, Reason: "photos refused: 1 face: no face was found in"},
		{Step: "visit:1", Subjects: 3, Sessions: 3, Excluded: 1, Reason: "1 no value at baseline"},
		{Step: "visit:3", Subjects: 2, Sessions: 2, Excluded: 2, Reason: "1 no such visit; 1 no value at baseline"},
		{Step: "window:90", Subjects: 1, Sessions: 1, Excluded: 3, Reason: "1 no treatment is recorded; 1 no value at baseline; 1 no visit with a value in the window"},
	} {
		if got[want.Step] != want {
			t.Errorf("got  %+v\nwant %+v", got[want.Step], want)
		}
	}
}

// Of a reason, which may quote a path, nothing but the tool's own words is shown.
func TestPlainReason(t *testing.T) {
	for reason, want := range map[string]string{
		"the skin is too dark (3 %)":                        "load: the skin is too dark",
		"open Huber/P1/s1/IMG_7.jpg: no such file":          "load: open",
		"Huber/P1 is gone":                                  "load",
		"IMG_7.jpg is a video":                              "load",
		"anna.jpg: not an image":                            "load",
		"no face was found in 7.jpg":                        "load: no face was found in",
		"the JPEG file is cut off before its end (7 bytes)": "load: the JPEG file is cut off before its end",
	} {
		if got := plainReason(result.Rejection{Photo: "s1/anna.jpg", Session: "s1", Stage: "load", Reason: reason}, "P1"); got != want {
			t.Errorf("%s: %q, want %q", reason, got, want)
		}
	}
	if got := plainReason(result.Rejection{Stage: "worker", Reason: "it ended. Too little memory"}, "P1"); got != "worker: it ended. Too little memory" {
		t.Errorf("of no photo: %q", got)
	}
}

// Whatever is wrong with the data, every empty cell has its reason and nothing
// is NaN without one (which analyse checks).
func TestBadData(t *testing.T) {
	s := sample{zones: []string{"chin", "nose"}, metrics: []string{roughness, "ita_deg", "unknown_metric"}, days: []int{0, 30, 120}, treatedOn: []int{0, 30}, noise: 1, sdc: 1}
	set := func(people []result.Subject, f func(i int, m *result.Measurement)) []result.Subject {
		for i := range people {
			for k := range people[i].Series[0].Measurements {
				f(i, &people[i].Series[0].Measurements[k])
			}
		}
		return people
	}
	one := s
	one.days = []int{0}
	zeros := s.persons(25, 1)
	for i := range zeros {
		zeros[i].Series[0].Trends = nil
	}
	some := s.persons(8, 1)
	for i := range some[:7] {
		m := some[i].Series[0].Measurements
		some[i].Series[0].Measurements = m[:len(m)/2] // no nose
	}
	empty := s.persons(3, 1)
	empty[1].Series = nil
	empty[2].Series[0].Visits = nil
	for name, people := range map[string][]result.Subject{
		"nobody":         nil,
		"one person":     s.persons(1, 1),
		"two persons":    s.persons(2, 1),
		"one session":    one.persons(8, 1),
		"all equal":      set(s.persons(25, 1), func(_ int, m *result.Measurement) { m.Value = 7 }),
		"all zero":       set(zeros, func(_ int, m *result.Measurement) { m.Value = 0 }),
		"all missing":    set(s.persons(8, 1), func(_ int, m *result.Measurement) { m.Value, m.Status = result.None(), result.Refused }),
		"some zone":      some,
		"empty":          empty,
		"beyond measure": set(s.persons(25, 1), func(i int, m *result.Measurement) { m.Value *= result.Number(math.Pow(10, float64(i)*12)) }),
		"tiny":           set(s.persons(25, 1), func(_ int, m *result.Measurement) { m.Value *= 1e-200 }),
		"few lines":      set(s.persons(25, 1), func(i int, m *result.Measurement) { m.Value = result.Number(m.Day * (i + 1)) }),
	} {
		t.Run(name, func(t *testing.T) {
			for i := range people {
				people[i].Covariates = map[string]string{"arm": []string{"A", "B"}[i%2], "side": "left", "x": fmt.Sprint(i)}
				people[i].TreatedZones = []string{"chin"}
			}
			all := analyse(t, options(), people...)
			if name == "some zone" {
				if r := rowOf(t, all, "nose", roughness, "visit:1"); r.N != 1 || r.Missing != 7 || !strings.Contains(r.Reason, "7 no photos of this view or zone") {
					t.Errorf("%+v", r)
				}
			}
			if name == "all missing" {
				if r := rowOf(t, all, "nose", roughness, day90); r.N != 0 || r.Missing != 8 {
					t.Errorf("%+v", r)
				}
			}
			if err := result.WriteCohort(t.TempDir(), all); err != nil {
				t.Error(err)
			}
		})
	}
	// Redness of very dark skin is not judged.
	dark := sample{zones: []string{"chin"}, metrics: []string{"erythema_index", roughness}, days: []int{0, 30}, noise: 1}.persons(6, 1)
	dark[0].Series[0].ITADeg = -40
	all := analyse(t, options(), dark...)
	if r := rowOf(t, all, "chin", "erythema_index", "visit:1"); r.N != 5 {
		t.Errorf("%+v", r)
	}
	if r := rowOf(t, all, "chin", roughness, "visit:1"); r.N != 6 {
		t.Errorf("%+v", r)
	}
}

func TestOptions(t *testing.T) {
	for want, spoil := range map[string]func(*Options){
		"as-of":        func(o *Options) { o.AsOf.Time = time.Time{} },
		"alpha 1":      func(o *Options) { o.Alpha = 1 },
		"window 90+-9": func(o *Options) { o.Windows = []Window{{90, 900}} },
		"given twice":  func(o *Options) { o.Windows = []Window{{90, 9}, {90, 8}} },
		"no key":       func(o *Options) { o.Key = nil },
	} {
		o := options()
		spoil(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
