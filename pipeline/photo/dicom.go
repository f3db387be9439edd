package photo

import (
	"bytes"
	"encoding/binary"
	"image/color"
	"image/jpeg"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/internal/dicom"
	"github.com/dermatrend/dermatrend/pipeline/internal/icc"
	turbo "github.com/dermatrend/dermatrend/pipeline/internal/jpeg"
)

// decodeDICOM decodes a photograph: an object of class VL Photographic Image, or a
// Secondary Capture with colours, of one frame, plain or packed as JPEG or JPEG 2000.
func decodeDICOM(data []byte) (*picture, error) {
	f, err := dicom.Read(data)
	if err != nil {
		return nil, refuse("the file cannot be read as %v", err)
	}
	class, kind := f.Text(dicom.SOPClassUID), f.Text(dicom.PhotometricInterpretation)
	grey := strings.HasPrefix(kind, "MONOCHROME")
	switch {
	case class != dicom.VLPhotographic && class != dicom.SecondaryCapture:
		return nil, refuse("the DICOM file (modality %s) is %s; expected a photograph (VL Photographic Image)", printable(f.Text(dicom.Modality)), printable(dicom.ClassName(class)))
	case class == dicom.SecondaryCapture && grey:
		return nil, refuse("the DICOM file (modality %s) is a greyscale secondary capture; expected a photograph (VL Photographic Image)", printable(f.Text(dicom.Modality)))
	case f.Integer(dicom.NumberOfFrames, 1) != 1:
		return nil, refuse("the DICOM file has %d frames; expected one photograph", f.Integer(dicom.NumberOfFrames, 1))
	}
	w, h := f.Short(dicom.Columns), f.Short(dicom.Rows)
	if err := checkSize(w, h); err != nil {
		return nil, err
	}
	p := &picture{meta: Meta{Orientation: 1, Taken: f.Taken()}}
	p.meta.Model = printable(strings.TrimSpace(f.Text(dicom.Manufacturer) + " " + f.Text(dicom.ManufacturerModelName)))
	if b := f.Bytes(dicom.ICCProfile); len(b) > 0 {
		if err := icc.CheckSize(len(b)); err != nil {
			return nil, refuseProfile(err)
		}
		p.icc = b
	}
	if len(f.Pixels) == 0 {
		return nil, refuse("the DICOM file holds no picture")
	}
	switch f.Syntax {
	case dicom.ExplicitLE, dicom.ImplicitLE:
		return p, p.plain(f, w, h)
	case dicom.JPEGBaseline, dicom.JPEGExtended, dicom.JPEG2000, dicom.JPEG2000Only:
		return p, p.packed(f, w, h)
	}
	return nil, refuse("the picture in the DICOM file is packed as %s; expected JPEG, JPEG 2000 or plain values", printable(dicom.SyntaxName(f.Syntax)))
}

// plain reads pixels that are not packed (PS3.3, C.7.6.3).
func (p *picture) plain(f *dicom.File, w, h int) error {
	pix, n := f.Pixels[0], w*h
	samples, bits, stored := f.Short(dicom.SamplesPerPixel), f.Short(dicom.BitsAllocated), f.Short(dicom.BitsStored)
	kind := f.Text(dicom.PhotometricInterpretation)
	if len(pix) < n*samples*bits/8 || samples < 1 {
		return refuse("the DICOM file says %d x %d pixels, but holds %d bytes of them", w, h, len(pix))
	}
	p.rgb = cv.NewRGB(w, h)
	out := p.rgb.Pix
	switch {
	case samples == 1 && (kind == "MONOCHROME2" || kind == "MONOCHROME1") && f.Short(dicom.PixelRepresentation) == 0 &&
		(bits == 8 && stored == 8 || bits == 16 && stored > 8 && stored <= 16):
		for i := range n {
			v := pix[min(i, len(pix)-1)]
			if bits == 16 {
				v = byte(binary.LittleEndian.Uint16(pix[2*i:]) >> (stored - 8))
			}
			if kind == "MONOCHROME1" { // 0 is white
				v = 255 - v
			}
			out[3*i], out[3*i+1], out[3*i+2] = v, v, v
		}
	case samples == 3 && bits == 8 && (kind == "RGB" || kind == "YBR_FULL"):
		if f.Short(dicom.PlanarConfiguration) == 1 {
			for i := range n {
				out[3*i], out[3*i+1], out[3*i+2] = pix[i], pix[n+i], pix[2*n+i]
			}
		} else {
			copy(out, pix)
		}
		if kind == "YBR_FULL" {
			for i := 0; i < len(out); i += 3 {
				out[i], out[i+1], out[i+2] = color.YCbCrToRGB(out[i], out[i+1], out[i+2])
			}
		}
	default:
		return refuse("pixels of kind %q, %d values of %d bits, in a DICOM file are not read; expected RGB of 8 bits, or JPEG", printable(kind), samples, bits)
	}
	return nil
}

// packed reads pixels that are a JPEG or JPEG 2000.
func (p *picture) packed(f *dicom.File, w, h int) error {
	data := bytes.Join(f.Pixels, nil)
	kind := f.Text(dicom.PhotometricInterpretation)
	var iw, ih int
	switch f.Syntax {
	case dicom.JPEGBaseline, dicom.JPEGExtended:
		data = bytes.TrimRight(data, "\x00")
		cfg, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			return refuseHeader("JPEG", err)
		}
		if !completeJPEG(data) {
			return refuseCutOff("JPEG", len(data))
		}
		if iw, ih = cfg.Width, cfg.Height; kind == "RGB" && !bytes.Contains(data[:min(len(data), 4096)], []byte("Adobe")) {
			// Without a mark of their own, three channels are taken for YCbCr: Adobe's, with
			// transform 0, says that they are not.
			data = append([]byte("\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"), data[2:]...)
		}
		if iw != w || ih != h {
			break
		}
		p.rgb = cv.NewRGB(w, h)
		if err := turbo.Decode(p.rgb.Pix, w, h, data); err != nil {
			return refuse("the picture in the DICOM file is damaged (%v)", err)
		}
		return nil
	default:
		if kind != "RGB" && kind != "YBR_RCT" && kind != "YBR_ICT" && kind != "MONOCHROME2" {
			return refuse("pixels of kind %q in JPEG 2000 are not read; expected RGB", printable(kind))
		}
		if len(data) < 24 || string(data[:4]) != "\xff\x4f\xff\x51" {
			return refuse("the JPEG 2000 data begin with no code stream")
		}
		size := func(at int) int { return int(binary.BigEndian.Uint32(data[at:])) }
		iw, ih = size(8)-size(16), size(12)-size(20)
	}
	if iw != w || ih != h {
		return refuse("the DICOM file says %d x %d pixels, the picture in it %d x %d", w, h, iw, ih)
	}
	var err error
	if p.rgb, err = cv.Decode(data); err != nil || p.rgb.W != w || p.rgb.H != h {
		return refuse("the picture in the DICOM file cannot be decoded")
	}
	return nil
}
