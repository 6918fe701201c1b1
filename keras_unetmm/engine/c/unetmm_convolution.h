/* CONV_2D with a window, on maps of int8: any kernel, stride, dilation, padding and number of groups.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_CONVOLUTION_H
#define UNETMM_CONVOLUTION_H

#include "unetmm.h"
#include "unetmm_requantize.h"

typedef struct unetmm_convolution {
    const int8_t *weights; /* outputs x kernel rows x lines; a line is kernel columns x depth, filled up with zeros */
    unetmm_requantization requantization;
    int32_t input_zero;
    int32_t width; /* columns of the input */
    int32_t first; /* the column of the input where the window of column 0 begins */
    int32_t stride; /* columns */
    int32_t dilation; /* columns */
    int32_t kernel_rows;
    int32_t kernel_columns;
    int32_t line; /* bytes, a multiple of 4 */
    int32_t depth; /* input channels of one group; kernel_columns * depth is less than 2^17 */
    int32_t groups;
    int32_t group_outputs; /* outputs of one group */
} unetmm_convolution;

#ifdef __cplusplus
extern "C" {
#endif

unetmm_kernel unetmm_convolution_int8;

#ifdef __cplusplus
}
#endif

#endif
