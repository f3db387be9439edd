package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// TestPrinter has one browser do everything that takes one; without a browser it is
// skipped.
func TestPrinter(t *testing.T) {
	if _, err := Find(); err != nil {
		t.Skip(err)
	}
	home := t.TempDir()
	t.Setenv("TMPDIR", home)
	p, err := Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("same page, same bytes", func(t *testing.T) { testSamePageSameBytes(t, p) })
	t.Run("sheets are A4, tagged and numbered", func(t *testing.T) { testSheets(t, p) })
	t.Run("no metadata whatever the title", func(t *testing.T) { testNoMetadata(t, p) })
	t.Run("nothing is fetched and no script runs", func(t *testing.T) { testNothingIsFetched(t, p) })
	t.Run("what is for the screen is left out", func(t *testing.T) { testScreenIsLeftOut(t, p) })
	t.Run("a failure leaves no file", func(t *testing.T) { testFailureLeavesNoFile(t, p) })
	t.Run("closing leaves nothing", func(t *testing.T) { testCloseLeavesNothing(t, p, home) })
}

func writePage(t *testing.T, title, body string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "page with a space & #1.html")
	html := `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>` + title + `</title>
		<style>@page{size:A4;margin:14mm}h2{break-before:page}div{background:#123456;height:40px}</style></head><body>` + body + `</body></html>`
	if err := os.WriteFile(name, []byte(html), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const twoSheets = `<h1>First sheet</h1><div>x</div><h2>Second sheet</h2><p>done</p>`

// tool runs a program that reads PDF; without it the test is skipped.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s on this machine", name)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// The bytes depend on the page alone: not on the time, on the browser process, nor
// on what it printed before. And they do not tell what the page is called.
func testSamePageSameBytes(t *testing.T, p *Printer) {
	dir := t.TempDir()
	page := writePage(t, "Patient 008", twoSheets)
	other := writePage(t, "Other", strings.Repeat("<p>many <b>nodes</b></p>", 300))
	var all [][]byte
	read := func(name string) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	}
	for i, html := range []string{page, other, page} {
		out := filepath.Join(dir, fmt.Sprintf("%d.pdf", i))
		if err := p.Print(t.Context(), html, out); err != nil {
			t.Fatal(err)
		}
		if html == page {
			read(out)
		}
	}
	alone := filepath.Join(dir, "alone.pdf")
	if err := Print(t.Context(), page, alone); err != nil {
		t.Fatal(err)
	}
	read(alone)
	for i, b := range all[1:] {
		if !bytes.Equal(all[0], b) {
			t.Errorf("print %d differs from the first", i+1)
		}
	}
	for _, trace := range []string{"/Producer", "/Creator", "/CreationDate", "/ModDate", "Patient 008", "Skia/PDF", "Chrome/", "(D:20"} {
		if bytes.Contains(all[0], []byte(trace)) {
			t.Errorf("the PDF holds %q", trace)
		}
	}
}

func testSheets(t *testing.T, p *Printer) {
	dir := t.TempDir()
	out := filepath.Join(dir, "x.pdf")
	if err := p.Print(t.Context(), writePage(t, "Patient 007", twoSheets), out); err != nil {
		t.Fatal(err)
	}
	info := tool(t, "pdfinfo", out)
	for _, want := range []string{"Pages:           2", "(A4)", "Tagged:          yes"} {
		if !strings.Contains(info, want) {
			t.Errorf("no %q in\n%s", want, info)
		}
	}
	if strings.Contains(info, "rror") { // a table of objects that is off is rebuilt with a complaint
		t.Error(info)
	}
	for sheet, want := range map[string][]string{"1": {"First sheet", "Patient 007", "1/2"}, "2": {"Second sheet", "Patient 007", "2/2"}} {
		text := strings.ReplaceAll(tool(t, "pdftotext", "-f", sheet, "-l", sheet, out, "-"), " / ", "/")
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("sheet %s without %q: %s", sheet, w, text)
			}
		}
	}
}

// exifTags is all that a reader of metadata may find: what any PDF has by being one.
var exifTags = []string{"SourceFile", "ExifToolVersion", "FileName", "Directory", "FileSize", "FileModifyDate", "FileAccessDate",
	"FileInodeChangeDate", "FilePermissions", "FileType", "FileTypeExtension", "MIMEType", "PDFVersion", "Linearized", "PageCount", "TaggedPDF", "Language"}

// A title may try to end the dictionary that is taken out.
func testNoMetadata(t *testing.T, p *Printer) {
	dir := t.TempDir()
	for i, title := range []string{
		"x>> endobj", ") /Producer (me) >> endobj 1 0 obj << (", `\) \( \\`, "\u202eעברית\u2067 日本語 ü", strings.Repeat("long ", 2000), "",
	} {
		out := filepath.Join(dir, fmt.Sprintf("%d.pdf", i))
		if err := p.Print(t.Context(), writePage(t, title, twoSheets), out); err != nil {
			t.Errorf("title %.40q: %v", title, err)
			continue
		}
		for line := range strings.Lines(tool(t, "exiftool", "-s", "-a", "-G0:1", "-ee", out)) {
			_, rest, _ := strings.Cut(line, "] ")
			tag, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			known := false
			for _, k := range exifTags {
				known = known || k == tag
			}
			if !known {
				t.Errorf("title %.40q: metadata %s", title, strings.TrimSpace(line))
			}
		}
	}
}

func testNothingIsFetched(t *testing.T, p *Printer) {
	dir := t.TempDir()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	page := writePage(t, "x", `<link rel="stylesheet" href="`+server.URL+`/a.css"><img src="`+server.URL+`/b.png"><iframe src="`+server.URL+
		`/c"></iframe><video src="`+server.URL+`/d" preload="auto"></video><p>before</p><script>document.querySelector('p').textContent='ran';fetch('`+server.URL+`/e')</script>`)
	out := filepath.Join(dir, "x.pdf")
	if err := p.Print(t.Context(), page, out); err != nil {
		t.Fatal(err)
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("%d requests", n)
	}
	if text := tool(t, "pdftotext", out, "-"); !strings.Contains(text, "before") {
		t.Errorf("the script of the page ran: %s", text)
	}
}

// What is for the screen only costs nothing on paper, and marks that do not pair are
// no reason to leave out half a page.
func testScreenIsLeftOut(t *testing.T, p *Printer) {
	dir := t.TempDir()
	print := func(body string) []byte {
		t.Helper()
		out := filepath.Join(dir, "x.pdf")
		if err := p.Print(t.Context(), writePage(t, "x", body), out); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	marked := `<h1>First sheet</h1><!--screen--><p>a<!--screen--><b>b</b><!--/screen-->c</p><!--/screen--><div>x</div><h2>Second sheet</h2><!--screen--><i>d</i><!--/screen--><p>done</p>`
	if !bytes.Equal(print(marked), print(twoSheets)) {
		t.Error("the PDF differs from that of the page without what is for the screen")
	}
	for _, bad := range []string{`<p><!--screen-->a</p>`, `<p>a<!--/screen--></p>`, `<!--/screen--><!--screen-->`} {
		if err := p.Print(t.Context(), writePage(t, "x", bad), filepath.Join(dir, "y.pdf")); err == nil {
			t.Errorf("%s was printed", bad)
		}
	}
}

// After Close, none of the browser's processes is left, not even as a zombie, and
// none of its files.
func testCloseLeavesNothing(t *testing.T, p *Printer, dir string) {
	if err := p.Print(t.Context(), writePage(t, "x", twoSheets), filepath.Join(t.TempDir(), "x.pdf")); err != nil {
		t.Fatal(err)
	}
	if running(t, dir) == 0 {
		t.Fatal("no process of the browser is found: the test cannot tell")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if n := running(t, dir); n > 0 {
		t.Errorf("%d processes are left", n)
	}
	for _, pattern := range []string{"dermatrend-print-*", "chromedp-*", "*[Cc]hromium*"} {
		if left, err := filepath.Glob(filepath.Join(dir, pattern)); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
	if err := p.Print(t.Context(), writePage(t, "x", twoSheets), filepath.Join(t.TempDir(), "x.pdf")); err == nil {
		t.Error("a closed printer prints")
	}
}

// running counts the processes whose command names dir, and zombies of ours.
func running(t *testing.T, dir string) int {
	t.Helper()
	n := 0
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		t.Skip("no /proc")
	}
	for _, stat := range stats {
		line, err := os.ReadFile(stat)
		if err != nil {
			continue // it has just ended
		}
		// "pid (name) state ppid ...", where the name may hold anything.
		fields := strings.Fields(string(line[bytes.LastIndexByte(line, ')')+1:]))
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(stat), "cmdline"))
		zombie := len(fields) > 1 && fields[0] == "Z" && fields[1] == strconv.Itoa(os.Getpid())
		if zombie || bytes.Contains(command, []byte(dir)) {
			n++
		}
	}
	return n
}

func testFailureLeavesNoFile(t *testing.T, p *Printer) {
	dir := t.TempDir()
	page := writePage(t, "x", twoSheets)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	target := filepath.Join(t.TempDir(), "x.pdf")
	for _, c := range []struct {
		name      string
		ctx       context.Context
		html, pdf string
		want      error
	}{
		{"cancelled", cancelled, page, target, context.Canceled},
		{"no page", t.Context(), filepath.Join(dir, "absent.html"), target, os.ErrNotExist},
		{"a folder", t.Context(), dir, target, nil},
		{"no folder for the PDF", t.Context(), page, filepath.Join(dir, "absent", "x.pdf"), os.ErrNotExist},
	} {
		err := p.Print(c.ctx, c.html, c.pdf)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(target), "*")); len(left) > 0 {
			t.Errorf("%s: left behind %v", c.name, left)
		}
	}
	if err := p.Print(t.Context(), page, target); err != nil {
		t.Errorf("after failures: %v", err)
	}
}

func TestWithoutABrowserTheErrorSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := Print(t.Context(), "a.html", "a.pdf")
	if !errors.Is(err, ErrNoBrowser) || !strings.Contains(err.Error(), "apt install chromium") {
		t.Error(err)
	}
}
