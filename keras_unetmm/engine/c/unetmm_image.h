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

/* Checks the memory that the caller gives, then begins; as `unetmm_begin` but for UNETMM_TOO_SMALL. */
unetmm_status unetmm_begin_within(const unetmm_network *network, const unetmm_call *call, size_t arena_bytes, size_t carried_bytes);

/* Steps until a run that has begun is over; `begun` is what its beginning returned. */
unetmm_status unetmm_finish(const unetmm_network *network, const unetmm_call *call, unetmm_status begun);

#ifdef __cplusplus
}
#endif

#endif
