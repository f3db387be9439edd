package reading

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
)

// Sheet is what one reader has scored.
type Sheet struct {
	Reader  string
	Missing int // scores that the pack asks for and the sheet does not give in full
	scores  map[place]float64
}

// place is what has a score: a pair's side, or the pair.
type place struct{ pair, photo string }

// of is a score; NaN where there is none.
func (s Sheet) of(pair, photo string) float64 {
	if v, ok := s.scores[place{pair, photo}]; ok {
		return v
	}
	return math.NaN()
}

// LoadSheet reads a filled-in scoring sheet. The reader is called as the file.
// Every wrong cell is reported with file and line; an empty one is a missing score,
// a row with some items only counts as missing too.
func LoadSheet(name string, k Key) (Sheet, error) {
	s := Sheet{Reader: strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)), scores: map[place]float64{}}
	rows, err := readTable(name, k.Scale.columns())
	if err != nil {
		return s, err
	}
	asked := map[place]bool{}
	for _, p := range k.Pairs {
		for _, photo := range k.Scale.photos() {
			asked[place{p.Code, photo}] = true
		}
	}
	var errs []error
	seen := map[place]int{}
	for _, r := range rows {
		wrong := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("%s:%d: %s", name, r.line, fmt.Sprintf(format, args...)))
		}
		at := place{code(r.cells[0]), strings.ToLower(strings.TrimSpace(r.cells[1]))}
		if !asked[at] {
			wrong("pair %q, photo %q: the pack does not have it", r.cells[0], r.cells[1])
			continue
		}
		if first, ok := seen[at]; ok {
			wrong("pair %s, photo %s: is there already in line %d", at.pair, at.photo, first)
			continue
		}
		seen[at] = r.line
		values := make([]float64, 0, len(k.Scale.Items))
		for i, item := range k.Scale.Items {
			cell := strings.TrimSpace(r.cells[2+i])
			if cell == "" {
				continue
			}
			// A minus as text programs write it, a comma as half of Europe does.
			v, err := strconv.ParseFloat(strings.NewReplacer("−", "-", ",", ".").Replace(cell), 64)
			if err != nil {
				v = math.NaN()
			}
			if why := item.check(v); why != "" {
				wrong("%s %q: %s", item.Name, cell, why)
				continue
			}
			values = append(values, v)
		}
		if len(values) == len(k.Scale.Items) {
			s.scores[at] = k.Scale.Total(values)
		}
	}
	s.Missing = len(asked) - len(s.scores)
	if len(s.scores) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%s has no scores: the reader %s has filled in none of its %d rows; leave the sheet out, or give the one that is filled in", name, s.Reader, len(asked)))
	}
	return s, errors.Join(errs...)
}

// code is a pair's code as it was given out: spreadsheets turn 007 into 7.
func code(cell string) string {
	cell = strings.TrimSpace(cell)
	if n, err := strconv.Atoi(cell); err == nil && n >= 0 {
		return fmt.Sprintf("%03d", n)
	}
	return cell
}
