#define DT_JPEG_MESSAGE 200 // JMSG_LENGTH_MAX

// Decodes to interleaved RGB of w x h pixels. Gives 1, or 0 with the reason.
int dt_jpeg_decode(const unsigned char *data, unsigned long n, unsigned char *rgb, unsigned w,
                   unsigned h, int max_scans, char *message);
