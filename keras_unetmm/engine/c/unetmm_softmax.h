/* Softmax over the channels of each pixel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_SOFTMAX_H
#define UNETMM_SOFTMAX_H

#include "unetmm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_softmax {
    const int32_t *exponentials; /* of a value that is 0, 1, ... 255 below the largest one, with 31 bits; less than 0 where it
                                    is too small to count */
    int32_t channels;
} unetmm_softmax;

/* For maps of int16. */
typedef struct unetmm_softmax_int16_tables {
    const int16_t *exponentials; /* exp(x) for x from -10 to 0 in 512 steps, 15 bits after the point */
    const int16_t *reciprocals; /* 1 / (1 + x) for x from 0 to 1 in 512 steps, likewise */
    int32_t channels;
    int32_t multiplier; /* brings differences to 65535 for each 10 units; as in unetmm_arithmetic.h */
    int32_t shift;
} unetmm_softmax_int16_tables;

void unetmm_softmax_int8(const void *parameters, const unetmm_block *block);
void unetmm_softmax_int8_int16(const void *parameters, const unetmm_block *block);
void unetmm_softmax_int16(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
