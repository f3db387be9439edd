package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image/color"
	"strings"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/internal/dicom"
	"github.com/dermatrend/dermatrend/pipeline/internal/icc"
)

// dicomOf is a photograph of 320 x 250 pixels; changes replace attributes, or with a
// nil value leave them out.
func dicomOf(t testing.TB, syntax string, pixels any, changes ...dicom.Element) []byte {
	t.Helper()
	obj := []dicom.Element{
		{Tag: dicom.SOPClassUID, VR: "UI", Value: dicom.VLPhotographic}, {Tag: dicom.SOPInstanceUID, VR: "UI", Value: dicom.UID("test")},
		{Tag: dicom.Modality, VR: "CS", Value: "XC"}, {Tag: dicom.PatientID, VR: "LO", Value: "P7"},
		{Tag: dicom.StudyDate, VR: "DA", Value: "20260110"}, {Tag: dicom.Manufacturer, VR: "LO", Value: "Canon"}, {Tag: dicom.ManufacturerModelName, VR: "LO", Value: "EOS R8"},
		{Tag: dicom.SamplesPerPixel, VR: "US", Value: 3}, {Tag: dicom.PhotometricInterpretation, VR: "CS", Value: "RGB"}, {Tag: dicom.PlanarConfiguration, VR: "US", Value: 0},
		{Tag: dicom.Rows, VR: "US", Value: 250}, {Tag: dicom.Columns, VR: "US", Value: 320},
		{Tag: dicom.BitsAllocated, VR: "US", Value: 8}, {Tag: dicom.BitsStored, VR: "US", Value: 8}, {Tag: dicom.HighBit, VR: "US", Value: 7}, {Tag: dicom.PixelRepresentation, VR: "US", Value: 0},
		{Tag: dicom.PixelData, VR: "OB", Value: pixels},
	}
	for _, c := range changes {
		found := false
		for i := range obj {
			if obj[i].Tag == c.Tag {
				obj[i], found = c, true
			}
		}
		if !found {
			obj = append(obj, c)
		}
	}
	data, err := dicom.Write(syntax, obj)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func kind(s string) dicom.Element {
	return dicom.Element{Tag: dicom.PhotometricInterpretation, VR: "CS", Value: s}
}

func short(t dicom.Tag, n int) dicom.Element { return dicom.Element{Tag: t, VR: "US", Value: n} }

func TestDICOM(t *testing.T) {
	m := noisy(320, 250)
	rgb := rgbOf(m)
	planes := make([]byte, len(rgb))
	ybr := make([]byte, len(rgb))
	for i := range 320 * 250 {
		for k := range 3 {
			planes[k*320*250+i] = rgb[3*i+k]
		}
		ybr[3*i], ybr[3*i+1], ybr[3*i+2] = color.RGBToYCbCr(rgb[3*i], rgb[3*i+1], rgb[3*i+2])
	}
	file := jpegOf(t, m, 95)
	asJPEG, err := Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data []byte
		want []byte
		most float64
	}{
		"plain":  {dicomOf(t, dicom.ExplicitLE, rgb), rgb, 0},
		"planes": {dicomOf(t, dicom.ExplicitLE, planes, short(dicom.PlanarConfiguration, 1)), rgb, 0},
		"YCbCr":  {dicomOf(t, dicom.ExplicitLE, ybr, kind("YBR_FULL")), rgb, 3},
		"JPEG":   {dicomOf(t, dicom.JPEGBaseline, dicom.Fragments{file}, kind("YBR_FULL_422")), asJPEG.RGB.Pix, 0},
		"JPEG in parts, secondary capture": {dicomOf(t, dicom.JPEGBaseline, dicom.Fragments{file[:2000], file[2000:]}, kind("YBR_FULL_422"),
			dicom.Element{Tag: dicom.SOPClassUID, VR: "UI", Value: dicom.SecondaryCapture}), asJPEG.RGB.Pix, 0},
	} {
		p, err := Decode(c.data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, most := far(t, p.RGB, c.want); most > c.most {
			t.Errorf("%s: off by %v", name, most)
		}
		if p.Format != "DICOM" || p.NoColour != "" || p.Meta.Model != "Canon EOS R8" || p.Meta.Taken != time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC) {
			t.Errorf("%s: %+v, %q", name, p.Meta, p.NoColour)
		}
	}
	// A JPEG whose channels are red, green and blue is not taken for YCbCr.
	if out := tool(t, "libjpeg-turbo-progs", ppm(m), "cjpeg", "-quality", "98", "-rgb", "-outfile", "out", "in"); true {
		i := bytes.Index(out, []byte("\xff\xee")) // without Adobe's mark, as some devices write it
		out = append(append([]byte{}, out[:i]...), out[i+16:]...)
		for _, c := range []struct{ was, is string }{{"R", "\x01"}, {"G", "\x02"}, {"B", "\x03"}} { // numbered as YCbCr is
			sof, sos := bytes.Index(out, []byte("\xff\xc0")), bytes.Index(out, []byte("\xff\xda"))
			for k := range 3 {
				if at := sof + 10 + 3*k; string(out[at]) == c.was {
					out[at] = c.is[0]
				}
				if at := sos + 5 + 2*k; string(out[at]) == c.was {
					out[at] = c.is[0]
				}
			}
		}
		p, err := Decode(dicomOf(t, dicom.JPEGBaseline, dicom.Fragments{out}))
		if err != nil {
			t.Fatal(err)
		}
		if mean, _ := far(t, p.RGB, rgb); mean > 4 {
			t.Errorf("JPEG of red, green, blue: off by %.1f on average", mean)
		}
	}
	// A colour profile in the tags.
	p3, err := icc.Make(icc.DisplayP3)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Decode(dicomOf(t, dicom.ExplicitLE, rgb, dicom.Element{Tag: dicom.ICCProfile, VR: "OB", Value: p3}))
	if err != nil || bytes.Equal(p.RGB.Pix, rgb) || p.Profile == "" {
		t.Errorf("with a profile: %v", err)
	}
	// 12 bits of grey in 16: no colours.
	deep := make([]byte, 0, 2*320*250)
	for i := range 320 * 250 {
		deep = binary.LittleEndian.AppendUint16(deep, uint16(16*(i%250)))
	}
	grey := []dicom.Element{kind("MONOCHROME2"), short(dicom.SamplesPerPixel, 1), short(dicom.BitsAllocated, 16), short(dicom.BitsStored, 12)}
	p, err = Decode(dicomOf(t, dicom.ExplicitLE, deep, grey...))
	if err != nil || !strings.Contains(p.NoColour, "greyscale") || p.RGB.Pix[3*100] != 100 {
		t.Errorf("16-bit greyscale: %v", err)
	}
}

func TestDICOMJPEG2000(t *testing.T) {
	m := noisy(320, 250)
	dir := tool(t, "libopenjp2-tools", ppm(m), "sh", "-c", "command -v opj_compress >/dev/null || { touch out; exit; }; mv in in.ppm; opj_compress -i in.ppm -o o.j2k >/dev/null && mv o.j2k out")
	if len(dir) == 0 {
		t.Skip("no opj_compress (package libopenjp2-tools)")
	}
	p, err := Decode(dicomOf(t, dicom.JPEG2000Only, dicom.Fragments{dir}, kind("YBR_RCT")))
	if err != nil {
		t.Fatal(err)
	}
	if _, most := far(t, p.RGB, rgbOf(m)); most > 0 {
		t.Errorf("lossless JPEG 2000: off by %v", most)
	}
}

func TestBadDICOM(t *testing.T) {
	m := noisy(320, 250)
	rgb := rgbOf(m)
	file := jpegOf(t, m, 90)
	class := func(uid string) dicom.Element { return dicom.Element{Tag: dicom.SOPClassUID, VR: "UI", Value: uid} }
	modality := func(s string) dicom.Element { return dicom.Element{Tag: dicom.Modality, VR: "CS", Value: s} }
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"computed tomography":  {dicomOf(t, dicom.ExplicitLE, rgb, class("1.2.840.10008.5.1.4.1.1.2"), modality("CT")), "modality CT) is computed tomography"},
		"dermoscopy":           {dicomOf(t, dicom.ExplicitLE, rgb, class("1.2.840.10008.5.1.4.1.1.77.1.7"), modality("DMS")), "dermoscopy"},
		"unknown class":        {dicomOf(t, dicom.ExplicitLE, rgb, class("1.2.3.4")), "1.2.3.4"},
		"an X-ray on paper":    {dicomOf(t, dicom.ExplicitLE, rgb[:80000], class(dicom.SecondaryCapture), kind("MONOCHROME2"), short(dicom.SamplesPerPixel, 1)), "greyscale secondary capture"},
		"a film":               {dicomOf(t, dicom.ExplicitLE, rgb, dicom.Element{Tag: dicom.NumberOfFrames, VR: "IS", Value: 30}), "30 frames"},
		"too few pixels":       {dicomOf(t, dicom.ExplicitLE, rgb[:1000]), "holds 1000 bytes"},
		"a bomb":               {dicomOf(t, dicom.ExplicitLE, rgb, short(dicom.Rows, 65000), short(dicom.Columns, 65000)), "65000 x 65000"},
		"another size":         {dicomOf(t, dicom.JPEGBaseline, dicom.Fragments{file}, kind("YBR_FULL_422"), short(dicom.Rows, 251)), "the picture in it 320 x 250"},
		"RLE":                  {dicomOf(t, "1.2.840.10008.1.2.5", dicom.Fragments{rgb}), "RLE"},
		"palette":              {dicomOf(t, dicom.ExplicitLE, rgb, kind("PALETTE COLOR"), short(dicom.SamplesPerPixel, 1)), "PALETTE COLOR"},
		"cut JPEG":             {dicomOf(t, dicom.JPEGBaseline, dicom.Fragments{file[:3000]}, kind("YBR_FULL_422")), "cut off"},
		"cut off":              {dicomOf(t, dicom.ExplicitLE, rgb)[:5000], "cut off"},
		"no picture":           {dicomOf(t, dicom.ExplicitLE, rgb)[:900], "DICOM"},
		"profile of 50 MB":     {dicomOf(t, dicom.ExplicitLE, rgb, dicom.Element{Tag: dicom.ICCProfile, VR: "OB", Value: make([]byte, 50<<20)}), "52428800 bytes"},
		"JPEG 2000 of nothing": {dicomOf(t, dicom.JPEG2000, dicom.Fragments{rgb[:100]}, kind("YBR_ICT")), "code stream"},
	} {
		if p, err := Decode(c.data); p != nil || !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a refusal that says %q", name, err, c.want)
		}
	}
}
