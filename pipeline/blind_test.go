package pipeline

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// blindFolder is the folder of cohortFolder with pictures and masks; the chin is
// measured where the mask says so, in one person not at all.
func blindFolder(t *testing.T, n int) string {
	t.Helper()
	out := cohortFolder(t, n)
	for i := range n {
		dir := filepath.Join(out, fmt.Sprintf("P%02d", i))
		s, err := result.LoadSubject(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []string{"aligned", "masks"} {
			if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for k := range s.Series[0].Visits {
			name := fmt.Sprintf("front-%02d-s%d", k+1, k)
			s.Series[0].Visits[k].Pictures = map[string]string{"aligned": "aligned/" + name + ".jpg"}
			photo := image.NewRGBA(image.Rect(0, 0, 200, 260))
			for j := range photo.Pix {
				photo.Pix[j] = uint8(100 + (j*(i+3)+k*7)%90)
			}
			mask := image.NewPaletted(photo.Rect, color.Palette{color.NRGBA{}, color.Black, color.Black, color.Black, color.Black, color.Black})
			if i != 2 {
				chin := slices.Index(study.ZoneNames, "chin") + 1
				for y := 100; y < 200; y++ {
					for x := 60; x < 140; x++ {
						mask.SetColorIndex(x, y, uint8(chin))
					}
				}
			}
			var jpg bytes.Buffer
			if err := jpeg.Encode(&jpg, photo, nil); err != nil {
				t.Fatal(err)
			}
			data, err := encodePNG(mask)
			if err != nil {
				t.Fatal(err)
			}
			for file, b := range map[string][]byte{"aligned/" + name + ".jpg": jpg.Bytes(), "masks/" + name + ".png": data} {
				if err := os.WriteFile(filepath.Join(dir, file), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := os.Remove(filepath.Join(dir, result.SubjectFile)); err != nil {
			t.Fatal(err)
		}
		if err := result.SaveSubject(dir, s); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestBlindAndUnblind(t *testing.T) {
	out, st := blindFolder(t, 8), cohortStudy(t, 8)
	st.Subjects[1].Consent[0].Withdrawn = date(t, "2026-03-01")
	before := folder(t, out)
	o := BlindOptions{Dir: filepath.Join(t.TempDir(), "packs", "one"), Scale: "gais", Zones: []string{"chin"}, Seed: 1, Repeats: 3, Shams: 3, AsOf: date(t, "2026-06-01"), Study: st}
	sum, err := Blind(t.Context(), out, o)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Pairs != 6 || sum.Repeats != 3 || sum.ShamsSame != 3 {
		t.Errorf("%+v", sum)
	}
	if len(sum.Excluded) != 2 || sum.Excluded[0].Subject != "P01" || !strings.Contains(sum.Excluded[0].Reason, "withdrawn on 2026-03-01") ||
		!strings.Contains(sum.Excluded[1].Subject, "P02") || !strings.Contains(sum.Excluded[1].Reason, "not measured") {
		t.Errorf("%+v", sum.Excluded)
	}
	for name, data := range folder(t, o.Dir) {
		if !strings.HasSuffix(name, ".jpg") {
			continue
		}
		// 80 x 100 px with a margin of 5, less up to 2 % of each side.
		c, err := jpeg.DecodeConfig(strings.NewReader(data))
		if err != nil || c.Width < 84 || c.Width > 90 || c.Height < 104 || c.Height > 110 {
			t.Errorf("%s: %v %v", name, c, err)
		}
	}
	if after := folder(t, out); len(after) != len(before) {
		t.Errorf("%d files in the results, %d before", len(after), len(before))
	}
	changes, err := os.ReadFile(sum.Changes)
	if err != nil || strings.Count(string(changes), "chin,roughness_mid,percent_of_baseline,") != 6 || !strings.Contains(string(changes), ",-40\n") {
		t.Errorf("%v\n%s", err, changes) // of 20 to 19 - 7
	}

	// The same again is the same; over the first it is refused.
	other := o
	other.Dir = filepath.Join(t.TempDir(), "two")
	if _, err := Blind(t.Context(), out, other); err != nil {
		t.Fatal(err)
	}
	one, two := folder(t, filepath.Dir(o.Dir)), folder(t, filepath.Dir(other.Dir))
	for name, data := range one {
		if two[strings.Replace(name, "one", "two", 1)] != data {
			t.Errorf("%s differs", name)
		}
	}
	if _, err := Blind(t.Context(), out, o); !errors.Is(err, ErrUsage) {
		t.Errorf("over a pack: %v", err)
	}

	// A reader who knows: the person with the larger number gained more.
	key, err := csv.NewReader(strings.NewReader(one["/one-key.csv"])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	sheet := "pair,photo,grade,remark\n"
	for _, r := range key[1:] {
		if r[1] == "left" {
			grade := int(r[5][2]-'0') / 3
			if strings.HasPrefix(r[3], "sham") {
				grade = 0
			}
			sheet += fmt.Sprintf("%s,pair,%d,\n", r[0], grade)
		}
	}
	reader := filepath.Join(t.TempDir(), "anna.csv")
	if err := os.WriteFile(reader, []byte(sheet), 0o600); err != nil {
		t.Fatal(err)
	}
	results := filepath.Join(t.TempDir(), "results")
	a, err := Unblind(o.Dir, sum.Key, []string{reader}, results)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Metrics) != 1 || a.Metrics[0].Rho < 0.9 || a.Metrics[0].N != 6 {
		t.Errorf("%+v", a.Metrics)
	}
	if got := folder(t, results); len(got) != 4 || !strings.Contains(got["/readings.csv"], ",P07,front,chin,s0,s1,anna,,,2\n") {
		t.Errorf("%d files\n%s", len(got), got["/readings.csv"])
	}
	if _, err := Unblind(o.Dir, sum.Key, []string{reader}, results); !errors.Is(err, ErrUsage) {
		t.Errorf("over results: %v", err)
	}
}

func TestBlindRefuses(t *testing.T) {
	out, st := blindFolder(t, 3), cohortStudy(t, 3)
	dir := filepath.Join(t.TempDir(), "pack")
	good := BlindOptions{Dir: dir, Scale: "vas", AsOf: date(t, "2026-06-01"), Study: st}
	for name, change := range map[string]func(*BlindOptions){
		`no scale "best"`:        func(o *BlindOptions) { o.Scale = "best" },
		`no zone "ear"`:          func(o *BlindOptions) { o.Zones = []string{"ear"} },
		"lie in one another":     func(o *BlindOptions) { o.Dir = filepath.Join(out, "pack") },
		"there is no pair":       func(o *BlindOptions) { o.AsOf = date(t, "2025-01-01") },
		"is there already":       func(o *BlindOptions) { o.Dir = out },
		"needs --study STUDY":    func(o *BlindOptions) { o.Study = nil },
		"there is no pair to":    func(o *BlindOptions) { o.Zones = []string{"nose"} },
		"holds no results of a ": nil,
	} {
		o, from := good, out
		if change == nil {
			from = t.TempDir()
		} else {
			change(&o)
		}
		if _, err := Blind(t.Context(), from, o); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*"))
	hidden, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".derma*"))
	if err != nil || len(left)+len(hidden) != 0 {
		t.Errorf("left behind: %v %v", left, hidden)
	}
}
