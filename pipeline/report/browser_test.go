package report

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReportInABrowser loads a report in a headless Chromium and asks for what
// only the page's own script and style can have done, and for a silent console.
// The policy blocking either would show in both.
func TestReportInABrowser(t *testing.T) {
	var browser string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("no Chromium on this machine")
	}
	dir := t.TempDir()
	writeSamplePictures(t, dir, 5, 60, 80)
	writeIn(t, dir, sampleSubject())

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--no-first-run", "--user-data-dir=" + filepath.Join(dir, "profile"),
		"--enable-logging=stderr", "--v=0", "--dump-dom", "file://" + filepath.Join(dir, "report.html"),
	}
	cmd := exec.CommandContext(ctx, browser, args...)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	var console strings.Builder
	cmd.Stderr = &console
	dom, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, console.String())
	}
	for _, want := range []string{`aria-valuetext="50 % of the width shows the baseline"`, `style="--p: 50%;"`} {
		if !strings.Contains(string(dom), want) {
			t.Errorf("the script did not run: no %s", want)
		}
	}
	for line := range strings.Lines(console.String()) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("console: %s", line)
		}
	}
}
