/* SVDF on maps of int8, whose state of int8 or int16 lives from one run to the next.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_SVDF_H
#define UNETMM_SVDF_H

#include "unetmm.h"

typedef struct unetmm_svdf {
    const int8_t *features; /* filters x inputs */
    const int8_t *times; /* filters x memory, where the state has 8 bits; else NULL */
    const int16_t *wide_times; /* filters x memory, where the state has 16 bits; else NULL */
    const int32_t *bias; /* one an output */
    int32_t inputs;
    int32_t outputs;
    int32_t rank; /* filters of one output */
    int32_t memory; /* values that the state keeps of each filter */
    int32_t input_zero;
    int32_t state_zero;
    int32_t output_zero;
    int32_t state_multiplier; /* from sums over the inputs to the state */
    int32_t state_shift;
    int32_t output_multiplier; /* from sums over the state to the output */
    int32_t output_shift;
} unetmm_svdf;

#ifdef __cplusplus
extern "C" {
#endif

unetmm_kernel unetmm_svdf_int8;

#ifdef __cplusplus
}
#endif

#endif
