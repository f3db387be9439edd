package report

import (
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// figuresDir is the folder of the figures beside cohort.html.
const figuresDir = "figures"

// WriteCohort writes out/cohort.html and the figures in it as files of their own,
// out/figures/NAME.svg and .png (300 dpi, 85 to 180 mm wide). Each file is written
// whole or not at all, readable by its owner only; figures of an earlier cohort
// that this one does not have are removed, other files stay. The same cohort gives
// the same bytes.
//
// There is one set of figures (courses with medians, forest plot, waterfall of
// responders, agreement of replicates) for the primary metric and for each metric
// of the catalogue that may carry a verdict, where there are data, and one heat
// map: at most 21 figures.
func WriteCohort(out string, c result.Cohort) error {
	dir := filepath.Join(out, figuresDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("report of the cohort: %w", err)
	}
	written := map[string]bool{}
	var views []figureView
	for i, f := range cohortFigures(c) {
		svg, err := f.svg()
		if err != nil {
			return fmt.Errorf("figure %s: %w", f.file, err)
		}
		png, err := f.png()
		if err != nil {
			return fmt.Errorf("figure %s: %w", f.file, err)
		}
		for ext, data := range map[string][]byte{".svg": svg, ".png": png} {
			if err := files.Replace(filepath.Join(dir, f.file+ext), data); err != nil {
				return fmt.Errorf("figure %s: %w", f.file, err)
			}
			written[f.file+ext] = true
		}
		views = append(views, newFigureView(i+1, f, svg))
	}
	if err := removeFigures(dir, written); err != nil {
		return fmt.Errorf("figures of an earlier cohort: %w", err)
	}
	if err := writePage(filepath.Join(out, "cohort.html"), "cohort.html", cohortPage(c, views)); err != nil {
		return fmt.Errorf("report of the cohort: %w", err)
	}
	return nil
}

// removeFigures removes the figures that keep does not name.
func removeFigures(dir string, keep map[string]bool) error {
	names := []string{"heat-map"}
	for _, m := range metrics.All() {
		for _, kind := range figureKinds {
			names = append(names, figureName(kind, m.Name))
		}
	}
	for _, n := range names {
		for _, ext := range []string{".svg", ".png"} {
			if keep[n+ext] {
				continue
			}
			if err := os.Remove(filepath.Join(dir, n+ext)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// cohortView is the page of a cohort.
type cohortView struct {
	Study, Version string
	Facts          []fact
	Note           string
	Flow           []flowRow
	Primary        []contrastRows
	PrimaryNone    string
	Exploratory    []contrastRows // of the metrics and contrasts that the figures show
	All            []cohortGroup  // everything, by metric
	Claims         []claimRow
	Figures        []figureView
	Methods        []string // paragraphs
	Settings       []fact
}

type flowRow struct {
	Step, Reason, Photos         string
	Subjects, Sessions, Excluded int
}

// cohortGroup are the rows of one metric.
type cohortGroup struct {
	Metric    string
	Contrasts []contrastRows
}

// contrastRows are the zones of one contrast.
type contrastRows struct {
	Title, Test string // Test is that of all rows, or empty
	Rows        []cohortRow
}

type cohortRow struct {
	Zone, N, Missing, Estimate, Unit     string
	Percent                              string // the estimate in per cent of baseline
	P, PAdjusted, Test                   string
	Responders, Beyond, Worsened, Remark string
}

type claimRow struct{ Claim, Published, Own, Count, Counted string }

// figureView is a figure as the page holds it.
type figureView struct {
	Number             int
	Alt, Caption, File string
	Wide               bool
	svg                string
}

// Src is the attribute that shows the figure: base64 only, safe without escaping.
func (f figureView) Src() template.HTMLAttr {
	return template.HTMLAttr(`src="data:image/svg+xml;base64,` + f.svg + `"`)
}

func newFigureView(number int, f figure, svg []byte) figureView {
	return figureView{number, f.alt, f.caption, figuresDir + "/" + f.file, f.width > oneColumn, base64.StdEncoding.EncodeToString(svg)}
}

func cohortPage(c result.Cohort, figs []figureView) *cohortView {
	ps := newPlaces(c)
	v := &cohortView{Study: plain(c.Study, nameRunes), Version: plain(c.Version, nameRunes), Figures: figs, Methods: cohortMethods(c)}
	v.Facts = cohortFacts(c)
	for _, f := range c.Flow {
		row := flowRow{stepWords(f.Step), plain(f.Reason, reasonRunes), strconv.Itoa(f.Photos), f.Subjects, f.Sessions, f.Excluded}
		if english["step."+f.Step] == "" {
			row.Photos = dash // not counted for a contrast
		}
		v.Flow = append(v.Flow, row)
	}
	d := &cohortData{c, ps}
	shown := map[string]string{} // contrast of the figures by metric
	for _, m := range shownMetrics(c) {
		shown[m] = d.contrast(m)
	}
	of := map[string][]result.CohortRow{}
	var names []string
	var primary, exploratory []result.CohortRow
	for _, r := range c.Rows {
		names = append(names, r.Metric)
		of[r.Metric] = append(of[r.Metric], r)
		switch {
		case r.Role == result.RolePrimary:
			primary = append(primary, r)
		case r.Contrast == shown[r.Metric]:
			exploratory = append(exploratory, r)
		}
	}
	both := func(r result.CohortRow) string { return name("metric", r.Metric) + ", " + contrastWords(r.Contrast) }
	v.Primary, v.Exploratory = byContrast(primary, ps, both), byContrast(exploratory, ps, both)
	for _, m := range metricOrder(names) {
		v.All = append(v.All, cohortGroup{name("metric", m), byContrast(of[m], ps, func(r result.CohortRow) string { return contrastWords(r.Contrast) })})
	}
	v.PrimaryNone = tell("cohort.primary_none")
	if c.Methods.Primary.Named {
		v.PrimaryNone = tell("cohort.primary_empty")
	}
	for _, cl := range c.Claims {
		row := claimRow{plain(cl.Claim, reasonRunes), percent(cl.Published), dash, dash, plain(cl.Counted, reasonRunes)}
		switch {
		case cl.Own.Known():
			row.Own = percent(cl.Own)
			if cl.Low.Known() && cl.High.Known() {
				row.Own = tell("cohort.interval", percent(cl.Own), percent(cl.Low), percent(cl.High))
			}
			row.Count = tell("cohort.of", cl.Responders, cl.N)
		default:
			row.Own = reason(cl.Reason)
		}
		v.Claims = append(v.Claims, row)
	}
	v.Settings = []fact{
		{tell("fact.version"), orDash(c.Version)}, {tell("fact.opencv"), orDash(c.OpenCV)}, {tell("fact.settings"), orDash(c.Settings)},
		{tell("fact.sdc_source"), orDash(strings.Join(c.Methods.SDCSources, "; "))},
		{tell("cohort.fact_as_of"), orDash(c.Methods.AsOf)}, {tell("cohort.fact_adjustment"), orDash(c.Methods.Adjustment)},
	}
	return v
}

// byContrast groups rows under their titles, in order of appearance.
func byContrast(rows []result.CohortRow, ps places, title func(result.CohortRow) string) []contrastRows {
	var list []contrastRows
	at := map[string]int{}
	for _, r := range rows {
		t := title(r)
		i, ok := at[t]
		if !ok {
			i = len(list)
			at[t] = i
			list = append(list, contrastRows{Title: t})
		}
		list[i].Rows = append(list[i].Rows, newCohortRow(r, ps))
	}
	for i := range list {
		list[i].oneTest()
	}
	return list
}

// oneTest says the test once where all rows that have one have the same.
func (g *contrastRows) oneTest() {
	for _, r := range g.Rows {
		if r.Test != "" && g.Test != "" && r.Test != g.Test {
			g.Test = ""
			return
		}
		if r.Test != "" {
			g.Test = r.Test
		}
	}
	for i := range g.Rows {
		g.Rows[i].Test = ""
	}
}

func newCohortRow(r result.CohortRow, ps places) cohortRow {
	row := cohortRow{
		Zone: ps.label(place{r.View, r.Zone}), N: strconv.Itoa(r.N), Missing: strconv.Itoa(r.Missing),
		Estimate: withInterval(r.Estimate, r.Low, r.High), Unit: unitWords(r.Unit),
		P: pValue(r.P), PAdjusted: pValue(r.PAdjusted), Test: name("test", r.Test),
		Responders: dash, Beyond: dash, Worsened: dash, Remark: plain(r.Reason, reasonRunes),
	}
	if r.EstimatePct.Known() {
		row.Percent = withUnit(withInterval(r.EstimatePct, r.LowPct, r.HighPct), "percent")
	}
	if r.Directed && r.Judged > 0 {
		row.Responders = tell("cohort.share", r.Responders, r.Judged, 100*float64(r.Responders)/float64(r.Judged))
		row.Worsened = strconv.Itoa(r.Worsened)
		if r.InPercent {
			row.Beyond = fmt.Sprintf("%d / %d / %d", r.Responders20, r.Responders30, r.Responders50)
		}
	}
	if !r.Estimate.Known() {
		row.Estimate, row.Remark = dash, reason(r.Reason)
	}
	return row
}

// percent is a share that is given in per cent.
func percent(n result.Number) string {
	if !n.Known() {
		return dash
	}
	return withUnit(num(n), "percent")
}

func cohortFacts(c result.Cohort) []fact {
	list := []fact{{tell("fact.study"), orDash(c.Study)}}
	if len(c.Flow) > 0 {
		list = append(list, fact{tell("cohort.fact_entered"), strconv.Itoa(c.Flow[0].Subjects)},
			fact{tell("cohort.fact_analysed"), strconv.Itoa(analysed(c.Flow))})
	}
	return append(list, fact{tell("cohort.fact_primary"), primaryWords(c.Methods.Primary)}, fact{tell("fact.version"), orDash(c.Version)})
}

// stepWords is a step of the flow: one of all persons, or a contrast.
func stepWords(step string) string {
	if s, ok := english["step."+step]; ok {
		return s
	}
	return tell("cohort.with_value", contrastWords(step))
}

// analysed is how many persons came to the last step of all, before the contrasts
// part them.
func analysed(flow []result.FlowStep) int {
	n := 0
	for _, f := range flow {
		if english["step."+f.Step] != "" {
			n = f.Subjects
		}
	}
	return n
}

// primaryWords says which outcome was named beforehand.
func primaryWords(p result.CohortPrimary) string {
	if !p.Named {
		return tell("cohort.primary_not_named")
	}
	s := name("metric", p.Metric)
	if p.Zone != "" {
		s += ", " + name("zone", p.Zone)
	}
	if p.WindowDays > 0 {
		s += ", " + tell("cohort.contrast_window", p.WindowDays)
	}
	return s
}

// cohortMethods is the section on methods of a paper, from the settings that were
// used.
func cohortMethods(c result.Cohort) []string {
	m := c.Methods
	photos := tell("cohort.methods_photos", orDash(c.Version), orDash(c.OpenCV), short(c.Settings))
	if len(m.Corrections) > 0 {
		photos += " " + tell("cohort.methods_corrections", joined(m.Corrections))
	}
	photos += " " + tell("cohort.methods_native")
	list := []string{photos}

	outcome := tell("cohort.methods_no_primary")
	if m.Primary.Named {
		outcome = tell("cohort.methods_primary", primaryWords(m.Primary))
	}
	outcome += " " + tell("cohort.methods_sdc", orDash(joined(m.SDCSources)))
	list = append(list, outcome)

	if len(c.Flow) > 0 {
		who := tell("cohort.methods_flow", orDash(m.AsOf), c.Flow[0].Subjects, analysed(c.Flow))
		var left []string
		for _, f := range c.Flow {
			if f.Excluded > 0 && english["step."+f.Step] != "" {
				why := reason(f.Reason)
				if !unicode.IsDigit([]rune(why)[0]) { // else the reason counts by itself
					why = tell("cohort.methods_excluded", f.Excluded, why)
				}
				left = append(left, why)
			}
		}
		if len(left) > 0 {
			who += " " + tell("cohort.methods_left_out", strings.Join(left, "; "))
		}
		list = append(list, who)
	}

	var stats []string
	if windows := windowWords(m); windows != "" {
		stats = append(stats, tell("cohort.methods_windows", windows))
	}
	stats = append(stats, tell("cohort.methods_estimates"))
	if tests := testsOf(c.Rows); len(tests) > 0 {
		stats = append(stats, tell("cohort.methods_tests", joined(tests)))
	}
	if m.Draws > 0 {
		stats = append(stats, tell("cohort.methods_draws", m.Draws, m.Seed))
	}
	if m.Adjustment != "" {
		stats = append(stats, tell("cohort.methods_adjustment", plain(m.Adjustment, reasonRunes), alphaWords(m.Alpha)))
	}
	stats = append(stats, tell("cohort.methods_responders"), tell("cohort.methods_missing"))
	list = append(list, strings.Join(stats, " "))
	return append(list, tell("cohort.methods_claim"))
}

// alphaWords is a level of significance.
func alphaWords(alpha float64) string { return strconv.FormatFloat(alpha, 'g', 3, 64) }

// short is the start of a hash, enough to tell settings apart.
func short(hash string) string {
	hash = orDash(hash)
	if r := []rune(hash); len(r) > 12 {
		return string(r[:12])
	}
	return hash
}

// joined lists texts in readable form.
func joined(list []string) string {
	return strings.Join(plainAll(list), "; ")
}

// windowWords says the windows and their tolerances.
func windowWords(m result.CohortMethods) string {
	var words []string
	for i, d := range m.WindowsDays {
		w := strconv.Itoa(d)
		if i < len(m.ToleranceDays) {
			w += " ± " + strconv.Itoa(m.ToleranceDays[i])
		}
		words = append(words, w)
	}
	return strings.Join(words, ", ")
}

// testsOf lists the tests that were made.
func testsOf(rows []result.CohortRow) []string {
	var list []string
	for _, r := range rows {
		if r.Test != "" && r.P.Known() {
			list = append(list, name("test", r.Test))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
