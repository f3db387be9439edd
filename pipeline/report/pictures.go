package report

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"os"
	"slices"

	"github.com/disintegration/imaging"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

const (
	pictureFileBytes = 32 << 20 // a file above this is not read
	pictureSide      = 8192     // px; a picture above this is not decoded
	pictureWidth     = 1000     // px; wider ones are scaled down
	leastWidth       = 240      // px; below, a picture shows nothing
	thumbWidth       = 144      // px, twice what the strip shows
	decodedKept      = 24       // pictures, of about 2 MB; of longer series some are decoded twice

	// Bytes of a report, and of its pictures as base64, which leaves room for tables and
	// charts; less where these need more.
	reportBudget   = 6_000_000
	picturesBudget = 4_600_000
)

// aligned is the name of the picture that the overlays lie on, eye that of a crop
// round an eye at full size.
const (
	aligned = "aligned"
	eye     = "eye"
)

// overlayKinds lists the overlays in the order of their switches.
var overlayKinds = []string{"zones", "scars", "pores", "redness", "brown", "lines"}

// picture is one file as the report holds it.
type picture struct {
	bytes  []byte
	format string // jpeg or png
	w, h   int    // of the file, before any scaling: what millimetres refer to
}

// src is the attribute that shows the picture. It is made of base64 only, so it
// is safe without escaping, which would make it longer.
func (p picture) src() template.HTMLAttr {
	return template.HTMLAttr(`src="data:image/` + p.format + `;base64,` + base64.StdEncoding.EncodeToString(p.bytes) + `"`)
}

// gallery holds the pictures of a subject by path, thumbs those of the strips,
// eyes the crops at full size, full the pictures as their files are.
type gallery struct {
	pictures, thumbs, eyes, full map[string]picture
	decoded                      map[string]image.Image // the aligned ones, at the size of the file; not all where they are many
	missing                      []string               // what could not be shown, with the reason
	width                        int                    // px; wider pictures were scaled down to fit; 0: none was
}

// loadGallery reads the pictures of all visits. It follows no path and no link out
// of dir.
func loadGallery(dir string, s result.Subject) (*gallery, error) {
	g := &gallery{pictures: map[string]picture{}, thumbs: map[string]picture{}, eyes: map[string]picture{}, decoded: map[string]image.Image{}}
	var paths []string
	strip, eyes := map[string]bool{}, map[string]bool{}
	for _, series := range s.Series {
		for _, v := range series.Visits {
			for kind, path := range v.Pictures {
				if kind == aligned {
					strip[path] = true
				}
				if kind == eye {
					eyes[path] = true
				}
				if kind == aligned || kind == eye || slices.Contains(overlayKinds, kind) {
					paths = append(paths, path)
				}
			}
		}
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if len(paths) == 0 {
		return g, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()

	for _, path := range paths {
		p, err := readPicture(root, path)
		if err == nil && strip[path] {
			var img image.Image
			if img, _, err = image.Decode(bytes.NewReader(p.bytes)); err == nil {
				g.thumbs[path], err = p.scaledFrom(img, thumbWidth)
			}
			if err == nil && len(g.decoded) < decodedKept {
				g.decoded[path] = img
			}
		}
		if err != nil {
			g.missing = append(g.missing, plain(path, nameRunes)+": "+plain(err.Error(), reasonRunes))
			continue
		}
		if eyes[path] {
			g.eyes[path] = p
			continue
		}
		g.pictures[path] = p
	}
	return g, nil
}

// readPicture reads a picture and nothing that the file holds beside its pixels, its
// header checked before one is decoded.
func readPicture(root *os.Root, path string) (picture, error) {
	f, err := root.Open(path)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err // without the path, which is named beside it
		}
		return picture{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, pictureFileBytes+1))
	if err != nil {
		return picture{}, err
	}
	p, err := identify(b)
	if err == nil {
		p.bytes, err = bare(p.bytes, p.format)
	}
	return p, err
}

// identify is a file as a picture: a JPEG or PNG of a sane size, by its header.
func identify(b []byte) (picture, error) {
	if len(b) > pictureFileBytes {
		return picture{}, fmt.Errorf("larger than %d MiB", pictureFileBytes>>20)
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return picture{}, err
	}
	if format != "jpeg" && format != "png" {
		return picture{}, fmt.Errorf("is %s, neither JPEG nor PNG", format)
	}
	if c.Width < 1 || c.Height < 1 || c.Width > pictureSide || c.Height > pictureSide {
		return picture{}, fmt.Errorf("%d x %d pixels, at most %d a side", c.Width, c.Height, pictureSide)
	}
	return picture{b, format, c.Width, c.Height}, nil
}

// fit scales all pictures to one width that keeps them within budget bytes. It can
// be called again.
func (g *gallery) fit(budget int) error {
	if g.full == nil {
		g.full = g.pictures
	}
	width := pictureWidth
	for {
		scaled := map[string]picture{}
		for path, p := range g.full {
			if p.w > width {
				var err error
				if p, err = p.scaled(width); err != nil {
					return fmt.Errorf("%s: %w", plain(path, nameRunes), err)
				}
			}
			scaled[path] = p
		}
		g.pictures = scaled
		size := g.size()
		if size <= budget || width <= leastWidth {
			if g.width = 0; width < pictureWidth {
				g.width = width
			}
			return nil
		}
		// Bytes grow about as the area; a little less, to be done in one more round.
		next := 0.97 * float64(width) * math.Sqrt(float64(budget)/float64(size))
		width = max(leastWidth, min(width*9/10, int(next)))
	}
}

// size is that of the pictures as the report holds them, bytes.
func (g *gallery) size() int {
	size := 0
	for _, p := range g.pictures {
		size += base64.StdEncoding.EncodedLen(len(p.bytes))
	}
	return size
}

// scaled is the picture at a smaller width, encoded again; w and h stay those of
// the file.
func (p picture) scaled(width int) (picture, error) {
	img, _, err := image.Decode(bytes.NewReader(p.bytes))
	if err != nil {
		return p, err
	}
	return p.scaledFrom(img, width)
}

// scaledFrom is scaled of a picture that was decoded before.
func (p picture) scaledFrom(img image.Image, width int) (picture, error) {
	var b bytes.Buffer
	var err error
	if p.format == "jpeg" {
		small := imaging.Resize(img, min(width, p.w), 0, imaging.Lanczos)
		err = jpeg.Encode(&b, small, &jpeg.Options{Quality: 82})
	} else {
		small := coarse(imaging.Resize(img, min(width, p.w), 0, imaging.Linear))
		err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, small)
	}
	p.bytes = b.Bytes()
	return p, err
}

// coarse keeps 16 levels of a channel: an overlay has few colours, and the soft
// edges that scaling gives it cost bytes without showing.
func coarse(img *image.NRGBA) *image.NRGBA {
	for i, v := range img.Pix {
		img.Pix[i] = v >> 4 * 17
	}
	for i := 3; i < len(img.Pix); i += 4 {
		if img.Pix[i] == 0 {
			img.Pix[i-3], img.Pix[i-2], img.Pix[i-1] = 0, 0, 0
		}
	}
	return img
}
