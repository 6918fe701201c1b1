/* Maps of int8: from the sum of one output to its value, by bias, multiplier, zero point and clamp; and the sums.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_REQUANTIZE_H
#define UNETMM_REQUANTIZE_H

#include "unetmm_arithmetic.h"

/* Sums leave the input's zero point out: it is in the bias, bias - zero * sum of the channel's weights,
 * as if padding held 0 where TFLM skips it. So a skipped tap must add zero * weight to the sum. */
typedef struct unetmm_requantization {
    const int32_t *channels; /* bias (the input's zero point in it), multiplier and shift of one output after the other */
    int32_t left; /* 1 if some shift is 0 or more, a multiplier of 1/2 or more; 0 if none is */
    int32_t zero; /* of the output */
    int32_t low; /* smallest value of the output: the fused activation's */
    int32_t high; /* largest */
} unetmm_requantization;

/* The values of n outputs from `first` on. */
static inline void unetmm_requantize(const unetmm_requantization *q, const int32_t *sums, int32_t first, int32_t n, int8_t *to)
{
    const int32_t *channel = q->channels + 3 * first;
    const int32_t zero = q->zero;
    const int32_t low = q->low;
    const int32_t high = q->high;
    if (q->left != 0) {
        for (int32_t c = 0; c < n; c++, channel += 3) {
            const int32_t value = unetmm_rescale(unetmm_wrapping_add(sums[c], channel[0]), channel[1], channel[2]);
            to[c] = (int8_t)unetmm_clamp(unetmm_wrapping_add(value, zero), low, high);
        }
        return;
    }
    for (int32_t c = 0; c < n; c++, channel += 3) {
        const int32_t value = unetmm_rescale_down(unetmm_wrapping_add(sums[c], channel[0]), channel[1], channel[2]);
        to[c] = (int8_t)unetmm_clamp(unetmm_wrapping_add(value, zero), low, high);
    }
}

/* The sum of n weights: times the input's zero point it is what skipped taps add. */
static inline int32_t unetmm_sum_weights(const int8_t *weights, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += weights[i];
    }
    return sum;
}

/* Adds n products of two pixels, a and b, with the weights of two outputs, v and w: each byte is loaded for two products.
 * n is less than 2^17, so that no partial sum overflows; the sums themselves wrap. */
static inline void unetmm_dot_2x2(const int8_t *a, const int8_t *b, const int8_t *v, const int8_t *w, int32_t n, int32_t *sums)
{
    int32_t av = 0;
    int32_t aw = 0;
    int32_t bv = 0;
    int32_t bw = 0;
    for (int32_t i = 0; i < n; i++) {
        av += a[i] * v[i];
        aw += a[i] * w[i];
        bv += b[i] * v[i];
        bw += b[i] * w[i];
    }
    sums[0] = unetmm_wrapping_add(sums[0], av);
    sums[1] = unetmm_wrapping_add(sums[1], aw);
    sums[2] = unetmm_wrapping_add(sums[2], bv);
    sums[3] = unetmm_wrapping_add(sums[3], bw);
}

/* The same for one pixel. */
static inline void unetmm_dot_1x2(const int8_t *a, const int8_t *v, const int8_t *w, int32_t n, int32_t *sums)
{
    int32_t av = 0;
    int32_t aw = 0;
    for (int32_t i = 0; i < n; i++) {
        av += a[i] * v[i];
        aw += a[i] * w[i];
    }
    sums[0] = unetmm_wrapping_add(sums[0], av);
    sums[1] = unetmm_wrapping_add(sums[1], aw);
}

#endif
