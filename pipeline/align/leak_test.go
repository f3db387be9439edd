//go:build matprofile

package align

import (
	"os"
	"testing"

	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
)

// TestMain fails the package where a test left an OpenCV matrix open.
func TestMain(m *testing.M) { os.Exit(cv.RunTests(m)) }
