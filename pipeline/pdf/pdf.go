// Package pdf prints an HTML file to a PDF file through the Chromium of the
// machine.
//
// The page is A4 and tagged, with backgrounds, and each sheet carries the title of
// the page and "2 / 7". Nothing is fetched: the browser resolves no name and runs
// no script of the page. What stands between <!--screen--> and <!--/screen-->, which
// may nest, is not for paper: it is left out before the browser has to read it.
//
// The same page and browser give the same bytes: what a browser writes about time,
// title and itself is taken out. See normalise.go.
package pdf

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/dermatrend/dermatrend/pipeline/files"
)

// ErrNoBrowser is returned where no browser is installed that can print.
var ErrNoBrowser = errors.New("no Chromium to print with; install one (Debian and Ubuntu: apt install chromium) " +
	"so that chromium, chromium-browser or google-chrome is in PATH")

// browsers are the names under which Chromium goes, the first one found is taken.
var browsers = []string{"chromium", "chromium-browser", "google-chrome"}

const (
	startTimeout = time.Minute
	printTimeout = 2 * time.Minute // a busy machine is allowed for
	closeTimeout = 10 * time.Second
)

// Printer is a running browser that prints one file after another. It is to be
// closed. Its methods may be called from several goroutines, of which one at a time
// prints.
type Printer struct {
	ctx    context.Context // of the browser
	cancel func()
	home   string
	once   sync.Once
	err    error // of Close

	mu       sync.Mutex
	tab      context.Context // in which pages are shown; nil before the first and after a failure
	closeTab func()
	used     int // prints in this tab
}

// A tab is a process of its own, whose start takes as long as a short page: many
// pages share one, not so many that what it keeps of them would weigh.
const printsPerTab = 25

// Open starts a browser, which takes about half a second. The browser ends with
// ctx, or with Close.
func Open(ctx context.Context) (*Printer, error) {
	path, err := Find()
	if err != nil {
		return nil, err
	}
	// The browser leaves nothing in the home of the user.
	home, err := os.MkdirTemp("", "dermatrend-print-")
	if err != nil {
		return nil, err
	}
	// The library adds --no-sandbox for root, for whom Chromium does not start
	// otherwise, and for nobody else.
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.Env("HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-crash-reporter", true),
		chromedp.Flag("no-pings", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"), // addresses in numbers as well
		chromedp.Flag("lang", "en"),
	)
	alloc, stop := chromedp.NewExecAllocator(ctx, options...)
	p := &Printer{home: home}
	p.ctx, p.cancel = chromedp.NewContext(alloc)
	end := p.cancel
	p.cancel = func() { end(); stop() }
	timer := time.AfterFunc(startTimeout, p.cancel)
	err = chromedp.Do(p.ctx) // starts it
	if !timer.Stop() && err == nil {
		err = context.DeadlineExceeded
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start %s: %w", path, err), p.Close())
	}
	return p, nil
}

// Find is the path of the browser that would print, or [ErrNoBrowser].
func Find() (string, error) {
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoBrowser
}

// footer is on every sheet: whose it is, and which of how many.
const footer = `<div style="width:100%;margin:0 14mm;font:7pt 'Liberation Sans',Arial,sans-serif;color:#55606e;display:flex;justify-content:space-between">` +
	`<span class="title" style="overflow:hidden;white-space:nowrap;text-overflow:ellipsis;max-width:150mm"></span>` +
	`<span><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>`

// Print prints the page in the file html to the file pdf, whole or not at all,
// readable by its owner only.
func (p *Printer) Print(ctx context.Context, html, pdf string) error {
	data, err := p.print(ctx, html)
	if err != nil {
		return fmt.Errorf("printing %s: %w", html, err)
	}
	if data, err = normalise(data); err != nil {
		return fmt.Errorf("printing %s: %w", html, err)
	}
	return files.Replace(pdf, data)
}

func (p *Printer) print(ctx context.Context, html string) ([]byte, error) {
	path, err := filepath.Abs(html)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("not a file")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if path, err = p.forPaper(path); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if p.tab == nil || p.used == printsPerTab {
		p.leaveTab()
		p.tab, p.closeTab = chromedp.NewContext(p.ctx)
	}
	p.used++
	goOn := context.AfterFunc(ctx, p.closeTab)
	timer := time.AfterFunc(printTimeout, p.closeTab)

	address := url.URL{Scheme: "file", Path: path}
	err = chromedp.Do(p.tab, withoutScript, withoutReports, chromedp.Navigate(address.String()))
	var data []byte
	if err == nil {
		data, err = chromedp.Run(p.tab, chromedp.PrintToPDF(
			chromedp.PDFPaper(paperA4), chromedp.PDFPreferCSSPageSize(), chromedp.PDFPrintBackground(),
			chromedp.PDFHeaderTemplate("<span></span>"), chromedp.PDFFooterTemplate(footer),
			chromedp.PDFOutlineAndTagged(), chromedp.PDFStream()))
	}
	cancelled, late := !goOn(), !timer.Stop()
	if err != nil || cancelled || late {
		p.leaveTab()
	}
	switch {
	case cancelled:
		return nil, context.Cause(ctx)
	case late && err != nil:
		return nil, fmt.Errorf("not done within %s: %w", printTimeout, err)
	}
	return data, err
}

// leaveTab has the next page shown in a new tab.
func (p *Printer) leaveTab() {
	if p.tab != nil {
		p.closeTab()
	}
	p.tab, p.used = nil, 0
}

// paperA4 is 210 x 297 mm, which the library's own A4 misses by 0.1 mm.
var paperA4 = chromedp.PaperSize{Width: 210 / 25.4, Height: 297 / 25.4}

func withoutScript(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
	_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	return chromedp.Void{}, err
}

// withoutReports spares the browser telling of each picture that it reads.
func withoutReports(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
	_, err := cdp.Call(ctx, t, network.Disable, cdp.Empty{})
	return chromedp.Void{}, err
}

// forPaper is a copy of a page without what is for the screen only; the page itself
// if there is no such thing.
func (p *Printer) forPaper(page string) (string, error) {
	data, err := os.ReadFile(page)
	if err != nil {
		return "", err
	}
	paper, err := cutScreen(data)
	if err != nil || len(paper) == len(data) {
		return page, err
	}
	name := filepath.Join(p.home, "page.html")
	return name, os.WriteFile(name, paper, 0o600)
}

var screenMark = regexp.MustCompile(`<!--/?screen-->`)

// cutScreen leaves out what stands between the marks of what is for the screen only.
func cutScreen(page []byte) ([]byte, error) {
	var paper []byte
	deep, at := 0, 0
	for _, m := range screenMark.FindAllIndex(page, -1) {
		if deep == 0 {
			paper = append(paper, page[at:m[0]]...)
		}
		at = m[1]
		if page[m[0]+len("<!--")] != '/' {
			deep++
		} else if deep--; deep < 0 {
			return nil, errors.New("a mark of what is for the screen ends what has not begun")
		}
	}
	if deep > 0 {
		return nil, errors.New("a mark of what is for the screen has no end")
	}
	return append(paper, page[at:]...), nil
}

// Close ends the browser and all that belongs to it.
func (p *Printer) Close() error {
	p.once.Do(func() {
		if c := chromedp.FromContext(p.ctx); c.Browser != nil && p.ctx.Err() == nil {
			// Asked to end, it takes its children along; killed, it leaves them behind.
			ctx, cancel := context.WithTimeout(p.ctx, closeTimeout)
			defer cancel()
			p.err = chromedp.Cancel(ctx)
		}
		p.cancel()
		p.err = errors.Join(p.err, os.RemoveAll(p.home))
	})
	return p.err
}

// Print prints one file: Open, [Printer.Print], Close.
func Print(ctx context.Context, html, pdf string) error {
	p, err := Open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(p.Print(ctx, html, pdf), p.Close())
}
