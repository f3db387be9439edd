package pipeline

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// needPrinter skips a test where nothing can print.
func needPrinter(t *testing.T) {
	t.Helper()
	if err := CanPrint(); err != nil {
		t.Skip(err)
	}
}

func TestReportsArePrintedForAll(t *testing.T) {
	needPrinter(t)
	out := t.TempDir()
	mustRun(t, people(t, "P1", "P2 abort"), out, options(2))
	mine := filepath.Join(out, "P1", "mine.txt")
	check(t, os.WriteFile(mine, []byte("mine"), 0o600))
	before := tree(t, out)
	var told []string
	check(t, PrintReports(t.Context(), out, func(p Progress) { told = append(told, p.Subject) }))
	if len(told) != 2 || told[0] != "P1" || told[1] != "P2" {
		t.Errorf("told of %v", told)
	}
	after := tree(t, out)
	for _, id := range []string{"P1", "P2"} {
		name := filepath.Join(id, "report.pdf")
		info, err := os.Stat(filepath.Join(out, name))
		if err != nil || info.Mode().Perm() != 0o600 || !bytes.HasPrefix([]byte(after[name]), []byte("%PDF-")) {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		before[name] = after[name]
	}
	same(t, after, before) // nothing else has changed, and the user's file is still there

	// The same again, and what a new report makes untrue goes.
	check(t, PrintReports(t.Context(), out, nil))
	same(t, tree(t, out), before)
	_, err := Report(t.Context(), out)
	check(t, err)
	delete(before, filepath.Join("P1", "report.pdf"))
	delete(before, filepath.Join("P2", "report.pdf"))
	same(t, tree(t, out), before)
}

func TestPrintingForNoneIfNotForAll(t *testing.T) {
	needPrinter(t)
	out := t.TempDir()
	mustRun(t, people(t, "P1", "P2"), out, options(2))
	want := tree(t, out)
	cancelled, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := PrintReports(cancelled, out, func(Progress) { cancel() }) // after the first
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	same(t, tree(t, out), want)
	if err := PrintReports(t.Context(), t.TempDir(), nil); !errors.Is(err, ErrUsage) {
		t.Errorf("no results: %v", err)
	}
}
