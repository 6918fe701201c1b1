/* Channels to places and places to channels: DEPTH_TO_SPACE and SPACE_TO_DEPTH. The first channels of the deep pixel are
 * those of the square's first pixel, then come those of the pixel to its right.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_shuffle.h"

#include <string.h>

void unetmm_depth_to_space(const void *parameters, const unetmm_block *block)
{
    const unetmm_shuffle *p = parameters;
    const size_t bytes = (size_t)p->bytes;
    const uint8_t *deep = block->rows[0] + (size_t)(block->row % p->size * p->size) * bytes;
    int32_t inside = block->column % p->size;
    uint8_t *output = block->output;
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        if (inside == p->size) {
            inside = 0;
            deep += block->input_stride[0];
        }
        memcpy(output + (size_t)pixel * (size_t)block->output_stride, deep + (size_t)inside * bytes, bytes);
        inside++;
    }
}

void unetmm_space_to_depth(const void *parameters, const unetmm_block *block)
{
    const unetmm_shuffle *p = parameters;
    const size_t bytes = (size_t)p->bytes;
    const size_t side = (size_t)p->size;
    const size_t stride = (size_t)block->input_stride[0];
    for (size_t pixel = 0; pixel < (size_t)block->pixels; pixel++) {
        uint8_t *output = block->output + pixel * (size_t)block->output_stride;
        for (size_t y = 0; y < side; y++) {
            for (size_t x = 0; x < side; x++) {
                memcpy(output, block->rows[y] + (pixel * side + x) * stride, bytes);
                output += bytes;
            }
        }
    }
}
