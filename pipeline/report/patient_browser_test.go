package report

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestPatientPageInABrowser opens the page as a patient would: the slider is
// reached and moved by the keyboard, nothing is fetched, the console is silent, and
// a small screen need not be scrolled sideways. On paper the photos stand side by
// side.
func TestPatientPageInABrowser(t *testing.T) {
	browser := findBrowser(t)
	source, dir := t.TempDir(), t.TempDir()
	writeSamplePictures(t, source, 5, 300, 400)
	if err := WritePatient(dir, source, sampleSubject(), PatientOptions{Lang: "de", Logo: logoFile(t, "png")}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox,
		chromedp.UserDataDir(filepath.Join(t.TempDir(), "profile")))...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	defer func() { // killed, it would leave its children behind
		if err := chromedp.Cancel(ctx); err != nil {
			t.Error(err)
		}
	}()

	var mu sync.Mutex
	var console, requests []string
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(chromedp.Listen(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			console = append(console, string(e.Type))
		case *runtime.EventExceptionThrown:
			console = append(console, e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			console = append(console, e.Entry.Text)
		case *network.EventRequestWillBeSent:
			if url := e.Request.URL; !strings.HasPrefix(url, "data:") {
				requests = append(requests, url)
			}
		}
	}))
	type state struct {
		Focus, Value, Spoken, Line, Clip string
		Fits                             bool
		Lefts                            []float64
	}
	after := func(steps ...chromedp.Action[chromedp.Void]) state {
		t.Helper()
		must(chromedp.Do(ctx, steps...))
		s, err := chromedp.Run(ctx, chromedp.Evaluate[state](`(() => {
			const slide = document.querySelector('input[type=range]');
			return {Focus: document.activeElement.id, Value: slide.value, Spoken: slide.getAttribute('aria-valuetext'),
				Line: document.querySelector('.stage').style.getPropertyValue('--p'),
				Clip: getComputedStyle(document.querySelector('.half.cmp img')).clipPath,
				Fits: document.documentElement.scrollWidth <= innerWidth,
				Lefts: [...document.querySelectorAll('.photo')].map((p) => p.getBoundingClientRect().left)}})()`))
		must(err)
		return s
	}
	page := "file://" + filepath.Join(dir, "patient.html")
	paper := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		return err
	})
	watch := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{})
		if err == nil {
			_, err = cdp.Call(ctx, target, log.Enable, cdp.Empty{})
		}
		return err
	})

	s := after(watch, chromedp.EmulateViewport(1000, 900), chromedp.Navigate(page))
	if s.Value != "50" || s.Line != "50%" || s.Spoken != "50 % der Breite zeigen das Foto vom Beginn" || len(s.Lefts) != 2 || s.Lefts[0] != s.Lefts[1] {
		t.Errorf("at first %+v", s)
	}
	tab, right := chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.ArrowRight)
	s = after(tab, tab, right, right, right) // the first stop is the link to the results
	if s.Focus != "p0-slide" || s.Value != "53" || s.Line != "53%" || !strings.Contains(s.Clip, "53%") || !strings.HasPrefix(s.Spoken, "53 % der Breite") {
		t.Errorf("after three arrows %+v", s)
	}
	if s = after(chromedp.KeyEvent(kb.Home)); s.Value != "0" || s.Line != "0%" {
		t.Errorf("after Home %+v", s)
	}
	if s = after(chromedp.EmulateViewport(320, 700)); !s.Fits {
		t.Error("the page is wider than a small screen")
	}
	if s = after(paper); s.Lefts[1] <= s.Lefts[0] || s.Clip != "none" {
		t.Errorf("on paper %+v", s)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(console) > 0 {
		t.Errorf("console: %q", console)
	}
	if len(requests) != 1 || requests[0] != page {
		t.Errorf("requests: %q", requests)
	}
}
