/* Sums and products of two maps of int8 in one rounding.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_LINEAR_H
#define UNETMM_LINEAR_H

#include "unetmm_operand.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The output is (first * first_factor + second * second_factor + offset) >> shift, clamped. */
typedef struct unetmm_linear {
    unetmm_operands operands;
    int32_t first_factor;
    int32_t second_factor;
    int32_t offset;
    int32_t shift;
    int32_t low; /* of the output */
    int32_t high;
} unetmm_linear;

/* With p = (first - first_zero) * (second - second_zero) and h the high word of (p << left) * factor, the output is
 * (h + offset) >> shift, clamped; where p is less than 0, `below` is added to the offset. */
typedef struct unetmm_product {
    unetmm_operands operands;
    int32_t first_zero;
    int32_t second_zero;
    int32_t left;
    int32_t factor;
    int32_t offset;
    int32_t below;
    int32_t shift;
    int32_t low; /* of the output */
    int32_t high;
} unetmm_product;

void unetmm_linear_int8(const void *parameters, const unetmm_block *block);
void unetmm_product_int8(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
