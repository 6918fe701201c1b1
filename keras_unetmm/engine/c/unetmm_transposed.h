/* TRANSPOSE_CONV on maps of int8.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_TRANSPOSED_H
#define UNETMM_TRANSPOSED_H

#include "unetmm.h"
#include "unetmm_requantize.h"

typedef struct unetmm_transposed {
    const int8_t *weights; /* outputs x kernel rows x kernel columns x depth */
    unetmm_requantization requantization;
    int32_t input_zero;
    int32_t width; /* columns of the input */
    int32_t row_stride;
    int32_t column_stride;
    int32_t row_padding; /* rows of the scattered result that are cut off at the top */
    int32_t column_padding;
    int32_t kernel_rows;
    int32_t kernel_columns;
    int32_t taps; /* rows of the input that one row of the output may need */
    int32_t depth; /* channels of the input, less than 2^16 */
    int32_t outputs; /* channels of the output */
} unetmm_transposed;

#ifdef __cplusplus
extern "C" {
#endif

unetmm_kernel unetmm_transposed_int8;

#ifdef __cplusplus
}
#endif

#endif
