package card

import (
	"image"
	"math"
	"strings"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// Around the code so much more is cut out, mm: the marker is half as far from it as it
// is large, so its place is known to about a millimetre.
const codeMargin = 3.0

// codePx are the sides of the cut-out in which the code is read, px, one after another:
// the decoder may stumble over one and not over the next.
var codePx = []int{400, 280, 640}

// ReadCode reads the subject's id off the capture sheet in a photo, by the marker on it;
// empty where no sheet of ours is seen or its code cannot be read.
func ReadCode(picture cv.RGB, marker Scale) (id string) {
	if marker.PxPerMM == 0 || marker.SideMM != DefaultMarkerMM {
		return ""
	}
	const half = DefaultMarkerMM / 2.0
	m, err := fitHomography([][2]float64{{-half, -half}, {half, -half}, {half, half}, {-half, half}}, marker.Corners[:])
	if err != nil {
		return ""
	}
	for _, side := range codePx {
		if text, ok := decode(cutOut(picture, m, codeRight-half-codeMargin, codeDown-half-codeMargin, codeSide+2*codeMargin, side)); ok {
			if id, ours := strings.CutPrefix(text, CodePrefix); ours {
				return id
			}
		}
	}
	return ""
}

// cutOut straightens a square of a plane, its corner at (x, y) mm.
func cutOut(picture cv.RGB, m homography, x, y, mm float64, px int) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, px, px))
	at := func(i, j int) float64 {
		i, j = min(max(i, 0), picture.W-1), min(max(j, 0), picture.H-1)
		p := picture.Pix[3*(j*picture.W+i):]
		return 0.3*float64(p[0]) + 0.6*float64(p[1]) + 0.1*float64(p[2])
	}
	for j := range px {
		for i := range px {
			u, v := m.at(x+(float64(i)+0.5)/float64(px)*mm, y+(float64(j)+0.5)/float64(px)*mm)
			if !(math.Abs(u) < 1e6 && math.Abs(v) < 1e6) {
				continue
			}
			a, b := int(math.Floor(u)), int(math.Floor(v))
			s, t := u-float64(a), v-float64(b)
			out.Pix[j*out.Stride+i] = uint8((1-t)*((1-s)*at(a, b)+s*at(a+1, b)) + t*((1-s)*at(a, b+1)+s*at(a+1, b+1)))
		}
	}
	return out
}

func decode(g *image.Gray) (text string, ok bool) {
	for _, binarizer := range []func(gozxing.LuminanceSource) gozxing.Binarizer{gozxing.NewHybridBinarizer, gozxing.NewGlobalHistgramBinarizer} {
		bitmap, err := gozxing.NewBinaryBitmap(binarizer(gozxing.NewLuminanceSourceFromImage(g)))
		if err != nil {
			continue
		}
		found, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{
			gozxing.DecodeHintType_TRY_HARDER: true, gozxing.DecodeHintType_CHARACTER_SET: "UTF-8"})
		if err == nil {
			return found.GetText(), true
		}
	}
	return "", false
}
