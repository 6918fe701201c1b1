/* CONV_2D with a kernel of 1x1 and no stride: two pixels and two outputs at once. An odd last pixel or output is computed
 * alone, or twice with one result dropped.
 *
 * sum = bias - zero * sum of weights + sum over channels of weight * input, then unetmm_requantize.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_pointwise.h"
#include "unetmm_mve.h"
#include "unetmm_tile.h"

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

#if UNETMM_DSP || UNETMM_MVE
/* The same two at once, on cores with instructions for that: pixels whose bytes fit in a buffer. */
static __attribute__((noinline)) void compute_narrow_pairs(const unetmm_pointwise *p, const unetmm_block *block, unetmm_outputs *outputs, const int8_t *from)
{
    uint32_t x[UNETMM_WIDENED];
    const int32_t stride = block->input_stride[0];
    const int32_t output_stride = block->output_stride;
    int8_t *to = (int8_t *)block->output;
    int32_t left = block->pixels;
#if UNETMM_DSP && UNETMM_TILES
    if ((p->depth & 3) == 0 && 4 * p->depth <= UNETMM_WIDENED) {
        for (; left >= 8; left -= 8) {
            outputs->a = to;
            unetmm_compute_eight(outputs, from, stride, output_stride, p->depth / 4, x);
            from += left > 8 ? 8 * stride : 0;
            to += left > 8 ? 8 * output_stride : 0;
        }
    }
#endif
    for (; left > 0; left -= 2) {
        outputs->a = to;
        outputs->b = left > 1 ? to + output_stride : NULL;
        unetmm_compute_narrow(outputs, from, from + (left > 1 ? stride : 0), p->depth, x);
        from += left > 2 ? 2 * stride : 0;
        to += left > 2 ? 2 * output_stride : 0;
    }
}

/* All others. */
static void compute_pairs(const unetmm_pointwise *p, const unetmm_block *block, int32_t base, const int8_t *from)
{
    const unetmm_requantization *q = &p->requantization;
    const uint8_t *rows[2] = {(const uint8_t *)from, (const uint8_t *)from};
    unetmm_taps a = {rows, 0, p->depth, p->depth, 0, p->depth, p->depth, 0, 0};
    unetmm_taps b = a;
    unetmm_outputs outputs = {q->channels + 3 * base, p->weights + base * p->depth, p->depth, p->outputs, q->zero, q->low, q->high, NULL, NULL};
    if (p->depth <= UNETMM_NARROW) {
        compute_narrow_pairs(p, block, &outputs, from);
        return;
    }
    b.rows = rows + 1;
    a.depth = b.depth = (p->depth + 3) & ~3;
    for (int32_t i = 0; i < block->pixels; i += 2) {
        outputs.a = (int8_t *)block->output + i * block->output_stride;
        rows[0] = (const uint8_t *)from + i * block->input_stride[0];
        outputs.b = NULL;
        if (i + 1 < block->pixels) {
            outputs.b = outputs.a + block->output_stride;
            rows[1] = rows[0] + block->input_stride[0];
        }
        unetmm_compute_outputs(&outputs, &a, &b, p->depth);
    }
}
#endif

void unetmm_pointwise_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_pointwise *p = parameters;
    const int32_t base = block->row % p->phases * p->outputs;
    const int8_t *from = (const int8_t *)(p->phases == 1 ? block->input[0] : block->rows[0]);
    int8_t *to = (int8_t *)block->output;
    const int32_t stride = block->input_stride[0];
    int32_t i = 0;
#if UNETMM_DSP || UNETMM_MVE
    if (p->requantization.form >= UNETMM_PAIRED) {
        compute_pairs(p, block, base, from);
        return;
    }
#endif
    for (; i + 2 <= block->pixels; i += 2) {
        two_pixels(p, base, from + i * stride, from + (i + 1) * stride, to + i * block->output_stride, to + (i + 1) * block->output_stride);
    }
    if (i < block->pixels) {
        one_pixel(p, base, from + i * stride, to + i * block->output_stride);
    }
}
