/* Whole images in memory: callbacks that read and write them, for networks whose caller holds them in one piece.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_IMAGE_H
#define UNETMM_IMAGE_H

#include "unetmm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What goes in or comes out at one place of a network. */
typedef struct unetmm_port {
    uint32_t bytes; /* of the whole image */
    uint32_t pixel_bytes;
    uint32_t width; /* pixels of a row */
    int32_t low; /* the smallest value of an element that the self-test feeds */
    int32_t high; /* the largest */
    uint8_t element_bytes;
} unetmm_port;

/* All images of one run: the context for the callbacks below. */
typedef struct unetmm_images {
    const unetmm_port *input_ports;
    const unetmm_port *output_ports;
    const void *const *inputs; /* an image for each input, in raster order, channels innermost */
    void *const *outputs;
} unetmm_images;

/* A `unetmm_read` whose context is a `const unetmm_images`. */
int unetmm_image_read(void *context, int input, int row, int column, int pixels, void *destination);

/* A `unetmm_write` whose context is a `const unetmm_images`. */
int unetmm_image_write(void *context, int output, int row, int column, int pixels, const void *source);

/* Whether an image is missing, or an output lies over an input or another output; if `over` is 1, an output may lie exactly
 * over an input. */
int unetmm_images_clash(const unetmm_port *input_ports, int input_count, const void *const *inputs,
    const unetmm_port *output_ports, int output_count, void *const *outputs, int over);

/* Turns bytes from 0 to 255, as cameras and files have them, into int8 and back; both may be the same memory. */
void unetmm_from_uint8(const uint8_t *source, size_t count, int8_t *destination);
void unetmm_to_uint8(const int8_t *source, size_t count, uint8_t *destination);

/* Turns pixels of 5, 6 and 5 bits, red in the highest, into three int8 (red, green, blue) and back. */
void unetmm_from_rgb565(const uint16_t *source, size_t pixels, int8_t *destination);
void unetmm_to_rgb565(const int8_t *source, size_t pixels, uint16_t *destination);

/* Checks the memory that the caller gives, then begins; as `unetmm_begin` but for UNETMM_TOO_SMALL. */
unetmm_status unetmm_begin_within(const unetmm_network *network, unetmm_call *call, size_t arena_bytes, size_t carried_bytes);

/* Steps until a run that has begun is over; `begun` is what its beginning returned. */
unetmm_status unetmm_finish(const unetmm_network *network, unetmm_call *call, unetmm_status begun);

#ifdef __cplusplus
}
#endif

#endif
