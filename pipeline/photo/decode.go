package photo

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/internal/filetype"
	"github.com/dermatrend/dermatrend/pipeline/internal/icc"
)

// decoders are the formats that are read. Each checks the size before it decodes a
// pixel.
var decoders = map[string]func([]byte) (*picture, error){
	filetype.JPEG:  decodeJPEG,
	filetype.PNG:   decodePNG,
	filetype.TIFF:  decodeTIFF,
	filetype.WebP:  decodeWebP,
	filetype.DICOM: decodeDICOM,
	filetype.HEIC:  decodeHEIC,
}

// at tells whether the data have a text at a place.
func at(d []byte, i int, s string) bool { return len(d) >= i+len(s) && string(d[i:i+len(s)]) == s }

// picture is what a decoder gives.
type picture struct {
	rgb   cv.RGB   // as stored; empty where deep or cmyk holds the pixels
	deep  []uint16 // RGB of 16 bits instead, of the size of rgb
	cmyk  []byte   // ink instead, 255 is all of it
	icc   []byte   // the profile; nil: none
	meta  Meta
	notes []string
}

// Decode is Load for a file's content.
func Decode(data []byte) (*Photo, error) {
	if len(data) == 0 {
		return nil, refuse("the file is empty")
	}
	format := filetype.Of(data)
	decode := decoders[format]
	switch {
	case format == "":
		return nil, refuse("not a photo in a format that is read (%s), whatever its name says", filetype.Read)
	case decode == nil:
		return nil, refuse("a %s file; expected %s: convert it", format, filetype.Read)
	}
	pic, err := decode(data)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	p := &Photo{SHA256: hex.EncodeToString(sum[:]), Bytes: len(data), Format: format, Meta: pic.meta, Quality: math.NaN(), Notes: pic.notes}
	if format == filetype.JPEG {
		p.Quality = JPEGQuality(data)
	}
	if err := p.convert(pic); err != nil {
		return nil, err
	}
	if p.RGB, err = cv.Orient(p.RGB, p.Meta.Orientation); err != nil {
		return nil, err
	}
	return p, nil
}

// convert brings the pixels to sRGB, 8 bits.
func (p *Photo) convert(pic *picture) error {
	p.RGB = pic.rgb
	profile := pic.icc
	if profile == nil && p.Meta.adobeRGB && pic.cmyk == nil {
		var err error
		if profile, err = icc.Make(icc.AdobeRGB); err != nil {
			return err
		}
		p.Profile = "Adobe RGB (EXIF)"
	} else if profile != nil {
		p.Profile = icc.Name(profile)
	}
	if profile == nil {
		switch {
		case pic.cmyk != nil:
			p.RGB.Pix = make([]byte, 3*p.RGB.W*p.RGB.H)
			inkToRGB(p.RGB.Pix, pic.cmyk)
			p.NoColour = "the photo is CMYK without a colour profile, so that its colours are not known: export it as sRGB"
		case pic.deep != nil:
			p.RGB.Pix = make([]byte, len(pic.deep))
			for i, v := range pic.deep {
				p.RGB.Pix[i] = byte((uint32(v) + 128) / 257)
			}
		}
		p.seekColour()
		return nil
	}
	space, err := icc.Open(profile)
	if err != nil {
		return refuseProfile(err)
	}
	defer space.Close()
	want := icc.RGB
	if pic.cmyk != nil {
		want = icc.CMYK
	}
	switch {
	case space.Space == icc.Grey && want == icc.RGB:
		err = p.convertGrey(space, pic)
	case space.Space != want:
		return refuse("the embedded colour profile %q is not for the kind of pixels that the photo has; export it as sRGB", p.Profile)
	case pic.cmyk != nil:
		p.RGB.Pix = make([]byte, 3*p.RGB.W*p.RGB.H)
		err = space.ToSRGB(p.RGB.Pix, pic.cmyk)
	case pic.deep != nil:
		p.RGB.Pix = make([]byte, len(pic.deep))
		err = space.ToSRGB16(p.RGB.Pix, pic.deep)
	case !space.IsSRGB():
		err = space.ToSRGB(p.RGB.Pix, p.RGB.Pix)
	}
	if err != nil {
		return refuseProfile(err)
	}
	p.seekColour()
	return nil
}

// convertGrey brings the values of a greyscale photo, which are the same in all
// channels, to the curve of sRGB.
func (p *Photo) convertGrey(space *icc.Profile, pic *picture) error {
	n := p.RGB.W * p.RGB.H
	colours := errors.New("colour profile is for greyscale, but the photo has colours")
	p.RGB.Pix = make([]byte, 3*n)
	if pic.deep != nil {
		grey, ok := firstOf3(pic.deep)
		if !ok {
			return colours
		}
		return space.ToSRGB16(p.RGB.Pix, grey)
	}
	grey, ok := firstOf3(pic.rgb.Pix)
	if !ok {
		return colours
	}
	return space.ToSRGB(p.RGB.Pix, grey)
}

// firstOf3 is the first of every three values; ok is false where they differ.
func firstOf3[T byte | uint16](pix []T) (first []T, ok bool) {
	first = make([]T, len(pix)/3)
	for i := range first {
		if c := pix[3*i : 3*i+3]; c[0] != c[1] || c[1] != c[2] {
			return nil, false
		}
		first[i] = pix[3*i]
	}
	return first, true
}

// seekColour notes a photo that has none.
func (p *Photo) seekColour() {
	if p.NoColour != "" {
		return
	}
	for i := 0; i < len(p.RGB.Pix); i += 3 {
		if c := p.RGB.Pix[i : i+3]; c[0] != c[1] || c[1] != c[2] {
			return
		}
	}
	p.NoColour = "the photo is greyscale: photograph in colour"
}

// inkToRGB is the conversion where nothing is known of the inks: each takes its
// share of the light.
func inkToRGB(dst, cmyk []byte) {
	for i := 0; i < len(cmyk)/4; i++ {
		k := 255 - uint32(cmyk[4*i+3])
		for c := range 3 {
			dst[3*i+c] = byte((k*(255-uint32(cmyk[4*i+c])) + 127) / 255)
		}
	}
}

// refuseHeader is the refusal of a file whose header is broken or of a kind that is
// not read.
func refuseHeader(kind string, err error) error {
	return refuse("the %s header cannot be read (%v)", kind, err)
}

func refuseCutOff(kind string, n int) error {
	return refuse("the %s file is cut off before its end (%d bytes); copy it again from the camera", kind, n)
}

func refuseData(kind string, err error) error {
	if errors.Is(err, cv.ErrInput) {
		return refuse("the %s data cannot be decoded", kind)
	}
	return refuse("the %s data cannot be decoded (%s)", kind, fmt.Sprint(err))
}
