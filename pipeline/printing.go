package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/pdf"
)

// printed are the pages in a person's folder of which there is a PDF as well, under
// the same name. One that is not there is passed over.
var printed = []string{reportFile}

// CanPrint tells whether reports can be printed on this machine; if not, the error
// says what to install. To be asked before a long run, not after it.
func CanPrint() error {
	_, err := pdf.Find()
	return err
}

// PrintReports writes OUT/<subject>/report.pdf for every person in the folder out,
// of the reports that are there: for all persons, or if it returns an error for
// none. The same reports printed by the same browser give the same bytes. progress
// is called after each person, once at a time; nil for nobody.
func PrintReports(ctx context.Context, out string, progress func(Progress)) (err error) {
	if err := hasResults(out); err != nil {
		return err
	}
	o, err := openOutdir(out)
	if err != nil {
		return err
	}
	defer o.close()
	printer, err := pdf.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, printer.Close()) }()

	ids := o.earlier.ids()
	for i, id := range ids {
		begin := time.Now()
		old, dir := filepath.Join(out, id), o.stage("new", id)
		if err := link(old, dir); err != nil {
			return err
		}
		for _, page := range printed {
			if err := share(filepath.Join(old, page), filepath.Join(dir, page)); errors.Is(err, os.ErrNotExist) {
				continue
			} else if err != nil {
				return err
			}
			if err := printer.Print(ctx, filepath.Join(dir, page), filepath.Join(dir, pdfOf(page))); err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
		}
		if progress != nil {
			progress(Progress{Subject: id, View: pdfOf(reportFile), Finished: true, Done: i + 1, Total: len(ids), Took: time.Since(begin)})
		}
	}
	return o.commit(nil)
}

// pdfOf is the name of the PDF of a page.
func pdfOf(page string) string { return strings.TrimSuffix(page, ".html") + ".pdf" }
