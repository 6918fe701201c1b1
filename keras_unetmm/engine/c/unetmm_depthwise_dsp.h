/* DEPTHWISE_CONV_2D on cores with the DSP extension: four channels of one pixel at a time.
 *
 * The weights of four channels are widened once for all pixels of a block. A block's pixels at the border take the padding's
 * value for the taps that are beyond it; all others take every tap without a test.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_DEPTHWISE_DSP_H
#define UNETMM_DEPTHWISE_DSP_H

#include "unetmm_inside.h"
#include "unetmm_tile.h"

#if UNETMM_DSP

enum {
    UNETMM_DEPTHWISE_TAPS = 64, /* of a kernel whose weights are widened on the stack */
    UNETMM_DEPTHWISE_QUAD = 4 /* channels at once */
};

/* Four channels of a block. */
typedef struct unetmm_quad {
    const unetmm_depthwise *p;
    const unetmm_block *block;
    const int32_t *channels; /* of the requantisation */
    const uint32_t *weights; /* of each tap, channels 0 and 2 in a word, 1 and 3 in the next */
    int32_t first; /* channel */
    int32_t jump; /* bytes from one column of the kernel to the next */
    unetmm_inside inside;
} unetmm_quad;

/* The sums of channels 0, 1, 2 and 3 are av, aw, bv and bw. */
static inline unetmm_tile unetmm_add_tap(uint32_t bytes, const uint32_t *w, unetmm_tile sums)
{
    const uint32_t even = unetmm_widen_even(bytes);
    const uint32_t odd = unetmm_widen_odd(bytes);
    sums.av = unetmm_add_low(even, w[0], sums.av);
    sums.bv = unetmm_add_high(even, w[0], sums.bv);
    sums.aw = unetmm_add_low(odd, w[1], sums.aw);
    sums.bw = unetmm_add_high(odd, w[1], sums.bw);
    return sums;
}

#if defined(__ARM_FEATURE_DSP) && defined(__OPTIMIZE__)
#define UNETMM_TAP \
    "ldrd %[w0], %[w1], [%[w]], #8\n\t" \
    "sxtb16 %[e], %[s]\n\t" \
    "sxtb16 %[s], %[s], ror #8\n\t" \
    "smlabb %[av], %[e], %[w0], %[av]\n\t" \
    "smlatt %[bv], %[e], %[w0], %[bv]\n\t" \
    "smlabb %[aw], %[s], %[w1], %[aw]\n\t" \
    "smlatt %[bw], %[s], %[w1], %[bw]\n\t"

/* Adds a row of three taps. */
static inline unetmm_tile unetmm_add_three(const int8_t *x, int32_t jump, const uint32_t *w, unetmm_tile t)
{
    uint32_t s, e, w0, w1;
    __asm__("ldr %[s], [%[x]]\n\t" UNETMM_TAP "ldr %[s], [%[x], %[jump]]\n\t" UNETMM_TAP "ldr %[s], [%[x], %[jump], lsl #1]\n\t" UNETMM_TAP
            : [w] "+r"(w), [av] "+r"(t.av), [aw] "+r"(t.aw), [bv] "+r"(t.bv), [bw] "+r"(t.bw), [s] "=&r"(s), [e] "=&r"(e), [w0] "=&r"(w0),
              [w1] "=&r"(w1)
            : [x] "r"(x), [jump] "r"(jump)
            : "memory");
    return t;
}
#undef UNETMM_TAP
#else
static inline unetmm_tile unetmm_add_three(const int8_t *x, int32_t jump, const uint32_t *w, unetmm_tile t)
{
    for (int32_t k = 0; k < 3; k++) {
        t = unetmm_add_tap(unetmm_load_quad(x + k * jump), w + 2 * k, t);
    }
    return t;
}
#endif

/* Adds all taps of a pixel whose window is inside; `offset` are the bytes from the rows' pointers to its first column. */
static inline unetmm_tile unetmm_add_inside(const unetmm_quad *q, int32_t offset, int32_t rows, int32_t columns, unetmm_tile sums)
{
    const uint32_t *w = q->weights;
    const int32_t jump = q->jump;
    for (int32_t i = 0; i < rows; i++) {
        const int8_t *x = (const int8_t *)q->block->rows[i] + offset;
        if (columns == 3) {
            sums = unetmm_add_three(x, jump, w, sums);
            w += 6;
            continue;
        }
        for (int32_t k = 0; k < columns; k++, w += 2) {
            sums = unetmm_add_tap(unetmm_load_quad(x + k * jump), w, sums);
        }
    }
    return sums;
}

/* The same where some taps are beyond the border. */
static unetmm_tile unetmm_add_at_border(const unetmm_quad *q, int32_t pixel, unetmm_tile sums)
{
    const unetmm_depthwise *p = q->p;
    const int32_t origin = (q->block->column + pixel) * p->stride + p->first;
    const uint32_t padding = (uint8_t)p->input_zero * 0x01010101u;
    const uint32_t *w = q->weights;
    for (int32_t i = 0; i < p->kernel_rows; i++) {
        for (int32_t k = 0; k < p->kernel_columns; k++, w += 2) {
            const int32_t column = origin + k * p->dilation;
            uint32_t bytes = padding;
            if (q->block->rows[i] != NULL && column >= 0 && column < p->width) {
                const int32_t offset = (column - q->block->window_column) * q->block->input_stride[0] + q->first;
                bytes = unetmm_load_quad((const int8_t *)q->block->rows[i] + offset);
            }
            sums = unetmm_add_tap(bytes, w, sums);
        }
    }
    return sums;
}

static void unetmm_compute_quad(const unetmm_quad *q)
{
    const unetmm_depthwise *p = q->p;
    const unetmm_block *block = q->block;
    const unetmm_rounding rounding = unetmm_rounding_of(p->requantization.zero, p->requantization.low, p->requantization.high);
    const int32_t *channel = q->channels;
    const int32_t stride = block->input_stride[0];
    const int32_t pixels = block->pixels;
    const int32_t rows = p->kernel_rows;
    const int32_t columns = p->kernel_columns;
    const int32_t step = p->stride * stride;
    const int32_t output_stride = block->output_stride;
    const int32_t begin = q->inside.begin;
    const int32_t end = q->inside.end;
    int8_t *to = (int8_t *)block->output + q->first;
    int32_t offset = (block->column * p->stride + p->first - block->window_column) * stride + q->first;
    for (int32_t i = 0; i < pixels; i++, offset += step) {
        unetmm_tile t = {channel[0], channel[3], channel[6], channel[9]};
        if (i < begin || i >= end) {
            t = unetmm_add_at_border(q, i, t);
        } else if (rows == 3 && columns == 3) {
            t = unetmm_add_three((const int8_t *)block->rows[0] + offset, q->jump, q->weights, t);
            t = unetmm_add_three((const int8_t *)block->rows[1] + offset, q->jump, q->weights + 6, t);
            t = unetmm_add_three((const int8_t *)block->rows[2] + offset, q->jump, q->weights + 12, t);
        } else {
            t = unetmm_add_inside(q, offset, rows, columns, t);
        }
        t = unetmm_round_four(rounding, channel, t);
        const uint32_t bytes = unetmm_bytes_of(rounding, t);
        memcpy(to + i * output_stride, &bytes, sizeof bytes);
    }
}

/* Whether a kernel can be computed in this way. */
static inline int unetmm_depthwise_fits(const unetmm_depthwise *p)
{
    const int32_t taps = p->kernel_rows * p->kernel_columns;
    return p->multiplier == 1 && p->depth >= UNETMM_DEPTHWISE_QUAD && taps <= UNETMM_DEPTHWISE_TAPS && p->requantization.form == UNETMM_SMALL;
}

static void unetmm_depthwise_fast(const unetmm_depthwise *p, const unetmm_block *block)
{
    uint32_t weights[2 * UNETMM_DEPTHWISE_TAPS];
    const int32_t taps = p->kernel_rows * p->kernel_columns;
    unetmm_quad q = {p, block, NULL, weights, 0, p->dilation * block->input_stride[0], unetmm_find_inside(p, block)};
    for (int32_t c = 0; c < p->depth; c += UNETMM_DEPTHWISE_QUAD) {
        /* some of the last four may be computed twice */
        q.first = c + UNETMM_DEPTHWISE_QUAD <= p->depth ? c : p->depth - UNETMM_DEPTHWISE_QUAD;
        q.channels = p->requantization.channels + 3 * q.first;
        for (int32_t k = 0; k < taps; k++) {
            const uint32_t bytes = unetmm_load_quad(p->weights + k * p->depth + q.first);
            weights[2 * k] = unetmm_widen_even(bytes);
            weights[2 * k + 1] = unetmm_widen_odd(bytes);
        }
        unetmm_compute_quad(&q);
    }
}

#endif

#endif
