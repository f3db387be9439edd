package photo

import (
	"bytes"
	"encoding/binary"

	"github.com/bep/imagemeta"
	"golang.org/x/image/webp"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/internal/icc"
)

// chunk is a part of a RIFF file.
type chunk struct {
	id   string
	data []byte
}

// riff splits the body of a RIFF file or of a frame into its parts; ok is false where
// one is cut off.
func riff(d []byte) (parts []chunk, ok bool) {
	for len(d) > 0 {
		if len(d) < 8 {
			return parts, len(bytes.Trim(d, "\x00")) == 0 // padding
		}
		n := int64(binary.LittleEndian.Uint32(d[4:]))
		if n > int64(len(d)-8) {
			return parts, false
		}
		parts = append(parts, chunk{string(d[:4]), d[8 : 8+n]})
		d = d[min(int64(len(d)), 8+n+n%2):]
	}
	return parts, true
}

// decodeWebP decodes a still, or the first frame of an animation.
func decodeWebP(data []byte) (*picture, error) {
	size := int64(binary.LittleEndian.Uint32(data[4:])) + 8
	if size < 12 || size > int64(len(data)) {
		return nil, refuseCutOff("WebP", len(data))
	}
	parts, ok := riff(data[12:size])
	if !ok {
		return nil, refuseCutOff("WebP", len(data))
	}
	p := &picture{meta: readMeta(data, imagemeta.WebP)}
	still := data[:size]
	frames := 0
	for _, c := range parts {
		switch c.id {
		case "ICCP":
			if err := icc.CheckSize(len(c.data)); err != nil {
				return nil, refuseProfile(err)
			}
			p.icc = c.data
		case "ANMF":
			if frames++; frames > 1 {
				continue
			}
			var err error
			if still, err = firstFrame(c.data); err != nil {
				return nil, err
			}
		}
	}
	if frames > 0 {
		p.notes = append(p.notes, "an animated WebP: its first frame is used")
	}
	cfg, err := webp.DecodeConfig(bytes.NewReader(still))
	if err != nil {
		return nil, refuseHeader("WebP", err)
	}
	if err := checkSize(cfg.Width, cfg.Height); err != nil {
		return nil, err
	}
	// By libwebp, through OpenCV: Go's decoder gives YCbCr, which Go then takes for
	// JPEG's, of another range.
	if p.rgb, err = cv.Decode(still); err != nil {
		return nil, refuseData("WebP", err)
	}
	if p.rgb.W != cfg.Width || p.rgb.H != cfg.Height {
		return nil, refuse("the WebP header says %d x %d pixels, the picture has %d x %d", cfg.Width, cfg.Height, p.rgb.W, p.rgb.H)
	}
	return p, nil
}

// firstFrame makes a file of the picture of an ANMF chunk: place, size, duration and
// flags take 16 bytes, then come its parts. Its transparency is dropped.
func firstFrame(d []byte) ([]byte, error) {
	const head = 16
	if len(d) > head {
		parts, _ := riff(d[head:])
		for _, c := range parts {
			if c.id == "VP8 " || c.id == "VP8L" {
				body := append([]byte("WEBP"+c.id), binary.LittleEndian.AppendUint32(nil, uint32(len(c.data)))...)
				body = append(body, c.data...)
				if len(c.data)%2 == 1 {
					body = append(body, 0)
				}
				return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...), nil
			}
		}
	}
	return nil, refuse("the first frame of the WebP animation holds no picture")
}
