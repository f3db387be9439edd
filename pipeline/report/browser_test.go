package report

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestReportInABrowser loads a report in a headless Chromium and asks for what
// only the page's own script and style can have done, and for a silent console.
// The policy blocking either would show in both.
func TestReportInABrowser(t *testing.T) {
	browser := findBrowser(t)
	dir := t.TempDir()
	writeSamplePictures(t, dir, 5, 60, 80)
	page := writeIn(t, dir, sampleSubject())

	dom, console := open(t, browser, dir, "report.html")
	for _, want := range []string{`aria-valuetext="50 % of the width shows the baseline"`, `style="--p: 50%;"`, `class="stage"`} {
		if !strings.Contains(dom, want) {
			t.Errorf("the script did not run: no %s", want)
		}
	}
	for line := range strings.Lines(console) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("console: %s", line)
		}
	}

	// A reader at work: a script that the policy of the real page would not allow.
	page = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllLiteralString(page, "")
	page = strings.Replace(page, "</body>", `<script>
		document.querySelector('[data-layer="v0-s2"]').click();
		document.querySelector('[data-overlay=redness]').click();
		const range = document.querySelector('input[type=range]');
		range.value = 70;
		range.dispatchEvent(new Event('input'));
		const shown = (id) => getComputedStyle(document.getElementById(id)).display;
		range.focus();
		document.body.dataset.keys = document.activeElement === range && range.labels.length === 1;
		document.body.dataset.seen = ['v0-s2', 'v0-s4'].map(shown) + ' ' + getComputedStyle(document.querySelector('#v0-s2 .redness')).display +
			' ' + getComputedStyle(document.querySelector('#v0-s2 .zones')).display;
		</script></body>`, 1)
	if err := os.WriteFile(filepath.Join(dir, "used.html"), []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	dom, _ = open(t, browser, dir, "used.html")
	for _, want := range []string{`style="--p: 70%;"`, `data-layer="v0-s2" aria-pressed="true"`, `data-layer="v0-s4" aria-pressed="false"`, `data-seen="block,none block none"`, `data-keys="true"`} {
		if !strings.Contains(dom, want) {
			t.Errorf("after use: no %s", want)
		}
	}
}

// findBrowser is a Chromium of this machine; without one the test is skipped.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium on this machine")
	return ""
}

// open loads a page of dir and returns its elements after loading and what the
// browser logged.
func open(t *testing.T, browser, dir, page string) (dom, console string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, browser,
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--no-first-run", "--user-data-dir="+filepath.Join(dir, "profile"),
		"--enable-logging=stderr", "--v=0", "--dump-dom", "file://"+filepath.Join(dir, page))
	cmd.Env = append(os.Environ(), "HOME="+dir)
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	return string(out), log.String()
}
