package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Format is a kind of files that an export can have.
type Format string

const (
	CSV     Format = "csv"
	Parquet Format = "parquet"
	FHIR    Format = "fhir"
	REDCap  Format = "redcap"
	// DICOM holds pictures of faces: it is exported by itself, under another consent.
	DICOM Format = "dicom"
)

// Formats lists the formats of an export without pictures.
var Formats = []Format{CSV, Parquet, FHIR, REDCap}

// File is the record of an export, by which a folder is known to be one.
const File = "export.json"

// Errors of what is to be exported.
var (
	ErrUnits      = errors.New("units of two versions are mixed")
	ErrCovariates = errors.New("covariates")
)

// Options of an export.
type Options struct {
	AsOf       study.Date // day on which consent was looked at
	Version    string     // of the tool that exports
	Formats    []Format   // nil: all
	Covariates []string   // of the manifests, by name, that become columns
	// Shared counts the persons of this export by covariate and value: what one
	// person only has is withheld.
	Shared     map[string]map[string]int
	ShippedSDC string         // name of the table of smallest detectable changes that the tool ships
	Exclusions map[string]int // persons left out, by the reason that study.Covers gives
	// Picture reads a picture of a person by its name in the results; for DICOM.
	Picture func(subject, name string) ([]byte, error)
}

// Writer writes an export person by person, so that only one has to be in memory.
type Writer struct {
	dir      string
	key      *Key
	opts     Options
	tables   []Table // that are filled person by person
	sinks    [][]sink
	fhir     *fhirSink
	redcap   *redcapSink
	dicom    *dicomSink
	units    map[string]string // of metrics
	metrics  ranks
	zones    ranks
	views    ranks
	subjects int
	rows     map[string]int // by table
	last     string         // code of the last person
}

// Create begins an export in an empty folder.
func Create(dir string, key *Key, o Options) (*Writer, error) {
	if o.Formats == nil {
		o.Formats = Formats
	}
	if err := checkCovariates(o.Covariates); err != nil {
		return nil, err
	}
	e := &Writer{dir: dir, key: key, opts: o, tables: personTables(o.Covariates), units: map[string]string{}, rows: map[string]int{},
		zones: newRanks(study.ZoneNames), views: newRanks(views)}
	var names []string
	for _, m := range metrics.All() {
		e.units[m.Name] = m.Unit
		names = append(names, m.Name)
	}
	e.metrics = newRanks(names)
	for _, t := range e.tables {
		sinks, err := e.open(t)
		e.sinks = append(e.sinks, sinks)
		if err != nil {
			return nil, errors.Join(err, e.abandon())
		}
	}
	var err error
	if e.has(FHIR) {
		if e.fhir, err = newFHIR(filepath.Join(dir, string(FHIR)), o); err != nil {
			return nil, errors.Join(err, e.abandon())
		}
	}
	if e.has(REDCap) {
		if e.redcap, err = newREDCap(filepath.Join(dir, string(REDCap)), o); err != nil {
			return nil, errors.Join(err, e.abandon())
		}
	}
	if e.has(DICOM) {
		if e.dicom, err = newDICOM(filepath.Join(dir, string(DICOM)), o); err != nil {
			return nil, errors.Join(err, e.abandon())
		}
	}
	return e, nil
}

func (e *Writer) has(f Format) bool { return slices.Contains(e.opts.Formats, f) }

// covariateForm keeps the names of columns within what REDCap and SPSS allow.
var covariateForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_ -]{0,21}$`)

func checkCovariates(names []string) error {
	seen := map[string]string{}
	for _, n := range names {
		c := covariateColumn(n)
		if !covariateForm.MatchString(n) {
			return fmt.Errorf("%w: %q; expected at most 22 letters, digits, - or _, a letter first", ErrCovariates, n)
		}
		if other, twice := seen[c]; twice {
			return fmt.Errorf("%w: %q and %q would be one column", ErrCovariates, other, n)
		}
		seen[c] = n
	}
	return nil
}

// open makes the files of a table.
func (e *Writer) open(t Table) ([]sink, error) {
	var sinks []sink
	if e.has(CSV) {
		s, err := newCSV(e.dir, t)
		if err != nil {
			return sinks, err
		}
		sinks = append(sinks, s)
	}
	if e.has(Parquet) {
		s, err := newParquet(e.dir, t, e.opts.Version)
		if err != nil {
			return sinks, err
		}
		sinks = append(sinks, s)
	}
	return sinks, nil
}

// Add writes one person. Persons come in the order of their codes ([Key.Code]): any
// other would tell something about their names.
func (e *Writer) Add(s result.Subject) error {
	p, err := e.personOf(s)
	if err != nil {
		return err
	}
	if p.code <= e.last {
		return fmt.Errorf("%s comes after a later code: persons are exported in the order of their codes, each once", p.code)
	}
	e.last = p.code
	e.subjects++
	for i, t := range e.tables {
		rows := t.rows(p)
		e.rows[t.Name] += len(rows)
		for _, s := range e.sinks[i] {
			if err := s.write(rows); err != nil {
				return fmt.Errorf("%s: %w", t.Name, err)
			}
		}
	}
	if e.fhir != nil {
		if err := e.fhir.add(p); err != nil {
			return fmt.Errorf("fhir: %w", err)
		}
	}
	if e.redcap != nil {
		if err := e.redcap.add(p); err != nil {
			return fmt.Errorf("redcap: %w", err)
		}
	}
	if e.dicom != nil {
		if err := e.dicom.add(e, p, s); err != nil {
			return fmt.Errorf("dicom: %w", err)
		}
	}
	return nil
}

// table writes a table that is known as a whole.
func (e *Writer) table(t Table, rows [][]any) error {
	sinks, err := e.open(t)
	e.rows[t.Name] = len(rows)
	for _, s := range sinks {
		if err == nil {
			err = s.write(rows)
		}
		err = errors.Join(err, s.close())
	}
	return err
}

// Close writes what is left: the exclusions, the codebook, the record. The export is
// complete only if Close returned nil.
func (e *Writer) Close() error {
	if err := e.abandon(); err != nil {
		return err
	}
	excluded := map[string]int{}
	for reason, n := range e.opts.Exclusions {
		excluded[consentReason(reason)] += n
	}
	rows := [][]any{}
	for _, reason := range slices.Sorted(maps.Keys(excluded)) {
		rows = append(rows, []any{reason, excluded[reason]})
	}
	// In every export, whatever its formats.
	s, err := newCSV(e.dir, exclusionTable)
	if err != nil {
		return err
	}
	e.rows[exclusionTable.Name] = len(rows)
	if err := errors.Join(s.write(rows), s.close()); err != nil {
		return err
	}
	if err := writeCodebook(e.dir, e.opts); err != nil {
		return err
	}
	return e.record()
}

// abandon closes the files that are filled person by person.
func (e *Writer) abandon() error {
	var errs []error
	for _, sinks := range e.sinks {
		for _, s := range sinks {
			errs = append(errs, s.close())
		}
	}
	e.sinks = nil
	if e.fhir != nil {
		errs = append(errs, e.fhir.close())
	}
	if e.redcap != nil {
		errs = append(errs, e.redcap.close())
	}
	e.fhir, e.redcap = nil, nil
	return errors.Join(errs...)
}

// Abandon closes the files of an export that is not to be completed.
func (e *Writer) Abandon() { _ = e.abandon() } // they are removed

func (e *Writer) record() error {
	type record struct {
		Format     int            `json:"format"` // 1
		Version    string         `json:"version"`
		AsOf       string         `json:"as_of"`
		Formats    []Format       `json:"formats"`
		Covariates []string       `json:"covariates"`
		Subjects   int            `json:"subjects"`
		Rows       map[string]int `json:"rows"`
	}
	return writeJSON(filepath.Join(e.dir, File), record{1, e.opts.Version, e.opts.AsOf.String(), e.opts.Formats, append([]string{}, e.opts.Covariates...), e.subjects, e.rows})
}

func writeJSON(name string, v any) error {
	f, err := create(name)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return errors.Join(enc.Encode(v), f.close())
}

// IsExport tells whether a folder holds an export and nothing that an export does
// not write, so that it may be replaced.
func IsExport(dir string) bool {
	record, all := false, true
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		record = record || name == File
		all = all && (d.IsDir() && slices.Contains([]string{".", string(FHIR), string(REDCap), string(DICOM)}, name) || d.Type().IsRegular() && writes(name))
		return nil
	})
	return err == nil && record && all
}

// bundleName is the name of the bundle of a person.
var bundleName = regexp.MustCompile(`^fhir/d[0-9a-f]{12}\.json$`)

// objectName is the name of an object of a person.
var objectName = regexp.MustCompile(`^dicom/d[0-9a-f]{12}-(\d{3,}|report)\.dcm$`)

// writes tells whether an export may write a file of that name.
func writes(name string) bool {
	if slices.Contains([]string{File, "codebook.csv", "codebook.md", "redcap/dictionary.csv", "redcap/import.csv", "fhir/batch.json"}, name) || bundleName.MatchString(name) || objectName.MatchString(name) {
		return true
	}
	return slices.ContainsFunc(Tables(nil), func(t Table) bool { return name == t.Name+".csv" || name == t.Name+".parquet" })
}
