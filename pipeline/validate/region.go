package validate

import (
	"errors"
	"fmt"
	"image"
	_ "image/png" // masks
	"math"
	"math/cmplx"
	"os"
	"path/filepath"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// The pictures of a front view are this many pupil distances wide, and the middle
// between the pupils lies this far from their top left corner.
const (
	pictureUnits            = 2.6
	pictureLeft, pictureTop = 1.3, 1.35
)

// region is the skin of one photo that was measured.
type region struct {
	mask    image.PalettedImage
	origin  complex128 // picture position 0,0 in the photo
	perStep complex128 // one picture pixel to the right, in the photo
}

// zoneAt names the measured zone at a place of the photo; empty for none.
func (r region) zoneAt(x, y float64) string {
	p := (complex(x, y) - r.origin) / r.perStep
	at := image.Pt(int(math.Round(real(p))), int(math.Round(imag(p))))
	if !at.In(r.mask.Bounds()) {
		return ""
	}
	if k := int(r.mask.ColorIndexAt(at.X, at.Y)); k > 0 && k <= len(study.ZoneNames) {
		return study.ZoneNames[k-1]
	}
	return ""
}

// frame is where the pictures of a series lie in the baseline photo: the pupils
// that the tool saw.
type frame struct{ middle, unit complex128 }

// view is one picture: its mask, and how its photo maps to the baseline.
type view struct {
	mask image.PalettedImage
	turn complex128 // of a distance in the baseline
	move complex128 // of the middle between the pupils
}

// region places a picture by the frame.
func (v view) region(f frame) region {
	middle, unit := f.middle+v.move, f.unit*v.turn
	return region{v.mask, middle - unit*complex(pictureLeft, pictureTop), unit * complex(pictureUnits/float64(v.mask.Bounds().Dx()), 0)}
}

// views reads the masks of a person's series, by session. Sessions that were not
// aligned have none.
func views(dir string, s *result.Series) (map[string]view, error) {
	out := map[string]view{}
	for _, v := range s.Visits {
		picture := v.Pictures["aligned"]
		if picture == "" {
			continue
		}
		name := strings.TrimSuffix(filepath.Base(picture), filepath.Ext(picture)) + ".png"
		mask, err := readMask(filepath.Join(dir, "masks", name))
		if err != nil {
			return nil, err
		}
		w := view{mask: mask, turn: 1}
		if !v.Baseline {
			a, ok := alignmentOf(s, v.Session, v.Photo)
			if !ok {
				continue
			}
			w.turn = cmplx.Rect(float64(a.Scale), float64(a.RotationDeg)*math.Pi/180)
			w.move = complex(float64(a.ShiftXPx), float64(a.ShiftYPx))
		}
		out[v.Session] = w
	}
	return out, nil
}

// minInside is the share of found pores that must lie inside the mask of their
// zone: all do where the frame of the masks is known.
const minInside = 0.97

// regions places the masks of a series, by session. The frame starts from the true
// pupils; the tool may have seen them a little elsewhere, so it is moved, turned and
// scaled in ever smaller steps until most found pores lie inside the mask of their
// own zone. What is true plays no part in that. turn is how far it was turned, in
// degrees: the error of the line through the pupils that the tool saw at baseline.
func regions(dir string, s *result.Series, t *Truth) (at map[string]region, turn float64, err error) {
	seen, err := views(dir, s)
	if err != nil {
		return nil, 0, err
	}
	var f frame
	for _, v := range s.Visits {
		if p, ok := t.Photos[v.Session]; ok && v.Baseline {
			left, right := complex(p.Pupils[0][0], p.Pupils[0][1]), complex(p.Pupils[1][0], p.Pupils[1][1])
			f = frame{(left + right) / 2, right - left}
		}
	}
	if f.unit == 0 {
		return nil, 0, errors.New("the baseline has no truth")
	}
	place := func(f frame) map[string]region {
		out := map[string]region{}
		for id, v := range seen {
			out[id] = v.region(f)
		}
		return out
	}
	inside := func(f frame) (in, all int) {
		at := place(f)
		for _, o := range s.Objects {
			if r, ok := at[o.Session]; ok && o.Kind == "pore" {
				all++
				if r.zoneAt(float64(o.XPx), float64(o.YPx)) == o.Zone {
					in++
				}
			}
		}
		return in, all
	}
	start := f.unit
	best, all := inside(f)
	for step := 0.032; step > 0.0005; step /= 2 {
		for improved := true; improved && best < all; {
			improved = false
			for _, d := range []complex128{complex(step, 0), complex(-step, 0), complex(0, step), complex(0, -step)} {
				for _, g := range []frame{{f.middle + d*f.unit, f.unit}, {f.middle, f.unit * (1 + d)}} {
					if in, _ := inside(g); in > best {
						f, best, improved = g, in, true
					}
				}
			}
		}
	}
	if float64(best) < minInside*float64(all) {
		return nil, 0, fmt.Errorf("only %d of %d pores lie inside the mask of their zone", best, all)
	}
	return place(f), cmplx.Phase(f.unit/start) * 180 / math.Pi, nil
}

func alignmentOf(s *result.Series, session, photo string) (result.Alignment, bool) {
	for _, a := range s.Alignments {
		if a.Session == session && a.Photo == photo && a.Status != result.Refused {
			return a, true
		}
	}
	return result.Alignment{}, false
}

func readMask(name string) (image.PalettedImage, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	m, ok := img.(image.PalettedImage)
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, errors.New("not a picture of indices"))
	}
	return m, nil
}
