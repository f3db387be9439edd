package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A link in an output folder, wherever somebody has put it, leads no run to what lies
// elsewhere: nothing there is written, removed or moved.
func TestLinksLeadNowhere(t *testing.T) {
	whole := t.TempDir()
	mustRun(t, people(t, "P1", "P2"), whole, options(2))
	for _, places := range [][]string{
		{".dermatrend"}, {".dermatrend/new"}, {".dermatrend/old"}, {".dermatrend/tasks"}, {".dermatrend/finished"}, {".dermatrend/finished/P2"}, {".dermatrend/new", ".dermatrend/commit"},
		{"P1", "P2/aligned", "P2/report.html", "P2/mine", "measurements.csv", "index.html", "timings.json"},
		{"P2"}, {"P2/result.json", "P2/provenance.json"}, {"run.json"},
	} {
		t.Run(strings.ReplaceAll(strings.Join(places, " "), "/", "-"), func(t *testing.T) {
			out, elsewhere := t.TempDir(), t.TempDir()
			check(t, os.CopyFS(out, os.DirFS(whole)))
			for i, place := range places {
				link, target := filepath.Join(out, place), filepath.Join(elsewhere, fmt.Sprint(i))
				// What was there is now elsewhere; where nothing was, somebody's own files are.
				check(t, os.MkdirAll(filepath.Dir(link), 0o700))
				err := os.Rename(link, target)
				switch {
				case errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(place, "commit"):
					check(t, os.WriteFile(target, []byte("{}"), 0o600))
				case errors.Is(err, fs.ErrNotExist):
					check(t, os.MkdirAll(filepath.Join(target, "P2", "new"), 0o700))
					check(t, os.WriteFile(filepath.Join(target, "P2", "letter"), []byte("mine"), 0o600))
				default:
					check(t, err)
				}
				check(t, os.Symlink(target, link))
			}
			before := everything(t, elsewhere)
			// P1 leaves the study, P2 is measured again; then reports are made again.
			_, err := Run(t.Context(), people(t, "P2 ok 7"), out, options(1))
			if err != nil && !strings.Contains(err.Error(), filepath.Base(places[0])) {
				t.Errorf("it is not said what is wrong: %v", err)
			}
			if _, again := Report(t.Context(), out); err == nil && again != nil {
				t.Error(again)
			}
			same(t, everything(t, elsewhere), before)
		})
	}
}

// everything is a tree with the modes of its files.
func everything(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	check(t, filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		content := ""
		if e.Type().IsRegular() {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			content = string(data)
		}
		files[name] = info.Mode().String() + " " + content
		return nil
	}))
	return files
}

// An output folder that is a link itself is the folder that it leads to.
func TestOutputFolderMayBeALink(t *testing.T) {
	parent, st := t.TempDir(), people(t, "P1")
	out, link := filepath.Join(parent, "out"), filepath.Join(parent, "link")
	check(t, os.Mkdir(out, 0o700))
	check(t, os.Symlink("out", link))
	mustRun(t, st, link, options(1))
	want := t.TempDir()
	mustRun(t, st, want, options(1))
	same(t, tree(t, out), tree(t, want))
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v %v", info, err)
	}
}

// spoiled runs a simulated study in a process whose run has to fail, and gives what it
// says.
func spoiled(t *testing.T, s simulation, as *syscall.Credential) string {
	t.Helper()
	cmd := s.command()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	said, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	return string(said)
}

// A disk that takes no more, wherever that happens, leaves what was there, and the next
// run gives the results of an undisturbed one.
func TestFullDisk(t *testing.T) {
	s := simulation{Persons: 2, Took: time.Millisecond, Rows: 40, Objects: 20, Jobs: 1, Version: "a", Root: t.TempDir(), Out: t.TempDir()}
	s.write(t)
	clean := s
	clean.Version, clean.Out = "b", t.TempDir()
	for _, x := range []simulation{s, clean} {
		if said := spoiled(t, x, nil); said != "" {
			t.Fatal(said)
		}
	}
	before := results(t, s.Out)
	s.Version = "b"
	failed := 0
	for s.Largest = 2 << 10; ; s.Largest *= 4 {
		said := spoiled(t, s, nil)
		if said == "" {
			break
		}
		failed++
		if !strings.Contains(said, syscall.EFBIG.Error()) || !strings.Contains(said, "is unchanged") {
			t.Errorf("files of at most %d bytes: %s", s.Largest, said)
		}
		same(t, results(t, s.Out), before)
	}
	if failed < 4 { // series, results, reports and tables are of different sizes
		t.Errorf("the disk was full %d times", failed)
	}
	same(t, results(t, s.Out), results(t, clean.Out))
}

// nobody is a user without rights; nil for the one who runs the test, if that is not
// root, whom no mode keeps from writing.
func nobody() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	return &syscall.Credential{Uid: 65534, Gid: 65534}
}

// A folder that cannot be written to is named, and left as it is.
func TestReadOnlyFolder(t *testing.T) {
	parent := t.TempDir()
	s := simulation{Persons: 1, Took: time.Millisecond, Rows: 4, Jobs: 1, Version: "a", Root: filepath.Join(parent, "study"), Out: filepath.Join(parent, "out")}
	s.write(t)
	give := func(to *syscall.Credential) {
		if to != nil {
			check(t, filepath.WalkDir(parent, func(name string, _ fs.DirEntry, err error) error {
				return errors.Join(err, os.Lchown(name, int(to.Uid), int(to.Gid)))
			}))
			check(t, os.Chmod(filepath.Dir(parent), 0o755))
		}
	}
	give(nobody())
	if said := spoiled(t, s, nobody()); said != "" {
		t.Fatal(said)
	}
	before := everything(t, s.Out)
	s.Version = "b"
	check(t, os.Chmod(s.Out, 0o500))
	said := spoiled(t, s, nobody())
	check(t, os.Chmod(s.Out, 0o700))
	if !strings.Contains(said, s.Out) || !strings.Contains(said, syscall.EACCES.Error()) {
		t.Errorf("got %q", said)
	}
	same(t, everything(t, s.Out), before)
	if said := spoiled(t, s, nobody()); said != "" {
		t.Error(said)
	}
}
