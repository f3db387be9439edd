#include "shim.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int code, subcode;
    const char *message;
} heif_error;

static struct {
    uint32_t (*version)(void);
    void *(*context_alloc)(void);
    void (*context_free)(void *);
    heif_error (*read)(void *, const void *, size_t, const void *);
    heif_error (*primary)(void *, void **);
    void (*handle_release)(void *);
    int (*width)(const void *);
    int (*height)(const void *);
    size_t (*icc_size)(const void *);
    heif_error (*icc)(const void *, void *);
    heif_error (*nclx)(const void *, int **);
    void (*nclx_free)(int *);
    heif_error (*decode)(const void *, void **, int, int, const void *);
    int (*image_width)(const void *, int);
    int (*image_height)(const void *, int);
    const uint8_t *(*plane)(const void *, int, int *);
    void (*image_release)(const void *);
} lib;

static int load(void) {
    static int state; // 0 unknown, 1 there, -1 not there
    if (state) return state;
    void *so = dlopen("libheif.so.1", RTLD_NOW | RTLD_LOCAL);
    state = -1;
    if (!so) return state;
#define GET(field, name) \
    if (!(*(void **)&lib.field = dlsym(so, name))) return state;
    GET(version, "heif_get_version_number")
    GET(context_alloc, "heif_context_alloc")
    GET(context_free, "heif_context_free")
    GET(read, "heif_context_read_from_memory_without_copy")
    GET(primary, "heif_context_get_primary_image_handle")
    GET(handle_release, "heif_image_handle_release")
    GET(width, "heif_image_handle_get_width")
    GET(height, "heif_image_handle_get_height")
    GET(icc_size, "heif_image_handle_get_raw_color_profile_size")
    GET(icc, "heif_image_handle_get_raw_color_profile")
    GET(nclx, "heif_image_handle_get_nclx_color_profile")
    GET(nclx_free, "heif_nclx_color_profile_free")
    GET(decode, "heif_decode_image")
    GET(image_width, "heif_image_get_width")
    GET(image_height, "heif_image_get_height")
    GET(plane, "heif_image_get_plane_readonly")
    GET(image_release, "heif_image_release")
    return state = 1;
}

unsigned dt_heif_version(void) { return load() > 0 ? lib.version() : 0; }

// failed gives the result of a call: 0, or 1 or 3 with what libheif says. That there is
// no decoder it says by one code before 1.18 and by another since.
static int failed(dt_heif *out, heif_error e) {
    enum { unsupported_codec = 3000, no_matching_decoder_installed = 6003 };
    if (!e.code) return 0;
    snprintf(out->message, sizeof out->message, "%s", e.message ? e.message : "unknown error");
    return e.subcode == unsupported_codec || e.subcode == no_matching_decoder_installed ? 3 : 1;
}

enum { colorspace_rgb = 1, chroma_interleaved_rgb = 10, channel_interleaved = 10 };

static int decode_primary(const void *handle, int min_side, int max_side, size_t max_pixels, size_t max_icc, dt_heif *out) {
    out->width = lib.width(handle);
    out->height = lib.height(handle);
    out->icc_size = lib.icc_size(handle);
    if (out->width < min_side || out->height < min_side || out->width > max_side || out->height > max_side ||
        (size_t)out->width * (size_t)out->height > max_pixels || out->icc_size > max_icc)
        return 2;
    if (out->icc_size > 0) {
        if (!(out->icc = malloc(out->icc_size)) || failed(out, lib.icc(handle, out->icc))) return 1;
    } else {
        int *nclx = NULL; // version (one byte, padded), primaries, transfer, ...
        if (!lib.nclx(handle, &nclx).code && nclx) {
            out->primaries = nclx[1];
            out->transfer = nclx[2];
            lib.nclx_free(nclx);
        }
    }
    int result = failed(out, lib.decode(handle, &out->image, colorspace_rgb, chroma_interleaved_rgb, NULL));
    if (result) return result;
    out->rgb = lib.plane(out->image, channel_interleaved, &out->stride);
    if (!out->rgb || lib.image_width(out->image, channel_interleaved) != out->width ||
        lib.image_height(out->image, channel_interleaved) != out->height) {
        snprintf(out->message, sizeof out->message, "the picture has not the size that the file says");
        return 1;
    }
    return 0;
}

int dt_heif_decode(const void *data, size_t n, int min_side, int max_side, size_t max_pixels, size_t max_icc, dt_heif *out) {
    memset(out, 0, sizeof *out);
    if (load() < 0) return 1;
    void *context = lib.context_alloc(), *handle = NULL;
    int result = 1;
    if (context && !failed(out, lib.read(context, data, n, NULL)) && !failed(out, lib.primary(context, &handle))) {
        result = decode_primary(handle, min_side, max_side, max_pixels, max_icc, out);
        lib.handle_release(handle);
    }
    if (context) lib.context_free(context);
    return result;
}

void dt_heif_free(dt_heif *out) {
    if (out->image) lib.image_release(out->image);
    free(out->icc);
}
