/* Copies of pixels from a window: PAD, SLICE, STRIDED_SLICE, RESIZE_NEAREST_NEIGHBOR. Where each row and column comes from
 * was decided when the network was generated.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_sample.h"

#include <string.h>

static void fill(const unetmm_sample *p, uint8_t *to, int32_t bytes)
{
    if (p->element == 1) {
        memset(to, *(const uint8_t *)p->fill, (size_t)bytes);
        return;
    }
    for (int32_t i = 0; i < bytes; i += p->element) {
        memcpy(to + i, p->fill, (size_t)p->element);
    }
}

void unetmm_sample_any(const void *parameters, const unetmm_block *block)
{
    const unetmm_sample *p = parameters;
    const int32_t row = p->rows[block->row];
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        const int32_t column = p->columns[block->column + pixel];
        uint8_t *output = block->output + (size_t)pixel * (size_t)block->output_stride;
        if (row < 0 || column < 0) {
            fill(p, output, p->before + p->copied + p->after);
            continue;
        }
        const uint8_t *input = block->rows[row - block->window_row];
        input += (size_t)(column - block->window_column) * (size_t)block->input_stride[0];
        if (p->before > 0) {
            fill(p, output, p->before);
        }
        memcpy(output + p->before, input + p->from, (size_t)p->copied);
        if (p->after > 0) {
            fill(p, output + p->before + p->copied, p->after);
        }
    }
}
