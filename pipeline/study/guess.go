package study

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/dermatrend/dermatrend/pipeline/internal/filetype"
)

// found is a photo without a manifest, and what its header and name tell.
type found struct {
	file, view string
	patient    string // of a DICOM file
	code       string // of the capture sheet in it; read by [Init] only
	date       Date   // zero: neither tells
	source     string // of the date: EXIF, DICOM, file name, folder name
	fault      *fault
	note       string
}

// guess makes a subject of a folder without a manifest. Photos without a date
// are left out: an order may be guessed, a date not.
func guess(f folder, today Date) loaded {
	l := loaded{id: Problem{File: f.dir}}
	photos := look(f, today)
	id, mixed := subjectID(f, photos)
	if mixed != nil {
		l.problems = append(l.problems, *mixed)
	} else if why := unsafeName(id); why != "" {
		l.problems = append(l.problems, Problem{File: f.dir, Message: fmt.Sprintf("folder name %q %s", id, why),
			Expected: "a folder name as P001, or a series.yaml with subject:"})
	}
	var leftOut []Problem
	for _, file := range f.unsupported {
		fault := formatFault(f.dir, file)
		leftOut = append(leftOut, Problem{File: filepath.Join(f.dir, file), Photo: file,
			Message: fault.message, Expected: fault.expected, Hint: fault.hint})
	}
	l.problems = append(l.problems, leftOut...)
	var undated []found
	sources := map[string]int{}
	for _, p := range photos {
		if p.date.IsZero() {
			undated = append(undated, p)
		} else {
			sources[p.source]++
		}
		if p.note != "" {
			l.notes = append(l.notes, p.note)
		}
	}
	const expected = "an EXIF date, or a date in the name as 2026-01-31-front.jpg"
	const hint = "rename the photos, or run `dermatrend init` and fill in the dates"
	switch {
	case len(photos) == 0:
		l.problems = append(l.problems, Problem{File: f.dir, Message: "no photo that can be read", Expected: filetype.Read})
		return l
	case len(undated) == len(photos):
		l.problems = append(l.problems, Problem{File: f.dir, Expected: expected, Hint: hint,
			Message: fmt.Sprintf("no date for any of %d photos, from %q on", len(photos), photos[0].file)})
		return l
	}
	for _, p := range undated {
		problem := Problem{File: filepath.Join(f.dir, p.file), Photo: p.file,
			Message: "no date for this photo", Expected: expected, Hint: hint}
		l.problems, leftOut = append(l.problems, problem), append(leftOut, problem)
	}
	l.subject = Subject{ID: id, Dir: f.dir, Sessions: sessionsOf(photos), LeftOut: leftOut}
	for i := range l.subject.Sessions {
		v := &l.subject.Sessions[i]
		for j := range v.Photos {
			p := &v.Photos[j]
			k := slices.IndexFunc(photos, func(q found) bool { return q.file == p.File })
			if bad := photos[k].fault; bad != nil {
				problem := Problem{File: filepath.Join(f.dir, p.File), Session: v.ID, Photo: p.File,
					Message: bad.message, Expected: bad.expected, Hint: bad.hint}
				if bad.outside {
					problem.Photo = ""
				}
				p.Refused = problem.Reason()
				l.problems = append(l.problems, problem)
			}
		}
	}
	sortSessions(l.subject.Sessions)
	var from []string
	for _, s := range []string{sourceEXIF, sourceDICOM, sourceName, sourceFolder} {
		if sources[s] > 0 {
			from = append(from, fmt.Sprintf("%d from the %s", sources[s], s))
		}
	}
	l.notes = append(l.notes, fmt.Sprintf("no %s: dates (%s) and views are guessed, consent is not recorded; `dermatrend init` writes the guess down",
		seriesFile, strings.Join(from, ", ")))
	l.notes = append(l.notes, notes(&l.subject)...)
	return l
}

// subjectID is the patient's id where DICOM files tell one that can name a folder,
// else the folder's name. Photos of several patients in one folder are a problem.
func subjectID(f folder, photos []found) (string, *Problem) {
	id, from := f.id(), ""
	for _, p := range photos {
		switch {
		case p.patient == "":
		case from == "":
			from = p.file
			if unsafeName(p.patient) == "" {
				id = p.patient
			}
		case p.patient != photos[slices.IndexFunc(photos, func(q found) bool { return q.file == from })].patient:
			return id, &Problem{File: f.dir, Message: fmt.Sprintf("photos %q and %q are of different patients, by their DICOM tags", from, p.file),
				Expected: "a folder for each person"}
		}
	}
	return id, nil
}

// sheetID is the id on the capture sheets in the photos, and the first of those that
// show it; both empty where none does. Sheets of several persons, or of another patient
// than the DICOM tags name, are a problem.
func sheetID(f folder, photos []found) (id, photo string, problem *Problem) {
	for _, p := range photos {
		switch {
		case p.code == "":
		case photo == "":
			id, photo = p.code, p.file
		case !sameName(p.code, id):
			return id, photo, &Problem{File: f.dir, Expected: "a folder for each person",
				Message: fmt.Sprintf("the capture sheets in %q and %q are those of different persons, %q and %q", photo, p.file, id, p.code),
				Hint:    "move the photos apart, or let `dermatrend init --from-camera-folder` copy each to its person"}
		}
	}
	for _, p := range photos {
		if id != "" && p.patient != "" && !sameName(p.patient, id) {
			return id, photo, &Problem{File: f.dir, Expected: "one person",
				Message: fmt.Sprintf("the capture sheet in %q is that of %q, photo %q is of patient %q by its DICOM tags", photo, id, p.file, p.patient)}
		}
	}
	return id, photo, nil
}

// sameName tells whether two ids are one, however their accents are written.
func sameName(a, b string) bool { return norm.NFC.String(a) == norm.NFC.String(b) }

// Sources of a date, in the order of trust.
const (
	sourceEXIF   = "EXIF date"
	sourceDICOM  = "DICOM date"
	sourceName   = "file name"
	sourceFolder = "folder name"
)

// firstDigitalYear: an earlier EXIF date is a clock that was never set.
const firstDigitalYear = 1995

// look reads date and view of each photo of a folder.
func look(f folder, today Date) []found {
	future := func(d Date) bool { return !today.IsZero() && d.After(today) }
	var all []found
	for _, file := range f.photos {
		p := found{file: file, view: viewInName(path.Base(file)), fault: fileFault(f.dir, file)}
		if p.fault == nil {
			full, source := filepath.Join(f.dir, filepath.FromSlash(file)), sourceEXIF
			d := exifDate(full)
			if d.IsZero() {
				source = sourceDICOM
				p.patient, d = dicomHead(full)
			}
			if !d.IsZero() && d.Year() >= firstDigitalYear && !future(d) {
				p.date, p.source = d, source
			} else if !d.IsZero() {
				p.note = fmt.Sprintf("photo %q: %s %s is not used, it cannot be right", file, source, d)
			}
		}
		name, dir := dateInName(path.Base(file)), Date{}
		if parent := path.Dir(file); parent != "." {
			dir = dateInName(parent)
		}
		switch {
		case p.date.IsZero() && !name.IsZero() && !future(name):
			p.date, p.source = name, sourceName
		case p.date.IsZero() && !dir.IsZero() && !future(dir):
			p.date, p.source = dir, sourceFolder
		case (p.source == sourceEXIF || p.source == sourceDICOM) && !name.IsZero():
			// A day apart is a time zone.
			if d := p.date.DaysSince(name); d < -1 || d > 1 {
				kind, _, _ := strings.Cut(p.source, " ")
				p.note = fmt.Sprintf("photo %q: %s says %s, the file name %s; %s is used", file, kind, p.date, name, kind)
			}
		}
		all = append(all, p)
	}
	return all
}

// sessionsOf makes one session of each day, s0 for the first. Photos come by
// view, then by name.
func sessionsOf(photos []found) []Session {
	byDay := slices.Clone(photos)
	slices.SortStableFunc(byDay, func(a, b found) int {
		if c := a.date.Compare(b.date.Time); c != 0 {
			return c
		}
		if c := strings.Compare(a.view, b.view); c != 0 {
			return c
		}
		return strings.Compare(a.file, b.file)
	})
	var sessions []Session
	for _, p := range byDay {
		if p.date.IsZero() {
			continue
		}
		if n := len(sessions); n == 0 || !sessions[n-1].Date.Equal(p.date.Time) {
			sessions = append(sessions, Session{ID: fmt.Sprintf("s%d", n), Date: p.date})
		}
		v := &sessions[len(sessions)-1]
		v.Photos = append(v.Photos, Photo{View: p.view, File: p.file})
	}
	return sessions
}

var nameDates = []*regexp.Regexp{
	regexp.MustCompile(`(?:^|\D)((?:19|20)\d\d)-(\d\d)-(\d\d)(?:\D|$)`),
	regexp.MustCompile(`(?:^|\D)((?:19|20)\d\d)_(\d\d)_(\d\d)(?:\D|$)`),
	regexp.MustCompile(`(?:^|\D)((?:19|20)\d\d)\.(\d\d)\.(\d\d)(?:\D|$)`),
	regexp.MustCompile(`(?:^|\D)((?:19|20)\d\d)(\d\d)(\d\d)(?:\D|$)`),
}

// dateInName finds a day in a name: 2026-01-10, 2026_01_10, 2026.01.10 or
// 20260110, year first, since 10-01-2026 may be January or October. Zero where
// there is none that the calendar has.
func dateInName(name string) Date {
	for _, re := range nameDates {
		if m := re.FindStringSubmatch(name); m != nil {
			if d, err := ParseDate(m[1] + "-" + m[2] + "-" + m[3]); err == nil {
				return d
			}
		}
	}
	return Date{}
}

var (
	sideAngle = regexp.MustCompile(`(?:^|[^a-z])(left|right|l|r)[ _-]?(45|90)(?:\D|$)`)
	angleSide = regexp.MustCompile(`(?:^|\D)(45|90)[ _-]?(left|right|l|r)(?:[^a-z]|$)`)
	sideAlone = regexp.MustCompile(`(?:^|[^a-z])(left|right)(?:[^a-z]|$)`)
	profile   = regexp.MustCompile(`(?:^|[^a-z])(profile|lateral)(?:[^a-z]|$)`)
	oblique   = regexp.MustCompile(`(?:^|[^a-z])(oblique)(?:[^a-z]|$)`)
)

// viewInName finds the view in a file name: left45, 45-left, L45, right_90, left,
// left-profile (left90), left-oblique (left45); front where there is none.
func viewInName(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, path.Ext(name)))
	side := map[string]string{"l": "left", "r": "right", "left": "left", "right": "right"}
	if m := sideAngle.FindStringSubmatch(name); m != nil {
		return side[m[1]] + m[2]
	}
	if m := angleSide.FindStringSubmatch(name); m != nil {
		return side[m[2]] + m[1]
	}
	m := sideAlone.FindStringSubmatch(name)
	switch {
	case m == nil:
		return ViewFront
	case profile.MatchString(name):
		return m[1] + "90"
	case oblique.MatchString(name):
		return m[1] + "45"
	}
	return m[1]
}
