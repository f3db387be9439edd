package audit

import (
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"hash"
	"io"
)

// row is a record of a table.
type row struct {
	line  int
	cells []string
}

// rowReader reads a table person by person: its first column names the person, and
// the rows of one stand together.
type rowReader struct {
	csv    *csv.Reader
	hash   hash.Hash
	head   []string
	naming []int // columns
	next   *row
	again  []row           // a person that was put back
	bad    *csv.ParseError // what ended the reading
}

func newRowReader(r io.Reader) *rowReader {
	h := sha256.New()
	return &rowReader{csv: csv.NewReader(io.TeeReader(r, h)), hash: h}
}

// sum is the hash of all bytes, once they are read.
func (r *rowReader) sum() []byte { return r.hash.Sum(nil) }

// person gives all rows of the next person, nil at the end of the table.
func (r *rowReader) person() ([]row, error) {
	if r.again != nil {
		rows := r.again
		r.again = nil
		return rows, nil
	}
	var rows []row
	for {
		if r.next == nil {
			if err := r.read(); err != nil {
				return rows, err
			}
		}
		if r.next == nil || len(rows) > 0 && r.next.cells[0] != rows[0].cells[0] {
			return rows, nil
		}
		rows = append(rows, *r.next)
		r.next = nil
	}
}

// unread puts a person back.
func (r *rowReader) unread(rows []row) { r.again = rows }

func (r *rowReader) read() error {
	if r.bad != nil || r.head == nil {
		return nil
	}
	cells, err := r.csv.Read()
	switch {
	case errors.Is(err, io.EOF), errors.As(err, &r.bad):
		return nil
	case err != nil:
		return err
	}
	line, _ := r.csv.FieldPos(0)
	r.next = &row{line, cells}
	return nil
}
