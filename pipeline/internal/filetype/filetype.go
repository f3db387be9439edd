// Package filetype tells the formats of photographs by their first bytes.
package filetype

import "slices"

// Head is the number of first bytes that [Of] needs.
const Head = 132

// Formats that are read.
const (
	JPEG  = "JPEG"
	PNG   = "PNG"
	TIFF  = "TIFF"
	WebP  = "WebP"
	HEIC  = "HEIC"
	DICOM = "DICOM"
)

// Read names the formats that are read, for a reader.
const Read = "JPEG, PNG, TIFF, WebP, HEIC or DICOM"

// Extensions are those of the files that are taken for photos by their names, in
// lower case.
var Extensions = []string{".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".heic", ".heif", ".hif", ".dcm", ".dicom"}

// heifBrands are those of stills whose pictures are coded with HEVC, or of files
// that may hold them (ISO/IEC 23008-12, 10.2).
var heifBrands = []string{"heic", "heix", "heim", "heis", "mif1", "msf1", "hevc", "hevx"}

// Of names the format of a file by its first bytes, also those that are not read;
// empty where it is not known.
func Of(d []byte) string {
	at := func(i int, s string) bool { return len(d) >= i+len(s) && string(d[i:i+len(s)]) == s }
	switch {
	case at(0, "\xff\xd8\xff"):
		return JPEG
	case at(0, "\x89PNG\r\n\x1a\n"):
		return PNG
	case at(0, "II*\x00"), at(0, "MM\x00*"):
		return TIFF
	case at(0, "RIFF") && at(8, "WEBP"):
		return WebP
	case at(128, "DICM"):
		return DICOM
	case at(4, "ftyp"):
		switch {
		case len(d) >= 12 && slices.Contains(heifBrands, string(d[8:12])):
			return HEIC
		case at(8, "avif"), at(8, "avis"):
			return "AVIF"
		case at(8, "crx "):
			return "CR3"
		}
		return "film"
	case at(0, "GIF8"):
		return "GIF"
	case at(0, "BM"):
		return "BMP"
	case at(0, "II+\x00"), at(0, "MM\x00+"):
		return "BigTIFF"
	case at(0, "\x00\x00\x00\x0cjP  "), at(0, "\xff\x4f\xff\x51"):
		return "JPEG 2000"
	case at(0, "\xff\x0a"), at(0, "\x00\x00\x00\x0cJXL "):
		return "JPEG XL"
	case at(0, "%PDF"):
		return "PDF"
	}
	return ""
}

// IsRead tells whether a format that [Of] names is read.
func IsRead(format string) bool {
	return slices.Contains([]string{JPEG, PNG, TIFF, WebP, HEIC, DICOM}, format)
}
