package serve

import (
	"testing"

	"go.uber.org/goleak"
)

// A server that was shut down leaves nothing behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
