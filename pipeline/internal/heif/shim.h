// libheif, loaded when it is first needed: which version there is, and whether there
// is one, is known only on the machine that reads photos. The declarations are those
// of libheif's C interface, which has been stable since 1.8.
#include <stddef.h>

typedef struct {
    int width, height;
    const unsigned char *rgb; // rows of 3 * width bytes, one every stride bytes
    int stride;
    void *image;              // libheif's, which owns rgb
    unsigned char *icc;       // NULL: none
    size_t icc_size;          // also set where it is above the limit and was not read
    int primaries;            // of the nclx profile (ISO/IEC 23091-2); 0 without one
    int transfer;
    char message[200];        // what libheif said of a failure
} dt_heif;

// The version as 0xMMmmpp00; 0 where there is no libheif.
unsigned dt_heif_version(void);

// Decodes the primary picture. Results: 0 done; 1 libheif refuses it, see message; 2
// the size, which is set, or that of the profile is above its limit and nothing was
// decoded; 3 there is no decoder for this coding.
int dt_heif_decode(const void *data, size_t n, int min_side, int max_side, size_t max_pixels,
                   size_t max_icc, dt_heif *out);

// Frees what dt_heif_decode has left, whatever its result.
void dt_heif_free(dt_heif *out);
