package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/audit"
	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/report"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// VerifyOptions say how much of an output folder is to be proved.
type VerifyOptions struct {
	// Study is asked for the photos and manifests that were measured; nil: they are
	// not looked at.
	Study *study.Study
	// Recompute is the number of persons that are measured again, a sample that is the
	// same each time; below 0 all. It needs Study.
	Recompute int
	Run       RunOptions // for measuring again; Config.FaceModel and Config.SDC are the files that were used
}

// Verification is what [Verify] has found.
type Verification struct {
	Persons, Series, Pictures int
	Measured                  []string // persons who were measured again
	Wrong                     []string // what is not as it should be; empty: all is proved
	More                      bool     // there is more than Wrong lists
	Notes                     []string // what was not looked at
	Record                    string   // SHA-256 of run.json, to be noted elsewhere: who can change files can change hashes
}

// maxWrong bounds the list of what is wrong.
const maxWrong = 50

// Verify proves an output folder and changes nothing. From result.json of each person
// it makes the tables, the reports, the index and the record again and compares them
// byte for byte; result.json and the pictures it holds against their hashes, and those
// against the record. With a study it also compares the photos and manifests with
// those that were measured, and measures again as many persons as it is asked to.
//
// The error is for what kept it from looking; what it saw is in the Verification.
func Verify(ctx context.Context, out string, o VerifyOptions) (Verification, error) {
	v := verifier{out: out, opts: o, origins: map[string]map[string]origin{}}
	if err := settled(out); err != nil {
		return v.Verification, err
	}
	if o.Recompute != 0 && o.Study == nil {
		return v.Verification, usagef("to measure again, the study is needed")
	}
	var err error
	if v.run, err = loadRun(out); err != nil {
		return v.Verification, err
	}
	settings, err := json.Marshal(v.run.Settings)
	if err != nil {
		return v.Verification, err
	}
	if hash(settings) != v.run.SettingsSHA256 {
		v.wrong("%s: the settings are not those of settings_sha256", runFile)
	}
	if v.dir, err = os.MkdirTemp("", "dermatrend-verify-"); err != nil {
		return v.Verification, err
	}
	defer os.RemoveAll(v.dir)
	if err := v.derive(ctx); err != nil {
		return v.Verification, err
	}
	if v.Record, err = files.Hash(filepath.Join(out, runFile)); err != nil {
		return v.Verification, err
	}
	if err := v.tables(); err != nil {
		return v.Verification, err
	}
	v.beside()
	if o.Study == nil {
		v.note("photos and manifests: no study was given")
		return v.Verification, nil
	}
	if err := v.inputs(ctx); err != nil || o.Recompute == 0 {
		return v.Verification, err
	}
	return v.Verification, v.again(ctx)
}

type verifier struct {
	Verification
	out, dir string
	opts     VerifyOptions
	run      earlierRun
	origins  map[string]map[string]origin // by person and view
	printed  int                          // persons with a PDF
}

func (v *verifier) wrong(format string, args ...any) {
	if len(v.Wrong) == maxWrong {
		v.More = true
		return
	}
	v.Wrong = append(v.Wrong, fmt.Sprintf(format, args...))
}

func (v *verifier) note(format string, args ...any) {
	v.Notes = append(v.Notes, fmt.Sprintf(format, args...))
}

func (v *verifier) differ(all []audit.Difference) {
	for _, d := range all {
		v.wrong("%s", d)
	}
}

// room is how many differences may still be listed, at least one.
func (v *verifier) room() int { return max(1, maxWrong-len(v.Wrong)) }

// derive writes to v.dir what the results of all persons give, and looks at what lies
// in their folders.
func (v *verifier) derive(ctx context.Context) (err error) {
	rec, err := createRecord(filepath.Join(v.dir, runFile), v.run.runRecord)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rec.close()) }()
	tables, err := result.CreateTables(v.dir, tableOrder())
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, tables.Close())
		rec.tables = tables.SHA256()
	}()
	index := report.NewIndex(v.run.Study, v.run.Version)
	for _, id := range v.run.ids() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		dir := filepath.Join(v.out, id)
		s, err := result.LoadSubject(dir)
		if err != nil {
			v.wrong("%v", err)
			continue
		}
		if s.ID != id {
			v.wrong("%s: is about %q", filepath.Join(id, result.SubjectFile), s.ID)
			continue
		}
		v.Persons++
		v.Series += len(s.Series)
		if err := v.person(dir, s); err != nil {
			return err
		}
		if err := errors.Join(tables.Add(s), rec.add(s, dir)); err != nil {
			return err
		}
		index.Clinic = v.run.clinic(s)
		index.Add(s)
	}
	return report.WriteIndex(v.dir, index)
}

// beside says which files of the folder nothing is proved about.
func (v *verifier) beside() {
	there := func(name string) bool {
		_, err := os.Lstat(filepath.Join(v.out, name))
		return err == nil
	}
	if there(timingsFile) {
		v.note("%s: times are never the same twice", timingsFile)
	}
	if v.printed > 0 {
		v.note("%s (%d): printed by a browser; the reports that were printed are proved", pdfOf(reportFile), v.printed)
	}
	if cohort := slices.DeleteFunc(slices.Clone(cohortFiles), func(name string) bool { return !there(name) }); len(cohort) > 0 {
		v.note("%s: the results that they come from are proved; dermatrend cohort makes them again", strings.Join(cohort, ", "))
	}
}

// person looks at one person's folder.
func (v *verifier) person(dir string, s result.Subject) error {
	if _, err := os.Lstat(filepath.Join(dir, pdfOf(reportFile))); err == nil {
		v.printed++
	}
	p := loadProvenance(dir)
	if p.Series == nil {
		v.wrong("%s: missing, or not a record of dermatrend", filepath.Join(s.ID, provenanceFile))
	}
	check := func(rel, sum string) error {
		name := filepath.Join(dir, filepath.FromSlash(rel))
		var got string
		info, err := os.Lstat(name)
		if err == nil && info.Mode().IsRegular() {
			got, err = files.Hash(name)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			v.wrong("%s: is missing", filepath.Join(s.ID, rel))
		case err != nil:
			return err
		case got != sum:
			v.wrong("%s: was changed since it was written", filepath.Join(s.ID, rel))
		}
		return nil
	}
	if p.Results != "" {
		if err := check(result.SubjectFile, p.Results); err != nil {
			return err
		}
	}
	pictures := map[string]bool{}
	v.origins[s.ID] = map[string]origin{}
	for _, view := range slices.Sorted(maps.Keys(p.Series)) {
		sealed := p.Series[view]
		if sealed.Key != sealed.Origin.key() {
			v.wrong("%s: the key of %s is not that of what it was made from", filepath.Join(s.ID, provenanceFile), view)
		}
		v.origins[s.ID][view] = sealed.Origin
		for _, rel := range slices.Sorted(maps.Keys(sealed.Files)) {
			if !filepath.IsLocal(filepath.FromSlash(rel)) {
				v.wrong("%s: %q leaves its folder", filepath.Join(s.ID, provenanceFile), rel)
				continue
			}
			pictures[rel] = true
			v.Pictures++
			if err := check(rel, sealed.Files[rel]); err != nil {
				return err
			}
		}
	}
	if err := v.strangers(dir, s.ID, pictures); err != nil {
		return err
	}
	for _, r := range s.Series {
		o, sealed := v.origins[s.ID][r.View]
		if !sealed {
			if len(r.Measurements) > 0 {
				v.wrong("%s: says nothing about where the values of %s come from", filepath.Join(s.ID, provenanceFile), r.View)
			}
			continue
		}
		if o.Version != s.Version || o.OpenCV != s.OpenCV || o.Settings != s.Settings {
			v.wrong("%s: %s was made by version %s, OpenCV %s and settings %.12s; result.json says %s, %s and %.12s",
				filepath.Join(s.ID, provenanceFile), r.View, o.Version, o.OpenCV, o.Settings, s.Version, s.OpenCV, s.Settings)
		}
		for photo, sum := range r.InputSHA256 {
			if o.Photos[photo] != sum {
				v.wrong("%s: the photo %s of %s has another hash than in result.json", filepath.Join(s.ID, provenanceFile), photo, r.View)
			}
		}
	}
	return v.report(dir, s)
}

// strangers finds pictures that no record names: a report would show them.
func (v *verifier) strangers(dir, id string, known map[string]bool) error {
	for _, e := range ownEntries {
		err := filepath.WalkDir(filepath.Join(dir, e), func(name string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			}
			rel, err := filepath.Rel(dir, name)
			if err != nil || d.IsDir() || filepath.Dir(rel) == "." {
				return err
			}
			if !known[filepath.ToSlash(rel)] {
				v.wrong("%s: was not written by the run", filepath.Join(id, rel))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// report makes a person's report again.
func (v *verifier) report(dir string, s result.Subject) error {
	rel := filepath.Join(s.ID, reportFile)
	page, err := report.Page(dir, s)
	if err != nil { // a picture that is missing was told
		v.wrong("%s: cannot be made again: %v", rel, err)
		return nil
	}
	return v.sameBytes(rel, page)
}

func (v *verifier) sameBytes(rel string, want []byte) error {
	got, err := os.ReadFile(filepath.Join(v.out, rel))
	if errors.Is(err, fs.ErrNotExist) {
		v.wrong("%s: is missing", rel)
		return nil
	}
	if err != nil || bytes.Equal(got, want) {
		return err
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	hint := ""
	if v.opts.Run.Version != v.run.Version {
		hint = fmt.Sprintf("; it may have been written by another version than this (%s)", v.opts.Run.Version)
	}
	v.wrong("%s: is not what result.json gives, from byte %d on%s", rel, at, hint)
	return nil
}

// tables compares what was derived from all persons.
func (v *verifier) tables() error {
	for _, file := range result.TableFiles() {
		got, err := os.Open(filepath.Join(v.out, file))
		if errors.Is(err, fs.ErrNotExist) {
			v.wrong("%s: is missing", file)
			continue
		}
		if err != nil {
			return err
		}
		want, err := os.Open(filepath.Join(v.dir, file))
		if err != nil {
			return errors.Join(err, got.Close())
		}
		found, err := audit.Tables(file, got, want, v.room())
		if err := errors.Join(err, got.Close(), want.Close()); err != nil {
			return err
		}
		v.differ(found)
	}
	page, err := os.ReadFile(filepath.Join(v.dir, indexFile))
	if err != nil {
		return err
	}
	if err := v.sameBytes(indexFile, page); err != nil {
		return err
	}
	// The record is small beside the results unless there are very many persons: it is
	// read only if it differs.
	a, errA := files.Hash(filepath.Join(v.out, runFile))
	b, errB := files.Hash(filepath.Join(v.dir, runFile))
	if err := errors.Join(errA, errB); err != nil || a == b {
		return err
	}
	got, errA := os.ReadFile(filepath.Join(v.out, runFile))
	want, errB := os.ReadFile(filepath.Join(v.dir, runFile))
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	v.differ(audit.JSON(runFile, got, want, v.room()))
	return nil
}
