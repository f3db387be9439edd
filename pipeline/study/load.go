package study

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Options of [Load] and [Init].
type Options struct {
	// Today is the day from which on a date lies in the future. Zero: no date
	// does.
	Today Date
	// Metrics are the names that a primary outcome may have; nil: not checked.
	Metrics []string
	// Limits are the names that limits in study.yaml may have.
	Limits []string
	// SheetCode reads the id off the capture sheet in a photo, empty where none can be
	// read. [Init] asks for every photo; nil: sheets are not looked for.
	SheetCode func(file string) string
}

// Load reads a study's manifests and looks for its photos. It reports all that
// is wrong at once, as an error of type [Problems]. Beside it comes the study
// with the good subjects, or nil where the study as a whole cannot be read
// ([Problems.Fatal]). A problem of a photo (missing, empty, unsupported) leaves
// the photo in its session, with the reason in Refused.
func Load(root string, o Options) (*Study, error) {
	s := &Study{Root: root, Name: folder{dir: root}.id()}
	treatment, problems := s.readDefaults(o)
	folders, remarks, more := discover(root, s.Clinic.Logo)
	problems = append(problems, more...)
	s.Notes = remarks

	var all []loaded
	for _, f := range folders {
		l := loadSubject(f, o, s.Views)
		if l.subject.Treatment == nil && treatment != nil {
			l.subject.Treatment = treatment
		}
		all = append(all, l)
	}
	refuseEqualIDs(all)
	for _, l := range all {
		problems = append(problems, l.problems...)
		if slices.ContainsFunc(l.problems, func(p Problem) bool { return p.Photo == "" }) {
			continue
		}
		s.Subjects = append(s.Subjects, l.subject)
		for _, n := range l.notes {
			s.Notes = append(s.Notes, Note{Subject: l.subject.ID, Text: n})
		}
	}
	if problems.Fatal() {
		return nil, problems
	}
	return s, problems.err()
}

// loaded is what became of one folder.
type loaded struct {
	subject  Subject
	id       Problem // place of the id, for a problem with it
	notes    []string
	problems Problems
}

// loadSubject reads a folder's manifest, or guesses it, and the edits beside it.
func loadSubject(f folder, o Options, views []string) loaded {
	l := loadManifest(f, o, views)
	notes, problems := l.subject.loadEdits(f)
	l.notes = append(l.notes, viewNotes(&l.subject)...)
	if l.subject.Manifest != "" {
		l.notes = append(l.notes, unnamed(&l.subject)...)
	}
	l.notes = append(l.notes, notes...)
	l.problems = append(l.problems, problems...)
	l.setSubject(l.subject.ID)
	return l
}

func loadManifest(f folder, o Options, views []string) (l loaded) {
	id := f.id()
	defer func() { l.setSubject(id) }()
	if f.manifest == "" {
		l = guess(f, o.Today)
		if l.subject.ID != "" {
			id = l.subject.ID
		}
		return l
	}
	file := filepath.Join(f.dir, f.manifest)
	l.id = Problem{File: file, Line: 1, Column: 1}
	if f.manifest != seriesFile {
		l.problems = Problems{{File: file, Message: "this name is not read", Expected: seriesFile, Hint: "rename it"}}
		return l
	}
	data, fault := readManifest(f.dir, f.manifest)
	if fault != nil {
		l.problems = Problems{{File: file, Message: fault.message, Expected: fault.expected}}
		return l
	}
	m, problems := readSeries(file, data, o.Today, views)
	l.problems, l.notes = problems, m.notes
	if m.doc == nil {
		return l
	}
	if m.id != nil && m.subject.ID != "" {
		id = m.subject.ID
		l.id.Line, l.id.Column = m.id.line, m.id.col
	} else if why := unsafeName(id); why != "" {
		l.problems = append(l.problems, Problem{File: file, Line: m.doc.line, Column: m.doc.col,
			Message: fmt.Sprintf("folder name %q %s", id, why), Expected: "subject: with an id"})
	}
	m.subject.ID, m.subject.Dir, m.subject.Manifest = id, f.dir, file
	l.problems = append(l.problems, m.findPhotos(file)...)
	l.problems = append(l.problems, m.findStrangers(file)...)
	l.problems = l.problems.inOrder()
	sortSessions(m.subject.Sessions)
	l.subject = m.subject
	return l
}

// setSubject writes the subject's id into its problems.
func (l *loaded) setSubject(id string) {
	l.subject.ID = id
	for i := range l.problems {
		l.problems[i].Subject = id
	}
}

// findPhotos looks for the files that a manifest names and marks in the subject
// what cannot be used.
func (m *manifest) findPhotos(file string) Problems {
	var ps Problems
	found := map[string]os.FileInfo{}
	var order []string
	for _, ref := range m.photos {
		session := &m.subject.Sessions[ref.session]
		photo := &session.Photos[ref.photo]
		p := Problem{File: file, Line: ref.at.line, Column: ref.at.col, Session: session.ID, Photo: photo.File}
		f := fileFault(m.subject.Dir, photo.File)
		if f == nil {
			f = formatFault(m.subject.Dir, photo.File)
		}
		if f != nil {
			p.Message = fmt.Sprintf("photo %q: %s", photo.File, f.message)
			p.Expected, p.Hint = f.expected, f.hint
			if f.outside {
				p.Photo = ""
			} else {
				photo.Refused = p.Reason()
			}
			ps = append(ps, p)
			continue
		}
		// Another name of a file that is listed already: a link.
		info, err := os.Stat(filepath.Join(m.subject.Dir, filepath.FromSlash(photo.File)))
		if err != nil {
			continue
		}
		for _, name := range order {
			if fold(path.Clean(name)) != fold(path.Clean(photo.File)) && os.SameFile(found[name], info) {
				p.Photo = ""
				p.Message, p.Expected = fmt.Sprintf("file %q is the same file as %q", photo.File, name), "each photo once"
				ps = append(ps, p)
			}
		}
		found[photo.File] = info
		order = append(order, photo.File)
	}
	return ps
}

// refuseEqualIDs refuses all subjects that would share an output folder: which of
// them is meant cannot be known.
func refuseEqualIDs(all []loaded) {
	byID := map[string][]int{}
	for i, l := range all {
		byID[fold(l.subject.ID)] = append(byID[fold(l.subject.ID)], i)
	}
	for i := range all {
		for _, j := range byID[fold(all[i].subject.ID)] {
			if i == j {
				continue
			}
			p := all[i].id
			p.Subject = all[i].subject.ID
			p.Message = fmt.Sprintf("subject %q is also in %s", all[i].subject.ID, all[j].id.File)
			if all[i].subject.ID != all[j].subject.ID {
				p.Message = fmt.Sprintf("subject %q differs by case or accents alone from %q in %s",
					all[i].subject.ID, all[j].subject.ID, all[j].id.File)
			}
			p.Expected = "an id of its own for each subject"
			all[i].problems = append(all[i].problems, p).inOrder()
			break
		}
	}
}

// readDefaults reads study.yaml where there is one. The treatment is the
// subjects' default.
func (s *Study) readDefaults(o Options) (*Treatment, Problems) {
	entries, err := os.ReadDir(s.Root)
	if err != nil {
		return nil, nil // reported where subjects are looked for
	}
	i := slices.IndexFunc(entries, func(e os.DirEntry) bool { return looksLike(e.Name(), studyFile) })
	if i < 0 {
		return nil, nil
	}
	file := filepath.Join(s.Root, entries[i].Name())
	if entries[i].Name() != studyFile {
		return nil, Problems{{File: file, Message: "this name is not read", Expected: studyFile, Hint: "rename it"}}
	}
	data, fault := readManifest(s.Root, studyFile)
	if fault != nil {
		return nil, Problems{{File: file, Message: fault.message, Expected: fault.expected}}
	}
	return s.readStudy(file, data, o)
}

func (s *Study) readStudy(file string, data []byte, o Options) (*Treatment, Problems) {
	root, problems := parseYAML(file, data)
	if root == nil {
		return nil, problems
	}
	r := &reader{file: file, problems: append(problems, validate(file, studySchema, root)...)}
	if name := root.get("name").str(); name != "" {
		s.Name = name
	}
	clinic := root.get("clinic")
	s.Clinic.Name = clinic.get("name").str()
	if logo := clinic.get("logo"); r.inside(logo, "logo") {
		s.Clinic.Logo = logo.str()
		f := fileFault(s.Root, s.Clinic.Logo)
		if f == nil {
			f = logoFault(s.Clinic.Logo)
		}
		if f != nil {
			r.bad(logo, fmt.Sprintf("logo %q: %s", s.Clinic.Logo, f.message), f.expected, f.hint)
		}
	}
	for _, v := range root.get("views").list() {
		r.name(v, "view")
		s.Views = append(s.Views, v.str())
	}
	for _, z := range root.get("zones").list() {
		s.Zones = append(s.Zones, z.str())
	}
	s.Scale = root.get("scale").str()
	if v, ok := root.get("marker_mm").num(); ok {
		s.MarkerMM = v
	}
	s.readCard(r, root.get("card"))
	for _, e := range root.get("limits").mapped() {
		v, ok := e.value.num()
		if !slices.Contains(o.Limits, e.key) {
			expected := "no limits: none can be set"
			if len(o.Limits) > 0 {
				expected = "one of " + strings.Join(o.Limits, ", ")
			}
			r.problems = append(r.problems, Problem{File: file, Line: e.line, Column: e.col,
				Message: fmt.Sprintf("unknown limit %q", e.key), Expected: expected, Hint: suggest(e.key, o.Limits)})
		} else if ok {
			if s.Limits == nil {
				s.Limits = map[string]float64{}
			}
			s.Limits[e.key] = v
		}
	}
	if p := root.get("primary"); p != nil {
		s.Primary = &Primary{Metric: p.get("metric").str(), Zone: p.get("zone").str()}
		if v, ok := p.get("window").num(); ok {
			s.Primary.WindowDays = int(v)
		}
		if o.Metrics != nil && s.Primary.Metric != "" && !slices.Contains(o.Metrics, s.Primary.Metric) {
			r.bad(p.get("metric"), fmt.Sprintf("unknown metric %q", s.Primary.Metric),
				"one of those that `dermatrend metrics` lists", suggest(s.Primary.Metric, o.Metrics))
		}
	}
	return r.treatment(root.get("treatment")), r.problems.inOrder()
}

// Sub is the study with only the named subject, and that subject's notes. An
// unknown id is an error that names the nearest.
func Sub(s *Study, id string) (*Study, error) {
	i := slices.IndexFunc(s.Subjects, func(p Subject) bool { return p.ID == id })
	if i < 0 {
		var ids []string
		for _, p := range s.Subjects {
			ids = append(ids, p.ID)
		}
		message := fmt.Sprintf("no subject %q in %s", id, s.Root)
		if hint := suggest(id, ids); hint != "" {
			message += "; " + hint
		}
		return nil, fmt.Errorf("%s", message)
	}
	sub := *s
	sub.Subjects = s.Subjects[i : i+1 : i+1]
	sub.Notes = nil
	for _, n := range s.Notes {
		if n.Subject == id || n.Subject == "" {
			sub.Notes = append(sub.Notes, n)
		}
	}
	return &sub, nil
}

// Charts lists the colour charts that are known by name; none turns the search off.
var Charts = []string{"classic-2014", "classic", "none"}

// maxCardBytes is far more than a table of 24 patches has.
const maxCardBytes = 64 << 10

// readCard reads which colour chart the study uses. What a file says is judged by who
// knows charts.
func (s *Study) readCard(r *reader, n *node) {
	name := n.str()
	if name == "" || slices.Contains(Charts, name) {
		s.Card = name
		return
	}
	expected := "one of " + strings.Join(Charts, ", ") + ", or a CSV file in the study's folder with the columns patch, L, a, b"
	if !strings.EqualFold(filepath.Ext(name), ".csv") {
		r.bad(n, fmt.Sprintf("unknown colour chart %q", name), expected, suggest(name, Charts))
		return
	}
	if !r.inside(n, "card") {
		return
	}
	file := filepath.Join(s.Root, filepath.FromSlash(name))
	if f := fileFault(s.Root, name); f != nil {
		r.bad(n, fmt.Sprintf("card %q: %s", name, f.message), expected, f.hint)
		return
	}
	if info, err := os.Stat(file); err != nil || info.Size() > maxCardBytes {
		r.bad(n, fmt.Sprintf("card %q is no table of 24 patches", name), expected, "")
		return
	}
	data, err := os.ReadFile(file)
	if err != nil {
		r.bad(n, fmt.Sprintf("card %q cannot be read: %s", name, cause(err)), expected, "")
		return
	}
	s.Card, s.CardTable = name, string(data)
}
