package reading

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Key says what each pair of a pack is.
type Key struct {
	Scale Scale
	Pairs []KeyPair // in the order of the pack
}

// KeyPair is one pair: its photos by role.
type KeyPair struct {
	Code, Of                    string
	Kind                        Kind
	Subject, View, Zone         string
	BeforeSession, AfterSession string
	beforePhoto, afterPhoto     string // left or right
}

// LoadKey reads a key and sees that it belongs to the pack.
func LoadKey(name, pack string) (Key, error) {
	rows, err := readTable(name, keyColumns)
	if err != nil {
		return Key{}, err
	}
	if len(rows) == 0 {
		return Key{}, fmt.Errorf("%s: holds no pair", name)
	}
	var k Key
	at := map[string]int{}
	for _, r := range rows {
		wrong := func(format string, args ...any) (Key, error) {
			return Key{}, fmt.Errorf("%s:%d: %s", name, r.line, fmt.Sprintf(format, args...))
		}
		scale, err := ScaleNamed(r.cells[10])
		if err != nil {
			return wrong("%v", err)
		}
		if k.Scale.Name == "" {
			k.Scale = scale
		}
		if k.Scale.Name != scale.Name {
			return wrong("scale %s after %s: a key has one", scale.Name, k.Scale.Name)
		}
		i, ok := at[r.cells[0]]
		if !ok {
			i = len(k.Pairs)
			at[r.cells[0]] = i
			k.Pairs = append(k.Pairs, KeyPair{Code: r.cells[0], Kind: Kind(r.cells[3]), Of: r.cells[4], Subject: r.cells[5], View: r.cells[6], Zone: r.cells[7]})
		}
		p := &k.Pairs[i]
		if !slices.Contains([]Kind{True, Repeat, ShamUntreated, ShamSame}, p.Kind) {
			return wrong("unknown kind %q", p.Kind)
		}
		switch side, role := r.cells[1], r.cells[2]; {
		case side != left && side != right:
			return wrong("photo %q: expected left or right", side)
		case role == before && p.beforePhoto == "":
			p.beforePhoto, p.BeforeSession = side, r.cells[8]
		case role == after && p.afterPhoto == "":
			p.afterPhoto, p.AfterSession = side, r.cells[8]
		default:
			return wrong("role %q: expected before once and after once in a pair", role)
		}
	}
	for _, p := range k.Pairs {
		if p.beforePhoto == "" || p.afterPhoto == "" || p.beforePhoto == p.afterPhoto {
			return Key{}, fmt.Errorf("%s: pair %s has not one photo before and one after", name, p.Code)
		}
		if of, ok := at[p.Of]; p.Kind == Repeat && (!ok || k.Pairs[of].Kind != True) {
			return Key{}, fmt.Errorf("%s: pair %s repeats %q, which is no pair", name, p.Code, p.Of)
		}
	}
	return k, k.belongs(name, pack)
}

// belongs compares the pairs of the key with those of the pack.
func (k Key) belongs(name, pack string) error {
	rows, err := readTable(filepath.Join(pack, scoreFile), k.Scale.columns())
	if err != nil {
		return fmt.Errorf("the pack: %w", err)
	}
	var packed []string
	for _, r := range rows {
		packed = append(packed, r.cells[0])
	}
	var coded []string
	for _, p := range k.Pairs {
		coded = append(coded, p.Code)
	}
	if !slices.Equal(slices.Compact(packed), coded) {
		return fmt.Errorf("%s is not the key of %s: their pairs differ", name, pack)
	}
	return nil
}

// PairChange is what a metric says of a pair.
type PairChange struct {
	Pair string
	Change
}

// LoadChanges reads the metrics' changes that were put aside with the key.
func LoadChanges(name string) ([]PairChange, error) {
	rows, err := readTable(name, changeColumns)
	if err != nil {
		return nil, err
	}
	var list []PairChange
	for _, r := range rows {
		v, err := strconv.ParseFloat(r.cells[4], 64)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: change %q: expected a number", name, r.line, r.cells[4])
		}
		list = append(list, PairChange{r.cells[0], Change{r.cells[1], r.cells[2], r.cells[3], v}})
	}
	return list, nil
}

// line is a row of a table with its place in the file.
type line struct {
	line  int
	cells []string
}

// maxTable bounds the files that are read.
const maxTable = 64 << 20

// readTable reads a CSV file whose first line is columns. It takes semicolons for
// commas and a byte order mark, as spreadsheets write them, and leaves out empty
// lines.
func readTable(name string, columns []string) ([]line, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxTable {
		return nil, fmt.Errorf("%s: larger than %d MiB", name, maxTable>>20)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	r := csv.NewReader(bytes.NewReader(data))
	first, _, _ := bytes.Cut(data, []byte("\n"))
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		r.Comma = ';'
	}
	r.FieldsPerRecord = -1
	var lines []line
	head := false
	for {
		cells, err := r.Read()
		if err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		at, _ := r.FieldPos(0)
		for len(cells) > len(columns) && cells[len(cells)-1] == "" {
			cells = cells[:len(cells)-1] // a spreadsheet's empty columns
		}
		switch {
		case !head && !slices.Equal(cells, columns):
			return nil, fmt.Errorf("%s:%d: the first line is %q, expected %q", name, at, cells, columns)
		case !head:
			head = true
			continue
		case len(cells) != len(columns):
			return nil, fmt.Errorf("%s:%d: %d columns, expected %d", name, at, len(cells), len(columns))
		}
		if !slices.ContainsFunc(cells, func(c string) bool { return c != "" }) {
			continue
		}
		lines = append(lines, line{at, cells})
	}
	if !head {
		return nil, fmt.Errorf("%s: is empty, expected a first line %q", name, columns)
	}
	return lines, nil
}
