/* BATCH_MATMUL on maps of int8 and int16, either of which may be constant.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_MATMUL_H
#define UNETMM_MATMUL_H

#include "unetmm.h"

/* One of the two factors: matrices in raster order, a row of each one a pixel. */
typedef struct unetmm_factor {
    const void *constant; /* its values, or NULL for a map */
    const int32_t *matrices; /* which of its matrices each matrix of the output takes */
    int32_t input; /* which input of the block it is */
    int32_t same; /* 1: a map that is given at the same place; 0: one that is given whole */
    int32_t rows; /* of one matrix as it is stored */
    int32_t columns;
    int32_t transposed; /* 1: its columns are the factor's rows */
    int32_t zero;
} unetmm_factor;

typedef struct unetmm_matmul {
    unetmm_factor first; /* rows x depth */
    unetmm_factor second; /* depth x columns */
    int32_t rows; /* of one matrix of the output */
    int32_t columns;
    int32_t depth;
    int32_t multiplier;
    int32_t shift;
    int32_t zero; /* of the output */
} unetmm_matmul;

#ifdef __cplusplus
extern "C" {
#endif

unetmm_kernel unetmm_matmul_int8;
unetmm_kernel unetmm_matmul_int16;

#ifdef __cplusplus
}
#endif

#endif
