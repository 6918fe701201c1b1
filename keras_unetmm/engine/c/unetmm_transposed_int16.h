/* TRANSPOSE_CONV on maps of int16.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_TRANSPOSED_INT16_H
#define UNETMM_TRANSPOSED_INT16_H

#include "unetmm.h"
#include "unetmm_requantize_int16.h"

typedef struct unetmm_transposed_wide {
    const int8_t *weights; /* outputs x kernel rows x kernel columns x depth */
    unetmm_requantization_int16 requantization;
    int32_t width; /* columns of the input */
    int32_t row_stride;
    int32_t column_stride;
    int32_t row_padding; /* rows of the scattered result that are cut off at the top */
    int32_t column_padding;
    int32_t kernel_rows;
    int32_t kernel_columns;
    int32_t taps; /* rows of the input that one row of the output may need */
    int32_t depth; /* channels of the input */
    int32_t outputs; /* channels of the output */
} unetmm_transposed_wide;

#ifdef __cplusplus
extern "C" {
#endif

unetmm_kernel unetmm_transposed_int16;

#ifdef __cplusplus
}
#endif

#endif
