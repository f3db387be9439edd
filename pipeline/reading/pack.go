package reading

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	_ "image/png" // aligned pictures may be PNG
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/disintegration/imaging"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

const (
	maxSide     = 8192 // px; a picture above this is not decoded
	shownSide   = 1600 // px; larger ones are scaled down
	leastSide   = 40   // px; below, nothing can be judged
	jpegQuality = 92
	maxPairs    = 5000
	pictureDir  = "pictures"
	sheetDir    = "sheets"
	scoreFile   = "scores.csv"
)

// Pack is what was made, for the terminal.
type Pack struct{ Pairs, Repeats, ShamsSame, ShamsUntreated int }

// WritePack fills the empty folder dir with pictures, sheets and the scoring sheet
// scores.csv, and returns the key and the metrics' changes as files for the one who
// unblinds. The same candidates and options give the same bytes. Files are 0600,
// folders 0700. Errors: no candidates, and a picture that cannot be read, which is
// named.
func WritePack(dir string, candidates []Candidate, o Options) (p Pack, key, metrics []byte, err error) {
	if len(candidates) == 0 || len(candidates) > maxPairs {
		return p, nil, nil, fmt.Errorf("%d pairs: a pack has 1 to %d", len(candidates), maxPairs)
	}
	var hashes [][sha256.Size]byte
	for _, c := range candidates {
		for _, f := range []string{c.Before.File, c.After.File} {
			data, err := os.ReadFile(f)
			if err != nil {
				return p, nil, nil, err
			}
			hashes = append(hashes, sha256.Sum256(data))
		}
	}
	pairs := plan(candidates, o, generator(o.Seed, hashes))
	for _, d := range []string{pictureDir, sheetDir} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			return p, nil, nil, err
		}
	}
	cut := cutter{}
	for _, one := range pairs {
		if err := cut.writePair(dir, one, o.Scale); err != nil {
			return p, nil, nil, err
		}
		switch one.kind {
		case True:
			p.Pairs++
		case Repeat:
			p.Repeats++
		case ShamSame:
			p.ShamsSame++
		case ShamUntreated:
			p.ShamsUntreated++
		}
	}
	if err := os.WriteFile(filepath.Join(dir, scoreFile), emptySheet(pairs, o.Scale), 0o600); err != nil {
		return p, nil, nil, err
	}
	return p, keyTable(pairs, candidates, o), changeTable(pairs, candidates), nil
}

// cutter cuts pictures out, no part of a file twice: equal files would tell a
// repeat or a sham.
type cutter map[cutOut]bool

// cutOut is a part of a file.
type cutOut struct {
	file string
	box  image.Rectangle
}

// writePair writes the two pictures and the sheet of a pair.
func (c cutter) writePair(dir string, p pair, s Scale) error {
	var shown [2][]byte
	for i, photo := range []Photo{p.before, p.after} {
		data, err := c.shown(photo, p.offsets[i])
		if err != nil {
			return fmt.Errorf("%s: %w", photo.File, err)
		}
		side := i
		if p.flipped {
			side = 1 - i
		}
		shown[side] = data
	}
	for i, side := range []string{left, right} {
		if err := os.WriteFile(filepath.Join(dir, pictureDir, p.code+"-"+side+".jpg"), shown[i], 0o600); err != nil {
			return err
		}
	}
	page, err := sheetPage(p.code, s, shown)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, sheetDir, p.code+".html"), page, 0o600)
}

// shown is a JPEG of the part of a picture that is shown, without metadata.
func (c cutter) shown(p Photo, o offset) ([]byte, error) {
	data, err := os.ReadFile(p.File)
	if err != nil {
		return nil, err
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if size.Width > maxSide || size.Height > maxSide {
		return nil, fmt.Errorf("%d x %d pixels, at most %d a side", size.Width, size.Height, maxSide)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	box := img.Bounds()
	if !p.Box.Empty() {
		box = p.Box.Intersect(box)
	}
	w, h := float64(box.Dx()), float64(box.Dy())
	box = image.Rect(box.Min.X+int(w*o.left), box.Min.Y+int(h*o.top), box.Max.X-int(w*o.right), box.Max.Y-int(h*o.bottom))
	for c[cutOut{p.File, box}] { // small pictures have few places to cut
		box.Max.X--
	}
	c[cutOut{p.File, box}] = true
	if box.Dx() < leastSide || box.Dy() < leastSide {
		return nil, errors.New("what is to be shown is too small to be judged")
	}
	part := image.Image(imaging.Crop(img, box))
	if box.Dx() > shownSide || box.Dy() > shownSide {
		part = imaging.Fit(part, shownSide, shownSide, imaging.Lanczos)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, part, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// emptySheet is the table that readers fill in.
func emptySheet(pairs []pair, s Scale) []byte {
	rows := [][]string{s.columns()}
	for _, p := range pairs {
		for _, photo := range s.photos() {
			row := make([]string, len(rows[0]))
			row[0], row[1] = p.code, photo
			rows = append(rows, row)
		}
	}
	return table(rows)
}

// keyColumns are those of the key.
var keyColumns = []string{"pair", "photo", "role", "kind", "repeat_of", "subject", "view", "zone", "session", "day", "scale", "seed", "as_of"}

// Roles of a photo in a pair.
const (
	before = "before"
	after  = "after"
)

func keyTable(pairs []pair, candidates []Candidate, o Options) []byte {
	rows := [][]string{keyColumns}
	for _, p := range pairs {
		c := candidates[p.candidate]
		for _, side := range []string{left, right} {
			role, photo := before, p.before
			if (side == right) != p.flipped {
				role, photo = after, p.after
			}
			rows = append(rows, []string{p.code, side, role, string(p.kind), p.of, c.Subject, c.View, c.Zone, photo.Session, strconv.Itoa(photo.Day),
				o.Scale.Name, strconv.FormatUint(o.Seed, 10), o.AsOf})
		}
	}
	return table(rows)
}

// NamesPersons tells whether a file is a key or the readings of a pack, which name the
// persons behind its pairs.
func NamesPersons(file []byte) bool {
	head, _, _ := bytes.Cut(file, []byte("\n"))
	return slices.Contains([]string{strings.Join(keyColumns, ","), strings.Join(readingColumns, ",")}, string(head))
}

// changeColumns are those of the metrics' changes.
var changeColumns = []string{"pair", "zone", "metric", "unit", "change"}

func changeTable(pairs []pair, candidates []Candidate) []byte {
	rows := [][]string{changeColumns}
	for _, p := range pairs {
		if p.kind != True {
			continue
		}
		for _, c := range candidates[p.candidate].Changes {
			if !math.IsNaN(c.Value) {
				rows = append(rows, []string{p.code, c.Zone, c.Metric, c.Unit, result.Number(c.Value).Cell()})
			}
		}
	}
	return table(rows)
}

// table is rows as CSV, lines ending in \n.
func table(rows [][]string) []byte {
	var b bytes.Buffer
	_ = csv.NewWriter(&b).WriteAll(rows) // a buffer does not fail
	return b.Bytes()
}
