package cv

// #cgo pkg-config: opencv4
// #cgo CXXFLAGS: -std=c++11
// #include "shim.h"
import "C"

// OpenCV ignores OPENCV_FOR_THREADS_NUM in Debian's TBB build, and gocv v0.31
// has no call for it.
var _ = func() int { C.dt_single_thread(); return 0 }()
