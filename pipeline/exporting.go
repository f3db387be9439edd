package pipeline

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/export"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// What consent has to cover for an export: of tables, and of pictures.
const (
	scopeResearch     = "research"
	scopeIdentifiable = "identifiable_report"
)

// ExportOptions say what [Export] writes.
type ExportOptions struct {
	Dir        string       // folder to write; an earlier export there is replaced
	AsOf       study.Date   // day on which consent is looked at
	Formats    []string     // csv, parquet, fhir, redcap; nil: these; or dicom, by itself
	Subjects   []string     // nil: all
	Covariates []string     // of the manifests, that become columns; nil: those of defaultCovariates that there are
	Version    string       // of the tool
	Study      *study.Study // asked for consent; its ledger gets the export
	By         string       // who exports, for the ledger
}

// defaultCovariates are columns where nothing else is asked for: the group, and the
// treated side of a split face.
var defaultCovariates = []string{"arm", "side"}

// ExportSummary says what an export holds, for the terminal: it names persons.
type ExportSummary struct {
	Exported int
	Excluded []Excluded
	Key      string // file of the key
	Cohort   string // why the cohort table is not in it; empty where it is, or there is none
	consent.Receipt
}

// Excluded is a person who is not in an export.
type Excluded struct{ Subject, Reason string }

// scope is what consent has to cover: pictures show faces, which codes do not hide.
func (o ExportOptions) scope() (string, error) {
	switch {
	case !slices.Contains(o.Formats, string(export.DICOM)):
		return scopeResearch, nil
	case len(o.Formats) == 1:
		return scopeIdentifiable, nil
	}
	return "", usagef("dicom shows faces and asks for the consent %s, the tables for %s: export them into folders of their own", scopeIdentifiable, scopeResearch)
}

// Export writes what the folder out holds for research: de-identified, of persons
// whose consent covers it; or, as DICOM, their pictures, under codes. The folder is written whole or not at all. The key of
// the codes lies beside it as DIR-key.csv; where there is one already, it is used
// again, so that the same results give the same bytes.
func Export(ctx context.Context, out string, o ExportOptions) (ExportSummary, error) {
	if err := hasResults(out); err != nil {
		return ExportSummary{}, err
	}
	scope, err := o.scope()
	if err != nil {
		return ExportSummary{}, err
	}
	dir := filepath.Clean(o.Dir)
	if err := exportable(out, dir); err != nil {
		return ExportSummary{}, err
	}
	results, err := openOutdir(out)
	if err != nil {
		return ExportSummary{}, err
	}
	defer results.close()
	x := exporter{out: out, opts: o, scope: scope, sum: ExportSummary{Key: dir + "-key.csv"}, shared: map[string]map[string]int{}}
	register, err := askConsent(ctx, results, o.Study)
	if err != nil {
		return x.sum, err
	}
	if err := x.choose(ctx, results.earlier.ids(), register); err != nil {
		return x.sum, err
	}
	if len(x.chosen) == 0 {
		return x.sum, usagef("nobody's consent covers %s on %s: there is nothing to export", scope, o.AsOf)
	}
	key, err := export.LoadKey(x.sum.Key)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = export.NewKey(), nil
	}
	if err != nil {
		return x.sum, usagef("%w", err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return x.sum, err
	}
	staged, err := os.MkdirTemp(filepath.Dir(dir), ".dermatrend-export-*")
	if err != nil {
		return x.sum, err
	}
	defer os.RemoveAll(staged)
	if err := x.write(ctx, staged, key); err != nil {
		return x.sum, err
	}
	// The key first: codes that nobody can resolve would be of no use.
	if err := key.Save(x.sum.Key); err != nil {
		return x.sum, err
	}
	e := consent.Entry{Subjects: x.chosen, Scope: scope, AsOf: o.AsOf.String(), By: o.By, Note: "export"}
	slices.Sort(e.Subjects)
	x.sum.Receipt, err = consent.Release(ctx, o.Study, e, staged, dir, nil)
	return x.sum, changedMeanwhile(err)
}

// apart refuses a folder that lies in the results, or in which they lie.
func apart(out, dir string) error {
	from, err := resolve(out)
	if err != nil {
		return err
	}
	to, err := resolve(dir)
	if err != nil {
		return err
	}
	for _, pair := range [][2]string{{from, to}, {to, from}} {
		if rel, err := filepath.Rel(pair[0], pair[1]); err == nil && filepath.IsLocal(rel) {
			return usagef("export: %s and %s lie in one another; an export leaves the clinic, choose a folder apart", dir, out)
		}
	}
	return nil
}

// exportable refuses a folder that would mix with results or with somebody's files.
func exportable(out, dir string) error {
	if err := apart(out, dir); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0, err == nil && export.IsExport(dir):
		return nil
	case err != nil:
		return usagef("export: %w", err)
	}
	return usagef("export: %s is there already and is not an export alone; choose another folder", dir)
}

// exporter is one export.
type exporter struct {
	out    string
	opts   ExportOptions
	scope  string
	chosen []string
	shared map[string]map[string]int // persons by covariate and value
	sum    ExportSummary
}

// choose asks for the consent of each person.
func (x *exporter) choose(ctx context.Context, ids []string, register *consent.Register) error {
	for _, want := range x.opts.Subjects {
		if !slices.Contains(ids, want) {
			return usagef("there is no subject %q in %s", want, x.out)
		}
	}
	recorded := map[string]bool{}
	for _, id := range ids {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if len(x.opts.Subjects) > 0 && !slices.Contains(x.opts.Subjects, id) {
			continue
		}
		s, err := result.LoadSubject(filepath.Join(x.out, id))
		if err != nil {
			return err
		}
		for name := range s.Covariates {
			recorded[name] = true
		}
		ok, why := register.Permits(id, x.scope, x.opts.AsOf)
		if !ok {
			x.sum.Excluded = append(x.sum.Excluded, Excluded{id, why})
			continue
		}
		x.chosen = append(x.chosen, id)
		for name, value := range s.Covariates {
			if x.shared[name] == nil {
				x.shared[name] = map[string]int{}
			}
			x.shared[name][strings.TrimSpace(value)]++
		}
	}
	for _, name := range x.opts.Covariates {
		if !recorded[name] {
			return usagef("--covariate %s: nobody has it; the manifests have %s", name, cmp.Or(strings.Join(slices.Sorted(maps.Keys(recorded)), ", "), "none"))
		}
	}
	return nil
}

// write fills the folder, persons in the order of their codes.
func (x *exporter) write(ctx context.Context, dir string, key *export.Key) error {
	o := export.Options{AsOf: x.opts.AsOf, Version: x.opts.Version, Covariates: x.opts.Covariates, Shared: x.shared,
		ShippedSDC: shippedSDC.Name, Exclusions: map[string]int{}, Picture: x.picture}
	if o.Covariates == nil {
		o.Covariates = defaultCovariates
	}
	for _, f := range x.opts.Formats {
		o.Formats = append(o.Formats, export.Format(f))
	}
	for _, e := range x.sum.Excluded {
		o.Exclusions[e.Reason]++
	}
	w, err := export.Create(dir, key, o)
	if err != nil {
		return x.explain(err)
	}
	defer w.Abandon()
	slices.SortFunc(x.chosen, func(a, b string) int { return strings.Compare(key.Code(a), key.Code(b)) })
	for _, id := range x.chosen {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s, err := result.LoadSubject(filepath.Join(x.out, id))
		if err != nil {
			return err
		}
		s.ID = id // the folder's name is what consent was looked up by
		if err := w.Add(s); err != nil {
			return x.explain(err)
		}
		x.sum.Exported++
	}
	if x.scope == scopeResearch {
		if err := x.cohort(w); err != nil {
			return err
		}
	}
	return w.Close()
}

// picture reads a picture of a person's results.
func (x *exporter) picture(id, name string) ([]byte, error) {
	root, err := os.OpenRoot(filepath.Join(x.out, id))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	data, _, err := readPicture(root, name)
	return data, err
}

// cohort adds the cohort's table, if there is one that may leave.
func (x *exporter) cohort(w *export.Writer) error {
	f, err := os.Open(filepath.Join(x.out, result.CohortFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if len(x.opts.Subjects) > 0 {
		x.sum.Cohort = "it is made of all persons, and some were chosen"
		return nil
	}
	inside, err := result.ReadCohortKey(x.out)
	if err != nil {
		return err
	}
	for _, id := range inside {
		if !slices.Contains(x.chosen, id) {
			x.sum.Cohort = "it shows somebody who is not exported: make it again with dermatrend cohort"
			return nil
		}
	}
	err = w.Cohort(f, len(x.chosen))
	if errors.Is(err, export.ErrCohort) {
		x.sum.Cohort = err.Error()
		return nil
	}
	return x.explain(err)
}

// explain tells mistakes in what was given from failures.
func (x *exporter) explain(err error) error {
	if errors.Is(err, export.ErrUnits) || errors.Is(err, export.ErrCovariates) {
		return usagef("%w", err)
	}
	return err
}
