/* Integers of one type and scale to another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_QUANTIZE_H
#define UNETMM_QUANTIZE_H

#include "unetmm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_quantize {
    int32_t channels;
    int32_t from; /* bytes of an element: 1, 2 or 4 */
    int32_t to;
    int32_t input_zero;
    int32_t multiplier; /* as in unetmm_arithmetic.h */
    int32_t shift;
    int32_t output_zero;
    int32_t low; /* of the output */
    int32_t high;
} unetmm_quantize;

void unetmm_quantize_any(const void *parameters, const unetmm_block *block);

/* Keeps the numbers, less the bits that do not fit; of the parameters it reads the first three. */
void unetmm_cast_any(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
