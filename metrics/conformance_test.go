package metrics

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// baselinePath holds one value a metric of skinPatch(300, 300, 20).
const baselinePath = "testdata/baseline.csv"

// TestConformance checks what every metric owes, whatever it measures. Run with
// UPDATE_BASELINE=1 it writes the baseline; say in the change why values moved.
func TestConformance(t *testing.T) {
	if os.Getenv("UPDATE_BASELINE") == "1" {
		writeBaseline(t)
	}
	baseline := readBaseline(t)
	snake := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	seen := map[string]bool{}
	p := skinPatch(300, 300, 20)
	for _, m := range All() {
		t.Run(m.Name, func(t *testing.T) {
			if !snake.MatchString(m.Name) || seen[m.Name] {
				t.Error("the name is not snake_case or not unique")
			}
			seen[m.Name] = true
			if m.Unit == "" || m.Doc == "" || m.Source == "" || m.Family == "" {
				t.Error("unit, family, doc and source are required")
			}
			if m.Primary && m.Direction == NoDirection {
				t.Error("a primary metric needs a direction")
			}
			for what, bad := range misshapen() {
				if v, err := m.Measure(bad); !errors.Is(err, ErrUndefined) || !math.IsNaN(v) {
					t.Errorf("%s: got %v, %v; want NaN and ErrUndefined", what, v, err)
				}
			}
			if m.NeedsPxPerMM > 0 {
				q := fresh(p)
				q.PxPerMM = 0
				wantUndefined(t, m.Name, q, "no scale")
				q.PxPerMM = 0.99 * m.NeedsPxPerMM
				wantUndefined(t, m.Name, q, "needs ")
			}
			row, ok := baseline[m.Name]
			if !ok {
				t.Fatal("no row in the baseline")
			}
			got, err := m.Measure(p)
			if err != nil {
				t.Fatal(err)
			}
			// Fused multiply-add differs between processors in the last float32 bits,
			// and a count near a level may tip.
			near(t, m.Name, got, row.value, 1e-3*math.Abs(row.value)+1e-9)
			if row.unit != m.Unit {
				t.Errorf("unit %s, the baseline has %s", m.Unit, row.unit)
			}
		})
	}
	for name := range baseline {
		if !seen[name] {
			t.Errorf("the baseline has %s, which is no metric", name)
		}
	}
}

// TestCatalogue pins what the outside relies on: names in table order, what may
// carry a verdict, and what has no better or worse.
func TestCatalogue(t *testing.T) {
	var names, primary, neutral []string
	for _, m := range All() {
		names = append(names, m.Name)
		if m.Primary {
			primary = append(primary, m.Name)
		}
		if m.Direction == NoDirection {
			neutral = append(neutral, m.Name)
		}
	}
	equal := func(what string, got []string, want string) {
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s: got %s, want %s", what, g, want)
		}
	}
	equal("names", names, "erythema_index erythema_index_absolute a_star red_area_fraction "+
		"melanin_index ita_deg brown_area_fraction roughness_fine roughness_mid roughness_coarse "+
		"glcm_contrast glcm_homogeneity glcm_entropy glcm_correlation "+
		"pore_count pore_density_per_cm2 pore_diameter_um_median pore_diameter_um_p90 pore_area_fraction "+
		"scar_count scar_area_fraction scar_contrast "+
		"scar_count_icepick scar_area_fraction_icepick scar_contrast_icepick "+
		"scar_count_boxcar scar_area_fraction_boxcar scar_contrast_boxcar "+
		"scar_count_rolling scar_area_fraction_rolling scar_contrast_rolling line_density_mm_per_cm2")
	equal("primary", primary, "erythema_index roughness_mid pore_area_fraction scar_contrast")
	equal("without direction", neutral, "melanin_index ita_deg glcm_correlation")
}

// misshapen are patches that nothing can be measured on.
func misshapen() map[string]*Patch {
	small := skinPatch(40, 40, 20)
	cut := fresh(small)
	cut.G.Pix = cut.G.Pix[:10]
	mask := fresh(small)
	mask.Skin.W = 39
	blur := fresh(small)
	blur.BlurPx = math.NaN()
	return map[string]*Patch{"nil": nil, "empty": {}, "short plane": cut, "other mask": mask, "blur NaN": blur}
}

type baselineRow struct {
	unit  string
	value float64
}

func readBaseline(t *testing.T) map[string]baselineRow {
	t.Helper()
	file, err := os.Open(baselinePath)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]baselineRow{}
	for _, r := range rows[1:] {
		v, err := strconv.ParseFloat(r[2], 64)
		if err != nil || out[r[0]].unit != "" {
			t.Fatalf("row %v: not a number, or twice: %v", r, err)
		}
		out[r[0]] = baselineRow{r[1], v}
	}
	return out
}

func writeBaseline(t *testing.T) {
	t.Helper()
	p := skinPatch(300, 300, 20)
	out := "metric,unit,value\n"
	for _, m := range All() {
		v, err := m.Measure(p)
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		out += fmt.Sprintf("%s,%s,%.7g\n", m.Name, m.Unit, v)
	}
	if err := os.WriteFile(baselinePath, []byte(out), 0o644); err != nil {
		t.Fatal(err)
	}
}

// FuzzMeasure: whatever is in a patch, every metric gives a finite number or NaN
// with ErrUndefined, and none panics.
func FuzzMeasure(f *testing.F) {
	f.Add([]byte("\x10\x80\x40\x20"), uint8(20), uint8(20), 14.6, 0.6, 0.01, 0.0, 3.0)
	f.Add([]byte("\xff\x00\x01\x7f\x30"), uint8(3), uint8(200), 1e-300, 0.0, 0.0, 0.0, -1.0)
	f.Add([]byte("\x00"), uint8(60), uint8(60), 5000.0, 1e9, 1e300, 12.0, math.Inf(1))
	f.Add([]byte("abcdefg"), uint8(120), uint8(120), math.NaN(), 1.0, 0.0, 1e300, math.NaN())
	f.Add([]byte("zz"), uint8(90), uint8(90), 20.0, 0.0, 1e-3, 1.0, 1e308)
	f.Fuzz(func(t *testing.T, data []byte, w, h uint8, pxPerMM, blur, noise, noiseBlur, object float64) {
		if len(data) == 0 {
			return
		}
		p := newPatch(int(w), int(h), 0, 0, 0)
		values := []float32{0, -1, 1e-12, 1e-3, 0.3, 0.31, 0.5, 1, float32(math.NaN()), float32(math.Inf(1)), 1e20, 0.29}
		for i := range p.R.Pix {
			d := int(data[i%len(data)]) + i/len(data)
			p.R.Pix[i], p.G.Pix[i], p.B.Pix[i] = values[d%12], values[d/3%12], values[d/7%12]
			p.Skin.Pix[i] = uint8(d & 3)
		}
		p.PxPerMM, p.BlurPx, p.NoiseOD, p.NoiseBlurPx = pxPerMM, blur, noise, noiseBlur
		p.Ref = Reference{ErythemaIndex: object, Source: "fuzz"}
		frozen := Freeze(p)
		p.Frozen = &frozen
		for range data[0] % 16 {
			p.Objects = append(p.Objects, Object{Kind: Pore, Diameter: object, Area: object},
				Object{Kind: Scar, Type: "boxcar", Area: object, Contrast: object})
		}
		p.Lines = &Lines2D{LengthPx: object}
		for _, m := range All() {
			v, err := m.Measure(p)
			if err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
				t.Errorf("%s: %v without an error", m.Name, v)
			}
			if err != nil && (!errors.Is(err, ErrUndefined) || !math.IsNaN(v)) {
				t.Errorf("%s: %v, %v", m.Name, v, err)
			}
		}
	})
}

// BenchmarkAll measures everything on a zone of a close-up and of a small photo.
func BenchmarkAll(b *testing.B) {
	for _, c := range []struct {
		size    int
		pxPerMM float64
	}{{600, 14.6}, {100, 3.4}} {
		b.Run(fmt.Sprintf("%dpx", c.size), func(b *testing.B) {
			p := skinPatch(c.size, c.size, c.pxPerMM)
			list := All()
			for b.Loop() {
				q := Patch{R: p.R, G: p.G, B: p.B, Skin: p.Skin, PxPerMM: p.PxPerMM, BlurPx: p.BlurPx, NoiseOD: p.NoiseOD,
					Ref: p.Ref, Frozen: p.Frozen, Objects: p.Objects, Lines: p.Lines}
				for _, m := range list {
					m.Measure(&q)
				}
			}
		})
	}
}
