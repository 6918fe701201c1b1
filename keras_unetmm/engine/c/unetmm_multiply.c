/* Products of two maps: the product less the zero points, rescaled once.
 *
 * lite/kernels/internal/reference/integer_ops/mul.h of TensorFlow Lite for Microcontrollers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_multiply.h"

#include "unetmm_arithmetic.h"

static inline int32_t product(const unetmm_multiply *p, int32_t a, int32_t b)
{
    const int32_t raw = unetmm_wrapping_multiply(a - p->first_zero, b - p->second_zero);
    const int32_t output = unetmm_wrapping_add(unetmm_rescale(raw, p->multiplier, p->shift), p->output_zero);
    return unetmm_clamp(output, p->low, p->high);
}

static inline void multiply_pixel(const unetmm_multiply *p, const unetmm_places *at, int32_t one, int32_t two)
{
    const unetmm_multiply copy = *p; /* so that the compiler may keep it in registers */
    const int8_t *first = (const int8_t *)at->first;
    const int8_t *second = (const int8_t *)at->second;
    int8_t *output = (int8_t *)at->output;
    const int32_t channels = at->channels;
    if (copy.shift < 0) { /* known to the loop */
        for (int32_t i = 0; i < channels; i++) {
            output[i] = (int8_t)product(&copy, first[i * one], second[i * two]);
        }
    } else {
        for (int32_t i = 0; i < channels; i++) {
            output[i] = (int8_t)product(&copy, first[i * one], second[i * two]);
        }
    }
}

void unetmm_multiply_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_multiply *p = parameters;
    for (unetmm_places at = unetmm_find_places(&p->operands, block, 1, 1); at.pixels > 0; unetmm_next_pixel(&at)) {
        if (at.first_step == 1 && at.second_step == 1) {
            multiply_pixel(p, &at, 1, 1);
        } else {
            multiply_pixel(p, &at, at.first_step, at.second_step);
        }
    }
}

void unetmm_multiply_int16(const void *parameters, const unetmm_block *block)
{
    const unetmm_multiply *p = parameters;
    for (unetmm_places at = unetmm_find_places(&p->operands, block, 2, 2); at.pixels > 0; unetmm_next_pixel(&at)) {
        for (int32_t i = 0; i < at.channels; i++) {
            const int32_t a = unetmm_load16(at.first + 2 * i * at.first_step);
            const int32_t b = unetmm_load16(at.second + 2 * i * at.second_step);
            unetmm_store16(at.output + 2 * i, product(p, a, b));
        }
    }
}
