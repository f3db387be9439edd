package report

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
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

// TestReportByKeyboard is a clinician with a keyboard: the slider is reached with Tab
// and moved with the arrows, the overlays are switched with the space bar, a session is
// chosen with Enter; nothing is fetched, and the console is silent.
func TestReportByKeyboard(t *testing.T) {
	browser := findBrowser(t)
	dir := t.TempDir()
	writeSamplePictures(t, dir, 5, 300, 400)
	writeIn(t, dir, sampleSubject())
	b := drive(t, browser)
	page := "file://" + filepath.Join(dir, "report.html")
	b.must(chromedp.Do(b.ctx, chromedp.EmulateViewport(1200, 900), chromedp.Navigate(page)))

	type state struct{ Focus, Layer, Value, Spoken, Clip, Shown, Over string }
	look := func() state {
		t.Helper()
		s, err := chromedp.Run(b.ctx, chromedp.Evaluate[state](`(() => {
			const at = document.activeElement, slide = document.querySelector('input[type=range]');
			const shown = [...document.querySelectorAll('.layer')].filter((l) => !l.hidden);
			return {Focus: at.id, Layer: at.dataset.layer || '', Value: slide.value, Spoken: slide.getAttribute('aria-valuetext'),
				Clip: getComputedStyle(shown.at(-1).querySelector('.photo').closest('.half') || shown.at(-1)).clipPath + getComputedStyle(shown.at(-1).querySelector('.photo')).clipPath,
				Shown: shown.map((l) => l.id).join(' '), Over: getComputedStyle(shown[0].querySelector('.over.redness')).display}})()`))
		b.must(err)
		return s
	}
	press := func(keys ...string) state {
		t.Helper()
		for _, k := range keys {
			b.must(chromedp.Do(b.ctx, chromedp.KeyEvent(k)))
		}
		return look()
	}
	tabTo := func(there func(state) bool) state {
		t.Helper()
		for range 40 {
			if s := press(kb.Tab); there(s) {
				return s
			}
		}
		t.Fatal("not reached with Tab")
		return state{}
	}
	first := tabTo(func(s state) bool { return s.Focus == "v0-slide" })
	if first.Value != "50" || first.Over != "none" {
		t.Errorf("at first %+v", first)
	}
	s := press(kb.ArrowRight, kb.ArrowRight, kb.ArrowRight, kb.ArrowLeft)
	if s.Value != "52" || !strings.HasPrefix(s.Spoken, "52 %") || !strings.Contains(s.Clip, "52%") {
		t.Errorf("after the arrows %+v", s)
	}
	if s = press(kb.End); s.Value != "100" {
		t.Errorf("after End %+v", s)
	}
	tabTo(func(s state) bool { return s.Layer == "v0-s1" })
	if s = press(kb.Enter); !strings.Contains(s.Shown, "v0-s1") || strings.Contains(s.Shown, "v0-s4") {
		t.Errorf("after choosing a session: %+v", s)
	}
	tabTo(func(s state) bool { return s.Focus == "v0-redness" })
	if s = press(" "); s.Over != "block" {
		t.Errorf("after the space bar on an overlay: %+v", s)
	}
	if s = press(" "); s.Over != "none" {
		t.Errorf("after the space bar once more: %+v", s)
	}
	b.silent(page)
}

// driven is a browser that is used as by a person and watched.
type driven struct {
	t   *testing.T
	ctx context.Context

	mu                sync.Mutex
	console, requests []string
}

func drive(t *testing.T, browser string) *driven {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // that of t ends before the browser is told to
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox,
		chromedp.UserDataDir(filepath.Join(t.TempDir(), "profile")))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	t.Cleanup(func() { // killed, it would leave its children behind
		if err := chromedp.Cancel(ctx); err != nil {
			t.Error(err)
		}
	})
	b := &driven{t: t, ctx: ctx}
	b.must(chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			b.console = append(b.console, string(e.Type))
		case *runtime.EventExceptionThrown:
			b.console = append(b.console, e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			b.console = append(b.console, e.Entry.Text)
		case *network.EventRequestWillBeSent:
			if url := e.Request.URL; !strings.HasPrefix(url, "data:") {
				b.requests = append(b.requests, url)
			}
		}
	}))
	b.must(chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{})
		if err == nil {
			_, err = cdp.Call(ctx, target, log.Enable, cdp.Empty{})
		}
		return err
	})))
	return b
}

func (b *driven) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// silent fails where the console has a word, or anything but the page was fetched.
func (b *driven) silent(page string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.console) > 0 {
		b.t.Errorf("console: %q", b.console)
	}
	if len(b.requests) != 1 || b.requests[0] != page {
		b.t.Errorf("requests: %q", b.requests)
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
