//go:build bench

package card

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

func draw(t *testing.T, file string, p cv.RGB, c *Chart) {
	dir := os.Getenv("DERMATREND_DRAW")
	if dir == "" {
		return
	}
	m := image.NewRGBA(image.Rect(0, 0, p.W, p.H))
	for k := range p.W * p.H {
		m.SetRGBA(k%p.W, k/p.W, color.RGBA{p.Pix[3*k], p.Pix[3*k+1], p.Pix[3*k+2], 255})
	}
	if c != nil {
		for k, q := range c.Patches {
			r := int(c.PatchPx * sampled * 0.8)
			for d := -r; d <= r; d++ {
				for _, at := range [][2]int{{d, -r}, {d, r}, {-r, d}, {r, d}} {
					col := color.RGBA{255, uint8(k * 10), 0, 255}
					if q.Dropped != "" {
						col = color.RGBA{0, 255, 255, 255}
					}
					m.SetRGBA(int(q.X)+at[0], int(q.Y)+at[1], col)
				}
			}
		}
	}
	f, err := os.Create(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
}

func TestChartsFound(t *testing.T) {
	dir := os.Getenv("DERMATREND_SHARED")
	files, _ := filepath.Glob(filepath.Join(dir, "photos/charts/*"))
	if len(files) == 0 {
		t.Skip("no photos of charts")
	}
	found := 0
	for _, f := range files {
		p := readPicture(t, f)
		c, err := FindChart(p)
		if err == nil {
			found++
		} else {
			fmt.Println(filepath.Base(f), err)
		}
		draw(t, filepath.Base(f)+".png", p, c)
	}
	fmt.Printf("BENCH|real charts found, of %d photos|%d|all|%v\n", len(files), found, found == len(files))
}

// scene is a rendered face, linear light, to hold charts into.
type scene struct {
	shot   fixtures.Shot
	planes [3]cv.Plane
}

func newScene(seed uint64, tone fixtures.Tone) scene {
	s := scene{shot: fixtures.Portrait(1500, 2000)}
	p := fixtures.Render(fixtures.NewSubject(seed, tone), fixtures.Baseline, s.shot)
	for c := range s.planes {
		s.planes[c] = cv.NewPlane(p.W, p.H)
		for k := range s.planes[c].Pix {
			s.planes[c].Pix[k] = photo.Linear[p.RGB[3*k+c]]
		}
	}
	return s
}

// take is a photo of the scene with the shot's sheet: through its camera, in its uneven
// light, out of focus, with noise, as a JPEG.
func (s scene) take(t *testing.T, shot fixtures.Shot) cv.RGB {
	t.Helper()
	sheet, light := shot.Sheet, 0.85
	var from, to [][2]float64
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, c := range [][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}} {
		u, v := c[0]*sheet.W/2, c[1]*sheet.H/2
		x, y := shot.Project(sheet, u, v)
		from, to = append(from, [2]float64{u, v}), append(to, [2]float64{x, y})
		x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
	}
	m, err := fitHomography(from, to)
	if err != nil {
		t.Fatal(err)
	}
	back := m.inverse()
	var planes [3]cv.Plane
	for c := range planes {
		planes[c] = cv.Plane{W: shot.W, H: shot.H, Pix: slices.Clone(s.planes[c].Pix)}
	}
	const rays = 3
	for y := max(0, int(y0)-1); y < min(shot.H, int(y1)+2); y++ {
		for x := max(0, int(x0)-1); x < min(shot.W, int(x1)+2); x++ {
			k, sum, inside := y*shot.W+x, [3]float64{}, 0.0
			for j := range rays * rays {
				u, v := back.at(float64(x)+(float64(j%rays)+0.5)/rays-0.5, float64(y)+(float64(j/rays)+0.5)/rays-0.5)
				if math.Abs(u) > sheet.W/2 || math.Abs(v) > sheet.H/2 {
					continue
				}
				inside += 1.0 / (rays * rays)
				for c, a := range sheet.Paint(u, v) {
					sum[c] += a * light / (rays * rays)
				}
			}
			for c := range planes {
				planes[c].Pix[k] = planes[c].Pix[k]*float32(1-inside) + float32(sum[c])
			}
		}
	}
	gain := [3]float64{shot.RedGain * math.Exp2(shot.EV), math.Exp2(shot.EV), shot.BlueGain * math.Exp2(shot.EV)}
	sin, cos := math.Sincos(shot.GradientAngle * math.Pi / 180)
	for k := range planes[0].Pix {
		x, y := float64(k%shot.W-shot.W/2), float64(k/shot.W-shot.H/2)
		uneven := 1 - (x*cos+y*sin)*shot.Gradient/(140*shot.PxPerMM)
		v := mul(shot.Camera, [3]float64{float64(planes[0].Pix[k]), float64(planes[1].Pix[k]), float64(planes[2].Pix[k])})
		for c := range planes {
			planes[c].Pix[k] = float32(v[c] * uneven * gain[c])
		}
	}
	r := rand.New(rand.NewPCG(shot.NoiseSeed, 1))
	out := cv.NewRGB(shot.W, shot.H)
	for c, p := range planes {
		if p, err = cv.Gaussian(p, math.Hypot(0.5, shot.BlurPx)); err != nil {
			t.Fatal(err)
		}
		for k, v := range p.Pix {
			x := math.Max(0, float64(v))
			x += r.NormFloat64() * math.Sqrt(0.0009*0.0009+0.0055*0.0055*x)
			out.Pix[3*k+c] = uint8(255*metrics.LinearToSRGB(math.Min(x, 1)) + 0.5)
		}
	}
	data, err := cv.EncodeJPEG(out, shot.Quality)
	if err != nil {
		t.Fatal(err)
	}
	p, err := cv.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestChartsInPhantoms holds a chart beside rendered faces of all tones: turned in the
// picture by up to 30 degrees and out of its plane by 25 both ways, from 6 % of the width
// of the photo on, in uneven light, through a camera with a known matrix.
func TestChartsInPhantoms(t *testing.T) {
	const each = 34 // of a tone
	matrix := [3][3]float64{{0.86, 0.12, 0.02}, {0.06, 0.90, 0.04}, {0.02, 0.12, 0.86}}
	found, photos := 0, 0
	var residuals, skins []float64
	for i, tone := range fixtures.Tones {
		s := newScene(uint64(100+i), tone)
		for j := range each {
			r := rand.New(rand.NewPCG(uint64(i), uint64(j)))
			both := func(x float64) float64 { return x * (2*r.Float64() - 1) }
			shot := s.shot
			shot.NoiseSeed, shot.BlurPx, shot.Quality, shot.Camera = r.Uint64(), 0.8*r.Float64(), 92, matrix
			shot.EV, shot.RedGain, shot.BlueGain = -0.3+both(0.5), 1+both(0.15), 1+both(0.15)
			shot.Gradient, shot.GradientAngle = 0.4*r.Float64(), 360*r.Float64()
			width := float64(shot.W) / shot.PxPerMM * (0.06 + 0.2*r.Float64()*r.Float64())
			share := 0.75 + 0.13*r.Float64()
			side := 1.0
			if r.IntN(2) == 0 {
				side = -1
			}
			shot.Sheet = fixtures.Chart(Classic2014.AllLinear(), width, share).At(side*(78-0.2*width), 118+both(8), both(30))
			shot.Sheet.Z, shot.Sheet.Turn, shot.Sheet.Tilt = fixtures.FaceDepth+15, both(25), both(25)
			p := s.take(t, shot)
			photos++
			c, err := FindChart(p)
			ok := err == nil
			if ok {
				pitch := width / (Columns + 0.66)
				for _, q := range c.Patches {
					x, y := shot.Project(shot.Sheet, q.U*pitch, q.V*pitch)
					ok = ok && math.Hypot(x-q.X, y-q.Y) < 0.15*pitch*shot.PxPerMM
				}
			}
			if !ok {
				fmt.Printf("%d-%d: chart %.0f px wide, share %.2f, roll %.0f turn %.0f tilt %.0f: %v\n", i, j, width*shot.PxPerMM, share, shot.Sheet.Roll, shot.Sheet.Turn, shot.Sheet.Tilt, err)
				draw(t, fmt.Sprintf("miss-%d-%d.png", i, j), p, c)
				continue
			}
			found++
			fit, err := c.FitBetter()
			if err != nil {
				fmt.Printf("%d-%d: %v\n", i, j, err)
				residuals, skins = append(residuals, math.Inf(1)), append(skins, math.Inf(1))
				continue
			}
			residuals = append(residuals, fit.Residual)
			// A colour that is on no patch, skin, as the camera sees it.
			seen := mul(matrix, skin)
			for k, g := range [3]float64{shot.RedGain, 1, shot.BlueGain} {
				seen[k] *= g
			}
			// The exposure of the patches depends on where in the uneven light they lie.
			got, want := labOf(fit.Correct(seen)), labOf(skin)
			skins = append(skins, math.Hypot(got[1]*want[0]/got[0]-want[1], got[2]*want[0]/got[0]-want[2]))
		}
	}
	share := 100 * float64(found) / float64(photos)
	fmt.Printf("BENCH|colour charts found in %d rendered photos, every patch in its place, %%|%.1f|>= 95|%v\n", photos, share, share >= 95)
	slices.Sort(residuals)
	slices.Sort(skins)
	mean := stat.Mean(residuals, nil)
	fmt.Printf("BENCH|the same, a known camera matrix: mean difference of the patches after correction, CIEDE2000 (95th percentile %.2f)|%.2f|<= 2|%v\n",
		residuals[len(residuals)*95/100], mean, mean <= 2)
	fmt.Printf("BENCH|the same: skin, which is on no patch, off in a* and b* (median; 95th percentile %.2f)|%.2f|-|true\n", skins[len(skins)*95/100], skins[len(skins)/2])
}
