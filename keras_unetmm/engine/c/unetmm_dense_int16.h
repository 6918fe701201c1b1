/* FULLY_CONNECTED on maps of int16.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_DENSE_INT16_H
#define UNETMM_DENSE_INT16_H

#include "unetmm.h"
#include "unetmm_requantize_int16.h"

typedef struct unetmm_dense_wide {
    const int8_t *weights; /* outputs x pixels x depth */
    unetmm_requantization_int16 requantization;
    int32_t whole; /* 1: the input is given whole; 0: the pixel at the same place */
    int32_t pixels; /* of the input, for one pixel of the output */
    int32_t depth; /* channels of the input */
    int32_t outputs;
} unetmm_dense_wide;

#ifdef __cplusplus
extern "C" {
#endif

unetmm_kernel unetmm_dense_int16;

#ifdef __cplusplus
}
#endif

#endif
