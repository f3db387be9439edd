package report

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

func samplePicture(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		img.Set(i%w, i/w, color.NRGBA{uint8(150 + i%40), 120, 100, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// samplePublication shows a zone of sampleSubject, session s4 against s0.
func samplePublication(t *testing.T, audience, level, zone string) Publication {
	s := sampleSubject().Series[0]
	since := 30
	return Publication{Audience: audience, Level: level, Zone: zone, Code: "d0123456789ab", Version: "0.1.0", Pairs: []Pair{{
		Baseline: Shown{Session: "s0", File: "view-1-day-000.png", PNG: samplePicture(t, 120, 90)},
		Latest:   Shown{Session: "s4", Day: 152, DaysSinceTreatment: &since, File: "view-1-day-152.png", PNG: samplePicture(t, 120, 90)},
		MMPerPx:  0.25, Treatments: 3, Series: s}}}
}

func publish(t *testing.T, p Publication) (dir, page string) {
	t.Helper()
	dir = t.TempDir()
	if err := WritePublication(dir, p); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, PublicationFile))
	if err != nil {
		t.Fatal(err)
	}
	return dir, string(b)
}

// The page holds what the verdicts, checks and days say, and nothing of what names
// the person or tells when it was.
func TestPublicationTellsConditionsAndNobody(t *testing.T) {
	for _, lang := range Languages() {
		for _, audience := range []string{"publication", "teaching", "marketing"} {
			for _, level := range []string{"zone", "half_face", "covered_eyes", "full_face"} {
				p := samplePublication(t, audience, level, "cheek_left")
				p.Language = lang
				dir, page := publish(t, p)
				checkPage(t, page)
				for _, secret := range []string{"P001", "2026-", "isotretinoin", "Clinic at the Lake", "Acne scars", "s4", ".jpg", "brown marks grew beyond error", lightReason} {
					if strings.Contains(words(t, page), secret) {
						t.Errorf("%s, %s: the page tells %q", audience, level, secret)
					}
				}
				for _, name := range []string{"view-1-day-000.png", "view-1-day-152.png"} {
					if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(b, p.Pairs[0].Latest.PNG) {
						t.Errorf("%s: %v", name, err)
					}
				}
			}
		}
	}
	_, page := publish(t, samplePublication(t, "teaching", "zone", "cheek_left"))
	text := words(t, page)
	for _, want := range []string{
		"For teaching", "left cheek", "baseline, day 0", "day 152, 30 days after the last treatment", "152 days", "Both bars are 5 mm long at the face; a pixel is 0.250 mm wide",
		"3 of 4 checks of light, camera and pose passed. Passed with caution: Noise (–)",
		"Brown marks, area! Worsened+1.30 percentage points0.500", // a safety flag is as loud
		"+ Improvedrelative−2.03 index points0.800 (asked for here: 1.04)", english["verdict.claim"], english["qualifier_doc.relative"], english["report.intended_use"],
		english["publication.one_person"],
	} {
		if !strings.Contains(text, strings.ReplaceAll(want, "\u00a0", " ")) {
			t.Errorf("the page does not say %q\n%s", want, text)
		}
	}
	if strings.Contains(text, "forehead") || strings.Contains(text, "right cheek") || strings.Contains(text, "4.6.0") {
		t.Error("the page tells of other zones")
	}
}

// A verdict on another session than the one in the picture says so, and what got
// worse is told though it is secondary.
func TestPublicationHidesNothing(t *testing.T) {
	p := samplePublication(t, "publication", "zone", "nose")
	s := &p.Pairs[0].Series
	for i := range s.Trends {
		if tr := &s.Trends[i]; tr.Zone == "nose" && tr.Metric == "erythema_index" {
			tr.LatestSession = "s3"
		} else if tr.Zone == "nose" && tr.Metric == "melanin_index" {
			tr.Verdict, tr.Change = result.Worsened, 7
		}
	}
	p.Pairs[0].NotShown = []Shown{{Day: 180}}
	_, page := publish(t, p)
	text := words(t, page)
	for _, want := range []string{"judged on day 92", "Melanin", "+7.00", "cannot be compared with the baseline: day 180"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestPublicationEscapesEveryText(t *testing.T) {
	p := samplePublication(t, "marketing", "full_face", "")
	pictures := [2][]byte{p.Pairs[0].Baseline.PNG, p.Pairs[0].Latest.PNG}
	text := hostile + strings.Repeat("x", 10_000)
	fill(reflect.ValueOf(&p.Pairs[0].Series).Elem(), text)
	p.Clinic, p.Code, p.Version, p.ReviewedBy, p.ReviewedOn = text, text, text, text, text
	p.Pairs[0].Baseline.PNG, p.Pairs[0].Latest.PNG = pictures[0], pictures[1]
	_, page := publish(t, p)
	checkPage(t, page)
	if strings.Contains(page, "<script") || strings.ContainsAny(page, "\u202e\u2067\x00") || strings.Contains(page, strings.Repeat("x", 500)) {
		t.Error("a text became more than a text")
	}
}

func TestPublicationSameBytes(t *testing.T) {
	p := samplePublication(t, "publication", "zone", "nose")
	_, a := publish(t, p)
	_, b := publish(t, p)
	if a != b {
		t.Error("the same pair gave two pages")
	}
	p.Language = "xx"
	if err := WritePublication(t.TempDir(), p); err == nil {
		t.Error("a page in no language")
	}
	p.Language, p.Pairs[0].Latest.PNG = "", []byte("x")
	if err := WritePublication(t.TempDir(), p); err == nil {
		t.Error("a page with a broken picture")
	}
}

// The bar is as long as it says, in the pixels of the pictures.
func TestPublicationScaleBar(t *testing.T) {
	p := samplePublication(t, "publication", "zone", "nose")
	_, page := publish(t, p)
	m := regexp.MustCompile(`viewBox="0 0 120 \d+" role="img" aria-label="5 mm"><rect x="0" y="0" width="20" `).FindAllString(page, -1)
	if len(m) != 2 {
		t.Errorf("%d bars of 5 mm in 20 px of 0.25 mm", len(m))
	}
	p.Pairs[0].MMPerPx = 0
	if _, page = publish(t, p); strings.Contains(page, `class="ruler"`) || !strings.Contains(page, english["publication.no_scale"]) {
		t.Error("a bar without a scale")
	}
}

func TestConcerns(t *testing.T) {
	for _, c := range []struct {
		check, zone string
		want        bool
	}{
		{"yaw", "nose", true}, {"expression_nose", "nose", true}, {"expression_nose", "chin", false}, {"expression_nose", "", true},
		{"stretch_periorbital_left", "cheek_left", false}, {"occlusion_cheek_left", "cheek_left", true},
	} {
		if got := Concerns(c.check, c.zone); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

// TestPublicationInABrowser: the policy stops nothing that the page has.
func TestPublicationInABrowser(t *testing.T) {
	browser := findBrowser(t)
	dir, _ := publish(t, samplePublication(t, "teaching", "covered_eyes", ""))
	_, console := open(t, browser, dir, PublicationFile)
	for line := range strings.Lines(console) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("console: %s", line)
		}
	}
}
