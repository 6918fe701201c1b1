/* TRANSPOSE_CONV on maps of int16, gathered by output pixel as in unetmm_transposed.c: sum = bias + sum of weight * input over
 * the taps that exist, then unetmm_requantize_int16. Zero points are 0.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_transposed_int16.h"

/* The sum of one output at column `place` of the scattered result, for the input's columns from `first` to `end` - 1. */
static int64_t sum_window(const unetmm_transposed_wide *p, const unetmm_block *block, int32_t place, int32_t first, int32_t end,
                          const int8_t *weights)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < p->taps; i++) {
        const int32_t row = block->row + p->row_padding - (block->window_row + i) * p->row_stride;
        if (row >= 0 && row < p->kernel_rows && block->rows[i] != NULL) {
            for (int32_t c = first; c < end; c++) {
                const int32_t tap = row * p->kernel_columns + place - c * p->column_stride;
                const uint8_t *x = block->rows[i] + (c - block->window_column) * block->input_stride[0];
                sum += unetmm_dot_int16(x, weights + tap * p->depth, p->depth);
            }
        }
    }
    return sum;
}

void unetmm_transposed_int16(const void *parameters, const unetmm_block *block)
{
    const unetmm_transposed_wide *p = parameters;
    const int32_t size = p->kernel_rows * p->kernel_columns * p->depth;
    for (int32_t i = 0; i < block->pixels; i++) {
        const int32_t place = block->column + i + p->column_padding; /* 0 or more */
        const int32_t least = place - p->kernel_columns + 1;
        const int32_t first = least > 0 ? (least + p->column_stride - 1) / p->column_stride : 0;
        const int32_t beyond = place / p->column_stride + 1;
        const int32_t end = beyond < p->width ? beyond : p->width;
        uint8_t *to = block->output + i * block->output_stride;
        for (int32_t o = 0; o < p->outputs; o++) {
            const int64_t sum = sum_window(p, block, place, first, end, p->weights + o * size);
            unetmm_store16(to + 2 * o, unetmm_requantize_int16(&p->requantization, sum, o));
        }
    }
}
