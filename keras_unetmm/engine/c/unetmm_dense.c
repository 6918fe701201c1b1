/* FULLY_CONNECTED over several pixels of a map that is read whole: two outputs at once.
 *
 * sum = bias - zero * sum of weights + sum over all values of weight * input, then unetmm_requantize.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_dense.h"

static void compute(const unetmm_dense *p, const int8_t *from, int32_t stride, int8_t *to)
{
    const int32_t size = p->pixels * p->depth;
    for (int32_t o = 0; o < p->outputs; o += 2) {
        const int32_t n = p->outputs - o < 2 ? 1 : 2;
        const int8_t *v = p->weights + o * size;
        const int8_t *w = v + (n - 1) * size; /* an odd last output is computed twice, one of them dropped */
        int32_t sums[2] = {0, 0};
        for (int32_t i = 0; i < p->pixels; i++) {
            unetmm_dot_1x2(from + i * stride, v + i * p->depth, w + i * p->depth, p->depth, sums);
        }
        unetmm_requantize(&p->requantization, sums, o, n, to + o);
    }
}

void unetmm_dense_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_dense *p = parameters;
    const int32_t stride = block->input_stride[0];
    for (int32_t i = 0; i < block->pixels; i++) {
        const int8_t *from = (const int8_t *)block->input[0] + (block->position + i) * p->pixels * stride;
        compute(p, from, stride, (int8_t *)block->output + i * block->output_stride);
    }
}
