package segment

import (
	"math"
	"math/rand/v2"
	"testing"
)

// skinWithPores draws places and true scores of pores, log-normal about the threshold,
// so that many are found in one photo and not in the next.
func skinWithPores(n int, r *rand.Rand) []Sighting {
	out := make([]Sighting, n)
	for i := range out {
		out[i] = Sighting{X: float64(i % 40), Y: float64(i / 40), Score: math.Exp(0.2 + 0.5*r.NormFloat64()), AreaMM2: 0.07 * math.Exp(0.4*r.NormFloat64())}
	}
	return out
}

// photograph is what a photo with noise shows of pores.
func photograph(truth []Sighting, r *rand.Rand) []Sighting {
	var out []Sighting
	for _, s := range truth {
		s.X += 0.03 * r.NormFloat64()
		s.Y += 0.03 * r.NormFloat64()
		s.Score += 0.25 * r.NormFloat64()
		s.AreaMM2 *= math.Exp(0.2 * r.NormFloat64())
		if s.Found = s.Score > 1; s.Score > faintPore {
			out = append(out, s)
		}
	}
	return out
}

// finely is a scale at which a point is none.
const finely = 1000

func foundIn(photo []Sighting) (count, area float64) {
	for _, s := range photo {
		if s.Found {
			count, area = count+1, area+s.AreaMM2
		}
	}
	return count, area
}

// TestUnchangedPoresDoNotSeemToChange: over many pairs of photos of unchanged skin the
// mean change is nothing, and the variance less than half that of the pores found.
func TestUnchangedPoresDoNotSeemToChange(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const pairs = 300
	var mean, scatter, foundScatter, baselineOnly [2]float64
	for range pairs {
		truth := skinWithPores(300, r)
		a, b := photograph(truth, r), photograph(truth, r)
		f := FollowPores([][]Sighting{a, b}, finely)
		count, area := math.Log(f[1].Count/f[0].Count), math.Log(f[1].AreaMM2/f[0].AreaMM2)
		for k, v := range []float64{count, area} {
			mean[k] += v / pairs
			scatter[k] += v * v / pairs
		}
		na, aa := foundIn(a)
		nb, ab := foundIn(b)
		for k, v := range []float64{math.Log(nb / na), math.Log(ab / aa)} {
			foundScatter[k] += v * v / pairs
		}
		// The trap: places of the baseline alone.
		for i := range b {
			b[i].Found = false
		}
		f = FollowPores([][]Sighting{a, b}, finely)
		baselineOnly[0] += math.Log(f[1].Count/f[0].Count) / pairs
	}
	for k, what := range []string{"number", "area"} {
		// Three standard errors of the mean.
		if limit := 3 * math.Sqrt(scatter[k]/pairs); math.Abs(mean[k]) > limit {
			t.Errorf("%s of unchanged pores changes by %.4f on average, more than chance (%.4f)", what, mean[k], limit)
		}
		if scatter[k] > foundScatter[k]/2 {
			t.Errorf("%s scatters by %.3f, that of the pores found by %.3f", what, math.Sqrt(scatter[k]), math.Sqrt(foundScatter[k]))
		}
	}
	if baselineOnly[0] > -0.002 {
		t.Errorf("places of the baseline alone show %.4f: the skin of this test has no regression to the mean to be kept out", baselineOnly[0])
	}
}

// TestOrderOfPhotosDoesNotMatter: before and after in turned order give the mirrored
// change, exactly.
func TestOrderOfPhotosDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	truth := skinWithPores(300, r)
	photos := [][]Sighting{photograph(truth, r), photograph(truth, r), photograph(truth[:200], r)}
	f := FollowPores(photos, 22)
	g := FollowPores([][]Sighting{photos[2], photos[0], photos[1]}, 22)
	for k, from := range []int{1, 2, 0} {
		if math.Abs(f[k].Count/g[from].Count-1) > 1e-9 || math.Abs(f[k].AreaMM2/g[from].AreaMM2-1) > 1e-9 {
			t.Errorf("photo %d: %v, in another order %v", k, f[k], g[from])
		}
	}
}

// TestChangedPoresAreSeen: pores that shrink, and pores that are gone.
func TestChangedPoresAreSeen(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	truth := skinWithPores(3000, r)
	shrunk := make([]Sighting, len(truth))
	for i, s := range truth {
		s.AreaMM2 *= 0.7
		s.Score *= 0.9
		shrunk[i] = s
	}
	var half []Sighting
	for i, s := range truth {
		if i%2 == 0 {
			half = append(half, s)
		}
	}
	for _, c := range []struct {
		what           string
		after          []Sighting
		least, largest float64 // change of area
	}{
		{"unchanged", truth, -0.02, 0.02},
		{"30 % smaller", shrunk, -0.35, -0.25},
		// Pores near the threshold that are gone cannot be told from the noise of one
		// photo: a third of the loss may be hidden, none added.
		{"half are gone", half, -0.5, -0.33},
		{"all are gone", nil, -1, -1},
	} {
		a, b := photograph(truth, r), photograph(c.after, r)
		for i, f := range [][]Followed{FollowPores([][]Sighting{a, b}, finely), FollowPores([][]Sighting{b, a}, finely)} {
			got := f[1-i].AreaMM2/f[i].AreaMM2 - 1
			if !(got >= c.least && got <= c.largest) {
				t.Errorf("%s: area changes by %.3f, want %.2f to %.2f", c.what, got, c.least, c.largest)
			}
		}
	}
}

// TestFollowingFewPores: no pore is nothing, and a clear one of a single photo whole.
func TestFollowingFewPores(t *testing.T) {
	if f := FollowPores([][]Sighting{nil, {{Score: 0.9, AreaMM2: 1}}}, 22); f[0] != (Followed{}) || f[1] != (Followed{}) {
		t.Errorf("without a pore: %v", f)
	}
	f := FollowPores([][]Sighting{{{X: 1, Y: 1, Score: 3, AreaMM2: 0.05, Found: true}}}, finely)
	if f[0].Count != 1 || math.Abs(f[0].AreaMM2-0.05) > 1e-5 {
		t.Errorf("one clear pore in one photo: %v", f)
	}
}
