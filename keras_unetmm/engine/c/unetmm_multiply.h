/* Products of two maps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_MULTIPLY_H
#define UNETMM_MULTIPLY_H

#include "unetmm_operand.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_multiply {
    unetmm_operands operands;
    int32_t first_zero;
    int32_t second_zero;
    int32_t output_zero;
    int32_t multiplier; /* as in unetmm_arithmetic.h */
    int32_t shift;
    int32_t low; /* of the output */
    int32_t high;
} unetmm_multiply;

void unetmm_multiply_int8(const void *parameters, const unetmm_block *block);
void unetmm_multiply_int16(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
