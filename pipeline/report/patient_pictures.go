package report

import (
	"bytes"
	"image"
	"os"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// loadPairs reads the aligned pictures of all visits and keeps, of each series, the
// baseline's and the one that it is compared with, within the size of a page. It
// follows no path and no link out of source.
func loadPairs(source string, s result.Subject) (*gallery, error) {
	g := &gallery{pictures: map[string]picture{}}
	var paths []string
	for _, series := range s.Series {
		for _, v := range series.Visits {
			if p := v.Pictures[aligned]; p != "" {
				paths = append(paths, p)
			}
		}
	}
	if len(paths) == 0 {
		return g, nil
	}
	root, err := os.OpenRoot(source)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	for _, path := range paths {
		if p, err := readPicture(root, path); err == nil {
			g.pictures[path] = p
		}
	}
	pairs := map[string]picture{}
	// keep takes a picture into the pairs, or out of the gallery where its pixels
	// cannot be read.
	keep := func(v result.Visit) bool {
		path := v.Pictures[aligned]
		p, ok := g.pictures[path]
		if !ok {
			return false
		}
		if _, _, err := image.Decode(bytes.NewReader(p.bytes)); err != nil {
			delete(g.pictures, path)
			return false
		}
		pairs[path] = p
		return true
	}
	for _, series := range s.Series {
		base := baseline(series.Visits)
		if base < 0 || !keep(series.Visits[base]) {
			continue
		}
		for i := compared(series, g); i >= 0 && !keep(series.Visits[i]); {
			i = compared(series, g)
		}
	}
	g.pictures = pairs
	return g, g.fit(picturesBudget)
}

// patientViewer is the slider over the baseline and one later photo.
type patientViewer struct {
	viewerView
	Front bool // the person's left is on the right of the photo
	Apart bool // the two photos could not be compared
}

func (w patientWords) viewer(id string, s result.Series, g *gallery) patientViewer {
	v := patientViewer{viewerView: viewerView{ID: id}, Front: s.View == "front"}
	base := baseline(s.Visits)
	if base < 0 {
		return v
	}
	start := s.Visits[base]
	pic, ok := g.pictures[start.Pictures[aligned]]
	if !ok {
		return v
	}
	show := func(part, label string, p picture) layer {
		return layer{ID: id + "-" + part, Label: label, Alt: w.tell("patient.photo_alt", label), Src: p.src(), Shown: true}
	}
	v.Base, v.W, v.H = show("start", w.photo(w.tell("patient.photo_start"), start), pic), pic.w, pic.h
	if i := compared(s, g); i >= 0 {
		later := s.Visits[i]
		v.Others = []layer{show("later", w.photo(w.later(start, later), later), g.pictures[later.Pictures[aligned]])}
		v.HasComparison, v.Apart = true, !later.Comparable
	}
	v.scaleBar(s.PictureMMPerPx)
	return v
}

// later says how long after the baseline a visit was.
func (w patientWords) later(start, v result.Visit) string {
	switch days := v.Day - start.Day; {
	case days == 1:
		return w.tell("patient.photo_day")
	case days > 1:
		return w.tell("patient.photo_days", days)
	}
	return w.tell("patient.photo_later")
}

// photo is the label of a photo, with its date where dates are shown.
func (w patientWords) photo(label string, v result.Visit) string {
	if d := w.date(v.Date); w.dates && d != "" {
		return w.tell("patient.photo_dated", label, d)
	}
	return label
}
