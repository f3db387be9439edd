package study

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/internal/filetype"
)

// never are extensions of photos that are not read.
var never = []string{".avif", ".bmp", ".gif", ".jp2", ".jxl", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".pef"}

// fault is what is wrong with a file.
type fault struct {
	message, expected, hint string
	// outside: the file lies outside of the folder, which is no matter of one
	// photo but of what the manifest may read.
	outside bool
}

// formatFault judges a photo by its extension or, where that is none of those that
// are read, by its first bytes; nil where it may be read. What a file of a known
// extension holds is told when it is opened.
func formatFault(dir, file string) *fault {
	ext := strings.ToLower(filepath.Ext(file))
	if slices.Contains(filetype.Extensions, ext) {
		return nil
	}
	format := filetype.Of(head(filepath.Join(dir, filepath.FromSlash(file))))
	f := &fault{message: "format " + ext + " is not supported", expected: filetype.Read, hint: "convert it"}
	switch {
	case filetype.IsRead(format):
		return nil
	case format != "":
		f.message = "a " + format + " file is not supported"
	case ext == "":
		f.message, f.hint = "this is no photo of a known format", ""
	}
	return f
}

// logoFault judges a logo by its extension; nil where it may be shown.
func logoFault(file string) *fault {
	if slices.Contains([]string{".jpg", ".jpeg", ".png"}, strings.ToLower(filepath.Ext(file))) {
		return nil
	}
	return &fault{message: "not a format for a page", expected: "JPEG or PNG", hint: "convert to JPEG or PNG"}
}

// head is the first bytes of a file; nil where it cannot be read.
func head(file string) []byte {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, filetype.Head)
	n, _ := io.ReadFull(f, b)
	return b[:n]
}

// fileFault looks at a file inside a folder without opening it; nil where it may
// be read.
func fileFault(dir, file string) *fault {
	full := filepath.Join(dir, filepath.FromSlash(file))
	info, err := os.Stat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &fault{message: "the file does not exist", expected: "a file in " + dir, hint: suggestFile(dir, file)}
	case err != nil:
		return &fault{message: "the file cannot be reached: " + cause(err), expected: "a readable file"}
	}
	if leaves(dir, full) {
		return &fault{message: "the file is a link that leaves the manifest's folder", expected: "a file inside it", outside: true}
	}
	switch {
	case info.IsDir():
		return &fault{message: "this is a folder", expected: "a photo"}
	case !info.Mode().IsRegular():
		return &fault{message: "this is not a regular file", expected: "a photo"}
	case info.Size() == 0:
		return &fault{message: "the file is empty", expected: "a photo", hint: "copy it from the camera again"}
	}
	return nil
}

// readManifest reads a manifest of a folder: a regular file that lies in it, and of a
// larger one than is read no more than tells that it is too large. A link could lead
// to somebody else's papers, or to what never ends.
func readManifest(dir, name string) ([]byte, *fault) {
	full := filepath.Join(dir, name)
	info, err := os.Stat(full)
	switch {
	case err != nil:
		return nil, &fault{message: "the manifest cannot be read: " + cause(err), expected: "a readable file"}
	case leaves(dir, full):
		return nil, &fault{message: "the manifest is a link that leaves its folder", expected: "a file inside it"}
	case !info.Mode().IsRegular():
		return nil, &fault{message: "the manifest is not a regular file", expected: "a readable file"}
	}
	f, err := os.Open(full)
	if err != nil {
		return nil, &fault{message: "the manifest cannot be read: " + cause(err), expected: "a readable file"}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifestBytes+1))
	if err != nil {
		return nil, &fault{message: "the manifest cannot be read: " + cause(err), expected: "a readable file"}
	}
	return data, nil
}

// leaves tells whether a path, links followed, lies outside of a folder.
func leaves(dir, full string) bool {
	base, err1 := filepath.EvalSymlinks(dir)
	real, err2 := filepath.EvalSymlinks(full)
	if err1 != nil || err2 != nil {
		return true
	}
	rel, err := filepath.Rel(base, real)
	return err != nil || !filepath.IsLocal(rel)
}

// suggestFile looks for a file of nearly the same name.
func suggestFile(dir, file string) string {
	file = filepath.FromSlash(file)
	entries, err := os.ReadDir(filepath.Join(dir, filepath.Dir(file)))
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		if slices.Contains(filetype.Extensions, strings.ToLower(filepath.Ext(e.Name()))) {
			names = append(names, e.Name())
		}
	}
	return suggest(filepath.Base(file), names)
}

// cause is the last clause of a file error, since the path is told already.
func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
