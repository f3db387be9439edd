package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/card"
	"github.com/dermatrend/dermatrend/pipeline/photo"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Sorted is what becomes of one file of a camera's folder.
type Sorted struct {
	From    string // path
	To      string // path in the study; empty where it is not assigned
	Subject string
	By      string // what assigned it
	There   bool   // the same file was there before
	Reason  string // why it is not assigned; empty where it is
}

// afterSheet is how long after a photo with a capture sheet photos without one are
// taken to be of the same person: those of one sitting. Later ones are nobody's.
const afterSheet = 10 * time.Minute

// cameraPhoto is a photo as the camera's folder holds it.
type cameraPhoto struct {
	path  string
	taken time.Time
	code  string
	why   string // it cannot be assigned
}

// SortCamera copies the photos of a camera's folder into a study: by the code of the
// capture sheet in them, else by the sheet in the photo before, if that was taken in
// the same sitting; named by the camera's date. Nothing is moved, changed or
// overwritten; with dry nothing is written. What cannot be assigned comes with the
// reason. Files come in the order in which they were taken.
func SortCamera(ctx context.Context, camera, root string, dry bool) ([]Sorted, error) {
	if inside(camera, root) || inside(root, camera) {
		return nil, usagef("%s and %s lie in one another: choose a study outside the camera's folder", camera, root)
	}
	photos, err := readCamera(ctx, camera)
	if err != nil {
		return nil, err
	}
	var out []Sorted
	var sheet cameraPhoto // the last photo with a code
	for _, p := range photos {
		s := Sorted{From: p.path, Reason: p.why}
		switch {
		case p.why != "":
		case p.code != "":
			sheet, s.Subject, s.By = p, p.code, "code in the photo"
		case sheet.code != "" && p.taken.Sub(sheet.taken) <= afterSheet:
			s.Subject, s.By = sheet.code, "taken after "+filepath.Base(sheet.path)
		default:
			s.Reason = fmt.Sprintf("no capture sheet is read in it, nor in a photo of the %d minutes before", int(afterSheet.Minutes()))
		}
		if s.Reason == "" {
			if err := place(&s, p, root, dry); err != nil {
				return out, err
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// inside tells whether a folder lies in another, or is it.
func inside(dir, in string) bool {
	a, err1 := filepath.Abs(dir)
	b, err2 := filepath.Abs(in)
	if err1 != nil || err2 != nil {
		return false
	}
	rel, err := filepath.Rel(b, a)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// readCamera reads all photos below a folder, by the time at which they were taken.
func readCamera(ctx context.Context, root string) ([]cameraPhoto, error) {
	var out []cameraPhoto
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if strings.HasPrefix(e.Name(), ".") && path != root {
			if e.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if e.IsDir() {
			return nil
		}
		out = append(out, readCameraPhoto(path))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("camera's folder: %w", err)
	}
	slices.SortStableFunc(out, func(a, b cameraPhoto) int { return a.taken.Compare(b.taken) })
	return out, nil
}

func readCameraPhoto(path string) cameraPhoto {
	p := cameraPhoto{path: path}
	loaded, err := photo.Load(path)
	if err != nil {
		p.why = err.Error()
		return p
	}
	p.taken = loaded.Meta.Taken
	if p.taken.IsZero() {
		p.why = "the camera has written no date into it"
		return p
	}
	p.code = codeIn(loaded)
	if why := study.UnsafeName(p.code); p.code != "" && why != "" {
		p.why = fmt.Sprintf("its code %q %s", p.code, why)
	}
	return p
}

// codeIn is the id on the capture sheet in a photo; empty where none can be read.
func codeIn(p *photo.Photo) string {
	marker, ok, err := card.FindScale(p.RGB, 0)
	if err != nil || !ok {
		return ""
	}
	return card.ReadCode(p.RGB, marker)
}

// SheetCode is the id on the capture sheet in a photo file; empty where none can be
// read, or the file not be opened.
func SheetCode(file string) string {
	p, err := photo.Load(file)
	if err != nil {
		return ""
	}
	return codeIn(p)
}

// place copies a photo into its subject's folder, unless it is there.
func place(s *Sorted, p cameraPhoto, root string, dry bool) error {
	name := p.taken.Format("2006-01-02") + "-" + filepath.Base(p.path)
	s.To = filepath.Join(root, s.Subject, name)
	data, err := os.ReadFile(p.path)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(s.To)
	switch {
	case err == nil && bytes.Equal(old, data):
		s.There = true
		return nil
	case err == nil:
		s.Reason = fmt.Sprintf("%s is there and is another photo; rename one of them", s.To)
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if dry {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(s.To), 0o700); err != nil {
		return err
	}
	return study.WriteNew(s.To, data)
}
