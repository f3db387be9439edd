package photo

import (
	"bytes"
	"strings"
	"time"

	"github.com/bep/imagemeta"
)

// Meta is what the camera wrote. Zero values mean not recorded.
type Meta struct {
	Orientation int       // EXIF, 1 to 8; 1 where the decoder has turned the picture already
	Taken       time.Time // by the camera's clock; in UTC where it does not record its offset
	Camera
	adobeRGB bool // the pixels are Adobe RGB (DCF 2.0, 3.3: "option file")
}

// Camera is what took a photo, and how it was set.
type Camera struct {
	Model   string  // maker and model
	Lens    string  // model of the lens
	FocalMM float64 // focal length, mm
	Focal35 float64 // as seen on 24 x 36 mm film, mm
	Flash   string  // "fired", "off"
	Seconds float64 // exposure time
	FNumber float64
	ISO     float64
}

// readMeta reads the EXIF of a photo; a photo without or with broken EXIF is a
// photo all the same.
func readMeta(data []byte, format imagemeta.ImageFormat) Meta {
	m := Meta{Orientation: 1}
	var tags imagemeta.Tags
	_, err := imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(data), ImageFormat: format, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(imagemeta.TagInfo) bool { return true },
		HandleTag: func(t imagemeta.TagInfo) error {
			switch {
			case strings.HasPrefix(t.Namespace, "IFD1"): // of the thumbnail
			case strings.HasSuffix(t.Namespace, "InteroperabilityIFD"): // the library names its tags as those of GPS
				m.adobeRGB = m.adobeRGB || t.Value == "R03"
			default:
				tags.Add(t)
			}
			return nil
		},
		// No Timeout: a clock must not decide what a photo is. The size is limited.
		LimitNumTags: 5000, LimitTagSize: 10000,
	})
	if err != nil && len(tags.EXIF()) == 0 {
		return m
	}
	number := func(name string) float64 {
		switch v := tags.EXIF()[name].Value.(type) {
		case uint8:
			return float64(v)
		case uint16:
			return float64(v)
		case uint32:
			return float64(v)
		case float32:
			return float64(v)
		case float64:
			return v
		case interface{ Float64() float64 }:
			return v.Float64()
		}
		return 0
	}
	positive := func(name string) float64 {
		if v := number(name); v > 0 && v < 1e7 {
			return v
		}
		return 0
	}
	text := func(name string) string {
		s, _ := tags.EXIF()[name].Value.(string)
		return printable(s)
	}
	if o := int(number("Orientation")); o >= 1 && o <= 8 {
		m.Orientation = o
	}
	m.Taken = taken(text("DateTimeOriginal"), text("OffsetTimeOriginal"))
	if m.Taken.IsZero() {
		m.Taken = taken(text("CreateDate"), text("OffsetTimeDigitized"))
	}
	m.Model = text("Model")
	if maker := text("Make"); maker != "" && !strings.HasPrefix(strings.ToLower(m.Model), strings.ToLower(maker)) {
		m.Model = strings.TrimSpace(maker + " " + m.Model)
	}
	m.Lens = text("LensModel")
	m.FocalMM, m.Focal35 = positive("FocalLength"), positive("FocalLengthIn35mmFormat")
	m.Seconds, m.FNumber, m.ISO = positive("ExposureTime"), positive("FNumber"), positive("ISO")
	if _, known := tags.EXIF()["Flash"]; known {
		m.Flash = "off"
		if int(number("Flash"))&1 == 1 { // EXIF 2.3, Flash: bit 0 is "fired"
			m.Flash = "fired"
		}
	}
	return m
}

// taken reads a time as EXIF writes it, with its offset from UTC where there is one.
func taken(clock, offset string) time.Time {
	const layout = "2006:01:02 15:04:05"
	if t, err := time.Parse(layout+"-07:00", clock+offset); err == nil {
		_, s := t.Zone()
		return t.In(time.FixedZone("", s)) // whatever the machine calls that zone
	}
	t, err := time.Parse(layout, clock)
	if err != nil {
		return time.Time{}
	}
	return t
}

// printable is a text without what does not belong into a table, 64 characters of
// it at most.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\ufffd' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if r := []rune(s); len(r) > 64 {
		s = string(r[:64])
	}
	return strings.TrimSpace(s)
}
