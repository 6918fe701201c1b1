/* Comparisons of two maps: EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS, LESS_EQUAL. Each makes bytes of 0 and 1.
 *
 * lite/kernels/internal/reference/comparisons.h of TensorFlow Lite for Microcontrollers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_compare.h"

#include "unetmm_arithmetic.h"

enum { LEFT_SHIFT = 8 /* of both, before they are multiplied */ };

static inline int32_t scaled(int32_t value, int32_t multiplier, int32_t shift)
{
    return unetmm_rescale(unetmm_shift_left(value, LEFT_SHIFT), multiplier, shift);
}

static inline int32_t load(const uint8_t *map, int32_t element, int32_t index)
{
    return element == 1 ? (int32_t)(int8_t)map[index] : unetmm_load32(map + 4 * index);
}

void unetmm_compare_any(const void *parameters, const unetmm_block *block)
{
    const unetmm_compare *p = parameters;
    for (unetmm_places at = unetmm_find_places(&p->operands, block, p->element, 1); at.pixels > 0; unetmm_next_pixel(&at)) {
        for (int32_t i = 0; i < at.channels; i++) {
            int32_t first = load(at.first, p->element, i * at.first_step);
            int32_t second = load(at.second, p->element, i * at.second_step);
            if (p->rescales != 0) {
                first = scaled(first - p->first_zero, p->first_multiplier, p->first_shift);
                second = scaled(second - p->second_zero, p->second_multiplier, p->second_shift);
            }
            at.output[i] = (uint8_t)(first < second ? p->below : first == second ? p->equal : p->above);
        }
    }
}
