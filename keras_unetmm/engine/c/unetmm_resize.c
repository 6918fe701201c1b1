/* Bilinear resizing: four pixels weighted by 10 bits along each axis, rounded half away from zero.
 *
 * lite/kernels/internal/reference/resize_bilinear.h of TensorFlow Lite for Microcontrollers. A weight may be less than 0 at
 * the border, where both pixels are the same. No sum is larger than 128 * 1536^2 < 2^31.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_resize.h"

static inline int8_t rounded(int32_t sum)
{
    return (int8_t)((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
}

void unetmm_resize_bilinear_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_resize *p = parameters;
    const int16_t *row = p->rows + (size_t)block->row * 3;
    const uint8_t *upper = block->rows[row[0] - block->window_row];
    const uint8_t *lower = block->rows[row[1] - block->window_row];
    const int32_t down = row[2];
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        const int16_t *column = p->columns + (size_t)(block->column + pixel) * 3;
        const size_t left = (size_t)(column[0] - block->window_column) * (size_t)block->input_stride[0];
        const size_t right = (size_t)(column[1] - block->window_column) * (size_t)block->input_stride[0];
        const int8_t *upper_left = (const int8_t *)upper + left;
        const int8_t *upper_right = (const int8_t *)upper + right;
        const int8_t *lower_left = (const int8_t *)lower + left;
        const int8_t *lower_right = (const int8_t *)lower + right;
        const int32_t a = (1024 - down) * (1024 - column[2]);
        const int32_t b = (1024 - down) * column[2];
        const int32_t c = down * (1024 - column[2]);
        const int32_t d = down * column[2];
        int8_t *output = (int8_t *)block->output + (size_t)pixel * (size_t)block->output_stride;
        for (int32_t i = 0; i < p->channels; i++) {
            output[i] = rounded(upper_left[i] * a + upper_right[i] * b + lower_left[i] * c + lower_right[i] * d);
        }
    }
}
