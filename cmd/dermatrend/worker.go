package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"

	"github.com/dermatrend/dermatrend/pipeline"
)

// workerCommand is what `run` and `check` start: it is not for users.
type workerCommand struct{}

// A worker may use this much memory before Go collects hard; what OpenCV holds
// comes on top, and 1 GiB in all is planned for a worker.
const workerMemory = 560 << 20

// Who has workers, and tables and reports to write, collects early: persons come one
// after the other, and what they leave would otherwise double its memory.
const coordinatorGC = 50

func (workerCommand) Run(*invocation) error {
	// Planes of pixels are short-lived and large: collecting late costs memory that
	// is planned for, and saves a tenth of the time.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(workerMemory)
	return pipeline.Work()
}

// startWorker makes the command for one of several workers of this program. It
// is the running program itself, also when its file has been replaced meanwhile.
func startWorker(jobs int) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", "worker-local")
	cmd.Args[0] = os.Args[0]
	// Together they shall use the cores, not each of them all.
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", max(runtime.GOMAXPROCS(0)/jobs, 1)))
	return cmd
}
