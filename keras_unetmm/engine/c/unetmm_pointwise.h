/* CONV_2D with a kernel of 1x1 and no stride, and FULLY_CONNECTED where every pixel gives one pixel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_POINTWISE_H
#define UNETMM_POINTWISE_H

#include "unetmm.h"
#include "unetmm_requantize.h"

typedef struct unetmm_pointwise {
    const int8_t *weights; /* outputs x depth */
    unetmm_requantization requantization;
    int32_t depth; /* channels of the input, less than 2^17 */
    int32_t outputs; /* channels of the output */
    int32_t phases; /* 1; or how many rows of the output are made of each row of the input, every one with its own outputs */
} unetmm_pointwise;

#ifdef __cplusplus
extern "C" {
#endif

unetmm_kernel unetmm_pointwise_int8;

#ifdef __cplusplus
}
#endif

#endif
