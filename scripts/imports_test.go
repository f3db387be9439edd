// Package scripts holds the test of the import rule.
package scripts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/dermatrend/dermatrend/"

// only says for a library which of our packages, with what lies below them, may
// import it.
var only = map[string][]string{
	"gocv.io/x/gocv":                    {"pipeline/internal/cv"},
	"github.com/disintegration/imaging": {"pipeline"},
	// The phantom draws its profiles as splines; it is part of no result.
	"gonum.org/v1":                  {"metrics", "pipeline/report", "fixtures"},
	"github.com/alecthomas/kong":    {"cmd"},
	"github.com/vbauerster/mpb":     {"cmd"},
	"github.com/chromedp":           {"pipeline/pdf"},
	"codeberg.org/go-pdf/fpdf":      {"pipeline/card", "pipeline/export"},
	"github.com/makiuchi-d/gozxing": {"pipeline/card"},
	"github.com/riverqueue/river":   {"pipeline/cluster"},
	"github.com/jackc/pgx":          {"pipeline/cluster"},
	"gocloud.dev":                   {"pipeline/cluster"},
	"github.com/aws":                {"pipeline/cluster"},
}

// inTests says where tests may use a library that the code may not.
var inTests = []string{"gonum.org/v1", "github.com/chromedp"}

// nouns import no sibling; stages import nouns and internal/cv, never another
// stage. The stages that only present or judge results are under the same rule.
var (
	nouns  = []string{"study", "photo", "result"}
	stages = []string{"face", "card", "align", "compare", "segment", "cohort", "report", "export", "consent", "serve", "validate", "reading", "pdf", "audit"}
)

// aboutFiles replace files and know their formats, in Go alone: any noun or stage may
// ask them.
var aboutFiles = []string{"files", "internal/filetype", "internal/dicom"}

// pkg is what `go list` tells of a package.
type pkg struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// allowed tells whether our package may import another package of ours. Both are
// paths inside the module.
func allowed(from, to string, test bool) bool {
	if below(to, "fixtures") {
		return test || from == "cmd/dermatrend" || below(from, "fixtures")
	}
	if to == "pipeline/cluster/clustertest" { // servers for tests
		return test
	}
	stage, inPipeline := strings.CutPrefix(from, "pipeline/")
	switch {
	case below(from, "cmd"):
		return to == "pipeline" || below(to, "metrics") ||
			// What a command reads and prints.
			to == "pipeline/study" || to == "pipeline/result" || to == "pipeline/validate" || to == "pipeline/consent" || to == "pipeline/files"
	case below(from, "metrics"):
		return below(to, "metrics")
	case below(from, "fixtures"), from == "scripts":
		return false
	case from == "pipeline":
		return below(to, "pipeline") || below(to, "metrics")
	case inPipeline:
		target, isStage := strings.CutPrefix(to, "pipeline/")
		switch {
		case slices.Contains(nouns, stage):
			return isStage && (stage == "photo" && below(target, "internal") || slices.Contains(aboutFiles, target))
		case below(stage, "internal"), stage == "files":
			return false
		case stage == "engine", stage == "cluster", stage == "cluster/clustertest":
			return false // it is handed a function
		case slices.Contains(stages, stage):
			return below(to, "metrics") || isStage && (target == "internal/cv" || slices.Contains(aboutFiles, target) || slices.Contains(nouns, target))
		}
	}
	return false
}

// below tells whether a package is root or lies under it.
func below(pkg, root string) bool {
	return pkg == root || strings.HasPrefix(pkg, root+"/")
}

// violations lists the imports of a package that break the rule.
func violations(p pkg) []string {
	var bad []string
	from := strings.TrimPrefix(p.ImportPath, module)
	check := func(imports []string, test bool) {
		for _, i := range imports {
			if to, ours := strings.CutPrefix(i, module); ours {
				if to != from && !allowed(from, to, test) {
					bad = append(bad, fmt.Sprintf("%s must not import %s", from, to))
				}
				continue
			}
			for library, homes := range only {
				if !below(i, library) {
					continue
				}
				if test && slices.Contains(inTests, library) {
					continue
				}
				if !slices.ContainsFunc(homes, func(h string) bool { return below(from, h) }) {
					bad = append(bad, fmt.Sprintf("%s must not import %s, which is for %s", from, i, strings.Join(homes, ", ")))
				}
			}
		}
	}
	check(p.Imports, false)
	check(p.TestImports, true)
	check(p.XTestImports, true)
	return bad
}

// TestImportsPointDown reads the packages as they are: run it with -count=1,
// since Go does not see that its result depends on them.
func TestImportsPointDown(t *testing.T) {
	for _, tags := range []string{"", "matprofile"} {
		cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "-tags="+tags, "./...")
		cmd.Dir = ".."
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for dec := json.NewDecoder(strings.NewReader(string(out))); ; n++ {
			var p pkg
			if err := dec.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			for _, v := range violations(p) {
				t.Error(v)
			}
		}
		if n < 5 {
			t.Fatalf("go list found %d packages only", n)
		}
	}
}

// The rule itself: each planted import is found, each proper one passes.
func TestRule(t *testing.T) {
	for _, c := range []struct {
		from, to string
		test, ok bool
	}{
		{"cmd/dermatrend", "pipeline", false, true},
		{"cmd/dermatrend", "fixtures", false, true},
		{"cmd/dermatrend", "pipeline/align", false, false},
		{"pipeline", "pipeline/align", false, true},
		{"pipeline", "pipeline/engine", false, true},
		{"pipeline", "fixtures", false, false},
		{"pipeline", "fixtures", true, true},
		{"pipeline", "cmd/dermatrend", false, false},
		{"pipeline/align", "pipeline/photo", false, true},
		{"pipeline/align", "pipeline/internal/cv", false, true},
		{"pipeline/align", "metrics", false, true},
		{"pipeline/align", "pipeline/face", false, false},
		{"pipeline/align", "pipeline", false, false},
		{"pipeline/report", "pipeline/result", false, true},
		{"pipeline/result", "pipeline/study", false, false},
		{"pipeline/photo", "pipeline/internal/cv", false, true},
		{"pipeline/photo", "pipeline/internal/icc", false, true},
		{"pipeline/study", "pipeline/internal/filetype", false, true},
		{"pipeline/study", "pipeline/internal/cv", false, false},
		{"pipeline/study", "pipeline/files", false, true},
		{"pipeline/files", "pipeline/study", false, false},
		{"pipeline/align", "pipeline/internal/icc", false, false},
		{"pipeline/internal/icc", "pipeline/internal/cv", false, false},
		{"pipeline/engine", "pipeline/result", false, false},
		{"pipeline", "pipeline/cluster", false, true},
		{"pipeline/cluster", "pipeline/engine", false, false},
		{"pipeline/cluster", "pipeline/cluster/clustertest", true, true},
		{"pipeline", "pipeline/cluster/clustertest", false, false},
		{"pipeline/internal/cv", "metrics", false, false},
		{"metrics", "pipeline/result", false, false},
		{"metrics/trend", "metrics", false, true},
		{"fixtures", "metrics", false, false},
		{"metrics", "fixtures", true, true},
	} {
		if got := allowed(c.from, c.to, c.test); got != c.ok {
			t.Errorf("%s importing %s (test: %v): allowed %v, want %v", c.from, c.to, c.test, got, c.ok)
		}
	}
	for _, c := range []struct {
		from, library string
		ok            bool
	}{
		{"pipeline/internal/cv", "gocv.io/x/gocv", true},
		{"pipeline/align", "gocv.io/x/gocv", false},
		{"pipeline/photo", "github.com/disintegration/imaging", true},
		{"metrics", "github.com/disintegration/imaging", false},
		{"metrics/trend", "gonum.org/v1/gonum/stat", true},
		{"pipeline/report", "gonum.org/v1/plot", true},
		{"pipeline/face", "gonum.org/v1/gonum/mat", false},
		{"pipeline/pdf", "github.com/chromedp/chromedp", true},
		{"pipeline/report", "github.com/chromedp/chromedp", false},
	} {
		bad := violations(pkg{ImportPath: module + c.from, Imports: []string{c.library}})
		if (len(bad) == 0) != c.ok {
			t.Errorf("%s importing %s: %v", c.from, c.library, bad)
		}
	}
	if bad := violations(pkg{ImportPath: module + "pipeline/face", TestImports: []string{"gonum.org/v1/gonum/mat"}}); len(bad) > 0 {
		t.Error(bad)
	}
}
