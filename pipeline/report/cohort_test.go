package report

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// writeCohort makes the report and returns its folder and its page.
func writeCohort(t *testing.T, c result.Cohort) (dir, page string) {
	t.Helper()
	dir = t.TempDir()
	if err := WriteCohort(dir, c); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "cohort.html"))
	if err != nil {
		t.Fatal(err)
	}
	return dir, string(b)
}

// smallCohort has what a test can look at: a primary metric and one without better
// or worse, in two zones. It makes five figures.
func smallCohort() result.Cohort {
	return sampleCohort(20, "roughness_mid", "melanin_index")
}

// smallReport is what WriteCohort makes of smallCohort, by the names of the files.
// It is made once: drawing for print takes its time.
var smallReport = sync.OnceValues(func() (map[string]string, error) {
	dir, err := os.MkdirTemp("", "cohort")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := WriteCohort(dir, smallCohort()); err != nil {
		return nil, err
	}
	all := map[string]string{}
	err = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[e.Name()] = string(b)
		return err
	})
	return all, err
})

// small is the page and the figures of smallReport.
func small(t *testing.T) (page string, figures map[string]string) {
	t.Helper()
	all, err := smallReport()
	if err != nil {
		t.Fatal(err)
	}
	figures = maps.Clone(all)
	delete(figures, "cohort.html")
	return all["cohort.html"], figures
}

// readTree reads all files below a folder.
func readTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v", e.Name(), info.Mode())
		}
		b, err := os.ReadFile(path)
		all[e.Name()] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCohortPage(t *testing.T) {
	page, _ := small(t)
	text := words(t, page)
	for _, bad := range []string{"NaN", "Inf", "%!"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page shows %q", bad)
		}
	}
	for _, want := range []string{
		"Needling <b>& PRP</b>", "no consent for research is recorded", "light from another side <script>alert(1)</script>",
		"Roughness, middle (0.8–2 mm), 90 days after the last treatment Wilcoxon signed rank, exact",
		"smoother skin within three months85.0 %62.5 % (46.0 % to 77.0 %)25 of 20", "nobody had five treatments",
		"dermatrend 1.2.3 (OpenCV 4.6.0; settings 0123456789ab)", "colour fit on reference skin; blur matched in pairs",
		"The primary outcome was named before the analysis: Roughness, middle (0.8–2 mm), left cheek, 90 days after the last treatment.",
		`replicates of this study; table "<shipped>"`, "Random draws: 2000, seed 7", "days: 28 ± 10, 90 ± 21", "holm within zones of a metric; level of significance 0.05",
		"Of 25 subjects in the study, 20 had comparable sessions. Left out: 4 (no consent for research is recorded); 1 (light from another side",
		"Tests, two-sided: Wilcoxon signed rank, exact.", "beyond measurement error; cause not established",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "<b>&") || strings.Contains(page, "<i>that") {
		t.Error("a name was not escaped")
	}
	// The primary outcome stands before the exploratory ones, once.
	if p, e := strings.Index(page, english["cohort.primary"]+"</h3>"), strings.Index(page, english["cohort.exploratory"]+"</h3>"); p < 0 || e < p {
		t.Errorf("primary at %d, exploratory at %d", p, e)
	}
	if n := strings.Count(page, "<figure "); n != 5 || strings.Count(page, "data:image/svg+xml;base64,") != n {
		t.Errorf("%d figures", n)
	}
	if strings.Contains(page, "http://") || strings.Contains(page, "https://") || strings.Contains(page, "src=\"figures") {
		t.Error("the page needs something from outside")
	}
}

// Figures open in other programs: SVG is well-formed and needs no font, PNG has
// the pixels and the resolution of its width on paper. The page holds the same
// bytes.
func TestCohortFigures(t *testing.T) {
	page, all := small(t)
	if len(all) != 10 {
		t.Errorf("%d files", len(all))
	}
	for _, m := range regexp.MustCompile(`base64,([^"]*)"`).FindAllStringSubmatch(page, -1) {
		b, err := base64.StdEncoding.DecodeString(m[1])
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(slices.Collect(maps.Values(all)), string(b)) {
			t.Error("a figure of the page is no file")
		}
	}
	for name, data := range all {
		if strings.Contains(data, "NaN") || strings.Contains(data, "Inf") && strings.HasSuffix(name, ".svg") {
			t.Errorf("%s: not a number", name)
		}
		switch filepath.Ext(name) {
		case ".svg":
			width := checkSVG(t, name, data)
			img, err := png.DecodeConfig(strings.NewReader(all[strings.TrimSuffix(name, ".svg")+".png"]))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			mm := width / 72 * 25.4
			if mm < 84.9 || mm > 180.1 || math.Abs(float64(img.Width)-mm/25.4*300) > 1 {
				t.Errorf("%s: %.1f mm wide, %d px", name, mm, img.Width)
			}
		case ".png":
			if _, err := png.Decode(strings.NewReader(data)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			i := strings.Index(data, "pHYs")
			if i < 0 || binary.BigEndian.Uint32([]byte(data[i+4:])) != 11811 || data[i+12] != 1 {
				t.Errorf("%s does not say that it has 300 dots per inch", name)
			}
		}
	}
}

// checkSVG reads every element and returns the width in points.
func checkSVG(t *testing.T, name, data string) (width float64) {
	t.Helper()
	title := false
	for d := xml.NewDecoder(strings.NewReader(data)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch e.Name.Local {
		case "svg":
			for _, a := range e.Attr {
				if a.Name.Local == "width" {
					if _, err := fmt.Sscanf(strings.TrimSuffix(a.Value, "pt"), "%g", &width); err != nil {
						t.Errorf("%s: width %s", name, a.Value)
					}
				}
			}
		case "title":
			title = true
		case "text", "image", "style", "script":
			t.Errorf("%s holds <%s>", name, e.Name.Local)
		}
	}
	if !title {
		t.Errorf("%s has no title", name)
	}
	return width
}

func TestCohortIsDeterministic(t *testing.T) {
	one, err := smallReport()
	if err != nil {
		t.Fatal(err)
	}
	dir, _ := writeCohort(t, smallCohort())
	two := readTree(t, dir)
	if len(one) != len(two) {
		t.Fatalf("%d and %d files", len(one), len(two))
	}
	for name, data := range one {
		if two[name] != data {
			t.Errorf("%s differs", name)
		}
	}
}

// What the median and the bars show, from the numbers by hand: the person who
// missed the second visit does not shift the others.
func TestPeriodMedians(t *testing.T) {
	var courses []course
	for i := range 7 {
		c := result.Course{Metric: "erythema_index", Days: []int{0, 30 + i, 60}, Values: []result.Number{10, result.Number(10 - float64(i)), 2}}
		if i == 6 {
			c.Days, c.Values = []int{0, 34, 36, 60}, []result.Number{10, 5, 3, result.None()} // two visits of one period: one person
		}
		one, ok := newCourse(c)
		if !ok {
			t.Fatal("no course")
		}
		courses = append(courses, one)
	}
	m := periodMedians(courses, 30)
	if len(m) != 3 {
		t.Fatalf("%d periods", len(m))
	}
	if m[1].day != 33 || m[1].change.Value != -3 || m[1].change.Low != -6 || m[1].change.High != 0 || !m[1].hasInterval {
		t.Errorf("%+v", m[1])
	}
	if m[2].day != 60 || m[2].change.Value != -8 {
		t.Errorf("%+v", m[2])
	}
	// Roughness is read as per cent of baseline.
	one, _ := newCourse(result.Course{Metric: "roughness_mid", Days: []int{-5, 0, 30}, Values: []result.Number{7, 8, 6}})
	if one.change[2] != -25 || one.change[1] != 0 {
		t.Errorf("%v", one.change)
	}
	if _, ok := newCourse(result.Course{Metric: "roughness_mid", Days: []int{0, 30}, Values: []result.Number{result.None(), 6}}); ok {
		t.Error("one value makes no course")
	}
}

// The window that was named beforehand is shown, even where another has more
// persons; without one the fullest window, not the last.
func TestShownContrast(t *testing.T) {
	row := func(contrast string, n int) result.CohortRow {
		return result.CohortRow{Metric: "roughness_mid", Contrast: contrast, N: n, Estimate: 1}
	}
	c := result.Cohort{Rows: []result.CohortRow{row("window:28", 30), row("window:90", 12), row("window:180", 12), row("visit:4", 40)}}
	if got := (&cohortData{Cohort: c}).contrast("roughness_mid"); got != "window:28" {
		t.Errorf("fullest: %q", got)
	}
	c.Methods.Primary = result.CohortPrimary{Named: true, Metric: "roughness_mid", WindowDays: 90}
	if got := (&cohortData{Cohort: c}).contrast("roughness_mid"); got != "window:90" {
		t.Errorf("named: %q", got)
	}
	c.Rows = c.Rows[3:]
	if got := (&cohortData{Cohort: c}).contrast("roughness_mid"); got != "visit:4" {
		t.Errorf("visits only: %q", got)
	}
}

func TestContrastWords(t *testing.T) {
	for contrast, want := range map[string]string{
		"visit:2": "visit 2 after baseline", "window:90": "90 days after the last treatment", "slope": "change per 30 days",
		"treated-untreated@window:90": "treated minus untreated zones, 90 days after the last treatment",
		"side:left-right@visit:1":     "side left minus side right, visit 1 after baseline",
		"arm:A-B@slope":               "arm A minus arm B, change per 30 days",
		"covariate:age@window:28":     "effect of age, 28 days after the last treatment",
		"covariate:adjunct=PRP@slope": "adjunct PRP against all others, change per 30 days",
		"ordered:4":                   "order of baseline and 4 visits (mean rank correlation)",
		"typical_order:4":             "order of baseline and 4 visits in the typical person (rank correlation)",
		"odd":                         "odd",
	} {
		if got := contrastWords(contrast); got != want {
			t.Errorf("%s: %q, want %q", contrast, got, want)
		}
	}
}

func TestNumbersOfPapers(t *testing.T) {
	for _, c := range []struct {
		e, low, high result.Number
		want         string
	}{
		{-1.0134, -1.1712, -0.848, "−1.01 (−1.17 to −0.85)"},
		{-0.00531, -0.207, 0.196, "−0.01 (−0.21 to +0.20)"},
		{-123.4, -150.2, -96.1, "−123 (−150 to −96)"},
		{2.5, result.None(), result.None(), "+2.50"},
		{0.001, -1, 1, "0.0 (−1.0 to +1.0)"},
	} {
		if got := withInterval(c.e, c.low, c.high); got != c.want {
			t.Errorf("%v: %q, want %q", c.e, got, c.want)
		}
	}
	for p, want := range map[result.Number]string{0.0004: "< 0.001", 0.0123: "0.012", 0.5: "0.50", result.None(): dash} {
		if got := pValue(p); got != want {
			t.Errorf("p = %v: %q, want %q", p, got, want)
		}
	}
}

// Little or odd data give a page that says so, and figures of another cohort do
// not stay behind.
func TestCohortOfLittle(t *testing.T) {
	none := result.None()
	one := result.Cohort{Study: "one", Rows: []result.CohortRow{
		{Zone: "nose", Metric: "roughness_mid", Contrast: "visit:1", N: 1, Estimate: -1, Low: none, High: none, P: none, PAdjusted: none, SD: none, Role: result.RoleExploratory, Reason: "one person"},
		{Zone: "", Metric: "unheard_of", Contrast: "visit:1", N: 1, Estimate: none, Low: none, High: none, P: none, PAdjusted: none, SD: none, Role: result.RoleExploratory},
	},
		Courses: []result.Course{
			{Code: "A", Zone: "nose", Metric: "roughness_mid", Days: []int{0, 0}, Values: []result.Number{5, 5}},
			{Code: "B", Zone: "nose", Metric: "roughness_mid", Days: []int{0, 30}, Values: []result.Number{0, 1}},
			{Code: "C", Zone: "nose", Metric: "roughness_mid", Days: []int{0}, Values: nil},
		},
		Responses:  []result.Response{{Code: "A", Zone: "nose", Metric: "roughness_mid", Contrast: "visit:1", Change: 0, ChangePct: 0, SDC: none, Verdict: result.NoDetectableChange}},
		Replicates: []result.Replicates{{Code: "A", Zone: "nose", Metric: "roughness_mid", First: 1, Second: 1}, {Code: "A", Zone: "nose", Metric: "roughness_mid", First: 1, Second: none}},
	}
	dir, page := writeCohort(t, one)
	all := readTree(t, dir)
	for name := range all {
		if strings.HasSuffix(name, ".svg") {
			checkSVG(t, name, all[name])
			if strings.Contains(all[name], "NaN") {
				t.Errorf("%s: not a number", name)
			}
		}
	}
	if all["spaghetti-roughness-mid.png"] == "" || all["forest-roughness-mid.png"] == "" || all["waterfall-roughness-mid.png"] == "" || all["bland-altman-roughness-mid.png"] != "" {
		t.Errorf("figures: %d files", len(all))
	}
	if text := words(t, page); !strings.Contains(text, english["cohort.primary_none"]) || !strings.Contains(text, "one person") || strings.Contains(text, "NaN") {
		t.Error("the page of one person")
	}

	// The empty cohort takes the place of the other; a file of the user stays.
	if err := os.WriteFile(filepath.Join(dir, figuresDir, "mine.svg"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteCohort(dir, result.Cohort{}); err != nil {
		t.Fatal(err)
	}
	all = readTree(t, dir)
	if _, ok := all["mine.svg"]; !ok || len(all) != 2 {
		t.Errorf("%d files are left", len(all))
	}
	text := words(t, all["cohort.html"])
	for _, want := range []string{"cohort.flow_none", "cohort.primary_none", "cohort.no_rows", "cohort.claims_none", "cohort.figures_none"} {
		if !strings.Contains(text, english[want]) {
			t.Errorf("the empty page does not say %q", english[want])
		}
	}
}

// TestCohortInABrowser sees that the policy of the page lets its figures show and
// that none needs a font of the machine.
func TestCohortInABrowser(t *testing.T) {
	browser := findBrowser(t)
	page, _ := small(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cohort.html"), []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	_, console := open(t, browser, dir, "cohort.html")
	for line := range strings.Lines(console) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("console: %s", line)
		}
	}
	// A reader who looks at the sizes, which the policy of the page would not allow.
	const script = `document.body.dataset.seen = [...document.images].map((i) => i.complete && i.naturalWidth > 200 && i.naturalHeight > 100).join()`
	page = regexp.MustCompile(`script-src [^;"]*`).ReplaceAllLiteralString(page, "script-src 'unsafe-inline'")
	page = strings.Replace(page, "</body>", "<script>window.addEventListener('load', () => {"+script+"})</script></body>", 1)
	if err := os.WriteFile(filepath.Join(dir, "seen.html"), []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	dom, _ := open(t, browser, dir, "seen.html")
	if want := `data-seen="` + strings.TrimSuffix(strings.Repeat("true,", 5), ",") + `"`; !strings.Contains(dom, want) {
		t.Errorf("figures are not shown: %s", regexp.MustCompile(`data-seen="[^"]*"`).FindString(dom))
	}
}
