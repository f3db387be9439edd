package cluster

import (
	"testing"

	"go.uber.org/goleak"
)

// After all tests nothing is left of connections, listeners and workers.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
