/* Bilinear resizing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_RESIZE_H
#define UNETMM_RESIZE_H

#include "unetmm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_resize {
    const int16_t *rows; /* for each row of the output the rows of the input above and below it and the weight of the latter */
    const int16_t *columns; /* likewise */
    int32_t channels;
} unetmm_resize;

void unetmm_resize_bilinear_int8(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
