/* Each pixel divided by the length of its vector of channels.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_NORMALIZE_H
#define UNETMM_NORMALIZE_H

#include "unetmm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_normalize {
    int32_t channels;
    int32_t input_zero;
} unetmm_normalize;

void unetmm_normalize_int8(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
