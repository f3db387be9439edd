package photo

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image/color"
	"image/png"
	"io"

	"github.com/bep/imagemeta"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/internal/icc"
)

// decodePNG drops transparency. Of 16 bits the lower 8 are dropped, too, where no
// profile is to be applied to them.
func decodePNG(data []byte) (*picture, error) {
	cfg, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, refuseHeader("PNG", err)
	}
	if err := checkSize(cfg.Width, cfg.Height); err != nil {
		return nil, err
	}
	profile, complete := pngChunks(data)
	if !complete {
		return nil, refuseCutOff("PNG", len(data))
	}
	p := &picture{meta: readMeta(data, imagemeta.PNG)}
	if profile != nil {
		if p.icc, err = pngICC(profile); err != nil {
			return nil, err
		}
	}
	if p.icc != nil && (cfg.ColorModel == color.Gray16Model || cfg.ColorModel == color.RGBA64Model || cfg.ColorModel == color.NRGBA64Model) {
		m, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			return nil, refuseData("PNG", err)
		}
		return p, p.take(m)
	}
	if p.rgb, err = cv.Decode(data); err != nil {
		return nil, refuseData("PNG", err)
	}
	return p, nil
}

// pngChunks walks the chunks to IEND, and finds the one with the colour profile.
func pngChunks(d []byte) (profile []byte, complete bool) {
	for i := 8; i+12 <= len(d); {
		n := int(binary.BigEndian.Uint32(d[i:]))
		if n > len(d)-i-12 {
			return profile, false
		}
		switch string(d[i+4 : i+8]) {
		case "IEND":
			return profile, true
		case "iCCP":
			if profile == nil {
				profile = d[i+8 : i+8+n]
			}
		}
		i += 12 + n
	}
	return profile, false
}

// pngICC unpacks the profile of an iCCP chunk: a name, a zero, the method 0, and
// what zlib has made of it.
func pngICC(chunk []byte) ([]byte, error) {
	broken := refuse("the embedded colour profile cannot be unpacked; export the photo as sRGB")
	i := bytes.IndexByte(chunk, 0)
	if i < 0 || i+2 > len(chunk) || chunk[i+1] != 0 {
		return nil, broken
	}
	z, err := zlib.NewReader(bytes.NewReader(chunk[i+2:]))
	if err != nil {
		return nil, broken
	}
	head := make([]byte, 4)
	if _, err := io.ReadFull(z, head); err != nil {
		return nil, broken
	}
	if err := icc.CheckSize(int(binary.BigEndian.Uint32(head))); err != nil {
		return nil, refuseProfile(err)
	}
	rest, err := io.ReadAll(io.LimitReader(z, icc.MaxBytes))
	if err != nil {
		return nil, broken
	}
	return append(head, rest...), nil
}
