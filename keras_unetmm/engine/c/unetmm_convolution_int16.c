/* CONV_2D on maps of int16: sum = bias + sum over taps inside and channels of weight * input, then unetmm_requantize_int16.
 * Zero points are 0.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_convolution_int16.h"
#include "unetmm_window.h"

/* The sum of one output over one pixel's window; `channel` is the first of its group. */
static int64_t sum_window(const unetmm_convolution_wide *p, const unetmm_block *block, unetmm_span span, int32_t channel, const int8_t *weights)
{
    const int32_t stride = block->input_stride[0];
    int64_t sum = 0;
    for (int32_t i = 0; i < p->kernel_rows; i++) {
        if (block->rows[i] != NULL) {
            const uint8_t *x = block->rows[i] + span.offset * stride + 2 * channel;
            for (int32_t k = span.low; k < span.high; k++) {
                const int8_t *w = weights + (i * p->kernel_columns + k) * p->depth;
                sum += unetmm_dot_int16(x + (k - span.low) * p->dilation * stride, w, p->depth);
            }
        }
    }
    return sum;
}

void unetmm_convolution_int16(const void *parameters, const unetmm_block *block)
{
    const unetmm_convolution_wide *p = parameters;
    const int32_t size = p->kernel_rows * p->kernel_columns * p->depth;
    for (int32_t i = 0; i < block->pixels; i++) {
        const int32_t origin = (block->column + i) * p->stride + p->first;
        const unetmm_span span = unetmm_span_at(origin, block->window_column, p->dilation, p->kernel_columns, p->width);
        uint8_t *to = block->output + i * block->output_stride;
        for (int32_t o = 0; o < p->groups * p->group_outputs; o++) {
            const int64_t sum = sum_window(p, block, span, o / p->group_outputs * p->depth, p->weights + o * size);
            unetmm_store16(to + 2 * o, unetmm_requantize_int16(&p->requantization, sum, o));
        }
    }
}
