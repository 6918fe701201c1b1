/* Maps of int8: from the sum of one output to its value, by bias, multiplier, zero point and clamp; and the sums.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_REQUANTIZE_H
#define UNETMM_REQUANTIZE_H

#include "unetmm_arithmetic.h"
#include "unetmm_dsp.h"

/* What is known of the multipliers and sums of all outputs. */
enum {
    UNETMM_ANY = 0,
    UNETMM_BELOW = 1, /* every multiplier is below 1/2, so that all shifts are negative */
    UNETMM_SMALL = 2 /* that, and no sum with its bias passes 30 bits and the sign */
};

/* Sums leave the input's zero point out: it is in the bias, bias - zero * sum of the channel's weights,
 * as if padding held 0 where TFLM skips it. So a skipped tap must add zero * weight to the sum. */
typedef struct unetmm_requantization {
    const int32_t *channels; /* bias (the input's zero point in it), multiplier and shift of one output after the other */
    int32_t form; /* UNETMM_ANY, UNETMM_BELOW or UNETMM_SMALL */
    int32_t zero; /* of the output */
    int32_t low; /* smallest value of the output: the fused activation's */
    int32_t high; /* largest */
} unetmm_requantization;

#if UNETMM_DSP
/* unetmm_rescale_down of a sum of at most 30 bits and the sign, plus the zero point, saturated to a byte: the upper half of
 * 2 * sum * multiplier is the product divided by 2^31, and the last halving, the zero point and the saturation are one
 * instruction after one sum. */
static inline int32_t unetmm_rescale_small(int32_t sum, int32_t multiplier, int32_t shift, int32_t zero)
{
    const int32_t h = unetmm_multiply_top(2 * sum, multiplier);
    return unetmm_saturate_half(((h + (h >> 31)) >> ~shift) + (2 * zero + 1));
}
#endif

/* The values of n outputs from `first` on. */
static inline void unetmm_requantize(const unetmm_requantization *q, const int32_t *sums, int32_t first, int32_t n, int8_t *to)
{
    const int32_t *channel = q->channels + 3 * first;
    const int32_t zero = q->zero;
    const int32_t low = q->low;
    const int32_t high = q->high;
#if UNETMM_DSP
    if (q->form == UNETMM_SMALL) {
        for (int32_t c = 0; c < n; c++, channel += 3) {
            to[c] = (int8_t)unetmm_clamp(unetmm_rescale_small(sums[c] + channel[0], channel[1], channel[2], zero), low, high);
        }
        return;
    }
#endif
    if (q->form == UNETMM_ANY) {
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
#if UNETMM_DSP
    for (; n >= 4; n -= 4, a += 4, b += 4, v += 4, w += 4) {
        const uint32_t v4 = unetmm_load_quad(v);
        const uint32_t v0 = unetmm_widen_even(v4);
        const uint32_t v1 = unetmm_widen_odd(v4);
        const uint32_t a4 = unetmm_load_quad(a);
        const uint32_t a0 = unetmm_widen_even(a4);
        const uint32_t a1 = unetmm_widen_odd(a4);
        av = unetmm_dot_pair(v0, a0, av);
        av = unetmm_dot_pair(v1, a1, av);
        const uint32_t b4 = unetmm_load_quad(b);
        const uint32_t b0 = unetmm_widen_even(b4);
        const uint32_t b1 = unetmm_widen_odd(b4);
        bv = unetmm_dot_pair(v0, b0, bv);
        bv = unetmm_dot_pair(v1, b1, bv);
        const uint32_t w4 = unetmm_load_quad(w);
        const uint32_t w0 = unetmm_widen_even(w4);
        const uint32_t w1 = unetmm_widen_odd(w4);
        aw = unetmm_dot_pair(w0, a0, aw);
        aw = unetmm_dot_pair(w1, a1, aw);
        bw = unetmm_dot_pair(w0, b0, bw);
        bw = unetmm_dot_pair(w1, b1, bw);
    }
#endif
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
#if UNETMM_DSP
    for (; n >= 4; n -= 4, a += 4, v += 4, w += 4) {
        const uint32_t a4 = unetmm_load_quad(a);
        const uint32_t a0 = unetmm_widen_even(a4);
        const uint32_t a1 = unetmm_widen_odd(a4);
        const uint32_t v4 = unetmm_load_quad(v);
        av = unetmm_dot_pair(unetmm_widen_even(v4), a0, av);
        av = unetmm_dot_pair(unetmm_widen_odd(v4), a1, av);
        const uint32_t w4 = unetmm_load_quad(w);
        aw = unetmm_dot_pair(unetmm_widen_even(w4), a0, aw);
        aw = unetmm_dot_pair(unetmm_widen_odd(w4), a1, aw);
    }
#endif
    for (int32_t i = 0; i < n; i++) {
        av += a[i] * v[i];
        aw += a[i] * w[i];
    }
    sums[0] = unetmm_wrapping_add(sums[0], av);
    sums[1] = unetmm_wrapping_add(sums[1], aw);
}

#endif
