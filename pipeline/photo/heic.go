package photo

import (
	"errors"

	"github.com/bep/imagemeta"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/internal/heif"
	"github.com/dermatrend/dermatrend/pipeline/internal/icc"
)

// Codes of ISO/IEC 23091-2, 8.1 and 8.2.
const (
	primariesP3 = 12
	transferPQ  = 16
	transferHLG = 18
)

// decodeHEIC decodes the primary picture; thumbnails, gain maps and films beside it
// are not the photo.
func decodeHEIC(data []byte) (*picture, error) {
	h, err := heif.Decode(data, heif.Limits{MinSide: MinSide, MaxSide: MaxSide, MaxPixels: MaxPixels, MaxICC: icc.MaxBytes})
	if errors.Is(err, heif.ErrSize) {
		if err := checkSize(h.W, h.H); err != nil {
			return nil, err
		}
		return nil, refuseProfile(icc.CheckSize(h.ICCSize))
	}
	if err != nil {
		return nil, refuse("%v", err)
	}
	p := &picture{rgb: cv.RGB{W: h.W, H: h.H, Pix: h.RGB}, icc: h.ICC, meta: readMeta(data, imagemeta.HEIF)}
	p.meta.Orientation = 1 // libheif has turned it
	switch {
	case h.Transfer == transferPQ || h.Transfer == transferHLG:
		return nil, refuse("the HEIC photo is coded for HDR displays without a colour profile; set the camera to standard range, or convert it to JPEG")
	case h.ICC == nil && h.Primaries == primariesP3:
		if p.icc, err = icc.Make(icc.DisplayP3); err != nil {
			return nil, err
		}
	}
	return p, nil
}
