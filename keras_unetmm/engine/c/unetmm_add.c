/* Sums, differences and squared differences of two maps, with scales of their own.
 *
 * Both operands, less their zero points, are shifted left and brought to one scale, twice the larger of the two; what comes
 * out is rescaled. lite/kernels/internal/reference/{add,sub}.h and micro/kernels/squared_difference.cc of TensorFlow Lite
 * for Microcontrollers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unetmm_add.h"

#include "unetmm_arithmetic.h"

enum { ADDS, SUBTRACTS, SQUARES };

static inline int32_t scaled(int32_t value, int32_t left, int32_t multiplier, int32_t shift)
{
    return unetmm_rescale(unetmm_shift_left(value, left), multiplier, shift);
}

static inline int32_t joined(const unetmm_add *p, int32_t operation, int32_t a, int32_t b)
{
    const int32_t first = scaled(a - p->first_zero, p->left_shift, p->first_multiplier, p->first_shift);
    const int32_t second = scaled(b - p->second_zero, p->left_shift, p->second_multiplier, p->second_shift);
    int32_t raw = operation == ADDS ? first + second : first - second;
    if (operation == SQUARES) {
        raw = unetmm_wrapping_multiply(raw, raw);
    }
    const int32_t output = unetmm_wrapping_add(unetmm_rescale(raw, p->output_multiplier, p->output_shift), p->output_zero);
    return unetmm_clamp(output, p->low, p->high);
}

static inline void join_int8(const void *parameters, const unetmm_block *block, int32_t operation)
{
    const unetmm_add *p = parameters;
    const unetmm_add copy = *p; /* so that the compiler may keep it in registers */
    for (unetmm_places at = unetmm_find_places(&p->operands, block, 1, 1); at.pixels > 0; unetmm_next_pixel(&at)) {
        const int8_t *first = (const int8_t *)at.first;
        const int8_t *second = (const int8_t *)at.second;
        int8_t *output = (int8_t *)at.output;
        for (int32_t i = 0; i < at.channels; i++) {
            output[i] = (int8_t)joined(&copy, operation, first[i * at.first_step], second[i * at.second_step]);
        }
    }
}

static inline void join_int16(const void *parameters, const unetmm_block *block, int32_t operation)
{
    const unetmm_add *p = parameters;
    for (unetmm_places at = unetmm_find_places(&p->operands, block, 2, 2); at.pixels > 0; unetmm_next_pixel(&at)) {
        for (int32_t i = 0; i < at.channels; i++) {
            const int32_t a = unetmm_load16(at.first + 2 * i * at.first_step);
            const int32_t b = unetmm_load16(at.second + 2 * i * at.second_step);
            unetmm_store16(at.output + 2 * i, joined(p, operation, a, b));
        }
    }
}

void unetmm_add_int8(const void *parameters, const unetmm_block *block)
{
    join_int8(parameters, block, ADDS);
}

void unetmm_add_int16(const void *parameters, const unetmm_block *block)
{
    join_int16(parameters, block, ADDS);
}

void unetmm_subtract_int8(const void *parameters, const unetmm_block *block)
{
    join_int8(parameters, block, SUBTRACTS);
}

void unetmm_subtract_int16(const void *parameters, const unetmm_block *block)
{
    join_int16(parameters, block, SUBTRACTS);
}

void unetmm_squared_difference_int8(const void *parameters, const unetmm_block *block)
{
    join_int8(parameters, block, SQUARES);
}

void unetmm_squared_difference_int16(const void *parameters, const unetmm_block *block)
{
    join_int16(parameters, block, SQUARES);
}
