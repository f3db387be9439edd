package pipeline

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// FuzzRecord reads any file as run.json. What can be read names folders in the output
// folder, each once: a run moves and removes what an earlier one has recorded.
func FuzzRecord(f *testing.F) {
	for _, s := range []string{
		`{"format":1,"version":"1","subjects":[{"id":"P1"},{"id":"P2"}],"counts":{},"tables_sha256":{}}`,
		`{"format":1,"subjects":[{"id":"../P1"}]}`, `{"format":1,"subjects":[{"id":"P1"},{"id":"P1"}]}`, `{"format":1,"subjects":{"id":"P1"}}`,
		`{"format":1,"subjects":[{"id":""}],"settings":{"Zones":["nose"]}}`, `{"format":1,"subjects":[{"id":"."},{"id":".dermatrend"}]}`, `{"format":2}`, `[1,2]`, `{"format":1,"subjects":[{"id":"a/b"}`, "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		out := t.TempDir()
		check(t, os.WriteFile(filepath.Join(out, runFile), data, 0o600))
		r, err := loadRun(out)
		if err != nil {
			if !strings.Contains(err.Error(), runFile) || len(r.ids()) > 0 {
				t.Errorf("%d persons beside %v", len(r.ids()), err)
			}
			return
		}
		for i, id := range r.ids() {
			if filepath.Dir(filepath.Join(out, id)) != out || strings.HasPrefix(id, ".") || slices.Index(r.ids(), id) != i {
				t.Errorf("%q is taken for a folder of a person", id)
			}
		}
	})
}

// FuzzProvenance reads any file as provenance.json, and takes what it names: only from
// the folder in which it lies, and to the one that it is told.
func FuzzProvenance(f *testing.F) {
	sum := hash([]byte("picture"))
	for _, file := range []string{"aligned/a.jpg", "../a.jpg", "/etc/passwd", "aligned/../../a.jpg", "aligned", "."} {
		f.Add([]byte(`{"results_sha256":"` + sum + `","series":{"front":{"key":"k","origin":{"kind":"run"},"files_sha256":{"` + file + `":"` + sum + `"}}}}`))
	}
	f.Add([]byte(`{"series":{"front":{"files_sha256":[]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		root := t.TempDir()
		home, to := filepath.Join(root, "out", "P1"), filepath.Join(root, "new", "P1")
		check(t, os.MkdirAll(filepath.Join(home, "aligned"), 0o700), os.MkdirAll(to, 0o700),
			os.WriteFile(filepath.Join(home, provenanceFile), data, 0o600))
		for _, name := range []string{"a.jpg", "out/a.jpg", "out/P1/aligned/a.jpg"} {
			check(t, os.WriteFile(filepath.Join(root, name), []byte("picture"), 0o600))
		}
		before := tree(t, root)
		for _, s := range loadProvenance(home).Series {
			proved, taken := verify(home, s.Files), take(home, to, s.Files)
			for rel := range s.Files {
				if (proved == nil || taken == nil) && !filepath.IsLocal(filepath.FromSlash(rel)) {
					t.Errorf("%q: %v, %v", rel, proved, taken)
				}
			}
		}
		after := tree(t, root)
		maps.DeleteFunc(after, func(name, _ string) bool { return strings.HasPrefix(name, filepath.Join("new", "P1")+"/") })
		same(t, after, before)
	})
}
