/* CONV_2D with a window, on maps of int8: two outputs at once, and two pixels at once where neither window reaches beyond
 * the left or right border.
 *
 * sum = bias - zero * sum of weights + sum over taps and channels of weight * input, a skipped tap's input being the zero
 * point; then unetmm_requantize.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_convolution.h"
#include "unetmm_mve.h"
#include "unetmm_tile.h"
#include "unetmm_window.h"

/* What one pixel, or two, need. */
typedef struct pixels {
    const uint8_t *const *rows;
    unetmm_span span; /* of the kernel's columns, the same for both pixels */
    int32_t begin; /* bytes from a row's pointer to the first column inside */
    int32_t second; /* bytes from there to the second pixel's */
    int32_t jump; /* bytes from one column of the kernel to the next */
    int32_t pieces; /* runs of bytes in one row of the window */
    int32_t piece; /* bytes of a run */
    int8_t *to;
    int32_t to_second; /* bytes from the first pixel's output to the second's */
} pixels;

/* Adds zero * weight for n weights of two outputs. */
static void add_skipped(const unetmm_convolution *p, const int8_t *v, const int8_t *w, int32_t n, int32_t *sums)
{
    sums[0] = unetmm_wrapping_add(sums[0], unetmm_wrapping_multiply(p->input_zero, unetmm_sum_weights(v, n)));
    sums[1] = unetmm_wrapping_add(sums[1], unetmm_wrapping_multiply(p->input_zero, unetmm_sum_weights(w, n)));
}

/* Adds all that the taps beyond the border add to the sums of two outputs. */
static void add_border(const unetmm_convolution *p, const pixels *at, const int8_t *v, const int8_t *w, int32_t *sums)
{
    const int32_t line = p->line;
    const int32_t low = at->span.low * p->depth;
    const int32_t high = at->span.high * p->depth;
    for (int32_t i = 0; i < p->kernel_rows; i++, v += line, w += line) {
        if (at->rows[i] == NULL) {
            add_skipped(p, v, w, line, sums);
        } else {
            add_skipped(p, v, w, low, sums);
            add_skipped(p, v + high, w + high, line - high, sums);
        }
    }
}

/* Two outputs of two pixels: sums of the first pixel, then of the second. */
static void sum_two(const unetmm_convolution *p, const pixels *at, int32_t channel, const int8_t *v, const int8_t *w, int32_t *sums)
{
    const int32_t line = p->line;
    for (int32_t i = 0; i < p->kernel_rows; i++) {
        if (at->rows[i] != NULL) {
            const int8_t *a = (const int8_t *)at->rows[i] + at->begin + channel;
            for (int32_t k = 0; k < at->pieces; k++) {
                const int32_t from = i * line + k * at->piece;
                unetmm_dot_2x2(a + k * at->jump, a + k * at->jump + at->second, v + from, w + from, at->piece, sums);
            }
        }
    }
}

/* Two outputs of one pixel. */
static void sum_one(const unetmm_convolution *p, const pixels *at, int32_t channel, const int8_t *v, const int8_t *w, int32_t *sums)
{
    const int32_t line = p->line;
    for (int32_t i = 0; i < p->kernel_rows; i++) {
        if (at->rows[i] != NULL) {
            const int8_t *a = (const int8_t *)at->rows[i] + at->begin + channel;
            for (int32_t k = 0; k < at->pieces; k++) {
                const int32_t from = i * line + at->span.low * p->depth + k * at->piece;
                unetmm_dot_1x2(a + k * at->jump, v + from, w + from, at->piece, sums);
            }
        }
    }
}

/* All outputs of one group, of `count` pixels. */
static void compute_group(const unetmm_convolution *p, const pixels *at, int32_t count, int32_t border, int32_t group)
{
    const int32_t size = p->kernel_rows * p->line;
    const int32_t end = (group + 1) * p->group_outputs;
    for (int32_t o = group * p->group_outputs; o < end; o += 2) {
        const int32_t n = end - o < 2 ? 1 : 2;
        const int8_t *v = p->weights + o * size;
        const int8_t *w = v + (n - 1) * size; /* an odd last output is computed twice, one of them dropped */
        int32_t sums[4] = {0, 0, 0, 0};
        if (border != 0) {
            add_border(p, at, v, w, sums);
            sums[2] = sums[0];
            sums[3] = sums[1];
        }
        if (count == 2) {
            sum_two(p, at, group * p->depth, v, w, sums);
            unetmm_requantize(&p->requantization, sums + 2, o, n, at->to + at->to_second + o);
        } else {
            sum_one(p, at, group * p->depth, v, w, sums);
        }
        unetmm_requantize(&p->requantization, sums, o, n, at->to + o);
    }
}

/* Whether a row of the window is beyond the border. */
static int32_t misses_row(const unetmm_convolution *p, const unetmm_block *block)
{
    int32_t misses = 0;
    for (int32_t i = 0; i < p->kernel_rows; i++) {
        misses |= block->rows[i] == NULL;
    }
    return misses;
}

#if UNETMM_DSP || UNETMM_MVE
/* The window of one pixel. */
static unetmm_taps taps_of(const unetmm_convolution *p, const unetmm_block *block, int32_t solid, int32_t pixel)
{
    const int32_t stride = block->input_stride[0];
    const int32_t origin = (block->column + pixel) * p->stride + p->first;
    const unetmm_span span = unetmm_span_at(origin, block->window_column, p->dilation, p->kernel_columns, p->width);
    unetmm_taps at = {block->rows, span.offset * stride, p->line, p->kernel_columns * p->depth, span.low * p->depth, span.high * p->depth, p->depth, p->dilation * stride, p->input_zero};
    if (solid != 0) {
        at.depth = (at.high - at.low + 3) & ~3;
    }
    return at;
}

/* All pixels two at once, on cores with instructions for that. */
static void compute_pairs(const unetmm_convolution *p, const unetmm_block *block)
{
    const unetmm_requantization *q = &p->requantization;
    const int32_t solid = p->dilation == 1 && block->input_stride[0] == p->depth;
    const int32_t size = p->kernel_rows * p->line;
    unetmm_outputs outputs = {q->channels, p->weights, size, p->group_outputs, q->zero, q->low, q->high, NULL, NULL};
    const int32_t whole = solid != 0 && p->groups == 1 && size <= UNETMM_WHOLE && misses_row(p, block) == 0;
    const int32_t most = p->width - (p->kernel_columns - 1) * p->dilation; /* columns where a window may begin */
    const unetmm_lines lines = {block->rows, p->kernel_rows, p->line, p->kernel_columns * p->depth, p->stride * block->input_stride[0]};
    for (int32_t i = 0; i < block->pixels; i += 2) {
        const int32_t alone = i + 1 == block->pixels;
        const int32_t origin = (block->column + i) * p->stride + p->first;
        if (whole != 0 && origin >= 0 && origin + (alone != 0 ? 0 : p->stride) < most) {
            outputs.a = (int8_t *)block->output + i * block->output_stride;
            outputs.b = alone != 0 ? NULL : outputs.a + block->output_stride;
            outputs.channels = q->channels;
            outputs.weights = p->weights;
            unetmm_compute_lines(&outputs, &lines, (origin - block->window_column) * block->input_stride[0]);
            continue;
        }
        unetmm_taps a = taps_of(p, block, solid, i);
        unetmm_taps b = alone != 0 ? a : taps_of(p, block, solid, i + 1);
        outputs.channels = q->channels;
        outputs.weights = p->weights;
        outputs.a = (int8_t *)block->output + i * block->output_stride;
        for (int32_t group = 0; group < p->groups; group++) {
            outputs.b = alone != 0 ? NULL : outputs.a + block->output_stride;
            unetmm_compute_outputs(&outputs, &a, &b, size);
            outputs.channels += 3 * p->group_outputs;
            outputs.weights += group + 1 < p->groups ? p->group_outputs * size : 0;
            outputs.a += p->group_outputs;
            a.begin += p->depth;
            b.begin += p->depth;
        }
    }
}
#endif

void unetmm_convolution_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_convolution *p = parameters;
#if UNETMM_DSP || UNETMM_MVE
    if (p->requantization.form >= UNETMM_PAIRED) {
        compute_pairs(p, block);
        return;
    }
#endif
    const int32_t misses = misses_row(p, block);
    const int32_t solid = p->dilation == 1 && block->input_stride[0] == p->depth; /* a row of the window is one run of bytes */
    int32_t count;
    pixels at;
    at.rows = block->rows;
    at.second = p->stride * block->input_stride[0];
    at.jump = p->dilation * block->input_stride[0];
    at.to_second = block->output_stride;
    for (int32_t i = 0; i < block->pixels; i += count) {
        const int32_t origin = (block->column + i) * p->stride + p->first;
        at.span = unetmm_span_at(origin, block->window_column, p->dilation, p->kernel_columns, p->width);
        at.begin = at.span.offset * block->input_stride[0];
        at.to = (int8_t *)block->output + i * block->output_stride;
        const int32_t columns = at.span.high - at.span.low;
        const int32_t last = origin + p->stride + (p->kernel_columns - 1) * p->dilation; /* of the second pixel's window */
        count = columns == p->kernel_columns && i + 1 < block->pixels && last < p->width ? 2 : 1;
        at.pieces = solid != 0 ? (columns > 0 ? 1 : 0) : columns;
        at.piece = solid != 0 ? columns * p->depth : p->depth;
        for (int32_t group = 0; group < p->groups; group++) {
            compute_group(p, &at, count, misses != 0 || columns < p->kernel_columns, group);
        }
    }
}
