//go:build !matprofile

package pipeline

import (
	"testing"

	"go.uber.org/goleak"
)

// After all tests nothing is left of what they started. With the tag matprofile,
// matrices are counted instead.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
