package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// replace changes a text in a file.
func replace(t *testing.T, name, old, new string) {
	t.Helper()
	data, err := os.ReadFile(name)
	check(t, err)
	if !bytes.Contains(data, []byte(old)) {
		t.Fatalf("%s has no %q", name, old)
	}
	check(t, os.WriteFile(name, bytes.Replace(data, []byte(old), []byte(new), 1), 0o600))
}

// Whatever is changed in an output folder is found and named; where everything was
// made to fit, by measuring again.
func TestVerifyFindsWhatWasChanged(t *testing.T) {
	ctx := context.Background()
	st := people(t, "P1", "P2", "P3")
	made := filepath.Join(t.TempDir(), "out")
	_, err := Run(ctx, st, made, options(2))
	check(t, err)
	verifyOptions := func(s *study.Study, n int) VerifyOptions {
		return VerifyOptions{Study: s, Recompute: n, Run: options(2)}
	}
	before := tree(t, made)
	v, err := Verify(ctx, made, verifyOptions(st, -1))
	check(t, err)
	if len(v.Wrong) > 0 || v.Persons != 3 || v.Series != 6 || v.Pictures != 12 || len(v.Measured) != 3 || len(v.Notes) != 1 || !strings.HasPrefix(v.Notes[0], timingsFile) {
		t.Fatalf("%+v", v)
	}
	same(t, tree(t, made), before)

	// forge changes a value and makes everything fit that can be made to fit.
	forge := func(out string) {
		dir := filepath.Join(out, "P2")
		replace(t, filepath.Join(dir, result.SubjectFile), `"Value": 1,`, `"Value": 2,`)
		p := loadProvenance(dir)
		p.Results, err = files.Hash(filepath.Join(dir, result.SubjectFile))
		check(t, err, os.Remove(filepath.Join(dir, provenanceFile)), result.WriteJSON(filepath.Join(dir, provenanceFile), p))
		_, err := Remove(ctx, out, "P3") // which writes tables, index and record again
		check(t, err)
		_, err = Report(ctx, out)
		check(t, err)
	}
	for _, c := range []struct {
		name   string
		change func(out string)
		opts   VerifyOptions
		want   string // of which one is found
	}{
		{"a value in a table", func(out string) { replace(t, filepath.Join(out, "measurements.csv"), ",1,,native", ",0.5,,native") }, VerifyOptions{},
			`measurements.csv:2 (P1 front s0 nose 1 native): value is "0.5", expected "1"`},
		{"a verdict", func(out string) {
			replace(t, filepath.Join(out, "trends.csv"), "no_detectable_change", "improved")
		}, VerifyOptions{}, `trends.csv:2 (P1 front nose m): verdict is "improved", expected "no_detectable_change"`},
		{"a table gone", func(out string) { check(t, os.Remove(filepath.Join(out, "objects.csv"))) }, VerifyOptions{}, "objects.csv: is missing"},
		{"a value in a result file", func(out string) {
			replace(t, filepath.Join(out, "P2", result.SubjectFile), `"Value": 1,`, `"Value": 2,`)
		}, VerifyOptions{}, "P2/result.json: was changed since it was written"},
		{"a picture", func(out string) {
			check(t, os.WriteFile(filepath.Join(out, "P1/aligned/front-s1.jpg"), []byte("painted"), 0o600))
		}, VerifyOptions{}, "P1/aligned/front-s1.jpg: was changed since it was written"},
		{"a picture gone", func(out string) { check(t, os.Remove(filepath.Join(out, "P1/aligned/front-s1.jpg"))) }, VerifyOptions{}, "P1/aligned/front-s1.jpg: is missing"},
		{"a picture that is a link", func(out string) {
			name := filepath.Join(out, "P1/aligned/front-s1.jpg")
			check(t, os.Rename(name, filepath.Join(out, "aside.jpg")), os.Symlink("../../aside.jpg", name))
		}, VerifyOptions{}, "P1/aligned/front-s1.jpg: was changed since it was written"},
		{"a picture more", func(out string) {
			check(t, os.WriteFile(filepath.Join(out, "P1/aligned/front-s9.jpg"), nil, 0o600))
		}, VerifyOptions{}, "P1/aligned/front-s9.jpg: was not written by the run"},
		{"a report", func(out string) { replace(t, filepath.Join(out, "P3", reportFile), "</html>", "<!-- -->") }, VerifyOptions{}, "P3/report.html: is not what result.json gives"},
		{"the index", func(out string) { replace(t, filepath.Join(out, indexFile), "P2", "P9") }, VerifyOptions{}, "index.html: is not what result.json gives"},
		{"the settings", func(out string) {
			replace(t, filepath.Join(out, runFile), `"picture_side": 900`, `"picture_side": 901`)
		}, VerifyOptions{}, "run.json: the settings are not those of settings_sha256"},
		{"the hash of an input", func(out string) {
			replace(t, filepath.Join(out, runFile), hash([]byte("P1s0f.jpg")), strings.Repeat("0", 64))
		}, VerifyOptions{}, `run.json (/subjects/0/inputs_sha256/front/s0f.jpg): value is "\"` + strings.Repeat("0", 64)},
		{"where it comes from", func(out string) {
			replace(t, filepath.Join(out, "P1", provenanceFile), hash([]byte("P1s0f.jpg")), strings.Repeat("0", 64))
		}, VerifyOptions{}, "P1/provenance.json: the key of front is not that of what it was made from"},
		{"all but the skin", forge, VerifyOptions{Study: st, Recompute: -1, Run: options(2)},
			`measurements.csv, measured again (P2 front s0 nose 1 native): value is "2", expected "1"`},
	} {
		out := filepath.Join(t.TempDir(), "out")
		check(t, os.CopyFS(out, os.DirFS(made)))
		c.change(out)
		v, err := Verify(ctx, out, c.opts)
		check(t, err)
		if len(v.Wrong) == 0 || !strings.Contains(strings.Join(v.Wrong, "\n"), c.want) {
			t.Errorf("%s: got %q, want %q", c.name, v.Wrong, c.want)
		}
	}
	// That it takes measuring to find the last one out is no secret.
	out := filepath.Join(t.TempDir(), "out")
	check(t, os.CopyFS(out, os.DirFS(made)))
	forge(out)
	v, err = Verify(ctx, out, VerifyOptions{})
	check(t, err)
	if len(v.Wrong) > 0 || len(v.Notes) == 0 {
		t.Errorf("%+v", v)
	}
}

// What has changed in the study since it was measured is found without measuring.
func TestVerifyLooksAtTheStudy(t *testing.T) {
	ctx := context.Background()
	measured := people(t, "P1", "P2")
	out := filepath.Join(t.TempDir(), "out")
	_, err := Run(ctx, measured, out, options(2))
	check(t, err)
	for _, c := range []struct {
		name   string
		change func(st *study.Study)
		want   string
	}{
		{"a photo", func(st *study.Study) {
			check(t, os.WriteFile(filepath.Join(st.Subjects[1].Dir, "s1l.jpg"), []byte("another"), 0o600))
		}, "P2 left45: the study is not what was measured: changed: s1l.jpg"},
		{"a photo gone", func(st *study.Study) { check(t, os.Remove(filepath.Join(st.Subjects[0].Dir, "s0f.jpg"))) }, "P1 front: open "},
		{"a date", func(st *study.Study) {
			st.Subjects[0].Sessions[1].Date = study.Date{Time: st.Subjects[0].Sessions[1].Date.AddDate(0, 0, 1)}
		}, "P1 front: the study is not what was measured: the manifest or an edit says otherwise of it"},
		{"a person more", func(st *study.Study) { st.Subjects = append(st.Subjects, study.Subject{ID: "P7"}) }, "P7: is in the study and not in the results"},
		{"a person less", func(st *study.Study) { st.Subjects = st.Subjects[:1] }, "P2: is in the results and not in the study"},
		{"the outcome", func(st *study.Study) { st.Primary = &study.Primary{Metric: "m"} }, "study.yaml: setting primary: not set -> {"},
	} {
		st := people(t, "P1", "P2") // the same, elsewhere
		c.change(st)
		v, err := Verify(ctx, out, VerifyOptions{Study: st, Run: options(2)})
		check(t, err)
		if len(v.Wrong) == 0 || !strings.HasPrefix(v.Wrong[0], c.want) {
			t.Errorf("%s: got %q, want %q", c.name, v.Wrong, c.want)
		}
	}
}

// Every row leads to the versions, settings and inputs that it rests on.
func TestRecordNamesWhatRowsRestOn(t *testing.T) {
	st := people(t, "P1", "P2")
	out := filepath.Join(t.TempDir(), "out")
	_, err := Run(context.Background(), st, out, options(2))
	check(t, err)
	data, err := os.ReadFile(filepath.Join(out, runFile))
	check(t, err)
	var r struct {
		Subjects []subjectRecord   `json:"subjects"`
		Tables   map[string]string `json:"tables_sha256"`
	}
	check(t, json.Unmarshal(data, &r))
	for _, s := range r.Subjects {
		p := loadProvenance(filepath.Join(out, s.ID))
		for _, view := range []string{"front", "left45"} {
			if s.Version != "test" || s.OpenCV != OpenCVVersion() || len(s.SettingsSHA256) != 64 || s.Origins[view] != p.Series[view].Key || len(s.Origins[view]) != 64 {
				t.Errorf("%+v", s)
			}
			if s.Inputs[view]["s0"+view[:1]+".jpg"] != hash([]byte(s.ID+"s0"+view[:1]+".jpg")) {
				t.Errorf("%+v", s.Inputs)
			}
		}
	}
	for _, name := range result.TableFiles() {
		if sum, err := files.Hash(filepath.Join(out, name)); err != nil || r.Tables[name] != sum {
			t.Errorf("%s: %v %s, recorded %s", name, err, sum, r.Tables[name])
		}
	}
	// Nobody but the owner reads any of it.
	check(t, filepath.WalkDir(out, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := e.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
		return nil
	}))
}
