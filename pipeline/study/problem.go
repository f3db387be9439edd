package study

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one thing that is wrong in what the user gave.
//
// With Subject empty it concerns the whole study, which then cannot be read. With
// Photo set it costs that photo only. Otherwise it costs the subject.
type Problem struct {
	File         string // manifest, or the folder where there is none
	Line, Column int    // from 1, columns in characters; 0 where the file has no place for it
	Subject      string // id where it could be read, else the folder's name
	Session      string // of a photo, where it is known
	Photo        string // as in the manifest
	Message      string // what is wrong
	Expected     string // what would be right; may be empty
	Hint         string // a next step, as: did you mean "date"?; may be empty
}

// String is "file:line:column: message; expected ...; hint", in one line: what would
// not show, or rule a terminal, is written as an escape.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	fmt.Fprintf(&b, ": %s", p.Message)
	if p.Expected != "" {
		fmt.Fprintf(&b, "; expected %s", p.Expected)
	}
	if p.Hint != "" {
		fmt.Fprintf(&b, "; %s", p.Hint)
	}
	return visible(b.String())
}

// visible writes control characters, direction marks and bytes that are no text as Go
// does in a quoted string.
func visible(s string) string {
	plain := func(r rune) bool { return r != utf8.RuneError && (unicode.IsPrint(r) || unicode.IsMark(r)) }
	if !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if plain(r) {
			b.WriteString(s[:n])
		} else {
			b.WriteString(strings.Trim(strconv.Quote(s[:n]), `"`))
		}
		s = s[n:]
	}
	return b.String()
}

// Reason is the problem without its place, for a table of rejections.
func (p Problem) Reason() string {
	p.File, p.Line, p.Column = "", 0, 0
	return strings.TrimPrefix(p.String(), ": ")
}

// Problems is every problem of a study: first the study's own, then subject by
// subject in the order of the file. It is the error that [Load] returns.
type Problems []Problem

// Error has one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Fatal tells whether the study as a whole cannot be read.
func (ps Problems) Fatal() bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return p.Subject == "" })
}

// Subjects names those that are left out, each once, in order.
func (ps Problems) Subjects() []string {
	var ids []string
	for _, p := range ps {
		if p.Subject != "" && p.Photo == "" && !slices.Contains(ids, p.Subject) {
			ids = append(ids, p.Subject)
		}
	}
	return ids
}

// err is nil where there is no problem.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// inOrder sorts the problems of one file by place and drops repetitions. At one
// place the words decide, since the schema library goes through maps.
func (ps Problems) inOrder() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column, strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(ps)
}

// suggest is `did you mean "x"?` for the known word nearest to the given one, or
// empty where none is near.
func suggest(given string, known []string) string {
	best, bestDistance := "", 0
	for _, k := range known {
		d := editDistance(fold(given), fold(k))
		if best == "" || d < bestDistance {
			best, bestDistance = k, d
		}
	}
	// A third of the word may be wrong, as in the suggestions of git and Go.
	if best == "" || best == given || bestDistance > max(1, len([]rune(best))/3) {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// editDistance counts insertions, deletions, replacements and swaps of
// neighbours (optimal string alignment). Long words are cut at 100 characters.
func editDistance(a, b string) int {
	s, t := []rune(a), []rune(b)
	s, t = s[:min(len(s), 100)], t[:min(len(t), 100)]
	var before, prev []int
	row := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(s); i++ {
		before, prev, row = prev, row, make([]int, len(t)+1)
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(t)]
}
