/* CONV_2D on maps of int16: any kernel, stride, dilation, padding and number of groups.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_CONVOLUTION_INT16_H
#define UNETMM_CONVOLUTION_INT16_H

#include "unetmm.h"
#include "unetmm_requantize_int16.h"

typedef struct unetmm_convolution_wide {
    const int8_t *weights; /* outputs x kernel rows x kernel columns x depth */
    unetmm_requantization_int16 requantization;
    int32_t width; /* columns of the input */
    int32_t first; /* the column of the input where the window of column 0 begins */
    int32_t stride; /* columns */
    int32_t dilation; /* columns */
    int32_t kernel_rows;
    int32_t kernel_columns;
    int32_t depth; /* input channels of one group */
    int32_t groups;
    int32_t group_outputs; /* outputs of one group */
} unetmm_convolution_wide;

#ifdef __cplusplus
extern "C" {
#endif

unetmm_kernel unetmm_convolution_int16;

#ifdef __cplusplus
}
#endif

#endif
