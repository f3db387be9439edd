package study

import (
	"bytes"
	"io"
	"os"
	"strings"
	"time"

	"github.com/bep/imagemeta"
)

const maxExifBytes = 1 << 20 // of the file; cameras write EXIF at its start

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
	data, err := io.ReadAll(io.LimitReader(f, maxExifBytes))
	if err != nil {
		return Date{}
	}
	return dateTaken(data)
}

// dateTaken is exifDate for the start of a file.
func dateTaken(data []byte) Date {
	var format imagemeta.ImageFormat
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		format = imagemeta.JPEG
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		format = imagemeta.PNG
	default:
		return Date{}
	}
	taken := map[string]string{}
	_, err := imagemeta.Decode(imagemeta.Options{
		R:               bytes.NewReader(data),
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
