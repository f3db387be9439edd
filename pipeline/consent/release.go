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

// NotCoveredError says whom an export must not show.
type NotCoveredError struct{ Subject, Why string }

func (e NotCoveredError) Error() string { return e.Subject + ": " + e.Why }

// Release makes an export final, if the consent of everybody whom the entry names
// covers all its scopes on its day: it hashes the finished file or folder staged,
// appends the entry to the ledger of the study, and then lets place bring it to where
// it belongs; nil renames staged to final, which it replaces. The two must then lie on
// one file system. Its error may be a [NotCoveredError].
//
// Consent is looked at in the very transaction that appends, and once more while the
// export is put in place and nobody can withdraw, so that a withdrawal either finds
// the file or prevents it. An interruption leaves at worst an entry of a file that is
// not there, never a file without an entry.
func Release(ctx context.Context, st *study.Study, e Entry, staged, final string, place func() error) (r Receipt, err error) {
	if final, err = filepath.Abs(final); err != nil {
		return r, err
	}
	if place == nil {
		place = func() error { return replace(staged, final) }
	}
	e.Kind = KindExport
	if e.Artefacts, err = artefacts(staged, final); err != nil {
		return r, err
	}
	if len(e.Artefacts) == 0 {
		return r, errors.New("export: nothing was written")
	}
	l, err := Open(st.Root)
	if err != nil {
		return r, err
	}
	defer l.Close()
	if err := l.alone(ctx, func(t turn) error {
		if err := t.permits(ctx, st, e); err != nil {
			return err
		}
		r, err = t.append(ctx, e)
		return err
	}); err != nil {
		return r, err
	}
	return r, l.alone(ctx, func(t turn) error {
		if err := t.permits(ctx, st, e); err != nil {
			return err
		}
		return place()
	})
}

// permits asks for the consent of everybody in an entry.
func (t turn) permits(ctx context.Context, st *study.Study, e Entry) error {
	entries, err := verify(ctx, t.tx, "")
	if err != nil {
		return err
	}
	on, err := study.ParseDate(e.AsOf)
	if err != nil {
		return fmt.Errorf("day of consent: %w", err)
	}
	r := newRegister(st, entries)
	for _, subject := range e.Subjects {
		for _, scope := range append([]string{e.Scope}, e.Also...) {
			if ok, why := r.Permits(subject, scope, on); !ok {
				return NotCoveredError{subject, why}
			}
		}
	}
	return nil
}

// replace renames a file or folder over another.
func replace(staged, final string) error {
	if info, err := os.Lstat(final); err == nil && info.IsDir() {
		if err := os.RemoveAll(final); err != nil {
			return err
		}
	}
	return os.Rename(staged, final)
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
	Receipt
	// Since is the day from which on nothing may be exported: not the day that was
	// asked for where the person had withdrawn before.
	Since study.Date
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

// end writes the entry first: should a deletion fail or be interrupted, nothing new
// can be exported any more, and the call can be repeated. What was deleted is a
// second entry, which is written when it is true.
func end(ctx context.Context, st *study.Study, e Entry, folders []string) (w Withdrawal, err error) {
	if w.Since, err = study.ParseDate(e.AsOf); err != nil {
		return w, err
	}
	subject := e.Subjects[0]
	// Before anything is made in a folder that may not be the study's.
	if r, err := NewRegister(ctx, st); err != nil {
		return w, err
	} else if _, ok := r.subjects[subject]; !ok && len(r.Exported(subject, "")) == 0 {
		return w, fmt.Errorf("%w %q", ErrUnknownSubject, subject)
	}
	l, err := Open(st.Root)
	if err != nil {
		return w, err
	}
	defer l.Close()
	register := func(t turn) (*Register, error) {
		entries, err := verify(ctx, t.tx, "")
		return newRegister(st, entries), err
	}
	if err := l.alone(ctx, func(t turn) error {
		r, err := register(t)
		if err != nil {
			return err
		}
		if first := r.ended(subject, e.Scope, w.Since); e.Kind == KindWithdraw && !first.IsZero() {
			w.Since, e.AsOf = first, first.String()
		}
		w.Artefacts = r.Exported(subject, e.Scope)
		e.Artefacts = w.Artefacts
		w.Receipt, err = t.append(ctx, e)
		return err
	}); err != nil {
		return Withdrawal{}, err
	}
	e.Artefacts = nil
	var errs []error
	err = l.alone(ctx, func(t turn) error { // nothing is put in place meanwhile
		r, err := register(t)
		if err != nil {
			return err
		}
		for i, a := range w.Artefacts {
			if inside(a.Path, folders) == "" || !r.stillShown(a.Path, subject, e.Scope) {
				continue
			}
			if err := remove(a.Path, folders); err != nil {
				errs = append(errs, err)
				continue
			}
			w.Artefacts[i].Deleted = true
			e.Artefacts = append(e.Artefacts, w.Artefacts[i])
		}
		if len(e.Artefacts) == 0 {
			return nil
		}
		e.Kind = KindDeleted
		w.Receipt, err = t.append(ctx, e)
		return err
	})
	return w, errors.Join(append(errs, err)...)
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
