/* FULLY_CONNECTED where one output pixel reads several pixels of a map of int8, as after a flattening.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_DENSE_H
#define UNETMM_DENSE_H

#include "unetmm.h"
#include "unetmm_requantize.h"

typedef struct unetmm_dense {
    const int8_t *weights; /* outputs x pixels x depth */
    unetmm_requantization requantization;
    int32_t pixels; /* of the input, for one pixel of the output */
    int32_t depth; /* channels of the input, less than 2^17 */
    int32_t outputs;
} unetmm_dense;

#ifdef __cplusplus
extern "C" {
#endif

unetmm_kernel unetmm_dense_int8;

#ifdef __cplusplus
}
#endif

#endif
