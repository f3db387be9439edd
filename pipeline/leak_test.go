//go:build matprofile

package pipeline

import (
	"fmt"
	"os"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// TestMain fails the package where a whole series left an OpenCV matrix open.
func TestMain(m *testing.M) {
	code := m.Run()
	if n := cv.OpenImages(); n > 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d matrices were not closed\n", n)
		code = 1
	}
	os.Exit(code)
}
