package report

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
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
	b := drive(t, browser)
	must, ctx := b.must, b.ctx
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
	s := after(chromedp.EmulateViewport(1000, 900), chromedp.Navigate(page))
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
	b.silent(page)
}
