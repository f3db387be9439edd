package photo

import (
	"bytes"
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/bep/imagemeta"
)

// Meta is what the camera wrote. Zero values mean not recorded.
type Meta struct {
	Orientation int       // EXIF, 1 to 8
	Taken       time.Time // local time of the camera
}

// readMeta reads the EXIF of a photo; a photo without or with broken EXIF is a
// photo all the same.
func readMeta(data []byte, kind string) Meta {
	m := Meta{Orientation: 1}
	format := imagemeta.JPEG
	if kind == "PNG" {
		format = imagemeta.PNG
	}
	var tags imagemeta.Tags
	_, err := imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(data), ImageFormat: format, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(imagemeta.TagInfo) bool { return true },
		HandleTag:       func(t imagemeta.TagInfo) error { tags.Add(t); return nil },
		// No Timeout: a clock must not decide what a photo is. The size is limited.
		LimitNumTags: 5000, LimitTagSize: 10000,
	})
	if err != nil && len(tags.EXIF()) == 0 {
		return m
	}
	number := func(name string) float64 {
		switch v := tags.EXIF()[name].Value.(type) {
		case uint16:
			return float64(v)
		case uint32:
			return float64(v)
		case float64:
			return v
		case interface{ Float64() float64 }:
			return v.Float64()
		}
		return 0
	}
	if o := int(number("Orientation")); o >= 1 && o <= 8 {
		m.Orientation = o
	}
	if t, err := tags.GetDateTime(); err == nil {
		m.Taken = t
	}
	return m
}

// profileName is the description of the embedded ICC profile, "unnamed" where it
// has none, empty where there is no profile.
func profileName(data []byte, kind string) string {
	var icc []byte
	if kind == "JPEG" {
		icc = jpegICC(data)
	} else if bytes.Contains(data[:min(len(data), 4096)], []byte("iCCP")) {
		// The name of a PNG's profile stands in the clear before the compressed data.
		i := bytes.Index(data, []byte("iCCP")) + 4
		if j := bytes.IndexByte(data[i:], 0); j > 0 && j < 80 {
			return string(data[i : i+j])
		}
		return "unnamed"
	}
	if len(icc) < 132 {
		return ""
	}
	return iccDescription(icc)
}

// jpegICC joins the ICC_PROFILE segments of a JPEG, in the order of the file.
func jpegICC(d []byte) []byte {
	const id = "ICC_PROFILE\x00"
	var icc []byte
	for i := 2; i+4 <= len(d) && d[i] == 0xff && d[i+1] != 0xda && d[i+1] != 0xd9; {
		n := int(d[i+2])<<8 + int(d[i+3])
		if end := i + 2 + n; d[i+1] == 0xe2 && end <= len(d) && n > len(id)+4 && string(d[i+4:i+4+len(id)]) == id {
			icc = append(icc, d[i+4+len(id)+2:end]...)
		}
		i += 2 + n
	}
	return icc
}

// iccDescription reads the desc tag (ICC.1 7.3: a count, then signature, offset
// and size of each tag).
func iccDescription(icc []byte) string {
	count := binary.BigEndian.Uint32(icc[128:])
	for i := range min(int(count), 100) {
		at := 132 + 12*i
		if at+12 > len(icc) {
			break
		}
		if string(icc[at:at+4]) != "desc" {
			continue
		}
		off, size := int(binary.BigEndian.Uint32(icc[at+4:])), int(binary.BigEndian.Uint32(icc[at+8:]))
		if off < 0 || size < 12 || off+size > len(icc) {
			break
		}
		tag := icc[off : off+size]
		switch string(tag[:4]) {
		case "desc": // version 2: length, then ASCII
			n := int(binary.BigEndian.Uint32(tag[8:]))
			if n > 0 && 12+n <= len(tag) {
				return strings.TrimRight(string(tag[12:12+n]), "\x00")
			}
		case "mluc": // version 4: records of UTF-16
			if len(tag) < 28 {
				break
			}
			n, o := int(binary.BigEndian.Uint32(tag[20:])), int(binary.BigEndian.Uint32(tag[24:]))
			if n > 0 && n < 512 && o >= 0 && o+n <= len(tag) {
				var u []uint16
				for j := o; j+1 < o+n; j += 2 {
					u = append(u, binary.BigEndian.Uint16(tag[j:]))
				}
				return string(utf16.Decode(u))
			}
		}
	}
	return "unnamed"
}

// IsSRGB tells whether the photo's colours can be read as sRGB: no profile, or
// one that names itself so.
func (p *Photo) IsSRGB() bool {
	return p.Profile == "" || strings.Contains(strings.ToLower(p.Profile), "srgb")
}
