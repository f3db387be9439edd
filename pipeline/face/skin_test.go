package face

import (
	"math"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// TestSkin compares the mask with what each pixel of the phantom shows.
func TestSkin(t *testing.T) {
	for _, p := range portraits() {
		if p.err != nil {
			t.Errorf("%s: %v", p.name, p.err)
			continue
		}
		fr := p.face.Frame()
		view, err := fr.View(p.photo.RGB)
		if err != nil {
			t.Fatal(err)
		}
		skin, err := FindSkin(view)
		if err != nil {
			t.Fatal(err)
		}
		// Share of each material that is taken for skin. The materials of the eyes'
		// surroundings and of hair are all that must be left out.
		var in, all [16]int
		mask := skin.Mask
		for y := range mask.H {
			for x := range mask.W {
				px, py := fr.ToPhoto.At(float64(x), float64(y))
				i, j := int(math.Round(px)), int(math.Round(py))
				if i < 0 || j < 0 || i >= p.truth.W || j >= p.truth.H {
					if mask.Pix[y*mask.W+x] != 0 {
						t.Fatalf("%s: skin outside the photo at %d, %d", p.name, x, y)
					}
					continue
				}
				m := p.truth.Material[j*p.truth.W+i]
				all[m]++
				if mask.Pix[y*mask.W+x] != 0 {
					in[m]++
				}
			}
		}
		share := func(m fixtures.Material) float64 { return float64(in[m]) / math.Max(1, float64(all[m])) }
		total := 0
		for _, n := range in {
			total += n
		}
		t.Logf("%-14s skin %.2f eye %.3f lip %.3f brow %.3f hair %.3f hollow %.3f background %.3f cloth %.3f; other than bare skin %.3f of the mask; mouth %.2f", p.name,
			share(fixtures.BareSkin), share(fixtures.Eye), share(fixtures.Lip), share(fixtures.Brow), share(fixtures.Hair), share(fixtures.Hollow), share(fixtures.Background), share(fixtures.Cloth),
			1-float64(in[fixtures.BareSkin])/float64(total), skin.Mouth)
		if s := share(fixtures.BareSkin); s < 0.5 {
			t.Errorf("%s: only %.0f %% of the skin is found", p.name, 100*s)
		}
		for name, limit := range map[fixtures.Material]float64{fixtures.Eye: 0, fixtures.Lip: 0.05, fixtures.Brow: 0.15, fixtures.Hair: 0.03, fixtures.Hollow: 0.05, fixtures.Background: 0.02, fixtures.Cloth: 0.02} {
			if s := share(name); s > limit {
				t.Errorf("%s: %.1f %% of material %d is taken for skin, want at most %.0f %%", p.name, 100*s, name, 100*limit)
			}
		}
		testMoles(t, p, skin)
		testZonesHitSkin(t, p, skin)
	}
}

var opposite = map[fixtures.Zone]fixtures.Zone{
	fixtures.CheekLeft: fixtures.CheekRight, fixtures.CheekRight: fixtures.CheekLeft,
	fixtures.PeriorbitalLeft: fixtures.PeriorbitalRight, fixtures.PeriorbitalRight: fixtures.PeriorbitalLeft,
}

// testMoles: a mole that skin surrounds is skin.
func testMoles(t *testing.T, p portrait, skin *Skin) {
	fr, moles := p.face.Frame(), 0
	for _, o := range p.truth.Objects {
		if !o.Visible || o.Kind != fixtures.Mole {
			continue
		}
		u, v := fr.FromPhoto(o.X, o.Y)
		at := func(dx, dy float64) bool {
			x, y := int(math.Round(u+dx)), int(math.Round(v+dy))
			return x >= 0 && y >= 0 && x < fr.W && y < fr.H && skin.Mask.Pix[y*fr.W+x] != 0
		}
		inside := true
		for k := range 16 {
			sin, cos := math.Sincos(float64(k) * math.Pi / 8)
			inside = inside && at(10*cos, 10*sin) // 3 mm
		}
		if !inside {
			continue
		}
		moles++
		if !at(0, 0) {
			t.Errorf("%s: the mole of %.1f mm at %.0f, %.0f of the frame is left out of the skin around it", p.name, o.DiameterMM, u, v)
		}
	}
	if moles == 0 {
		t.Errorf("%s: no mole to look at", p.name)
	}
}

// testZonesHitSkin: each zone covers its namesake of the phantom, on the right side.
func testZonesHitSkin(t *testing.T, p portrait, skin *Skin) {
	fr := p.face.Frame()
	zones := Zones(skin.Mouth)
	for _, z := range fixtures.Zones {
		poly, ok := zones[z.String()]
		if !ok {
			t.Fatalf("no zone %s", z)
		}
		m := Fill(poly, fr.W, fr.H)
		seen, same, elsewhere := 0, 0, 0
		for i, v := range m.Pix {
			if v == 0 || skin.Mask.Pix[i] == 0 {
				continue
			}
			px, py := fr.ToPhoto.At(float64(i%fr.W), float64(i/fr.W))
			x, y := int(math.Round(px)), int(math.Round(py))
			if x < 0 || y < 0 || x >= p.truth.W || y >= p.truth.H {
				continue
			}
			seen++
			switch p.truth.Zone[y*p.truth.W+x] {
			case z:
				same++
			case fixtures.ZoneNone:
			case opposite[z]:
				t.Fatalf("%s: %s covers %s of the phantom", p.name, z, opposite[z])
			default:
				elsewhere++
			}
		}
		if seen < 500 {
			t.Errorf("%s: %s has %d pixels of skin", p.name, z, seen)
			continue
		}
		// The phantom draws its zones by rules of its own, so that a part must do.
		if s := float64(same) / float64(seen); s < 0.3 {
			t.Errorf("%s: only %.0f %% of %s is there in the phantom", p.name, 100*s, z)
		}
		if s := float64(elsewhere) / float64(seen); s > 0.4 {
			t.Errorf("%s: %.0f %% of %s is another zone in the phantom", p.name, 100*s, z)
		}
	}
}

func TestFindSkinRefuses(t *testing.T) {
	if _, err := FindSkin(cv.NewRGB(100, 100)); err == nil {
		t.Error("a view of another size is no error")
	}
	black, err := FindSkin(cv.NewRGB(520, 700))
	if err != nil {
		t.Fatal(err)
	}
	if black.Mouth < mouthMin-0.01 || black.Mouth > mouthMax+0.01 {
		t.Errorf("the mouth of a black picture is at %v", black.Mouth)
	}
	if _, err := SkinLike(cv.NewRGB(50, 50), cv.NewGray(50, 49)); err == nil {
		t.Error("a seed of another size is no error")
	}
}

// TestZonesMirror: left and right are each other's mirror, and the person's.
func TestZonesMirror(t *testing.T) {
	f := (&Face{}).Frame()
	for _, mouth := range []float64{0.95, mouthAt, 1.25} {
		zones := Zones(mouth)
		if len(zones) != 8 {
			t.Fatalf("%d zones", len(zones))
		}
		for name, left := range zones {
			base, isLeft := strings.CutSuffix(name, "_left")
			if !isLeft {
				continue
			}
			right := zones[base+"_right"]
			if len(right) != len(left) {
				t.Fatalf("%s: %d and %d points", base, len(left), len(right))
			}
			sum := 0.0
			for i := range left {
				if math.Abs(left[i].X+right[i].X-2*f.Origin[0]) > 1e-9 || left[i].Y != right[i].Y {
					t.Errorf("%s: point %d is %v and %v", base, i, left[i], right[i])
				}
				sum += left[i].X - f.Origin[0]
			}
			if sum <= 0 {
				t.Errorf("%s_left is on the picture's left, the person's right", base)
			}
		}
		for _, p := range zones["chin"] {
			if y := (p.Y - f.Origin[1]) / f.Unit; y < mouth+0.2 {
				t.Errorf("mouth at %v: the chin reaches up to %v", mouth, y)
			}
		}
	}
}

func TestFill(t *testing.T) {
	draw := func(g cv.Gray) string {
		var b strings.Builder
		for y := range g.H {
			for x := range g.W {
				if g.Pix[y*g.W+x] != 0 {
					b.WriteByte('#')
				} else {
					b.WriteByte('.')
				}
			}
			b.WriteByte('\n')
		}
		return b.String()
	}
	for _, c := range []struct {
		name string
		poly []Point
		want string
	}{
		{"rectangle", []Point{{0.5, 0.5}, {3.5, 0.5}, {3.5, 2.5}, {0.5, 2.5}}, "......\n.###..\n.###..\n......\n"},
		{"triangle", []Point{{-0.5, 3.5}, {2, -1}, {4.5, 3.5}}, "..#...\n.###..\n.###..\n#####.\n"},
		{"notched", []Point{{0.5, -0.5}, {4.5, -0.5}, {4.5, 3.5}, {2.5, 1.4}, {0.5, 3.5}}, ".####.\n.####.\n.#..#.\n......\n"},
		{"beyond the edges", []Point{{-9, -9}, {9, -9}, {9, 9}, {-9, 9}}, "######\n######\n######\n######\n"},
		{"outside", []Point{{20, 20}, {30, 20}, {30, 30}}, "......\n......\n......\n......\n"},
		{"bow tie, even-odd", []Point{{0.5, -0.8}, {4.5, 3.8}, {4.5, -0.8}, {0.5, 3.8}}, ".#..#.\n.####.\n.####.\n.#..#.\n"},
		{"two points", []Point{{0, 0}, {5, 3}}, "......\n......\n......\n......\n"},
		{"nothing", nil, "......\n......\n......\n......\n"},
	} {
		if got := draw(Fill(c.poly, 6, 4)); got != c.want {
			t.Errorf("%s:\n%swant\n%s", c.name, got, c.want)
		}
	}
}
