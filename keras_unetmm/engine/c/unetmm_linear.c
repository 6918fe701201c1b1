/* Sums, differences and products of two maps of int8 in one rounding, where that gives the same bytes as TensorFlow Lite for
 * Microcontrollers, which rounds several times: every pair of bytes was tried when the network was generated. Nothing
 * overflows; that was tried as well.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_linear.h"

#include "unetmm_arithmetic.h"

/* One pixel of a sum. The parameters are copies, and steps and limits are known where they are usual ones, so that the
 * compiler can keep all in registers, and use vectors and saturating instructions. */
static inline void sum_pixel(const unetmm_linear *p, const unetmm_places *at, int32_t one, int32_t two, int32_t low, int32_t high)
{
    const int8_t *first = (const int8_t *)at->first;
    const int8_t *second = (const int8_t *)at->second;
    int8_t *output = (int8_t *)at->output;
    const int32_t first_factor = p->first_factor;
    const int32_t second_factor = p->second_factor;
    const int32_t offset = p->offset;
    const int32_t shift = p->shift;
    const int32_t channels = at->channels;
    for (int32_t i = 0; i < channels; i++) {
        int32_t sum = offset + first[i * one] * first_factor; /* a multiply-accumulate each */
        sum += second[i * two] * second_factor;
        output[i] = (int8_t)unetmm_clamp(sum >> shift, low, high);
    }
}

static inline void product_pixel(const unetmm_product *p, const unetmm_places *at, int32_t one, int32_t two, int32_t low, int32_t high)
{
    const int8_t *first = (const int8_t *)at->first;
    const int8_t *second = (const int8_t *)at->second;
    int8_t *output = (int8_t *)at->output;
    const int32_t first_zero = p->first_zero;
    const int32_t second_zero = p->second_zero;
    const int32_t scale = (int32_t)1 << p->left;
    const int32_t factor = p->factor;
    const int32_t offset = p->offset;
    const int32_t below = p->below;
    const int32_t shift = p->shift;
    const int32_t channels = at->channels;
    for (int32_t i = 0; i < channels; i++) {
        const int32_t product = (first[i * one] - first_zero) * (second[i * two] - second_zero);
        const int32_t high_word = (int32_t)(((int64_t)(product * scale) * factor) >> 32);
        const int32_t sum = high_word + offset + ((product >> 31) & below);
        output[i] = (int8_t)unetmm_clamp(sum >> shift, low, high);
    }
}

void unetmm_linear_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_linear *p = parameters;
    for (unetmm_places at = unetmm_find_places(&p->operands, block, 1, 1); at.pixels > 0; unetmm_next_pixel(&at)) {
        const int32_t usual = at.first_step == 1 && at.second_step == 1;
        if (usual != 0 && p->low == INT8_MIN && p->high == INT8_MAX) {
            sum_pixel(p, &at, 1, 1, INT8_MIN, INT8_MAX);
        } else {
            sum_pixel(p, &at, at.first_step, at.second_step, p->low, p->high);
        }
    }
}

void unetmm_product_int8(const void *parameters, const unetmm_block *block)
{
    const unetmm_product *p = parameters;
    for (unetmm_places at = unetmm_find_places(&p->operands, block, 1, 1); at.pixels > 0; unetmm_next_pixel(&at)) {
        const int32_t usual = at.first_step == 1 && at.second_step == 1;
        if (usual != 0 && p->low == INT8_MIN && p->high == INT8_MAX) {
            product_pixel(p, &at, 1, 1, INT8_MIN, INT8_MAX);
        } else {
            product_pixel(p, &at, at.first_step, at.second_step, p->low, p->high);
        }
    }
}
