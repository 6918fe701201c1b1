/* Each pixel divided by the length of its vector of channels: L2_NORMALIZATION. The output's scale is 1 / 128.
 *
 * lite/kernels/internal/reference/integer_ops/l2normalization.h and GetInvSqrtQuantizedMultiplierExp of TensorFlow Lite for
 * Microcontrollers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_normalize.h"

#include "unetmm_fixed.h"

enum { OUTPUT_BITS = 7 };


/* 1 / sqrt(square) as a real multiplier, by five steps of Newton's method. */
static int32_t inverse_root(int32_t square, int32_t *shift)
{
    if (square <= 1) {
        *shift = 0;
        return INT32_MAX;
    }
    int32_t right = 11;
    while (square >= 1 << 29) {
        square /= 4;
        right++;
    }
    const int32_t pairs = (unetmm_leading_zeros((uint32_t)square) - 1) / 2 - 1;
    right -= pairs;
    const int32_t half = unetmm_shift_right(unetmm_shift_left(square, 2 * pairs) >> 1, 1);
    int32_t x = 1 << 28;
    for (int32_t i = 0; i < 5; i++) {
        /* x * x * x has 9 bits before the point; 6 are given up. */
        const int32_t cube = unetmm_saturating_left(unetmm_multiply_high(unetmm_multiply_high(x, x), x), 6);
        const int32_t step = unetmm_multiply_high((1 << 28) + (1 << 27), x) - unetmm_multiply_high(half, cube);
        x = unetmm_saturating_left(step, 3);
    }
    x = unetmm_multiply_high(x, 1518500250);
    if (right < 0) {
        x = unetmm_shift_left(x, -right);
        right = 0;
    }
    *shift = -right;
    return x;
}

void unetmm_normalize_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_normalize *p = parameters;
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        const int8_t *input = (const int8_t *)block->input[0] + (size_t)pixel * (size_t)block->input_stride[0];
        int8_t *output = (int8_t *)block->output + (size_t)pixel * (size_t)block->output_stride;
        int32_t square = 0;
        for (int32_t i = 0; i < p->channels; i++) {
            square += (input[i] - p->input_zero) * (input[i] - p->input_zero);
        }
        int32_t shift = 0;
        const int32_t multiplier = inverse_root(square, &shift);
        for (int32_t i = 0; i < p->channels; i++) {
            const int32_t value = unetmm_rescale(input[i] - p->input_zero, multiplier, shift + OUTPUT_BITS);
            output[i] = (int8_t)unetmm_clamp(value, INT8_MIN, INT8_MAX);
        }
    }
}
