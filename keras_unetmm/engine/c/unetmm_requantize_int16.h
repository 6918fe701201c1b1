/* Maps of int16: from the sum of one output to its value, by bias, multiplier and clamp; and the sums.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_REQUANTIZE_INT16_H
#define UNETMM_REQUANTIZE_INT16_H

#include "unetmm_arithmetic.h"

typedef struct unetmm_requantization_int16 {
    const int64_t *bias; /* one an output */
    const int32_t *scales; /* multiplier and shift of one output after the other */
    int32_t narrow; /* 1: sums wrap in 32 bits, as where the file's bias has 32; 0: sums of 64 bits */
    int32_t zero;
    int32_t low;
    int32_t high;
} unetmm_requantization_int16;

static inline int32_t unetmm_requantize_int16(const unetmm_requantization_int16 *q, int64_t sum, int32_t output)
{
    const int32_t multiplier = q->scales[2 * output];
    const int32_t shift = q->scales[2 * output + 1];
    const uint64_t biased = (uint64_t)sum + (uint64_t)q->bias[output];
    const int32_t value = q->narrow != 0 ? unetmm_rescale((int32_t)(uint32_t)biased, multiplier, shift)
                                         : unetmm_rescale_wide((int64_t)biased, multiplier, shift);
    return unetmm_clamp(unetmm_wrapping_add(value, q->zero), q->low, q->high);
}

/* The sum of n products of a map's values, from the address x on, and weights. */
static inline int64_t unetmm_dot_int16(const uint8_t *x, const int8_t *weights, int32_t n)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += unetmm_load16(x + 2 * i) * weights[i];
    }
    return sum;
}

#endif
