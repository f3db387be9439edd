// Package report turns results into pages that a clinician reads in a browser:
// one self-contained HTML file per subject and an index of the study.
//
// A page fetches nothing: pictures are data URIs, style and script are named by
// their hash in a content security policy that forbids everything else. It
// claims no more than the verdicts do, shows a number that is not known as a
// dash with its reason, and shows what got worse as large as what got better.
//
// The same results and pictures give the same bytes.
package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"path/filepath"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// WriteSubject writes dir/report.html, whole or not at all, readable by its
// owner only. dir is OUT/<subject>/ and holds the pictures that the visits name;
// a picture that is missing, is neither JPEG nor PNG or lies outside dir is left
// out and named in the report.
//
// The report has at most 6 MB as long as its pictures can be scaled down for that,
// which it then says.
func WriteSubject(dir string, s result.Subject) error {
	page, err := renderSubject(dir, s)
	if err == nil {
		err = files.Replace(filepath.Join(dir, "report.html"), page)
	}
	if err != nil {
		return fmt.Errorf("report of %s: %w", plain(s.ID, nameRunes), err)
	}
	return nil
}

// Page is the page that [WriteSubject] writes.
func Page(dir string, s result.Subject) ([]byte, error) { return renderSubject(dir, s) }

func renderSubject(dir string, s result.Subject) ([]byte, error) {
	g, err := loadGallery(dir, s)
	if err != nil {
		return nil, err
	}
	for budget := picturesBudget; ; {
		if err := g.fit(budget); err != nil {
			return nil, err
		}
		page, err := render("subject.html", subjectPage(g, s))
		over := len(page) - reportBudget
		if err != nil || over <= 0 || g.width == leastWidth {
			return page, err
		}
		budget = max(1, min(budget, g.size())-over)
	}
}

// WriteIndex writes out/index.html, whole or not at all, readable by its owner
// only. It links to the reports as out/<subject>/report.html.
func WriteIndex(out string, idx *Index) error {
	if err := writePage(filepath.Join(out, "index.html"), "index.html", idx.page()); err != nil {
		return fmt.Errorf("index of reports: %w", err)
	}
	return nil
}

//go:embed assets
var assets embed.FS

var (
	css    = asset("report.css")
	script = asset("report.js")
	pages  = template.Must(template.New("").Funcs(template.FuncMap{
		"t":        english.say,
		"verdicts": verdictWords,
		"css":      func() template.CSS { return template.CSS(css) },
		"script":   func() template.JS { return template.JS(script) },
		"policy":   func() string { return policy(css, script) },
		// What the style hides on paper stands between these, for a printer to leave out
		// unread: it is most of a page.
		"screen":    func() template.HTML { return "<!--screen-->" },
		"endscreen": func() template.HTML { return "<!--/screen-->" },
	}).ParseFS(assets, "assets/*.html"))
)

// asset is the text of an embedded file.
func asset(name string) string {
	b, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return string(b)
}

// policy lets a page show its own pictures, its own style and its own script, and
// nothing else.
func policy(css, script string) string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return strings.Join([]string{
		"default-src 'none'", "img-src data:", "style-src " + hash(css), "script-src " + hash(script),
		"base-uri 'none'", "form-action 'none'",
	}, "; ")
}

// writePage renders a page and puts it in place of name.
func writePage(name, page string, data any) error {
	b, err := render(page, data)
	if err != nil {
		return err
	}
	return files.Replace(name, b)
}

func render(page string, data any) ([]byte, error) {
	var b bytes.Buffer
	err := pages.ExecuteTemplate(&b, page, data)
	return b.Bytes(), err
}
