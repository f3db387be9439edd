//go:build bench

package pipeline

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline/card"
	"github.com/dermatrend/dermatrend/pipeline/face"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// middle is the median of the absolute values.
func middle(v []float64) float64 {
	for i := range v {
		v[i] = math.Abs(v[i])
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// TestCardNullSeries measures untouched skin under changing white balance and exposure,
// with a chart beside the face and nothing known of treatment.
func TestCardNullSeries(t *testing.T) {
	const persons, sessions = 3, 7
	changes := map[string][]float64{}
	verdicts := map[result.Verdict]int{}
	used := 0
	for i := range persons {
		root := t.TempDir()
		who := fixtures.NewSubject(uint64(60+i), fixtures.Tones[[]int{1, 0, 3}[i%3]])
		r := rand.New(rand.NewPCG(7, uint64(i)))
		both := func(x float64) float64 { return x * (2*r.Float64() - 1) }
		for s := range sessions {
			shot := fixtures.Portrait(1350, 1800)
			shot.Noise, shot.NoiseSeed, shot.Quality, shot.EV = 1, r.Uint64(), 95, -0.6
			shot.Camera = [3][3]float64{{0.86, 0.12, 0.02}, {0.06, 0.90, 0.04}, {0.02, 0.12, 0.86}}
			if s > 0 {
				shot.EV += both(0.7)
				shot.RedGain, shot.BlueGain = 1+both(0.15), 1+both(0.15)
				shot.Yaw, shot.Roll, shot.BlurPx = both(1.5), both(3), 0.4*r.Float64()
			}
			shot.Sheet = fixtures.Chart(card.Classic2014.AllLinear(), 62, 0.86).At(76+both(3), 122+both(4), 90+both(8))
			shot.Sheet.Turn, shot.Sheet.Tilt = both(6), both(6)
			data, err := fixtures.Render(who, fixtures.Baseline, shot).JPEG(time.Date(2025, 1, 1+30*s, 9, 0, 0, 0, time.UTC))
			check(t, err)
			check(t, os.WriteFile(filepath.Join(root, fmt.Sprintf("s%d-front.jpg", s)), data, 0o600))
			if dir := os.Getenv("DERMATREND_DRAW"); dir != "" {
				check(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("null-%d-%d.jpg", i, s)), data, 0o600))
			}
		}
		st, err := study.Load(root, study.Options{})
		if st == nil {
			t.Fatal(err)
		}
		out, err := RunSeries(t.Context(), DefaultConfig(), st.Subjects[0].Series()[0], t.TempDir(), func(string, string) {})
		check(t, err)
		for _, n := range out.Notes {
			fmt.Println("note:", n)
		}
		for _, c := range out.Comparability {
			if c.Check == "card_residual" {
				used++
			}
			if len(c.Check) > 4 && c.Check[:5] == "card_" {
				fmt.Printf("%d %s %s %.2f %s\n", i, c.Session, c.Check, float64(c.Value), c.Status)
			}
		}
		base := map[string]float64{}
		for _, m := range out.Measurements {
			switch m.Metric {
			case "a_star", "erythema_index", "erythema_index_absolute":
			default:
				continue
			}
			if m.Basis != result.BasisSeries || !m.Value.Known() {
				continue
			}
			key := m.Zone + m.Metric
			if m.Session == "s0" {
				base[key] = float64(m.Value)
				continue
			}
			changes[m.Metric] = append(changes[m.Metric], float64(m.Value)-base[key])
		}
		for _, v := range out.Trends {
			if v.Metric == "erythema_index" || v.Metric == "a_star" {
				verdicts[v.Verdict]++
				fmt.Println(i, v.Zone, v.Metric, v.Change, v.SDC, v.Limit, v.Verdict, v.Qualifier, v.Reason)
			}
		}
	}
	for _, m := range []string{"a_star", "erythema_index", "erythema_index_absolute"} {
		v := changes[m]
		half := middle(v)
		fmt.Printf("BENCH|null series with a colour chart, +-15 %% of the channels, +-0.7 EV: median change of %s (95th percentile %.2f, n %d)|%.2f|<= 0.5|%v\n", m, v[len(v)*95/100], len(v), half, half <= 0.5)
	}
	fmt.Printf("BENCH|the same: charts used, of %d photos|%d|all|%v\n", persons*sessions, used, used == persons*sessions)
	fmt.Println(verdicts)
}

// TestScaleOfPersons holds the scale by a marker of 30 mm in the plane of the cheeks, and
// that by the irises, against the truth, over persons of all tones, turned a little and
// out of focus as photos are.
func TestScaleOfPersons(t *testing.T) {
	const persons, side = 20, 30
	cells, err := cv.MarkerCells(side)
	check(t, err)
	detector, err := face.New(nil)
	check(t, err)
	defer detector.Close()
	paper := side * (1 + 3.0/cv.MarkerSide)
	var marker, iris []float64
	for i := range persons {
		r := rand.New(rand.NewPCG(11, uint64(i)))
		both := func(x float64) float64 { return x * (2*r.Float64() - 1) }
		shot := fixtures.Portrait(900, 1200)
		shot.PxPerMM *= 1 + both(0.1)
		shot.Noise, shot.NoiseSeed, shot.EV, shot.BlurPx = 1, r.Uint64(), -0.3+both(0.4), 0.8*r.Float64()
		shot.Yaw, shot.Pitch, shot.Roll = both(4), both(3), both(4)
		shot.Sheet = &fixtures.Sheet{W: paper, H: paper, X: 72, Y: 112, Z: fixtures.FaceDepth, // whole in the picture
			Roll: both(20), Turn: both(15), Tilt: both(15), Paint: func(x, y float64) [3]float64 {
				c, r := int(math.Floor((x/side+0.5)*cv.MarkerSide)), int(math.Floor((y/side+0.5)*cv.MarkerSide))
				if c >= 0 && r >= 0 && c < cv.MarkerSide && r < cv.MarkerSide && !cells[r][c] {
					return [3]float64{0.04, 0.04, 0.04}
				}
				return [3]float64{0.8, 0.8, 0.8}
			}}
		p := fixtures.Render(fixtures.NewSubject(uint64(200+i), fixtures.Tones[i%len(fixtures.Tones)]), fixtures.Baseline, shot)
		rgb := cv.RGB{W: p.W, H: p.H, Pix: p.RGB}
		s, _, err := card.FindScale(rgb, 0)
		check(t, err)
		marker = append(marker, 100*math.Abs(s.PxPerMM/p.Truth.PxPerMM-1)) // none is 100 % off
		off := 100.0
		if f, err := detector.Find(&photo.Photo{RGB: rgb}); err == nil {
			scale, _ := f.PxPerMM()
			off = 100 * math.Abs(scale/p.Truth.PxPerMM-1)
		}
		iris = append(iris, off)
	}
	for _, c := range []struct {
		name  string
		off   []float64
		limit float64
	}{{"a marker", marker, 1}, {"the irises", iris, 4}} {
		half := middle(c.off) // sorts
		worst := c.off[len(c.off)-1]
		fmt.Printf("BENCH|scale by %s, %d rendered faces: error in %%, the largest (median %.2f)|%.2f|<= %g|%v\n", c.name, persons, half, worst, c.limit, worst <= c.limit)
	}
}
