package cv

import (
	"fmt"

	"gocv.io/x/gocv"
)

// Decode reads a JPEG, PNG, WebP or JPEG 2000 into 8-bit RGB. It does not apply the EXIF
// orientation, and takes a truncated file for what is there: the caller checks
// type, size and completeness first.
func Decode(data []byte) (RGB, error) {
	if len(data) == 0 {
		return RGB{}, fmt.Errorf("cv: decode: no data: %w", ErrInput)
	}
	var f frame
	defer f.close()
	m, err := gocv.IMDecode(data, gocv.IMReadColor|gocv.IMReadIgnoreOrientation)
	if err != nil {
		return RGB{}, fmt.Errorf("cv: decode: %w", err)
	}
	src := f.own(m)
	if src.Empty() || src.Type() != gocv.MatTypeCV8UC3 {
		return RGB{}, fmt.Errorf("cv: decode: not a picture that can be read: %w", ErrInput)
	}
	out := NewRGB(src.Cols(), src.Rows())
	dst, err := f.rgb(out)
	if err != nil {
		return RGB{}, err
	}
	gocv.CvtColor(*src, dst, gocv.ColorBGRToRGB)
	return out, nil
}

// EncodeJPEG writes p as a JPEG of the given quality, 1 to 100, without any
// metadata.
func EncodeJPEG(p RGB, quality int) ([]byte, error) {
	if quality < 1 || quality > 100 {
		return nil, fmt.Errorf("cv: quality %d: must be 1 to 100: %w", quality, ErrInput)
	}
	var f frame
	defer f.close()
	src, err := f.rgb(p)
	if err != nil {
		return nil, err
	}
	bgr := f.temp()
	gocv.CvtColor(*src, bgr, gocv.ColorBGRToRGB)
	buf, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, *bgr, []int{gocv.IMWriteJpegQuality, quality})
	if err != nil {
		return nil, fmt.Errorf("cv: encode: %w", err)
	}
	defer buf.Close()
	return append([]byte(nil), buf.GetBytes()...), nil
}
