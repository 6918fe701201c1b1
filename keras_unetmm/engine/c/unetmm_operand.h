/* Where the two operands of an elementwise kernel lie: maps at the same place, whole maps and constants, each of which may
 * be broadcast over images, rows, columns and channels.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_OPERAND_H
#define UNETMM_OPERAND_H

#include "unetmm.h"

typedef struct unetmm_operand {
    const void *constant; /* its values, or NULL for a map */
    int32_t input; /* the number of the map */
    int32_t same; /* whether the map is read at the same place; the steps then do not matter */
    int32_t image_step; /* pixels from one image to the next; 0 where it is broadcast */
    int32_t row_step;
    int32_t column_step;
    int32_t channel_step; /* elements from one channel to the next: 1, or 0 where it is broadcast */
    int32_t stride; /* bytes from one pixel of a constant to the next */
} unetmm_operand;

typedef struct unetmm_operands {
    unetmm_operand first;
    unetmm_operand second;
    int32_t image_pixels; /* of the output */
    int32_t channels; /* of the output */
} unetmm_operands;

/* The next pixel of each operand and of the output. */
typedef struct unetmm_places {
    const uint8_t *first;
    const uint8_t *second;
    uint8_t *output;
    int32_t first_stride; /* bytes */
    int32_t second_stride;
    int32_t output_stride;
    int32_t first_step; /* elements */
    int32_t second_step;
    int32_t pixels;
    int32_t channels;
} unetmm_places;

/* The place of the block's first pixel in an operand, and the bytes from there to its next pixel. */
static inline const uint8_t *unetmm_place(const unetmm_operand *operand, const unetmm_block *block, int32_t image_pixels, int32_t *stride)
{
    const uint8_t *from = (const uint8_t *)operand->constant;
    int32_t pixel = operand->stride;
    if (from == NULL) {
        from = block->input[operand->input];
        pixel = block->input_stride[operand->input];
        if (operand->same != 0) {
            *stride = pixel;
            return from;
        }
    }
    const int32_t image = block->position / image_pixels;
    const int32_t at = image * operand->image_step + block->row * operand->row_step + block->column * operand->column_step;
    *stride = pixel * operand->column_step;
    return from + (size_t)at * (size_t)pixel;
}

/* Finds all places. Pixels that follow each other without a gap in both operands and the output become one long pixel. */
static inline unetmm_places unetmm_find_places(const unetmm_operands *operands, const unetmm_block *block, int32_t element, int32_t made)
{
    unetmm_places at;
    const int32_t bytes = operands->channels * element;
    at.first = unetmm_place(&operands->first, block, operands->image_pixels, &at.first_stride);
    at.second = unetmm_place(&operands->second, block, operands->image_pixels, &at.second_stride);
    at.output = block->output;
    at.output_stride = block->output_stride;
    at.first_step = operands->first.channel_step;
    at.second_step = operands->second.channel_step;
    at.pixels = block->pixels;
    at.channels = operands->channels;
    const int gapless = at.first_stride == bytes && at.second_stride == bytes && at.output_stride == operands->channels * made;
    if (gapless && at.first_step == 1 && at.second_step == 1) {
        at.channels *= at.pixels;
        at.pixels = 1;
    }
    return at;
}

static inline void unetmm_next_pixel(unetmm_places *at)
{
    at->pixels--;
    if (at->pixels > 0) { /* not beyond the end of a map */
        at->first += at->first_stride;
        at->second += at->second_stride;
        at->output += at->output_stride;
    }
}

#endif
