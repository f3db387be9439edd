// What gocv v0.31 does not bind. Every function returns 0, or -1 where OpenCV
// threw: an exception must not cross into Go.
#ifdef __cplusplus
extern "C" {
#endif

void dt_single_thread(void);

// Dense inverse search optical flow from a to b, both w*h 8-bit. flow holds 2*w*h
// floats and its content is the initial guess.
int dt_dis_flow(const unsigned char* a, const unsigned char* b, int w, int h,
                int finest_scale, int patch_size, int patch_stride,
                int gradient_iterations, int variational_iterations,
                float* flow);

#ifdef __cplusplus
}
#endif
