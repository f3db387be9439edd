//go:build matprofile

package cv

import (
	"os"
	"testing"

	"gocv.io/x/gocv"
)

// TestMain fails the package where a Mat of any test was not closed.
func TestMain(m *testing.M) { os.Exit(RunTests(m)) }

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
