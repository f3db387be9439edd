package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/internal/heif"
	"github.com/dermatrend/dermatrend/pipeline/internal/icc"
)

// box is one of ISO/IEC 14496-12, 4.2, with its contents one behind another.
func box(kind string, contents ...string) string {
	content := strings.Join(contents, "")
	return u32(8+len(content)) + kind + content
}

func u16(n int) string { return string(binary.BigEndian.AppendUint16(nil, uint16(n))) }
func u32(n int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }

// fullBox is a box with a version and flags.
func fullBox(kind string, version byte, flags int, contents ...string) string {
	return box(kind, append([]string{u32(int(version)<<24 | flags)}, contents...)...)
}

// phoneItem is one of the items of a file.
type phoneItem struct {
	id     int
	kind   string // of four letters
	hidden bool
	data   string
	inside bool     // the data lie in the description (idat)
	props  []string // boxes, of which ispe and what is essential come first
}

// relation is a reference from an item to others (ISO/IEC 14496-12, 8.11.12).
type relation struct {
	kind string
	from int
	to   []int
}

// container puts items into a file. Its brands are those of a phone with iOS 18.
func container(primary int, items []phoneItem, relations []relation, groups string) []byte {
	var infe, iref, ipco, ipma, idat string
	count, places := 0, map[string]int{}
	for _, i := range items {
		flags := 0
		if i.hidden {
			flags = 1
		}
		kind := i.kind + "\x00"
		if i.kind == "mime" {
			kind += "application/rdf+xml\x00"
		}
		infe += fullBox("infe", 2, flags, u16(i.id), u16(0), kind)
		if len(i.props) > 0 {
			count++
			ipma += u16(i.id) + string([]byte{byte(len(i.props))})
			for _, p := range i.props {
				if places[p] == 0 {
					ipco += p
					places[p] = len(places) + 1
				}
				n := byte(places[p])
				if k := p[4:8]; k == "hvcC" || k == "irot" || k == "imir" {
					n |= 0x80 // essential
				}
				ipma += string([]byte{n})
			}
		}
		if i.inside {
			idat += i.data
		}
	}
	for _, r := range relations {
		to := ""
		for _, id := range r.to {
			to += u16(id)
		}
		iref += box(r.kind, u16(r.from), u16(len(r.to)), to)
	}
	ftyp := box("ftyp", "heic", u32(0), "mif1", "MiHB", "MiHE", "MiPr", "miaf", "heic", "tmap")
	meta := func(data int) string { // of which the place in the file is known only when the size is
		var iloc string
		in := 0
		for _, i := range items {
			method, at := 0, data
			if i.inside {
				method, at = 1, in
				in += len(i.data)
			} else {
				data += len(i.data)
			}
			iloc += u16(i.id) + u16(method) + u16(0) + u16(1) + u32(at) + u32(len(i.data))
		}
		return fullBox("meta", 0, 0,
			fullBox("hdlr", 0, 0, u32(0), "pict", strings.Repeat("\x00", 13)),
			fullBox("pitm", 0, 0, u16(primary)),
			fullBox("iinf", 0, 0, u16(len(items)), infe),
			fullBox("iref", 0, 0, iref),
			box("iprp", box("ipco", ipco), fullBox("ipma", 0, 0, u32(count), ipma)),
			box("idat", idat),
			fullBox("iloc", 1, 0, "\x44\x00", u16(len(items)), iloc),
			groups)
	}
	file := ftyp + meta(len(ftyp)+len(meta(0))+8)
	var data string
	for _, i := range items {
		if !i.inside {
			data += i.data
		}
	}
	return []byte(file + box("mdat", data))
}

// parts are the decoder's settings and the coded data of a HEIC with one picture.
func parts(t *testing.T, file []byte) (hvcC, data string) {
	t.Helper()
	i, j := bytes.Index(file, []byte("hvcC")), bytes.LastIndex(file, []byte("mdat"))
	if i < 4 || j < 4 {
		t.Fatal("not a HEIC with one picture")
	}
	at := func(i int) string { return string(file[i-4 : i-4+int(binary.BigEndian.Uint32(file[i-4:]))]) }
	return at(i), at(j)[8:]
}

// Four quarters of one colour each, in Display P3: red, green, blue, grey.
var quarters = [4]color.NRGBA{{212, 60, 45, 255}, {60, 190, 60, 255}, {50, 60, 200, 255}, {128, 128, 128, 255}}

// flat is a picture of 256 x 256 pixels as libheif's own program codes it: its
// settings and its data.
func flat(t *testing.T, c color.NRGBA) (hvcC, data string) {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 256, 256))
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	file := heicOf(t, pngOf(t, m), "-q", "95")
	if len(file) == 0 {
		t.Skip("no heif-enc (package libheif-examples)")
	}
	return parts(t, file)
}

// phone makes the files of a phone: a grid of 480 x 400 pixels out of four tiles, with
// what turns it, EXIF, a gain map, a thumbnail and, from iOS 18 on, an HDR rendering to
// which EXIF, gain map and thumbnail relate as well.
type phone struct {
	hvcC, tile [4]string
	colr       string // the colours that the file names
}

// coded is what newPhone has made: coding takes a second.
var coded *phone

func newPhone(t *testing.T) *phone {
	t.Helper()
	if coded != nil {
		return coded
	}
	p := &phone{}
	for i, c := range quarters {
		p.hvcC[i], p.tile[i] = flat(t, c)
	}
	p3, err := icc.Make(icc.DisplayP3)
	if err != nil {
		t.Fatal(err)
	}
	p.colr = box("colr", "prof", string(p3))
	coded = p
	return p
}

const (
	phoneW, phoneH = 480, 400
	gridID         = 5
)

func (p *phone) file(ios18 bool, orientation uint16, turn ...string) []byte {
	ispe := func(w, h int) string { return fullBox("ispe", 0, 0, u32(w), u32(h)) }
	pixi := fullBox("pixi", 0, 0, "\x03\x08\x08\x08")
	colr := p.colr
	var items []phoneItem
	for i := range p.tile {
		items = append(items, phoneItem{id: i + 1, kind: "hvc1", hidden: true, data: p.tile[i], props: []string{ispe(256, 256), p.hvcC[i], colr}})
	}
	items = append(items,
		phoneItem{id: gridID, kind: "grid", inside: true, data: "\x00\x00\x01\x01" + u16(phoneW) + u16(phoneH), props: append([]string{ispe(phoneW, phoneH), colr, pixi}, turn...)},
		phoneItem{id: 6, kind: "hvc1", hidden: true, data: p.tile[3], props: append([]string{ispe(256, 256), p.hvcC[3], fullBox("auxC", 0, 0, "urn:com:apple:photo:2020:aux:hdrgainmap\x00")}, turn...)},
		phoneItem{id: 7, kind: "hvc1", data: p.tile[0], props: append([]string{ispe(256, 256), p.hvcC[0], colr}, turn...)},
		phoneItem{id: 8, kind: "Exif", hidden: true, data: u32(6) + exif(orientation, "iPhone 17")},
		phoneItem{id: 9, kind: "mime", hidden: true, data: "<x:xmpmeta/>"},
	)
	both, groups := []int{gridID}, ""
	relations := []relation{{"dimg", gridID, []int{1, 2, 3, 4}}}
	if ios18 {
		const hdr = 10
		both = append(both, hdr)
		items = append(items, phoneItem{id: hdr, kind: "tmap", inside: true, data: strings.Repeat("\x00", 62),
			props: append([]string{ispe(phoneW, phoneH), box("colr", "nclx", u16(12), u16(16), u16(6), "\x80"), pixi}, turn...)})
		relations = append(relations, relation{"dimg", hdr, []int{gridID, 6}})
		groups = box("grpl", fullBox("altr", 0, 0, u32(1000), u32(2), u32(hdr), u32(gridID)))
	}
	relations = append(relations, relation{"thmb", 7, []int{gridID}}, relation{"auxl", 6, both}, relation{"cdsc", 8, both}, relation{"cdsc", 9, both})
	return container(gridID, items, relations, groups)
}

// corners are the quarters of a decoded picture from the top left on, by their number,
// told by their middles; -1 for another colour.
func corners(p *Photo) (found [4]int) {
	for k := range found {
		x, y := p.RGB.W/10+k%2*p.RGB.W*8/10, p.RGB.H/10+k/2*p.RGB.H*8/10
		c := p.RGB.Pix[3*(y*p.RGB.W+x):]
		found[k] = -1
		for q, want := range sRGBQuarters {
			if math.Abs(float64(c[0])-want[0]) < 6 && math.Abs(float64(c[1])-want[1]) < 6 && math.Abs(float64(c[2])-want[2]) < 6 {
				found[k] = q
			}
		}
	}
	return found
}

// sRGBQuarters are the quarters in sRGB, by the matrices of the two spaces (both D65,
// the same curve; SMPTE EG 432-1 and IEC 61966-2-1).
var sRGBQuarters = func() (out [4][3]float64) {
	m := [3][3]float64{{1.2249, -0.2247, 0}, {-0.0420, 1.0419, 0}, {-0.0197, -0.0786, 1.0979}}
	for q, c := range quarters {
		in := [3]uint8{c.R, c.G, c.B}
		for k := range 3 {
			v := 0.0
			for j := range 3 {
				v += m[k][j] * float64(Linear[in[j]])
			}
			if v <= 0.0031308 {
				v = 12.92 * max(v, 0)
			} else {
				v = 1.055*math.Pow(v, 1/2.4) - 0.055
			}
			out[q][k] = 255 * min(v, 1)
		}
	}
	return out
}()

// TestPhoneHEIC reads files as iOS 18 writes them, which libheif before 1.18 refuses as
// they are. One is kept (testdata/ios18.heic, turned as EXIF 6 says), for machines on
// which none can be made.
func TestPhoneHEIC(t *testing.T) {
	if heif.Version() == "" {
		t.Skip("no libheif (package libheif1)")
	}
	if p, err := Load("testdata/ios18.heic"); err != nil || corners(p) != [4]int{2, 0, 3, 1} {
		t.Errorf("the one that is kept: %v", err)
	}
	phone := newPhone(t)
	for name, file := range map[string][]byte{"iOS 17": phone.file(false, 1), "iOS 18": phone.file(true, 1)} {
		p, err := Decode(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := corners(p); p.RGB.W != phoneW || p.RGB.H != phoneH || got != [4]int{0, 1, 2, 3} {
			t.Errorf("%s: %d x %d, quarters %v", name, p.RGB.W, p.RGB.H, got)
		}
		if p.Meta.Model != "iPhone 17" || p.Profile == "" || p.NoColour != "" {
			t.Errorf("%s: model %q, profile %q, %q", name, p.Meta.Model, p.Profile, p.NoColour)
		}
	}
	// That the file is one of those: libheif's own program, where it is as old.
	raw := filepath.Join(t.TempDir(), "ios18.heic")
	if err := os.WriteFile(raw, phone.file(true, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("heif-convert", raw, filepath.Join(t.TempDir(), "out.jpg")).CombinedOutput()
	switch old := slices.Contains([]string{"1.15", "1.16", "1.17"}, heif.Version()[:4]); {
	case old && (err == nil || !bytes.Contains(out, []byte("Invalid input"))):
		t.Errorf("libheif %s reads the file as it is: it is not one as iOS 18 writes them: %v, %s", heif.Version(), err, out)
	case !old && err != nil:
		t.Errorf("libheif %s does not read the file: %s", heif.Version(), out)
	}
	// Cut off anywhere, or with any of its lengths wrong, it is refused or read, and
	// nothing else happens.
	file := phone.file(true, 1)
	for n := len(file) - 1; n > 0; n -= 211 {
		if p, err := Decode(file[:n]); p != nil || !errors.Is(err, ErrRefused) {
			t.Fatalf("the first %d bytes of %d: %v", n, len(file), err)
		}
	}
	meta := bytes.Index(file, []byte("mdat"))
	for at := 0; at < meta; at += 17 {
		bad := slices.Clone(file)
		bad[at] ^= 0x7f
		if _, err := Decode(bad); err != nil && !errors.Is(err, ErrRefused) {
			t.Fatalf("byte %d: %v", at, err)
		}
	}
}

// TestHEICColours: colours are named by a profile or by numbers (ISO/IEC 23091-2), and
// those that a screen of standard range cannot show are refused.
func TestHEICColours(t *testing.T) {
	phone := newPhone(t)
	nclx := func(primaries, transfer int) string {
		return box("colr", "nclx", u16(primaries), u16(transfer), u16(6), "\x80")
	}
	stored := [3]float64{float64(quarters[0].R), float64(quarters[0].G), float64(quarters[0].B)}
	for name, c := range map[string]struct {
		colr    string
		want    [3]float64 // of the first quarter
		refused string
	}{
		"Display P3 by its profile": {phone.colr, sRGBQuarters[0], ""},
		"Display P3 by numbers":     {nclx(12, 13), sRGBQuarters[0], ""},
		"sRGB by numbers":           {nclx(1, 13), stored, ""},
		"HDR, PQ":                   {nclx(9, 16), stored, "coded for HDR displays"},
		"HDR, HLG":                  {nclx(12, 18), stored, "coded for HDR displays"},
		"a broken profile":          {box("colr", "prof", strings.Repeat("garbage ", 40)), stored, "colour profile"},
		"a profile of 5 MB":         {box("colr", "prof", strings.Repeat("\x00", 5<<20)), stored, "5242880 bytes"},
	} {
		of := *phone
		of.colr = c.colr
		p, err := Decode(of.file(true, 1))
		if c.refused != "" {
			if p != nil || !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s: %v, want a refusal that says %q", name, err, c.refused)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for k, want := range c.want {
			if got := float64(p.RGB.Pix[3*(50*phoneW+50)+k]); math.Abs(got-want) > 3 {
				t.Errorf("%s: channel %d is %v, want %.0f", name, k, got, want)
			}
		}
	}
}

// TestHEICOrientation: the file turns and mirrors the picture by irot and imir, and
// says so once more in EXIF, as phones do. It must be done once.
func TestHEICOrientation(t *testing.T) {
	phone := newPhone(t)
	irot := func(n byte) string { return box("irot", string([]byte{n})) } // quarters of a turn, to the left
	imir := func(n byte) string { return box("imir", string([]byte{n})) } // 0: top and bottom change places, EXIF's 4; 1: left and right, EXIF's 2
	for _, c := range []struct {
		exif  uint16
		turn  []string
		want  [4]int
		swaps bool
	}{
		{1, nil, [4]int{0, 1, 2, 3}, false},
		{6, nil, [4]int{0, 1, 2, 3}, false}, // EXIF alone does not turn (ISO/IEC 23008-12, A.2.1)
		{2, []string{imir(1)}, [4]int{1, 0, 3, 2}, false},
		{3, []string{irot(2)}, [4]int{3, 2, 1, 0}, false},
		{4, []string{imir(0)}, [4]int{2, 3, 0, 1}, false},
		{5, []string{irot(1), imir(0)}, [4]int{0, 2, 1, 3}, true},
		{6, []string{irot(3)}, [4]int{2, 0, 3, 1}, true},
		{7, []string{irot(1), imir(1)}, [4]int{3, 1, 2, 0}, true},
		{8, []string{irot(1)}, [4]int{1, 3, 0, 2}, true},
	} {
		p, err := Decode(phone.file(true, c.exif, c.turn...))
		if err != nil {
			t.Errorf("EXIF %d: %v", c.exif, err)
			continue
		}
		w, h := phoneW, phoneH
		if c.swaps {
			w, h = h, w
		}
		if got := corners(p); got != c.want || p.RGB.W != w || p.RGB.H != h || p.Meta.Orientation != 1 {
			t.Errorf("EXIF %d, %q: quarters %v of %d x %d, want %v of %d x %d", c.exif, c.turn, got, p.RGB.W, p.RGB.H, c.want, w, h)
		}
	}
}
