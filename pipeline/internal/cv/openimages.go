//go:build matprofile

package cv

import "gocv.io/x/gocv"

// OpenImages is the number of OpenCV matrices that were made and not closed, in
// builds with the tag matprofile. Tests outside this package look for leaks with it.
func OpenImages() int { return gocv.MatProfile.Count() }
