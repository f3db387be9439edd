//go:build matprofile

package cv

import (
	"fmt"
	"os"
	"testing"

	"gocv.io/x/gocv"
)

// OpenImages is the number of OpenCV matrices that were made and not closed, in
// builds with the tag matprofile. Tests outside this package look for leaks with it.
func OpenImages() int { return gocv.MatProfile.Count() }

// RunTests runs the tests of a package and gives the exit code: a failure, saying
// where they were made, if matrices stayed open.
func RunTests(m *testing.M) int {
	code := m.Run()
	if n := OpenImages(); n > 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d matrices were not closed:\n", n)
		gocv.MatProfile.WriteTo(os.Stderr, 1)
		code = 1
	}
	return code
}
