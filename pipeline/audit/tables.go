package audit

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Difference is one place where two tables do not agree.
type Difference struct {
	File   string // of the table
	Line   int    // in the first; 0 where the row is only in the second
	Row    string // what the row is about: the cells that name it, with spaces
	Column string // empty where the whole row is in one of the two only
	Got    string // in the first table
	Want   string // in the second
}

// String is the difference in words.
func (d Difference) String() string {
	at := d.File
	if d.Line > 0 {
		at += fmt.Sprintf(":%d", d.Line)
	}
	if d.Row != "" {
		at += " (" + d.Row + ")"
	}
	switch {
	case d.Column != "":
		return fmt.Sprintf("%s: %s is %q, expected %q", at, d.Column, d.Got, d.Want)
	case d.Got != "":
		return fmt.Sprintf("%s: %s", at, d.Got)
	}
	return fmt.Sprintf("%s: %s", at, d.Want)
}

// naming lists the columns that tell a row of a table from another.
var naming = []string{"subject", "view", "session", "photo", "zone", "metric", "basis", "check", "kind", "id", "stage"}

// Tables compares two tables with a head, cell by cell. Rows are the same row when
// the columns that name one agree, wherever they stand among those of their person;
// in memory are the rows of one person. It gives the first differences, at most max,
// and whether there are any; tables of the same cells that are written in other
// bytes or in another order are different, too. The error is one of reading: a file
// that is no table is a difference.
func Tables(file string, got, want io.Reader, max int) ([]Difference, error) {
	t := &tables{file: file, max: max}
	a, err := t.open(got)
	if err != nil {
		return t.found, err
	}
	b, err := t.open(want)
	if err != nil || len(t.found) > 0 {
		return t.found, err
	}
	t.heads(a.head, b.head)
	for len(t.found) < max {
		x, errX := a.person()
		y, errY := b.person()
		if err := errors.Join(errX, errY); err != nil {
			return t.found, err
		}
		if a.bad != nil {
			t.add(Difference{Line: a.bad.StartLine, Got: "not a row of the table: " + a.bad.Err.Error()})
			break
		}
		if x == nil && y == nil {
			break
		}
		// A person of one table only: the other waits.
		switch c := personOrder(x, y); {
		case c < 0:
			b.unread(y)
			y = nil
		case c > 0:
			a.unread(x)
			x = nil
		}
		t.rows(a, b, x, y)
	}
	if len(t.found) == 0 && !bytes.Equal(a.sum(), b.sum()) {
		t.add(Difference{Got: "the same cells in other bytes: quotes, line ends, or the order of rows"})
	}
	return t.found, nil
}

type tables struct {
	file  string
	max   int
	found []Difference
}

func (t *tables) add(d Difference) {
	if len(t.found) < t.max {
		d.File = t.file
		t.found = append(t.found, d)
	}
}

// open reads the head.
func (t *tables) open(r io.Reader) (*rowReader, error) {
	a := newRowReader(r)
	head, err := a.csv.Read()
	if errors.Is(err, io.EOF) || errors.As(err, new(*csv.ParseError)) {
		t.add(Difference{Line: 1, Got: "no table"})
		return a, nil
	}
	a.head = head
	for i, h := range head {
		if slices.Contains(naming, h) {
			a.naming = append(a.naming, i)
		}
	}
	return a, err
}

func (t *tables) heads(got, want []string) {
	for _, c := range want {
		if !slices.Contains(got, c) {
			t.add(Difference{Line: 1, Want: fmt.Sprintf("the column %s is missing", c)})
		}
	}
	for _, c := range got {
		if !slices.Contains(want, c) {
			t.add(Difference{Line: 1, Got: fmt.Sprintf("the column %s is one too many", c)})
		}
	}
}

// rows compares those of one person.
func (t *tables) rows(a, b *rowReader, x, y []row) {
	wanted := map[string][]row{}
	for _, w := range y {
		k := b.name(w)
		wanted[k] = append(wanted[k], w)
	}
	for _, g := range x {
		k := a.name(g)
		if len(wanted[k]) == 0 {
			t.add(Difference{Line: g.line, Row: k, Got: "the row is one too many"})
			continue
		}
		w := wanted[k][0]
		wanted[k] = wanted[k][1:]
		for i, c := range a.head {
			if j := slices.Index(b.head, c); j >= 0 && g.cells[i] != w.cells[j] {
				t.add(Difference{Line: g.line, Row: k, Column: c, Got: g.cells[i], Want: w.cells[j]})
			}
		}
	}
	for _, w := range y { // in their order
		k := b.name(w)
		if len(wanted[k]) > 0 {
			wanted[k] = wanted[k][1:]
			t.add(Difference{Row: k, Want: "the row is missing"})
		}
	}
}

func personOrder(x, y []row) int {
	switch {
	case x == nil:
		return 1
	case y == nil:
		return -1
	}
	return cmp.Compare(x[0].cells[0], y[0].cells[0])
}

// name is what a row is about.
func (r *rowReader) name(w row) string {
	var parts []string
	for _, i := range r.naming {
		if w.cells[i] != "" {
			parts = append(parts, w.cells[i])
		}
	}
	return strings.Join(parts, " ")
}
