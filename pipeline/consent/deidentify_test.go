package consent

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/study"
)

// request is one that is complete.
func request(a Audience, l Level, on study.Date) Request {
	q := Request{Audience: a, Level: l, Zone: "cheek_left", On: on, NoMarks: "Kim", ReviewedBy: "Dr. Roe", ReviewedOn: day("2026-01-01")}
	if a == ForPatient {
		q.Level, q.Zone = "", ""
	}
	return q
}

// needs is the table of outputs and consent.
var needs = []struct {
	audience Audience
	level    Level
	scopes   []string
}{
	{ForPatient, "", []string{"clinical"}},
	{ForPublication, LevelZone, []string{"deidentified_report"}},
	{ForPublication, LevelHalfFace, []string{"identifiable_report"}},
	{ForPublication, LevelCoveredEyes, []string{"identifiable_report"}},
	{ForPublication, LevelFullFace, []string{"identifiable_report"}},
	{ForTeaching, LevelZone, []string{"teaching"}},
	{ForTeaching, LevelHalfFace, []string{"teaching", "identifiable_report"}},
	{ForTeaching, LevelCoveredEyes, []string{"teaching", "identifiable_report"}},
	{ForTeaching, LevelFullFace, []string{"teaching", "identifiable_report"}},
	{ForMarketing, LevelZone, []string{"marketing"}},
	{ForMarketing, LevelHalfFace, []string{"marketing", "identifiable_report"}},
	{ForMarketing, LevelCoveredEyes, []string{"marketing", "identifiable_report"}},
	{ForMarketing, LevelFullFace, []string{"marketing", "identifiable_report"}},
}

// Every set of scopes allows just what the table says: none that lacks one does.
func TestLevelsAndScopes(t *testing.T) {
	on := day("2026-05-01")
	for set := range 1 << len(Scopes) {
		var held []string
		for i, s := range Scopes {
			if set>>i&1 == 1 {
				held = append(held, s)
			}
		}
		r, err := NewRegister(t.Context(), &study.Study{Root: t.TempDir(), Subjects: []study.Subject{{ID: "P", Consent: []study.Consent{{Scope: held, Signed: on}}}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range needs {
			want := !slices.ContainsFunc(n.scopes, func(s string) bool { return !slices.Contains(held, s) })
			if got, why := r.Allows("P", request(n.audience, n.level, on)); got != want || !got && why == "" {
				t.Errorf("%s, %s with consent for %q: %t (%s)", n.audience, n.level, held, got, why)
			}
		}
	}
}

func TestIncompleteRequests(t *testing.T) {
	on := day("2026-05-01")
	r, err := NewRegister(t.Context(), &study.Study{Root: t.TempDir(), Subjects: []study.Subject{{ID: "P", Consent: []study.Consent{{Scope: Scopes, Signed: on}}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		audience Audience
		level    Level
		change   func(*Request)
		want     string
	}{
		{"press", LevelZone, func(*Request) {}, `nothing is handed out for "press"`},
		{ForTeaching, "", func(*Request) {}, `level ""`},
		{ForTeaching, "quarter", func(*Request) {}, `level "quarter"`},
		{ForPatient, "", func(q *Request) { q.Level = LevelZone }, "no level and no zone"},
		{ForTeaching, LevelZone, func(q *Request) { q.NoMarks = " " }, "confirm"},
		{ForTeaching, LevelZone, func(q *Request) { q.Zone = "" }, "shows one of"},
		{ForTeaching, LevelZone, func(q *Request) { q.Zone = "perioral" }, "at an eye or the mouth"},
		{ForTeaching, LevelZone, func(q *Request) { q.Zone = "periorbital_left" }, "at an eye or the mouth"},
		{ForTeaching, LevelFullFace, func(q *Request) { q.Zone = "ear" }, `--zone "ear": there are`},
		{ForTeaching, LevelHalfFace, func(q *Request) { q.Zone = "nose" }, "of one side"},
		{ForTeaching, LevelFullFace, func(q *Request) { q.On = study.Date{} }, "no day"},
		{ForMarketing, LevelZone, func(q *Request) { q.ReviewedBy = "" }, "clinician's review"},
		{ForMarketing, LevelZone, func(q *Request) { q.ReviewedOn = study.Date{} }, "clinician's review"},
		{ForMarketing, LevelZone, func(q *Request) { q.ReviewedOn = day("2026-05-02") }, "lies after"},
		{ForPatient, "", func(q *Request) { q.ReviewedOn = day("2026-05-02") }, "lies after"},
		{ForPatient, "", func(q *Request) { q.ReviewedBy = "" }, "one of the two is missing"},
		{ForPatient, "", func(q *Request) { q.ReviewedOn = study.Date{} }, "one of the two is missing"},
	} {
		q := request(c.audience, c.level, on)
		c.change(&q)
		if err := q.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", q, err, c.want)
		}
		if ok, _ := r.Allows("P", q); ok {
			t.Errorf("%+v was allowed", q)
		}
	}
}

// TestThousandRequests holds the decision against the rule written out: all scopes
// of the table signed by that day, not expired, and no withdrawal on record that a
// later signature of that day does not follow, in manifest or ledger, of whatever
// day.
func TestThousandRequests(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	on := func(n int) study.Date { return study.Date{Time: day("2026-01-01").AddDate(0, 0, n)} }
	used := []string{"deidentified_report", "identifiable_report", "teaching", "marketing", "clinical"}
	allowed, asked := 0, 0
	for k := range 1000 {
		type statement struct {
			scopes          []string
			signed, expires int // -1: not given
		}
		type withdrawal struct {
			scope string
			on    int
		}
		var signed []statement
		var withdrawn []withdrawal
		subject := study.Subject{ID: "P"}
		for range 1 + rng.IntN(4) {
			s := statement{nil, rng.IntN(40), -1}
			for _, scope := range used {
				if rng.IntN(2) == 0 {
					s.scopes = append(s.scopes, scope)
				}
			}
			c := study.Consent{Scope: s.scopes, Signed: on(s.signed)}
			if rng.IntN(3) == 0 {
				s.expires = s.signed + rng.IntN(40)
				c.Expires = on(s.expires)
			}
			if rng.IntN(6) == 0 {
				w := s.signed + rng.IntN(40)
				c.Withdrawn = on(w)
				for _, scope := range s.scopes {
					withdrawn = append(withdrawn, withdrawal{scope, w})
				}
			}
			if rng.IntN(10) == 0 {
				s.signed, c.Signed = -1, study.Date{}
			}
			signed, subject.Consent = append(signed, s), append(subject.Consent, c)
		}
		r := &Register{subjects: map[string]study.Subject{"P": subject}, order: []string{"P"}}
		for range rng.IntN(2) {
			w := withdrawal{used[rng.IntN(len(used))], rng.IntN(60)}
			withdrawn = append(withdrawn, w)
			r.ledger = append(r.ledger, Entry{Kind: KindWithdraw, Subjects: []string{"P"}, Scope: w.scope, AsOf: on(w.on).String()})
		}
		for range 20 {
			n, d := needs[rng.IntN(len(needs))], rng.IntN(80)
			want := true
			for _, scope := range n.scopes {
				covered := false
				for _, s := range signed {
					holds := slices.Contains(s.scopes, scope) && s.signed >= 0 && s.signed <= d && (s.expires < 0 || d <= s.expires)
					for _, w := range withdrawn {
						holds = holds && !(w.scope == scope && (w.on > d || s.signed <= w.on))
					}
					covered = covered || holds
				}
				want = want && covered
			}
			q := request(n.audience, n.level, on(d))
			q.ReviewedOn = on(d)
			asked++
			if got, why := r.Allows("P", q); got != want {
				t.Fatalf("combination %d, %s %s on day %d: %t (%s), want %t: %+v, withdrawn %v", k, n.audience, n.level, d, got, why, want, signed, withdrawn)
			}
			if want {
				allowed++
			}
		}
	}
	if allowed < asked/20 || allowed > asked*19/20 {
		t.Errorf("%d of %d were allowed: little was tested", allowed, asked)
	}
}

// An export that rests on two scopes goes with either.
func TestWithdrawOneOfTwoScopes(t *testing.T) {
	for _, scope := range []string{"teaching", "identifiable_report"} {
		root, out := t.TempDir(), t.TempDir()
		st := &study.Study{Root: root, Subjects: []study.Subject{{ID: "P1", Consent: []study.Consent{{Scope: Scopes, Signed: day("2026-01-01")}}}}}
		staged, final := filepath.Join(t.TempDir(), "a"), filepath.Join(out, "a")
		if err := os.WriteFile(staged, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Release(t.Context(), st, Entry{Subjects: []string{"P1"}, Scope: "teaching", Also: []string{"identifiable_report"}, AsOf: "2026-05-01"}, staged, final, nil); err != nil {
			t.Fatal(err)
		}
		w, err := Withdraw(t.Context(), st, "P1", scope, day("2026-05-02"), "", out)
		if err != nil || len(w.Artefacts) != 1 || !w.Artefacts[0].Deleted {
			t.Errorf("%s: %+v, %v", scope, w.Artefacts, err)
		}
	}
}

// zoneMask is a mask with a filled part of a zone.
func zoneMask(zone string, size image.Point, parts ...image.Rectangle) *image.Paletted {
	m := image.NewPaletted(image.Rectangle{Max: size}, make(color.Palette, len(study.ZoneNames)+1))
	for _, p := range parts {
		for y := p.Min.Y; y < p.Max.Y; y++ {
			for x := p.Min.X; x < p.Max.X; x++ {
				m.SetColorIndex(x, y, uint8(slices.Index(study.ZoneNames, zone)+1))
			}
		}
	}
	return m
}

// cut takes a part out of a mask.
func cut(m *image.Paletted, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			m.SetColorIndex(x, y, 0)
		}
	}
}

// photo is a JPEG of noise, decoded.
func photo(t *testing.T, w, h int) image.Image {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		img.Pix[i] = uint8(rng.IntN(256))
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	out, err := jpeg.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What is shown has the values of the decoded photo, written and read again; what is
// not the zone's skin in every picture is covered, as are moles; specks are not.
func TestCropKeepsTheSkinAndNothingElse(t *testing.T) {
	size := image.Pt(900, 400)
	skin := image.Rect(100, 50, 300, 150)
	a, b := zoneMask("nose", size, skin), zoneMask("nose", size, skin.Add(image.Pt(20, 0)))
	speck, mole, edge := image.Rect(200, 100, 203, 103), image.Rect(150, 100, 156, 106), image.Rect(299, 100, 300, 102)
	for _, r := range []image.Rectangle{speck, mole, edge} {
		cut(a, r)
	}
	other := uint8(slices.Index(study.ZoneNames, "chin") + 1)
	for x := 130; x < 140; x++ {
		for y := 60; y < 70; y++ {
			a.SetColorIndex(x, y, other)
		}
	}
	c, err := CropZone("nose", a, b)
	if err != nil {
		t.Fatal(err)
	}
	if want := image.Rect(120, 50, 300, 150); c.Box != want {
		t.Errorf("box %v, want %v", c.Box, want)
	}
	img := photo(t, size.X, size.Y)
	out, err := c.Of(img)
	if err != nil {
		t.Fatal(err)
	}
	data, err := EncodePNG(out)
	if err != nil {
		t.Fatal(err)
	}
	read, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for y := range c.Box.Dy() {
		for x := range c.Box.Dx() {
			p := image.Pt(x, y).Add(c.Box.Min)
			want := color.NRGBAModel.Convert(img.At(p.X, p.Y))
			if p.In(mole) || p.In(edge) || p.In(image.Rect(130, 60, 140, 70)) {
				want = covering
			}
			if got := color.NRGBAModel.Convert(read.At(x, y)); got != want {
				t.Fatalf("%v: %v, want %v", p, got, want)
			}
		}
	}
	if _, err := c.Of(photo(t, 200, 100)); err == nil {
		t.Error("a smaller picture was cut")
	}
}

// The upper edge of a forehead, which is the hairline, is not shown, and neither are
// strands of hair.
func TestForeheadIsARectangle(t *testing.T) {
	size := image.Pt(900, 500)
	m := zoneMask("forehead", size)
	for x := 200; x < 700; x++ {
		for y := 100 + (x*x/37)%40; y < 300; y++ {
			m.SetColorIndex(x, y, 1)
		}
	}
	mole := image.Rect(400, 200, 420, 220)
	cut(m, mole)
	c, err := CropZone("forehead", m)
	if err != nil {
		t.Fatal(err)
	}
	if c.Box.Min.Y < 139 || c.Box.Dx() != 500 || c.Box.Max.Y != 300 {
		t.Errorf("box %v shows the hairline, or too little", c.Box)
	}
	for i, k := range c.keep {
		p := image.Pt(i%c.Box.Dx(), i/c.Box.Dx()).Add(c.Box.Min)
		if k == p.In(mole) {
			t.Fatalf("%v: shown is %t", p, k)
		}
	}
}

func TestLargestRectangle(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for range 200 {
		const w, h = 9, 7
		mask := make([]bool, w*h)
		for i := range mask {
			mask[i] = rng.IntN(4) > 0
		}
		best := 0
		for y0 := range h {
			for x0 := range w {
				for y1 := y0; y1 < h; y1++ {
					for x1 := x0; x1 < w; x1++ {
						full := true
						for y := y0; y <= y1; y++ {
							for x := x0; x <= x1; x++ {
								full = full && mask[y*w+x]
							}
						}
						if full {
							best = max(best, (y1-y0+1)*(x1-x0+1))
						}
					}
				}
			}
		}
		r := largestRectangle(mask, w)
		if r.Dx()*r.Dy() != best {
			t.Fatalf("%v has %d pixels, the largest %d: %v", r, r.Dx()*r.Dy(), best, mask)
		}
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				if !mask[y*w+x] {
					t.Fatalf("%v holds a gap", r)
				}
			}
		}
	}
}

func TestNothingToCrop(t *testing.T) {
	size := image.Pt(900, 400)
	some := zoneMask("nose", size, image.Rect(0, 0, 100, 100))
	for name, masks := range map[string][]*image.Paletted{
		"none":        nil,
		"apart":       {some, zoneMask("nose", size, image.Rect(200, 0, 300, 100))},
		"other size":  {some, zoneMask("nose", image.Pt(800, 400), image.Rect(0, 0, 100, 100))},
		"other zone":  {zoneMask("chin", size, image.Rect(0, 0, 100, 100))},
		"hardly some": {zoneMask("nose", size, image.Rect(0, 0, 30, 30))},
	} {
		if c, err := CropZone("nose", masks...); err == nil {
			t.Errorf("%s: %v", name, c.Box)
		}
	}
}

// A PNG holds its header, its pixels and its end.
func TestPNGHoldsPixelsOnly(t *testing.T) {
	data, err := EncodePNG(Cover(photo(t, 60, 40), image.Rect(0, 10, 60, 20)))
	if err != nil {
		t.Fatal(err)
	}
	for rest := data[8:]; len(rest) > 0; {
		n, kind := binary.BigEndian.Uint32(rest), string(rest[4:8])
		if !slices.Contains([]string{"IHDR", "IDAT", "IEND"}, kind) {
			t.Errorf("chunk %s", kind)
		}
		rest = rest[12+n:]
	}
}
