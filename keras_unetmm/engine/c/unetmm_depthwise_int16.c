/* DEPTHWISE_CONV_2D on maps of int16: sum = bias + sum over taps inside of weight * input, then unetmm_requantize_int16.
 * Zero points are 0.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_depthwise_int16.h"
#include "unetmm_window.h"

/* The sum of output o over one pixel's window. */
static int64_t sum_window(const unetmm_depthwise_wide *p, const unetmm_block *block, unetmm_span span, int32_t o)
{
    const int32_t stride = block->input_stride[0];
    const int32_t outputs = p->depth * p->multiplier;
    int64_t sum = 0;
    for (int32_t i = 0; i < p->kernel_rows; i++) {
        if (block->rows[i] != NULL) {
            const uint8_t *x = block->rows[i] + span.offset * stride + 2 * (o / p->multiplier);
            for (int32_t k = span.low; k < span.high; k++) {
                const int32_t value = unetmm_load16(x + (k - span.low) * p->dilation * stride);
                sum += value * p->weights[(i * p->kernel_columns + k) * outputs + o];
            }
        }
    }
    return sum;
}

void unetmm_depthwise_int16(const void *parameters, const unetmm_block *block)
{
    const unetmm_depthwise_wide *p = parameters;
    for (int32_t i = 0; i < block->pixels; i++) {
        const int32_t origin = (block->column + i) * p->stride + p->first;
        const unetmm_span span = unetmm_span_at(origin, block->window_column, p->dilation, p->kernel_columns, p->width);
        uint8_t *to = block->output + i * block->output_stride;
        for (int32_t o = 0; o < p->depth * p->multiplier; o++) {
            const int64_t sum = sum_window(p, block, span, o);
            unetmm_store16(to + 2 * o, unetmm_requantize_int16(&p->requantization, sum, o));
        }
    }
}
