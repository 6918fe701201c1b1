/* Channels to places and places to channels.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_SHUFFLE_H
#define UNETMM_SHUFFLE_H

#include "unetmm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_shuffle {
    int32_t size; /* of the square of pixels that becomes one, or that one becomes */
    int32_t bytes; /* of one pixel of the square */
} unetmm_shuffle;

void unetmm_depth_to_space(const void *parameters, const unetmm_block *block);
void unetmm_space_to_depth(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
