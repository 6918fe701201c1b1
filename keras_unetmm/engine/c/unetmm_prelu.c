/* PRELU: below 0 a value is multiplied by a slope, one a channel or one for each place.
 *
 * lite/kernels/internal/reference/prelu.h of TensorFlow Lite for Microcontrollers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_prelu.h"

#include "unetmm_arithmetic.h"

static inline int32_t bent(const unetmm_prelu *p, int32_t value, int32_t slope)
{
    const int32_t real = value - p->input_zero;
    const int32_t made = real >= 0 ? unetmm_rescale(real, p->multiplier, p->shift)
                                   : unetmm_rescale(real * (slope - p->slope_zero), p->below_multiplier, p->below_shift);
    return unetmm_wrapping_add(made, p->output_zero);
}

void unetmm_prelu_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_prelu *p = parameters;
    for (unetmm_places at = unetmm_find_places(&p->operands, block, 1, 1); at.pixels > 0; unetmm_next_pixel(&at)) {
        const int8_t *first = (const int8_t *)at.first;
        const int8_t *second = (const int8_t *)at.second;
        int8_t *output = (int8_t *)at.output;
        for (int32_t i = 0; i < at.channels; i++) {
            const int32_t value = bent(p, first[i * at.first_step], second[i * at.second_step]);
            output[i] = (int8_t)unetmm_clamp(value, INT8_MIN, INT8_MAX);
        }
    }
}

void unetmm_prelu_int16(const void *parameters, const unetmm_block *block)
{
    const unetmm_prelu *p = parameters;
    for (unetmm_places at = unetmm_find_places(&p->operands, block, 2, 2); at.pixels > 0; unetmm_next_pixel(&at)) {
        const int8_t *second = (const int8_t *)at.second;
        for (int32_t i = 0; i < at.channels; i++) {
            const int32_t value = bent(p, unetmm_load16(at.first + 2 * i * at.first_step), second[i * at.second_step]);
            unetmm_store16(at.output + 2 * i, unetmm_clamp(value, INT16_MIN, INT16_MAX));
        }
    }
}
