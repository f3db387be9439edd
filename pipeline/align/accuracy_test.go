//go:build bench

package align

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/face"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
)

// The accuracy of alignment on real pairs: 22 persons, neutral and smiling,
// minutes apart. Run by scripts/bench, which prints the lines beginning with
// BENCH.

// couple is one pair of photos.
type couple struct {
	name   string
	views  [2]View
	pupils [2]float64 // error against hand-placed points, per cent of their distance
}

func londonPairs(t *testing.T) []couple {
	t.Helper()
	dir := os.Getenv("DERMATREND_SHARED")
	if dir == "" {
		dir = "../../../shared"
	}
	files, _ := filepath.Glob(filepath.Join(dir, "photos", "london", "*", "neutral.jpg"))
	if len(files) == 0 {
		t.Skip("no real pairs here; set DERMATREND_SHARED to the folder that holds photos/london")
	}
	d, err := face.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var all []couple
	for _, f := range files {
		p := couple{name: filepath.Base(filepath.Dir(f))}
		for i, name := range []string{"neutral.jpg", "smiling.jpg"} {
			v, fc := frameOf(t, d, filepath.Join(filepath.Dir(f), name))
			p.views[i] = v
			if i == 0 {
				p.pupils = pupilErrors(t, filepath.Join(filepath.Dir(f), "neutral.tem"), fc)
			}
		}
		all = append(all, p)
	}
	return all
}

func frameOf(t *testing.T, d *face.Detector, file string) (View, *face.Face) {
	t.Helper()
	p, err := photo.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := d.Find(p)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	v := View{Frame: f.Frame()}
	if v.RGB, err = v.Frame.View(p.RGB); err != nil {
		t.Fatal(err)
	}
	s, err := face.FindSkin(v.RGB)
	if err != nil {
		t.Fatal(err)
	}
	v.Skin = s.Mask
	return v, f
}

func pupilErrors(t *testing.T, file string, f *face.Face) (e [2]float64) {
	t.Helper()
	r, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var n int
	var p [4]float64
	if _, err := fmt.Fscan(r, &n, &p[0], &p[1], &p[2], &p[3]); err != nil {
		t.Fatal(err)
	}
	ipd := math.Hypot(p[2]-p[0], p[3]-p[1])
	e[0] = 100 * math.Hypot(f.Right.Pupil.X-p[0], f.Right.Pupil.Y-p[1]) / ipd
	e[1] = 100 * math.Hypot(f.Left.Pupil.X-p[2], f.Left.Pupil.Y-p[3]) / ipd
	return e
}

func TestAccuracy(t *testing.T) {
	people := londonPairs(t)
	var pupils, medians []float64
	dropped, patches, aligned := 0, 0, 0
	for _, p := range people {
		pupils = append(pupils, p.pupils[:]...)
		if _, err := Register(p.views[0], p.views[1]); err == nil {
			aligned++
		}
		r, n, d := heldOut(t, p.views[0], p.views[1])
		medians = append(medians, 100*quantile(r, 0.5))
		patches, dropped = patches+n, dropped+d
		t.Logf("%s: %d patches, %d dropped, median %.2f %%, p95 %.2f %% of the inter-pupil distance", p.name, n, d, 100*quantile(r, 0.5), 100*quantile(r, 0.95))
	}
	fmt.Printf("BENCH|true pairs aligned|%d of %d|all|%t\n", aligned, len(people), aligned == len(people))
	fmt.Printf("BENCH|residual on held-out patches, median of the pairs, %% of the inter-pupil distance|%.2f|<= 0.6|%t\n", quantile(medians, 0.5), quantile(medians, 0.5) <= 0.6)
	fmt.Printf("BENCH|the same, 95th percentile of the pairs|%.2f|<= 1.5|%t\n", quantile(medians, 0.95), quantile(medians, 0.95) <= 1.5)
	share := 100 * float64(dropped) / float64(patches)
	fmt.Printf("BENCH|patches dropped below a correlation of 0.75, %%|%.1f (of %d)|<= 20|%t\n", share, patches, share <= 20)
	fmt.Printf("BENCH|pupils against hand-placed points, median, %% of the inter-pupil distance|%.2f|<= 1|%t\n", quantile(pupils, 0.5), quantile(pupils, 0.5) <= 1)
	fmt.Printf("BENCH|the same, largest|%.2f|<= 4|%t\n", quantile(pupils, 1), quantile(pupils, 1) <= 4)
}

// heldOut measures the residual on a fixed grid over forehead, nose bridge and
// cheeks. Each patch is blanked in both photos while the map is estimated (a
// quarter of the grid at a time), then searched around the place that the map
// predicts.
func heldOut(t *testing.T, base, target View) (residual []float64, patches, dropped int) {
	t.Helper()
	a, err := look(base)
	if err != nil {
		t.Fatal(err)
	}
	b, err := look(target)
	if err != nil {
		t.Fatal(err)
	}
	la, lb := texture(t, base), texture(t, target)
	f := base.Frame
	n := side(f.Unit)
	step := int(0.12 * f.Unit)
	inside := map[string]cv.Gray{}
	for name, poly := range face.Zones(1.07) {
		switch name {
		case "forehead", "nose", "cheek_left", "cheek_right":
			inside[name] = face.Fill(poly, base.Skin.W, base.Skin.H)
		}
	}
	for group := range 4 {
		var squares []square
		for j := 0; (j+1)*step+n < base.Skin.H; j++ {
			for i := 0; (i+1)*step+n < base.Skin.W; i++ {
				x, y := i*step, j*step
				if j%2*2+i%2 != group || covered(base.Skin, x, y, n) < 0.95 {
					continue
				}
				for name, m := range inside {
					bridge := float64(y)-f.Origin[1] < 0.45*f.Unit
					if covered(m, x, y, n) == 1 && (name != "nose" || bridge) {
						squares = append(squares, square{x, y})
						break
					}
				}
			}
		}
		dx, dy, err := flow(a, b, squares, f.Unit)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range squares {
			i := (s.y+n/2)*la.W + s.x + n/2
			patches++
			peak, at, ok := find(la, lb, s, float64(dx.Pix[i]), float64(dy.Pix[i]), n, n)
			if !ok || peak < 0.75 {
				dropped++
				continue
			}
			residual = append(residual, at.dist/f.Unit)
		}
	}
	return residual, patches, dropped
}

// texture is log luminance of skin between 1 and 4 % of the unit: without the noise
// of single pixels, and without shading, along which a patch can slide.
func texture(t *testing.T, v View) cv.Plane {
	t.Helper()
	l, err := logLight(v.RGB)
	if err != nil {
		t.Fatal(err)
	}
	if l, err = cv.Gaussian(l, 0.01*v.Frame.Unit); err != nil {
		t.Fatal(err)
	}
	low, err := cv.MaskedGaussian(l, v.Skin, 0.04*v.Frame.Unit)
	if err != nil {
		t.Fatal(err)
	}
	for i := range l.Pix {
		l.Pix[i] -= low.Pix[i]
	}
	return l
}

func TestStrangers(t *testing.T) {
	people := londonPairs(t)
	for _, masked := range []bool{false, true} {
		refused, pairs, kept := 0, 0, 0
		lowest, highest := 1.0, -1.0
		for i := range people {
			for j := range people {
				a, b := people[i].views[0], people[j].views[1]
				if masked {
					a, b = skinOnly(a), skinOnly(b)
				}
				m, err := register(a, b, minAgreement)
				if err != nil {
					t.Fatal(err)
				}
				switch {
				case i == j:
					lowest = math.Min(lowest, m.Quality.Agreement)
					if m.same(minAgreement) {
						kept++
					}
				default:
					pairs++
					highest = math.Max(highest, m.Quality.Agreement)
					if !m.same(minAgreement) {
						refused++
					} else {
						t.Logf("%s is taken for %s: correlation %.2f, %d of %d places", people[j].name, people[i].name, m.Quality.Agreement, m.Quality.Inliers, m.Quality.Patches)
					}
				}
			}
		}
		what := "different people refused"
		if masked {
			what = "the same with everything but skin painted over"
		}
		share := 100 * float64(refused) / float64(pairs)
		fmt.Printf("BENCH|%s, %%|%.1f (of %d)|>= 99|%t\n", what, share, pairs, share >= 99)
		fmt.Printf("BENCH|true pairs kept meanwhile|%d of %d (correlation %.2f and more; strangers up to %.2f)|all|%t\n", kept, len(people), lowest, highest, kept == len(people))
	}
}

// skinOnly paints everything but skin over with an even grey.
func skinOnly(v View) View {
	rgb := cv.NewRGB(v.RGB.W, v.RGB.H)
	for i, m := range v.Skin.Pix {
		for c := range 3 {
			rgb.Pix[3*i+c] = 128
			if m != 0 {
				rgb.Pix[3*i+c] = v.RGB.Pix[3*i+c]
			}
		}
	}
	return View{Frame: v.Frame, RGB: rgb, Skin: v.Skin}
}
