package report

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"image"
	"image/png"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/disintegration/imaging"

	"github.com/dermatrend/dermatrend/pipeline/files"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// PatientOptions are what the page of a patient shows beside the results.
type PatientOptions struct {
	Lang   string // one of [Languages]; empty: English
	Clinic string // name; empty: that of the results
	Logo   []byte // of the clinic, a PNG or JPEG file; nil: none
	// Who looked through the results, and when (YYYY-MM-DD). Without a name the page
	// says that nobody did.
	ReviewedBy, ReviewedOn string
	Dates                  bool // dates of the photos; else days since the baseline
}

// WritePatient writes dir/patient.html, whole or not at all, readable by its owner
// only: a person's own results in plain words. source is OUT/<subject>/ and holds
// the pictures that the visits name; one that is missing, cannot be decoded or lies
// outside source is left out.
//
// The page says what got better or worse where a verdict does, what did not change
// detectably, and what cannot be said, with the reason by name: the free text of
// results, which has one language, stays behind. It is an error where the language
// is not known, or the logo is not a picture.
func WritePatient(dir, source string, s result.Subject, o PatientOptions) error {
	page, err := patientPage(source, s, o)
	if err == nil {
		err = files.Replace(filepath.Join(dir, "patient.html"), page)
	}
	if err != nil {
		return fmt.Errorf("page for the patient %s: %w", plain(s.ID, nameRunes), err)
	}
	return nil
}

func patientPage(source string, s result.Subject, o PatientOptions) ([]byte, error) {
	m, err := language(o.Lang)
	if err != nil {
		return nil, err
	}
	view, err := newPatientView(source, s, o, patientWords{m, o.Dates})
	if err != nil {
		return nil, err
	}
	style := css + asset("patient.css")
	set, err := template.New("").Funcs(template.FuncMap{
		"t":      m.say,
		"css":    func() template.CSS { return template.CSS(style) },
		"script": func() template.JS { return template.JS(script) },
		"policy": func() string { return policy(style, script) },
	}).ParseFS(assets, "assets/shared.html", "assets/patient.html")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := set.ExecuteTemplate(&b, "patient.html", view); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// patientView is the page of one patient.
type patientView struct {
	ID, Version string
	Facts       []fact
	Logo        template.HTMLAttr
	LogoW       int
	LogoH       int
	Short       []patientShort
	Series      []patientSeries
	Mind        []patientMind
	Advice      []string
}

// patientShort is one sentence of the summary.
type patientShort struct{ Class, Text string }

// patientMind is a reservation about results: about all of them, or those marked
// with its name.
type patientMind struct{ Name, Text string }

func newPatientView(source string, s result.Subject, o PatientOptions, w patientWords) (*patientView, error) {
	v := &patientView{ID: plain(s.ID, nameRunes), Version: plain(s.Version, nameRunes)}
	if err := v.logo(o.Logo); err != nil {
		return nil, err
	}
	g, err := loadPairs(source, s)
	if err != nil {
		return nil, err
	}
	v.facts(s, o, w)
	shared := sharedQualifiers(s)
	for i, series := range s.Series {
		p := w.series("p"+strconv.Itoa(i), series, shared)
		p.Viewer = w.viewer(p.ID, series, g)
		if len(s.Series) > 1 {
			p.View = w.name("view", series.View)
		}
		v.Series = append(v.Series, p)
	}
	v.short(w)
	v.Mind = w.mind(s, shared)
	v.Advice = w.advice(s)
	return v, nil
}

// facts names the person, the clinic, when photos were taken and who looked at the
// results.
func (v *patientView) facts(s result.Subject, o PatientOptions, w patientWords) {
	clinic := plain(o.Clinic, nameRunes)
	if clinic == "" {
		clinic = plain(s.Clinic, nameRunes)
	}
	if clinic != "" {
		v.Facts = append(v.Facts, fact{w.tell("patient.clinic"), clinic})
	}
	var dates []string
	for _, series := range s.Series {
		for _, visit := range series.Visits {
			if w.date(visit.Date) != "" {
				dates = append(dates, visit.Date)
			}
		}
	}
	if len(dates) > 0 && w.dates {
		first, last := w.date(slices.Min(dates)), w.date(slices.Max(dates))
		if first != last {
			first = w.tell("patient.from_to", first, last)
		}
		v.Facts = append(v.Facts, fact{w.tell("patient.period"), first})
	}
	reviewed := plain(o.ReviewedBy, nameRunes)
	switch on := w.date(o.ReviewedOn); {
	case reviewed == "":
		reviewed = w.tell("patient.not_reviewed")
	case on != "":
		reviewed = w.tell("patient.reviewed_on", reviewed, on)
	case o.ReviewedOn != "":
		reviewed = w.tell("patient.reviewed_on", reviewed, plain(o.ReviewedOn, nameRunes))
	}
	v.Facts = append(v.Facts, fact{w.tell("patient.reviewed"), reviewed})
}

// short sums the page up: what got worse comes first.
func (v *patientView) short(w patientWords) {
	var worse, better, same, unknown bool
	for _, p := range v.Series {
		worse = worse || len(p.Worse) > 0
		better = better || len(p.Better) > 0
		same = same || len(p.Same) > 0
		unknown = unknown || len(p.Unknown) > 0
	}
	for _, line := range []struct {
		holds       bool
		class, text string
	}{
		{worse, "worsened", w.tell("patient.short_worse")},
		{better, "improved", w.tell("patient.short_better")},
		{same, "no_detectable_change", w.tell("patient.short_same")},
		{unknown, "not_comparable", w.tell("patient.short_unknown")},
		{!worse && !better && !same && !unknown, "not_comparable", w.tell("patient.short_none")},
	} {
		if line.holds {
			v.Short = append(v.Short, patientShort{line.class, line.text})
		}
	}
}

// Sides of a logo as the page holds it, px: twice what it shows.
const (
	logoWidth  = 440
	logoHeight = 160
)

// logo decodes a logo and encodes it anew, so that the page holds its pixels and
// nothing else that the file may carry.
func (v *patientView) logo(file []byte) error {
	if file == nil {
		return nil
	}
	img, err := decodeLogo(file)
	if err != nil {
		return fmt.Errorf("logo: %w", err)
	}
	small := imaging.Fit(img, logoWidth, logoHeight, imaging.Lanczos)
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, small); err != nil {
		return fmt.Errorf("logo: %w", err)
	}
	size := small.Bounds().Size()
	v.Logo = picture{bytes: b.Bytes(), format: "png"}.src()
	v.LogoW, v.LogoH = max(1, size.X/2), max(1, size.Y/2)
	return nil
}

func decodeLogo(file []byte) (image.Image, error) {
	p, err := identify(file)
	if errors.Is(err, image.ErrFormat) {
		return nil, errors.New("is not a picture, neither PNG nor JPEG")
	}
	if err != nil {
		return nil, err
	}
	img, _, err := image.Decode(bytes.NewReader(p.bytes))
	return img, err
}

// date is a date in the language; empty where it is none.
func (w patientWords) date(s string) string {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return ""
	}
	return w.tell("patient.date", d.Day(), w.name("patient_month", strconv.Itoa(int(d.Month()))), d.Year())
}
