package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/audit"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// inputs compares photos and manifests with those that were measured.
func (v *verifier) inputs(ctx context.Context) error {
	b := &batch{study: v.opts.Study}
	known := map[string]bool{}
	for i := range v.opts.Study.Subjects {
		p := &v.opts.Study.Subjects[i]
		known[p.ID] = true
		old, measured := v.origins[p.ID]
		if !measured {
			v.wrong("%s: is in the study and not in the results", p.ID)
			continue
		}
		views := map[string]bool{}
		for _, s := range p.Series() {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			views[s.View] = true
			o, sealed := old[s.View]
			if !sealed {
				v.note("%s %s: has no record of what it was made from", p.ID, s.View)
				continue
			}
			now, err := b.origin(s, nil)
			if err != nil {
				v.wrong("%s %s: %v", p.ID, s.View, err)
				continue
			}
			// Who measured is no matter here.
			now.Kind, now.Version, now.Program, now.OpenCV, now.Settings = o.Kind, o.Version, o.Program, o.OpenCV, o.Settings
			if why := now.differs(o); why != "" {
				v.wrong("%s %s: the study is not what was measured: %s", p.ID, s.View, why)
			}
		}
		for _, view := range slices.Sorted(maps.Keys(old)) {
			if !views[view] {
				v.wrong("%s %s: is in the results and not in the study", p.ID, view)
			}
		}
	}
	for _, id := range v.run.ids() {
		if !known[id] {
			v.wrong("%s: is in the results and not in the study", id)
		}
	}
	was := v.run.Settings
	now := was
	now.Primary, now.Scale, now.Zones = v.opts.Study.Primary, v.opts.Study.Scale, v.opts.Study.Zones
	changed, err := made(runRecord{Settings: was}, runRecord{Settings: now})
	for _, c := range changed {
		v.wrong("study.yaml: %s", c)
	}
	return err
}

// again measures persons into a folder of its own and compares.
func (v *verifier) again(ctx context.Context) error {
	opts := v.opts.Run
	files := opts.Config
	opts.Config = v.run.Settings
	opts.Config.FaceModel, opts.Config.SDC = files.FaceModel, files.SDC
	given, err := opts.Config.recorded()
	if err != nil {
		return err
	}
	if given.FaceModel != v.run.Settings.FaceModel || given.SDC != v.run.Settings.SDC {
		return usagef("measuring again needs the files that the run had: face model %q, table of smallest detectable changes %q (--face-model, --sdc)",
			v.run.Settings.FaceModel, v.run.Settings.SDC)
	}
	opts.Subjects = v.sample()
	if len(opts.Subjects) == 0 {
		v.note("nobody is in both the study and the results: nobody was measured again")
		return nil
	}
	out := filepath.Join(v.dir, "again")
	if _, err := Run(ctx, v.opts.Study, out, opts); err != nil {
		return err
	}
	program, err := programHash()
	if err != nil {
		return err
	}
	for _, id := range opts.Subjects {
		for _, o := range v.origins[id] {
			if o.Program != program {
				v.note("%s was measured by another build (version %s) than this (%s): what differs may be the program's, see dermatrend compare", id, o.Version, opts.Version)
				break
			}
		}
		if err := v.compareAgain(id, out); err != nil {
			return err
		}
		v.Measured = append(v.Measured, id)
	}
	return nil
}

// sample picks persons by the hash of their names, so that nobody can choose who will
// be looked at by choosing where to cheat in the alphabet.
func (v *verifier) sample() []string {
	var all []string
	for _, s := range v.opts.Study.Subjects {
		if _, ok := v.origins[s.ID]; ok {
			all = append(all, s.ID)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return bytes.Compare([]byte(hash([]byte(a))), []byte(hash([]byte(b)))) })
	if n := v.opts.Recompute; n > 0 && n < len(all) {
		all = all[:n]
	}
	slices.Sort(all)
	return all
}

// compareAgain compares a person's results with those measured again.
func (v *verifier) compareAgain(id, again string) error {
	old, errA := result.LoadSubject(filepath.Join(v.out, id))
	fresh, errB := result.LoadSubject(filepath.Join(again, id))
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	fresh.Version, fresh.OpenCV = old.Version, old.OpenCV
	var tables [2]string
	for i, s := range []result.Subject{old, fresh} {
		tables[i] = filepath.Join(v.dir, fmt.Sprintf("tables-%d-%s", i, id))
		if err := os.Mkdir(tables[i], 0o700); err != nil {
			return err
		}
		t, err := result.CreateTables(tables[i], tableOrder())
		if err != nil {
			return err
		}
		if err := errors.Join(t.Add(s), t.Close(), result.SaveSubject(tables[i], s)); err != nil {
			return err
		}
	}
	before := len(v.Wrong)
	for _, file := range result.TableFiles() {
		got, errA := os.ReadFile(filepath.Join(tables[0], file))
		want, errB := os.ReadFile(filepath.Join(tables[1], file))
		if err := errors.Join(errA, errB); err != nil {
			return err
		}
		found, err := audit.Tables(file, bytes.NewReader(got), bytes.NewReader(want), v.room())
		if err != nil {
			return err
		}
		for i := range found {
			found[i].File, found[i].Line = file+", measured again", 0
		}
		v.differ(found)
	}
	if len(v.Wrong) == before { // what no table shows
		got, errA := os.ReadFile(filepath.Join(tables[0], result.SubjectFile))
		want, errB := os.ReadFile(filepath.Join(tables[1], result.SubjectFile))
		if err := errors.Join(errA, errB); err != nil {
			return err
		}
		v.differ(audit.JSON(filepath.Join(id, result.SubjectFile)+", measured again", got, want, v.room()))
	}
	was, is := loadProvenance(filepath.Join(v.out, id)), loadProvenance(filepath.Join(again, id))
	for _, view := range slices.Sorted(maps.Keys(was.Series)) {
		for _, rel := range slices.Sorted(maps.Keys(was.Series[view].Files)) {
			if is.Series[view].Files[rel] != was.Series[view].Files[rel] {
				v.wrong("%s, measured again: is another picture", filepath.Join(id, rel))
			}
		}
	}
	return nil
}
