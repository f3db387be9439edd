package study

import (
	"bytes"
	"io"
	"os"
	"strings"
	"time"

	"github.com/bep/imagemeta"

	"github.com/dermatrend/dermatrend/pipeline/internal/filetype"
)

const (
	maxHeadBytes = 1 << 20   // of the file; cameras write EXIF at its start
	maxFileBytes = 256 << 20 // of a file that may have it at its end
)

// exifDate is the day on which a photo was taken, by the clock of the camera;
// zero where the file does not say. The offset from UTC, where it is recorded,
// changes nothing: the day is that of the place. CreateDate is imagemeta's name
// for DateTimeDigitized; the time of a later change (DateTime) is no date of the
// photo. No pixel is decoded.
func exifDate(file string) Date {
	f, err := os.Open(file)
	if err != nil {
		return Date{}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxHeadBytes))
	if err != nil {
		return Date{}
	}
	if k := filetype.Of(data); k == filetype.TIFF || k == filetype.HEIC { // it may be at the end
		return dateTaken(data, io.NewSectionReader(f, 0, maxFileBytes))
	}
	return dateTaken(data, bytes.NewReader(data))
}

// dateTaken is exifDate for the start of a file, and the file as far as it is to be
// read.
func dateTaken(head []byte, r io.ReadSeeker) Date {
	format, known := map[string]imagemeta.ImageFormat{filetype.JPEG: imagemeta.JPEG, filetype.PNG: imagemeta.PNG, filetype.TIFF: imagemeta.TIFF,
		filetype.WebP: imagemeta.WebP, filetype.HEIC: imagemeta.HEIF}[filetype.Of(head)]
	if !known {
		return Date{}
	}
	taken := map[string]string{}
	_, err := imagemeta.Decode(imagemeta.Options{
		R:               r,
		ImageFormat:     format,
		Sources:         imagemeta.EXIF,
		LimitNumTags:    1000,
		LimitTagSize:    1000,
		ShouldHandleTag: func(t imagemeta.TagInfo) bool { return isDateTag(t.Tag) },
		HandleTag: func(t imagemeta.TagInfo) error {
			if s, ok := t.Value.(string); ok && isDateTag(t.Tag) && taken[t.Tag] == "" {
				taken[t.Tag] = s
			}
			return nil
		},
	})
	if err != nil {
		return Date{} // half a header is no evidence
	}
	for _, tag := range []string{"DateTimeOriginal", "CreateDate"} {
		day, _, _ := strings.Cut(taken[tag], " ")
		if t, err := time.Parse("2006:01:02", day); err == nil {
			return Date{t}
		}
	}
	return Date{}
}

func isDateTag(tag string) bool { return tag == "DateTimeOriginal" || tag == "CreateDate" }
