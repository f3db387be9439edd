package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // pictures of results
	_ "image/png"  // overlays
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// errUnknown is about a person, a view or a session that the results do not have.
var errUnknown = errors.New("the results do not have it")

// cache holds what the first page shows of each person, since results are large.
type cache struct {
	mu      sync.Mutex
	persons map[string]cached
}

type cached struct {
	size     int64
	modified time.Time
	person   personItem
}

// known refuses a person whom the results do not name.
func (s *Server) known(id string) error {
	ids, err := s.opts.Persons()
	if err == nil && !slices.Contains(ids, id) {
		err = fmt.Errorf("person %q: %w", s.opts.Words.Plain(id), errUnknown)
	}
	return err
}

// subject reads a person's results.
func (s *Server) subject(id string) (result.Subject, error) {
	if err := s.known(id); err != nil {
		return result.Subject{}, err
	}
	f, _, err := regular(s.root, path.Join(id, result.SubjectFile))
	if err != nil {
		return result.Subject{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return result.Subject{}, err
	}
	var subject result.Subject
	if err := json.Unmarshal(data, &subject); err != nil {
		return result.Subject{}, fmt.Errorf("%s: %w", path.Join(id, result.SubjectFile), err)
	}
	return subject, nil
}

// series reads a person's results and picks one view.
func (s *Server) series(id, view string) (result.Subject, *result.Series, error) {
	subject, err := s.subject(id)
	if err != nil {
		return subject, nil, err
	}
	i := slices.IndexFunc(subject.Series, func(v result.Series) bool { return v.View == view })
	if i < 0 {
		return subject, nil, fmt.Errorf("view %q of %s: %w", s.opts.Words.Plain(view), s.opts.Words.Plain(id), errUnknown)
	}
	return subject, &subject.Series[i], nil
}

// summary is a person as the first page shows them.
func (s *Server) summary(id string) (personItem, error) {
	info, err := s.root.Stat(path.Join(id, result.SubjectFile))
	if err != nil {
		return personItem{}, err
	}
	c := &s.results
	c.mu.Lock()
	defer c.mu.Unlock()
	if had, ok := c.persons[id]; ok && had.size == info.Size() && had.modified.Equal(info.ModTime()) {
		return had.person, nil
	}
	subject, err := s.subject(id)
	if err != nil {
		return personItem{}, err
	}
	if c.persons == nil {
		c.persons = map[string]cached{}
	}
	item := s.newPersonItem(subject)
	c.persons[id] = cached{info.Size(), info.ModTime(), item}
	return item, nil
}

// baseline is the visit that the others are compared with; nil without visits.
func baseline(v *result.Series) *result.Visit {
	for i := range v.Visits {
		if v.Visits[i].Baseline {
			return &v.Visits[i]
		}
	}
	if len(v.Visits) == 0 {
		return nil
	}
	return &v.Visits[0]
}

// pictureSize reads the size of a picture from its header; 0 where there is none.
func (s *Server) pictureSize(id, name string) image.Point {
	f, _, err := regular(s.root, path.Join(id, name))
	if err != nil {
		return image.Point{}
	}
	defer f.Close()
	c, _, err := image.DecodeConfig(f)
	if err != nil {
		return image.Point{}
	}
	return image.Pt(c.Width, c.Height)
}

// regular opens a file below a folder. What is neither a file nor leads to one inside
// is not there; a device or a pipe is not even opened, since that may never end.
func regular(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	info, err := root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, nil, err
	}
	f, err := root.Open(name)
	return f, info, err
}
