package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"github.com/dermatrend/dermatrend/pipeline"
)

// workerCommand is what `run` and `check` start: it is not for users.
type workerCommand struct{}

func (workerCommand) Run(*invocation) error { return pipeline.Work() }

// startWorker makes the command for one of several workers of this program. It
// is the running program itself, also when its file has been replaced meanwhile.
func startWorker(jobs int) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", "worker-local")
	cmd.Args[0] = os.Args[0]
	// Together they shall use the cores, not each of them all.
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", max(runtime.GOMAXPROCS(0)/jobs, 1)))
	return cmd
}
