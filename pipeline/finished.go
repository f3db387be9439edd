package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Finished series wait in OUT/.dermatrend/finished/<subject>/<key>/ until the run is
// put in place, and outlive one that is cut off: the next takes them. Such a folder
// holds the pictures as they will lie in the person's folder, and
const (
	seriesFile = "series.json" // the rows
	sealFile   = "seal.json"   // written last: a folder without it was not finished
)

// finishedSeal is seal.json. The hashes make it safe to write without waiting for
// the disk: after a power cut, what did not reach it is found out, and measured
// again.
type finishedSeal struct {
	seal
	Rows string `json:"rows_sha256"`
}

// task is the folder in which series i is measured. It is empty, also when the
// series is tried for the second time.
func (o *outdir) task(i int) (string, error) {
	dir := o.stage("tasks", fmt.Sprint(i))
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.Mkdir(dir, 0o700)
}

// finished is the folder of a finished series.
func (o *outdir) finished(subject, key string) string { return o.stage("finished", subject, key) }

// finish seals series i, whose pictures are in its task folder, under a key.
func (o *outdir) finish(i int, m answered, key string, from origin) error {
	dir := o.stage("tasks", fmt.Sprint(i))
	files, err := hashFiles(dir)
	if err != nil {
		return err
	}
	for rel := range files {
		if err := os.Chmod(filepath.Join(dir, filepath.FromSlash(rel)), 0o600); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, seriesFile), m.rows, 0o600); err != nil {
		return err
	}
	if err := result.WriteJSON(filepath.Join(dir, sealFile), finishedSeal{seal{key, from, files}, hash(m.rows)}); err != nil {
		return err
	}
	place := o.finished(m.Subject, key)
	if err := errors.Join(os.MkdirAll(filepath.Dir(place), 0o700), os.RemoveAll(place)); err != nil {
		return err
	}
	return os.Rename(dir, place)
}

// isFinished tells whether a series of that key is there, whole and as it was
// written.
func (o *outdir) isFinished(subject, key string) bool {
	dir := o.finished(subject, key)
	s, err := loadSeal(dir)
	return err == nil && s.Key == key && verify(dir, s.Files) == nil && verify(dir, map[string]string{seriesFile: s.Rows}) == nil
}

func loadSeal(dir string) (finishedSeal, error) {
	var s finishedSeal
	name := filepath.Join(dir, sealFile)
	data, err := os.ReadFile(name)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// loadFinished reads the rows of a finished series and its seal.
func loadFinished(dir string) (v result.Series, s seal, err error) {
	sealed, err := loadSeal(dir)
	if err != nil {
		return v, s, err
	}
	name := filepath.Join(dir, seriesFile)
	data, err := os.ReadFile(name)
	if err != nil {
		return v, s, err
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, s, fmt.Errorf("%s: %w", name, err)
	}
	return v, sealed.seal, nil
}

// take gives the files of a seal a second name in another folder. Two views that
// have the same picture are a mistake of ours, and an error.
func take(from, to string, files map[string]string) error {
	for _, rel := range slices.Sorted(maps.Keys(files)) {
		if !filepath.IsLocal(filepath.FromSlash(rel)) {
			return fmt.Errorf("%q leaves its folder", rel)
		}
		target := filepath.Join(to, filepath.FromSlash(rel))
		if _, err := os.Lstat(target); err == nil {
			return fmt.Errorf("%s was written twice", rel)
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		if err := share(filepath.Join(from, filepath.FromSlash(rel)), target); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes finished series that keep does not name.
func (o *outdir) sweep(keep func(subject, key string) bool) error {
	return eachFinished(o.path, func(subject, key string) error {
		if keep(subject, key) {
			return nil
		}
		return os.RemoveAll(o.finished(subject, key))
	})
}

// countFinished is the number of finished series that wait in an output folder.
func countFinished(out string) (n int) {
	// What cannot be read cannot be taken either.
	_ = eachFinished(out, func(string, string) error { n++; return nil })
	return n
}

// eachFinished lists the finished series of an output folder.
func eachFinished(out string, do func(subject, key string) error) error {
	dir := filepath.Join(out, stageDir, "finished")
	subjects, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, s := range subjects {
		keys, err := os.ReadDir(filepath.Join(dir, s.Name()))
		if err != nil {
			return err
		}
		for _, k := range keys {
			if err := do(s.Name(), k.Name()); err != nil {
				return err
			}
		}
		// It goes when nothing is left in it.
		_ = os.Remove(filepath.Join(dir, s.Name()))
	}
	return nil
}

// forget removes the finished series of a person and tells whether there were any.
func (o *outdir) forget(subject string) (found bool, err error) {
	dir := o.finished(subject, "")
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return true, os.RemoveAll(dir)
}
