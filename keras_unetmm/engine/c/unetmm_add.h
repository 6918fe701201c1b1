/* Sums and differences of two maps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_ADD_H
#define UNETMM_ADD_H

#include "unetmm_operand.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Also of squared differences. Multipliers and shifts are those of unetmm_arithmetic.h. */
typedef struct unetmm_add {
    unetmm_operands operands;
    int32_t left_shift; /* of both operands, before they are multiplied */
    int32_t first_zero;
    int32_t first_multiplier;
    int32_t first_shift;
    int32_t second_zero;
    int32_t second_multiplier;
    int32_t second_shift;
    int32_t output_zero;
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t low; /* of the output */
    int32_t high;
} unetmm_add;

void unetmm_add_int8(const void *parameters, const unetmm_block *block);
void unetmm_add_int16(const void *parameters, const unetmm_block *block);
void unetmm_subtract_int8(const void *parameters, const unetmm_block *block);
void unetmm_subtract_int16(const void *parameters, const unetmm_block *block);
void unetmm_squared_difference_int8(const void *parameters, const unetmm_block *block);
void unetmm_squared_difference_int16(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
