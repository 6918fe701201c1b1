/* Reciprocals and roots in fixed point, equal to those of gemmlowp and TensorFlow Lite for Microcontrollers in every bit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_FIXED_H
#define UNETMM_FIXED_H

#include "unetmm_arithmetic.h"

static inline int32_t unetmm_leading_zeros(uint32_t value)
{
    int32_t count = 0;
    while (count < 32 && (value & ((uint32_t)1 << 31)) == 0) {
        value <<= 1;
        count++;
    }
    return count;
}

/* value * 2^bits, saturated. gemmlowp: SaturatingRoundingMultiplyByPOT. */
static inline int32_t unetmm_saturating_left(int32_t value, int32_t bits)
{
    const int32_t most = (int32_t)(((uint32_t)1 << (31 - bits)) - 1);
    return value > most ? INT32_MAX : value < -most - 1 ? INT32_MIN : unetmm_shift_left(value, bits);
}

/* 1 / (1 + x) for x from 0 to 1, both with 31 bits after the point, by three steps of Newton's method from
 * 48 / 17 - 32 / 17 * d. gemmlowp: one_over_one_plus_x_for_x_in_0_1. */
static inline int32_t unetmm_reciprocal(int32_t x)
{
    const int32_t half_denominator = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    int32_t y = 1515870810 + unetmm_multiply_high(half_denominator, -1010580540);
    for (int32_t i = 0; i < 3; i++) {
        const int32_t product = unetmm_multiply_high(y, half_denominator);
        y += unetmm_saturating_left(unetmm_multiply_high(y, (1 << 29) - product), 2);
    }
    return unetmm_saturating_left(y, 1);
}

/* 1 / x for an x of 1 and more with `bits` bits before the point, as a number from 1/2 to 1 with 31 bits after the point;
 * `over` are the bits by which x is above 1. TensorFlow Lite: GetReciprocal. */
static inline int32_t unetmm_get_reciprocal(int32_t x, int32_t bits, int32_t *over)
{
    const int32_t zeros = unetmm_leading_zeros((uint32_t)x);
    *over = bits - zeros;
    return unetmm_reciprocal((int32_t)(((uint32_t)x << (zeros & 31)) - ((uint32_t)1 << 31)));
}

#endif
