package study

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/internal/filetype"
)

// folder is a subject's folder as found.
type folder struct {
	dir         string
	manifest    string   // name of series.yaml, or of what looks like it; empty where there is none
	edits       string   // name of the edits file, or of what looks like it; empty where there is none
	photos      []string // readable formats, relative, with /
	unsupported []string // photos of other formats
}

// ignoredFolders hold previews and leftovers of other programs.
var ignoredFolders = []string{"thumbs", "thumbnails", "@eadir", "__macosx", "lost+found"}

func ignored(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains(ignoredFolders, strings.ToLower(name))
}

// scan lists the photos of a folder and of its sub-folders that are named by
// date.
func scan(dir string) (folder, error) {
	f := folder{dir: dir}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return f, err
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case ignored(name):
		case isDir(dir, e):
			if dateInName(name).IsZero() {
				continue
			}
			sub, err := os.ReadDir(filepath.Join(dir, name))
			if err != nil {
				return f, err
			}
			for _, s := range sub {
				if !ignored(s.Name()) && !s.IsDir() {
					f.add(path.Join(name, s.Name()))
				}
			}
		case looksLike(name, seriesFile):
			if f.manifest != seriesFile {
				f.manifest = name
			}
		case looksLike(name, EditsFile):
			if f.edits != EditsFile {
				f.edits = name
			}
		default:
			f.add(name)
		}
	}
	return f, nil
}

func (f *folder) add(file string) {
	ext := strings.ToLower(path.Ext(file))
	switch {
	case slices.Contains(filetype.Extensions, ext):
		f.photos = append(f.photos, file)
	case slices.Contains(never, ext):
		f.unsupported = append(f.unsupported, file)
	case ext == "" && filetype.Of(head(filepath.Join(f.dir, filepath.FromSlash(file)))) == filetype.DICOM:
		f.photos = append(f.photos, file) // as archives of pictures write them
	}
}

func (f folder) empty() bool {
	return f.manifest == "" && len(f.photos) == 0 && len(f.unsupported) == 0
}

// id is the name of the folder.
func (f folder) id() string {
	abs, err := filepath.Abs(f.dir)
	if err != nil {
		return filepath.Base(f.dir)
	}
	return filepath.Base(abs)
}

// isDir follows links: a subject's folder may be one to another inside the study.
func isDir(dir string, e os.DirEntry) bool {
	if e.Type()&os.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(filepath.Join(dir, e.Name()))
	return err == nil && info.IsDir()
}

// looksLike also finds the name in other case and with the extension .yml, which
// would otherwise be passed over in silence.
func looksLike(name, manifest string) bool {
	lower := strings.ToLower(name)
	return lower == manifest || lower == strings.TrimSuffix(manifest, "yaml")+"yml"
}

// discover finds the subjects' folders of a study. Problems are the study's own.
func discover(root, logo string) (folders []folder, notes []Note, problems Problems) {
	fail := func(message, expected, hint string) {
		problems = append(problems, Problem{File: root, Message: message, Expected: expected, Hint: hint})
	}
	info, err := os.Stat(root)
	if err != nil {
		fail("the folder cannot be read: "+cause(err), "a folder of subjects or photos", "")
		return nil, nil, problems
	}
	if !info.IsDir() {
		fail("this is a file", "a folder of subjects or photos", "")
		return nil, nil, problems
	}
	top, err := scan(root)
	if err != nil {
		fail("the folder cannot be read: "+cause(err), "a readable folder", "")
		return nil, nil, problems
	}
	top.photos = slices.DeleteFunc(top.photos, func(p string) bool { return logo != "" && p == path.Clean(logo) })
	entries, err := os.ReadDir(root)
	if err != nil {
		fail("the folder cannot be read: "+cause(err), "a readable folder", "")
		return nil, nil, problems
	}
	allDated := true
	for _, e := range entries {
		if ignored(e.Name()) || !isDir(root, e) {
			continue
		}
		if leaves(root, filepath.Join(root, e.Name())) {
			problems = append(problems, Problem{File: filepath.Join(root, e.Name()), Subject: e.Name(),
				Message: "the folder is a link that leaves the study", Expected: "a folder inside it", Hint: "give the folder that it leads to as the study, or copy it"})
			continue
		}
		f, err := scan(filepath.Join(root, e.Name()))
		if err != nil {
			problems = append(problems, Problem{File: f.dir, Subject: e.Name(), Message: "the folder cannot be read: " + cause(err), Expected: "a readable folder"})
			continue
		}
		if f.empty() {
			if _, err := os.Stat(filepath.Join(f.dir, "run.json")); err == nil {
				continue // an output folder of ours
			}
			notes = append(notes, Note{Text: fmt.Sprintf("folder %s holds no photos and no %s; left out", e.Name(), seriesFile)})
			continue
		}
		if f.manifest != "" || dateInName(e.Name()).IsZero() {
			allDated = false
		}
		folders = append(folders, f)
	}
	switch {
	case top.manifest != "":
		for _, f := range folders {
			if f.manifest != "" {
				fail(fmt.Sprintf("both this folder and %s in it have a %s", filepath.Base(f.dir), seriesFile),
					"a folder of subjects, or one subject's folder", "")
				return nil, nil, problems
			}
		}
		return []folder{top}, nil, problems
	case len(folders) == 0 && !top.empty(), len(folders) > 0 && allDated:
		return []folder{top}, nil, problems
	case len(folders) == 0 && !problemsOfSubjects(problems):
		fail("no subjects are found", "sub-folders with photos, or photos", "")
	case len(folders) > 0 && len(top.photos)+len(top.unsupported) > 0:
		loose := len(slices.DeleteFunc(slices.Concat(top.photos, top.unsupported), func(p string) bool { return strings.Contains(p, "/") }))
		if loose > 0 {
			notes = append(notes, Note{Text: fmt.Sprintf("%d photos beside the subjects' folders are left out", loose)})
		}
	}
	return folders, notes, problems
}

func problemsOfSubjects(ps Problems) bool { return len(ps) > 0 && !ps.Fatal() }
