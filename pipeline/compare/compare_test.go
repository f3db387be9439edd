package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/photo"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// same is a photo that does not differ from its baseline in any way.
func same() Facts {
	return Facts{PxPerMM: 25, ScaleRatio: 1, JPEGQuality: 95}
}

func days(n int) *int { return &n }

func find(cs []Check, name string) []Check {
	var out []Check
	for _, c := range cs {
		if c.Name == name {
			out = append(out, c)
		}
	}
	return out
}

func TestNothingDiffers(t *testing.T) {
	cs := Checks(same())
	for _, c := range cs {
		if c.Status != result.OK || c.Explanation != "" {
			t.Errorf("%s: %s, %q", c.Name, c.Status, c.Explanation)
		}
	}
	gate := Gate(cs)
	if len(gate) != len(all) {
		t.Errorf("%d families, want %d", len(gate), len(all))
	}
	for f, j := range gate {
		if j != (Judgement{Status: result.OK}) {
			t.Errorf("%s: %+v", f, j)
		}
	}
}

// TestFamilies: every family of a metric is judged.
func TestFamilies(t *testing.T) {
	gate := Gate(nil)
	for _, m := range metrics.All() {
		if j, ok := gate[m.Family]; !ok || j.Status != result.OK {
			t.Errorf("%s: family %s is not judged: %+v", m.Name, m.Family, j)
		}
	}
}

// TestBands goes through the limits of each check from both sides.
func TestBands(t *testing.T) {
	type step struct {
		v    float64
		want result.Status
	}
	ok, caution, refused := result.OK, result.Caution, result.Refused
	for _, c := range []struct {
		name  string
		set   func(f *Facts, v float64)
		steps []step
		hit   metrics.Family // one that it spoils
		free  metrics.Family // one that it does not; empty: it spoils all
	}{
		{"scale", func(f *Facts, v float64) { f.ScaleRatio = v }, []step{{1.149, ok}, {0.851, ok}, {1.151, caution}, {0.849, caution}, {1.449, caution}, {1.451, refused}, {0.549, refused}}, metrics.Texture, metrics.Redness},
		{"yaw", func(f *Facts, v float64) { f.YawDeg = v }, []step{{2.9, ok}, {-2.9, ok}, {3.1, caution}, {-3.1, caution}, {-7.9, caution}, {8.1, refused}, {-8.1, refused}}, metrics.Scars, ""},
		{"pitch", func(f *Facts, v float64) { f.PitchDeg = v }, []step{{-3.9, ok}, {4.1, caution}, {-9.9, caution}, {10.1, refused}}, metrics.Lines, ""},
		{"pose", func(f *Facts, v float64) { f.YawDeg = v }, []step{{4.9, ok}, {-4.9, ok}, {5.1, caution}, {-20, caution}}, metrics.Redness, ""},
		{"pose", func(f *Facts, v float64) { f.PitchDeg = v }, []step{{4.9, ok}, {5.1, caution}, {-20, caution}}, metrics.Pigment, ""},
		{"perspective", func(f *Facts, v float64) { f.Perspective = v }, []step{{0.059, ok}, {-0.061, caution}, {0.119, caution}, {0.121, refused}}, metrics.Redness, ""},
		{"alignment", func(f *Facts, v float64) { f.ResidualPct = v }, []step{{1.19, ok}, {1.21, caution}, {2.49, caution}, {2.51, refused}}, metrics.Pores, metrics.Pigment},
		{"exposure", func(f *Facts, v float64) { f.Light.EV = v }, []step{{0.69, ok}, {-0.71, caution}, {1.49, caution}, {-1.51, refused}}, metrics.Pigment, metrics.Texture},
		{"light_gradient", func(f *Facts, v float64) { f.Light.GradientPct = v }, []step{{19, ok}, {21, caution}, {59, caution}, {61, refused}}, metrics.Redness, ""},
		{"white_balance", func(f *Facts, v float64) { f.Light.ColourPct = v }, []step{{7.9, ok}, {8.1, caution}, {500, caution}}, metrics.Pigment, metrics.Scars},
		{"clipping", func(f *Facts, v float64) { f.Clipped = v / 100 }, []step{{0.99, ok}, {1.01, caution}, {14.9, caution}, {15.1, refused}}, metrics.Redness, ""},
		{"sharpness", func(f *Facts, v float64) { f.BlurVar = math.Copysign(v*v, v) }, []step{{0.59, ok}, {-0.59, ok}, {0.61, caution}, {-0.61, caution}, {2.19, caution}, {2.21, refused}}, metrics.Texture, metrics.Redness},
		{"light_fit_residual", func(f *Facts, v float64) { f.Light.ResidualPct = v }, []step{{8.9, ok}, {9.1, caution}, {17.9, caution}, {18.1, refused}}, metrics.Scars, metrics.Redness},
		{"colour_fit", func(f *Facts, v float64) { f.Light.ColourResidualPct = v }, []step{{7.9, ok}, {8.1, caution}, {500, caution}}, metrics.Redness, metrics.Texture},
		{"glare", func(f *Facts, v float64) { f.Glare = v / 100 }, []step{{1.9, ok}, {-1.9, ok}, {2.1, caution}, {-5.9, caution}, {6.1, refused}}, metrics.Pores, metrics.Redness},
		{"noise", func(f *Facts, v float64) { f.NoisePct = v }, []step{{2.9, ok}, {-3.1, caution}, {7.9, caution}, {8.1, refused}}, metrics.Pores, metrics.Scars},
		{"smoothing", func(f *Facts, v float64) { f.FineOverMiddle = v }, []step{{math.Log(0.81), ok}, {-math.Log(0.81), ok}, {math.Log(0.79), caution}, {-math.Log(0.79), caution}, {math.Log(0.71), refused}, {-math.Log(0.71), refused}}, metrics.Texture, metrics.Redness},
		{"fine_detail", func(f *Facts, v float64) { f.Fine = v }, []step{{math.Log(0.56), ok}, {math.Log(0.54), caution}, {math.Log(0.41), refused}, {-math.Log(0.41), refused}}, metrics.Scars, metrics.Pigment},
		{"colour_evenness", func(f *Facts, v float64) { f.ColourSpread = v }, []step{{math.Log(0.77), ok}, {math.Log(0.75), caution}, {math.Log(0.71), caution}, {math.Log(0.69), refused}, {-3, refused}}, metrics.Redness, metrics.Texture},
		{"date_order", func(f *Facts, v float64) { f.DatedBefore = v }, []step{{0, ok}, {0.9, ok}, {1, refused}, {400, refused}}, metrics.Scars, ""},
		{"jpeg_quality", func(f *Facts, v float64) { f.JPEGQuality = v }, []step{{80, ok}, {79, caution}, {50, caution}, {49, refused}}, metrics.Pores, metrics.Redness},
		{"resolution_pore_count", func(f *Facts, v float64) { f.PxPerMM = v }, []step{{12, ok}, {11.9, refused}}, metrics.Pores, metrics.Texture},
	} {
		for _, s := range c.steps {
			f := same()
			c.set(&f, s.v)
			cs := Checks(f)
			got := find(cs, c.name)
			if len(got) != 1 {
				t.Fatalf("%s: %d checks", c.name, len(got))
			}
			if got[0].Status != s.want {
				t.Errorf("%s of %v: %s, want %s", c.name, s.v, got[0].Status, s.want)
			}
			if (got[0].Explanation == "") != (s.want == ok) {
				t.Errorf("%s of %v is %s and says %q", c.name, s.v, s.want, got[0].Explanation)
			}
			gate := Gate(cs)
			if j := gate[c.hit]; j.Status != s.want || (j.Reason == "") != (s.want == ok) {
				t.Errorf("%s of %v: %s is judged %+v, want %s", c.name, s.v, c.hit, j, s.want)
			}
			if c.free != "" && gate[c.free].Status != ok {
				t.Errorf("%s of %v spoils %s", c.name, s.v, c.free)
			}
		}
	}
}

// TestLimitShown: the limit of a row is the one that was passed.
func TestLimitShown(t *testing.T) {
	for v, want := range map[float64]float64{1: 3, 4: 3, 9: 8} {
		f := same()
		f.YawDeg = v
		if c := find(Checks(f), "yaw")[0]; c.Limit != want {
			t.Errorf("yaw %v: limit %v, want %v", v, c.Limit, want)
		}
	}
}

// TestResolution: pore sizes need 20 px/mm; that alone costs no other metric.
func TestResolution(t *testing.T) {
	f := same()
	f.PxPerMM = 15
	cs := Checks(f)
	if c := find(cs, "resolution_pore_size")[0]; c.Row("", "", "", "").Affects != "pores" || c.Status != result.Refused || !strings.Contains(c.Explanation, "20 px/mm") || !strings.Contains(c.Explanation, "15.0") {
		t.Errorf("%+v", c)
	}
	if j := Gate(cs)[metrics.Pores]; j.Status != result.OK {
		t.Errorf("pores are judged %+v", j)
	}
	f.PxPerMM = 0
	if cs := Checks(f); len(find(cs, "resolution_pore_size"))+len(find(cs, "resolution_pore_count")) != 0 {
		t.Error("the resolution is judged without a scale")
	}
}

// TestUnknown: what is not known is judged neither way, but for the sharpness.
func TestUnknown(t *testing.T) {
	nan := math.NaN()
	f := same()
	f.YawDeg, f.PitchDeg, f.Perspective, f.ResidualPct = nan, nan, nan, nan
	f.Glare, f.NoisePct, f.Fine, f.FineOverMiddle, f.ColourSpread, f.DatedBefore = nan, nan, nan, nan, nan, nan
	f.JPEGQuality = nan
	cs := Checks(f)
	for _, c := range cs {
		if math.IsNaN(c.Value) || c.Status != result.OK {
			t.Errorf("%s: %v, %s", c.Name, c.Value, c.Status)
		}
	}
	for _, name := range []string{"yaw", "jpeg_quality", "alignment"} {
		if len(find(cs, name)) != 0 {
			t.Errorf("%s is judged", name)
		}
	}
	f = same()
	f.Light = Light{nan, nan, nan, nan, nan}
	gate := Gate(Checks(f))
	for _, fam := range []metrics.Family{metrics.Pigment, metrics.Texture, metrics.Scars} {
		if gate[fam].Status != result.Caution || gate[fam].Reason == "" {
			t.Errorf("unknown light: %s is judged %+v", fam, gate[fam])
		}
	}
	if c := find(Checks(f), "light_gradient"); len(c) != 1 || len(find(Checks(f), "exposure")) != 0 {
		t.Errorf("unknown light: %+v", c)
	}
	f = same()
	f.BlurVar = nan
	gate = Gate(Checks(f))
	for _, fam := range []metrics.Family{metrics.Texture, metrics.Lines, metrics.Pores} {
		if gate[fam].Status != result.Refused || gate[fam].Reason == "" {
			t.Errorf("unknown sharpness: %s is judged %+v", fam, gate[fam])
		}
	}
	if gate[metrics.Redness].Status != result.OK {
		t.Errorf("unknown sharpness spoils redness")
	}
}

// TestNoColour: without colours there is no redness, but there are lines.
func TestNoColour(t *testing.T) {
	f := same()
	f.NoColour = "the photo is greyscale"
	gate := Gate(Checks(f))
	for _, family := range []metrics.Family{metrics.Redness, metrics.Pigment} {
		if g := gate[family]; g.Status != result.Refused || g.Reason != f.NoColour {
			t.Errorf("%s of a greyscale photo: %+v", family, g)
		}
	}
	if gate[metrics.Texture].Status != result.OK {
		t.Errorf("texture of a greyscale photo: %+v", gate[metrics.Texture])
	}
}

// TestCameras: what differs asks for caution and names both, what is not known is
// not judged.
func TestCameras(t *testing.T) {
	base := photo.Camera{Model: "Canon EOS R8", Lens: "RF100mm F2.8", FocalMM: 100, Focal35: 100, Flash: "fired", Seconds: 1.0 / 125, FNumber: 8, ISO: 200}
	for _, c := range []struct {
		name   string
		change func(*photo.Camera)
		check  string // the one that warns; empty: none does
		said   string
	}{
		{"the same", func(*photo.Camera) {}, "", ""},
		{"the same light otherwise", func(c *photo.Camera) { c.Seconds, c.ISO, c.FNumber = 1.0/250, 400, 8 }, "", ""},
		{"a stop less", func(c *photo.Camera) { c.Seconds, c.ISO = 1.0/125, 400 }, "", ""},
		{"a dark room", func(c *photo.Camera) { c.Seconds = 1.0 / 15 }, "light_level", "0.1 times that"},
		{"the window", func(c *photo.Camera) { c.Seconds = 1.0 / 1000 }, "light_level", "8.0 times that"},
		{"smoothed", func(c *photo.Camera) { c.Seconds, c.ISO = 1.0/1000, 1600 }, "iso", "ISO 1600, at baseline ISO 200"},
		{"no shutter known", func(c *photo.Camera) { c.Seconds, c.FNumber = 0, 1.8 }, "", ""},
		{"another body", func(c *photo.Camera) { c.Model = "Canon EOS R5" }, "camera_model", "Canon EOS R5, at baseline Canon EOS R8"},
		{"another lens", func(c *photo.Camera) { c.Lens = "RF85mm F2" }, "lens", "RF85mm F2"},
		{"zoomed", func(c *photo.Camera) { c.Focal35 = 70 }, "focal_length", "70 mm, at baseline 100 mm"},
		{"a little", func(c *photo.Camera) { c.Focal35 = 95 }, "", ""},
		{"without film's", func(c *photo.Camera) { c.Focal35, c.FocalMM = 0, 50 }, "focal_length", "50 mm"},
		{"of another body without film's", func(c *photo.Camera) { c.Model, c.Focal35, c.FocalMM = "Apple iPhone 15", 0, 6 }, "camera_model", "iPhone"},
		{"no flash", func(c *photo.Camera) { c.Flash = "off" }, "flash", "flash"},
		{"nothing known", func(c *photo.Camera) { *c = photo.Camera{} }, "", ""},
	} {
		f := same()
		f.BaseCamera, f.Camera = base, base
		c.change(&f.Camera)
		var warned []string
		for _, k := range Checks(f) {
			if k.Status == result.OK {
				continue
			}
			warned = append(warned, k.Name)
			if k.Status != result.Caution || !strings.Contains(k.Explanation, c.said) || len(k.Affects) == 0 {
				t.Errorf("%s: %+v", c.name, k)
			}
		}
		if strings.Join(warned, " ") != c.check {
			t.Errorf("%s: warned by %q, want %q", c.name, warned, c.check)
		}
	}
}

// TestRecovery follows the design: to day 7 nothing can be judged, to day 20
// redness and pigment with caution and scars not, then all.
func TestRecovery(t *testing.T) {
	ok, caution, refused := result.OK, result.Caution, result.Refused
	early := map[metrics.Family]result.Status{metrics.Redness: refused, metrics.Pigment: refused, metrics.Texture: refused, metrics.Lines: refused, metrics.Pores: refused, metrics.Scars: refused}
	middle := map[metrics.Family]result.Status{metrics.Redness: caution, metrics.Pigment: caution, metrics.Texture: ok, metrics.Lines: ok, metrics.Pores: ok, metrics.Scars: refused}
	late := map[metrics.Family]result.Status{metrics.Redness: ok, metrics.Pigment: ok, metrics.Texture: ok, metrics.Lines: ok, metrics.Pores: ok, metrics.Scars: ok}
	for d, want := range map[int]map[metrics.Family]result.Status{0: early, 7: early, 8: middle, 20: middle, 21: late, 400: late} {
		f := same()
		f.DaysSince = days(d)
		gate := Gate(Checks(f))
		for fam, s := range want {
			if gate[fam].Status != s {
				t.Errorf("day %d: %s is %s, want %s", d, fam, gate[fam].Status, s)
			}
			if s != ok && !strings.Contains(gate[fam].Reason, fmt.Sprintf("day %d ", d)) {
				t.Errorf("day %d: %s says %q", d, fam, gate[fam].Reason)
			}
		}
	}
	if len(find(Checks(same()), "days_since_treatment")) != 0 {
		t.Error("days since a treatment that never was")
	}
}

// TestGate: the worst status wins, its reasons are joined, lesser ones are not
// mentioned.
func TestGate(t *testing.T) {
	tex, red := []metrics.Family{metrics.Texture}, []metrics.Family{metrics.Texture, metrics.Redness}
	gate := Gate([]Check{
		{Affects: red, Status: result.Caution, Explanation: "a"},
		{Affects: tex, Status: result.Refused, Explanation: "b"},
		{Affects: red, Status: result.Caution, Explanation: "c"},
		{Affects: tex, Status: result.Refused, Explanation: "d"},
		{Affects: red, Status: result.OK, Explanation: "e"},
		{Affects: nil, Status: result.Refused, Explanation: "f"},
	})
	if want := (Judgement{result.Refused, "b; d"}); gate[metrics.Texture] != want {
		t.Errorf("texture: %+v, want %+v", gate[metrics.Texture], want)
	}
	if want := (Judgement{result.Caution, "a; c"}); gate[metrics.Redness] != want {
		t.Errorf("redness: %+v, want %+v", gate[metrics.Redness], want)
	}
	if want := (Judgement{Status: result.OK}); gate[metrics.Pores] != want {
		t.Errorf("pores: %+v", gate[metrics.Pores])
	}
}

// TestDirections: the reason says which photo is to blame, and what to do.
func TestDirections(t *testing.T) {
	for _, x := range []struct {
		name string
		set  func(f *Facts)
		want string
	}{
		{"perspective", func(f *Facts) { f.Perspective = 0.3 }, "closer to the face than at baseline, which changes its form: step back"},
		{"perspective", func(f *Facts) { f.Perspective = -0.3 }, "farther from the face than at baseline, which changes its form: step closer"},
		// From 60 to 15 cm with one lens: 4 times the size, 63 mm (1/150 - 1/600).
		{"perspective", func(f *Facts) { f.Perspective, f.ScaleRatio = 63*(1/150.0-1/600.0), 4 }, "(by about 45 cm, if the lens was the same)"},
		{"perspective", func(f *Facts) { f.Perspective, f.ScaleRatio, f.IPDMM = 70*(1/300.0-1/450.0), 1.5, 70 }, "(by about 15 cm,"},
		// Larger, though farther away: another lens, and no distance can be told.
		{"perspective", func(f *Facts) { f.Perspective, f.ScaleRatio = -0.3, 1.3 }, "farther from the face than at baseline, which"},
		{"smoothing", func(f *Facts) { f.FineOverMiddle = -0.5 }, "in the photo the finest detail of the skin is 39 %"},
		{"smoothing", func(f *Facts) { f.FineOverMiddle = 0.5 }, "in the baseline"},
		{"fine_detail", func(f *Facts) { f.Fine = 1.5 }, "the baseline has lost 78 %"},
		{"colour_evenness", func(f *Facts) { f.ColourSpread = -1 }, "63 % more even than at baseline: make-up"},
		{"colour_evenness", func(f *Facts) { f.ColourSpread = 1 }, "at baseline than in the photo"},
		{"glare", func(f *Facts) { f.Glare = 0.08 }, "8 % more of the skin shines"},
		{"glare", func(f *Facts) { f.Glare = -0.08 }, "8 % less of the skin shines"},
		{"noise", func(f *Facts) { f.NoisePct = -9 }, "by 9.0 % of the light"},
		{"date_order", func(f *Facts) { f.DatedBefore = 31 }, "31 day(s) before"},
	} {
		f := same()
		x.set(&f)
		if c := find(Checks(f), x.name)[0]; !strings.Contains(c.Explanation, x.want) {
			t.Errorf("%s says %q, want %q", x.name, c.Explanation, x.want)
		}
	}
}

// TestZones goes through the limits of a zone's checks; each names the zone.
func TestZones(t *testing.T) {
	ok, caution, refused := result.OK, result.Caution, result.Refused
	for _, x := range []struct {
		name string
		f    ZoneFacts
		want result.Status
	}{
		{"expression", ZoneFacts{MovedPct: 1.7}, ok}, {"expression", ZoneFacts{MovedPct: 1.9}, caution}, {"expression", ZoneFacts{MovedPct: 3.6}, refused},
		{"stretch", ZoneFacts{StretchPct: 7.9}, ok}, {"stretch", ZoneFacts{StretchPct: 8.1}, caution}, {"stretch", ZoneFacts{StretchPct: 20.1}, refused},
		{"occlusion", ZoneFacts{Hidden: 0.24}, ok}, {"occlusion", ZoneFacts{Hidden: 0.26}, caution}, {"occlusion", ZoneFacts{Hidden: 0.46}, refused},
		{"zone_alignment", ZoneFacts{Lost: 0.24}, ok}, {"zone_alignment", ZoneFacts{Lost: 0.26}, caution}, {"zone_alignment", ZoneFacts{Lost: 0.46}, refused},
	} {
		x.f.Zone = "cheek_left"
		cs := ZoneChecks(x.f)
		c := find(cs, x.name)[0]
		if c.Status != x.want || (x.want != ok) != strings.Contains(c.Explanation, "cheek left") || Worst(cs) != (Judgement{x.want, c.Explanation}) {
			t.Errorf("%+v: %s, %q; worst %+v", x.f, c.Status, c.Explanation, Worst(cs))
		}
		if row := c.Row("P1", "front", "b", "b.jpg"); row.Check != x.name+"_cheek_left" || len(strings.Split(row.Affects, ";")) != len(all) {
			t.Errorf("%+v", row)
		}
	}
	nan := math.NaN()
	if cs := ZoneChecks(ZoneFacts{MovedPct: nan, StretchPct: nan, Hidden: nan, Lost: nan}); len(cs) != 0 {
		t.Errorf("what is not known is judged: %+v", cs)
	}
}

func TestRow(t *testing.T) {
	got := Check{Name: "yaw", Value: 4, Limit: 3, Unit: "deg", Affects: []metrics.Family{metrics.Texture, metrics.Scars}, Status: result.Caution}.Row("P1", "front", "s2", "x.jpg")
	want := result.Check{Subject: "P1", View: "front", Session: "s2", Photo: "x.jpg", Check: "yaw", Value: 4, Limit: 3, Unit: "deg", Affects: "texture;scars", Status: result.Caution}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// samples is skin lit in both photos, the second with a gain per channel and a
// slope; noise is the SD of the log ratio, wild the share of places that say
// nothing.
func samples(gain [3]float64, su, sv, noise, wild float64) []Sample {
	r := rand.New(rand.NewPCG(3, 4))
	var out []Sample
	for v := -1.0; v < 1; v += 0.1 {
		for u := -1.0; u < 1; u += 0.1 {
			s := Sample{U: u, V: v}
			base := 0.2 * math.Exp(0.5*r.NormFloat64()) // dark and light skin
			odd := r.Float64() < wild
			for c, k := range []float64{1.3, 0.9, 0.6} {
				s.Base[c] = base * k
				s.Target[c] = s.Base[c] * gain[c] * math.Exp(su*u+sv*v+noise*r.NormFloat64())
				if odd {
					s.Target[c] *= 4
				}
			}
			out = append(out, s)
		}
	}
	return out
}

func TestMeasureLight(t *testing.T) {
	near := func(name string, got, want, tol float64) {
		t.Helper()
		if !(math.Abs(got-want) <= tol) {
			t.Errorf("%s: %.4f, want %.4f", name, got, want)
		}
	}
	l := MeasureLight(samples([3]float64{1, 1, 1}, 0, 0, 0, 0))
	near("unchanged EV", l.EV, 0, 1e-9)
	near("unchanged gradient", l.GradientPct, 0, 1e-6)
	near("unchanged colour", l.ColourPct, 0, 1e-6)

	l = MeasureLight(samples([3]float64{0.5, 0.5, 0.5}, 0, 0, 0.02, 0))
	near("one stop darker", l.EV, -1, 0.01)
	near("one stop darker, gradient", l.GradientPct, 0, 1)
	near("one stop darker, colour", l.ColourPct, 0, 1)

	// 30 % across a face of 2 units, in a direction of 3:4.
	k := math.Log(1.3) / 2
	l = MeasureLight(samples([3]float64{1, 1, 1}, 0.6*k, -0.8*k, 0.02, 0))
	near("gradient", l.GradientPct, 30, 1.5)

	l = MeasureLight(samples([3]float64{1.12, 1, 0.95}, 0, 0, 0.02, 0))
	near("red gain", l.ColourPct, 12, 1)
	l = MeasureLight(samples([3]float64{1.05, 1, 1 / 1.2}, 0, 0, 0.02, 0))
	near("blue gain down", l.ColourPct, 20, 1)

	// A fifth of the places is hair or glare.
	l = MeasureLight(samples([3]float64{2.2, 2, 2}, k, 0, 0.02, 0.2))
	near("robust EV", l.EV, 1, 0.1)
	near("robust gradient", l.GradientPct, 30, 3)
	near("robust colour", l.ColourPct, 10, 1.5)

	// What no plane describes, 5 % in each channel by itself.
	l = MeasureLight(samples([3]float64{1, 1, 1}, k, 0, 0.05, 0))
	near("residual", l.ResidualPct, 100*math.Expm1(0.05), 0.8)
	near("residual of colour", l.ColourResidualPct, 100*math.Expm1(0.05*math.Sqrt2), 1.1)

	for _, few := range [][]Sample{nil, samples([3]float64{1, 1, 1}, 0, 0, 0, 0)[:49]} {
		if l := MeasureLight(few); !math.IsNaN(l.EV) || !math.IsNaN(l.GradientPct) || !math.IsNaN(l.ColourPct) {
			t.Errorf("%d samples: %+v", len(few), l)
		}
	}
	// All at one place: no slope can be told.
	one := samples([3]float64{2, 2, 2}, 0, 0, 0, 0)
	for i := range one {
		one[i].U, one[i].V = 0.3, 0.3
	}
	if l := MeasureLight(one); math.Abs(l.EV-1) > 1e-9 || l.GradientPct != 0 {
		t.Errorf("one place: %+v", l)
	}
}
