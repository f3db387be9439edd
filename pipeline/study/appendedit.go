package study

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// ErrBadEdit is wrapped by the error of [AppendEdit] where the edit itself is
// wrong, not the file.
var ErrBadEdit = errors.New("the edit cannot be recorded")

// AppendEdit adds an edit at the end of the file [EditsFile] in a person's folder,
// which is made if it is missing. What the file holds already stays as it is, byte
// for byte, comments too; the new file takes the place of the old one whole or not
// at all. Of several that append at once each waits for the others. The time is
// kept in UTC to the second.
//
// The error wraps [ErrBadEdit] where the edit is not valid, and is of type
// [Problems], with the places, where the file cannot be read or is so written that
// nothing can be appended; it is then left alone.
func AppendEdit(subjectDir string, e Edit) error {
	entry := e.yaml()
	added, problems := readEdits(EditsFile, []byte("edits:\n"+entry))
	if len(problems) > 0 {
		var why []string
		for _, p := range problems {
			why = append(why, p.Reason())
		}
		return fmt.Errorf("%w: %s", ErrBadEdit, strings.Join(why, "; "))
	}
	unlock, err := lockFolder(subjectDir)
	if err != nil {
		return fmt.Errorf("folder of the edits: %w", err)
	}
	defer unlock()
	file := filepath.Join(subjectDir, EditsFile)
	data, mode, problems := fileOfEdits(subjectDir)
	if len(problems) > 0 {
		return problems
	}
	if data == nil {
		data = []byte("edits:\n")
	}
	before, problems := readEdits(file, data)
	if len(problems) > 0 {
		return problems
	}
	text := string(data)
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	text += indented(entry, text)
	if after, problems := readEdits(file, []byte(text)); len(problems) > 0 || !reflect.DeepEqual(after, append(before, added...)) {
		p := Problem{File: file, Line: strings.Count(text, "\n") - strings.Count(entry, "\n") + 1, Column: 1,
			Message: "nothing can be appended here", Expected: "the file to end with the list under edits:, an entry from a line with - on, without [ ]"}
		for _, q := range problems { // a file that has become too large
			p.Message, p.Expected = p.Message+": "+q.Message, q.Expected
		}
		return Problems{p}
	}
	return replaceFile(file, text, mode)
}

// yaml is the edit as an entry of the list.
func (e Edit) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  - by: %s\n    at: %s\n    view: %s\n    photo: %s\n    photo_sha256: %s\n",
		quote(e.By), e.At.UTC().Format(time.RFC3339), quote(e.View), quote(e.Photo), strconv.Quote(e.PhotoSHA256))
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	outline := func(p Polygon) string {
		if p == nil {
			return ""
		}
		var points []string
		for _, q := range p {
			points = append(points, fmt.Sprintf("[%s, %s]", number(q.X), number(q.Y)))
		}
		return ", outline: [" + strings.Join(points, ", ") + "]"
	}
	if z := e.Zone; z != nil {
		fmt.Fprintf(&b, "    zone: {name: %s%s}\n", quote(z.Name), outline(z.Outline))
	}
	if x := e.Exclude; x != nil {
		fmt.Fprintf(&b, "    exclude: {name: %s%s}\n", quote(x.Name), outline(x.Outline))
	}
	if o := e.Object; o != nil {
		fmt.Fprintf(&b, "    object: {kind: %s, x: %s, y: %s, accept: %t}\n", quote(o.Kind), number(o.At.X), number(o.At.Y), o.Accept)
	}
	if a := e.Alignment; a != nil {
		seen := ""
		if a.PhotoSHA256 != "" {
			seen = ", photo_sha256: " + strconv.Quote(a.PhotoSHA256)
		}
		fmt.Fprintf(&b, "    alignment: {session: %s, accept: %t%s}\n", quote(a.Session), a.Accept, seen)
	}
	return b.String()
}

// indented moves an entry to where the last entry of a text begins; two spaces,
// where there is none.
func indented(entry, text string) string {
	by := "  "
	for line := range strings.Lines(text) {
		if rest := strings.TrimLeft(line, " "); strings.HasPrefix(rest, "- ") {
			by = line[:len(line)-len(rest)]
		}
	}
	var b strings.Builder
	for line := range strings.Lines(entry) {
		b.WriteString(by + line[2:])
	}
	return b.String()
}

// lockFolder waits until nobody else holds the folder.
func lockFolder(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(d.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	// Some file systems of networks have no locks.
	if err != nil && !errors.Is(err, unix.ENOLCK) && !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) {
		d.Close()
		return nil, err
	}
	return func() { d.Close() }, nil
}

// replaceFile writes a file whole or not at all.
func replaceFile(file, content string, mode os.FileMode) error {
	dir := filepath.Dir(file)
	if err := renameio.WriteFile(file, []byte(content), mode, renameio.WithTempDir(dir)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) { // some file systems of networks do not sync folders
		err = nil
	}
	return errors.Join(err, d.Close())
}
