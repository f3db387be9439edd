package report

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// On paper, each view has one sheet with everything for the first two minutes, and
// the details begin on the next, however long the texts and lists are.
func TestOneSheetOnPaper(t *testing.T) {
	browser := findBrowser(t)
	two := sampleSubject()
	two.Series = append(two.Series, two.Series[0])
	two.Series[1].View = "left45"

	crowded := sampleSubject()
	long := strings.Repeat("a very long text of a manifest ", 40)
	fill(reflect.ValueOf(&crowded.Series[0].Rejections).Elem(), long)
	crowded.ID, crowded.Study, crowded.Clinic = long, long, long
	crowded.Notes = []string{long, long, long, long, long}
	s := &crowded.Series[0]
	s.Protocol = []string{long, long, long, long, long}
	for i := range s.Trends {
		if s.Trends[i].Verdict == result.NotComparable {
			s.Trends[i].Reason = fmt.Sprintf("%c%s", 'a'+i%5, long)
		}
	}
	for _, zone := range []string{"forehead", "nose", "chin", "cheek_right", "perioral", "periorbital_left"} {
		s.Trends = append(s.Trends, result.Trend{Zone: zone, Metric: "melanin_index", Unit: "log10x100", Role: roleSafety, Change: 9, ChangePct: result.None(), Verdict: result.Worsened, Reason: long})
	}
	for i := range 12 {
		crowded.Treatments = append(crowded.Treatments, result.Treatment{Date: fmt.Sprintf("2026-%02d-28", 1+i%12), Device: long, Adjunct: long, Passes: i,
			DepthMM: map[string]float64{"forehead": 0.5, "nose": 0.75, "chin": 1, "cheek_left": 1.5, "cheek_right": 2, "perioral": 0.25}})
	}

	for _, c := range []struct {
		name    string
		subject result.Subject
		sheets  int
	}{{"one view", sampleSubject(), 1}, {"two views", two, 2}, {"crowded", crowded, 1}} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			writeSamplePictures(t, dir, 5, 60, 80)
			writeIn(t, dir, c.subject)
			text := onPaper(t, browser, dir, "report.html")
			pages := strings.Split(text, "\f")
			for i := range c.sheets {
				for _, want := range []string{tell("series.view"), tell("verdict.title"), "Worsened", "Improved", tell("summary.course"), tell("summary.refused"), tell("summary.trials")} {
					if !strings.Contains(pages[i], want) {
						t.Errorf("sheet %d has no %q:\n%s", i+1, want, pages[i])
					}
				}
				if strings.Contains(pages[i], tell("summary.details")) {
					t.Errorf("sheet %d has details", i+1)
				}
			}
			// The last words of the sheet are on it, and the next one begins with details.
			if last := pages[c.sheets-1]; !strings.Contains(strings.Join(strings.Fields(last), ""), "Machado2021") {
				t.Errorf("the sheet is cut:\n%s", last)
			}
			if next := strings.TrimSpace(pages[c.sheets]); !strings.HasPrefix(next, tell("summary.details")) {
				t.Errorf("after the sheet comes %.80q", next)
			}
			for _, want := range []string{tell("method.title"), tell("table.trends"), tell("method.versions"), "shipped table (provisional)"} {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not on paper", want)
				}
			}
		})
	}
}

// What a printer may leave out unread is nothing that would be on paper.
func TestWhatIsMarkedForTheScreenIsNotOnPaper(t *testing.T) {
	browser := findBrowser(t)
	dir := t.TempDir()
	writeSamplePictures(t, dir, 5, 60, 80)
	whole := writeIn(t, dir, sampleSubject())
	var paper strings.Builder
	deep := 0
	for i, part := range regexp.MustCompile(`<!--/?screen-->`).Split(strings.ReplaceAll(whole, "<!--screen-->", "<!--screen-->\x00"), -1) {
		switch begins := strings.HasPrefix(part, "\x00"); {
		case begins:
			deep++
		case i > 0:
			deep--
		}
		if deep == 0 {
			paper.WriteString(part)
		}
	}
	if deep != 0 || paper.Len() > len(whole)*3/4 {
		t.Errorf("%d marks have no end, %d of %d bytes are for paper", deep, paper.Len(), len(whole))
	}
	if err := os.WriteFile(filepath.Join(dir, "paper.html"), []byte(paper.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if want, got := onPaper(t, browser, dir, "report.html"), onPaper(t, browser, dir, "paper.html"); got != want {
		t.Errorf("on paper\n%s\nand without what is for the screen\n%s", want, got)
	}
}

// onPaper is the text of a page as it is printed, with a form feed after each sheet.
func onPaper(t *testing.T, browser, dir, page string) string {
	t.Helper()
	reader, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("no pdftotext on this machine (package poppler-utils)")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	pdf := filepath.Join(dir, "page.pdf")
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"),
		"--no-pdf-header-footer", "--print-to-pdf="+pdf, "file://"+filepath.Join(dir, page))
	cmd.Env = append(os.Environ(), "HOME="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := exec.Command(reader, "-layout", pdf, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
