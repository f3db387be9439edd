package study

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/internal/dicom"
	"github.com/dermatrend/dermatrend/pipeline/internal/filetype"
)

// dicomHead is the id of the patient and the day of the picture in a DICOM file;
// empty and zero for other files, and where it does not say.
func dicomHead(file string) (patient string, day Date) {
	if filetype.Of(head(file)) != filetype.DICOM {
		return "", Date{}
	}
	f, err := os.Open(file)
	if err != nil {
		return "", Date{}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxHeadBytes))
	if err != nil {
		return "", Date{}
	}
	d, err := dicom.ReadHead(data)
	if err != nil {
		return "", Date{}
	}
	if t := d.Taken(); !t.IsZero() {
		y, m, dd := t.Date()
		day = Date{time.Date(y, m, dd, 0, 0, 0, 0, time.UTC)}
	}
	return d.Text(dicom.PatientID), day
}

// findStrangers marks DICOM photos of a manifest whose tags name another patient than
// the rest: than the one that the subject is called after, else than most, else than
// the first. Two faces may be like each other enough to be aligned; the tags are what
// the camera was told. The ids stay out of the messages, which may be shown.
func (m *manifest) findStrangers(file string) Problems {
	patients := map[*Photo]string{}
	files := map[string][]string{} // of each patient
	own := ""
	for _, ref := range m.photos {
		photo := &m.subject.Sessions[ref.session].Photos[ref.photo]
		if photo.Refused != "" {
			continue
		}
		id, _ := dicomHead(filepath.Join(m.subject.Dir, filepath.FromSlash(photo.File)))
		if id == "" {
			continue
		}
		patients[photo], files[id] = id, append(files[id], photo.File)
		if own == "" || own != m.subject.ID && (id == m.subject.ID || len(files[id]) > len(files[own])) {
			own = id
		}
	}
	var ps Problems
	for _, ref := range m.photos {
		session := &m.subject.Sessions[ref.session]
		photo := &session.Photos[ref.photo]
		if id := patients[photo]; id == own || id == "" {
			continue
		}
		p := Problem{File: file, Line: ref.at.line, Column: ref.at.col, Session: session.ID, Photo: photo.File,
			Message:  fmt.Sprintf("photo %q: the DICOM tags name another patient than those of %q", photo.File, files[own][0]),
			Expected: "photos of one person", Hint: "move it to the folder of that person, or mend the tags"}
		photo.Refused = p.Reason()
		ps = append(ps, p)
	}
	return ps
}
