/* Activations of int16 that are linear on both sides of 0.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_RECTIFY_H
#define UNETMM_RECTIFY_H

#include "unetmm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_rectify {
    int32_t channels;
    int32_t input_zero;
    int32_t output_zero;
    int32_t multiplier; /* of 0 and above, as in unetmm_arithmetic.h */
    int32_t shift;
    int32_t below_multiplier; /* of what is below 0 */
    int32_t below_shift;
    int32_t below_sign; /* -1 where the slope below 0 falls, else 1 */
    int32_t low; /* of the output */
    int32_t high;
} unetmm_rectify;

void unetmm_rectify_int16(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
