package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline/validate"
)

// Every case of the plans can be rendered as it says.
func TestCasesCanBeRendered(t *testing.T) {
	alone, tricks := map[string]fixtures.Nuisance{}, map[string]bool{}
	for _, c := range append(validate.Plan(true, 1, 6), validate.Plan(false, 1, 6)...) {
		s, err := phantomOf(c)
		if err != nil {
			t.Errorf("%s: %v", c.Name(), err)
			continue
		}
		if s.Course.Name != c.Course || len(s.Tones) != 1 || s.Tones[0].String() != c.Tone || s.Seed%2 != c.Seed%2 || !s.NoisyFirst {
			t.Errorf("%s: %+v", c.Name(), s)
		}
		if c.Nuisance == validate.AllNuisances {
			if s.Nuisance != fixtures.FullNuisance.Times(c.Level) {
				t.Errorf("%s: flaws %+v", c.Name(), s.Nuisance)
			}
			continue
		}
		if c.Trick() {
			if tricks[c.Nuisance] = true; s.Trick.Name != c.Nuisance {
				t.Errorf("%s: trick %q", c.Name(), s.Trick.Name)
			}
			continue
		}
		alone[c.Nuisance] = s.Nuisance
		if s.Nuisance == (fixtures.Nuisance{}) {
			t.Errorf("%s has no flaw", c.Name())
		}
	}
	if len(tricks) != len(fixtures.Tricks) {
		t.Errorf("%d tricks of %d", len(tricks), len(fixtures.Tricks))
	}
	seen := map[fixtures.Nuisance]string{}
	for name, n := range alone {
		if other := seen[n]; other != "" {
			t.Errorf("%s and %s are the same flaw", name, other)
		}
		seen[n] = name
	}
	if len(seen) != 7 {
		t.Errorf("%d flaws alone, want 7", len(seen))
	}
}

// A finished case is taken from its file, unless it was measured otherwise.
func TestFinishedCases(t *testing.T) {
	v := &validation{key: "this program"}
	c := validate.Plan(true, 1, 6)[0]
	dir := t.TempDir()
	if _, ok := v.finished(dir, c); ok {
		t.Error("a case without a file is finished")
	}
	save := func(f validate.Findings) {
		t.Helper()
		data, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, resultFile), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save(validate.Findings{Key: "this program", Case: c, NotCarried: 7})
	if f, ok := v.finished(dir, c); !ok || f.NotCarried != 7 {
		t.Errorf("%+v, %v", f, ok)
	}
	other := c
	other.PxPerMM++
	if _, ok := v.finished(dir, other); ok {
		t.Error("another case is taken for it")
	}
	save(validate.Findings{Key: "another program", Case: c})
	if _, ok := v.finished(dir, c); ok {
		t.Error("what another program measured is taken")
	}
}

// Kept photos are taken as they are, unless another program or another case drew them.
func TestKeptPhotos(t *testing.T) {
	v := &validation{keep: t.TempDir()}
	c := validate.Plan(true, 1, 6)[0]
	c.Width, c.PxPerMM = 120, 0.6
	dir := t.TempDir()
	r, err := v.render(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	photos, err := filepath.Glob(filepath.Join(r.photos, "P001", "*.jpg"))
	if err != nil || len(photos) != c.Sessions {
		t.Fatalf("photos %v, %v", photos, err)
	}
	drawn, err := os.ReadFile(photos[0])
	if err != nil {
		t.Fatal(err)
	}
	again := func(what string, c validate.Case, same bool) {
		t.Helper()
		if err := os.WriteFile(photos[0], append(drawn, 0), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := v.render(dir, c); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(photos[0])
		if err != nil {
			t.Fatal(err)
		}
		if kept := len(got) == len(drawn)+1; kept != same {
			t.Errorf("%s: kept is %v, want %v", what, kept, same)
		}
	}
	again("the same case", c, true)
	record := filepath.Join(v.keep, c.Name(), recordFile)
	if err := os.WriteFile(record, []byte(`{"renderer":"an older one"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	again("another renderer", c, false)
	if err := errors.Join(v.forget(r), os.Remove(record)); err != nil {
		t.Fatal(err)
	}
	again("cut off while drawing", c, false)
}
