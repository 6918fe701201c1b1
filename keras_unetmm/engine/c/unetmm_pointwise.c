/* CONV_2D with a kernel of 1x1 and no stride: two pixels and two outputs at once. An odd last pixel or output is computed
 * alone, or twice with one result dropped.
 *
 * sum = bias - zero * sum of weights + sum over channels of weight * input, then unetmm_requantize.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_pointwise.h"

/* The outputs of two pixels; `base` is the first of them among those of all phases. */
static void two_pixels(const unetmm_pointwise *p, int32_t base, const int8_t *a, const int8_t *b, int8_t *to_a, int8_t *to_b)
{
    for (int32_t o = 0; o < p->outputs; o += 2) {
        const int32_t n = p->outputs - o < 2 ? 1 : 2;
        const int8_t *v = p->weights + (base + o) * p->depth;
        int32_t sums[4] = {0, 0, 0, 0};
        unetmm_dot_2x2(a, b, v, v + (n - 1) * p->depth, p->depth, sums);
        unetmm_requantize(&p->requantization, sums, base + o, n, to_a + o);
        unetmm_requantize(&p->requantization, sums + 2, base + o, n, to_b + o);
    }
}

static void one_pixel(const unetmm_pointwise *p, int32_t base, const int8_t *a, int8_t *to)
{
    for (int32_t o = 0; o < p->outputs; o += 2) {
        const int32_t n = p->outputs - o < 2 ? 1 : 2;
        const int8_t *v = p->weights + (base + o) * p->depth;
        int32_t sums[2] = {0, 0};
        unetmm_dot_1x2(a, v, v + (n - 1) * p->depth, p->depth, sums);
        unetmm_requantize(&p->requantization, sums, base + o, n, to + o);
    }
}

void unetmm_pointwise_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_pointwise *p = parameters;
    const int32_t base = block->row % p->phases * p->outputs;
    const int8_t *from = (const int8_t *)(p->phases == 1 ? block->input[0] : block->rows[0]);
    int8_t *to = (int8_t *)block->output;
    const int32_t stride = block->input_stride[0];
    int32_t i = 0;
    for (; i + 2 <= block->pixels; i += 2) {
        two_pixels(p, base, from + i * stride, from + (i + 1) * stride, to + i * block->output_stride, to + (i + 1) * block->output_stride);
    }
    if (i < block->pixels) {
        one_pixel(p, base, from + i * stride, to + i * block->output_stride);
    }
}
