package pipeline

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// sitter is photographed with every trick; nothing ever changes in the skin.
var sitter = sync.OnceValue(func() *fixtures.Subject { return fixtures.NewSubject(101, fixtures.Light) })

// taken renders the sitter. The second photo of every pair is an honest one but for
// the trick.
func taken(t *testing.T, who *fixtures.Subject, change func(*fixtures.Shot)) []byte {
	t.Helper()
	s := fixtures.CloseUp(900, 1150, 5.8)
	s.Noise, s.NoiseSeed, s.Quality = 1, 7, 95
	if change != nil {
		s.NoiseSeed, s.Roll, s.EV, s.Quality = 8, 1, 0.05, 92
		change(&s)
	}
	data, err := fixtures.Render(who, fixtures.Baseline, s).JPEG(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// edited is a JPEG after somebody worked on it.
func edited(t *testing.T, data []byte, edit func(cv.RGB) (cv.RGB, error)) []byte {
	t.Helper()
	p, err := photo.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	rgb, err := edit(p.RGB)
	if err != nil {
		t.Fatal(err)
	}
	out, err := cv.EncodeJPEG(rgb, 92)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// perChannel filters the three channels by themselves.
func perChannel(p cv.RGB, filter func(cv.Plane) (cv.Plane, error)) (cv.RGB, error) {
	out := cv.NewRGB(p.W, p.H)
	for c := range 3 {
		in := cv.NewPlane(p.W, p.H)
		for i := range in.Pix {
			in.Pix[i] = float32(p.Pix[3*i+c])
		}
		f, err := filter(in)
		if err != nil {
			return out, err
		}
		for i, v := range f.Pix {
			out.Pix[3*i+c] = uint8(math.Round(math.Max(0, math.Min(255, float64(v)))))
		}
	}
	return out, nil
}

func blurred(p cv.RGB) (cv.RGB, error) {
	return perChannel(p, func(c cv.Plane) (cv.Plane, error) { return cv.Gaussian(c, 1.5) })
}

func median(p cv.RGB) (cv.RGB, error) {
	return perChannel(p, func(c cv.Plane) (cv.Plane, error) {
		out := cv.NewPlane(c.W, c.H)
		copy(out.Pix, c.Pix)
		var near [25]float32
		for y := 2; y < c.H-2; y++ {
			for x := 2; x < c.W-2; x++ {
				n := 0
				for j := y - 2; j <= y+2; j++ {
					n += copy(near[n:], c.Pix[j*c.W+x-2:j*c.W+x+3])
				}
				out.Pix[y*c.W+x] = float32(metrics.MedianPixels(near[:]))
			}
		}
		return out, nil
	})
}

// bilateral is the usual filter for beauty: a mean over neighbours of like
// brightness, which spares edges.
func bilateral(p cv.RGB) (cv.RGB, error) {
	const reach, near, like = 4, 2.5, 12.0
	out := cv.NewRGB(p.W, p.H)
	copy(out.Pix, p.Pix)
	var range_ [256]float32
	for d := range range_ {
		range_[d] = float32(math.Exp(-float64(d*d) / (2 * like * like)))
	}
	for y := reach; y < p.H-reach; y++ {
		for x := reach; x < p.W-reach; x++ {
			at := 3 * (y*p.W + x)
			var sum [3]float32
			var weight float32
			for j := -reach; j <= reach; j++ {
				for i := -reach; i <= reach; i++ {
					k := at + 3*(j*p.W+i)
					d := int(p.Pix[k+1]) - int(p.Pix[at+1])
					w := range_[max(d, -d)] * float32(math.Exp(-float64(i*i+j*j)/(2*near*near)))
					weight += w
					for c := range sum {
						sum[c] += w * float32(p.Pix[k+c])
					}
				}
			}
			for c := range sum {
				out.Pix[at+c] = uint8(sum[c]/weight + 0.5)
			}
		}
	}
	return out, nil
}

func resized(k float64) func(cv.RGB) (cv.RGB, error) {
	return func(p cv.RGB) (cv.RGB, error) {
		return cv.ResizeRGB(p, int(k*float64(p.W)), int(k*float64(p.H)))
	}
}

func enlarged(p cv.RGB) (cv.RGB, error) {
	small, err := resized(2.0 / 3)(p)
	if err != nil {
		return p, err
	}
	return cv.ResizeRGB(small, p.W, p.H)
}

// smiling lifts and spreads the corners of the mouth and what is above them.
func smiling(p cv.RGB) (cv.RGB, error) {
	mm := 5.8
	mx, my := cv.NewPlane(p.W, p.H), cv.NewPlane(p.W, p.H)
	for i := range mx.Pix {
		x, y := float64(i%p.W), float64(i/p.W)
		mx.Pix[i], my.Pix[i] = float32(x), float32(y)
		for _, side := range []float64{-1, 1} {
			u, v := (x-float64(p.W)/2)/mm-side*34, (y-float64(p.H)/2)/mm-32
			g := math.Exp(-(u*u + v*v) / (2 * 18 * 18))
			mx.Pix[i] -= float32(side * 3 * mm * g)
			my.Pix[i] += float32(6 * mm * g)
		}
	}
	return perChannel(p, func(c cv.Plane) (cv.Plane, error) { return cv.RemapPlane(c, mx, my) })
}

// dulled takes the colour of skin halfway and more to that of its surroundings, as
// foundation does, and leaves the light.
func dulled(p cv.RGB) (cv.RGB, error) {
	out, err := perChannel(p, func(c cv.Plane) (cv.Plane, error) { return cv.Gaussian(c, 60) })
	if err != nil {
		return out, err
	}
	for i := 0; i < len(out.Pix); i += 3 {
		grey := (float64(p.Pix[i]) + float64(p.Pix[i+1]) + float64(p.Pix[i+2])) / (float64(out.Pix[i]) + float64(out.Pix[i+1]) + float64(out.Pix[i+2]) + 1)
		for c := range 3 {
			v := 0.7*grey*float64(out.Pix[i+c]) + 0.3*float64(p.Pix[i+c])
			out.Pix[i+c] = uint8(math.Round(math.Min(255, v)))
		}
	}
	return out, nil
}

// masked covers the lower half of the face, as a mask does.
func masked(p cv.RGB) (cv.RGB, error) {
	out := cv.RGB{W: p.W, H: p.H, Pix: append([]uint8(nil), p.Pix...)}
	for y := p.H * 58 / 100; y < p.H*80/100; y++ {
		for x := p.W / 2; x < p.W; x++ {
			copy(out.Pix[3*(y*p.W+x):], []uint8{90, 120, 170})
		}
	}
	return out, nil
}

// TestTricks plays what makes skin look better in a photo and asks for the refusal
// that says so, or for no detectable change.
func TestTricks(t *testing.T) {
	if underRace {
		t.Skip("rendering is slow under the race detector")
	}
	shot := func(change func(*fixtures.Shot)) []byte { return taken(t, sitter(), change) }
	base, honest := shot(nil), shot(func(*fixtures.Shot) {})
	edit := func(data []byte, f func(cv.RGB) (cv.RGB, error)) []byte { return edited(t, data, f) }
	refused, caution := result.Refused, result.Caution
	for _, x := range []struct {
		name        string
		base, after []byte
		check       string // that is not passed; empty: none need be
		status      result.Status
		says        string // in the advice for the next photo, or in the refusal of this one
	}{
		{"nothing", base, honest, "", "", ""},
		{"baseline blurred", edit(base, blurred), honest, "sharpness", caution, "the baseline is softer"},
		{"after blurred", base, edit(honest, blurred), "sharpness", caution, "softer than the baseline"},
		{"brighter", base, shot(func(s *fixtures.Shot) { s.EV = 0.7 }), "clipping", refused, "correct the exposure"},
		{"warmer", base, shot(func(s *fixtures.Shot) { s.RedGain = 1.15 }), "white_balance", caution, "fixed white balance"},
		{"light from the side, then from the front", shot(func(s *fixtures.Shot) { s.SideLight = 0.9 }), honest, "", "", ""},
		{"light a little from the side, then from the front", shot(func(s *fixtures.Shot) { s.SideLight = 0.4 }), honest, "light_gradient", caution, "another side"},
		{"smile", base, edit(honest, smiling), "expression_cheek_left", refused, "neutral face"},
		{"15 cm against 60", shot(func(s *fixtures.Shot) { s.DistanceMM = 600 }), shot(func(s *fixtures.Shot) { s.DistanceMM = 150 }), "perspective", refused, "step back"},
		{"beauty filter", base, edit(honest, bilateral), "smoothing", refused, "in the photo the finest detail"},
		{"beauty filter at baseline", edit(base, bilateral), honest, "smoothing", refused, "in the baseline the finest detail"},
		{"median filter", base, edit(honest, median), "smoothing", refused, "in the photo the finest detail"},
		{"make-up", base, edit(honest, dulled), "colour_evenness", refused, "make-up?"},
		{"mask", base, edit(honest, masked), "occlusion_cheek_left", refused, "mask off"},
		{"screenshot of half the size", base, edit(honest, resized(0.5)), "scale", refused, "50 % smaller"},
		{"enlarged from two thirds", base, edit(honest, enlarged), "sharpness", caution, "softer than the baseline"},
		{"mirrored", base, edit(honest, func(p cv.RGB) (cv.RGB, error) { return cv.Orient(p, 2) }), "", "", "mirrored"},
		{"another person", base, taken(t, fixtures.NewSubject(102, fixtures.Light), func(*fixtures.Shot) {}), "", "", "another person"},
	} {
		r := run(t, seriesOf(t, study.ViewFront, [][]byte{x.base, x.after}, nil), t.TempDir())
		verdicts := noneBetter(t, x.name, r)
		t.Logf("%s: primary %v", x.name, verdicts)
		if x.name == "nothing" && verdicts[result.NoDetectableChange] < 12 {
			t.Errorf("honest photos: %v", verdicts)
		}
		said := strings.Join(r.Protocol, "\n")
		for _, j := range r.Rejections {
			said += "\n" + j.Reason
		}
		if !strings.Contains(said, x.says) {
			t.Errorf("%s: want a reason with %q, got %s", x.name, x.says, said)
		}
		if got := statusOf(r, x.check); x.check != "" && got != x.status {
			t.Errorf("%s: %s is %q, want %s", x.name, x.check, got, x.status)
		}
	}
}

// noneBetter fails where a primary measure is called improved, and counts the
// verdicts.
func noneBetter(t *testing.T, name string, r result.Series) map[result.Verdict]int {
	t.Helper()
	n := map[result.Verdict]int{}
	for _, x := range r.Trends {
		if x.Role != "primary" {
			continue
		}
		n[x.Verdict]++
		if x.Verdict == result.Improved {
			t.Errorf("%s: %s %s improved by %.3g (limit %.3g)", name, x.Zone, x.Metric, float64(x.Change), float64(x.Limit))
		}
	}
	return n
}

// statusOf is the status of a check in the last session.
func statusOf(r result.Series, check string) result.Status {
	var s result.Status
	for _, c := range r.Comparability {
		if c.Check == check {
			s = c.Status
		}
	}
	return s
}

// TestSwapped: photos whose order by the camera's own dates is not that of the
// manifest are not compared, however alike they are.
func TestSwapped(t *testing.T) {
	if underRace {
		t.Skip("rendering is slow under the race detector")
	}
	dated := func(nth int, name string) []byte {
		s := fixtures.CloseUp(600, 770, 3.9)
		s.NoiseSeed, s.Noise = uint64(nth), 1
		data, err := fixtures.Render(sitter(), fixtures.Baseline, s).JPEG(time.Date(2026, time.Month(nth), 10, 9, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	before, after := dated(1, "before"), dated(2, "after")
	for _, x := range []struct {
		photos [][]byte
		want   result.Status
	}{{[][]byte{before, after}, result.OK}, {[][]byte{after, before}, result.Refused}} {
		r, err := CheckSeries(context.Background(), DefaultConfig(), seriesOf(t, study.ViewFront, x.photos, nil), t.TempDir(), func(string, string) {})
		if err != nil {
			t.Fatal(err)
		}
		if got := statusOf(r, "date_order"); got != x.want {
			t.Errorf("date_order is %q, want %s; %v", got, x.want, r.Rejections)
		}
	}
}

// TestRealTricks asks the same of real photographs: one person at 60 and at 15 cm,
// and neutral and smiling faces, whose cheeks a smile moves by centimetres.
func TestRealTricks(t *testing.T) {
	if underRace {
		t.Skip("measuring is slow under the race detector")
	}
	photos := sharedPhotos(t)
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(photos, filepath.FromSlash(name)))
		if err != nil {
			t.Skip(err)
		}
		return data
	}
	r := run(t, seriesOf(t, study.ViewFront, [][]byte{read("zoom/Z1/60cm.jpg"), read("zoom/Z1/15cm.jpg")}, nil), t.TempDir())
	if n := noneBetter(t, "zoom", r); n[result.NotComparable] == 0 || len(n) != 1 || statusOf(r, "perspective") != result.Refused {
		t.Errorf("15 cm against 60: %v, perspective %s", n, statusOf(r, "perspective"))
	}
	for _, who := range []string{"L025", "L087"} {
		r := run(t, seriesOf(t, study.ViewFront, [][]byte{read("london/" + who + "/neutral.jpg"), read("london/" + who + "/smiling.jpg")}, nil), t.TempDir())
		t.Logf("%s smiling: primary %v", who, noneBetter(t, who, r))
		if got := statusOf(r, "expression_cheek_left"); got != result.Refused {
			t.Errorf("%s smiling: expression of the left cheek is %q", who, got)
		}
		if got := statusOf(r, "expression_forehead"); got != result.OK {
			t.Errorf("%s smiling: expression of the forehead is %q", who, got)
		}
	}
}

// sharedPhotos is the folder of real photographs, which are not part of the
// project.
func sharedPhotos(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("DERMATREND_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	dir = filepath.Join(dir, "photos")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real photographs: %v", err)
	}
	return dir
}
