// Package metrics measures one zone of one photo: planes and masks in, one
// number out. It knows no files, no camera and no OpenCV, so that anybody can
// check a formula against its source in milliseconds.
//
// # Conventions
//
// Coordinates are x right, y down, with the origin at the centre of the
// top-left pixel. Planes are row-major. Colour is linear light in (0, 1]
// relative to display white; optical density is OD = -log10(linear).
//
// # Undefined is not zero
//
// A measure that cannot be taken (no scale, too little skin, no reference)
// returns NaN and an error that wraps [ErrUndefined] and says why in words that
// can be printed in a report. It never returns 0 or a plausible guess.
//
// # Frozen at baseline
//
// Thresholds are absolute: they come in [Frozen], which is made once from the
// baseline photo of a series and then used for every session. No measure may
// derive a threshold, a bin width or a range from the photo that it measures.
package metrics

import "errors"

// ErrUndefined is wrapped by every error of a measure that has no value.
var ErrUndefined = errors.New("undefined")

// Plane is one channel of a picture, row-major, W*H values.
type Plane struct {
	W, H int
	Pix  []float32
}

// Mask marks pixels: 0 is outside, anything else inside. Row-major, W*H values.
type Mask struct {
	W, H int
	Pix  []uint8
}

// has tells whether a mask, which may have no pixels at all, marks one.
func (m Mask) has(i int) bool { return len(m.Pix) > 0 && m.Pix[i] != 0 }

// Direction says which way a metric moves when skin gets better.
type Direction int

const (
	NoDirection    Direction = iota // a change is reported, never called better or worse
	LowerIsBetter                   // redness, roughness, pores, scars
	HigherIsBetter                  // homogeneity
)

// Family groups metrics that the same flaws of photography spoil; see the
// comparability table of the package compare.
type Family string

const (
	Redness Family = "redness"
	Pigment Family = "pigment"
	Texture Family = "texture"
	Lines   Family = "lines"
	Pores   Family = "pores"
	Scars   Family = "scars"
)

// Object is something found on the skin by segmentation, in the coordinates of
// the patch. Lengths are in pixels, areas in square pixels; the scale of the
// patch turns them into millimetres.
type Object struct {
	Kind     Kind
	X, Y     float64 // centre
	Diameter float64 // of the circle of equal area, px, corrected for blur where the kind says so
	Area     float64 // px^2
	Contrast float64 // mean optical density above the surround
	Type     string  // of a scar: icepick, boxcar, rolling; else empty
}

// Kind of an object.
type Kind string

const (
	Pore      Kind = "pore"
	Scar      Kind = "scar"
	RedSpot   Kind = "red_spot"
	BrownMark Kind = "brown_mark"
)

// Reference is untreated or otherwise stable skin of the same photo, to which
// colour is related, since the camera's white balance is not the skin's.
type Reference struct {
	ErythemaIndex float64 // mean without the extremes, 100*log10(R/G)
	MelaninIndex  float64 // median, 100*log10(1/R)
	Source        string  // "reference_skin", "zone forehead", ...; empty where there is none
}

// Frozen holds what the baseline of a series fixes for all its sessions. A nil
// *Frozen in a Patch makes the measures that need it undefined.
type Frozen struct {
	RedLevel   float64 // erythema index above which skin counts as red, relative to the reference
	BrownLevel float64 // OD of red above the local surround from which skin counts as a brown mark
}

// Patch is one zone of one photo, cut out at the photo's own resolution.
// R, G, B and Skin have the same size. A patch is read-only once made; derived
// planes are computed on first use and kept, so a patch must not be copied and
// is used by one goroutine.
type Patch struct {
	R, G, B Plane
	Skin    Mask    // pixels that count
	PxPerMM float64 // scale at the face; 0 where unknown
	BlurPx  float64 // sigma of the point spread function at the zone; 0 where unknown
	NoiseOD float64 // standard deviation of the pixel noise in OD of green; 0 where unknown

	// NoiseBlurPx is the sigma of a Gaussian that was applied after NoiseOD was
	// measured, as in a copy blurred to match another photo; 0 where the noise is
	// still that of single pixels. BlurPx includes that blur, NoiseOD does not.
	NoiseBlurPx float64

	Ref    Reference
	Frozen *Frozen

	// What segmentation found in the zone. A nil slice means that it was not
	// searched, with the reason in Missing; an empty one that nothing is there.
	Objects []Object
	Lines   *Lines2D
	// Rejected marks places, of the patch's size, in which finds of a kind do not count:
	// somebody has looked and said that they are none. No entry: nowhere.
	Rejected map[Kind]Mask
	// Missing says per family why segmentation has nothing to say; an entry counts
	// even where Objects holds finds of other families.
	Missing map[Family]string

	cache cache
}

// Lines2D is the result of line tracing in a patch.
type Lines2D struct {
	LengthPx float64 // total length of the centre lines
}

// Metric is one entry of the catalogue.
type Metric struct {
	Name      string // column value in the tables: never changes once released
	Unit      string // as printed, e.g. "log10x100", "percent", "per_cm2"
	Family    Family
	Direction Direction
	Doc       string // meaning and formula in one or two sentences
	Source    string // paper, standard or section that defines it
	Primary   bool   // may carry the verdict of a series
	// NeedsPxPerMM is the scale below which the value is refused; 0 for none.
	NeedsPxPerMM float64
	// Percent tells that a change is best read as per cent of baseline; otherwise
	// only the difference in units is meaningful (an index, an angle).
	Percent bool
	Measure func(*Patch) (float64, error)
}
