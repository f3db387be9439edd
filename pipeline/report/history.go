package report

import (
	"bytes"
	"cmp"
	"html/template"
	"image"
	"image/jpeg"
	"math"
	"slices"

	"github.com/disintegration/imaging"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// historyView follows single scars and marks through the sessions: what was
// measured of each, beside a crop of the aligned pictures at the same place.
type historyView struct {
	Kinds []historyKind
}

type historyKind struct {
	Title    string
	Count    string // how many there are and how many are shown
	Sessions []string
	Tracks   []trackView
}

// trackView is one scar or mark.
type trackView struct {
	Name, Zone, Type string
	New              bool // not there at baseline
	Cells            []trackCell
}

// trackCell is one scar or mark in one session.
type trackCell struct {
	Src      template.HTMLAttr
	HasCrop  bool
	Alt      string
	Contrast string
	Area     string
	Note     string
}

const (
	historyTracks = 8  // of a kind that were there at baseline
	historyNew    = 4  // and that came later
	cropSide      = 96 // px of a crop, twice what is shown
	cropLeastMM   = 4  // half the side of a crop
	cropDiameters = 2.2
	cropShare     = 24 // of the picture's width, where there is no scale
)

var historyKinds = []string{"scar", "brown_mark", "red_spot"}

// track is one object in all sessions, by index of the visit.
type track struct {
	id   string
	at   map[int]result.Object
	base bool
}

// weight is how much of a track meets the eye: contrast times area, at baseline or
// where it first appears.
func (t track) weight() float64 {
	o := t.first()
	w := math.Abs(float64(o.Contrast)) * float64(o.AreaMM2)
	if math.IsNaN(w) { // without a scale
		w = math.Abs(float64(o.Contrast))
	}
	if math.IsNaN(w) {
		return 0
	}
	return w
}

func (t track) first() result.Object {
	first := -1
	for i := range t.at {
		if first < 0 || i < first {
			first = i
		}
	}
	return t.at[first]
}

// place is where a track lies in the baseline photo; false where that is not
// recorded.
func (t track) place() (x, y float64, ok bool) {
	o := t.first()
	x, y = float64(o.BaseXPx), float64(o.BaseYPx)
	return x, y, !(x == 0 && y == 0) && !math.IsNaN(x) && !math.IsNaN(y)
}

func newHistoryView(s result.Series, g *gallery) historyView {
	var v historyView
	cut := newCropper(s, g)
	for _, kind := range historyKinds {
		tracks := tracksOf(s, kind)
		if len(tracks) == 0 {
			continue
		}
		k := historyKind{Title: name("history_kind", kind)}
		for _, visit := range s.Visits {
			k.Sessions = append(k.Sessions, orDash(visit.Session)+" · "+when(visit))
		}
		old, late := 0, 0
		for _, t := range tracks {
			switch {
			case t.base && old < historyTracks:
				old++
			case !t.base && late < historyNew:
				late++
			default:
				continue
			}
			k.Tracks = append(k.Tracks, newTrackView(t, kind, s, cut))
		}
		k.Count = tell("history.count", len(tracks), len(k.Tracks))
		v.Kinds = append(v.Kinds, k)
	}
	return v
}

// tracksOf collects the objects of a kind: those of the baseline first, then the
// later ones, each by weight. Of replicates, the photo that the report shows counts.
func tracksOf(s result.Series, kind string) []track {
	visits := map[string]int{}
	for i, v := range s.Visits {
		visits[v.Session] = i
	}
	base := baseline(s.Visits)
	byID := map[string]*track{}
	var ids []string
	for _, o := range s.Objects {
		i, ok := visits[o.Session]
		if o.Kind != kind || o.Track == "" || !ok || o.Photo != s.Visits[i].Photo {
			continue
		}
		t := byID[o.Track]
		if t == nil {
			t = &track{id: o.Track, at: map[int]result.Object{}}
			byID[o.Track] = t
			ids = append(ids, o.Track)
		}
		t.at[i] = o
		t.base = t.base || i == base
	}
	var list []track
	for _, id := range ids {
		list = append(list, *byID[id])
	}
	slices.SortStableFunc(list, func(a, b track) int {
		if a.base != b.base {
			if a.base {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.weight(), a.weight())
	})
	return list
}

func newTrackView(t track, kind string, s result.Series, cut *cropper) trackView {
	first := t.first()
	v := trackView{Name: tell("history.name", name("history_one", kind), plain(t.id, shortRunes)), Zone: name("zone", first.Zone), New: !t.base}
	if first.Type != "" {
		v.Type = name("scar_type", first.Type)
	}
	for i, visit := range s.Visits {
		c := trackCell{Alt: tell("history.alt", v.Name, v.Zone, visitLabel(visit))}
		c.Src, c.HasCrop = cut.crop(t, visit)
		switch o, found := t.at[i]; {
		case found && o.Status == result.Refused, !found && !visit.Comparable && i != baseline(s.Visits):
			c.Note = tell("history.refused")
		case !found:
			c.Note = tell("history.absent")
		default:
			c.Contrast = tell("history.contrast", num(o.Contrast))
			if o.AreaMM2.Known() {
				c.Area = withUnit(num(o.AreaMM2), "mm2")
			}
			if o.Status == result.Caution {
				c.Note = tell("history.caution")
			}
		}
		v.Cells = append(v.Cells, c)
	}
	return v
}

// cropper cuts the same place out of the aligned pictures of a series, each of
// which is decoded once.
type cropper struct {
	g       *gallery
	toBase  [6]float64
	mmPerPx float64
	decoded map[string]image.Image
}

func newCropper(s result.Series, g *gallery) *cropper {
	return &cropper{g: g, toBase: s.PictureToBase, mmPerPx: float64(s.PictureMMPerPx), decoded: map[string]image.Image{}}
}

// picture is the decoded aligned picture of a visit, at the size of the file; nil
// where there is none.
func (c *cropper) picture(path string) image.Image {
	if img, ok := c.g.decoded[path]; ok {
		return img
	}
	if img, ok := c.decoded[path]; ok {
		return img
	}
	var img image.Image
	if p, ok := c.g.full[path]; ok {
		if decoded, _, err := image.Decode(bytes.NewReader(p.bytes)); err == nil {
			img = decoded
		}
	}
	c.decoded[path] = img
	return img
}

// crop shows the place of a track in the picture of a visit; false where the place
// or the picture is not known.
func (c *cropper) crop(t track, v result.Visit) (template.HTMLAttr, bool) {
	x, y, ok := t.place()
	a := c.toBase
	det := a[0]*a[4] - a[1]*a[3]
	img := c.picture(v.Pictures[aligned])
	if !ok || det == 0 || img == nil {
		return "", false
	}
	u, w := x-a[2], y-a[5]
	px, py := (a[4]*u-a[1]*w)/det, (a[0]*w-a[3]*u)/det
	size := img.Bounds()
	half := float64(size.Dx()) / cropShare
	if c.mmPerPx > 0 {
		half = cropLeastMM / c.mmPerPx
		if d := float64(t.first().DiameterMM); d > 0 {
			half = max(half, cropDiameters*d/c.mmPerPx)
		}
	}
	// One scale and one centre for all sessions, inside the picture.
	side := min(int(math.Round(2*half)), size.Dx(), size.Dy())
	left := min(max(int(math.Round(px))-side/2, size.Min.X), size.Max.X-side)
	top := min(max(int(math.Round(py))-side/2, size.Min.Y), size.Max.Y-side)
	if side < 2 || px < float64(size.Min.X) || py < float64(size.Min.Y) || px >= float64(size.Max.X) || py >= float64(size.Max.Y) {
		return "", false
	}
	box := image.Rect(left, top, left+side, top+side)
	small := imaging.Resize(imaging.Crop(img, box), cropSide, cropSide, imaging.CatmullRom)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, small, &jpeg.Options{Quality: 85}); err != nil {
		return "", false // not of a picture in memory
	}
	return picture{bytes: b.Bytes(), format: "jpeg"}.src(), true
}
