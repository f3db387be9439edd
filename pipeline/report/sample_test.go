package report

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// writeSamplePictures draws the pictures that sampleSubject names: a face-like
// blob and, for each overlay, a field of dots.
func writeSamplePictures(t *testing.T, dir string, sessions, w, h int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "aligned"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "overlays"), 0o700); err != nil {
		t.Fatal(err)
	}
	for s := range sessions {
		photo := image.NewRGBA(image.Rect(0, 0, w, h))
		for y := range h {
			for x := range w {
				u, v := float64(x)/float64(w)-0.5, float64(y)/float64(h)-0.5
				c := color.RGBA{200, 205, 210, 255}
				if u*u/0.12+v*v/0.2 < 1 {
					k := 8 * math.Sin(float64(x*(7+s))/9) * math.Cos(float64(y)/7)
					c = color.RGBA{uint8(205 + k), uint8(160 + 3*float64(s) + k), uint8(140 + k), 255}
				}
				photo.Set(x, y, c)
			}
		}
		encode(t, filepath.Join(dir, "aligned", fmt.Sprintf("s%d.jpg", s)), func(f *os.File) error { return jpeg.Encode(f, photo, nil) })
		for i, kind := range overlayKinds[:4] {
			over := image.NewNRGBA(image.Rect(0, 0, w, h))
			for y := 0; y < h; y++ {
				for x := 0; x < w; x++ {
					if (x/7+y/7*3+i)%11 == 0 {
						over.Set(x, y, color.NRGBA{uint8(60 * i), 120, 200, 150})
					}
				}
			}
			encode(t, filepath.Join(dir, "overlays", fmt.Sprintf("s%d-%s.png", s, kind)), func(f *os.File) error { return png.Encode(f, over) })
		}
	}
}

func encode(t *testing.T, name string, write func(*os.File) error) {
	t.Helper()
	f, err := os.Create(name)
	if err == nil {
		err = write(f)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Reasons of the sample that every report of it must show.
const (
	poseReason  = "head turned by 9.2 deg, limit 5 deg"
	scaleReason = "needs 20 px/mm, the photo has 14.2"
	lightReason = "light from another side than at baseline"
)

// sampleSubject is a person with five sessions: one not comparable, every
// verdict, every qualifier, treatments, refusals of all kinds.
func sampleSubject() result.Subject {
	days := []int{0, 30, 61, 92, 152}
	dates := []string{"2026-01-10", "2026-02-09", "2026-03-12", "2026-04-12", "2026-06-11"}
	s := result.Series{
		Subject: "P001", View: "front", Scale: "iris", PxPerMM: 14.2, PictureMMPerPx: 0.22, PxPerMMRelSD: 0.036, ITADeg: 32.4,
		Notes:       []string{"sessions s1 and s2 are 31 days apart", "photo distance not recorded"},
		InputSHA256: map[string]string{"b.jpg": "0b", "a.jpg": "0a"},
	}
	for i := range days {
		id := fmt.Sprintf("s%d", i)
		v := result.Visit{Session: id, Date: dates[i], Day: days[i], Baseline: i == 0, Photo: id + "-front.jpg", Comparable: i != 2}
		v.Pictures = map[string]string{"aligned": "aligned/" + id + ".jpg"}
		for _, k := range overlayKinds[:4] {
			if k != "scars" || i != 3 {
				v.Pictures[k] = "overlays/" + id + "-" + k + ".png"
			}
		}
		if i > 0 {
			since := 30
			v.DaysSinceTreatment = &since
		}
		if i == 2 {
			v.Reason = poseReason
		}
		s.Visits = append(s.Visits, v)
		check := func(name string, value, limit result.Number, unit, affects string, status result.Status) {
			s.Comparability = append(s.Comparability, result.Check{Session: id, Photo: v.Photo, Check: name, Value: value, Limit: limit, Unit: unit, Affects: affects, Status: status})
		}
		check("sharpness", result.Number(0.4+0.1*float64(i)), 1.2, "px", "texture;lines;pores", result.OK)
		check("white_balance", 1.1, 4, "percent", "redness;pigment", result.OK)
		switch i {
		case 2:
			check("yaw", 9.2, 5, "deg", "texture;lines;pores;scars", result.Refused)
		case 3:
			check("light_direction", 14, 10, "deg", "scars", result.Refused)
		default:
			check("yaw", 1.2, 5, "deg", "texture;lines;pores;scars", result.OK)
		}
		check("noise", result.None(), 2, "percent", "texture", result.Caution)
		s.Alignments = append(s.Alignments, result.Alignment{
			Session: id, Photo: v.Photo, Status: result.OK, Scale: 1.02, RotationDeg: -1.3, ShiftXPx: 22, ShiftYPx: -9, Inliers: 231,
			Overlap: 0.97, ResidualPx: 1.4, ResidualPctIPD: 0.46, YawDeltaDeg: 1.1, PitchDeltaDeg: -0.4,
		})
	}
	zones := []string{"forehead", "nose", "cheek_left", "cheek_right", "chin", "perioral"}
	type m struct {
		name, unit string
		base, step float64
		sdc        result.Number
	}
	list := []m{
		{"erythema_index", "log10x100", 6.2, -0.9, 0.8}, {"roughness_mid", "ODx1000", 14.1, -0.3, 2}, {"pore_area_fraction", "percent", 3.1, 0.5, 0.6},
		{"scar_contrast", "1", 0.09, 0, 0.02}, {"melanin_index", "log10x100", 31, 0.4, 2}, {"pore_diameter_um_median", "um", 240, 0, 30},
	}
	for mi, m := range list {
		for zi, zone := range zones {
			var known []float64
			for i, v := range s.Visits {
				row := result.Measurement{
					Subject: "P001", View: "front", Session: v.Session, Date: v.Date, Day: v.Day, Photo: v.Photo, Zone: zone, Metric: m.name,
					Unit: m.unit, Basis: result.BasisNative, N: 40000, PxPerMM: 14.2, Status: result.OK,
					Value: result.Number(m.base*(1+0.05*float64(zi)) + m.step*float64(i)*float64(6-zi)/6 + 0.02*m.base*float64((i*7+zi*3+mi)%5-2)),
				}
				switch {
				case m.name == "pore_diameter_um_median":
					row.Value, row.Status, row.Reason = result.None(), result.Refused, fmt.Sprintf("needs 20 px/mm, the photo has %.1f", 14.2-0.1*float64(i))
				case i == 2 && mi > 0:
					row.Value, row.Status, row.Reason = result.None(), result.Refused, poseReason
				case i == 3 && m.name == "scar_contrast":
					row.Value, row.Status, row.Reason = result.None(), result.Refused, lightReason
				case i == 3 && mi == 0:
					row.Status, row.Reason = result.Caution, "12 days since the last treatment"
				}
				s.Measurements = append(s.Measurements, row)
				if row.Value.Known() {
					known = append(known, float64(row.Value))
				}
			}
			t := result.Trend{
				Subject: "P001", View: "front", Zone: zone, Metric: m.name, Unit: m.unit, Sessions: len(known), SDC: m.sdc, SDCSource: "shipped table (provisional)",
				Role: roleSecondary, Limit: m.sdc * 1.3, LatestSession: "s4",
				Baseline: result.None(), Latest: result.None(), Change: result.None(), ChangePct: result.None(),
				SlopePer30d: result.None(), SlopeLow: result.None(), SlopeHigh: result.None(),
				Verdict: result.NotComparable, Reason: lightReason,
			}
			if mi < 4 {
				t.Role = rolePrimary
			}
			if mi < 3 && zone != "chin" {
				t.Baseline, t.Latest = result.Number(known[0]), result.Number(known[len(known)-1])
				t.Change = t.Latest - t.Baseline
				t.SlopePer30d, t.SlopeLow, t.SlopeHigh = t.Change/5, t.Change/5-m.sdc/4, t.Change/5+m.sdc/4
				if mi == 1 {
					t.ChangePct = t.Change / t.Baseline * 100
				}
				t.Verdict, t.Reason = result.NoDetectableChange, ""
				t.Qualifier = []string{"relative", "provisional", "early;photo_error_only"}[mi]
				if t.Change < -t.Limit {
					t.Verdict = result.Improved
				}
				if t.Change > t.Limit {
					t.Verdict = result.Worsened
				}
			}
			if m.name == "pore_diameter_um_median" {
				t.Reason = scaleReason
			}
			s.Trends = append(s.Trends, t)
		}
	}
	s.Trends = append(s.Trends,
		result.Trend{Zone: "cheek_left", Metric: "brown_area_fraction", Unit: "percent", Role: roleSafety, Baseline: 1.1, Latest: 2.4, Change: 1.3, ChangePct: result.None(),
			SDC: 0.5, Limit: 0.5, SlopePer30d: result.None(), Verdict: result.Worsened, Reason: "brown marks grew beyond error"},
		result.Trend{Zone: "cheek_right", Metric: "brown_area_fraction", Unit: "percent", Role: roleSafety, Baseline: result.None(), Latest: result.None(), Change: result.None(), ChangePct: result.None(),
			SDC: result.None(), Limit: result.None(), SlopePer30d: result.None(), Verdict: result.NotComparable, Reason: "no reference skin"})
	s.Rejections = []result.Rejection{
		{Subject: "P001", View: "front", Session: "s1", Photo: "s1-b.jpg", Stage: "load", Reason: "the file ends too early"},
		{Subject: "P001", View: "front", Session: "s3", Photo: "s3-b.jpg", Stage: "face", Reason: "no face found"},
	}
	return result.Subject{
		ID: "P001", Study: "Acne scars 2026", Clinic: "Clinic at the Lake", Version: "0.1.0", OpenCV: "4.6.0", Settings: "9f2c", Internal: true,
		Notes: []string{"history: isotretinoin 2025-06"},
		Treatments: []result.Treatment{
			{Session: "s0", Date: "2026-01-10", Device: "pen", Adjunct: "PRP", Passes: 4, DepthMM: map[string]float64{"cheek_right": 1.5, "cheek_left": 1.5}},
			{Session: "s1", Date: "2026-02-09", Device: "pen"},
			{Session: "s2", Date: "2026-03-12", Device: "pen", Passes: 3},
		},
		Series: []result.Series{s},
	}
}

// noisy encodes one plane of bytes as a JPEG and as a PNG with transparency.
func noisy(t *testing.T, gray []byte, w, h int) (jpg, pngBytes []byte) {
	t.Helper()
	var a, b bytes.Buffer
	over := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i, v := range gray {
		over.Pix[4*i], over.Pix[4*i+3] = v, v
	}
	if err := jpeg.Encode(&a, &image.Gray{Pix: gray, Stride: w, Rect: image.Rect(0, 0, w, h)}, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, over); err != nil {
		t.Fatal(err)
	}
	return a.Bytes(), b.Bytes()
}
