/* Slopes of their own below 0.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_PRELU_H
#define UNETMM_PRELU_H

#include "unetmm_operand.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_prelu {
    unetmm_operands operands; /* the map and the slopes, which are int8 */
    int32_t input_zero;
    int32_t slope_zero;
    int32_t output_zero;
    int32_t multiplier; /* of 0 and above, as in unetmm_arithmetic.h */
    int32_t shift;
    int32_t below_multiplier; /* of the products with slopes */
    int32_t below_shift;
} unetmm_prelu;

void unetmm_prelu_int8(const void *parameters, const unetmm_block *block);
void unetmm_prelu_int16(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
