package study

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// InitFile is a manifest that [Init] made.
type InitFile struct {
	Path    string
	Content string // empty where the file was there before
	Exists  bool   // was there before, and was left alone
	// Notes say how the subject is known where that is not the folder's name, and which
	// dates contradict one another.
	Notes []string
}

// Init writes the guess that [Load] makes of folders without a manifest down as
// series.yaml, one for each subject, to be checked and filled in. A manifest that
// exists is never touched. With dry nothing is written. Photos without a date
// come as sessions whose date is left empty, which Load then asks for; other
// photos keep the sessions that Load guesses. Where capture sheets are read
// ([Options.SheetCode]) the subject is who they say, whatever the folder's name.
//
// The error is of type [Problems] where folders cannot be read or named; the
// files of the others are written all the same. A file that cannot be written
// ends the run.
func Init(root string, dry bool, o Options) ([]InitFile, error) {
	s := Study{Root: root}
	_, problems := s.readDefaults(o)
	folders, _, more := discover(root, s.Clinic.Logo)
	problems = append(problems, more...)
	if problems.Fatal() {
		return nil, problems
	}
	var files []InitFile
	bySheet := map[string]string{} // folders by the id on their sheets
	for _, f := range folders {
		file := InitFile{Path: filepath.Join(f.dir, seriesFile)}
		if f.manifest != "" {
			file.Path, file.Exists = filepath.Join(f.dir, f.manifest), true
			files = append(files, file)
			continue
		}
		photos := look(f, o.Today)
		id, mixed := subjectID(f, photos)
		if mixed != nil {
			mixed.Subject = id
			problems = append(problems, *mixed)
			continue
		}
		if o.SheetCode != nil {
			for k := range photos {
				if photos[k].fault == nil {
					photos[k].code = o.SheetCode(filepath.Join(f.dir, filepath.FromSlash(photos[k].file)))
				}
			}
		}
		code, shown, mixed := sheetID(f, photos)
		if mixed != nil {
			mixed.Subject = id
			problems = append(problems, *mixed)
			continue
		}
		if code != "" {
			key := norm.NFC.String(code)
			if other, twice := bySheet[key]; twice {
				problems = append(problems, Problem{File: f.dir, Subject: code, Expected: "one folder for each person",
					Message: fmt.Sprintf("its photos show the capture sheet of %q, as do those of %s", code, other),
					Hint:    "put them together, or move the photos to the right person"})
				continue
			}
			bySheet[key] = f.dir
			if !sameName(code, id) {
				file.Notes = append(file.Notes, fmt.Sprintf("the subject is %s by the capture sheet in %s; the folder is named %s", code, shown, id))
			}
			id = code
		}
		if why := unsafeName(id); why != "" {
			problems = append(problems, Problem{File: f.dir, Subject: id,
				Message: fmt.Sprintf("folder name %q %s", id, why), Expected: "a folder name as P001", Hint: "rename the folder"})
			continue
		}
		for _, p := range photos {
			if p.note != "" {
				file.Notes = append(file.Notes, p.note)
			}
		}
		file.Content = manifestText(f, id, photos, file.Notes)
		if !dry {
			err := WriteNew(file.Path, []byte(file.Content))
			if errors.Is(err, fs.ErrExist) { // someone else was faster
				file.Content, file.Exists = "", true
			} else if err != nil {
				return files, err
			}
		}
		files = append(files, file)
	}
	return files, problems.err()
}

// WriteNew writes a whole file or none, readable by its owner only, and never over
// another: the error is then an [fs.ErrExist].
func WriteNew(file string, content []byte) error {
	if _, err := os.Lstat(file); err == nil {
		return &fs.PathError{Op: "create", Path: file, Err: fs.ErrExist}
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".series-*.tmp") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(content)
	if err == nil {
		err = tmp.Sync()
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	// A link fails where the name is taken; file systems without links are left
	// with the check above.
	if err := os.Link(tmp.Name(), file); err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Rename(tmp.Name(), file)
}

// manifestText is the series.yaml of a folder.
func manifestText(f folder, id string, photos []found, notes []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Written by "dermatrend init" from the photos. Check dates and views, fill in
# what you know, then run "dermatrend check". Lines behind # are optional.
subject: %s
# born: 1988
# consent:              # without scope clinical the record is marked internal
#   - scope: [clinical] # also research, deidentified_report, identifiable_report, marketing, teaching
#     signed: 2026-01-05
# treatment: {modality: microneedling, zones: [cheek_left, cheek_right]}
# history: [isotretinoin 2025-06]
`, quote(id))
	for _, n := range notes {
		fmt.Fprintf(&b, "# Check: %s.\n", strconv.Quote(n))
	}
	for _, file := range f.unsupported {
		fmt.Fprintf(&b, "# Left out: %s (%s).\n", strconv.Quote(file), formatFault(f.dir, file).message)
	}
	if len(photos) == 0 {
		b.WriteString("sessions: [] # no photo that can be read is in this folder\n")
		return b.String()
	}
	b.WriteString("sessions:\n")
	sessions := sessionsOf(photos)
	for _, p := range photos {
		if p.date.IsZero() {
			sessions = append(sessions, Session{ID: fmt.Sprintf("s%d", len(sessions)), Photos: []Photo{{View: p.view, File: p.file}}})
		}
	}
	for i, v := range sessions {
		fmt.Fprintf(&b, "  - id: %s\n", v.ID)
		if i == 0 {
			b.WriteString("    # role: baseline # the first session is; mark any further untreated ones\n")
		}
		if v.Date.IsZero() {
			b.WriteString("    date: # not found in photo or name: fill in, as 2026-01-31\n")
		} else {
			k := slices.IndexFunc(photos, func(p found) bool { return p.file == v.Photos[0].File })
			fmt.Fprintf(&b, "    date: %s # %s\n", v.Date, photos[k].source)
		}
		b.WriteString("    photos:\n")
		for _, p := range v.Photos {
			fmt.Fprintf(&b, "      - {view: %s, file: %s}\n", quote(p.View), quote(p.File))
		}
		if !v.Date.IsZero() {
			fmt.Fprintf(&b, "    # treated: {date: %s, device: pen, depth_mm: {cheek_left: 1.5, cheek_right: 1.5}, passes: 4}\n", v.Date)
		}
	}
	return b.String()
}

var plainYAML = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9_-]+)*(\.[A-Za-z]+)?$`)

// quote makes a text a YAML scalar. Go's escapes are valid in YAML's double
// quotes.
func quote(s string) string {
	if plainYAML.MatchString(s) && !strings.EqualFold(s, "null") {
		return s
	}
	return strconv.Quote(s)
}
