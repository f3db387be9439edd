// Printed markers, of which gocv v0.31 has no binding on Debian's OpenCV. Every
// function returns a count or 0, or -1 where OpenCV threw.
#ifdef __cplusplus
extern "C" {
#endif

// Markers of the family AprilTag 36h11 in a w*h 8-bit picture. ids holds room for
// most, corners for 8 floats each. Returns how many there are, at most most.
int dt_markers(const unsigned char* pix, int w, int h, int most, int* ids, float* corners);

// The cells of a marker with its black rim, 8*8 bytes, 1 is white. id 0 to 586.
int dt_marker_cells(int id, unsigned char* cells);

// Moves n points (x, y) to the corner nearby that a window of 2*half+1 px shows.
int dt_corners(const unsigned char* pix, int w, int h, int n, int half, float* points);

#ifdef __cplusplus
}
#endif
