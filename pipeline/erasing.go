package pipeline

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/export"
	"github.com/dermatrend/dermatrend/pipeline/reading"
)

// Trace is a file or folder in which an erased person was found.
type Trace struct {
	Path    string
	What    string // what it is, in words
	Deleted bool   // it, or its line about the person, is gone
}

const (
	traceBytes = 64 << 20 // larger files are not read
	keySuffix  = "-key.csv"
)

// Forget looks for a person in folders, after their results and what the ledger knows
// were deleted, and deletes what dermatrend wrote beside exports: the person's line in
// the key of an export or hand-out and what shows them under that code without being in
// the ledger, keys of blinded packs with their packs, and readings. Other files that
// name the person it lists: they are somebody's. It follows no links and looks at
// text only; but names of files and folders count. The folders in spare are passed
// over.
//
// What has left these folders (copies, backups, what was sent) it cannot reach.
func Forget(ctx context.Context, id string, folders []string, spare ...string) ([]Trace, error) {
	var all []Trace
	for _, folder := range folders {
		root, err := os.OpenRoot(folder)
		if err != nil {
			return all, err
		}
		f := forgetter{id: id, folder: folder, root: root}
		for _, s := range spare {
			if rel, err := filepath.Rel(folder, s); err == nil {
				f.spare = append(f.spare, filepath.ToSlash(rel))
			}
		}
		err = f.sweep(ctx)
		all = append(all, f.found...)
		if err := errors.Join(err, root.Close()); err != nil {
			return all, err
		}
	}
	return all, nil
}

// forgetter looks for a person in one folder.
type forgetter struct {
	id, folder string
	root       *os.Root
	spare      []string
	found      []Trace
}

func (f *forgetter) tell(path, what string, deleted bool) {
	f.found = append(f.found, Trace{filepath.Join(f.folder, filepath.FromSlash(path)), what, deleted})
}

// sweep looks at keys first, because what shows the person under a code does not name
// them.
func (f *forgetter) sweep(ctx context.Context) error {
	var keys, others []string
	err := fs.WalkDir(f.root.FS(), ".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case path != "." && (slices.Contains(f.spare, path) || e.Name() == consent.LedgerFile):
			if e.IsDir() {
				return fs.SkipDir
			}
		case e.IsDir():
			if e.Name() == f.id {
				f.tell(path, "a folder of that name", false)
				return fs.SkipDir
			}
		case !e.Type().IsRegular():
		case strings.HasSuffix(path, keySuffix):
			keys = append(keys, path)
		default:
			others = append(others, path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, path := range keys {
		if err := f.key(path); err != nil {
			return err
		}
	}
	for _, path := range others {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := f.file(path); err != nil {
			return err
		}
	}
	return nil
}

// key takes the person out of a key of codes, or deletes that of a pack, which is of
// no use without each of its lines.
func (f *forgetter) key(path string) error {
	name := filepath.Join(f.folder, filepath.FromSlash(path))
	of := strings.TrimSuffix(path, keySuffix)
	if key, err := export.LoadKey(name); err == nil {
		code, ok := key.Forget(f.id)
		if !ok {
			return nil
		}
		if err := f.coded(of, code); err != nil {
			return err
		}
		f.tell(path, "the line of the code "+code, true)
		return key.Save(name)
	}
	data, err := f.read(path)
	if err != nil || data == nil {
		return err
	}
	if !reading.NamesPersons(data) {
		return f.file(path)
	}
	if !f.names(data) {
		return nil
	}
	for _, p := range []string{of, of + "-key-metrics.csv", path} {
		if _, err := f.root.Lstat(p); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := f.root.RemoveAll(p); err != nil {
			return err
		}
		f.tell(p, "a blinded pack that shows them", true)
	}
	return nil
}

// coded deletes what the ledger does not know of an export: the person's folder in a
// hand-out, or each table that holds their code.
func (f *forgetter) coded(dir, code string) error {
	if _, err := f.root.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	const what = "shows them under a code, and is not in the ledger"
	var packed []string
	shown := false
	err := fs.WalkDir(f.root.FS(), dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && e.Name() == code:
			if err := f.root.RemoveAll(path); err != nil {
				return err
			}
			f.tell(path, what, true)
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		case filepath.Ext(path) == ".parquet":
			packed = append(packed, path)
			return nil
		}
		data, err := f.read(path)
		if err != nil || !bytes.Contains(data, []byte(code)) {
			return err
		}
		shown = true
		f.tell(path, what, true)
		return f.root.Remove(path)
	})
	if err != nil {
		return err
	}
	// These cannot be looked into, but are of the same persons as the text.
	for _, path := range packed {
		if !shown {
			f.tell(path, "may show them under the code "+code, false)
			continue
		}
		if err := f.root.Remove(path); err != nil {
			return err
		}
		f.tell(path, what, true)
	}
	return nil
}

// file deletes readings that name the person, and lists any other text that does.
func (f *forgetter) file(path string) error {
	switch filepath.Ext(path) {
	case ".csv", ".tsv", ".txt", ".json", ".html", ".xml", ".md", ".yaml", ".yml":
	default:
		return nil
	}
	data, err := f.read(path)
	if err != nil || !f.names(data) {
		return err
	}
	if reading.NamesPersons(data) {
		f.tell(path, "readings of pairs that show them", true)
		return f.root.Remove(path)
	}
	f.tell(path, "names them", false)
	return nil
}

// read is a file that may have gone meanwhile; nil where it is too large.
func (f *forgetter) read(path string) ([]byte, error) {
	file, err := f.root.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, traceBytes+1))
	if len(data) > traceBytes {
		return nil, err
	}
	return data, err
}

// names tells whether a text holds the name by itself. One of digits only would be
// found in every table: it has to be a cell called subject.
func (f *forgetter) names(text []byte) bool {
	if strings.IndexFunc(f.id, unicode.IsLetter) < 0 {
		rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil || len(rows) == 0 {
			return false
		}
		col := slices.Index(rows[0], "subject")
		return col >= 0 && slices.ContainsFunc(rows[1:], func(r []string) bool { return r[col] == f.id })
	}
	part := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-' }
	for rest := text; ; {
		i := bytes.Index(rest, []byte(f.id))
		if i < 0 {
			return false
		}
		before, _ := utf8.DecodeLastRune(rest[:i])
		after, _ := utf8.DecodeRune(rest[i+len(f.id):])
		if !part(before) && !part(after) {
			return true
		}
		rest = rest[i+len(f.id):]
	}
}
