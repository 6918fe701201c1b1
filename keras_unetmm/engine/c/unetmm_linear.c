/* Sums, differences and products of two maps of int8 in one rounding, where that gives the same bytes as TensorFlow Lite for
 * Microcontrollers, which rounds several times: every pair of bytes was tried when the network was generated. Nothing
 * overflows; that was tried as well.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_linear.h"

#include "unetmm_arithmetic.h"
#include "unetmm_dsp.h"
#include "unetmm_mve.h"

/* The parameters of both are copies, and steps and limits are known where they are usual ones, so that the compiler can keep
 * all in registers, and use vectors and saturating instructions. */
static inline int32_t limited(int32_t value, int32_t low, int32_t high)
{
#if UNETMM_DSP
    if (__builtin_constant_p(low) && low == INT8_MIN && high == INT8_MAX) {
        return unetmm_saturate(value);
    }
#endif
    return unetmm_clamp(value, low, high);
}

static inline int8_t sum_of(const unetmm_linear *p, int32_t a, int32_t b, int32_t low, int32_t high)
{
    int32_t sum = p->offset + a * p->first_factor; /* a multiply-accumulate each */
    sum += b * p->second_factor;
    return (int8_t)limited(sum >> p->shift, low, high);
}

static inline int8_t product_of(const unetmm_product *p, int32_t a, int32_t b, int32_t low, int32_t high)
{
    const int32_t scale = (int32_t)1 << p->left;
    const int32_t product = (a * scale - p->first_zero * scale) * (b - p->second_zero); /* shifted left */
#if UNETMM_DSP
    const int32_t sum = unetmm_add_top(product, p->factor, p->offset);
#else
    const int32_t sum = (int32_t)(((int64_t)product * p->factor) >> 32) + p->offset;
#endif
    return (int8_t)limited((sum + ((product >> 31) & p->below)) >> p->shift, low, high);
}

#if UNETMM_MVE

/* Four values of a sum, or those that are left. */
static inline int32x4_t sum_lanes(const unetmm_linear *p, int32x4_t a, int32x4_t b)
{
    const int32x4_t sum = vmlaq_n_s32(vmlaq_n_s32(vdupq_n_s32(p->offset), a, p->first_factor), b, p->second_factor);
    return vshlq_r_s32(sum, -p->shift);
}

static inline int32x4_t product_lanes(const unetmm_product *p, int32x4_t a, int32x4_t b)
{
    const int32x4_t product = vshlq_r_s32(vmulq_s32(vsubq_n_s32(a, p->first_zero), vsubq_n_s32(b, p->second_zero)), p->left);
    const int32x4_t sum = vaddq_n_s32(vmulhq_s32(product, vdupq_n_s32(p->factor)), p->offset);
    return vshlq_r_s32(vaddq_s32(sum, vandq_s32(vshrq_n_s32(product, 31), vdupq_n_s32(p->below))), -p->shift);
}

static inline int32x4_t load_lanes(const int8_t *from, int32_t i, int32_t step, mve_pred16_t lanes)
{
    return step != 0 ? vldrbq_z_s32(from + i, lanes) : vdupq_n_s32(from[0]);
}

static inline int32x4_t within(int32x4_t values, int32_t low, int32_t high)
{
    return vminq_s32(vmaxq_s32(values, vdupq_n_s32(low)), vdupq_n_s32(high));
}

#endif

static inline void sum_pixel(const unetmm_linear *parameters, const unetmm_places *at, int32_t one, int32_t two, int32_t low, int32_t high)
{
    unetmm_linear copy; /* of what is used */
    copy.first_factor = parameters->first_factor;
    copy.second_factor = parameters->second_factor;
    copy.offset = parameters->offset;
    copy.shift = parameters->shift;
    const int8_t *first = (const int8_t *)at->first;
    const int8_t *second = (const int8_t *)at->second;
    int8_t *output = (int8_t *)at->output;
    const int32_t channels = at->channels;
#if UNETMM_MVE
    int32_t i = 0;
    for (; i + 4 <= channels; i += 4) {
        const int32x4_t a = one != 0 ? vldrbq_s32(first + i) : vdupq_n_s32(first[0]);
        const int32x4_t b = two != 0 ? vldrbq_s32(second + i) : vdupq_n_s32(second[0]);
        vstrbq_s32(output + i, within(sum_lanes(&copy, a, b), low, high));
    }
    if (i < channels) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(channels - i));
        const int32x4_t a = load_lanes(first, i, one, lanes);
        vstrbq_p_s32(output + i, within(sum_lanes(&copy, a, load_lanes(second, i, two, lanes)), low, high), lanes);
    }
#else
    int32_t i = 0;
    for (; i + 4 <= channels; i += 4) { /* the loop itself costs as much as half a value */
        output[i] = sum_of(&copy, first[i * one], second[i * two], low, high);
        output[i + 1] = sum_of(&copy, first[(i + 1) * one], second[(i + 1) * two], low, high);
        output[i + 2] = sum_of(&copy, first[(i + 2) * one], second[(i + 2) * two], low, high);
        output[i + 3] = sum_of(&copy, first[(i + 3) * one], second[(i + 3) * two], low, high);
    }
    for (; i < channels; i++) {
        output[i] = sum_of(&copy, first[i * one], second[i * two], low, high);
    }
#endif
}

static inline void product_pixel(const unetmm_product *parameters, const unetmm_places *at, int32_t one, int32_t two, int32_t low, int32_t high)
{
    unetmm_product copy; /* of what is used */
    copy.first_zero = parameters->first_zero;
    copy.second_zero = parameters->second_zero;
    copy.left = parameters->left;
    copy.factor = parameters->factor;
    copy.offset = parameters->offset;
    copy.below = parameters->below;
    copy.shift = parameters->shift;
    const int8_t *first = (const int8_t *)at->first;
    const int8_t *second = (const int8_t *)at->second;
    int8_t *output = (int8_t *)at->output;
    const int32_t channels = at->channels;
#if UNETMM_MVE
    int32_t i = 0;
    for (; i + 4 <= channels; i += 4) {
        const int32x4_t a = one != 0 ? vldrbq_s32(first + i) : vdupq_n_s32(first[0]);
        const int32x4_t b = two != 0 ? vldrbq_s32(second + i) : vdupq_n_s32(second[0]);
        vstrbq_s32(output + i, within(product_lanes(&copy, a, b), low, high));
    }
    if (i < channels) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(channels - i));
        const int32x4_t a = load_lanes(first, i, one, lanes);
        vstrbq_p_s32(output + i, within(product_lanes(&copy, a, load_lanes(second, i, two, lanes)), low, high), lanes);
    }
#else
    int32_t i = 0;
    for (; i + 4 <= channels; i += 4) {
        output[i] = product_of(&copy, first[i * one], second[i * two], low, high);
        output[i + 1] = product_of(&copy, first[(i + 1) * one], second[(i + 1) * two], low, high);
        output[i + 2] = product_of(&copy, first[(i + 2) * one], second[(i + 2) * two], low, high);
        output[i + 3] = product_of(&copy, first[(i + 3) * one], second[(i + 3) * two], low, high);
    }
    for (; i < channels; i++) {
        output[i] = product_of(&copy, first[i * one], second[i * two], low, high);
    }
#endif
}

void unetmm_linear_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_linear *p = parameters;
    for (unetmm_places at = unetmm_find_places(&p->operands, block, 1, 1); at.pixels > 0; unetmm_next_pixel(&at)) {
        const int32_t free = p->low == INT8_MIN && p->high == INT8_MAX;
        if (free != 0 && at.first_step == 1 && at.second_step == 1) {
            sum_pixel(p, &at, 1, 1, INT8_MIN, INT8_MAX);
        } else if (free != 0 && at.first_step == 1) {
            sum_pixel(p, &at, 1, 0, INT8_MIN, INT8_MAX);
        } else {
            sum_pixel(p, &at, at.first_step, at.second_step, p->low, p->high);
        }
    }
}

void unetmm_product_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_product *p = parameters;
    for (unetmm_places at = unetmm_find_places(&p->operands, block, 1, 1); at.pixels > 0; unetmm_next_pixel(&at)) {
        const int32_t free = p->low == INT8_MIN && p->high == INT8_MAX;
        if (free != 0 && at.first_step == 1 && at.second_step == 1) {
            product_pixel(p, &at, 1, 1, INT8_MIN, INT8_MAX);
        } else if (free != 0 && at.first_step == 1) {
            product_pixel(p, &at, 1, 0, INT8_MIN, INT8_MAX);
        } else {
            product_pixel(p, &at, at.first_step, at.second_step, p->low, p->high);
        }
    }
}
