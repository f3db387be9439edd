package main

import (
	"fmt"
	"runtime"

	"github.com/dermatrend/dermatrend/pipeline"
)

// version is that of the newest entry in CHANGELOG.md.
const version = "0.4.0"

type versionCommand struct{}

func (versionCommand) Run(in *invocation) error {
	_, err := fmt.Fprintf(in.stdout, "dermatrend %s (OpenCV %s, %s)\n", version, pipeline.OpenCVVersion(), runtime.Version())
	return err
}
