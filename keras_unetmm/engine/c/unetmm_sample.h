/* Copies of pixels from a window: what cuts, pads and repeats rows, columns and channels.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNETMM_SAMPLE_H
#define UNETMM_SAMPLE_H

#include "unetmm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unetmm_sample {
    const int16_t *rows; /* the row of the input, in its image, for each row of the output; less than 0 for padding */
    const int16_t *columns;
    const void *fill; /* the value of padding, one element */
    int32_t element; /* bytes */
    int32_t before; /* bytes of padding before the channels */
    int32_t from; /* bytes of the input before the first channel that is copied */
    int32_t copied; /* bytes */
    int32_t after; /* bytes of padding after the channels */
} unetmm_sample;

void unetmm_sample_any(const void *parameters, const unetmm_block *block);

#ifdef __cplusplus
}
#endif

#endif
