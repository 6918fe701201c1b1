/* DEPTHWISE_CONV_2D on maps of int8: some outputs of one pixel at a time, their sums in registers while all taps pass.
 *
 * sum = bias - zero * sum of weights + sum over taps of weight * input, a skipped tap's input being the zero point; then
 * unetmm_requantize.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_depthwise.h"
#include "unetmm_depthwise_dsp.h"
#include "unetmm_depthwise_mve.h"
#include "unetmm_window.h"

enum { CHUNK = 8 }; /* outputs at once */

/* What one pixel needs. */
typedef struct pixel {
    const uint8_t *const *rows;
    unetmm_span span; /* of the kernel's columns */
    int32_t begin; /* bytes from a row's pointer to the first column inside */
    int32_t jump; /* bytes from one column of the kernel to the next */
    int32_t outputs;
    int8_t *to;
} pixel;

/* Sums of CHUNK outputs that have an input channel each. */
static void sum_own(const unetmm_depthwise *p, const pixel *at, int32_t channel, int32_t first, int32_t *sums)
{
    int32_t s0 = 0;
    int32_t s1 = 0;
    int32_t s2 = 0;
    int32_t s3 = 0;
    int32_t s4 = 0;
    int32_t s5 = 0;
    int32_t s6 = 0;
    int32_t s7 = 0;
    const int32_t taps = at->span.high - at->span.low;
    for (int32_t i = 0; i < p->kernel_rows; i++) {
        if (at->rows[i] != NULL) {
            const int8_t *x = (const int8_t *)at->rows[i] + at->begin + channel;
            const int8_t *w = p->weights + (i * p->kernel_columns + at->span.low) * at->outputs + first;
            for (int32_t k = taps; k > 0; k--) {
                s0 += w[0] * x[0];
                s1 += w[1] * x[1];
                s2 += w[2] * x[2];
                s3 += w[3] * x[3];
                s4 += w[4] * x[4];
                s5 += w[5] * x[5];
                s6 += w[6] * x[6];
                s7 += w[7] * x[7];
                if (k > 1) {
                    x += at->jump;
                    w += at->outputs;
                }
            }
        }
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
    sums[4] = s4;
    sums[5] = s5;
    sums[6] = s6;
    sums[7] = s7;
}

/* Sums of CHUNK outputs of one input channel. */
static void sum_shared(const unetmm_depthwise *p, const pixel *at, int32_t channel, int32_t first, int32_t *sums)
{
    int32_t s0 = 0;
    int32_t s1 = 0;
    int32_t s2 = 0;
    int32_t s3 = 0;
    int32_t s4 = 0;
    int32_t s5 = 0;
    int32_t s6 = 0;
    int32_t s7 = 0;
    const int32_t taps = at->span.high - at->span.low;
    for (int32_t i = 0; i < p->kernel_rows; i++) {
        if (at->rows[i] != NULL) {
            const int8_t *x = (const int8_t *)at->rows[i] + at->begin + channel;
            const int8_t *w = p->weights + (i * p->kernel_columns + at->span.low) * at->outputs + first;
            for (int32_t k = taps; k > 0; k--) {
                s0 += w[0] * *x;
                s1 += w[1] * *x;
                s2 += w[2] * *x;
                s3 += w[3] * *x;
                s4 += w[4] * *x;
                s5 += w[5] * *x;
                s6 += w[6] * *x;
                s7 += w[7] * *x;
                if (k > 1) {
                    x += at->jump;
                    w += at->outputs;
                }
            }
        }
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
    sums[4] = s4;
    sums[5] = s5;
    sums[6] = s6;
    sums[7] = s7;
}

/* Sums of n outputs, fewer than CHUNK. */
static void sum_some(const unetmm_depthwise *p, const pixel *at, int32_t channel, int32_t step, int32_t first, int32_t n, int32_t *sums)
{
    for (int32_t c = 0; c < n; c++) {
        int32_t sum = 0;
        for (int32_t i = 0; i < p->kernel_rows; i++) {
            if (at->rows[i] != NULL) {
                const int8_t *x = (const int8_t *)at->rows[i] + at->begin + channel + c * step;
                const int8_t *w = p->weights + (i * p->kernel_columns + at->span.low) * at->outputs + first + c;
                for (int32_t k = at->span.high - at->span.low; k > 0; k--) {
                    sum += *w * *x;
                    if (k > 1) { /* not beyond the end of a map */
                        x += at->jump;
                        w += at->outputs;
                    }
                }
            }
        }
        sums[c] = sum;
    }
}

/* Adds zero * weight for all taps that are beyond the border. */
static void add_border(const unetmm_depthwise *p, const pixel *at, int32_t first, int32_t n, int32_t *sums)
{
    for (int32_t i = 0; i < p->kernel_rows; i++) {
        for (int32_t k = 0; k < p->kernel_columns; k++) {
            if (at->rows[i] == NULL || k < at->span.low || k >= at->span.high) {
                const int8_t *w = p->weights + (i * p->kernel_columns + k) * at->outputs + first;
                for (int32_t c = 0; c < n; c++) {
                    sums[c] += w[c] * p->input_zero;
                }
            }
        }
    }
}

/* n outputs, at most CHUNK, from `first` on. */
static void compute(const unetmm_depthwise *p, const pixel *at, int32_t border, int32_t channel, int32_t step, int32_t first, int32_t n)
{
    int32_t sums[CHUNK];
    if (n == CHUNK && step == 1) {
        sum_own(p, at, channel, first, sums);
    } else if (n == CHUNK) {
        sum_shared(p, at, channel, first, sums);
    } else {
        sum_some(p, at, channel, step, first, n, sums);
    }
    if (border != 0) {
        add_border(p, at, first, n, sums);
    }
    unetmm_requantize(&p->requantization, sums, first, n, at->to + first);
}

/* Whether any tap is beyond the border. */
static int32_t has_border(const unetmm_depthwise *p, const pixel *at)
{
    int32_t border = at->span.high - at->span.low < p->kernel_columns;
    for (int32_t i = 0; i < p->kernel_rows; i++) {
        border |= at->rows[i] == NULL;
    }
    return border;
}

static void compute_pixel(const unetmm_depthwise *p, const pixel *at)
{
    const int32_t border = has_border(p, at);
    if (p->multiplier == 1) {
        for (int32_t c = 0; c < p->depth; c += CHUNK) {
            compute(p, at, border, c, 1, c, p->depth - c < CHUNK ? p->depth - c : CHUNK);
        }
        return;
    }
    for (int32_t channel = 0; channel < p->depth; channel++) {
        for (int32_t m = 0; m < p->multiplier; m += CHUNK) {
            const int32_t n = p->multiplier - m < CHUNK ? p->multiplier - m : CHUNK;
            compute(p, at, border, channel, 0, channel * p->multiplier + m, n);
        }
    }
}

void unetmm_depthwise_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_depthwise *p = parameters;
#if UNETMM_DSP || UNETMM_MVE
    if (unetmm_depthwise_fits(p)) {
        unetmm_depthwise_fast(p, block);
        return;
    }
#endif
    pixel at;
    at.rows = block->rows;
    at.jump = p->dilation * block->input_stride[0];
    at.outputs = p->depth * p->multiplier;
    for (int32_t i = 0; i < block->pixels; i++) {
        const int32_t origin = (block->column + i) * p->stride + p->first;
        at.span = unetmm_span_at(origin, block->window_column, p->dilation, p->kernel_columns, p->width);
        at.begin = at.span.offset * block->input_stride[0];
        at.to = (int8_t *)block->output + i * block->output_stride;
        compute_pixel(p, &at);
    }
}
