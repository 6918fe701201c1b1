/* FULLY_CONNECTED on maps of int16: sum = bias - zero * sum of weights + sum over all values of weight * input, then
 * unetmm_requantize_int16.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_dense_int16.h"

void unetmm_dense_int16(const void *parameters, const unetmm_block *block)
{
    const unetmm_dense_wide *p = parameters;
    const int32_t stride = block->input_stride[0];
    for (int32_t i = 0; i < block->pixels; i++) {
        const int32_t row = p->whole != 0 ? (block->position + i) * p->pixels : i;
        uint8_t *to = block->output + i * block->output_stride;
        for (int32_t o = 0; o < p->outputs; o++) {
            int64_t sum = 0;
            for (int32_t k = 0; k < p->pixels; k++) {
                const int8_t *weights = p->weights + (o * p->pixels + k) * p->depth;
                sum += unetmm_dot_int16(block->input[0] + (row + k) * stride, weights, p->depth);
            }
            unetmm_store16(to + 2 * o, unetmm_requantize_int16(&p->requantization, sum, o));
        }
    }
}
