package photo

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"

	"github.com/bep/imagemeta"
	"golang.org/x/image/tiff"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/internal/icc"
)

// maxTIFF is the number of pixels of a TIFF that are decoded: at 16 bits they take
// 8 bytes each beside the photo itself.
const maxTIFF = 60_000_000

// decodeTIFF decodes the first page, in Go: 8 or 16 bits, grey, RGB or palette,
// plain or packed with LZW, deflate or packbits.
func decodeTIFF(data []byte) (*picture, error) {
	cfg, err := tiff.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, refuseHeader("TIFF", err)
	}
	if err := checkSize(cfg.Width, cfg.Height); err != nil {
		return nil, err
	}
	if cfg.Width*cfg.Height > maxTIFF {
		return nil, refuse("%d x %d pixels; of a TIFF at most %d megapixels are read: save it as PNG or JPEG", cfg.Width, cfg.Height, maxTIFF/1_000_000)
	}
	p := &picture{meta: readMeta(data, imagemeta.TIFF)}
	if p.icc, err = tiffICC(data); err != nil {
		return nil, err
	}
	m, err := tiff.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, refuseData("TIFF", err)
	}
	if b := m.Bounds(); b.Min != (image.Point{}) || b.Dx() != cfg.Width || b.Dy() != cfg.Height {
		return nil, refuseData("TIFF", cv.ErrInput)
	}
	return p, p.take(m)
}

// take copies the pixels of a picture that Go has decoded. Transparency is dropped.
func (p *picture) take(m image.Image) error {
	b := m.Bounds()
	p.rgb.W, p.rgb.H = b.Dx(), b.Dy()
	if deep(m) {
		p.deep = make([]uint16, 0, 3*b.Dx()*b.Dy())
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				var c color.RGBA64
				switch m := m.(type) {
				case *image.Gray16:
					v := m.Gray16At(x, y).Y
					c = color.RGBA64{v, v, v, 0xffff}
				case *image.NRGBA64:
					c = color.RGBA64(m.NRGBA64At(x, y))
				case *image.RGBA64:
					c = m.RGBA64At(x, y)
				}
				p.deep = append(p.deep, c.R, c.G, c.B)
			}
		}
		return nil
	}
	p.rgb = cv.NewRGB(b.Dx(), b.Dy())
	var pix []byte
	stride := 0
	switch m := m.(type) {
	case *image.RGBA:
		pix, stride = m.Pix, m.Stride
	case *image.NRGBA:
		pix, stride = m.Pix, m.Stride
	case *image.Paletted:
		for _, v := range m.Pix {
			if int(v) >= len(m.Palette) {
				return refuse("a pixel has colour %d of a palette of %d: the file is broken", v, len(m.Palette))
			}
		}
	}
	if pix == nil {
		n := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
		draw.Draw(n, n.Rect, m, b.Min, draw.Src)
		pix, stride = n.Pix, n.Stride
	}
	for y := range p.rgb.H {
		row, out := pix[y*stride:], p.rgb.Pix[3*y*p.rgb.W:]
		for x := range p.rgb.W {
			copy(out[3*x:3*x+3], row[4*x:])
		}
	}
	return nil
}

func deep(m image.Image) bool {
	switch m.(type) {
	case *image.Gray16, *image.NRGBA64, *image.RGBA64:
		return true
	}
	return false
}

// tiffICC is the profile of the first page (tag 34675); nil where it has none.
func tiffICC(d []byte) ([]byte, error) {
	if len(d) < 8 {
		return nil, nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if d[0] == 'M' {
		order = binary.BigEndian
	}
	dir := int64(order.Uint32(d[4:]))
	if dir+2 > int64(len(d)) {
		return nil, nil
	}
	for i := range int64(order.Uint16(d[dir:])) {
		at := dir + 2 + 12*i
		if at+12 > int64(len(d)) {
			break
		}
		const profile = 34675
		if e := d[at:]; order.Uint16(e) == profile {
			n, off := int64(order.Uint32(e[4:])), int64(order.Uint32(e[8:]))
			if err := icc.CheckSize(int(n)); err != nil {
				return nil, refuseProfile(err)
			}
			if off+n > int64(len(d)) {
				return nil, refuse("the embedded colour profile lies outside of the file; export the photo as sRGB")
			}
			return d[off : off+n], nil
		}
	}
	return nil, nil
}
