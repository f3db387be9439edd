package photo

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"

	"github.com/bep/imagemeta"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/internal/icc"
	turbo "github.com/dermatrend/dermatrend/pipeline/internal/jpeg"
)

// decodeJPEG decodes the first picture of a file, which is the photo itself: what
// phones put behind it (previews of half the size, gain maps, films) has an end of
// its own.
func decodeJPEG(data []byte) (*picture, error) {
	cfg, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, refuseHeader("JPEG", err)
	}
	if err := checkSize(cfg.Width, cfg.Height); err != nil {
		return nil, err
	}
	if !completeJPEG(data) {
		return nil, refuseCutOff("JPEG", len(data))
	}
	p := &picture{meta: readMeta(data, imagemeta.JPEG)}
	if p.icc, err = jpegICC(data); err != nil {
		return nil, err
	}
	if cfg.ColorModel == color.CMYKModel {
		// OpenCV takes all inks for Adobe's, which are inverted, and knows no profile.
		m, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			return nil, refuseData("JPEG", err)
		}
		ink, ok := m.(*image.CMYK)
		if !ok || ink.Stride != 4*cfg.Width {
			return nil, refuseData("JPEG", cv.ErrInput)
		}
		p.rgb.W, p.rgb.H, p.cmyk = cfg.Width, cfg.Height, ink.Pix[:4*cfg.Width*cfg.Height]
		return p, nil
	}
	p.rgb = cv.NewRGB(cfg.Width, cfg.Height)
	if err := turbo.Decode(p.rgb.Pix, cfg.Width, cfg.Height, data); err != nil {
		return nil, refuse("the file is damaged (%v); copy it again from the camera", err)
	}
	return p, nil
}

// completeJPEG walks the segments to the end-of-image marker. What follows it
// (previews, motion photos) does not matter.
func completeJPEG(d []byte) bool {
	for i := 2; i+1 < len(d); {
		if d[i] != 0xff {
			return false
		}
		m := d[i+1]
		switch {
		case m == 0xff: // fill byte
			i++
			continue
		case m == 0xd9:
			return true
		case m == 0x01 || m >= 0xd0 && m <= 0xd8:
			i += 2
			continue
		}
		if i+3 >= len(d) {
			return false
		}
		i += 2 + int(d[i+2])<<8 + int(d[i+3])
		if m != 0xda {
			continue
		}
		// Entropy-coded data: up to the next marker that is not a stuffed zero or a
		// restart.
		for i+1 < len(d) {
			next := bytes.IndexByte(d[i:], 0xff)
			if next < 0 || i+next+1 >= len(d) {
				return false
			}
			if i += next; d[i+1] != 0 && (d[i+1] < 0xd0 || d[i+1] > 0xd7) {
				break
			}
			i++
		}
	}
	return false
}

// jpegICC joins the ICC_PROFILE segments of a JPEG, in the order of the file; nil
// where there are none.
func jpegICC(d []byte) ([]byte, error) {
	const id = "ICC_PROFILE\x00"
	var parts [][]byte
	size := 0
	for i := 2; i+4 <= len(d) && d[i] == 0xff && d[i+1] != 0xda && d[i+1] != 0xd9; {
		n := int(d[i+2])<<8 + int(d[i+3])
		if end := i + 2 + n; d[i+1] == 0xe2 && end <= len(d) && n > len(id)+4 && at(d, i+4, id) {
			parts = append(parts, d[i+4+len(id)+2:end])
			size += len(parts[len(parts)-1])
		}
		i += 2 + n
	}
	if parts == nil {
		return nil, nil
	}
	if err := icc.CheckSize(size); err != nil {
		return nil, refuseProfile(err)
	}
	return bytes.Join(parts, nil), nil
}

func refuseProfile(err error) error {
	return refuse("the embedded %v; export the photo as sRGB", err)
}
