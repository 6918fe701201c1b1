/* DEPTHWISE_CONV_2D on maps of int16.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_DEPTHWISE_INT16_H
#define UNETMM_DEPTHWISE_INT16_H

#include "unetmm.h"
#include "unetmm_requantize_int16.h"

typedef struct unetmm_depthwise_wide {
    const int8_t *weights; /* kernel rows x kernel columns x outputs */
    unetmm_requantization_int16 requantization;
    int32_t width; /* columns of the input */
    int32_t first; /* the column of the input where the window of column 0 begins */
    int32_t stride; /* columns */
    int32_t dilation; /* columns */
    int32_t kernel_rows;
    int32_t kernel_columns;
    int32_t depth; /* channels of the input */
    int32_t multiplier; /* outputs of each channel: outputs = depth * multiplier */
} unetmm_depthwise_wide;

#ifdef __cplusplus
extern "C" {
#endif

unetmm_kernel unetmm_depthwise_int16;

#ifdef __cplusplus
}
#endif

#endif
