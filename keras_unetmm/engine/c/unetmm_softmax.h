/* Softmax over the channels of each pixel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_SOFTMAX_H
#define UNETMM_SOFTMAX_H

#include "unetmm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_softmax {
    const int32_t *exponentials; /* of a value that is 0, 1, ... 255 below the largest one, with 31 bits; less than 0 where it
                                    is too small to count */
    int32_t channels;
} unetmm_softmax;

void unetmm_softmax_int8(const void *parameters, const unetmm_block *block);
void unetmm_softmax_int8_int16(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
