/* Logistic function and hyperbolic tangent of int16.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_SIGMOID_H
#define UNETMM_SIGMOID_H

#include "unetmm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_sigmoid {
    const uint16_t *table; /* 256 values of the logistic function from 0 on, 24 for each unit, with 16 bits */
    int32_t channels;
    int32_t multiplier; /* brings the input to 3 * 4096 for each unit */
    int32_t shift; /* to the right, afterwards */
} unetmm_sigmoid;

void unetmm_logistic_int16(const void *parameters, const unetmm_block *block);
void unetmm_tanh_int16(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
