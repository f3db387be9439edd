package consent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Release makes an export final: it hashes the finished file or folder staged,
// appends the entry to the ledger of the study's folder root, and then renames
// staged to final, which it replaces. The two must lie on one file system. In this
// order an interruption leaves at worst an entry of a file that is not there, never
// a file without an entry. It returns the ledger's new head.
func Release(ctx context.Context, root string, e Entry, staged, final string) (head string, err error) {
	if head, err = Record(ctx, root, e, staged, final); err != nil {
		return "", err
	}
	if info, err := os.Lstat(final); err == nil && info.IsDir() {
		// A folder cannot be renamed over another.
		if err := os.RemoveAll(final); err != nil {
			return "", err
		}
	}
	return head, os.Rename(staged, final)
}

// Record is the first half of [Release]: it enters the finished file or folder staged
// as final into the ledger and renames nothing.
func Record(ctx context.Context, root string, e Entry, staged, final string) (head string, err error) {
	if final, err = filepath.Abs(final); err != nil {
		return "", err
	}
	e.Kind = KindExport
	if e.Artefacts, err = artefacts(staged, final); err != nil {
		return "", err
	}
	if len(e.Artefacts) == 0 {
		return "", errors.New("export: nothing was written")
	}
	l, err := Open(root)
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Append(ctx, e)
}

// artefacts lists the files at or below staged as they will be called below final.
func artefacts(staged, final string) ([]Artefact, error) {
	var all []Artefact
	err := filepath.WalkDir(staged, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(staged, path)
		if err != nil {
			return err
		}
		all = append(all, Artefact{Path: filepath.Join(final, rel), SHA256: hashOf(data)})
		return nil
	})
	return all, err
}

// Withdrawal says what a withdrawal or erasure has done.
type Withdrawal struct {
	Artefacts []Artefact // every file ever exported under the scope; those deleted are marked
	Head      string
}

// Withdraw records that a person withdrew a scope on a day, and deletes what was
// exported under it and still lies below one of the folders: never the clinical
// record, which is no export. Files elsewhere are listed, for somebody to fetch
// back. A file in which several persons are shown goes as a whole; one that was
// exported again without this person stays.
func Withdraw(ctx context.Context, st *study.Study, subject, scope string, on study.Date, by string, folders ...string) (Withdrawal, error) {
	if !slices.Contains(Scopes, scope) {
		return Withdrawal{}, fmt.Errorf("scope %q: expected one of %s", scope, strings.Join(Scopes, ", "))
	}
	return end(ctx, st, Entry{Kind: KindWithdraw, Subjects: []string{subject}, Scope: scope, AsOf: on.String(), By: by}, folders)
}

// Erase records that a person is erased and deletes all that was ever exported
// about them and still lies below one of the folders.
func Erase(ctx context.Context, st *study.Study, subject string, on study.Date, by string, folders ...string) (Withdrawal, error) {
	return end(ctx, st, Entry{Kind: KindErase, Subjects: []string{subject}, AsOf: on.String(), By: by}, folders)
}

// ErrUnknownSubject is wrapped by errors about a person whom neither the study nor
// its ledger knows.
var ErrUnknownSubject = errors.New("neither the study nor its ledger knows the subject")

// end writes the entry first: should a deletion fail, nothing new can be exported
// any more, and the call can be repeated.
func end(ctx context.Context, st *study.Study, e Entry, folders []string) (Withdrawal, error) {
	r, err := NewRegister(ctx, st)
	if err != nil {
		return Withdrawal{}, err
	}
	subject := e.Subjects[0]
	if _, ok := r.subjects[subject]; !ok && len(r.Exported(subject, "")) == 0 {
		return Withdrawal{}, fmt.Errorf("%w %q", ErrUnknownSubject, subject)
	}
	l, err := Open(st.Root)
	if err != nil {
		return Withdrawal{}, err
	}
	defer l.Close()
	w := Withdrawal{Artefacts: r.Exported(subject, e.Scope)}
	e.Artefacts = w.Artefacts
	for i := range w.Artefacts {
		path := w.Artefacts[i].Path
		w.Artefacts[i].Deleted = inside(path, folders) != "" && r.stillShown(path, subject, e.Scope)
	}
	if w.Head, err = l.Append(ctx, e); err != nil {
		return Withdrawal{}, err
	}
	var errs []error
	for i, a := range w.Artefacts {
		if a.Deleted {
			if err := remove(a.Path, folders); err != nil {
				w.Artefacts[i].Deleted = false
				errs = append(errs, err)
			}
		}
	}
	return w, errors.Join(errs...)
}

// inside is the path relative to the first folder that it lies below and where it
// is a regular file; empty for none.
func inside(path string, folders []string) string {
	for _, f := range folders {
		if rel, ok := below(path, f); ok {
			if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
				return rel
			}
		}
	}
	return ""
}

func below(path, folder string) (rel string, ok bool) {
	folder, err := filepath.Abs(folder)
	if err != nil || folder == "" {
		return "", false
	}
	rel, err = filepath.Rel(folder, path)
	return rel, err == nil && filepath.IsLocal(rel)
}

// remove deletes a file below a folder, through no link that leads out of it, and
// the folders that it leaves empty.
func remove(path string, folders []string) error {
	for _, f := range folders {
		rel, ok := below(path, f)
		if !ok {
			continue
		}
		root, err := os.OpenRoot(f)
		if err != nil {
			return err
		}
		defer root.Close()
		if err := root.Remove(rel); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for dir := filepath.Dir(rel); dir != "."; dir = filepath.Dir(dir) {
			if root.Remove(dir) != nil { // not empty
				break
			}
		}
		return nil
	}
	return nil
}
