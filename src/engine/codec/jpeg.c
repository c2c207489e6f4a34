/* The decoder of libjpeg (libjpeg-turbo everywhere that matters), as far as codec/jpeg.rs needs it.
 *
 * libjpeg leaves its functions by longjmp where a file cannot be read. That must not pass over Rust's frames, so every
 * call into libjpeg stands here, behind a setjmp of its own. Nothing is printed; warnings are counted. */

#include <setjmp.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <jpeglib.h>
#include <jerror.h>

struct tintype_jpeg {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    jmp_buf escape;
    int truncated;
};

/* What a header says; the same as `Header` in jpeg.rs. */
struct tintype_jpeg_header {
    unsigned width, height;
    unsigned components;
    /* J_COLOR_SPACE of the file: 1 grey, 2 RGB, 3 YCbCr, 4 CMYK, 5 YCCK. */
    unsigned space;
    /* How often each component is sampled across and down, in an MCU. */
    unsigned across[3], down[3];
};

static void fail(j_common_ptr common) {
    struct tintype_jpeg *jpeg = common->client_data;
    longjmp(jpeg->escape, 1);
}

static void note(j_common_ptr common, int level) {
    struct tintype_jpeg *jpeg = common->client_data;
    if (level >= 0) return;
    common->err->num_warnings++;
    if (common->err->msg_code == JWRN_JPEG_EOF || common->err->msg_code == JWRN_HIT_MARKER) jpeg->truncated = 1;
}

static void say_nothing(j_common_ptr common) { (void)common; }

void tintype_jpeg_free(struct tintype_jpeg *jpeg) {
    if (!jpeg) return;
    if (!setjmp(jpeg->escape)) jpeg_destroy_decompress(&jpeg->info);
    free(jpeg);
}

/* Reads the header of a file that stays where it is until the decoder is freed. NULL where it cannot be read. */
struct tintype_jpeg *tintype_jpeg_open(const unsigned char *file, size_t length, struct tintype_jpeg_header *header) {
    struct tintype_jpeg *jpeg = calloc(1, sizeof *jpeg);
    if (!jpeg) return NULL;
    jpeg->info.err = jpeg_std_error(&jpeg->errors);
    jpeg->errors.error_exit = fail;
    jpeg->errors.emit_message = note;
    jpeg->errors.output_message = say_nothing;
    jpeg->info.client_data = jpeg;
    if (setjmp(jpeg->escape)) {
        tintype_jpeg_free(jpeg);
        return NULL;
    }
    jpeg_create_decompress(&jpeg->info);
    /* Older headers of the library want a pointer to what may be written. */
    jpeg_mem_src(&jpeg->info, (unsigned char *)file, length);
    jpeg_read_header(&jpeg->info, TRUE);
    memset(header, 0, sizeof *header);
    header->width = jpeg->info.image_width;
    header->height = jpeg->info.image_height;
    header->components = jpeg->info.num_components;
    header->space = jpeg->info.jpeg_color_space;
    for (int c = 0; c < jpeg->info.num_components && c < 3; c++) {
        header->across[c] = jpeg->info.comp_info[c].h_samp_factor;
        header->down[c] = jpeg->info.comp_info[c].v_samp_factor;
    }
    return jpeg;
}

/* Begins to decode: planes as they are stored. 0 where that cannot be. */
int tintype_jpeg_start_planes(struct tintype_jpeg *jpeg) {
    if (setjmp(jpeg->escape)) return 0;
    jpeg->info.raw_data_out = TRUE;
    jpeg->info.out_color_space = jpeg->info.jpeg_color_space;
    jpeg->info.do_fancy_upsampling = FALSE;
    return jpeg_start_decompress(&jpeg->info) ? 1 : 0;
}

/* Begins to decode to rows of RGB. 0 where that cannot be. */
int tintype_jpeg_start_rgb(struct tintype_jpeg *jpeg) {
    if (setjmp(jpeg->escape)) return 0;
    jpeg->info.out_color_space = JCS_RGB;
    return jpeg_start_decompress(&jpeg->info) ? 1 : 0;
}

/* The next rows of MCUs: `rows` of the tallest component, whose buffers hold whole blocks. 0 at the end, below on error. */
int tintype_jpeg_planes(struct tintype_jpeg *jpeg, unsigned char *const planes[3], const size_t strides[3]) {
    JSAMPROW rows[3][4 * DCTSIZE];
    JSAMPARRAY arrays[3] = { rows[0], rows[1], rows[2] };
    if (setjmp(jpeg->escape)) return -1;
    if (jpeg->info.output_scanline >= jpeg->info.output_height) return 0;
    for (int c = 0; c < jpeg->info.num_components && c < 3; c++)
        for (int y = 0; y < jpeg->info.comp_info[c].v_samp_factor * DCTSIZE; y++)
            rows[c][y] = planes[c] + y * strides[c];
    return (int)jpeg_read_raw_data(&jpeg->info, arrays, jpeg->info.max_v_samp_factor * DCTSIZE);
}

/* The next row of RGB. 0 at the end, below on error. */
int tintype_jpeg_row(struct tintype_jpeg *jpeg, unsigned char *row) {
    JSAMPROW rows[1] = { row };
    if (setjmp(jpeg->escape)) return -1;
    if (jpeg->info.output_scanline >= jpeg->info.output_height) return 0;
    return (int)jpeg_read_scanlines(&jpeg->info, rows, 1);
}

/* Whether the file ended too early, as far as it was read. */
int tintype_jpeg_is_truncated(const struct tintype_jpeg *jpeg) { return jpeg->truncated; }
