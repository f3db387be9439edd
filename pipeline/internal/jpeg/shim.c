#include "shim.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

typedef struct {
    struct jpeg_error_mgr errors; // first: libjpeg knows this part
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    char *message;
    int max_scans;
} state;

static void failed(j_common_ptr info) {
    state *s = (state *)info->err;
    info->err->format_message(info, s->message);
    longjmp(s->back, 1);
}

// heard ends at the warnings after which pixels are made up; libjpeg goes on with
// grey blocks. Others, of stray bytes or odd parameters, cost no pixel.
static void heard(j_common_ptr info, int level) {
    if (level >= 0) return;
    switch (info->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_JPEG_EOF:
        failed(info);
    }
}

static void silent(j_common_ptr info) { (void)info; }

static void watch(j_common_ptr info) {
    state *s = (state *)info->err;
    if (info->is_decompressor && ((j_decompress_ptr)info)->input_scan_number > s->max_scans) {
        snprintf(s->message, DT_JPEG_MESSAGE, "more than %d scans", s->max_scans);
        longjmp(s->back, 1);
    }
}

int dt_jpeg_decode(const unsigned char *data, unsigned long n, unsigned char *rgb, unsigned w,
                   unsigned h, int max_scans, char *message) {
    state s = {.message = message, .max_scans = max_scans};
    struct jpeg_decompress_struct info = {.err = jpeg_std_error(&s.errors)};
    s.errors.error_exit = failed;
    s.errors.emit_message = heard;
    s.errors.output_message = silent;
    s.progress.progress_monitor = watch;
    if (setjmp(s.back)) {
        jpeg_destroy_decompress(&info);
        return 0;
    }
    jpeg_create_decompress(&info);
    info.progress = &s.progress;
    jpeg_mem_src(&info, data, n);
    jpeg_read_header(&info, TRUE);
    info.out_color_space = JCS_RGB;
    jpeg_start_decompress(&info);
    if (info.output_width != w || info.output_height != h || info.output_components != 3) {
        snprintf(message, DT_JPEG_MESSAGE, "%u x %u pixels of %d channels, expected %u x %u of 3", info.output_width,
                 info.output_height, info.output_components, w, h);
        longjmp(s.back, 1);
    }
    while (info.output_scanline < h) {
        JSAMPROW rows[16];
        unsigned many = 0;
        for (; many < 16 && info.output_scanline + many < h; many++) {
            rows[many] = rgb + (size_t)3 * w * (info.output_scanline + many);
        }
        jpeg_read_scanlines(&info, rows, many);
    }
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
    return 1;
}
