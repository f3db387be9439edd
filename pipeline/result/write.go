package result

import (
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// SubjectFile is the file in a person's folder that [SaveSubject] writes.
const SubjectFile = "result.json"

// Tables writes the CSV tables of a run, one person after the other, so that
// only one has to be in memory. The same persons in the same order give the same
// bytes. Lines end in \n; a text with a comma, a quote or a line break is quoted.
type Tables struct {
	order Order
	files []tableFile
}

type tableFile struct {
	table
	file *os.File
	buf  *bufio.Writer
	hash hash.Hash // of what was written to the file
	csv  *csv.Writer
}

// CreateTables makes the files in dir, where they must not exist yet.
func CreateTables(dir string, o Order) (*Tables, error) {
	t := &Tables{order: o}
	for _, spec := range tables {
		f, err := create(filepath.Join(dir, spec.file))
		if err != nil {
			return nil, errors.Join(err, t.Close())
		}
		h := sha256.New()
		buf := bufio.NewWriter(io.MultiWriter(f, h))
		w := csv.NewWriter(buf)
		t.files = append(t.files, tableFile{spec, f, buf, h, w})
		// An error stays in the writer and is returned by Close.
		_ = w.Write(strings.Split(spec.head, ","))
	}
	return t, nil
}

// Add writes the rows of one person.
func (t *Tables) Add(s Subject) error {
	for _, f := range t.files {
		if err := f.csv.WriteAll(f.rows(s, t.order)); err != nil {
			return fmt.Errorf("%s: %w", f.table.file, err)
		}
	}
	return nil
}

// Close writes what is left and closes the files. A table is complete only if
// Close returned nil.
func (t *Tables) Close() error {
	var errs []error
	for _, f := range t.files {
		f.csv.Flush()
		errs = append(errs, f.csv.Error(), f.buf.Flush(), f.file.Close())
	}
	return errors.Join(errs...)
}

// SHA256 gives the hash of each file, hex, by its name. The tables must be closed.
func (t *Tables) SHA256() map[string]string {
	sums := map[string]string{}
	for _, f := range t.files {
		sums[f.table.file] = hex.EncodeToString(f.hash.Sum(nil))
	}
	return sums
}

// SaveSubject writes a person's results to dir/result.json, which must not exist
// yet.
func SaveSubject(dir string, s Subject) error {
	return WriteJSON(filepath.Join(dir, SubjectFile), s)
}

// LoadSubject reads what [SaveSubject] wrote.
func LoadSubject(dir string) (Subject, error) {
	var s Subject
	name := filepath.Join(dir, SubjectFile)
	data, err := os.ReadFile(name)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return Subject{}, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// WriteJSON writes v to a new file. The same value gives the same bytes.
func WriteJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	f, err := create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	return errors.Join(err, f.Close())
}

// create makes a new file that only its owner can read: results are about
// patients.
func create(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}
