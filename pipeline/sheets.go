package pipeline

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/dermatrend/dermatrend/pipeline/card"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// WriteMarker writes a page with a scale marker, its black square sideMM a side, to
// a new PDF file.
func WriteMarker(file string, sideMM int) error {
	data, err := card.MarkerSheet(sideMM)
	if err != nil {
		return usageError{err}
	}
	return writeSheet(file, data)
}

// WriteCards writes a capture sheet for each subject to a new PDF file.
func WriteCards(file string, ids []string) error {
	data, err := card.CaptureSheet(ids)
	if err != nil {
		return usageError{err}
	}
	return writeSheet(file, data)
}

func writeSheet(file string, data []byte) error {
	err := study.WriteNew(file, data)
	if errors.Is(err, fs.ErrExist) {
		return usageError{fmt.Errorf("%s is there already; choose another name with -o", file)}
	}
	return err
}
