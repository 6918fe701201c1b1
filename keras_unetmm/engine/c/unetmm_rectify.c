/* Activations of int16 that are linear on both sides of 0: RELU, RELU6, LEAKY_RELU. (Those of int8 are tables.)
 *
 * lite/kernels/internal/reference/leaky_relu.h and micro/kernels/activations.h of TensorFlow Lite for Microcontrollers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_rectify.h"

#include "unetmm_arithmetic.h"

void unetmm_rectify_int16(const void *parameters, const unetmm_block *block)
{
    const unetmm_rectify *p = parameters;
    for (int32_t pixel = 0; pixel < block->pixels; pixel++) {
        const uint8_t *input = block->input[0] + (size_t)pixel * (size_t)block->input_stride[0];
        uint8_t *output = block->output + (size_t)pixel * (size_t)block->output_stride;
        for (int32_t i = 0; i < p->channels; i++) {
            int32_t value = unetmm_load16(input + 2 * i) - p->input_zero;
            if (value >= 0) {
                value = unetmm_rescale(value, p->multiplier, p->shift);
            } else {
                value = unetmm_wrapping_multiply(unetmm_rescale(value, p->below_multiplier, p->below_shift), p->below_sign);
            }
            unetmm_store16(output + 2 * i, unetmm_clamp(unetmm_wrapping_add(value, p->output_zero), p->low, p->high));
        }
    }
}
