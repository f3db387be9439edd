package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/internal/dicom"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// dicomSink writes the aligned pictures of a person as VL Photographic Images and the
// results as an Encapsulated PDF. Names, dates and ids are those of the export: codes
// and days. The pictures show faces, which no code hides.
type dicomSink struct {
	dir  string
	opts Options
}

func newDICOM(dir string, o Options) (*dicomSink, error) {
	return &dicomSink{dir, o}, os.Mkdir(dir, 0o700)
}

// deidentified says in the files what was done (PS3.3, C.7.1.1 and C.7.6.1).
const deidentified = "codes for names, days for dates; faces are shown"

func (s *dicomSink) add(e *Writer, p *person, raw result.Subject) error {
	sessions, _ := sessionOrder(raw)
	number := 0
	for i, v := range raw.Series {
		view := e.key.view(v.View)
		for _, x := range v.Visits {
			if x.Pictures["aligned"] == "" {
				continue
			}
			data, err := s.opts.Picture(raw.ID, x.Pictures["aligned"])
			if err != nil {
				return err
			}
			number++
			obj, err := s.photograph(p, view, i+1, number, v, x, sessionCode(slices.Index(sessions, x.Session)), data)
			if err != nil {
				return err
			}
			if err := s.file(fmt.Sprintf("%s-%03d.dcm", p.code, number), dicom.JPEGBaseline, obj); err != nil {
				return err
			}
		}
	}
	doc, err := resultsPDF(p)
	if err != nil {
		return err
	}
	return s.file(p.code+"-report.dcm", dicom.ExplicitLE, s.document(p, len(raw.Series)+1, doc))
}

func (s *dicomSink) file(name, syntax string, obj []dicom.Element) error {
	data, err := dicom.Write(syntax, obj)
	if err != nil {
		return err
	}
	f, err := create(filepath.Join(s.dir, name))
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if e := f.close(); err == nil {
		err = e
	}
	return err
}

// common are the modules that all objects have: patient, study, series, equipment.
func (s *dicomSink) common(p *person, class, modality, series string, seriesNumber, instance int, content []byte) []dicom.Element {
	sum := sha256.Sum256(content)
	return []dicom.Element{
		{Tag: dicom.SOPClassUID, VR: "UI", Value: class},
		{Tag: dicom.SOPInstanceUID, VR: "UI", Value: dicom.UID("instance", p.code, series, fmt.Sprint(instance), hex.EncodeToString(sum[:]))},
		{Tag: dicom.PatientName, VR: "PN", Value: p.code + "^"}, {Tag: dicom.PatientID, VR: "LO", Value: p.code},
		{Tag: dicom.PatientBirthDate, VR: "DA", Value: ""}, {Tag: dicom.PatientSex, VR: "CS", Value: ""},
		{Tag: dicom.PatientIdentityRemoved, VR: "CS", Value: "YES"}, {Tag: dicom.DeidentificationMethod, VR: "LO", Value: deidentified},
		{Tag: dicom.StudyInstanceUID, VR: "UI", Value: dicom.UID("study", p.code)},
		{Tag: dicom.StudyDate, VR: "DA", Value: ""}, {Tag: dicom.StudyTime, VR: "TM", Value: ""}, {Tag: dicom.AccessionNumber, VR: "SH", Value: ""},
		{Tag: dicom.ReferringPhysicianName, VR: "PN", Value: ""}, {Tag: dicom.StudyID, VR: "SH", Value: "1"},
		{Tag: dicom.StudyDescription, VR: "LO", Value: "Series of photographs of facial skin"},
		{Tag: dicom.Modality, VR: "CS", Value: modality}, {Tag: dicom.SeriesInstanceUID, VR: "UI", Value: dicom.UID("series", p.code, series)},
		{Tag: dicom.SeriesNumber, VR: "IS", Value: seriesNumber}, {Tag: dicom.SeriesDescription, VR: "LO", Value: series},
		{Tag: dicom.Manufacturer, VR: "LO", Value: "dermatrend"}, {Tag: dicom.SoftwareVersions, VR: "LO", Value: dicom.Clean(p.Version, 64)},
		{Tag: dicom.InstanceNumber, VR: "IS", Value: instance},
	}
}

// photograph is an aligned picture as a VL Photographic Image (PS3.3, A.32.4).
func (s *dicomSink) photograph(p *person, view string, series, number int, v result.Series, x result.Visit, session string, data []byte) ([]dicom.Element, error) {
	data, err := bareJPEG(data)
	if err != nil {
		return nil, err
	}
	cfg, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("an aligned picture: %w", err)
	}
	side := "" // a face from the front is no paired part of the body; absent, checkers miss it
	switch {
	case strings.HasPrefix(view, "left"):
		side = "L"
	case strings.HasPrefix(view, "right"):
		side = "R"
	}
	scale := "no scale"
	if v.PictureMMPerPx > 0 {
		scale = fmt.Sprintf("%s mm per pixel", v.PictureMMPerPx.Cell())
	}
	face := []dicom.Element{{Tag: dicom.CodeValue, VR: "SH", Value: "89545001"}, {Tag: dicom.CodingSchemeDesignator, VR: "SH", Value: "SCT"}, {Tag: dicom.CodeMeaning, VR: "LO", Value: "Face"}}
	return append(s.common(p, dicom.VLPhotographic, "XC", "view "+view, series, number, data),
		dicom.Element{Tag: dicom.ImageType, VR: "CS", Value: `DERIVED\PRIMARY`},
		dicom.Element{Tag: dicom.Laterality, VR: "CS", Value: side}, dicom.Element{Tag: dicom.PatientOrientation, VR: "CS", Value: ""},
		dicom.Element{Tag: dicom.ImageComments, VR: "LT", Value: fmt.Sprintf("Session %s, day %d since baseline, aligned to it; %s", session, x.Day, scale)},
		dicom.Element{Tag: dicom.AnatomicRegion, VR: "SQ", Value: [][]dicom.Element{face}},
		dicom.Element{Tag: dicom.AcquisitionContext, VR: "SQ", Value: [][]dicom.Element{}},
		dicom.Element{Tag: dicom.SamplesPerPixel, VR: "US", Value: 3}, dicom.Element{Tag: dicom.PhotometricInterpretation, VR: "CS", Value: "YBR_FULL_422"},
		dicom.Element{Tag: dicom.PlanarConfiguration, VR: "US", Value: 0}, dicom.Element{Tag: dicom.Rows, VR: "US", Value: cfg.Height}, dicom.Element{Tag: dicom.Columns, VR: "US", Value: cfg.Width},
		dicom.Element{Tag: dicom.BitsAllocated, VR: "US", Value: 8}, dicom.Element{Tag: dicom.BitsStored, VR: "US", Value: 8},
		dicom.Element{Tag: dicom.HighBit, VR: "US", Value: 7}, dicom.Element{Tag: dicom.PixelRepresentation, VR: "US", Value: 0},
		dicom.Element{Tag: dicom.BurnedInAnnotation, VR: "CS", Value: "NO"}, dicom.Element{Tag: dicom.RecognizableFeatures, VR: "CS", Value: "YES"},
		dicom.Element{Tag: dicom.LossyImageCompression, VR: "CS", Value: "01"}, dicom.Element{Tag: dicom.LossyMethod, VR: "CS", Value: "ISO_10918_1"},
		dicom.Element{Tag: dicom.LossyRatio, VR: "DS", Value: float64(3*cfg.Width*cfg.Height) / float64(len(data))},
		dicom.Element{Tag: dicom.PixelData, VR: "OB", Value: dicom.Fragments{data}}), nil
}

// document is a PDF as an Encapsulated PDF (PS3.3, A.45.1).
func (s *dicomSink) document(p *person, series int, doc []byte) []dicom.Element {
	return append(s.common(p, dicom.EncapsulatedPDF, "DOC", "results", series, 1, doc),
		dicom.Element{Tag: dicom.ConversionType, VR: "CS", Value: "SD"},
		dicom.Element{Tag: dicom.ContentDate, VR: "DA", Value: ""}, dicom.Element{Tag: dicom.ContentTime, VR: "TM", Value: ""},
		dicom.Element{Tag: dicom.AcquisitionDateTime, VR: "DT", Value: ""}, dicom.Element{Tag: dicom.BurnedInAnnotation, VR: "CS", Value: "NO"},
		dicom.Element{Tag: dicom.RecognizableFeatures, VR: "CS", Value: "NO"},
		dicom.Element{Tag: dicom.DocumentTitle, VR: "ST", Value: "Measurements of a series of photographs"},
		dicom.Element{Tag: dicom.ConceptNameCode, VR: "SQ", Value: [][]dicom.Element{}},
		dicom.Element{Tag: dicom.MIMEType, VR: "LO", Value: "application/pdf"}, dicom.Element{Tag: dicom.EncapsulatedLength, VR: "UL", Value: len(doc)},
		dicom.Element{Tag: dicom.EncapsulatedDocument, VR: "OB", Value: doc})
}

// bareJPEG is a JPEG without what may say more than the picture: EXIF, comments,
// previews, and all behind its end. The pixels stay as they are.
func bareJPEG(d []byte) ([]byte, error) {
	broken := fmt.Errorf("an aligned picture is no whole JPEG")
	if len(d) < 4 || d[0] != 0xff || d[1] != 0xd8 {
		return nil, broken
	}
	out := []byte{0xff, 0xd8}
	for i := 2; i+4 <= len(d) && d[i] == 0xff; {
		m, n := d[i+1], 2+int(d[i+2])<<8+int(d[i+3])
		if i+n > len(d) {
			return nil, broken
		}
		if !(m > 0xe0 && m <= 0xef && m != 0xee || m == 0xfe) { // APP1 to APP15 but Adobe's, COM
			out = append(out, d[i:i+n]...)
		}
		i += n
		if m != 0xda {
			continue
		}
		end := bytes.Index(d[i:], []byte{0xff, 0xd9}) // our own are of one scan
		if end < 0 {
			return nil, broken
		}
		return append(out, d[i:i+end+2]...), nil
	}
	return nil, broken
}
