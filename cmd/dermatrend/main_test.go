package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/consent"
)

func TestMain(m *testing.M) {
	// What the scripts make themselves is closed to others, and the program runs as for a
	// user whose umask closes nothing: see private.
	syscall.Umask(0o077)
	testscript.Main(m, map[string]func(){"dermatrend": func() {
		syscall.Umask(0)
		main()
	}})
}

// TestScripts are the tests of the program as its users see it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			env.Defer(func() { private(env.T(), env.WorkDir) })
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code,
			"draw": draw,
		},
	})
}

// private fails for files and folders that a script has left and others than their owner
// can read.
func private(t testscript.T, dir string) {
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf("others can use %s: %v", name, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// code runs a command and wants its exit code: code N command args...
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command [args...]")
	}
	want := args[0]
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != want {
		ts.Fatalf("exit code %s, want %s", got, want)
	}
}

// The README's table is what the program prints.
func TestReadmeListsTheMetrics(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "\n"+markdownMetrics()+"\n") {
		t.Error("README.md does not hold the table that `dermatrend metrics --markdown` prints")
	}
}

// The version is that of the newest entry of the change log that is released.
func TestChangelogNamesTheVersion(t *testing.T) {
	log, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	_, entries, _ := strings.Cut(string(log), "\n## ")
	if strings.HasPrefix(entries, "Unreleased\n") {
		_, entries, _ = strings.Cut(entries, "\n## ")
	}
	if !strings.HasPrefix(entries, version+"\n") && !strings.HasPrefix(entries, version+" ") {
		t.Errorf("version %s, newest entry %.20q", version, entries)
	}
}

func TestMetricsOfTheMarkdownTableAreAll(t *testing.T) {
	table := markdownMetrics()
	for _, m := range metrics.All() {
		if strings.Count(table, "`"+m.Name+"`") != 1 {
			t.Errorf("%s is not there once", m.Name)
		}
	}
	for line := range strings.Lines(table) {
		if n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); n != 7 {
			t.Errorf("%d bars in %q", n, line)
		}
	}
}

// A clock that is behind the ledger is said where the command is read, beside the head.
func TestReceiptSaysThatTheClockWasSetBack(t *testing.T) {
	for _, back := range []bool{false, true} {
		var out, warned strings.Builder
		in := &invocation{ctx: t.Context(), stdout: &out, stderr: &warned}
		if err := printReceipt(in, consent.Receipt{Head: "4711", ClockBack: back}); err != nil || !strings.Contains(out.String(), "4711") {
			t.Errorf("%q, %v", out.String(), err)
		}
		if said := strings.Contains(warned.String(), "clock"); said != back {
			t.Errorf("set back %t: %q", back, warned.String())
		}
	}
}
