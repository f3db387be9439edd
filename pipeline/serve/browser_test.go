package serve

import (
	"context"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/dermatrend/dermatrend/pipeline/study"
)

// browser is a Chromium with the page open, which remembers what it fetched and
// what it complained about.
type browser struct {
	t                 *testing.T
	ctx               context.Context
	mu                sync.Mutex
	console, requests []string
}

func openBrowser(t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium on this machine (package chromium)")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // that of t ends before its clean-up
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.UserDataDir(filepath.Join(t.TempDir(), "profile")))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx}
	t.Cleanup(func() { // killed, it would leave its children behind
		if err := chromedp.Cancel(ctx); err != nil {
			t.Error(err)
		}
	})
	err := chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			b.console = append(b.console, string(e.Type))
		case *runtime.EventExceptionThrown:
			b.console = append(b.console, e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			b.console = append(b.console, e.Entry.Text+" "+e.Entry.URL)
		case *network.EventRequestWillBeSent:
			b.requests = append(b.requests, e.Request.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{})
		if err == nil {
			_, err = cdp.Call(ctx, target, log.Enable, cdp.Empty{})
		}
		return err
	}), chromedp.EmulateViewport(1200, 900))
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// js is the value of an expression in the page.
func js[T any](b *browser, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// wait until an expression is true, through a page that is loaded again.
func (b *browser) wait(expression string) {
	b.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		v, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression))
		if err == nil && v {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("%s: %v, %v; the page says %q", expression, v, err, js[string](b, `document.body.innerText`))
		}
	}
}

// silent wants that nothing was fetched from elsewhere and nothing complained about.
func (b *browser) silent(host string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.console) > 0 {
		b.t.Errorf("console: %q", b.console)
	}
	for _, r := range b.requests {
		if !strings.HasPrefix(r, "http://"+host+"/") {
			b.t.Errorf("fetched %s", r)
		}
	}
	if len(b.requests) < 5 {
		b.t.Errorf("requests %q", b.requests)
	}
}

// usable wants that all text can be told from what it stands on (WCAG 2.2, 1.4.3),
// that all controls and pictures have a name, and that no id is there twice.
func (b *browser) usable() {
	b.t.Helper()
	for _, fault := range js[[]string](b, `(() => {
		const faults = [];
		const channels = (c) => c.match(/[\d.]+/g).map(Number);
		const light = (c) => channels(c).slice(0, 3).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
			.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
		for (const e of document.body.querySelectorAll('*')) {
			const text = [...e.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE).map((n) => n.data.trim()).join('');
			const style = getComputedStyle(e);
			if (!text || !e.checkVisibility() || e.disabled || e.closest('script, svg, .unseen, .skip')) continue;
			let back = e;
			while (back && (channels(getComputedStyle(back).backgroundColor)[3] ?? 1) === 0) back = back.parentElement;
			const [x, y] = [light(style.color), light(back ? getComputedStyle(back).backgroundColor : 'rgb(255, 255, 255)')].sort((p, q) => q - p);
			const ratio = (x + 0.05) / (y + 0.05), large = parseFloat(style.fontSize) >= 24;
			if (ratio < (large ? 3 : 4.5)) faults.push('contrast ' + ratio.toFixed(2) + ': ' + text);
		}
		for (const e of document.querySelectorAll('button, a')) if (!(e.getAttribute('aria-label') ?? e.textContent).trim()) faults.push('no name: ' + e.outerHTML);
		for (const e of document.querySelectorAll('input, select')) if (!e.labels.length && !e.getAttribute('aria-label')) faults.push('no label: ' + e.outerHTML);
		for (const e of document.querySelectorAll('img')) if (!e.alt) faults.push('no text: ' + e.outerHTML);
		const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
		faults.push(...ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => 'twice: ' + id));
		return faults;
	})()`) {
		b.t.Error(fault)
	}
}

// shown is where the two pictures are seen, as the browser lays them out.
type shown struct {
	Left, Top, Width, OtherLeft, OtherTop, OtherWidth float64 // relative to their ports
	PortLeft, PortTop, PortWidth, PortHeight          float64
	Zoom, Rendering                                   string
}

func (b *browser) shown() shown {
	b.t.Helper()
	return js[shown](b, `(() => {
		const box = (q) => document.querySelector(q).getBoundingClientRect();
		const [p, a, q, c] = [box('#base .port'), box('#base .photo'), box('#other .port'), box('#other .photo')];
		return {Left: a.left - p.left, Top: a.top - p.top, Width: a.width, OtherLeft: c.left - q.left, OtherTop: c.top - q.top, OtherWidth: c.width,
			PortLeft: p.left, PortTop: p.top, PortWidth: p.width, PortHeight: p.height,
			Zoom: document.getElementById('zoom').value, Rendering: getComputedStyle(document.querySelector('#base .photo')).imageRendering};
	})()`)
}

func (s shown) linked() bool {
	near := func(a, b float64) bool { return math.Abs(a-b) < 0.01 }
	return near(s.Left, s.OtherLeft) && near(s.Top, s.OtherTop) && near(s.Width, s.OtherWidth)
}

// at is the place of the screen where a pixel of the picture begins.
func (s shown) at(x, y float64) (clientX, clientY float64) {
	k := s.Width / pictureW
	return s.PortLeft + s.Left + x*k, s.PortTop + s.Top + y*k
}

// click presses where a pixel of the baseline's picture begins.
func (b *browser) click(x, y float64) {
	b.t.Helper()
	b.do(chromedp.MouseClickXY(b.shown().at(x, y)))
}

func (b *browser) press(selector string) {
	b.t.Helper()
	js[bool](b, fmt.Sprintf(`(document.querySelector(%q).click(), true)`, selector))
}

// drag moves the mouse with its button held.
func drag(x, y, dx, dy float64) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(
		chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x+dx/2, y+dy/2, chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x+dx, y+dy, chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, x+dx, y+dy, chromedp.ButtonLeft, chromedp.ClickCount(1)))
}

func wheel(x, y, by float64) chromedp.Action[chromedp.Void] {
	return chromedp.MouseEvent(input.DispatchMouseEventTypeMouseWheel, x, y, func(p *input.DispatchMouseEventParams) {
		p.DeltaX, p.DeltaY = 1e-9, by // one that is zero is left out, and missed
	})
}

// pinch puts two fingers on the screen, a distance apart around a place, and moves
// them to another distance.
func pinch(x, y, from, to float64) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		touch := func(kind input.DispatchTouchEventType, d float64) error {
			p := input.DispatchTouchEventParams{Type: kind, TouchPoints: []*input.TouchPoint{}}
			if d > 0 {
				first, second := 0.0, 1.0
				p.TouchPoints = []*input.TouchPoint{{X: x - d/2, Y: y, ID: &first}, {X: x + d/2, Y: y, ID: &second}}
			}
			_, err := cdp.Call(ctx, target, input.DispatchTouchEvent, p)
			return err
		}
		for i, d := range []float64{from, (from + to) / 2, to} {
			kind := input.DispatchTouchEventTypeTouchMove
			if i == 0 {
				kind = input.DispatchTouchEventTypeTouchStart
			}
			if err := touch(kind, d); err != nil {
				return err
			}
		}
		return touch(input.DispatchTouchEventTypeTouchEnd, 0)
	})
}

// A reader at work: whatever moves one picture moves the other, a picture pixel is a
// CSS pixel at 100 %, overlays switch, and nothing comes from elsewhere.
func TestPicturesMoveTogether(t *testing.T) {
	s := newSample(t, false)
	b := openBrowser(t)
	b.do(chromedp.Navigate(s.url), chromedp.Navigate("http://"+s.host+"/view/P001/front"))
	b.wait(`document.querySelector('#base .photo')?.complete && document.querySelector('#base .stage').style.transform !== ''`)
	first := b.shown()
	if first.Width != pictureW || first.Zoom != "100 %" || !first.linked() || first.Rendering != "pixelated" {
		t.Errorf("at first %+v", first)
	}
	if mid := first.Left + first.Width/2; math.Abs(mid-first.PortWidth/2) > 1 {
		t.Errorf("the picture's middle is at %g of %g", mid, first.PortWidth)
	}

	// The wheel keeps the place under the mouse where it is.
	x, y := first.at(60, 300)
	b.do(wheel(x, y, -400)) // twice as large
	b.wait(`document.getElementById('zoom').value === '200 %'`)
	two := b.shown()
	if gx, gy := two.at(60, 300); !two.linked() || math.Abs(gx-x) > 1 || math.Abs(gy-y) > 1 {
		t.Errorf("after the wheel %+v: (%g, %g) was at (%g, %g)", two, gx, gy, x, y)
	}
	b.do(drag(x, y, -30, 44))
	if s := b.shown(); !s.linked() || math.Abs(s.Left-two.Left+30) > 1 || math.Abs(s.Top-two.Top-44) > 1 {
		t.Errorf("dragged from %+v to %+v", two, s)
	}
	// The other picture moves the first one, too, and keys do as the mouse.
	before := b.shown()
	b.do(drag(x+before.PortWidth+10, y, 20, 0))
	if s := b.shown(); !s.linked() || math.Abs(s.Left-before.Left-20) > 1 {
		t.Errorf("dragged the other: from %+v to %+v", before, s)
	}
	js[bool](b, `(document.querySelector('#other .port').focus(), true)`)
	before = b.shown()
	b.do(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowDown))
	if s := b.shown(); !s.linked() || math.Abs(s.Left-before.Left+40) > 1 || math.Abs(s.Top-before.Top+40) > 1 {
		t.Errorf("with arrows from %+v to %+v", before, s)
	}
	b.do(chromedp.KeyEvent("+"), chromedp.KeyEvent("+"), chromedp.KeyEvent("+"), chromedp.KeyEvent("+"))
	if s := b.shown(); s.Zoom != "800 %" || !s.linked() || s.Width != 8*pictureW || s.Rendering != "pixelated" {
		t.Errorf("as large as it gets: %+v", s)
	}
	b.do(chromedp.KeyEvent("0"))
	if s := b.shown(); !s.linked() || s.Top < -1 || s.Top+s.Width*pictureH/pictureW > s.PortHeight+1 {
		t.Errorf("fitted: %+v", s)
	}
	b.do(chromedp.KeyEvent("1"))
	if s := b.shown(); s.Width != pictureW || !s.linked() {
		t.Errorf("at 100 %% again: %+v", s)
	}
	x, y = b.shown().at(150, 200)
	b.do(pinch(x, y, 60, 180))
	b.wait(`document.getElementById('zoom').value === '300 %'`)
	if s := b.shown(); !s.linked() {
		t.Errorf("pinched: %+v", s)
	}

	const seen = `['#base', '#other'].map((p) => ['zones', 'redness'].map((k) => document.querySelector(p + ' [data-kind=' + k + ']')?.checkVisibility() ?? 'none').join()).join(' ')`
	if got := js[string](b, seen); got != "false,false false,none" {
		t.Errorf("overlays at first: %s", got)
	}
	b.press(`[data-overlay=zones]`)
	b.press(`[data-overlay=redness]`)
	if got := js[string](b, seen); got != "true,true true,none" {
		t.Errorf("overlays: %s", got)
	}
	b.press(`[data-overlay=zones]`)
	if got := js[string](b, seen); got != "false,true false,none" {
		t.Errorf("overlays switched off: %s", got)
	}

	// One over the other, and back.
	const over = `[document.querySelectorAll('#base .photo').length, document.querySelector('#other').checkVisibility(), getComputedStyle(document.querySelectorAll('.sheet')[1]).opacity].join()`
	b.press(`[value=over]`)
	if got := js[string](b, over); got != "2,false,0.5" {
		t.Errorf("one over the other: %s", got)
	}
	js[bool](b, `(document.querySelector('#base .port').focus(), true)`)
	b.do(chromedp.KeyEvent("b"))
	if got := js[string](b, over); got != "2,false,1" {
		t.Errorf("the session: %s", got)
	}
	b.do(chromedp.KeyEvent("b"))
	if got := js[string](b, over); got != "2,false,0" {
		t.Errorf("the baseline: %s", got)
	}
	b.press(`[value=side]`)
	if got := js[string](b, over); got != "1,true,1" {
		t.Errorf("side by side again: %s", got)
	}
	b.usable()
	b.do(chromedp.EmulateViewport(360, 700))
	if js[bool](b, `document.documentElement.scrollWidth > innerWidth`) {
		t.Error("the page is wider than a small screen")
	}
	b.silent(s.host)
}

// A reader who knows better: what is drawn and clicked is written down in pixels of
// the baseline photo.
func TestEditsAreDrawn(t *testing.T) {
	s := newSample(t, true)
	b := openBrowser(t)
	b.do(chromedp.Navigate(s.url), chromedp.Navigate("http://"+s.host+"/view/P001/front"))
	ready := func(edits int) {
		t.Helper()
		b.wait(fmt.Sprintf(`document.readyState === 'complete' && document.querySelectorAll('#edits tbody tr').length === %d && document.querySelector('#base .stage').style.transform !== ''`, edits))
	}
	ready(0)

	// A zone, at 200 %, one of its corners moved after it was set. Half a picture pixel
	// lies between where a pixel begins and its centre.
	b.press(`[value=zone]`)
	b.press(`[data-zoom=in]`)
	js[bool](b, `(document.querySelector('#zone').value = 'cheek_left', true)`)
	b.click(100, 150)
	b.click(180, 150)
	b.click(180, 230)
	x, y := b.shown().at(180, 230)
	b.do(drag(x, y, 20, 40))
	if !js[bool](b, `!document.getElementById('save').disabled`) {
		t.Fatal("an outline of three points cannot be saved")
	}
	b.press(`#save`)
	ready(1)
	// An area, by keyboard: the middle of the view is where it acts.
	b.press(`[value=exclude]`)
	js[bool](b, `(document.querySelector('#area').value = 'naevus <b>', document.querySelector('#base .port').focus(), true)`)
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.ArrowDown),
		chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Backspace))
	b.press(`#save`)
	ready(2)
	// A scar of the baseline, and by the other picture one of the session.
	b.press(`[value=object]`)
	b.wait(`document.querySelectorAll('#base .object').length === 1`)
	b.click(102, 101)
	ready(3)
	if got := js[int](b, `document.querySelectorAll('#base .object.rejected').length`); got != 1 {
		t.Errorf("%d rings of rejected objects", got)
	}
	sh := b.shown()
	x, y = sh.at(200, 200)
	b.do(chromedp.MouseClickXY(x+sh.PortWidth+10, y))
	ready(4)
	// What was said is taken back by the button beside it, or by another click.
	b.click(100, 100)
	ready(5)
	b.press(`.judge [data-post*=false]`)
	ready(6)
	if got := js[string](b, `document.getElementById('pending').textContent`); !strings.Contains(got, "from before 5 changes") || !strings.Contains(got, "dermatrend run") {
		t.Errorf("about the next run: %s", got)
	}
	js[bool](b, `([...document.querySelectorAll('#edits button')].find((x) => x.textContent.startsWith('Reset')).click(), true)`)
	ready(7)

	b.usable()
	b.do(chromedp.Navigate("http://" + s.host + "/"))
	b.usable()

	point := func(x, y float64) study.Point { // of the picture -> baseline photo
		return study.Point{X: toBase[0]*x + toBase[2], Y: toBase[4]*y + toBase[5]}
	}
	want := []study.Edit{
		{Zone: &study.ZoneEdit{Name: "cheek_left", Outline: study.Polygon{point(99.5, 149.5), point(179.5, 149.5), point(189.5, 249.5)}}},
		{Exclude: &study.ExcludeEdit{Name: "naevus <b>", Outline: study.Polygon{point(149.5, 199.5), point(169.5, 199.5), point(169.5, 219.5)}}},
		{Object: &study.ObjectEdit{Kind: "scar", At: study.Point{X: 300, Y: 250}}},
		{Object: &study.ObjectEdit{Kind: "scar", At: study.Point{X: 500, Y: 450}}},
		{Object: &study.ObjectEdit{Kind: "scar", At: study.Point{X: 300, Y: 250}, Accept: true}},
		{Alignment: &study.AlignmentEdit{Session: "s1", PhotoSHA256: sumOf("b.jpg")}},
		{Zone: &study.ZoneEdit{Name: "cheek_left"}},
	}
	got := s.edits(t)
	if len(got) != len(want) {
		t.Fatalf("%d edits: %v", len(got), got)
	}
	for i, w := range want {
		if g := got[i]; !equal(g, w, 1.01) || g.By != "Dr. Meier" || g.View != "front" || g.Photo != "a.jpg" || g.PhotoSHA256 != s.sum || time.Since(g.At) > time.Hour || g.Void != "" {
			t.Errorf("edit %d: %+v, want %v", i, g, w)
		}
	}
	b.silent(s.host)
}
