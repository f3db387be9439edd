package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Names in the output folder.
const (
	runFile     = "run.json"
	timingsFile = "timings.json"
	indexFile   = "index.html"
	reportFile  = "report.html"
	stageDir    = ".dermatrend"
)

// ownEntries are what a person's folder holds; anything else in it is the
// user's, and stays.
var ownEntries = []string{result.SubjectFile, provenanceFile, reportFile, pdfOf(reportFile), "aligned", "overlays", "masks", judgingDir}

// outdir is an output folder that is being changed, whole or not at all.
//
// Everything new is first written to OUT/.dermatrend/new. When it is complete and
// on the disk, the file OUT/.dermatrend/commit is written; from then on the change
// will happen: entries are renamed into place, and if that is interrupted, the
// next opening of OUT continues. Before, nothing outside .dermatrend was touched,
// and a leftover is removed by the next opening, except finished series: see
// [outdir.finish].
type outdir struct {
	path    string
	made    string // highest folder that did not exist before; empty if all did
	lock    *os.File
	staging bool       // the staging folder is ours
	earlier earlierRun // the run that wrote what is there; zero if nothing is
}

// commitRecord is the content of the commit file.
type commitRecord struct {
	Remove []string // persons' folders that the new results no longer have, and an outdated cohort
}

// openOutdir makes the folder if it is missing, locks it, and brings an
// interrupted change to its end.
func openOutdir(path string) (o *outdir, err error) {
	o = &outdir{path: path}
	for d := path; ; d = filepath.Dir(d) {
		if _, err := os.Lstat(d); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		o.made = d
		if d == filepath.Dir(d) {
			break
		}
	}
	defer func() {
		if err != nil {
			o.close()
		}
	}()
	if err := os.MkdirAll(path, 0o700); err != nil {
		return o, fmt.Errorf("output folder: %w", err)
	}
	if o.lock, err = os.Open(path); err != nil {
		return o, fmt.Errorf("output folder: %w", err)
	}
	if err := unix.Flock(int(o.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		// Some file systems of networks have no locks.
		if errors.Is(err, unix.EWOULDBLOCK) {
			return o, fmt.Errorf("output folder %s: another dermatrend is writing to it", path)
		}
	}
	if err := o.noLinks(); err != nil {
		return o, err
	}
	o.staging = true
	if _, err := os.Lstat(o.stage("commit")); err == nil {
		if err := o.apply(); err != nil {
			return o, fmt.Errorf("cannot finish the interrupted run in %s: %w", path, err)
		}
	}
	if err := o.discard(); err != nil {
		return o, fmt.Errorf("output folder: %w", err)
	}
	if o.earlier, err = loadRun(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return o, fmt.Errorf("output folder: %w", err)
	}
	for _, d := range []string{"new", "old", "tasks"} {
		if err := os.MkdirAll(o.stage(d), 0o700); err != nil {
			return o, fmt.Errorf("output folder: %w", err)
		}
	}
	return o, nil
}

// noLinks refuses a staging folder in which links stand for folders: what is emptied
// and moved there must not lie elsewhere. Links at other places are replaced or removed
// themselves, and what they lead to stays.
func (o *outdir) noLinks() error {
	places := []string{o.stage(), o.stage("new"), o.stage("old"), o.stage("tasks"), o.stage("finished")}
	persons, err := os.ReadDir(o.stage("finished"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("output folder: %w", err)
	}
	for _, p := range persons {
		places = append(places, o.stage("finished", p.Name()))
	}
	for _, name := range places {
		info, err := os.Lstat(name)
		if err == nil && !info.IsDir() {
			return usagef("output folder: %s is no folder but a link or a file, which dermatrend does not make: remove it", name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("output folder: %w", err)
		}
	}
	return nil
}

// hasResults refuses a folder that no run has written.
func hasResults(out string) error {
	if _, err := os.Stat(filepath.Join(out, runFile)); err != nil {
		return usagef("%s holds no results of a run (no %s): give the folder that dermatrend run wrote", out, runFile)
	}
	return nil
}

// claim refuses to write over anything that an earlier run did not write.
func (o *outdir) claim(subjects []string) error {
	reserved := append(result.TableFiles(), runFile, timingsFile, indexFile)
	for _, id := range subjects {
		if !filepath.IsLocal(id) || id != filepath.Base(id) || strings.HasPrefix(id, ".") || slices.Contains(reserved, id) {
			return usagef("the subject %q cannot be the name of a folder", id)
		}
	}
	var names []string
	if o.earlier.Format == 0 {
		names = reserved
	}
	for _, id := range subjects {
		if _, ok := slices.BinarySearch(o.earlier.ids(), id); !ok {
			names = append(names, id)
		}
	}
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(o.path, name)); !errors.Is(err, fs.ErrNotExist) {
			return usagef("output folder: %s is there already and was not written by dermatrend; choose an empty folder", filepath.Join(o.path, name))
		}
	}
	return nil
}

// stage is a path in the staging folder.
func (o *outdir) stage(elem ...string) string {
	return filepath.Join(o.path, stageDir, filepath.Join(elem...))
}

// fresh is the staged folder of a person, which is made if it is missing.
func (o *outdir) fresh(subject string) (string, error) {
	dir := o.stage("new", subject)
	return dir, os.MkdirAll(dir, 0o700)
}

// commit brings the staged entries into place and removes the given persons.
func (o *outdir) commit(remove []string) error {
	// What is renamed must be on the disk first, or a power cut leaves empty files
	// under good names.
	if err := unix.Syncfs(int(o.lock.Fd())); err != nil {
		return err
	}
	record, err := json.Marshal(commitRecord{Remove: remove})
	if err != nil {
		return err
	}
	temp := o.stage("commit.new")
	if err := writeSynced(temp, record); err != nil {
		return err
	}
	if err := os.Rename(temp, o.stage("commit")); err != nil {
		return err
	}
	if err := syncDir(o.stage()); err != nil {
		return err
	}
	if err := o.apply(); err != nil {
		return fmt.Errorf("%w; the next run in this folder will finish it", err)
	}
	o.made = "" // it is to stay
	return nil
}

// apply does what the commit file says. It can be done again after it was cut
// off at any point.
func (o *outdir) apply() error {
	data, err := os.ReadFile(o.stage("commit"))
	if err != nil {
		return err
	}
	var record commitRecord
	if err := json.Unmarshal(data, &record); err != nil {
		return fmt.Errorf("%s: %w", o.stage("commit"), err)
	}
	fresh, err := os.ReadDir(o.stage("new"))
	if err != nil {
		return err
	}
	for _, e := range fresh {
		if err := o.putAside(e.Name()); err != nil {
			return err
		}
		if err := os.Rename(o.stage("new", e.Name()), filepath.Join(o.path, e.Name())); err != nil {
			return err
		}
	}
	for _, name := range record.Remove {
		if !filepath.IsLocal(name) || name != filepath.Base(name) {
			return fmt.Errorf("%s: %q is no name in the output folder", o.stage("commit"), name)
		}
		if err := o.putAside(name); err != nil {
			return err
		}
	}
	if err := o.carryForeign(); err != nil {
		return err
	}
	if err := syncDir(o.path); err != nil {
		return err
	}
	// First the file that says that there is something to do.
	if err := os.Remove(o.stage("commit")); err != nil {
		return err
	}
	return o.discard()
}

// discard removes what was staged, except finished series.
func (o *outdir) discard() error {
	entries, err := os.ReadDir(o.stage())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "finished" {
			continue
		}
		if err := os.RemoveAll(o.stage(e.Name())); err != nil {
			return err
		}
	}
	o.tidy()
	return nil
}

// tidy removes the staging folder when nothing is left in it.
func (o *outdir) tidy() {
	_ = os.Remove(o.stage("finished"))
	_ = os.Remove(o.stage())
}

// putAside moves an entry of the folder to old, unless that was done before.
func (o *outdir) putAside(name string) error {
	if _, err := os.Lstat(o.stage("old", name)); err == nil {
		return nil
	}
	err := os.Rename(filepath.Join(o.path, name), o.stage("old", name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// carryForeign brings the user's own files in replaced folders back.
func (o *outdir) carryForeign() error {
	old, err := os.ReadDir(o.stage("old"))
	if err != nil {
		return err
	}
	for _, dir := range old {
		if !dir.IsDir() {
			continue
		}
		entries, err := os.ReadDir(o.stage("old", dir.Name()))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if slices.Contains(ownEntries, e.Name()) {
				continue
			}
			home := filepath.Join(o.path, dir.Name())
			if err := os.MkdirAll(home, 0o700); err != nil {
				return err
			}
			if _, err := os.Lstat(filepath.Join(home, e.Name())); err == nil {
				continue
			}
			if err := os.Rename(o.stage("old", dir.Name(), e.Name()), filepath.Join(home, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// close removes what was staged and not committed, and the folder itself if it
// was made for nothing.
func (o *outdir) close() {
	if _, err := os.Lstat(o.stage("commit")); err != nil && o.staging {
		// What cannot be removed now is removed by the next opening.
		_ = o.discard()
	}
	if o.lock != nil {
		o.lock.Close()
	}
	if o.made != "" {
		for d := o.path; os.Remove(d) == nil && d != o.made; {
			d = filepath.Dir(d)
		}
	}
}

// checkApart refuses an output folder in which results would lie among photos.
func checkApart(st *study.Study, out string) error {
	where, err := resolve(out)
	if err != nil {
		return fmt.Errorf("output folder: %w", err)
	}
	root, err := resolve(st.Root)
	if err != nil {
		return fmt.Errorf("output folder: %w", err)
	}
	if where == root {
		return usagef("output folder: %s is the study itself; choose another folder", out)
	}
	for _, s := range st.Subjects {
		dir, err := resolve(s.Dir)
		if err != nil {
			return fmt.Errorf("output folder: %w", err)
		}
		if rel, err := filepath.Rel(dir, where); err == nil && filepath.IsLocal(rel) {
			return usagef("output folder: %s lies among the photos of %s; choose another folder", out, s.ID)
		}
	}
	return nil
}

// resolve is the absolute path without symbolic links; what does not exist yet
// keeps its name.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) && path != filepath.Dir(path) {
		parent, err := resolve(filepath.Dir(path))
		return filepath.Join(parent, filepath.Base(path)), err
	}
	return real, err
}

// link makes a folder like another one that shares its files, without the report
// and its PDF, which would be that of another report.
func link(from, to string) error {
	return filepath.WalkDir(from, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		switch {
		case rel == reportFile || rel == pdfOf(reportFile):
			return nil
		case !isOwn(rel) && e.IsDir():
			return fs.SkipDir
		case !isOwn(rel):
			return nil
		case e.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		return share(name, filepath.Join(to, rel))
	})
}

// share gives a file a second name.
func share(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	// Not every file system has links.
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}

// isOwn tells whether a path in a person's folder is one of ours.
func isOwn(rel string) bool {
	top, _, _ := strings.Cut(rel, string(filepath.Separator))
	return rel == "." || slices.Contains(ownEntries, top)
}

func writeSynced(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	err = d.Sync()
	// Some file systems of networks do not sync folders.
	if errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
