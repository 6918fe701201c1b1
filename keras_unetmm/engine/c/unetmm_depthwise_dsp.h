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
#include "unetmm_window.h"

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

#if UNETMM_TILES

/* What a row of pixels with kernels of 3x3 needs; the instructions below know the places of the members. */
typedef struct unetmm_nine {
    uint32_t weights[18]; /* 0, of each tap, channels 0 and 2 in a word, 1 and 3 in the next */
    int32_t bias[4]; /* 72 */
    int32_t scales[8]; /* 88, of each channel the multiplier and by how much less than one bit more it is shifted: ~shift */
    uint32_t low; /* 120, in each byte */
    uint32_t high; /* 124 */
    int32_t step; /* 128, bytes of the input from one pixel to the next */
    int32_t output_stride; /* 132 */
    int8_t *to; /* 136 */
    int8_t *end; /* 140, behind the last pixel */
    int32_t limited; /* 144, whether the limits are others than those of a byte */
    int32_t offset; /* 148, twice the zero point, and 1 for the last rounding */
    int32_t jump; /* 152, bytes from one column of the kernel to the next */
    const int8_t *rows[3]; /* 156, where the first pixel's window begins */
} unetmm_nine;

#define UNETMM_TAP(load, place) \
    "ldr r10, " load "\n\t" \
    "ldrd r11, r12, [r3, #" place "]\n\t" \
    "sxtb16 r9, r10\n\t" \
    "sxtb16 r10, r10, ror #8\n\t" \
    "smlabb r5, r9, r11, r5\n\t" \
    "smlatt r7, r9, r11, r7\n\t" \
    "smlabb r6, r10, r12, r6\n\t" \
    "smlatt r8, r10, r12, r8\n\t"
#define UNETMM_ROUNDED(sum, place) \
    "ldrd r9, r10, [r3, #" place "]\n\t" \
    "add " sum ", " sum ", " sum "\n\t" \
    "smmulr " sum ", " sum ", r9\n\t" \
    "add " sum ", " sum ", " sum ", asr #31\n\t" \
    "asr " sum ", " sum ", r10\n\t" \
    "add " sum ", " sum ", lr\n\t" \
    "ssat " sum ", #8, " sum ", asr #1\n\t"

/* Four channels of one pixel after the other. */
static UNETMM_ASSEMBLED void unetmm_compute_nine(__attribute__((unused)) unetmm_nine *nine)
{
    __asm__ volatile(
        "push {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}\n\t"
        "mov r3, r0\n\t"
        "ldrd lr, r4, [r3, #148]\n\t"
        "ldrd r0, r1, [r3, #156]\n\t"
        "ldr r2, [r3, #164]\n"
        "1:\n\t"
        "ldrd r5, r6, [r3, #72]\n\t"
        "ldrd r7, r8, [r3, #80]\n\t"
        UNETMM_TAP("[r0]", "0") UNETMM_TAP("[r0, r4]", "8") UNETMM_TAP("[r0, r4, lsl #1]", "16")
        UNETMM_TAP("[r1]", "24") UNETMM_TAP("[r1, r4]", "32") UNETMM_TAP("[r1, r4, lsl #1]", "40")
        UNETMM_TAP("[r2]", "48") UNETMM_TAP("[r2, r4]", "56") UNETMM_TAP("[r2, r4, lsl #1]", "64")
        UNETMM_ROUNDED("r5", "88") UNETMM_ROUNDED("r6", "96") UNETMM_ROUNDED("r7", "104") UNETMM_ROUNDED("r8", "112")
        "bfi r5, r6, #8, #24\n\t"
        "bfi r7, r8, #8, #24\n\t"
        "ldr r6, [r3, #144]\n\t"
        "pkhbt r5, r5, r7, lsl #16\n\t"
        "cbnz r6, 3f\n"
        "2:\n\t"
        "ldrd r9, r10, [r3, #132]\n\t"
        "ldr r11, [r3, #140]\n\t"
        "str r5, [r10]\n\t"
        "add r10, r9\n\t"
        "cmp r10, r11\n\t"
        "str r10, [r3, #136]\n\t"
        "beq 4f\n\t"
        "ldr r12, [r3, #128]\n\t"
        "add r0, r12\n\t"
        "add r1, r12\n\t"
        "add r2, r12\n\t"
        "b 1b\n"
        "3:\n\t"
        "ldrd r9, r10, [r3, #120]\n\t"
        "ssub8 r11, r5, r9\n\t"
        "sel r5, r5, r9\n\t"
        "ssub8 r11, r10, r5\n\t"
        "sel r5, r5, r10\n\t"
        "b 2b\n"
        "4:\n\t"
        "pop {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}\n\t");
}

#undef UNETMM_TAP
#undef UNETMM_ROUNDED

#endif

/* Adds n taps, `jump` bytes apart, and goes on behind their weights. */
static inline unetmm_tile unetmm_add_run(const int8_t *x, int32_t jump, const uint32_t **weights, int32_t n, unetmm_tile t)
{
#if UNETMM_TILES
    uint32_t s, e, w0, w1;
    if (n > 0) {
        __asm__("1:\n\t"
                "ldr %[s], [%[x]]\n\t"
                "ldrd %[w0], %[w1], [%[w]], #8\n\t"
                "add %[x], %[jump]\n\t"
                "sxtb16 %[e], %[s]\n\t"
                "sxtb16 %[s], %[s], ror #8\n\t"
                "smlabb %[av], %[e], %[w0], %[av]\n\t"
                "smlatt %[bv], %[e], %[w0], %[bv]\n\t"
                "smlabb %[aw], %[s], %[w1], %[aw]\n\t"
                "smlatt %[bw], %[s], %[w1], %[bw]\n\t"
                "subs %[n], #1\n\t"
                "bne 1b"
                : [w] "+r"(*weights), [x] "+r"(x), [n] "+r"(n), [av] "+r"(t.av), [aw] "+r"(t.aw), [bv] "+r"(t.bv), [bw] "+r"(t.bw),
                  [s] "=&r"(s), [e] "=&r"(e), [w0] "=&r"(w0), [w1] "=&r"(w1)
                : [jump] "r"(jump)
                : "cc", "memory");
    }
#else
    for (int32_t k = 0; k < n; k++, *weights += 2) {
        t = unetmm_add_tap(unetmm_load_quad(x + k * jump), *weights, t);
    }
#endif
    return t;
}

/* Adds all taps of a pixel whose window is inside; `offset` are the bytes from the rows' pointers to its first column. */
static inline unetmm_tile unetmm_add_inside(const unetmm_quad *q, int32_t offset, int32_t rows, int32_t columns, unetmm_tile sums)
{
    const uint32_t *w = q->weights;
    for (int32_t i = 0; i < rows; i++) {
        sums = unetmm_add_run((const int8_t *)q->block->rows[i] + offset, q->jump, &w, columns, sums);
    }
    return sums;
}

/* The same where some taps are beyond the border: they take the padding's value. */
static unetmm_tile unetmm_add_at_border(const unetmm_quad *q, int32_t pixel, unetmm_tile sums)
{
    const unetmm_depthwise *p = q->p;
    const int32_t origin = (q->block->column + pixel) * p->stride + p->first;
    const unetmm_span span = unetmm_span_at(origin, q->block->window_column, p->dilation, p->kernel_columns, p->width);
    const int32_t offset = span.offset * q->block->input_stride[0] + q->first;
    const uint32_t *w = q->weights;
    int8_t padding[4];
    memset(padding, p->input_zero, sizeof padding);
    for (int32_t i = 0; i < p->kernel_rows; i++) {
        const int32_t low = q->block->rows[i] != NULL ? span.low : 0;
        const int32_t high = q->block->rows[i] != NULL ? span.high : 0;
        sums = unetmm_add_run(padding, 0, &w, low, sums);
        if (high > low) {
            sums = unetmm_add_run((const int8_t *)q->block->rows[i] + offset, q->jump, &w, high - low, sums);
        }
        sums = unetmm_add_run(padding, 0, &w, p->kernel_columns - high, sums);
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

#if UNETMM_TILES

/* One pixel at the border: its window is put together first. */
static void unetmm_compute_nine_at_border(const unetmm_depthwise *p, const unetmm_block *block, int32_t pixel, int32_t channel, unetmm_nine *nine)
{
    int8_t window[36];
    const int32_t origin = (block->column + pixel) * p->stride + p->first;
    for (int32_t i = 0; i < 3; i++) {
        for (int32_t k = 0; k < 3; k++) {
            const int32_t column = origin + k * p->dilation;
            uint32_t bytes = (uint8_t)p->input_zero * 0x01010101u;
            if (block->rows[i] != NULL && column >= 0 && column < p->width) {
                bytes = unetmm_load_quad((const int8_t *)block->rows[i] + (column - block->window_column) * block->input_stride[0] + channel);
            }
            memcpy(window + 12 * i + 4 * k, &bytes, sizeof bytes);
        }
        nine->rows[i] = window + 12 * i;
    }
    nine->jump = 4;
    nine->end = nine->to + nine->output_stride;
    unetmm_compute_nine(nine);
}

/* All pixels of a block with a kernel of 3x3. */
static void unetmm_compute_nines(const unetmm_depthwise *p, const unetmm_block *block)
{
    const unetmm_requantization *q = &p->requantization;
    unetmm_inside inside = unetmm_find_inside(p, block);
    const int32_t stride = block->input_stride[0];
    const int32_t output_stride = block->output_stride;
    unetmm_nine nine;
    if (inside.begin >= inside.end) { /* every window meets a border */
        inside.begin = block->pixels;
        inside.end = block->pixels;
    }
    nine.low = (uint8_t)q->low * 0x01010101u;
    nine.high = (uint8_t)q->high * 0x01010101u;
    nine.step = p->stride * stride;
    nine.output_stride = output_stride;
    nine.limited = q->low > INT8_MIN || q->high < INT8_MAX;
    nine.offset = 2 * q->zero + 1;
    for (int32_t c = 0; c < p->depth; c += UNETMM_DEPTHWISE_QUAD) {
        /* some of the last four may be computed twice */
        const int32_t first = c + UNETMM_DEPTHWISE_QUAD <= p->depth ? c : p->depth - UNETMM_DEPTHWISE_QUAD;
        const int32_t *channel = q->channels + 3 * first;
        const int8_t *weights = p->weights + first;
        int8_t *to = (int8_t *)block->output + first;
        for (int32_t k = 0; k < 9; k++) {
            const uint32_t bytes = unetmm_load_quad(weights + k * p->depth);
            nine.weights[2 * k] = unetmm_widen_even(bytes);
            nine.weights[2 * k + 1] = unetmm_widen_odd(bytes);
        }
        for (int32_t k = 0; k < UNETMM_DEPTHWISE_QUAD; k++, channel += 3) {
            nine.bias[k] = channel[0];
            nine.scales[2 * k] = channel[1];
            nine.scales[2 * k + 1] = ~channel[2];
        }
        nine.to = to;
        for (int32_t i = 0; i < inside.begin; i++) {
            unetmm_compute_nine_at_border(p, block, i, first, &nine);
        }
        if (inside.begin < inside.end) {
            const int32_t offset = ((block->column + inside.begin) * p->stride + p->first - block->window_column) * stride + first;
            for (int32_t i = 0; i < 3; i++) {
                nine.rows[i] = (const int8_t *)block->rows[i] + offset;
            }
            nine.jump = p->dilation * stride;
            nine.end = to + inside.end * output_stride;
            unetmm_compute_nine(&nine);
        }
        for (int32_t i = inside.end; i < block->pixels; i++) {
            unetmm_compute_nine_at_border(p, block, i, first, &nine);
        }
    }
}

#endif

static void unetmm_depthwise_fast(const unetmm_depthwise *p, const unetmm_block *block)
{
#if UNETMM_TILES
    if (p->kernel_rows == 3 && p->kernel_columns == 3) {
        unetmm_compute_nines(p, block);
        return;
    }
#endif
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
