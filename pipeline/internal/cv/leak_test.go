//go:build matprofile

package cv

import (
	"fmt"
	"os"
	"testing"

	"gocv.io/x/gocv"
)

// TestMain fails the package where a Mat of any test was not closed.
func TestMain(m *testing.M) {
	code := m.Run()
	if n := OpenImages(); n > 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d matrices were not closed:\n", n)
		gocv.MatProfile.WriteTo(os.Stderr, 1)
		code = 1
	}
	os.Exit(code)
}

// TestCounter shows that an open matrix is seen at all.
func TestCounter(t *testing.T) {
	before := OpenImages()
	m := gocv.NewMat()
	if OpenImages() != before+1 {
		t.Errorf("%d open after one more than %d", OpenImages(), before)
	}
	m.Close()
	if OpenImages() != before {
		t.Errorf("%d open after closing, want %d", OpenImages(), before)
	}
}
