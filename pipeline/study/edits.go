package study

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dermatrend/dermatrend/pipeline/files"
)

// readEdits reads an edits.yaml without looking at any other file. The edits are
// good only where there is no problem.
func readEdits(file string, data []byte) ([]Edit, Problems) {
	root, problems := parseYAML(file, data)
	if root == nil {
		for i := range problems {
			if problems[i].Message == emptyFile {
				problems[i].Expected, problems[i].Hint = "edits: with a list", "remove the file if there are no edits"
			}
		}
		return nil, problems
	}
	r := &reader{file: file, problems: append(problems, validate(file, editsSchema, root)...)}
	var edits []Edit
	for _, n := range root.get("edits").list() {
		edits = append(edits, r.edit(n))
	}
	return edits, r.problems.inOrder()
}

func (r *reader) edit(n *node) Edit {
	e := Edit{By: n.get("by").str(), View: n.get("view").str(), Photo: n.get("photo").str(), PhotoSHA256: n.get("photo_sha256").str()}
	e.At, _ = time.Parse(time.RFC3339, n.get("at").str()) // the schema has reported what is no time
	if !e.At.Equal(e.At.Truncate(time.Second)) {
		r.bad(n.get("at"), fmt.Sprintf("at %s has a fraction of a second", n.get("at").str()), "whole seconds", "")
	}
	r.name(n.get("view"), "view")
	r.inside(n.get("photo"), "photo")
	r.printable(n.get("by"), "by")
	if z := n.get("zone"); z != nil {
		e.Zone = &ZoneEdit{Name: z.get("name").str(), Outline: r.outline(z, "zone")}
	}
	if x := n.get("exclude"); x != nil {
		r.printable(x.get("name"), "name")
		e.Exclude = &ExcludeEdit{Name: x.get("name").str(), Outline: r.outline(x, "exclude")}
	}
	if o := n.get("object"); o != nil {
		x, _ := o.get("x").num()
		y, _ := o.get("y").num()
		e.Object = &ObjectEdit{Kind: o.get("kind").str(), At: Point{X: x, Y: y}, Accept: o.get("accept").isTrue()}
	}
	if a := n.get("alignment"); a != nil {
		r.name(a.get("session"), "session")
		e.Alignment = &AlignmentEdit{Session: a.get("session").str(), Accept: a.get("accept").isTrue(), PhotoSHA256: a.get("photo_sha256").str()}
	}
	given := 0
	for _, key := range []string{"zone", "exclude", "object", "alignment"} {
		if n.get(key) != nil {
			given++
		}
	}
	if given != 1 && n.kind == mapping {
		r.bad(n, fmt.Sprintf("the edit says %d things", given), "exactly one of zone, exclude, object, alignment", "write an entry for each")
	}
	return e
}

// outline is the polygon of an edit; nil where it has none.
func (r *reader) outline(n *node, what string) Polygon {
	if n.get("outline") == nil {
		return nil
	}
	return r.polygons(&node{kind: mapping, entries: []entry{*n.entry("outline")}}, what)["outline"]
}

// printable refuses what would not show, or disguise what stands beside it, in a
// list of edits.
func (r *reader) printable(n *node, what string) {
	if strings.ContainsFunc(n.str(), func(c rune) bool { return !unicode.IsPrint(c) && !unicode.IsMark(c) }) {
		r.bad(n, fmt.Sprintf("%s %q holds a control character or an unusual space", what, shorten(n.str())), "letters, digits, signs and spaces", "")
	}
}

// fileOfEdits reads the edits file of a person's folder; no bytes and no problem
// where there is none. Its mode comes with it.
func fileOfEdits(dir string) (data []byte, mode fs.FileMode, problems Problems) {
	file := filepath.Join(dir, EditsFile)
	fail := func(message, expected string) ([]byte, fs.FileMode, Problems) {
		return nil, 0, Problems{{File: file, Message: message, Expected: expected}}
	}
	// Never through a link: it may lead out of the study, and to what never ends.
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0o600, nil
	case err != nil:
		return fail("the edits cannot be reached: "+cause(err), "a readable file")
	case !info.Mode().IsRegular():
		return fail("this is not a regular file", "a file with edits")
	case info.Size() > maxManifestBytes:
		return fail(fmt.Sprintf("the file has %d bytes", info.Size()), "at most 1 MiB")
	}
	if data, err = os.ReadFile(file); err != nil {
		return fail("the edits cannot be read: "+cause(err), "a readable file")
	}
	if len(data) == 0 {
		data = []byte("\n") // an empty file is a problem, not the same as none
	}
	return data, info.Mode().Perm(), nil
}

// loadEdits reads the edits of a subject that is otherwise complete, and finds out
// which of them hold. The notes tell of the others.
func (s *Subject) loadEdits(f folder) (notes []string, problems Problems) {
	if f.edits != "" && f.edits != EditsFile {
		return nil, Problems{{File: filepath.Join(f.dir, f.edits), Message: "this name is not read", Expected: EditsFile, Hint: "rename it"}}
	}
	data, _, problems := fileOfEdits(f.dir)
	if data == nil {
		return nil, problems
	}
	if s.Edits, problems = readEdits(filepath.Join(f.dir, EditsFile), data); len(problems) > 0 {
		return nil, problems
	}
	all := s.Series()
	sums := map[string]string{} // by file
	for i := range s.Edits {
		e := &s.Edits[i]
		if e.Void = s.void(all, e, sums); e.Void != "" {
			notes = append(notes, fmt.Sprintf("not applied: %s: %s", e, e.Void))
		}
	}
	return notes, nil
}

// WhyVoid says why an edit would not hold in the study as it is, or is empty.
func (s *Subject) WhyVoid(e Edit) string { return s.void(s.Series(), &e, map[string]string{}) }

// void says why an edit does not hold, or is empty.
func (s *Subject) void(all []Series, e *Edit, sums map[string]string) string {
	i := slices.IndexFunc(all, func(r Series) bool { return r.View == e.View })
	if i < 0 {
		return fmt.Sprintf("there is no photo of view %s any more", e.View)
	}
	base := all[i].Sessions[0].Photos[0]
	if base.File != e.Photo {
		return fmt.Sprintf("it was made in %s, and the baseline photo is now %s", e.Photo, base.File)
	}
	if base.Refused != "" {
		return fmt.Sprintf("the baseline photo %s cannot be used: %s", base.File, base.Refused)
	}
	sum := func(file string) (string, error) {
		if known, ok := sums[file]; ok {
			return known, nil
		}
		hash, err := files.Hash(filepath.Join(s.Dir, filepath.FromSlash(file)))
		if err == nil {
			sums[file] = hash
		}
		return hash, err
	}
	switch hash, err := sum(base.File); {
	case err != nil:
		return fmt.Sprintf("the baseline photo %s cannot be read: %s", base.File, cause(err))
	case hash != e.PhotoSHA256:
		return fmt.Sprintf("the photo %s is not the one in which it was made: its content has changed", base.File)
	}
	if a := e.Alignment; a != nil {
		switch k := slices.IndexFunc(all[i].Sessions, func(v SeriesSession) bool { return v.ID == a.Session }); {
		case k < 0:
			return fmt.Sprintf("session %s has no photo of view %s", a.Session, e.View)
		case k == 0:
			return fmt.Sprintf("session %s is the baseline itself", a.Session)
		case a.PhotoSHA256 != "" && !slices.ContainsFunc(all[i].Sessions[k].Photos, func(p Photo) bool {
			hash, err := sum(p.File)
			return err == nil && hash == a.PhotoSHA256
		}):
			return fmt.Sprintf("the photo of session %s that was looked at is not there any more: it was replaced", a.Session)
		}
	}
	return ""
}

// editsOf lists what holds in a view, in the order of the file: of edits about the
// same thing the last, without those that only take an earlier one back.
func (s *Subject) editsOf(view string) []Edit {
	var hold []Edit
	for _, e := range s.Edits {
		if e.View != view || e.Void != "" {
			continue
		}
		hold = slices.DeleteFunc(hold, func(o Edit) bool { return e.supersedes(o) })
		rejected := func(o Edit) bool { return o.Object != nil && o.Object.Kind == e.Object.Kind && !o.Object.Accept }
		switch {
		case e.Zone != nil && e.Zone.Outline == nil, e.Exclude != nil && e.Exclude.Outline == nil:
		case e.Object != nil && e.Object.Accept && !slices.ContainsFunc(hold, rejected):
		default:
			hold = append(hold, e)
		}
	}
	if len(hold) == 0 {
		return nil // as where there never were any, so that results need not be made anew
	}
	return hold
}

// supersedes tells whether an edit is about the same thing as an earlier one of
// the same view. Two places of one object are found to be the same only in the
// photo.
func (e Edit) supersedes(o Edit) bool {
	switch {
	case e.Zone != nil && o.Zone != nil:
		return e.Zone.Name == o.Zone.Name
	case e.Exclude != nil && o.Exclude != nil:
		return e.Exclude.Name == o.Exclude.Name
	case e.Object != nil && o.Object != nil:
		return e.Object.Kind == o.Object.Kind && e.Object.At == o.Object.At
	case e.Alignment != nil && o.Alignment != nil:
		return e.Alignment.Session == o.Alignment.Session
	}
	return false
}
