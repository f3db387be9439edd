package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the aligned pictures
	_ "image/png"  // the masks
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/face"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// pictures are the two sessions at the level asked for, cut alike.
func (h *handOut) pictures(root *os.Root, view string, base, latest result.Visit) (out [2][]byte, err error) {
	var whole [2]image.Image
	var masks []*image.Paletted
	for i, x := range []result.Visit{base, latest} {
		name := x.Pictures["aligned"]
		if whole[i], err = readImage(root, name, "jpeg"); err != nil {
			return out, err
		}
		if h.opts.Level != consent.LevelZone {
			continue
		}
		img, err := readImage(root, path.Join("masks", strings.TrimSuffix(path.Base(name), path.Ext(name))+".png"), "png")
		if err != nil {
			return out, err
		}
		mask, ok := img.(*image.Paletted)
		if !ok || mask.Rect != whole[i].Bounds() {
			return out, errors.New("the mask of the zones does not fit the picture")
		}
		masks = append(masks, mask)
	}
	if whole[0].Bounds() != whole[1].Bounds() {
		return out, errors.New("the pictures differ in size")
	}
	var crop consent.Crop
	var hidden []image.Rectangle
	if h.opts.Level == consent.LevelZone {
		crop, err = consent.CropZone(h.opts.Zone, masks...)
	} else {
		hidden, err = hide(h.opts.Level, view, h.opts.Zone, whole[0].Bounds())
	}
	if err != nil {
		return out, err
	}
	for i, img := range whole {
		part := consent.Cover(img, hidden...)
		if h.opts.Level == consent.LevelZone {
			if part, err = crop.Of(img); err != nil {
				return out, err
			}
		}
		if out[i], err = consent.EncodePNG(part); err != nil {
			return out, err
		}
	}
	return out, nil
}

// eyeBar is the height of the bar over the eyes above and below the pupils,
// inter-pupil distances: from the brows to below the lids.
var eyeBar = [2]float64{0.45, 0.30}

// hide lists what a level covers of a picture of the whole face. Pictures show the
// frame in which the baseline's pupils have their fixed places; there is none in
// other views than the front.
func hide(level consent.Level, view, zone string, b image.Rectangle) ([]image.Rectangle, error) {
	if level == consent.LevelFullFace {
		return nil, nil
	}
	if view != study.ViewFront {
		return nil, fmt.Errorf("level %s: eyes and midline are known in the front view only", level)
	}
	f := (&face.Face{}).Frame()
	k := float64(b.Dx()) / float64(f.W)
	x, y, unit := int(k*f.Origin[0]), k*f.Origin[1], k*f.Unit
	switch {
	case level == consent.LevelCoveredEyes:
		return []image.Rectangle{image.Rect(0, int(y-eyeBar[0]*unit), b.Dx(), int(y+eyeBar[1]*unit))}, nil
	case strings.HasSuffix(zone, "_left"): // the person's: on the right of the picture
		return []image.Rectangle{image.Rect(0, 0, x, b.Dy())}, nil
	}
	return []image.Rectangle{image.Rect(x, 0, b.Dx(), b.Dy())}, nil
}

const (
	pictureBytes = 32 << 20 // a file above this is not read
	pictureSide  = 8192     // px; a picture above this is not decoded
)

// readImage reads a picture of a person's results, following nothing out of their
// folder. Its errors name no file.
func readImage(root *os.Root, name, want string) (image.Image, error) {
	data, format, err := readPicture(root, name)
	if err != nil {
		return nil, fmt.Errorf("a picture cannot be shown: %w", err)
	}
	if format != want {
		return nil, fmt.Errorf("a picture cannot be shown: it is no %s", strings.ToUpper(want))
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("a picture cannot be shown: %w", err)
	}
	return img, nil
}

// clinicLogo is the file of the clinic's logo, a picture in the study's folder; nil
// where there is none.
func clinicLogo(st *study.Study) ([]byte, error) {
	if st.Clinic.Logo == "" {
		return nil, nil
	}
	root, err := os.OpenRoot(st.Root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	data, _, err := readPicture(root, st.Clinic.Logo)
	return data, err
}

// readPicture reads the file of a JPEG or PNG of a sane size below a folder.
func readPicture(root *os.Root, name string) (data []byte, format string, err error) {
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, "", err
	}
	defer f.Close()
	if data, err = io.ReadAll(io.LimitReader(f, pictureBytes+1)); err != nil {
		return nil, "", err
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || len(data) > pictureBytes || c.Width > pictureSide || c.Height > pictureSide {
		return nil, "", fmt.Errorf("it is no JPEG or PNG of up to %d pixels a side", pictureSide)
	}
	return data, format, nil
}
