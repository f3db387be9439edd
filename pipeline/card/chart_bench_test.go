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
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
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
	for _, f := range files {
		p := readPicture(t, f)
		begin := time.Now()
		c, err := FindChart(p)
		fmt.Println(filepath.Base(f), p.W, p.H, err, time.Since(begin))
		draw(t, filepath.Base(f)+".png", p, c)
	}
}

func TestChartsInPhantoms(t *testing.T) {
	const subjects, each = 10, 20
	found, right := 0, 0
	var spent time.Duration
	for i := range subjects {
		who := fixtures.NewSubject(uint64(100+i), fixtures.Tones[i%len(fixtures.Tones)])
		for j := range each {
			r := rand.New(rand.NewPCG(uint64(i), uint64(j)))
			both := func(x float64) float64 { return x * (2*r.Float64() - 1) }
			shot := fixtures.Portrait(1500, 2000)
			shot.Noise, shot.NoiseSeed, shot.BlurPx, shot.Quality = 1, r.Uint64(), 0.8*r.Float64(), 92
			shot.EV, shot.RedGain, shot.BlueGain = -0.3+both(0.5), 1+both(0.15), 1+both(0.15)
			shot.Gradient, shot.GradientAngle = 0.4*r.Float64(), 360*r.Float64()
			// From 6 % of the width of the photo on.
			width := float64(shot.W) / shot.PxPerMM * (0.06 + 0.2*r.Float64()*r.Float64())
			share := 0.75 + 0.13*r.Float64()
			side := 1.0
			if r.IntN(2) == 0 {
				side = -1
			}
			shot.Sheet = fixtures.Chart(Classic2014.AllLinear(), width, share).At(side*(78-0.2*width), 118+both(8), both(30))
			shot.Sheet.Z, shot.Sheet.Turn, shot.Sheet.Tilt = fixtures.FaceDepth+15, both(25), both(25)
			photo := fixtures.Render(who, fixtures.Baseline, shot)
			p := rgbOf(photo)
			begin := time.Now()
			c, err := FindChart(p)
			spent += time.Since(begin)
			ok := err == nil
			if ok {
				found++
				pitch := width / (Columns + 0.66)
				for _, q := range c.Patches {
					x, y := shot.Project(shot.Sheet, q.U*pitch, q.V*pitch)
					ok = ok && math.Hypot(x-q.X, y-q.Y) < 0.15*pitch*shot.PxPerMM
				}
			}
			if ok {
				right++
			} else {
				fmt.Printf("%d-%d: chart %.0f px wide, share %.2f, roll %.0f turn %.0f tilt %.0f: %v\n", i, j, width*shot.PxPerMM, share, shot.Sheet.Roll, shot.Sheet.Turn, shot.Sheet.Tilt, err)
				draw(t, fmt.Sprintf("miss-%d-%d.png", i, j), p, c)
			}
			if os.Getenv("FEW") != "" && j == 3 {
				break
			}
		}
	}
	fmt.Println(found, right, spent/(subjects*each))
}
