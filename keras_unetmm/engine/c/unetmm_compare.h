/* Comparisons of two maps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_COMPARE_H
#define UNETMM_COMPARE_H

#include "unetmm_operand.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_compare {
    unetmm_operands operands;
    int32_t element; /* bytes: 1 or 4 */
    int32_t rescales; /* whether both operands are brought to one scale */
    int32_t first_zero;
    int32_t first_multiplier; /* as in unetmm_arithmetic.h */
    int32_t first_shift;
    int32_t second_zero;
    int32_t second_multiplier;
    int32_t second_shift;
    int32_t below; /* what comes out where the first is smaller, */
    int32_t equal; /* where both are equal, */
    int32_t above; /* and where the first is larger */
} unetmm_compare;

void unetmm_compare_any(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
