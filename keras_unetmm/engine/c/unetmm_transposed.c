/* TRANSPOSE_CONV on maps of int8, gathered by output pixel: pixel (y, x) of the input reaches row y * stride + i - padding of
 * the output through row i of the kernel, so output row r takes row i = r + padding - y * stride of the kernel, for every y
 * for which the kernel has that row; columns alike.
 *
 * sum = bias + sum of weight * (input - zero) over the taps that exist; then unetmm_requantize.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_transposed.h"

/* What one pixel needs. */
typedef struct pixel {
    const unetmm_block *block;
    int32_t row; /* of the kernel, for the first tap */
    int32_t first; /* the first column of the input that reaches it */
    int32_t end; /* the column after the last one */
    int32_t column; /* of the kernel, for the first column of the input */
} pixel;

/* Adds n products of one pixel's input - zero with the weights of two outputs; n is less than 2^16. */
static inline void dot(const int8_t *x, int32_t zero, const int8_t *v, const int8_t *w, int32_t n, int32_t *sums)
{
    int32_t first = 0;
    int32_t second = 0;
    for (int32_t i = 0; i < n; i++) {
        const int32_t value = x[i] - zero;
        first += value * v[i];
        second += value * w[i];
    }
    sums[0] = unetmm_wrapping_add(sums[0], first);
    sums[1] = unetmm_wrapping_add(sums[1], second);
}

/* Sums of two outputs, whose weights begin at v and w. */
static void sum_pixel(const unetmm_transposed *p, const pixel *at, const int8_t *v, const int8_t *w, int32_t *sums)
{
    const int32_t stride = at->block->input_stride[0];
    for (int32_t i = 0; i < p->taps; i++) {
        const int32_t row = at->row - i * p->row_stride;
        if (row >= 0 && row < p->kernel_rows && at->block->rows[i] != NULL) {
            const int8_t *x = (const int8_t *)at->block->rows[i];
            for (int32_t c = at->first; c < at->end; c++) {
                const int32_t column = at->column - (c - at->first) * p->column_stride;
                const int32_t from = (row * p->kernel_columns + column) * p->depth;
                dot(x + (c - at->block->window_column) * stride, p->input_zero, v + from, w + from, p->depth, sums);
            }
        }
    }
}

void unetmm_transposed_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_transposed *p = parameters;
    const int32_t size = p->kernel_rows * p->kernel_columns * p->depth;
    pixel at;
    at.block = block;
    at.row = block->row + p->row_padding - block->window_row * p->row_stride;
    for (int32_t i = 0; i < block->pixels; i++) {
        const int32_t place = block->column + i + p->column_padding; /* 0 or more */
        int8_t *to = (int8_t *)block->output + i * block->output_stride;
        const int32_t least = place - p->kernel_columns + 1; /* the least multiple of the stride that reaches it */
        at.first = least > 0 ? (least + p->column_stride - 1) / p->column_stride : 0;
        at.end = place / p->column_stride + 1;
        at.end = at.end < p->width ? at.end : p->width;
        at.column = place - at.first * p->column_stride;
        for (int32_t o = 0; o < p->outputs; o += 2) {
            const int32_t n = p->outputs - o < 2 ? 1 : 2;
            const int8_t *v = p->weights + o * size;
            int32_t sums[2] = {0, 0};
            sum_pixel(p, &at, v, v + (n - 1) * size, sums);
            unetmm_requantize(&p->requantization, sums, o, n, to + o);
        }
    }
}
