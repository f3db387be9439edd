package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// write makes the report of s with small pictures and returns its text.
func write(t *testing.T, s result.Subject) string {
	t.Helper()
	dir := t.TempDir()
	writeSamplePictures(t, dir, 5, 60, 80)
	return writeIn(t, dir, s)
}

func writeIn(t *testing.T, dir string, s result.Subject) string {
	t.Helper()
	if err := WriteSubject(dir, s); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// words is the text that a page shows, white space made single.
func words(t *testing.T, page string) string {
	t.Helper()
	var b strings.Builder
	walk(t, page, func(xml.StartElement) {}, func(text string) { b.WriteString(text) })
	return strings.Join(strings.Fields(b.String()), " ")
}

// walk visits the elements and texts of a page and fails where an element is not
// closed by its own end tag.
func walk(t *testing.T, page string, element func(xml.StartElement), text func(string)) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict = false
	d.Entity = xml.HTMLEntity
	var open []string
	for {
		token, err := d.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			element(e)
			if n := e.Name.Local; n != "meta" && n != "img" && n != "input" {
				open = append(open, n)
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != e.Name.Local {
				t.Fatalf("</%s> closes %v", e.Name.Local, open)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 0 || open[len(open)-1] != "style" && open[len(open)-1] != "script" {
				text(string(e))
			}
		}
	}
	if len(open) > 0 {
		t.Errorf("not closed: %v", open)
	}
}

// checkPage asserts what holds for every page whatever it shows.
func checkPage(t *testing.T, page string) {
	t.Helper()
	ids := map[string]bool{}
	var refs []string
	scripts, styles, mains := 0, 0, 0
	walk(t, page, func(e xml.StartElement) {
		attrs := map[string]string{}
		for _, a := range e.Attr {
			n := strings.ToLower(a.Name.Local)
			attrs[n] = a.Value
			switch {
			case n == "style" || strings.HasPrefix(n, "on"):
				t.Errorf("<%s %s=%q>: forbidden by the policy", e.Name.Local, n, a.Value)
			case n == "src" && !strings.HasPrefix(a.Value, "data:image/"):
				t.Errorf("<%s src=%.60q> is not a data URI", e.Name.Local, a.Value)
			case n == "id":
				if ids[a.Value] {
					t.Errorf("id %q twice", a.Value)
				}
				ids[a.Value] = true
			case n == "for" || n == "aria-labelledby" || n == "data-layer":
				refs = append(refs, a.Value)
			case n == "href" && strings.HasPrefix(a.Value, "#"):
				refs = append(refs, a.Value[1:])
			}
		}
		switch e.Name.Local {
		case "script":
			scripts++
		case "style":
			styles++
		case "main":
			mains++
		case "img":
			if attrs["alt"] == "" {
				t.Error("<img> without alt")
			}
		case "svg":
			if attrs["aria-hidden"] == "" && attrs["aria-label"] == "" {
				t.Error("<svg> without a label")
			}
		case "iframe", "object", "embed", "link", "base", "form":
			t.Errorf("<%s> in a page that stands alone", e.Name.Local)
		}
	}, func(string) {})
	for _, r := range refs {
		if !ids[r] {
			t.Errorf("reference to %q, which is nowhere", r)
		}
	}
	if scripts > 1 || styles != 1 || mains != 1 {
		t.Errorf("%d scripts, %d styles, %d mains", scripts, styles, mains)
	}
	if m := regexp.MustCompile(`(?i)https?://|url\((?:[^#)])`).FindString(page); m != "" {
		t.Errorf("address %q in a page that fetches nothing", m)
	}
	for _, el := range []string{"style", "script"} {
		m := regexp.MustCompile(`(?s)<` + el + `>(.*?)</` + el + `>`).FindStringSubmatch(page)
		if m == nil {
			continue
		}
		sum := sha256.Sum256([]byte(m[1]))
		want := el + "-src &#39;sha256-" + strings.ReplaceAll(base64.StdEncoding.EncodeToString(sum[:]), "+", "&#43;") + "&#39;"
		if !strings.Contains(page, want) {
			t.Errorf("the policy does not allow the page's own %s", el)
		}
	}
	if !strings.Contains(page, "default-src &#39;none&#39;; img-src data:;") {
		t.Error("no strict policy")
	}
	for _, hole := range []string{"NaN", "%!", "ZgotmplZ", "<no value>"} {
		if strings.Contains(page, hole) {
			t.Errorf("page contains %q", hole)
		}
	}
}

func TestReportStandsAlone(t *testing.T) { checkPage(t, write(t, sampleSubject())) }

func TestReportShowsVerdictsReasonsAndProvenance(t *testing.T) {
	text := words(t, write(t, sampleSubject()))
	for _, want := range []string{
		"Improved", "Worsened", "No detectable change", "Not comparable",
		"beyond measurement error; cause not established", "No detectable change is not no change",
		"Possible worsening, examine", "brown marks grew beyond error", "no reference skin",
		poseReason, lightReason, "needs 20 px/mm, the photo has 13.8–14.2",
		english["qualifier_doc.early"], english["qualifier_doc.provisional"], english["qualifier_doc.photo_error_only"], english["qualifier_doc.relative"],
		"Internal: consent for clinical use is not recorded, or was withdrawn", "history: isotretinoin 2025-06", english["report.intended_use"],
		"14.2 px/mm at baseline, from the width of the iris; uncertain by 3.6 % (1 SD)", "typology angle 32.4°",
		"the file ends too early", "no face found", "photo distance not recorded",
		"0.1.0", "4.6.0", "9f2c", "shipped table (provisional)", "a.jpg 0a",
		"left cheek 1.50 mm, right cheek 1.50 mm", "PRP", "The bar on the picture is 2 mm long", "not available for s3",
		"Direction of light refuses or limits scars s3 (14.0 °, limit 10.0)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

// hostile tries to leave its place in HTML, SVG, an attribute, a URL and a
// script, and to turn the direction of what follows.
const hostile = `</title></script><script>alert(1)</script>"'><img src=x onerror=alert(2)> {{.ID}} \u202e` + "\u202e\u2067\x00\n`${1}` javascript:alert(3) "

// fill puts text into every string that v holds, the pictures' paths aside.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Struct:
		for i := range v.NumField() {
			if n := v.Type().Field(i).Name; n != "Pictures" && n != "Verdict" && n != "Status" && n != "Role" {
				fill(v.Field(i), text)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i), text)
		}
	case reflect.Map:
		if v.Type().Key().Kind() == reflect.String && v.Len() > 0 {
			value := v.MapIndex(v.MapKeys()[0])
			v.Clear()
			v.SetMapIndex(reflect.ValueOf(text), value)
		}
	}
}

func TestReportEscapesEveryText(t *testing.T) {
	s := sampleSubject()
	fill(reflect.ValueOf(&s).Elem(), hostile+strings.Repeat("x", 10_000))
	page := write(t, s)
	checkPage(t, page)
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "<img src=x") {
		t.Error("a text became an element")
	}
	if strings.ContainsAny(page, "\u202e\u2067\x00") {
		t.Error("a control or direction mark went into the page")
	}
	if strings.Contains(page, strings.Repeat("x", 500)) {
		t.Error("a text of 10,000 characters is shown in full")
	}

	dir := t.TempDir()
	s.ID = hostile
	if err := WriteIndex(dir, indexOf(hostile, hostile, "", s)); err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, string(index))
}

func TestSameResultsSameBytes(t *testing.T) {
	a, b := write(t, sampleSubject()), write(t, sampleSubject())
	if a != b {
		t.Error("two reports of one result differ")
	}
}

func TestDegenerateSubjectsGetAReport(t *testing.T) {
	one := sampleSubject()
	one.Series[0].Visits = one.Series[0].Visits[:1]
	one.Series[0].Measurements = slices.DeleteFunc(one.Series[0].Measurements, func(m result.Measurement) bool { return m.Session != "s0" })
	one.Series[0].Trends = nil

	bare := sampleSubject()
	bare.Series[0].PxPerMM, bare.Series[0].PictureMMPerPx, bare.Series[0].Scale = 0, 0, "none"
	bare.Series[0].ITADeg = result.None()

	refused := sampleSubject()
	for i := range refused.Series[0].Measurements {
		m := &refused.Series[0].Measurements[i]
		m.Value, m.Status, m.Reason = result.None(), result.Refused, "too dark"
	}
	for i := range refused.Series[0].Trends {
		tr := &refused.Series[0].Trends[i]
		tr.Verdict, tr.Reason = result.NotComparable, "too dark"
		tr.Baseline, tr.Latest, tr.Change, tr.ChangePct = result.None(), result.None(), result.None(), result.None()
	}
	for i := range refused.Series[0].Visits {
		v := &refused.Series[0].Visits[i]
		v.Comparable, v.Reason, v.Pictures = false, "too dark", nil
	}

	undated := sampleSubject()
	for i := range undated.Series[0].Visits {
		undated.Series[0].Visits[i].Date, undated.Series[0].Visits[i].Day = "", 0
	}

	two := sampleSubject()
	two.Series = append(two.Series, two.Series[0])
	two.Series[1].View = "left45"

	for _, c := range []struct {
		name    string
		subject result.Subject
		want    []string
		not     []string
	}{
		{"nothing", result.Subject{}, []string{english["report.no_series"], english["treatments.none"]}, nil},
		{"empty series", result.Subject{ID: "P", Series: []result.Series{{View: "front"}}}, []string{english["viewer.none"], english["verdict.one_session"]}, nil},
		{"one session", one, []string{english["verdict.one_session"]}, []string{"Improved 4"}},
		{"no scale", bare, []string{english["scale.none"], english["viewer.no_bar"]}, []string{"px/mm at baseline", "mm long at the face"}},
		{"all refused", refused, []string{english["viewer.none"], "texture too dark Values: 30; metrics: 1;"}, []string{"−3.23"}},
		{"undated", undated, []string{english["fact.period_none"]}, nil},
		{"two views", two, []string{"View: left, 45°"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := write(t, c.subject)
			checkPage(t, page)
			text := words(t, page)
			for _, w := range c.want {
				if !strings.Contains(text, w) {
					t.Errorf("does not say %q", w)
				}
			}
			for _, w := range c.not {
				if strings.Contains(text, w) {
					t.Errorf("says %q", w)
				}
			}
		})
	}
}

func TestReportIsWrittenWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	writeSamplePictures(t, dir, 5, 60, 80)
	writeIn(t, dir, sampleSubject())
	info, err := os.Stat(filepath.Join(dir, "report.html"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}

	blocked := t.TempDir()
	writeSamplePictures(t, blocked, 5, 60, 80)
	if err := os.MkdirAll(filepath.Join(blocked, "report.html", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteSubject(blocked, sampleSubject()); err == nil {
		t.Error("no error for a report that could not be put in place")
	}
	left, err := filepath.Glob(filepath.Join(blocked, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := WriteSubject(filepath.Join(dir, "absent"), sampleSubject()); err == nil {
		t.Error("no error for a folder that does not exist")
	}
}

func TestIndexLinksAndCounts(t *testing.T) {
	for _, id := range []string{"P001", "Anna Ö", "a:b", "100% #1?", "javascript:alert(1)"} {
		dir := t.TempDir()
		s := sampleSubject()
		s.ID = id
		if err := WriteIndex(dir, indexOf("S", "", "1", s)); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "index.html"))
		if err != nil {
			t.Fatal(err)
		}
		checkPage(t, string(b))
		var href string
		walk(t, string(b), func(e xml.StartElement) {
			for _, a := range e.Attr {
				if a.Name.Local == "href" {
					href = a.Value
				}
			}
		}, func(string) {})
		u, err := url.Parse(href)
		if err != nil || u.IsAbs() || u.RawQuery != "" || u.Fragment != "" || u.Path != "./"+id+"/report.html" {
			t.Errorf("link of %q is %q", id, href)
		}
		// Verdicts of the sample's primary metrics: see TestTilesCountPrimaryVerdicts.
		if text := words(t, string(b)); !strings.Contains(text, "Photographed") || !strings.Contains(text, "! 1") || !strings.Contains(text, "no face found") {
			t.Errorf("index without flag or rejection: %s", text)
		}
	}
}

func TestPicturesAreScaledUntilTheyFit(t *testing.T) {
	const w, h = 480, 320
	noise := make([]byte, w*h) // does not compress
	seed := uint32(1)
	for i := range noise {
		seed = seed*1664525 + 1013904223
		noise[i] = byte(seed >> 24)
	}
	jpg, overlay := noisy(t, noise, w, h)
	pictures := map[string]picture{"photo": {jpg, "jpeg", w, h}, "overlay": {overlay, "png", w, h}}
	full := base64.StdEncoding.EncodedLen(len(jpg)) + base64.StdEncoding.EncodedLen(len(overlay))
	for _, c := range []struct {
		budget int
		scaled bool
	}{{full, false}, {full / 2, true}, {1, true}} {
		g := &gallery{pictures: pictures}
		if err := g.fit(c.budget); err != nil {
			t.Fatal(err)
		}
		size, width := 0, 0
		for path, p := range g.pictures {
			size += base64.StdEncoding.EncodedLen(len(p.bytes))
			config, format, err := image.DecodeConfig(bytes.NewReader(p.bytes))
			if err != nil || format != p.format || p.w != w || p.h != h {
				t.Errorf("%s became %s, said to be of %d x %d, %v", path, format, p.w, p.h, err)
			}
			width = config.Width
		}
		if c.scaled != (width < w) || width < leastWidth || size > c.budget && width > leastWidth {
			t.Errorf("budget %d: %d bytes, %d px wide", c.budget, size, width)
		}
	}
}

// However many sessions and views there are, a report has at most 6 MB, and says where
// its pictures became smaller for that. Files that cannot be made smaller would not
// test it: these are noise.
func TestReportFitsIntoSixMegabytes(t *testing.T) {
	const w, h = 400, 300
	noise := make([]byte, w*h)
	seed := uint32(1)
	for i := range noise {
		seed = seed*1664525 + 1013904223
		noise[i] = byte(seed >> 24)
	}
	jpg, over := noisy(t, noise, w, h)
	s := sampleSubject()
	v := &s.Series[0]
	for len(v.Visits) < 12 {
		x := v.Visits[len(v.Visits)-1]
		x.Session += "x"
		v.Visits = append(v.Visits, x)
	}
	dir := t.TempDir()
	for i := range v.Visits {
		p := map[string]string{aligned: fmt.Sprintf("a%d.jpg", i), "zones": fmt.Sprintf("z%d.png", i), "pores": fmt.Sprintf("z%d.png", i)}
		v.Visits[i].Pictures = p
		if err := errors.Join(os.WriteFile(filepath.Join(dir, p[aligned]), jpg, 0o600), os.WriteFile(filepath.Join(dir, p["zones"]), over, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	page := writeIn(t, dir, s)
	if len(page) > 6_000_000 || !strings.Contains(page, "So that the report stays below 6 MB") {
		t.Errorf("%d bytes", len(page))
	}
	if strings.Contains(write(t, sampleSubject()), "So that the report stays below 6 MB") {
		t.Error("a small report says it was made small")
	}
}

func TestPicturesFromOutsideAreNotShown(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "P001")
	writeSamplePictures(t, dir, 5, 60, 80)
	writeSamplePictures(t, parent, 1, 60, 80)
	if err := os.Symlink(filepath.Join(parent, "aligned", "s0.jpg"), filepath.Join(dir, "link.jpg")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "text.jpg"), []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := sampleSubject()
	for i, path := range []string{"../aligned/s0.jpg", filepath.Join(parent, "aligned", "s0.jpg"), "link.jpg", "text.jpg", "absent.jpg"} {
		s.Series[0].Visits[i].Pictures = map[string]string{"aligned": path}
	}
	page := writeIn(t, dir, s)
	checkPage(t, page)
	if strings.Contains(page, `class="photo"`) {
		t.Error("a picture from outside, or none at all, is shown")
	}
	text := words(t, page)
	for _, want := range []string{"../aligned/s0.jpg: ", "link.jpg: ", "text.jpg: ", "absent.jpg: "} {
		if !strings.Contains(text, want) {
			t.Errorf("does not say that %s could not be shown", want)
		}
	}
}

func indexOf(study, clinic, version string, s result.Subject) *Index {
	x := NewIndex(study, version)
	x.Clinic = clinic
	x.Add(s)
	return x
}
