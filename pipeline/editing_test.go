package pipeline

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline/face"
	"github.com/dermatrend/dermatrend/pipeline/photo"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// editOf is an edit of a series' baseline photo.
func editOf(s study.Series) study.Edit {
	file := s.Sessions[0].Photos[0].File
	data, _ := os.ReadFile(filepath.Join(s.Subject.Dir, file))
	return study.Edit{By: "Dr. Meier", At: time.Date(2026, 11, 21, 14, 3, 0, 0, time.UTC), View: s.View,
		Photo: file, PhotoSHA256: fmt.Sprintf("%x", sha256.Sum256(data))}
}

// withEdits is a series with edits.
func withEdits(s study.Series, change ...func(*study.Edit)) study.Series {
	s.Edits = nil
	for _, c := range change {
		e := editOf(s)
		c(&e)
		s.Edits = append(s.Edits, e)
	}
	return s
}

func zoneTo(name string, p study.Polygon) func(*study.Edit) {
	return func(e *study.Edit) { e.Zone = &study.ZoneEdit{Name: name, Outline: p} }
}

func without(p study.Polygon) func(*study.Edit) {
	return func(e *study.Edit) { e.Exclude = &study.ExcludeEdit{Name: "naevus", Outline: p} }
}

func alignment(session string, accept bool) func(*study.Edit) {
	return func(e *study.Edit) { e.Alignment = &study.AlignmentEdit{Session: session, Accept: accept} }
}

// box is a rectangle in units of the distance between the pupils from the middle
// between them, in pixels of the photo.
func box(t *testing.T, data []byte, x0, y0, x1, y1 float64) study.Polygon {
	t.Helper()
	var out study.Polygon
	f := frameOf(t, data)
	for _, q := range [][2]float64{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}} {
		x, y := f.ToPhoto.At(f.Origin[0]+q[0]*f.Unit, f.Origin[1]+q[1]*f.Unit)
		out = append(out, study.Point{X: x, Y: y})
	}
	return out
}

func frameOf(t *testing.T, data []byte) photo.Frame {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.jpg")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := photo.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	d, err := face.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f, err := d.Find(p)
	if err != nil {
		t.Fatal(err)
	}
	return f.Frame()
}

// numbers are the tables of a result without the record of who decided what.
func numbers(t *testing.T, r result.Series) string {
	t.Helper()
	r.Edits, r.Visits, r.InputSHA256, r.Sources = nil, nil, nil, nil
	return timeless(t, r)
}

// measured is a series of which only the left cheek is measured.
func measured(t *testing.T, s study.Series) result.Series {
	t.Helper()
	cfg := DefaultConfig()
	cfg.PictureSide, cfg.Zones = 300, []string{"cheek_left", "forehead"}
	r, err := RunSeries(context.Background(), cfg, s, t.TempDir(), func(string, string) {})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Excluding an area equals drawing every zone without it: the same numbers, in all
// sessions. A zone of an edit equals one of the manifest.
func TestExcludedAreaIsInNoZone(t *testing.T) {
	photos := [][]byte{straight(t), again(t)}
	left, lower := box(t, photos[0], 0.30, 0.45, 0.75, 0.85), box(t, photos[0], 0.30, 0.65, 0.75, 0.85)
	upper := study.Polygon{left[0], left[1], lower[1], lower[0]}
	of := func(cheek, reference study.Polygon) study.Series {
		return seriesOf(t, "front", photos, func(s *study.Subject) {
			s.Zones, s.ReferenceSkin = map[string]map[string]study.Polygon{"front": {"cheek_left": cheek}}, map[string]study.Polygon{"front": reference}
		})
	}
	drawn := measured(t, of(upper, upper))
	excluded := measured(t, withEdits(of(left, left), without(lower)))
	if numbers(t, drawn) != numbers(t, excluded) {
		t.Error("an excluded area is not the same as a zone drawn without it")
	}
	if redrawn := measured(t, withEdits(of(left, upper), zoneTo("cheek_left", upper))); numbers(t, drawn) != numbers(t, redrawn) {
		t.Error("a zone of an edit is not the same as one of the manifest")
	}
	if numbers(t, drawn) == numbers(t, measured(t, of(left, left))) {
		t.Error("the edits changed nothing: this test cannot fail")
	}
	if e := excluded.Edits; len(e) != 1 || e[0].By != "Dr. Meier" || e[0].At != "2026-11-21T14:03:00Z" || e[0].Kind != "exclude" || e[0].Name != "naevus" || e[0].Void != "" {
		t.Errorf("recorded %+v", e)
	}
}

// An edit holds for the photo that it was made in, and for no other.
func TestEditOfAnotherPhoto(t *testing.T) {
	photos := [][]byte{straight(t), again(t)}
	s := seriesOf(t, "front", photos, nil)
	cheek := box(t, photos[0], 0.30, 0.45, 0.75, 0.85)
	plain := numbers(t, measured(t, s))
	for want, change := range map[string]func(*study.Edit){
		"the content of a.jpg has changed":            func(e *study.Edit) { e.PhotoSHA256 = strings.Repeat("0", 64) },
		"b.jpg, in which it was made, cannot be used": func(e *study.Edit) { e.Photo = "b.jpg" },
	} {
		r := measured(t, withEdits(s, func(e *study.Edit) { zoneTo("cheek_left", cheek)(e); change(e) }))
		if numbers(t, r) != plain {
			t.Errorf("%s, but it was applied", want)
		}
		if len(r.Edits) != 1 || r.Edits[0].Void != want {
			t.Errorf("recorded %+v, want %q", r.Edits, want)
		}
	}
}

func TestRejectedAlignment(t *testing.T) {
	s := seriesOf(t, "front", [][]byte{straight(t), again(t), straightAgain(t)}, nil)
	r := measured(t, withEdits(s, alignment("b", false)))
	want := []result.Rejection{{Subject: "P1", View: "front", Session: "b", Photo: "b.jpg", Stage: "align", Reason: "alignment rejected by Dr. Meier on 2026-11-21"}}
	if !reflect.DeepEqual(r.Rejections, want) {
		t.Errorf("rejections %+v", r.Rejections)
	}
	if a := r.Alignments[1]; a.Status != result.Refused || a.Reason != want[0].Reason {
		t.Errorf("alignment %+v", a)
	}
	if slices.ContainsFunc(r.Measurements, func(m result.Measurement) bool { return m.Session == "b" }) {
		t.Error("a session whose alignment was rejected is measured")
	}
	// The others are as if the session had never been.
	alone := seriesOf(t, "front", [][]byte{straight(t), nil, straightAgain(t)}, func(s *study.Subject) { s.Sessions[1].Photos[0].Refused = "missing" })
	other := measured(t, alone)
	for _, x := range []*result.Series{&r, &other} {
		x.Alignments, x.Rejections, x.Notes = nil, nil, nil
	}
	if numbers(t, r) != numbers(t, other) {
		t.Error("a session whose alignment was rejected leaves traces")
	}
}

func straightAgain(t *testing.T) []byte {
	return shoot(t, "straight again", func(s *fixtures.Shot) { s.Yaw = -1 })
}

func object(o result.Object, accept bool) func(*study.Edit) {
	return func(e *study.Edit) {
		e.Object = &study.ObjectEdit{Kind: o.Kind, At: study.Point{X: float64(o.XPx), Y: float64(o.YPx)}, Accept: accept}
	}
}

// Nothing changed between the two photos. All scars of the baseline are rejected, and
// every other object of the other kinds.
func TestRejectedObjectsCountNowhere(t *testing.T) {
	if underRace {
		t.Skip("the photos under the race detector show no objects")
	}
	s := seriesOf(t, "front", [][]byte{straight(t), again(t)}, func(s *study.Subject) {
		s.Sessions[0].Photos[0].PxPerMM = 12.5 // more than it is, so that pores are looked for
	})
	plain := measured(t, s)
	var edits, back []func(*study.Edit)
	var places []result.Object
	kinds := map[string]int{}
	for _, o := range plain.Objects {
		if o.Session != "a" {
			continue
		}
		if kinds[o.Kind]++; o.Kind == "scar" || kinds[o.Kind]%2 == 0 {
			edits, places = append(edits, object(o, false)), append(places, o)
			back = append(back, object(o, true))
		}
	}
	if len(kinds) != 4 {
		t.Fatalf("objects at baseline: %v", kinds)
	}
	nothing := result.Object{Kind: "scar", XPx: 3, YPx: 3}
	r := measured(t, withEdits(s, append(edits, object(nothing, false))...))
	if e := r.Edits[len(r.Edits)-1]; e.Void != "no scar is found at this place" {
		t.Errorf("an edit in the background: %+v", e)
	}

	counted := map[string]int{}
	for _, o := range r.Objects {
		near := slices.ContainsFunc(places, func(p result.Object) bool {
			return p.Kind == o.Kind && math.Hypot(float64(p.XPx-o.BaseXPx), float64(p.YPx-o.BaseYPx)) <= float64(p.DiameterMM)/2*12.5
		})
		switch rejected := o.Reason == "rejected by Dr. Meier on 2026-11-21"; {
		case near && !rejected:
			t.Errorf("a rejected object counts: %+v", o)
		case rejected && (o.Status != result.Refused || o.Track != ""):
			t.Errorf("rejected: %+v", o)
		case !rejected:
			counted[o.Session+o.Zone+o.Kind]++
		}
	}
	for _, o := range places {
		if !slices.ContainsFunc(r.Objects, func(x result.Object) bool {
			return x.Session == "a" && x.Kind == o.Kind && x.XPx == o.XPx && x.YPx == o.YPx && x.Reason != ""
		}) {
			t.Errorf("not listed as rejected: %+v", o)
		}
	}
	value := func(r result.Series, session, zone, metric, basis string) result.Measurement {
		i := slices.IndexFunc(r.Measurements, func(m result.Measurement) bool {
			return m.Session == session && m.Zone == zone && m.Metric == metric && m.Basis == basis
		})
		if i < 0 {
			t.Fatalf("no %s %s %s %s", session, zone, metric, basis)
		}
		return r.Measurements[i]
	}
	for _, zone := range []string{"cheek_left", "forehead"} {
		for _, session := range []string{"a", "b"} {
			for metric, kind := range map[string]string{"pore_count": "pore", "scar_count": "scar"} {
				if m, n := value(r, session, zone, metric, "native"), counted[session+zone+kind]; int(m.Value) != n {
					t.Errorf("%s %s: %s is %v, %d are listed", session, zone, metric, m.Value, n)
				}
			}
			if m := value(r, session, zone, "scar_contrast", "pair:b"); m.Value.Known() || m.Reason != "no scar found" {
				t.Errorf("%s %s: without scars their contrast is %v, %q", session, zone, m.Value, m.Reason)
			}
		}
		for _, metric := range []string{"scar_count", "scar_area_fraction"} {
			if m := value(r, "a", zone, metric, "pair:b"); m.Value != 0 {
				t.Errorf("%s: %s at baseline is %v without scars", zone, metric, m.Value)
			}
		}
		for _, metric := range []string{"brown_area_fraction", "red_area_fraction", "pore_area_fraction"} {
			for _, session := range []string{"a", "b"} {
				if a, b := value(plain, session, zone, metric, "pair:b"), value(r, session, zone, metric, "pair:b"); a.Value.Known() && !(b.Value <= a.Value) {
					t.Errorf("%s %s: %s rose from %v to %v when objects were rejected", session, zone, metric, a.Value, b.Value)
				}
			}
		}
	}
	// The null promise: what is rejected at baseline is rejected in all sessions, so
	// that nothing gets better or worse by it.
	for i, x := range r.Trends {
		if was := plain.Trends[i]; (x.Verdict == result.Improved || x.Verdict == result.Worsened) && was.Verdict != x.Verdict {
			t.Errorf("%s %s: %s by rejecting (%v to %v), without that %s", x.Zone, x.Metric, x.Verdict, x.Baseline, x.Latest, was.Verdict)
		}
	}

	again := measured(t, withEdits(s, append(edits, back...)...))
	if numbers(t, again) != numbers(t, plain) {
		t.Error("objects that were accepted again do not count as before")
	}
}
