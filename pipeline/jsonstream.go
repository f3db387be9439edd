package pipeline

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
)

// jsonStream writes the members of a list or an object to a file as they come, in
// the form that [result.WriteJSON] would give the whole.
type jsonStream struct {
	file   *os.File
	w      *bufio.Writer
	indent string // of the list
	any    bool
}

// createStream makes a new file that begins with the given text, which opens the
// list.
func createStream(name, begin, indent string) (*jsonStream, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	s := &jsonStream{file: f, w: bufio.NewWriter(f), indent: indent}
	_, err = s.w.WriteString(begin)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// add writes one member, of an object with its name.
func (s *jsonStream) add(name string, v any) error {
	data, err := json.MarshalIndent(v, s.indent+" ", " ")
	if err != nil {
		return err
	}
	text := "\n" + s.indent + " "
	if s.any {
		text = "," + text
	}
	s.any = true
	if name != "" {
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		text += string(key) + ": "
	}
	_, err = s.w.WriteString(text + string(data))
	return err
}

// close ends the list with the given text. The file is complete only if it returns
// nil.
func (s *jsonStream) close(end string) error {
	if s.any {
		end = "\n" + s.indent + end
	}
	_, err := s.w.WriteString(end)
	return errors.Join(err, s.w.Flush(), s.file.Close())
}
