/* BATCH_MATMUL: sum over k of (first[row, k] - zero) * (second[k, column] - zero), in 32 bits for int8 and in 64 for int16,
 * times the multiplier; one row of a matrix of the output is one pixel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_arithmetic.h"
#include "unetmm_matmul.h"

/* Where values lie: the value at (row, column) of a factor is `from + row * row_step + column * column_step`, in bytes. */
typedef struct place {
    const uint8_t *from;
    int32_t row_step;
    int32_t column_step;
} place;

/* A factor's matrix for a matrix of the output; for a map given at the same place, its row for pixel i of the block. */
static place find(const unetmm_factor *f, const unetmm_block *block, int32_t matrix, int32_t i, int32_t bytes)
{
    const int32_t stride = f->constant != NULL ? f->columns * bytes : block->input_stride[f->input];
    const uint8_t *all = f->constant != NULL ? (const uint8_t *)f->constant : block->input[f->input];
    place at;
    if (f->same != 0) {
        at.from = all + i * stride;
        at.row_step = 0;
        at.column_step = bytes;
        return at;
    }
    at.from = all + f->matrices[matrix] * f->rows * stride;
    at.row_step = f->transposed != 0 ? bytes : stride;
    at.column_step = f->transposed != 0 ? stride : bytes;
    return at;
}

static int32_t product_int8(const unetmm_matmul *p, const uint8_t *a, int32_t a_step, const uint8_t *b, int32_t b_step)
{
    int32_t sum = 0;
    for (int32_t k = 0; k < p->depth; k++) {
        const int32_t x = *(const int8_t *)(a + k * a_step) - p->first.zero;
        const int32_t y = *(const int8_t *)(b + k * b_step) - p->second.zero;
        sum = unetmm_wrapping_add(sum, x * y);
    }
    return unetmm_rescale(sum, p->multiplier, p->shift);
}

static int32_t product_int16(const unetmm_matmul *p, const uint8_t *a, int32_t a_step, const uint8_t *b, int32_t b_step)
{
    int64_t sum = 0;
    for (int32_t k = 0; k < p->depth; k++) {
        sum += (int64_t)unetmm_load16(a + k * a_step) * unetmm_load16(b + k * b_step);
    }
    return unetmm_rescale_wide(sum, p->multiplier, p->shift);
}

static inline void multiply(const unetmm_matmul *p, const unetmm_block *block, int32_t bytes)
{
    for (int32_t i = 0; i < block->pixels; i++) {
        const int32_t matrix = (block->position + i) / p->rows;
        const int32_t row = (block->position + i) % p->rows;
        const place first = find(&p->first, block, matrix, i, bytes);
        const place second = find(&p->second, block, matrix, i, bytes);
        const uint8_t *a = first.from + row * first.row_step;
        uint8_t *to = block->output + i * block->output_stride;
        for (int32_t c = 0; c < p->columns; c++) {
            const uint8_t *b = second.from + c * second.column_step;
            if (bytes == 1) {
                const int32_t value = unetmm_wrapping_add(product_int8(p, a, first.column_step, b, second.row_step), p->zero);
                ((int8_t *)to)[c] = (int8_t)unetmm_clamp(value, INT8_MIN, INT8_MAX);
            } else {
                const int32_t value = unetmm_wrapping_add(product_int16(p, a, first.column_step, b, second.row_step), p->zero);
                unetmm_store16(to + 2 * c, unetmm_clamp(value, INT16_MIN, INT16_MAX));
            }
        }
    }
}

void unetmm_matmul_int8(const void *parameters, const unetmm_block *block)
{
    multiply(parameters, block, 1);
}

void unetmm_matmul_int16(const void *parameters, const unetmm_block *block)
{
    multiply(parameters, block, 2);
}
